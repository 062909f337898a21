"""A Prefect server of our own: on loopback, behind a password, with its database in the data folder."""

import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Self

from newsclust.errors import StoreError

_PORT = 4200  # Prefect's usual one, when it is free
_STARTS_WITHIN_S = 180  # some 25 s on an idle machine, most of it the migrations of an empty database
_ENDS_WITHIN_S = 20
_PR_SET_PDEATHSIG = 1
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW  # a link in its place is an error


class OwnServer:
    """A Prefect server that lives as long as the context; `StoreError` when it does not start.

    When this process is killed, the system ends the server (Linux). Its address and password stand in
    `access_file`, readable by its owner alone, in the form of a shell's variables.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.access_file = self.folder / "access.env"
        self.auth_string = f"newsclust:{secrets.token_urlsafe(24)}"
        self._port = _free_port()
        self.url = f"http://127.0.0.1:{self._port}/api"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start the server and wait until it answers."""
        self.ensure_running()
        return self

    def __exit__(self, *_: object) -> None:
        """End the server."""
        self._end()

    def ensure_running(self) -> None:
        """Start the server, also one that has ended by itself, and wait until it answers."""
        if self._process is not None and self._process.poll() is None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._write_access()
            self._process = self._started()
        except OSError as error:
            raise StoreError(f"{self.folder}: Prefect's server cannot be started there: {error.strerror}") from error
        try:
            self._wait()
        except BaseException:
            self._end()
            raise

    def _started(self) -> "subprocess.Popen[bytes]":
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        environment |= {
            "DO_NOT_TRACK": "1",
            "PREFECT_HOME": str(self.folder),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_API_AUTH_STRING": self.auth_string,
            "PREFECT_API_AUTH_STRING": self.auth_string,  # its own services ask the API, too
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": self.url.removesuffix("/api"),
            "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
            "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(self.folder / "ui"),  # else it writes into site-packages
        }
        command = [
            sys.executable,
            "-m",
            "prefect",
            "server",
            "start",
            "--host",
            "127.0.0.1",
            "--port",
            str(self._port),
        ]
        log_file = os.open(self.folder / "server.log", _NEW_FILE, 0o600)  # of this start: it does not grow for ever
        with os.fdopen(log_file, "wb") as output:
            return subprocess.Popen(  # noqa: S603 (our own interpreter)
                command,
                cwd=self.folder,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C is for us: the server ends after the runs
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )

    def _write_access(self) -> None:
        descriptor = os.open(self.access_file, _NEW_FILE, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as written:
            os.fchmod(descriptor, 0o600)
            written.write(f"PREFECT_API_URL={self.url}\nPREFECT_API_AUTH_STRING={self.auth_string}\n")

    def _wait(self) -> None:
        deadline = time.monotonic() + _STARTS_WITHIN_S
        while self._process is not None and self._process.poll() is None and time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:  # noqa: S310 (loopback)
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.2)
        raise StoreError(f"Prefect's server did not start; {self.folder / 'server.log'} says why")

    def _end(self) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=_ENDS_WITHIN_S)


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _free_port() -> int:
    for port in (_PORT, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StoreError("no port is free on 127.0.0.1")
