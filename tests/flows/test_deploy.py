"""The schedule: when a night begins, and what is refused before a schedule is claimed to be served."""

import asyncio
from datetime import UTC, datetime

import pytest
from prefect.server.schemas.schedules import CronSchedule
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.deploy import check_server, main, schedule
from newsclust.settings import NightSettings

pytestmark = pytest.mark.flow


@pytest.mark.parametrize(("month", "utc_hour"), [(1, 3), (7, 2)], ids=["winter", "summer"])
def test_the_night_begins_at_the_local_time_of_the_settings_all_year(month: int, utc_hour: int) -> None:
    planned = schedule(NightSettings(at="04:05", timezone="Europe/Paris"))
    assert (planned.cron, planned.timezone) == ("5 4 * * *", "Europe/Paris")
    served = CronSchedule(cron=str(planned.cron), timezone=planned.timezone)
    begins = asyncio.run(served.get_dates(n=2, start=datetime(2026, month, 15, tzinfo=UTC)))
    assert [begin.astimezone(UTC) for begin in begins] == [
        datetime(2026, month, day, utc_hour, 5, tzinfo=UTC) for day in (15, 16)
    ]


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:9/api"], ids=["no server named", "no server answers"])
def test_a_schedule_without_a_server_that_lasts_is_refused_with_what_to_do(
    url: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("NEWSCLUST_CONFIG", raising=False)
    with (
        temporary_settings(updates={PREFECT_API_URL: url} if url else {}, restore_defaults={PREFECT_API_URL}),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    assert ended.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("deploy: ")
    assert "`prefect server start`" in last
    assert "PREFECT_API_URL" in last


def test_a_server_that_answers_is_accepted(prefect_server: str) -> None:
    check_server()
