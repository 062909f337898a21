"""Runs the night every night until it is stopped: beside the Prefect server that is named, else with one of its own.

Prefect's schedule starts the nights. A watch beside it lives a night that Prefect did not start, and reports nights
that were killed or are late: news are not lost to the orchestrator.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, get_current_settings, temporary_settings
from prefect.types.entrypoint import EntrypointType

from newsclust.errors import StoreError
from newsclust.night_record import is_night_running, read_record
from newsclust.settings import NightSettings, Settings, load_settings, settings_file

from .deploy import schedule
from .lifecycle import prefect_problem, report_standing
from .nightly import nightly
from .own_server import OwnServer

log = logging.getLogger("newsclust")
_PAUSE_S = 60  # between two looks of the watch, and before Prefect is tried again
_GRACE = timedelta(minutes=5)  # for Prefect to start a night; then the watch does


def serve(config: Path | None = None) -> None:
    """Serve the nightly flow at the hour of the settings until a signal ends it; then end what was started.

    Raises SettingsError before anything is started.
    """
    settings = load_settings(config)
    file = settings_file(config)
    signal.signal(signal.SIGTERM, _stop)
    with _prefect(settings) as own_server:
        watch = Watch(settings, file.resolve() if file.is_file() else None, own_server)
        with watch.running():
            while True:
                problem = prefect_problem()
                if problem is None:
                    try:
                        _serve(settings.night, watch.config)
                    except Exception as error:  # noqa: BLE001 (Prefect's own trouble has no common class)
                        problem = f"{type(error).__name__}: {error}"
                    else:
                        return  # a signal
                log.warning("Prefect is away (%s): nights are lived without it; next try in %d s", problem, _PAUSE_S)
                time.sleep(_PAUSE_S)


def _serve(night: NightSettings, config: Path | None) -> None:
    # A module path: a run of the wheel must not need the folder that it was served from.
    nightly.serve(
        name="nightly",
        schedule=schedule(night),
        parameters={} if config is None else {"config": str(config)},
        limit=1,
        pause_on_shutdown=False,
        entrypoint_type=EntrypointType.MODULE_PATH,
        print_starting_message=False,
    )


@contextmanager
def _prefect(settings: Settings) -> Iterator[OwnServer | None]:
    """Inside, Prefect's settings name a server: the one that the environment or profile names, or one of our own."""
    if url := get_current_settings().api.url:
        log.info("the night is served at %s, at %s %s", url, settings.night.at, settings.night.timezone)
        yield None
        return
    with OwnServer(settings.paths.database.parent / "prefect") as server:
        log.info(
            "the night is served at %s %s; Prefect: %s (how to log in: %s)",
            settings.night.at,
            settings.night.timezone,
            server.url.removesuffix("/api"),
            server.access_file,
        )
        with temporary_settings(updates={PREFECT_API_URL: server.url, PREFECT_API_AUTH_STRING: server.auth_string}):
            yield server


def _stop(*_: object) -> None:
    raise SystemExit(0)  # through the contexts, which end what they started


def last_hour(night: NightSettings, now: datetime) -> datetime:
    """Return the last moment, in UTC, at which a night should have begun: today's hour or yesterday's, local time.

    An hour that the clocks skip is the same moment an hour later, as Prefect's schedule has it.
    """
    zone = ZoneInfo(night.timezone)
    hour, minute = map(int, night.at.split(":"))
    today = now.astimezone(zone).replace(hour=hour, minute=minute, second=0, microsecond=0, fold=0)
    begins = today.astimezone(UTC)
    if begins > now:
        begins = (today - timedelta(days=1)).astimezone(UTC)
    return begins


class Watch:
    """Looks once a minute after the nights and after a server of our own, and lives the night that nobody started."""

    def __init__(self, settings: Settings, config: Path | None, own_server: OwnServer | None = None) -> None:
        self.settings = settings
        self.config = config
        self._own_server = own_server
        self._stopped = threading.Event()
        self._night: subprocess.Popen[bytes] | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Inside, the watch looks; then it ends, and a night of its own with it."""
        thread = threading.Thread(target=self._look_until_stopped, name="watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join(timeout=_PAUSE_S)
            if self._night is not None and self._night.poll() is None:
                self._night.terminate()
                self._night.wait(timeout=30)

    def _look_until_stopped(self) -> None:
        while not self._stopped.wait(_PAUSE_S):
            try:
                self.look(datetime.now(UTC))
            except Exception:
                log.exception("the watch over the nights failed; it looks again in %d s", _PAUSE_S)

    def look(self, now: datetime) -> None:
        """Report once what is wrong with the nights, live the one that was missed, and revive a server of our own."""
        if self._own_server is not None:
            self._own_server.ensure_running()
        report_standing(self.settings, now)
        if self.is_missed(now):
            log.warning(
                "the night of %s was not started: it is lived now", f"{last_hour(self.settings.night, now):%H:%M} UTC"
            )
            command = [sys.executable, "-m", "newsclust", "night"]
            if self.config is not None:
                command += ["--config", str(self.config)]
            self._night = subprocess.Popen(  # noqa: S603 (our own interpreter)
                command, env=os.environ | _prefect_environment()
            )

    def is_missed(self, now: datetime) -> bool:
        """Return whether no night has begun since the last hour, though one was lived with these settings before."""
        if self._night is not None and self._night.poll() is None:
            return False
        begins = last_hour(self.settings.night, now)
        if now < begins + _GRACE or is_night_running(self.settings.paths.database):
            return False
        try:
            record = read_record(self.settings.paths.published)
        except StoreError:
            return False  # the next night writes it anew
        # A run may begin some seconds before its hour: a runner takes up those of the next ten.
        if record is None:
            return False
        # One that began later than now was dated by a clock that had jumped ahead: it is no reason to wait for it.
        return not begins - timedelta(minutes=1) <= record.last.started_at <= now + timedelta(minutes=1)


def _prefect_environment() -> dict[str, str]:
    return {
        name: value
        for name, value in get_current_settings().to_environment_variables(exclude_unset=True).items()
        if name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING")
    }
