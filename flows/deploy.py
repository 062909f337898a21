"""Serves the nightly flow every night at the local time of the settings, until it is stopped.

    python -m flows.deploy

Schedule, retries and paths come from newsclust.toml and NEWSCLUST_*; see `[night]` there.
"""

from prefect.schedules import Cron, Schedule

from flows.nightly import nightly
from newsclust.settings import NightSettings, load_settings


def schedule(night: NightSettings) -> Schedule:
    """Return the schedule: every night at the same local time, also when the clocks change."""
    hour, minute = night.at.split(":")
    return Cron(f"{int(minute)} {int(hour)} * * *", timezone=night.timezone)


def main() -> None:
    """Serve; one night at a time, so that a long one is not overtaken by the next."""
    night = load_settings().night
    nightly.serve(name="nightly", schedule=schedule(night), limit=1)


if __name__ == "__main__":
    main()
