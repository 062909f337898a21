"""Being told: what is said of a night, that it arrives once, and that it neither holds a night nor tells a secret."""

import json
import logging
import os
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest
from pydantic import SecretStr

from newsclust import notify
from newsclust.errors import SettingsError
from newsclust.model import Feed
from newsclust.night_record import NightAttempt, NightRecord, write_record
from newsclust.notify import Announced, Message, Occasion
from newsclust.polling.health import FeedHealth, HealthState
from newsclust.report import TroubledFeed, summary_markdown, troubled_feeds
from newsclust.settings import FetchSettings, NotifySettings, Paths, Settings, load_settings, settings_toml
from newsclust.store import Database, feed_health, feeds, runs
from tests.terminal import Terminal

NIGHT = datetime(2026, 3, 2, 3, 30, tzinfo=UTC)
PASSWORD = "hunter2/p@ss:w#rd%?&+ é"  # every character that an address could break on
ENVIRONMENT = {"WORD": PASSWORD}


class Service:
    """A web service on loopback that keeps what it is sent; `status` is its answer, `hang` makes it give none."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, str]] = []  # path, Authorization, body
        self.statuses: list[int] = []  # of the next answers; then 200
        self.hang = threading.Event()
        self.port = 0

    @property
    def messages(self) -> list[dict[str, str]]:
        return [json.loads(body) for _, _, body in self.requests]


@pytest.fixture(autouse=True)
def _with_a_state_folder_and_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(notify, "_REFUSED", {})
    monkeypatch.setattr(notify, "_UNWRITTEN", {})


@pytest.fixture
def service() -> Iterator[Service]:
    with running_service() as running:
        yield running


@contextmanager
def running_service() -> Iterator[Service]:
    ours = Service()
    released = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            ours.requests.append((self.path, self.headers.get("Authorization", ""), body))
            if ours.hang.is_set():
                released.wait(60)
                return
            self.send_response(ours.statuses.pop(0) if ours.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815 - the standard library's names

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    ours.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield ours
    finally:
        released.set()
        server.shutdown()
        server.server_close()


def settings_for(folder: Path, *to: str, ping: str = "", on: tuple[str, ...] | None = None) -> Settings:
    given = {"to": to, "ping": ping} | ({"on": on} if on else {})
    return Settings(
        paths=Paths(published=folder / "published" / "newsclust.duckdb"), notify=NotifySettings.model_validate(given)
    )


def failed_night(at: datetime = NIGHT) -> Message:
    return notify.night_failed(
        night_at=at, step="embed_articles", error="no memory", last_good_at=at - timedelta(days=1)
    )


def feed(name: str, state: str = "failing", why: str = "its last request failed: timeout") -> TroubledFeed:
    return TroubledFeed(feed_id=name, title=f"The {name}", state=state, since=NIGHT, why=why)


# ---------------------------------------------------------------- what is said


def test_a_failed_night_names_its_step_its_error_the_last_good_night_and_what_helps() -> None:
    message = failed_night()
    assert message.title == "newsclust: the night of 2026-03-02 failed"
    assert message.body == (
        "The night of 2026-03-02 03:30 UTC failed. It failed in the step embed_articles: no memory\n"
        "The last good night was that of 2026-03-01 03:30 UTC; what it published stays.\n"
        "The next night goes on where this one stopped. "
        "`newsclust status` shows more; docs/operating.md says what helps."
    )


def test_a_night_that_failed_before_its_first_step_and_without_a_good_one_before_says_both() -> None:
    body = notify.night_failed(night_at=NIGHT, step=None, error="the disk is full", last_good_at=None).body
    assert "It failed before its first step: the disk is full\n`newsclust check` judges what a night needs" in body
    assert "\nNo night has been good yet.\n" in body


def test_a_killed_night_says_that_it_never_ended() -> None:
    message = notify.night_crashed(night_at=NIGHT, last_good_at=None)
    assert (message.occasion, message.title) == (
        Occasion.CRASHED,
        "newsclust: the night of 2026-03-02 was killed before its end",
    )


def test_a_night_is_late_from_the_hours_on_that_the_settings_say_and_never_before_a_first_good_one() -> None:
    good = NIGHT - timedelta(hours=26)
    assert notify.night_late(now=NIGHT, last_good_at=good, after_hours=26) is None
    assert notify.night_late(now=NIGHT, last_good_at=None, after_hours=26) is None
    late = notify.night_late(now=NIGHT + timedelta(hours=3), last_good_at=good, after_hours=26)
    assert late is not None
    assert late.title == "newsclust: no good night for 29 hours"
    again = notify.night_late(now=NIGHT + timedelta(hours=9), last_good_at=good, after_hours=26)
    assert again is not None
    assert again.key == late.key


def test_each_feed_is_named_once_a_trouble_and_again_after_it_was_well() -> None:
    told = Announced()
    first = notify.feeds_in_trouble([feed("Courier")], told, night_at=NIGHT)
    assert first is not None
    assert first.title == "newsclust: 1 feed newly in trouble"
    assert first.body.startswith("- The Courier: failing since 2026-03-02, its last request failed: timeout\n")
    told = notify.remembered(told, first, troubled=[feed("Courier")])
    assert notify.feeds_in_trouble([feed("Courier")], told, night_at=NIGHT) is None
    other = notify.feeds_in_trouble([feed("Courier", "gone"), feed("Herald")], told, night_at=NIGHT)
    assert other is not None
    assert "The Courier: gone" in other.body
    assert "The Herald" in other.body
    assert "In trouble altogether: 2." in other.body
    told = notify.without_recovered(told, [])
    assert notify.feeds_in_trouble([feed("Courier")], told, night_at=NIGHT) is not None


def test_a_hundred_feeds_in_trouble_make_a_message_of_twenty() -> None:
    message = notify.feeds_in_trouble([feed(f"F{n}", why="x" * 999) for n in range(100)], Announced(), night_at=NIGHT)
    assert message is not None
    assert message.title == "newsclust: 100 feeds newly in trouble"
    assert len(message.body) <= 3500


def test_strangers_words_mention_nobody_link_nowhere_and_move_no_cursor() -> None:
    hostile = "\x1b[2J@everyone <!channel> [win](https://evil.example) `rm`\nSecond line \u202egnp"
    message = notify.feeds_in_trouble([feed("Courier", why=hostile)], Announced(), night_at=NIGHT)
    assert message is not None
    line = message.body.splitlines()[0]
    assert line.endswith("[2J(at)everyone ‹!channel› [win] (https://evil.example) 'rm' Second line gnp")


def test_an_error_with_an_address_that_holds_credentials_is_said_without_them() -> None:
    error = "https://user:hunter22@example.org/feed: no answer"
    body = notify.night_failed(night_at=NIGHT, step="fetch_feeds", error=error, last_good_at=None).body
    assert "hunter22" not in body
    assert "https://***(at)example.org/feed" in body


def test_the_summary_is_plain_text_with_one_line_a_row() -> None:
    markdown = (
        "# The night of 2026-03-02 03:30 UTC: finished\n\n| new entries | failures |\n| --- | --- |\n| 12 | 3 |\n\n"
        "## Slowest feeds\n\n| feed | seconds |\n| --- | --- |\n| A | 3 |\n\n"
        "## Topics\n\n| stories | topic |\n| --- | --- |\n| 4 | chips \\| \\<b> @all |\n\n"
        "## Steps\n\n| step | done |\n| --- | --- |\n| check | 3 |\n"
    )
    message = notify.morning_summary(markdown, night_at=NIGHT)
    assert message.title == "newsclust: the night of 2026-03-02 03:30 UTC: finished"
    assert message.body == "new entries · failures\n12 · 3\n\nTopics\n\nstories · topic\n4 · chips | ‹b› (at)all"


def test_a_long_summary_ends_at_the_end_of_a_line_and_says_so() -> None:
    message = notify.morning_summary("# The night\n" + "a line of words\n" * 1000, night_at=NIGHT)
    assert len(message.body) <= 3500
    assert message.body.endswith("a line of words\n(`newsclust status` shows the rest.)")


# ---------------------------------------------------------------- that it arrives


def test_a_message_arrives_with_what_said_it_and_where(service: Service, tmp_path: Path) -> None:
    deliveries = notify.send([failed_night()], settings_for(tmp_path, f"json://127.0.0.1:{service.port}/night"), {})
    assert [delivery.error for delivery in deliveries] == [None]
    (message,) = service.messages
    assert message["title"] == "newsclust: the night of 2026-03-02 failed"
    assert message["message"].startswith("The night of 2026-03-02 03:30 UTC failed. It failed in the step")
    assert "\n-- newsclust 0.1.0 on " in message["message"]


def test_a_secret_out_of_the_environment_arrives_whatever_its_characters(service: Service, tmp_path: Path) -> None:
    settings = settings_for(
        tmp_path,
        f"json://news:${{WORD}}@127.0.0.1:{service.port}/",
        "${ALL}",
        ping=f"http://127.0.0.1:{service.port}/${{WORD}}",
    )
    environment = ENVIRONMENT | {"ALL": f"json://127.0.0.1:{service.port}/whole?+Token=a%20b"}
    assert [d.error for d in notify.send([notify.trial()], settings, environment)] == [None, None]
    # requests writes credentials as latin-1
    sent = b64encode(f"news:{PASSWORD}".encode("latin-1")).decode()
    assert {path: header for path, header, _ in service.requests} == {"/": f"Basic {sent}", "/whole": ""}
    pinged = notify.ping(settings, environment)
    assert pinged is not None
    assert pinged.error is None
    assert unquote(service.requests[-1][0]) == f"/{PASSWORD}"


def test_what_was_told_is_not_told_again_but_what_nobody_took_is_after_a_while(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(tmp_path, f"json://127.0.0.1:{service.port}/")
    service.statuses = [500]
    assert [d.error for d in notify.announce([failed_night()], settings, {})] != [None]
    assert notify.announce([failed_night()], settings, {}) == []  # a watch that looks every minute
    monkeypatch.setattr(notify, "_RETRY_S", 0)
    assert [d.error for d in notify.announce([failed_night()], settings, {})] == [None]
    assert notify.announce([failed_night()], settings, {}) == []
    notify.announce([failed_night(NIGHT + timedelta(days=1))], settings, {})
    assert len(service.messages) == 3


def test_a_mail_is_plain_text_signed_in_and_whole(tmp_path: Path) -> None:
    sessions: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_take_one_mail, args=(listening, sessions), daemon=True).start()
        port = listening.getsockname()[1]
        query = "mode=insecure&from=news@desk.example&to=admin@desk.example"
        settings = settings_for(tmp_path, f"mailtos://news:${{WORD}}@127.0.0.1:{port}?{query}")
        deliveries = notify.send([failed_night()], settings, {"WORD": "hunter2 p@ss:w/rd"})
    assert [delivery.error for delivery in deliveries] == [None]
    (session,) = sessions
    signed_in = b64encode(b"\0news\0hunter2 p@ss:w/rd").decode()
    assert f"AUTH PLAIN {signed_in}" in session
    assert "Subject: newsclust: the night of 2026-03-02 failed" in session
    assert "It failed in the step embed_articles: no memory" in session.replace("=\r\n", "")  # quoted-printable
    assert "text/html" not in session


def _take_one_mail(listening: socket.socket, sessions: list[str]) -> None:
    """Speak as much SMTP (RFC 5321) as one mail takes."""
    connection, _ = listening.accept()
    with connection, connection.makefile("rwb", buffering=0) as stream:
        stream.write(b"220 loopback ESMTP\r\n")
        lines, in_mail = [], False
        for line in stream:
            lines.append(line.decode())
            verb = line[:4].upper()
            if in_mail and line != b".\r\n":
                continue
            in_mail = verb == b"DATA"
            answers = {b"EHLO": b"250-loopback\r\n250 AUTH PLAIN", b"AUTH": b"235 in", b"DATA": b"354 go"}
            stream.write(answers.get(verb, b"250 fine") + b"\r\n")
            if verb == b"QUIT":
                break
    sessions.append("".join(lines))


def test_only_what_the_settings_name_is_told(service: Service, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, f"json://127.0.0.1:{service.port}/", on=("crashed",))
    assert notify.announce([failed_night()], settings, {}) == []
    assert notify.announce_feeds([feed("Courier")], settings, {}, night_at=NIGHT) == []
    notify.announce([failed_night(), notify.night_crashed(night_at=NIGHT, last_good_at=None)], settings, {})
    assert [message["title"] for message in service.messages] == [
        "newsclust: the night of 2026-03-02 was killed before its end"
    ]


def test_feeds_are_announced_night_by_night(service: Service, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, f"json://127.0.0.1:{service.port}/")
    nights = [[feed("Courier")], [feed("Courier")], [], [feed("Courier"), feed("Herald")]]
    sent = []
    for number, troubled in enumerate(nights):
        notify.announce_feeds(troubled, settings, {}, night_at=NIGHT + timedelta(days=number))
        sent.append(len(service.messages))
    assert sent == [1, 1, 1, 2]


def test_a_damaged_memory_of_what_was_told_is_no_error(service: Service, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, f"json://127.0.0.1:{service.port}/")
    path = notify.announced_file(settings.paths.published)
    path.parent.mkdir()
    for damaged in ("", "[]", '{"keys": 3}', '{"keys": [], "feeds": {"a": 4}}', "\x00"):
        path.write_text(damaged)
        assert notify.read_announced(settings.paths.published) == Announced()
    assert [d.error for d in notify.announce([failed_night()], settings, {})] == [None]
    assert notify.read_announced(settings.paths.published).keys == (failed_night().key,)


@pytest.mark.parametrize("state_folder", ["a folder", "a file"])
def test_a_folder_that_cannot_be_written_stops_no_message_and_repeats_none(
    state_folder: str, service: Service, tmp_path: Path
) -> None:
    (tmp_path / "published").write_text("a file, and no folder")
    if state_folder == "a file":
        (tmp_path / "state").write_text("")
    settings = settings_for(tmp_path, f"json://127.0.0.1:{service.port}/")
    assert [d.error for d in notify.announce([failed_night()], settings, {})] == [None]
    assert notify.announce([failed_night()], settings, {}) == []
    assert len(service.messages) == 1


def test_a_full_disk_does_not_repeat_what_was_told(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(tmp_path, f"json://127.0.0.1:{service.port}/")
    notify.announce([failed_night()], settings, {})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("newsclust.night_record.replace_file", full)
    notify.announce([failed_night(NIGHT + timedelta(days=1))], settings, {})
    assert notify.announce([failed_night(NIGHT + timedelta(days=1))], settings, {}) == []
    assert len(notify.read_announced(settings.paths.published).keys) == 2
    assert not notify._UNWRITTEN


# ---------------------------------------------------------------- that it holds no night


def test_a_service_that_hangs_is_given_up_and_delays_no_other(service: Service, tmp_path: Path) -> None:
    service.hang.set()
    with running_service() as other:
        settings = settings_for(
            tmp_path, f"json://127.0.0.1:{service.port}/?rto=60", f"json://127.0.0.1:{other.port}/"
        )
        before = time.monotonic()
        deliveries = notify.send([failed_night()], settings, {}, timeout_s=3)
        assert time.monotonic() - before < 30
        assert [d.error for d in deliveries] == ["no answer within 3 s", None]
        assert len(other.messages) == 1


def test_addresses_that_refuse_or_do_not_exist_say_why_and_raise_nothing(service: Service, tmp_path: Path) -> None:
    service.statuses = [403]
    settings = settings_for(
        tmp_path,
        f"json://127.0.0.1:{service.port}/",
        "json://127.0.0.1:1/nobody-listens",
        "nonsense://abcdefgh",
        "json://${UNSET_ONE}:${UNSET_TWO}@example.org",
    )
    errors = [delivery.error or "" for delivery in notify.send([failed_night()], settings, {})]
    assert "403" in errors[0]
    assert "onnection error" in errors[1]
    assert errors[2] == "Apprise does not understand it"
    assert errors[3] == "the environment variables UNSET_ONE, UNSET_TWO are not set"


def test_a_ping_is_tried_three_times_and_says_why_it_failed(service: Service, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, ping=f"http://127.0.0.1:{service.port}/alive")
    service.statuses = [500, 404]
    pinged = notify.ping(settings, {}, pauses_s=(0, 0))
    assert pinged is not None
    assert pinged.error is None
    assert [path for path, _, _ in service.requests] == ["/alive"] * 3
    service.statuses = [500, 500, 404]
    pinged = notify.ping(settings, {}, pauses_s=(0, 0))
    assert pinged is not None
    assert pinged.error == "it answered 404"


def test_a_ping_that_hangs_is_given_up(service: Service, tmp_path: Path) -> None:
    service.hang.set()
    pinged = notify.ping(
        settings_for(tmp_path, ping=f"http://127.0.0.1:{service.port}/"), {}, timeout_s=1, pauses_s=()
    )
    assert pinged is not None
    assert pinged.error in {"timed out", "no answer within 1 s"}


def test_without_addresses_nothing_is_sent_and_nothing_is_written(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    assert notify.announce([failed_night()], settings, {}) == []
    assert notify.announce_feeds([feed("Courier")], settings, {}, night_at=NIGHT) == []
    assert notify.ping(settings, {}) is None
    assert list(tmp_path.iterdir()) == []


def test_status_names_who_did_not_take_the_last_message_until_one_is_taken(
    service: Service, terminal: Terminal, tmp_path: Path
) -> None:
    config(tmp_path, f'to = ["json://127.0.0.1:{service.port}/"]', f'ping = "http://127.0.0.1:{service.port}/"')
    settings = load_settings()
    write_record(settings.paths.published, NightRecord(last=NightAttempt(night_at=NIGHT, started_at=NIGHT)))
    service.statuses = [500, 404]
    notify.announce([failed_night()], settings, {})
    notify.ping(settings, {}, pauses_s=())
    shown = terminal("status").out
    assert "did not get through to notify.to 1 (json): Failed to send" in shown
    assert "did not get through to notify.ping: it answered 404" in shown
    assert terminal("notify", "--test", "--ping").code == 0
    assert "get through" not in terminal("status").out


def test_no_process_that_can_be_started_is_no_error_of_the_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: (_ for _ in ()).throw(OSError(12, "no memory")))
    deliveries = notify.send([failed_night()], settings_for(tmp_path, "json://127.0.0.1:1/"), {})
    assert [d.error for d in deliveries] == ["[Errno 12] no memory"]


# ---------------------------------------------------------------- that it tells no secret


SECRET_FORMS = ("hunter2", "s3cr3t-t0ken", "p%40ss")


@pytest.mark.parametrize(
    "address",
    [
        "json://user:${WORD}@127.0.0.1:1/",
        "json://127.0.0.1:1/s3cr3t-t0ken/x?+Authorization=s3cr3t-t0ken",
        "tgram://s3cr3t-t0ken/12345/",  # no token of Telegram's: Apprise refuses it
        "nonsense://s3cr3t-t0ken",
        "mailto://user:hunter2hunter2@127.0.0.1:1?to=a@b.example",
        "${BOT}",
        "json://[s3cr3t-t0ken/",  # urlsplit raises and quotes it
    ],
)
def test_an_address_is_nowhere_in_what_is_logged_returned_or_shown(
    address: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = settings_for(
        tmp_path, address, ping=address if address.startswith("http") else "http://[s3cr3t-t0ken/"
    )
    environment = ENVIRONMENT | {"BOT": "json://bot:s3cr3t-t0ken@127.0.0.1:1/s3cr3t-t0ken"}
    deliveries = notify.send([notify.trial()], settings, environment, timeout_s=20)
    pinged = notify.ping(settings, environment, pauses_s=())
    problem = notify.address_problem(address, environment)
    assert deliveries[0].error
    dumped = f"{settings!r} {settings} {settings.model_dump(mode='json')} {settings.recorded()}"
    for text in (f"{deliveries} {pinged} {problem}", dumped, caplog.text, *capfd.readouterr()):
        assert [form for form in SECRET_FORMS if form in text] == []


@pytest.mark.parametrize(
    "written",
    [
        'to = "mailto://user:hunter2@example.org"',
        'to = ["user:hunter2@example.org"]',
        'to = ["mailto://user:hunter2@example.org", "//user:hunter2@example.org"]',
        'to = [{ url = "mailto://user:hunter2@example.org" }]',
        'ping = "ftp://user:hunter2@example.org"',
        'ping = ["https://user:hunter2@example.org"]',
        'on = ["hunter2"]',
        'tp = ["mailto://user:hunter2@example.org"]',
    ],
)
def test_a_wrong_section_is_refused_by_its_key_and_without_its_addresses(written: str, tmp_path: Path) -> None:
    file = tmp_path / "newsclust.toml"
    file.write_text(f"[notify]\n{written}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=rf"newsclust\.toml: notify\.{written[:2]}") as caught:
        load_settings(file)
    error: BaseException | None = caught.value
    while error is not None:
        assert "hunter2" not in f"{error} {error!r}"
        error = error.__cause__ or error.__context__


def test_the_place_of_an_address_without_a_service_is_named(tmp_path: Path) -> None:
    file = tmp_path / "newsclust.toml"
    file.write_text('[notify]\nto = ["ntfy://a", "admin@example.org"]\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="address 2 names no service: mailto"):
        load_settings(file)


def test_settings_are_recorded_without_who_is_told_and_without_credentials() -> None:
    options = {
        "proxy": "http://user:hunter2@proxy.example:3128",
        "api_key": "s3cr3t-t0ken",
        "nested": {"password": "hunter2", "list": ["https://a:hunter2@b.example"]},
        "max_tokens": 128,
        "per_host": 2,
    }
    settings = Settings(
        fetch=FetchSettings(options=options), notify=NotifySettings(to=(SecretStr("ntfy://s3cr3t-t0ken"),))
    )
    recorded = settings.recorded()
    assert "notify" not in recorded
    assert recorded["fetch"]["options"] == {
        "proxy": "http://***@proxy.example:3128",
        "api_key": "***",
        "nested": {"password": "***", "list": ["https://***@b.example"]},
        "max_tokens": 128,
        "per_host": 2,
    }
    assert recorded["stories"] == settings.model_dump(mode="json")["stories"]


def test_settings_written_as_toml_keep_their_addresses(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, "mailto://user:hunter2@example.org", "${ALL}", ping="https://example.org/x")
    file = tmp_path / "newsclust.toml"
    file.write_text(settings_toml(settings), encoding="utf-8")
    assert load_settings(file).notify == settings.notify


# ---------------------------------------------------------------- newsclust notify


def config(folder: Path, *lines: str) -> None:
    (folder / "newsclust.toml").write_text("\n".join(["[notify]", *lines]) + "\n", encoding="utf-8")


def test_the_verb_sends_a_test_to_every_address_and_fails_when_one_does_not_take_it(
    terminal: Terminal, tmp_path: Path, service: Service
) -> None:
    config(tmp_path, f'to = ["json://127.0.0.1:{service.port}/", "json://127.0.0.1:1/s3cr3t-t0ken"]')
    ended = terminal("notify", "--test")
    assert ended.code == 1
    assert "notify.to 1 (json)" in ended.out
    assert "taken" in ended.out
    assert "1 of 2 addresses did not take it" in ended.err
    assert "s3cr3t" not in ended.out + ended.err
    assert [message["title"] for message in service.messages] == ["newsclust: a test"]
    config(tmp_path, f'to = ["json://127.0.0.1:{service.port}/"]', f'ping = "http://127.0.0.1:{service.port}/p"')
    assert terminal("notify", "--test").code == 0
    assert "/p" not in [path for path, _, _ in service.requests]
    assert terminal("notify", "--ping").code == 0
    assert service.requests[-1][0] == "/p"


def test_the_verb_without_options_shows_who_is_told_of_what(terminal: Terminal, tmp_path: Path) -> None:
    config(tmp_path, 'to = ["json://127.0.0.1:1/", "nonsense://x", "${NOT_SET}"]', 'ping = "https://example.org/x"')
    ended = terminal("notify")
    assert ended.code == 0
    assert "failed, crashed, late, feeds" in ended.out
    assert "Apprise does not understand it" in ended.out
    assert "the environment variable NOT_SET is not set" in ended.out
    assert "after each good night" in ended.out


def test_the_verb_says_that_nobody_is_told(terminal: Terminal) -> None:
    ended = terminal("notify", "--test")
    assert ended.code == 2
    assert "nobody is told" in ended.err


def test_the_environment_of_this_process_is_what_secrets_are_read_from(
    terminal: Terminal, tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    config(tmp_path, 'to = ["${OUR_SERVICE}"]')
    monkeypatch.setitem(os.environ, "OUR_SERVICE", f"json://127.0.0.1:{service.port}/")
    assert terminal("notify", "--test").code == 0


# ---------------------------------------------------------------- which feeds are in trouble


def test_the_feeds_in_trouble_are_those_of_the_summary(tmp_path: Path) -> None:
    listed = [Feed(id=name, url=f"https://{name}.example/rss", title=f"The {name}") for name in ("courier", "herald")]
    with Database(tmp_path / "newsclust.duckdb") as db:
        run = runs.begin_run(db, flow="nightly", night_at=NIGHT, started_at=NIGHT, settings={})
        feeds.save_feeds(db, run, listed)
        silent = FeedHealth(state=HealthState.SILENT, since=NIGHT - timedelta(days=30), why="nothing new for 30 days")
        health = {"courier": silent, "herald": FeedHealth(state=HealthState.HEALTHY)}
        feed_health.save_feed_health(db, run, health)
        runs.finish_run(db, run, finished_at=NIGHT)
        troubled = troubled_feeds(db.connection)
        summary = summary_markdown(db.connection, run.id)
    assert troubled == [
        TroubledFeed(
            feed_id="courier",
            title="The courier",
            state="silent",
            since=NIGHT - timedelta(days=30),
            why="nothing new for 30 days",
        )
    ]
    assert "| The courier | silent | 2026-01-31 | nothing new for 30 days |" in summary
    body = notify.morning_summary(summary, night_at=NIGHT).body
    assert "Feeds in trouble\n\nfeed · state · since · why\nThe courier · silent · 2026-01-31 · nothing" in body
