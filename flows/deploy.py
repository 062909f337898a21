"""Serves the nightly flow every night at the local time of the settings, until it is stopped.

    prefect server start                                            # in another terminal, or as a service
    PREFECT_API_URL=http://127.0.0.1:4200/api python -m flows.deploy

Schedule, retries and paths come from newsclust.toml and NEWSCLUST_*; see `[night]` there.
"""

import os
import sys

if __name__ == "__main__":  # read when Prefect is imported, by the nights' processes too: nothing is sent to anybody
    os.environ.setdefault("DO_NOT_TRACK", "1")

from prefect.client.orchestration import get_client
from prefect.schedules import Cron, Schedule
from prefect.settings import get_current_settings

from newsclust.errors import NewsclustError, SettingsError
from newsclust.settings import NightSettings, load_settings
from newsclust.text.sanitize import strip_controls

from .nightly import nightly

_START_A_SERVER = "start one with `prefect server start` and set PREFECT_API_URL=http://127.0.0.1:4200/api"


def schedule(night: NightSettings) -> Schedule:
    """Return the schedule: every night at the same local time, also when the clocks change."""
    hour, minute = night.at.split(":")
    return Cron(f"{int(minute)} {int(hour)} * * *", timezone=night.timezone)


def check_server() -> None:
    """Raise SettingsError unless a Prefect server that lasts is named and answers.

    Without PREFECT_API_URL (or a profile that sets it) Prefect starts a temporary server, which has no scheduler:
    it would list the deployment, and no night would ever start.
    """
    url = get_current_settings().api.url
    if url is None:
        raise SettingsError(f"a schedule needs a Prefect server that stays up: {_START_A_SERVER}")
    with get_client(sync_client=True) as client:
        problem = client.api_healthcheck()
    if problem is not None:
        raise SettingsError(f"no Prefect server answers at PREFECT_API_URL={url} ({problem}): {_START_A_SERVER}")


def main() -> None:
    """Serve, one night at a time: a long one is not overtaken by the next."""
    try:
        night = load_settings().night
        check_server()
    except NewsclustError as error:
        print(f"deploy: {strip_controls(str(error))}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    nightly.serve(name="nightly", schedule=schedule(night), limit=1, pause_on_shutdown=False)


if __name__ == "__main__":
    main()
