"""Tell people of a night: what is to be said (pure), and the saying, by Apprise, which never holds or fails a night.

Whoever is told is told once: what was said stands in a small file beside the published one, since a night that
cannot open its database has something to say, too.
"""

import json
import logging
import platform
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from newsclust import __version__
from newsclust.errors import ItemError, NewsclustError, Reason
from newsclust.isolation import IsolatedPool
from newsclust.night_record import state_file, write_in_one_of
from newsclust.text.sanitize import one_line, strip_controls
from newsclust.urls import HIDDEN, VARIABLE, redacted, unset_variables, with_variables

if TYPE_CHECKING:  # a process that delivers needs neither settings nor DuckDB
    from newsclust.report import TroubledFeed
    from newsclust.settings import Settings

log = logging.getLogger("newsclust")

TIMEOUT_S = 30.0  # of all that is said to one address; each runs beside the others
PING_TIMEOUT_S = 10.0  # of one request
PING_PAUSES_S = (1.0, 5.0)  # before the second request and the third
_MOST_BODY = 3500  # characters: one message of Telegram (4,096), two of Discord
_MOST_FEEDS = 20
_MOST_NIGHTS = 40  # remembered as told
_RETRY_S = 900.0  # after a message that no address took: who watches the nights looks every minute
_MOST_AT_ONCE = 8  # addresses; the others wait for these
_MIN_SECRET = 6  # characters; shorter parts of an address are words of many texts
_WORKER_BYTES = 2_000_000_000
_ADVICE = "`newsclust status` shows more; docs/operating.md says what helps."
# What services read as a mention, a tag or a link; a stranger's words are shown, never obeyed.
_MARKUP = str.maketrans({"<": "‹", ">": "›", "@": "(at)", "`": "'"})
_TABLE_RULE = re.compile(r"\|( --- \|)+")
_TIMES = re.compile(r"^## (?:Slowest feeds|Steps)$.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_ESCAPED = re.compile(r"\\([^\w\s])")

_REFUSED: dict[tuple[Path, str], float] = {}  # when (monotonic) no address took a message of these nights
_UNWRITTEN: dict[Path, "Announced"] = {}  # what was told of these nights, where no file of it can be written


class Occasion(StrEnum):
    """Why somebody is told; those of `[notify] on`, and the trial of `newsclust notify --test`."""

    FAILED = "failed"
    CRASHED = "crashed"
    LATE = "late"
    FEEDS = "feeds"
    SUMMARY = "summary"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message in plain text; `key` says what it is about: of two with the same key the second is not sent."""

    occasion: Occasion
    key: str
    title: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What was told before, and to whom the last of it did not get through."""

    keys: tuple[str, ...] = ()  # of messages
    feeds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # still in trouble: the states that were named
    refusals: Mapping[str, str] = field(default_factory=dict)  # by the name of the address: why


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of the messages to one address, which is named by its place and its service: no secret is in it."""

    address: str
    error: str | None = None  # None: all were taken


class DeliveryError(ItemError):
    """An address that was given up: it did not answer in time, or ended the process."""


# ---------------------------------------------------------------- what is to be said


def night_failed(*, night_at: datetime, step: str | None, error: str, last_good_at: datetime | None) -> Message:
    """Return the message that a night ended with an error; `step` is None when it failed before its first."""
    where = f"in the step {step}" if step else "before its first step"
    why = f"It failed {where}: {_quoted(error, 800)}"
    if not step:
        why += "\n`newsclust check` judges what a night needs, and says what mends it."
    return _of_a_night(Occasion.FAILED, night_at, "failed", why, last_good_at)


def night_crashed(*, night_at: datetime, last_good_at: datetime | None) -> Message:
    """Return the message that a night came to no end: its process was killed, or the machine stopped."""
    why = "It began and never ended: its process was killed, or the machine stopped."
    return _of_a_night(Occasion.CRASHED, night_at, "was killed before its end", why, last_good_at)


def night_late(*, now: datetime, last_good_at: datetime | None, after_hours: float) -> Message | None:
    """Return the message that no night was good for more than so many hours; None when one was, or none ever was."""
    if last_good_at is None or now - last_good_at <= timedelta(hours=after_hours):
        return None
    hours = (now - last_good_at) / timedelta(hours=1)
    return Message(
        occasion=Occasion.LATE,
        key=f"late {last_good_at.isoformat()}",
        title=f"newsclust: no good night for {hours:.0f} hours",
        body=_lines(
            f"The last good night was that of {_moment(last_good_at)}; more than {after_hours:g} hours is late.",
            _ADVICE,
        ),
    )


def feeds_in_trouble(
    troubled: Sequence["TroubledFeed"], announced: Announced, *, night_at: datetime
) -> Message | None:
    """Return the message that names feeds newly in trouble, or in another trouble than before; None without any."""
    new = [feed for feed in troubled if feed.state not in announced.feeds.get(feed.feed_id, ())]
    if not new:
        return None
    lines = [
        f"- {_quoted(feed.title, 80)}: {feed.state}"
        + (f" since {feed.since:%Y-%m-%d}" if feed.since else "")
        + f", {_quoted(feed.why, 160)}"
        for feed in new[:_MOST_FEEDS]
    ]
    if more := len(new) - _MOST_FEEDS:
        lines += [f"- and {more} more"] * (more > 0)
    feeds = "feed" if len(new) == 1 else "feeds"
    return Message(
        occasion=Occasion.FEEDS,
        key=f"feeds {night_at.isoformat()}",
        title=f"newsclust: {len(new)} {feeds} newly in trouble",
        body=_lines(*lines, f"In trouble altogether: {len(troubled)}. `newsclust status` names them."),
    )


def morning_summary(markdown: str, *, night_at: datetime) -> Message:
    """Return the summary of a night (`report.summary_markdown`) in plain text; of a long one the beginning.

    What only somebody who tunes the nights wants is left out: `newsclust status` has it.
    """
    markdown = _TIMES.sub("", markdown)
    lines = [
        " · ".join(cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]) if line.startswith("| ") else line
        for line in markdown.splitlines()
        if not _TABLE_RULE.fullmatch(line)
    ]
    head, *rest = (_harmless(_ESCAPED.sub(r"\1", line.lstrip("# ").replace("**", ""))) for line in lines)
    return Message(
        occasion=Occasion.SUMMARY,
        key=f"summary {night_at.isoformat()}",
        title=f"newsclust: {head[:1].lower()}{head[1:]}",
        body=_lines("\n".join(rest).strip(), short="(`newsclust status` shows the rest.)"),
    )


def trial() -> Message:
    """Return the message of `newsclust notify --test`."""
    return Message(
        occasion=Occasion.TEST,
        key="test",
        title="newsclust: a test",
        body="This is a test: whoever reads it is told when a night fails.",
    )


def remembered(announced: Announced, message: Message, *, troubled: Sequence["TroubledFeed"] = ()) -> Announced:
    """Return what is known to be told once the message was taken; `troubled` are the feeds of a message on feeds."""
    keys = (*(key for key in announced.keys if key != message.key), message.key)[-_MOST_NIGHTS:]
    feeds = dict(announced.feeds)
    for feed in troubled:
        feeds[feed.feed_id] = tuple(sorted({*feeds.get(feed.feed_id, ()), feed.state}))
    return replace(announced, keys=keys, feeds=feeds)


def without_recovered(announced: Announced, troubled: Sequence["TroubledFeed"]) -> Announced:
    """Return the same without the feeds that are well again: their next trouble is a new one."""
    still = {feed.feed_id for feed in troubled}
    feeds = {feed_id: states for feed_id, states in announced.feeds.items() if feed_id in still}
    return replace(announced, feeds=feeds)


def with_deliveries(announced: Announced, deliveries: Sequence["Delivery"]) -> Announced:
    """Return the same, with the addresses that did not take what was sent now, and without those that did."""
    refusals = {
        name: error for name, error in announced.refusals.items() if name not in {d.address for d in deliveries}
    }
    return replace(announced, refusals=refusals | {d.address: d.error for d in deliveries if d.error is not None})


def _of_a_night(
    occasion: Occasion, night_at: datetime, what: str, why: str, last_good_at: datetime | None
) -> Message:
    last_good = (
        "No night has been good yet."
        if last_good_at is None
        else f"The last good night was that of {_moment(last_good_at)}; what it published stays."
    )
    return Message(
        occasion=occasion,
        key=f"{occasion} {night_at.isoformat()}",
        title=f"newsclust: the night of {night_at:%Y-%m-%d} {what}",
        body=_lines(
            f"The night of {_moment(night_at)} {what}. {why}",
            last_good,
            f"The next night goes on where this one stopped. {_ADVICE}",
        ),
    )


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _quoted(text: str, most: int) -> str:
    """Return a stranger's words on one line, with nothing that a service would take for a mention or a link."""
    return _harmless(one_line(redacted(text), most))


def _harmless(text: str) -> str:
    return text.replace("](", "] (").translate(_MARKUP)


def _lines(*lines: str, short: str = "(shortened)") -> str:
    """Return the lines as one text; of one that is too long the beginning, up to the end of a line."""
    text = strip_controls("\n".join(lines))
    if len(text) <= _MOST_BODY:
        return text
    kept = text[: _MOST_BODY - len(short) - 1]
    return f"{kept[: kept.rfind(chr(10))] if chr(10) in kept else kept}\n{short}"


# ---------------------------------------------------------------- what was told


def announced_file(published: Path) -> Path:
    """Return the path of what was told: beside the published file, as the record of the night is."""
    return published.with_name("announced.json")


def read_announced(published: Path) -> Announced:
    """Return what was told before: what this process could not write, else the newer of the files that may hold it.

    Nothing without a file, or with one that cannot be read: then people are told again.
    """
    if published in _UNWRITTEN:
        return _UNWRITTEN[published]
    found = []
    for file in _places(published):
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            found.append((file.stat().st_mtime_ns, file))
    return _read_announced(max(found)[1]) if found else Announced()


def _read_announced(path: Path) -> Announced:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        feeds = {str(feed_id): tuple(map(str, states)) for feed_id, states in stored["feeds"].items()}
        refusals = {str(name): str(error) for name, error in stored.get("refusals", {}).items()}
        return Announced(keys=tuple(map(str, stored["keys"])), feeds=feeds, refusals=refusals)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        log.warning("%s cannot be read (%s): people may be told again", path, type(error).__name__)
        return Announced()


def _write_announced(published: Path, announced: Announced) -> None:
    """Store what was told beside the published file, else in the user's state folder, else in this process."""
    text = json.dumps(asdict(announced), indent=1)
    if write_in_one_of(_places(published), text) is None:
        log.warning("%s cannot be written: people may be told again", announced_file(published))
        _UNWRITTEN[published] = announced
    else:
        _UNWRITTEN.pop(published, None)


def _places(published: Path) -> list[Path]:
    return [announced_file(published), state_file(published, "-announced")]


# ---------------------------------------------------------------- the saying


def announce(messages: Sequence[Message], settings: "Settings", environment: Mapping[str, str]) -> list[Delivery]:
    """Send the messages that the settings want and nobody was sent yet; never raise, log what was not taken.

    What no address took is sent again when it is announced again, by one process after a quarter of an hour.
    """
    published, now = settings.paths.published, time.monotonic()
    before = read_announced(published)
    new = [
        message
        for message in messages
        if message.occasion in settings.notify.on
        and message.key not in before.keys
        and now - _REFUSED.get((published, message.key), -_RETRY_S) >= _RETRY_S
    ]
    deliveries = send(new, settings, environment)
    announced = with_deliveries(before, deliveries)
    if any(delivery.error is None for delivery in deliveries):
        for message in new:
            announced = remembered(announced, message)
    elif deliveries:
        _REFUSED.update({(published, message.key): now for message in new})
    if announced != before:
        _write_announced(published, announced)
    return deliveries


def announce_feeds(
    troubled: Sequence["TroubledFeed"], settings: "Settings", environment: Mapping[str, str], *, night_at: datetime
) -> list[Delivery]:
    """Send which feeds are newly in trouble (`report.troubled_feeds`), if the settings want that; never raise."""
    if Occasion.FEEDS not in settings.notify.on or not settings.notify.to:
        return []
    published = settings.paths.published
    before = read_announced(published)
    announced = without_recovered(before, troubled)
    message = feeds_in_trouble(troubled, announced, night_at=night_at)
    deliveries = send([message], settings, environment) if message else []
    announced = with_deliveries(announced, deliveries)
    if message and any(delivery.error is None for delivery in deliveries):
        announced = remembered(announced, message, troubled=troubled)
    if announced != before:
        _write_announced(published, announced)
    return deliveries


def remember_deliveries(settings: "Settings", deliveries: Sequence[Delivery]) -> None:
    """Store who did not take what was sent, for `newsclust status`: a message that says it would not get through."""
    before = read_announced(settings.paths.published)
    after = with_deliveries(before, deliveries)
    if after != before:
        _write_announced(settings.paths.published, after)


def send(
    messages: Sequence[Message],
    settings: "Settings",
    environment: Mapping[str, str],
    *,
    timeout_s: float = TIMEOUT_S,
) -> list[Delivery]:
    """Send each message to each address of the settings; never raise.

    One delivery an address, in their order. Each address has a process of its own, which is killed after `timeout_s`
    seconds: a mail server that hangs holds neither the night nor the other addresses.
    """
    texts = [address.get_secret_value() for address in settings.notify.to]
    if not texts or not messages:
        return []
    ours = f"\n\n-- newsclust {__version__} on {platform.node() or 'an unnamed machine'}"
    sent = [(message.title, message.body + ours) for message in messages]
    calls: list[tuple[int, str, tuple[object, ...]]] = []
    found: dict[int, str | None] = {}
    for number, text in enumerate(texts):
        try:
            calls.append((number, address_name(number + 1, text), (resolved(text, environment), sent)))
        except ValueError as error:
            found[number] = str(error)
    found |= _called("newsclust.notify:deliver", calls, timeout_s)
    deliveries = [Delivery(address=address_name(n + 1, text), error=found[n]) for n, text in enumerate(texts)]
    for delivery in deliveries:
        if delivery.error is not None:
            log.warning("%s was not told: %s", delivery.address, delivery.error)
    return deliveries


def ping(
    settings: "Settings",
    environment: Mapping[str, str],
    *,
    timeout_s: float = PING_TIMEOUT_S,
    pauses_s: Sequence[float] = PING_PAUSES_S,
) -> Delivery | None:
    """Request the address that expects a sign of life, three times at most; None without one. Never raise."""
    text = settings.notify.ping.get_secret_value()
    if not text:
        return None
    try:
        call = (resolved(text, environment), timeout_s, tuple(pauses_s))
        limit = (1 + len(pauses_s)) * timeout_s + sum(pauses_s)
        error = _called("newsclust.notify:request", [(0, "notify.ping", call)], limit)[0]
    except ValueError as unset:
        error = str(unset)
    if error is not None:
        log.warning("notify.ping was not requested: %s", error)
    delivery = Delivery(address="notify.ping", error=error)
    remember_deliveries(settings, [delivery])
    return delivery


def address_name(number: int, text: str) -> str:
    """Return what an address is called in messages: its place and its service, and nothing else of it."""
    service = "" if VARIABLE.fullmatch(text) else text.partition("://")[0]
    return f"notify.to {number} ({service})" if service else f"notify.to {number}"


def resolved(text: str, environment: Mapping[str, str]) -> str:
    """Return an address with its ${VARIABLES}; ValueError names those that are not set.

    They are percent-encoded, but for one that is all of the address.
    """
    if unset := unset_variables(text, environment):
        are = "variables {} are" if unset[1:] else "variable {} is"
        raise ValueError(f"the environment {are.format(', '.join(unset))} not set")
    whole = VARIABLE.fullmatch(text)
    return environment[whole[1]].strip() if whole else with_variables(text, environment)


def address_problem(text: str, environment: Mapping[str, str]) -> str | None:
    """Return why nothing can be sent to an address, None when Apprise understands it; nothing is sent."""
    try:
        address = resolved(text, environment)
    except ValueError as error:
        return str(error)
    from apprise import Apprise

    with _silenced():
        understood = Apprise.instantiate(address) is not None
    return None if understood else "Apprise does not understand it"


def _called(
    function: str, calls: Sequence[tuple[int, str, tuple[object, ...]]], timeout_s: float
) -> dict[int, str | None]:
    """Return for each call by its key why it failed, None where it did not."""
    found: dict[int, str | None] = {key: "not tried" for key, _, _ in calls}
    try:
        pool: IsolatedPool[str, DeliveryError] = IsolatedPool(
            function,
            error=DeliveryError,
            workers=min(len(calls), _MOST_AT_ONCE) or 1,
            timeout_s=timeout_s,
            memory_bytes=_WORKER_BYTES,
        )
        with pool:
            for key, outcome in pool.as_completed(calls):
                if isinstance(outcome, DeliveryError):
                    late = f"no answer within {timeout_s:g} s"
                    found[key] = late if outcome.reason is Reason.TIMEOUT else f"{outcome.reason}: {outcome.detail}"
                else:
                    found[key] = outcome or None
    except (NewsclustError, OSError) as error:  # no process could be started
        found |= {key: one_line(str(error), 300) for key, error_now in found.items() if error_now == "not tried"}
    return found


# ---------------------------------------------------------------- in the process of one address


def deliver(address: str, messages: Sequence[tuple[str, str]]) -> str:
    """Send each (title, body) to one address; return why one was not taken, "" when all were."""
    with _without_secrets_of(address) as redact:
        from apprise import Apprise, NotifyFormat, OverflowMode

        with _collected("apprise") as reasons:
            service = Apprise.instantiate(address)
            if service is None:
                return "Apprise does not understand it"
            if "overflow=" not in address:
                service.overflow_mode = OverflowMode.SPLIT  # else a service refuses what is too long for it
            if "format=" not in address:
                service.notify_format = NotifyFormat.TEXT  # as HTML a mail has a hard blank between any two words
            sender = Apprise()
            sender.add(service)
            for title, body in messages:
                if not sender.notify(title=title, body=body, body_format=NotifyFormat.TEXT):
                    return redact(one_line("; ".join(reasons) or "it was not taken", 300))
    return ""


def request(address: str, timeout_s: float, pauses_s: Sequence[float]) -> str:
    """Request an address until it answers well, once more after each pause; return why it did not, "" when it did."""
    error = ""
    with _without_secrets_of(address) as redact:
        for pause_s in (0.0, *pauses_s):
            time.sleep(pause_s)
            try:
                asked = urllib.request.Request(address, headers={"User-Agent": f"newsclust/{__version__}"})  # noqa: S310
                with urllib.request.urlopen(asked, timeout=timeout_s):  # noqa: S310 - http(s), by the settings
                    return ""
            except urllib.error.HTTPError as answer:
                error = f"it answered {answer.code}"
            except (OSError, ValueError) as failure:  # URLError is an OSError; ValueError: no address
                error = redact(one_line(str(getattr(failure, "reason", failure)), 300))
    return error


@contextmanager
def _without_secrets_of(address: str) -> Iterator["_Redact"]:
    """Inside, an error that nobody expected says its type and its words, without any part of the address."""
    redact = _Redact(address)
    try:
        yield redact
    except Exception as error:  # noqa: BLE001 - plugins of 145 services: whatever one raises is this address's failure
        raise DeliveryError("notify", Reason.CRASHED, redact(f"{type(error).__name__}: {error}")) from None


class _Redact:
    """Hides every part of an address, as it is written or decoded, in a text."""

    def __init__(self, address: str) -> None:
        rest = address.partition("://")[2]
        parts = {rest, *re.split(r"[/:@?&=#,]", rest)}
        forms = {form for part in parts for form in (part, unquote(part), quote(unquote(part), safe=""))}
        self._parts = sorted((form for form in forms if len(form) >= _MIN_SECRET), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for part in self._parts:
            text = text.replace(part, HIDDEN)
        return redacted(text)


class _Collector(logging.Handler):
    """Keeps what is logged as a warning or worse."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


@contextmanager
def _collected(name: str) -> Iterator[list[str]]:
    """Inside, what a library logs as a warning goes into the list and nowhere else."""
    logging.disable(logging.NOTSET)  # the pool's workers log nothing
    logging.getLogger().addHandler(logging.NullHandler())  # other libraries' warnings quote addresses
    collector, logger = _Collector(), logging.getLogger(name)
    logger.addHandler(collector)
    logger.propagate = False
    yield collector.texts


@contextmanager
def _silenced() -> Iterator[None]:
    """Inside, Apprise logs nothing: it quotes the addresses that it cannot read."""
    logger = logging.getLogger("apprise")
    logger.addFilter(_nothing)
    try:
        yield
    finally:
        logger.removeFilter(_nothing)


def _nothing(_: logging.LogRecord) -> bool:
    return False
