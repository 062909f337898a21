"""The first night of who has listed no feed yet: nothing to do is no error, in any step."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.lifecycle import without_prefect
from flows.nightly import nightly
from newsclust.store import open_published

pytestmark = pytest.mark.flow
NIGHT = datetime(2026, 2, 3, 22, tzinfo=UTC)


def test_a_night_without_feeds_comes_to_its_good_end_and_publishes(tmp_path: Path) -> None:
    config = tmp_path / "newsclust.toml"
    config.write_text(
        '[paths]\nfeeds = "feeds.toml"\ndatabase = "newsclust.duckdb"\npublished = "published/newsclust.duckdb"\n'
        "[night]\nretries = 0\n",
        encoding="utf-8",
    )
    (tmp_path / "feeds.toml").write_text("# none yet\n", encoding="utf-8")
    with without_prefect("it plays no part here"):
        nightly.fn(config=config, night_at=NIGHT)
    with open_published(tmp_path / "published" / "newsclust.duckdb") as connection:
        assert connection.execute("SELECT outcome FROM nightly_summary").fetchall() == [("finished",)]
        assert connection.execute("SELECT count(*) FROM current_stories").fetchone() == (0,)
