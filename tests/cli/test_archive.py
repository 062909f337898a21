"""The verbs that keep the working file: backup, restore and embed."""

from pathlib import Path

import pytest

from newsclust.night_record import only_night
from newsclust.store import Database
from tests.store.test_published import archive
from tests.terminal import Terminal


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working file of ten articles, and settings that name it."""
    archive(tmp_path, 10)
    monkeypatch.setenv("NEWSCLUST_PATHS__DATABASE", str(tmp_path / "work.duckdb"))
    monkeypatch.setenv("NEWSCLUST_PATHS__PUBLISHED", str(tmp_path / "published.duckdb"))
    return tmp_path


def test_a_backup_is_written_into_a_folder_and_restored_from_there(terminal: Terminal, folder: Path) -> None:
    (folder / "kept").mkdir()
    ended = terminal("backup", str(folder / "kept"))
    assert ended.code == 0, ended.err
    (kept,) = (folder / "kept").iterdir()
    assert str(kept) in ended.out
    (folder / "work.duckdb").unlink()
    ended = terminal("restore", str(kept))
    assert ended.code == 0, ended.err
    assert "10 articles" in ended.out
    assert "rebuilt" not in ended.out
    with Database(folder / "work.duckdb") as db:
        assert db.value("SELECT count(*) FROM articles") == 10


def test_a_present_file_is_kept_aside_and_only_on_request(terminal: Terminal, folder: Path) -> None:
    assert terminal("backup", str(folder / "backup.duckdb")).code == 0
    refused = terminal("restore", str(folder / "backup.duckdb"))
    assert refused.code == 3
    assert "--replace" in refused.err
    ended = terminal("restore", str(folder / "backup.duckdb"), "--replace")
    assert ended.code == 0, ended.err
    assert "work.duckdb.before-restore" in ended.out


def test_nothing_is_backed_up_or_restored_while_a_night_runs(terminal: Terminal, folder: Path) -> None:
    before = (folder / "work.duckdb").read_bytes()
    with only_night(folder / "work.duckdb"):
        for arguments in (("backup", "b.duckdb"), ("restore", "published.duckdb", "--replace"), ("embed", "--all")):
            ended = terminal(*arguments)
            assert ended.code == 3, arguments
            assert "is under way" in ended.err
    assert (folder / "work.duckdb").read_bytes() == before


def test_embedding_the_archive_is_asked_for_by_name_takes_up_where_it_stopped_and_drops_other_vectors(
    terminal: Terminal, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEWSCLUST_EMBED__USE", "tests.fakes:TaggedEmbedder")
    with Database(folder / "work.duckdb") as db:
        db.execute("UPDATE articles SET title = '#' || article_id || ' ' || title, text = title")
        db.execute(
            "INSERT INTO embeddings BY NAME SELECT article_id, 'old' AS model, [1.0] AS vector, "
            "[1.0] AS title_vector, now()::TIMESTAMP AS embedded_at, 'r' AS run_id FROM articles"
        )
    refused = terminal("embed")
    assert refused.code == 2
    assert "--all" in refused.err
    ended = terminal("embed", "--all")
    assert ended.code == 0, ended.err
    assert "10 articles embedded" in ended.out
    assert "0 articles embedded" in terminal("embed", "--all").out
    with Database(folder / "work.duckdb") as db:
        assert db.tuples("SELECT count(*), count(DISTINCT model), min(model) <> 'old' FROM embeddings") == [
            (10, 1, True)
        ]
        assert set(db.column("SELECT outcome FROM runs WHERE flow = 'embed'")) == {"finished"}
