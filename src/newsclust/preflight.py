"""Judge before the first fetch whether a night can be lived: settings, stages, feeds, secrets, paths, disk, model.

`check_night` is what the night itself does before its first step: quick, without the network. `check_all` is
`newsclust check`: the same, and what takes seconds or asks a server. Each finding says what mends it.
"""

import base64
import errno
import os
import re
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib import metadata
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import duckdb

from newsclust.clock import TOLERANCE
from newsclust.embed import SentenceTransformerEmbedder, bundled_model
from newsclust.embed.embedder import BUNDLED
from newsclust.errors import NewsclustError, SettingsError, StoreError
from newsclust.model import Feed, FeedList
from newsclust.night_record import only_night
from newsclust.notify import address_name, address_problem, resolved
from newsclust.outlets import OutletSource, known_outlets
from newsclust.overrides import read_corrections, read_feed_commands
from newsclust.settings import FetchSettings, Settings
from newsclust.sources.feeds_toml import read_feeds, read_lists, secret_urls
from newsclust.sources.opml import read_opml
from newsclust.store.database import migrations
from newsclust.text.sanitize import one_line
from newsclust.urls import redacted

_MB = 1_000_000
_GROWTH_BYTES = 200 * _MB  # of the working file in a night, and room for its log and temporary files
_COMFORT = 3  # times what the next night needs: less free space is a warning
_MODEL_BYTES = 300 * _MB  # the bundled model, rebuilt in the user's cache at the first use
_WRITTEN = datetime(2026, 1, 1, tzinfo=UTC)  # a clock that says an earlier day has lost its battery
_LONG_PAUSE = timedelta(days=30)
_PREFECT_TIMEOUT_S = 5.0
_LANGUAGES = frozenset(("en", "fr"))  # in which stories were measured
_MOST_NAMED = 10  # findings of one kind
_MAIL = re.compile(r"(?:mailto:)?[^@\s()<>]+@[^@\s()<>]+\.[^@\s()<>.]+")
_PAGE = re.compile(r"https?://[^\s()<>/.]+\.[^\s()<>]+")
_EXAMPLE = re.compile(r"(?://|[.@])example\.(?:com|net|org)\b")  # RFC 2606
_PLAIN_PASSWORD = re.compile(r"://[^/@:]*:[^/@$]+@")
_METHODS = {"fetch": "fetch", "extract": "extract", "embed": "embed", "pairs": "link", "stories": "cluster"}


class Outcome(StrEnum):
    """What a finding means for the night."""

    OK = "ok"
    NOTE = "note"  # to be known; nothing to mend
    WARNING = "warning"  # the night runs, and something is not as it should be
    PROBLEM = "problem"  # no night can be lived


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was judged: what is the case, and what mends it (or "")."""

    subject: str  # a word or two, such as "disk"
    outcome: Outcome
    text: str
    mend: str = ""
    error: type[NewsclustError] = SettingsError  # whose exit code a night ends with that has this problem


def check_night(
    settings: Settings, now: datetime, environment: Mapping[str, str], *, night_at: datetime | None = None
) -> list[Finding]:
    """Return what is the case before a night: under a second, nothing asked of the network, no model loaded.

    `now` is the machine's clock, `night_at` the moment of a night that may be named by hand. A message that cannot
    be sent is a warning here: a night is worth more.
    """
    notify = _notify(settings, environment, judge=_unset)
    return [
        *_at_hand(settings, now, environment, in_a_night=True, night_at=night_at or now),
        *map(_as_warning, notify),
    ]


def check_all(settings: Settings, now: datetime, environment: Mapping[str, str]) -> list[Finding]:
    """Return the same, and what takes seconds: the model's checksum, messages, Prefect's server, packages."""
    return [
        *_at_hand(settings, now, environment, in_a_night=False, night_at=now),
        *_looked("model", _model_sums(settings)),
        *_notify(settings, environment, judge=address_problem),
        *_prefect(environment),
        *_packages(),
    ]


def _at_hand(
    settings: Settings, now: datetime, environment: Mapping[str, str], *, in_a_night: bool, night_at: datetime
) -> Iterator[Finding]:
    paths = list(_looked("paths", _paths(settings)))
    yield from paths
    yield from _stages(settings)
    yield from _contact(settings.fetch)
    yield from _looked("feeds", _feeds(settings, environment))
    yield from _looked("decisions", _decisions(settings))
    if not any(finding.outcome is Outcome.PROBLEM for finding in paths):  # else they are not where they should be
        yield from _looked("folders", _folders(settings))
        yield from _looked("disk", _disk(settings))
        yield from _looked("working file", _working_file(settings, night_at, in_a_night=in_a_night))
    yield from _looked("model", _model(settings, environment))
    yield from _clock(settings, now)


def _looked(subject: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield the findings; a file that cannot even be looked at is one more."""
    try:
        yield from findings
    except OSError as error:
        text = f"{error.filename or 'a file'} cannot be looked at: {error.strerror or error}"
        yield _store_problem(subject, text, "let the user of the night read it and its folders")


def raise_on_problems(findings: Sequence[Finding]) -> None:
    """Raise one error with a line for each problem: SettingsError, or StoreError where all are the store's."""
    problems = [finding for finding in findings if finding.outcome is Outcome.PROBLEM]
    if not problems:
        return
    kinds = {finding.error for finding in problems}
    lines = (f"{f.subject}: {f.text}" + (f"; {f.mend}" if f.mend else "") for f in problems)
    raise (kinds.pop() if len(kinds) == 1 else SettingsError)("\n".join(lines))


def _ok(subject: str, text: str) -> Finding:
    return Finding(subject=subject, outcome=Outcome.OK, text=text)


def _warning(subject: str, text: str, mend: str) -> Finding:
    return Finding(subject=subject, outcome=Outcome.WARNING, text=text, mend=mend)


def _problem(subject: str, text: str, mend: str = "") -> Finding:
    return Finding(subject=subject, outcome=Outcome.PROBLEM, text=text, mend=mend)


def _store_problem(subject: str, text: str, mend: str) -> Finding:
    return Finding(subject=subject, outcome=Outcome.PROBLEM, text=text, mend=mend, error=StoreError)


def _as_warning(finding: Finding) -> Finding:
    return replace(finding, outcome=Outcome.WARNING) if finding.outcome is Outcome.PROBLEM else finding


# ---------------------------------------------------------------- settings and stages


def _stages(settings: Settings) -> Iterator[Finding]:
    """Build each stage with its options; no model is loaded."""
    builders: dict[str, Callable[[], object]] = {
        "fetch": lambda: settings.fetcher(clock=lambda: datetime.now(UTC)),
        "extract": settings.extractor,
        "embed": settings.embedder,
        "pairs": settings.linker,
        "stories": settings.clusterer,
    }
    built = []
    for section, build in builders.items():
        use = getattr(settings, section).use
        try:
            stage = build()
        except NewsclustError as error:
            text = str(error) if str(error).startswith(f"[{section}") else f"[{section}.options] of {use}: {error}"
            yield _problem("stages", text)
        except Exception as error:  # noqa: BLE001 - a stage of somebody's own may raise anything
            reason = one_line(f"{type(error).__name__}: {error}", 300)
            yield _problem("stages", f"[{section}] use = {use!r} cannot be made: {reason}")
        else:
            if callable(getattr(stage, _METHODS[section], None)):
                built.append(section)
            else:
                text = f"[{section}] use = {use!r} has no method {_METHODS[section]!r}"
                yield _problem("stages", text, "name a class that fills the protocol (docs/architecture.md)")
    if len(built) == len(builders):
        yield _ok("stages", ", ".join(built))
    rules = settings.extract.options.get("site_rules")
    if isinstance(rules, str) and not Path(rules).exists():
        yield _warning(
            "site rules", f"{Path(rules).absolute()} does not exist: no rules", "mend [extract.options] site_rules"
        )


def is_contact(text: str) -> bool:
    """Tell whether a site's owner can ask there, and it can stand in a User-Agent: a page or a mail address."""
    return text.isascii() and text.isprintable() and bool(_PAGE.fullmatch(text) or _MAIL.fullmatch(text))


def is_example(text: str) -> bool:
    """Tell whether a contact is at a domain that is nobody's."""
    return _EXAMPLE.search(text) is not None


def _contact(fetch: FetchSettings) -> Iterator[Finding]:
    """Judge whom a site's owner can ask."""
    agent = fetch.options.get("user_agent")
    if agent is not None:
        if isinstance(agent, str) and ("://" in agent or "@" in agent):
            yield _ok("contact", agent)
        else:
            mend = "name a page or a mail address in [fetch.options] user_agent, or leave it out"
            yield _warning("contact", f"the User-Agent {agent!r} names nobody who can be asked", mend)
    elif is_example(fetch.contact):
        default = " (the default)" if fetch.contact == FetchSettings().contact else ""
        yield _warning(
            "contact",
            f"{fetch.contact}{default} is nobody's: no site can ask you, and some refuse such requests",
            "[fetch] contact = a page or a mail address of yours",
        )
    elif not is_contact(fetch.contact):
        yield _problem(
            "contact",
            f"[fetch] contact = {fetch.contact!r} is neither an address of a page nor of mail",
            'write it as "https://you.example/newsclust" or "mailto:you@you.example"',
        )
    else:
        yield _ok("contact", fetch.contact)


# ---------------------------------------------------------------- feeds, and what people decided


def _feeds(settings: Settings, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Judge the list of feeds, the lists that it names, their secrets and their languages."""
    path = settings.paths.feeds
    if not path.exists():
        mend = "`newsclust init` or `newsclust feeds add ADDRESS` begins one, or [paths] feeds names another"
        yield _problem("feeds", f"{path} does not exist", mend)
        return
    try:
        feeds, lists = read_feeds(path), read_lists(path)
    except SettingsError as error:
        lines = str(error).splitlines()
        yield from (_problem("feeds", one_line(line, 300)) for line in lines[:_MOST_NAMED])
        if len(lines) > _MOST_NAMED:
            yield _problem("feeds", f"{path}: {len(lines) - _MOST_NAMED} more lines of this kind")
        return
    if feeds or lists:
        yield _ok("feeds", f"{_counted(len(feeds), 'feed')} and {_counted(len(lists), 'list')} in {path}")
    else:
        yield _warning("feeds", f"{path} names none: nothing is fetched", "newsclust feeds add ADDRESS")
    yield from _list_files(lists)
    yield from _secrets([*lists, *feeds], environment)
    others = sorted({feed.language for feed in feeds if feed.language} - _LANGUAGES)
    if others:
        count = sum(feed.language in others for feed in feeds)
        are = "is" if count == 1 else "are"
        text = (
            f"{_counted(count, 'feed')} {are} in {', '.join(others)}: stored and searched for duplicates; stories are"
        )
        yield Finding(subject="languages", outcome=Outcome.NOTE, text=f"{text} measured in English and French alone")


def _list_files(lists: Sequence[FeedList]) -> Iterator[Finding]:
    for each in lists:
        if each.file is not None:
            try:
                opml = read_opml(each.file.read_bytes())
            except OSError as error:
                yield _warning("lists", f"{each.file}: {error.strerror}", "its feeds stay as they were last read")
            except SettingsError as error:
                yield _warning("lists", f"{each.file}: {error}", "its feeds stay as they were last read")
            else:
                if opml.is_cut:
                    mend = "its feeds stay as they were last read"
                    yield _warning("lists", f"{each.file}: {opml.problems[-1]}", mend)


def _secrets(feeds: Sequence[Feed | FeedList], environment: Mapping[str, str]) -> Iterator[Finding]:
    """Judge whether the environment holds what feeds.toml takes from it."""
    mend = "set it where the night runs (docs/feeds.md)"
    unset = False
    try:
        secret_urls(feeds, environment)
    except SettingsError as error:
        unset = True
        yield from (_problem("secrets", line, mend) for line in str(error).splitlines())
    tokens = [feed for feed in feeds if isinstance(feed, Feed) and feed.token_env]
    for feed in tokens:
        if not environment.get(feed.token_env or ""):
            unset = True
            text = f"{feed.url}: the environment variable {feed.token_env} is not set; it will not be read"
            yield _warning("secrets", text, mend)
    if not unset and (tokens or any(feed.written_url and "${" in feed.written_url for feed in feeds)):
        yield _ok("secrets", "every variable that feeds.toml names is set")


def _decisions(settings: Settings) -> Iterator[Finding]:
    """Judge the files of what people decided."""
    readers: dict[Path, Callable[[Path], Sequence[object]]] = {
        settings.paths.corrections: read_corrections,
        settings.paths.feed_commands: read_feed_commands,
    }
    counts = []
    for path, read in readers.items():
        try:
            counts.append(f"{_counted(len(read(path)), 'line')} in {path.name}")
        except SettingsError as error:
            yield _problem("decisions", one_line(str(error), 300), "mend the line, or take it out")
        except (OSError, UnicodeDecodeError) as error:
            yield _problem("decisions", f"{path}: {one_line(str(error), 200)}", "make it readable UTF-8")
    if len(counts) == len(readers):
        yield _ok("decisions", ", ".join(counts))

    try:
        listed = known_outlets(settings.paths.outlets)
    except SettingsError as error:
        yield from (_problem("outlets", one_line(line, 300)) for line in str(error).splitlines()[:_MOST_NAMED])
    else:
        yours = sum(outlet.source is OutletSource.YOURS for outlet in listed)
        yield _ok("outlets", f"{len(listed)} known, {yours} of them by {settings.paths.outlets.name}")


# ---------------------------------------------------------------- files, folders and the disk


def _paths(settings: Settings) -> Iterator[Finding]:
    """Judge whether the files are distinct, and no folders, links or mounts where they are replaced."""
    paths = {name: path for name, path in settings.paths if isinstance(path, Path)}
    for one, other in combinations(paths, 2):
        if paths[one].resolve() == paths[other].resolve():
            yield _problem("paths", f"[paths] {one} and {other} are the same file, {paths[one]}", "give each its own")
    for name, path in paths.items():
        if path.is_dir():
            yield _problem("paths", f"[paths] {name} = {path} is a folder", "name a file in it")
    mounts = _mounts()
    for name in ("database", "published"):
        path = paths[name]
        if str(path.absolute()) in mounts:
            text = f"[paths] {name} = {path} is a mount of its own: it cannot be replaced, nor have files beside it"
            yield _problem("paths", text, "mount its folder")
    if paths["published"].is_symlink():
        text = f"[paths] published = {paths['published']} is a link: publishing replaces it by a file"
        yield _warning("paths", text, "name the file that it leads to, or link its folder")


def _mounts() -> frozenset[str]:
    """Return the places where something is mounted (Linux; proc(5), mountinfo)."""
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), line.split(" ")[4]) for line in lines)


def _folders(settings: Settings) -> Iterator[Finding]:
    """Judge whether the files can be written, by writing one beside them."""
    paths = settings.paths
    written = [paths.database, paths.published, paths.corrections, paths.feed_commands]
    refused = False
    for folder in dict.fromkeys(_existing(path.parent) for path in written):
        for finding in _unwritable("folders", folder):
            refused = True
            yield finding
    for path in (paths.database, paths.published):
        needed = (
            os.R_OK if path == paths.published else os.R_OK | os.W_OK
        )  # what is published is replaced, not written
        if path.exists() and not os.access(path, needed):
            refused = True
            yield _store_problem("folders", f"{path} cannot be opened", "give it to the user of the night")
    if not refused:
        places = ", ".join(dict.fromkeys(f"{path.parent.absolute()}" for path in (paths.database, paths.published)))
        yield _ok("folders", f"{places}: writable")


def _unwritable(subject: str, folder: Path) -> Iterator[Finding]:
    """Judge by writing whether a file can be made in a folder that exists; nothing when one can."""
    if not folder.is_dir():
        yield _store_problem(subject, f"{folder} is a file, and should be a folder", "move it away")
        return
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".newsclust-check-") as file:
            file.write(b"\0" * 4096)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        mends = {
            errno.ENOSPC: "free some space there, and some of its files where those are counted (df -i)",
            errno.EDQUOT: "free some space, or raise the quota",
            errno.EROFS: "mount it for writing, or move [paths]",
        }
        mend = mends.get(error.errno or 0, "make it writable for the user of the night")
        yield _store_problem(subject, f"{folder} cannot be written: {error.strerror or error}", mend)


def _existing(folder: Path) -> Path:
    return next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())


def _disk(settings: Settings) -> Iterator[Finding]:
    """Judge the free space: a night writes a new published file beside the old one, and the working file grows."""
    published, working = settings.paths.published, settings.paths.database
    needs = {working.parent: _GROWTH_BYTES, published.parent: _size(published)}
    if working.parent == published.parent or _device(working.parent) == _device(published.parent):
        needs = {working.parent: sum(needs.values())}
    for folder, need in needs.items():
        try:
            free = shutil.disk_usage(_existing(folder)).free
        except OSError as error:
            yield _store_problem("disk", f"{folder}: {error.strerror}", "")
            continue
        text = f"{_bytes(free)} free for {folder.absolute()}, the next night needs about {_bytes(need)}"
        if free < need:
            yield _store_problem("disk", text, "free some, or move [paths] to a larger disk")
        elif free < _COMFORT * need:
            yield _warning("disk", text, "free some before it is full (docs/operating.md)")
        else:
            yield _ok("disk", text)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _device(folder: Path) -> int:
    return _existing(folder).stat().st_dev


def _bytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


# ---------------------------------------------------------------- the working file


def _working_file(settings: Settings, night_at: datetime, *, in_a_night: bool) -> Iterator[Finding]:
    """Judge the working file, read-only and without migrating it, and when the last night in it was.

    Outside of a night, no night can begin meanwhile: it would find the file open, and fail.
    """
    path, published = settings.paths.database, settings.paths.published
    again = "restore it (newsclust restore)"
    if not path.exists():
        if published.exists():
            text = f"{path} is missing beside the published file {published}"
            mend = f"{again}, or move the published file away to begin anew"
            yield _store_problem("working file", text, mend)
        else:
            yield _ok("working file", f"{path}: none yet, the first night makes it")
        return
    # Else a table that is not there is looked for among the names of this module.
    config: dict[str, Any] = {"python_enable_replacements": "false"}
    try:
        with (
            nullcontext() if in_a_night else only_night(path),
            duckdb.connect(str(path), read_only=True, config=config) as connection,
        ):
            schema, last_night_at = _state(connection)
    except StoreError as error:
        yield _warning("working file", str(error), "wait for its end")
        return
    except duckdb.Error as error:
        yield _unopened(path, one_line(str(error), 300), again)
        return
    known = migrations()[-1].number
    if schema is None:
        yield _store_problem("working file", f"{path} is a database, but not newsclust's", "mend [paths] database")
        return
    if schema > known:
        text = f"{path} was made by a newer newsclust (schema {schema}; this one knows {known})"
        yield _store_problem("working file", text, "upgrade newsclust, or name another database")
        return
    older = f", schema {schema}: the next night brings it to {known}" if schema < known else ""
    yield _ok("working file", f"{path}: {_bytes(_size(path))}{older}")
    yield from _pause(last_night_at, night_at)


def _state(connection: duckdb.DuckDBPyConnection) -> tuple[int | None, datetime | None]:
    """Return the number of the newest migration, None when there is none, and the moment of the last night."""
    try:
        ((schema,),) = connection.execute("SELECT max(number) FROM migrations").fetchall()
        ((last_night_at,),) = connection.execute("SELECT max(night_at) FROM runs").fetchall()
    except duckdb.CatalogException:
        return None, None
    return schema, None if last_night_at is None else last_night_at.replace(tzinfo=UTC)


def _unopened(path: Path, reason: str, again: str) -> Finding:
    if "lock on file" in reason:
        holder = re.search(r"PID \d+", reason)
        text = f"{path} is open in another process{f' ({holder[0]})' if holder else ''}: a night is under way"
        return _warning("working file", text, "wait for its end; if none runs, end the process that has it open")
    if "Permission denied" in reason:
        return _store_problem("working file", f"{path} cannot be read", "give it to the user of the night")
    if "version number" in reason:
        return _store_problem("working file", f"{path}: {reason}", "upgrade newsclust, or name another database")
    return _store_problem("working file", f"{path} is damaged: {reason}", again)


def _pause(last_night_at: datetime | None, night_at: datetime) -> Iterator[Finding]:
    """Judge the clock by the last night: whether this one comes before it, or long after."""
    if last_night_at is None:
        return
    last = f"the last night was that of {last_night_at:%Y-%m-%d %H:%M} UTC"
    if night_at < last_night_at - TOLERANCE:
        text = f"this night is that of {night_at:%Y-%m-%d %H:%M} UTC, but {last}"
        mend = "set the clock if it is wrong; if that night's was, tonight undoes what it left"
        yield _warning("clock", text, mend)
    elif night_at > last_night_at + _LONG_PAUSE:
        text = f"{last}, {(night_at - last_night_at).days} days ago"
        yield _warning("clock", text, "see that the schedule runs, and that this machine's clock is right")


# ---------------------------------------------------------------- model, clock, messages


def _model(settings: Settings, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Judge without loading it whether the embedding model is at hand; models of others' embedders are theirs."""
    if settings.embed.use.rpartition(":")[2] != SentenceTransformerEmbedder.__name__:
        return
    model = str(settings.embed.options.get("model", BUNDLED))
    named_folder = settings.embed.options.get("cache_folder")
    if model == BUNDLED:
        yield from _bundled(Path(named_folder).expanduser() if named_folder else None, environment)
    elif Path(model).is_dir():
        whole = any((Path(model) / name).is_file() for name in ("modules.json", "config.json"))
        if whole:
            yield _ok("model", model)
        else:
            yield _problem("model", f"the folder {model} holds no model", "mend [embed.options] model")
    elif model.startswith((".", "/", "~")) or model.count("/") > 1:
        yield _problem("model", f"the folder {Path(model).absolute()} does not exist", "mend [embed.options] model")
    else:
        hub = _hub_folder(named_folder, environment)
        if any(
            (hub / f"models--{name.replace('/', '--')}").is_dir()
            for name in (model, f"sentence-transformers/{model}")
        ):
            yield _ok("model", f"{model}, in {hub}")
        else:
            text = f"{model} is not in {hub}: the night would download it"
            yield _warning("model", text, "load it once by hand, or see that the night reaches the hub")


def _bundled(models: Path | None, environment: Mapping[str, str]) -> Iterator[Finding]:
    advice = f"install the version of {bundled_model.PACKAGE} that newsclust asks for"
    try:
        packed = bundled_model.packed_file()
    except SettingsError as error:
        yield _problem("model", str(error))
        return
    if (size := _size(packed)) != bundled_model.PACKED_BYTES:
        yield _store_problem("model", f"{packed} has {size:,} of {bundled_model.PACKED_BYTES:,} bytes", advice)
        return
    folder = (models or bundled_model.user_models(environment, os.uname().sysname.lower())) / bundled_model.FOLDER
    if (folder / bundled_model.SUMS).exists():
        yield _ok("model", f"bundled, in {folder}")
    elif unwritable := list(_unwritable("model", _existing(folder))):
        mend = "set XDG_CACHE_HOME or [embed.options] cache_folder to a folder that the night can write"
        yield from (replace(finding, mend=mend) for finding in unwritable)
    elif (free := shutil.disk_usage(_existing(folder)).free) < _MODEL_BYTES:
        text = f"{_bytes(free)} free for {folder.parent}, the model needs {_bytes(_MODEL_BYTES)}"
        yield _store_problem("model", text, "free some, or set XDG_CACHE_HOME or [embed.options] cache_folder")
    else:
        yield _ok("model", f"bundled; the first night writes it to {folder.parent}")


def _hub_folder(named: object, environment: Mapping[str, str]) -> Path:
    """Return where models of the Hugging Face hub are kept, by its own variables."""
    if named:
        return Path(str(named)).expanduser()
    for variable, rest in (("SENTENCE_TRANSFORMERS_HOME", ""), ("HF_HUB_CACHE", ""), ("HF_HOME", "hub")):
        if environment.get(variable):
            return Path(environment[variable]).expanduser() / rest
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface" / "hub"


def _model_sums(settings: Settings) -> Iterator[Finding]:
    """Judge the bundled weights by their checksum."""
    model = settings.embed.options.get("model", BUNDLED)
    if settings.embed.use.rpartition(":")[2] != SentenceTransformerEmbedder.__name__ or model != BUNDLED:
        return
    try:
        bundled_model.checked_content(bundled_model.packed_file())
    except SettingsError:
        return  # said already
    except (StoreError, OSError) as error:
        yield _store_problem("model", one_line(str(error), 300), "")
    else:
        yield _ok("model", "its weights are those that were published (SHA-256)")


def _clock(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Judge this machine's clock and the hour of the night."""
    night = settings.night
    zone = ZoneInfo(night.timezone)
    local = now.astimezone(zone)
    if now < _WRITTEN:
        mend = "set it (timedatectl set-ntp true)"
        yield _problem("clock", f"this machine says {now:%Y-%m-%d %H:%M} UTC, before this program was written", mend)
        return
    yield _ok("clock", f"nights at {night.at} {night.timezone}, where it is {local:%Y-%m-%d %H:%M} now")
    hour, minute = map(int, night.at.split(":"))
    for days in range(366):
        day = (local + timedelta(days=days)).date()
        wanted = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
        if wanted.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wanted.replace(tzinfo=None):
            text = f"on {day} there is no {night.at} in {night.timezone}: clocks are set forward"
            yield _warning("clock", text, "choose another hour in [night] at")
            return


_AddressProblem = Callable[[str, Mapping[str, str]], str | None]


def _notify(settings: Settings, environment: Mapping[str, str], *, judge: _AddressProblem) -> Iterator[Finding]:
    """Judge whether those who should be told can be: no message is sent."""
    notify = settings.notify
    to = [address.get_secret_value() for address in notify.to]
    if not to and not notify.ping:
        text = "nobody is told when a night fails: set [notify] to or ping (docs/settings.md)"
        yield Finding(subject="notify", outcome=Outcome.NOTE, text=text)  # cron mails it, say: no word each night
        return
    found = False
    for number, text in enumerate(to, start=1):
        if problem := judge(text, environment):
            found = True
            yield _problem("notify", f"{address_name(number, text)}: {problem}", "newsclust notify --test tries it")
        elif _PLAIN_PASSWORD.search(text):
            plain = f"{address_name(number, text)} holds its password itself"
            yield _warning("notify", plain, "write ${NAME}, and set that in the environment")
    if notify.ping and (unset := _unset(notify.ping.get_secret_value(), environment)):
        found = True
        yield _problem("notify", f"notify.ping: {unset}", "set it where the night runs")
    if not found:
        ping = " and a ping" if notify.ping else ""
        yield _ok("notify", f"{_counted(len(to), 'address', 'addresses')}{ping}, told of {', '.join(notify.on)}")


def _unset(text: str, environment: Mapping[str, str]) -> str | None:
    try:
        resolved(text, environment)
    except ValueError as error:
        return str(error)
    return None


# ---------------------------------------------------------------- what takes seconds


def _prefect(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Ask Prefect's server, if one is named, whether it is well; without it a night is lived all the same."""
    url = environment.get("PREFECT_API_URL", "").strip()
    if not url:
        yield _ok("Prefect", "the environment names no server (PREFECT_API_URL): `newsclust serve` starts one")
        return
    shown = redacted(url)
    mend = "start it, or mend PREFECT_API_URL; nights are lived without it, but not scheduled"
    if urlsplit(url).scheme not in {"http", "https"}:
        yield _warning("Prefect", f"PREFECT_API_URL = {shown} is no address of a server", mend)
        return
    request = urllib.request.Request(f"{url.rstrip('/')}/health")  # noqa: S310 - http(s)
    if auth := environment.get("PREFECT_API_AUTH_STRING"):
        request.add_header("Authorization", f"Basic {base64.b64encode(auth.encode()).decode()}")
    elif key := environment.get("PREFECT_API_KEY"):
        request.add_header("Authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request, timeout=_PREFECT_TIMEOUT_S):  # noqa: S310 - http(s)
            yield _ok("Prefect", f"{shown} answers")
    except urllib.error.HTTPError as error:
        if error.code in {401, 403}:
            mend = "set PREFECT_API_AUTH_STRING as the server has it"
        yield _warning("Prefect", f"{shown} answers {error.code}", mend)
    except (OSError, ValueError) as error:
        reason = one_line(redacted(str(getattr(error, "reason", error))), 200)
        yield _warning("Prefect", f"{shown} does not answer: {reason}", mend)


def _packages() -> Iterator[Finding]:
    """Judge the installed packages by what newsclust asks for: with SQLAlchemy 2.1 no schedule ever fires."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirements = metadata.requires("newsclust") or []
    except metadata.PackageNotFoundError:  # run from its source
        return
    wrong = []
    for line in requirements:
        try:
            wanted = Requirement(line)
        except InvalidRequirement:
            continue
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            installed = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{wanted.name} is missing")
        else:
            if not wanted.specifier.contains(installed, prereleases=True):
                wrong.append(f"{wanted.name} {installed} is not {wanted.specifier}")
    for text in wrong[:_MOST_NAMED]:
        yield _warning("packages", text, "install newsclust in an environment of its own, with its constraints")
    if not wrong:
        yield _ok("packages", "the versions that newsclust asks for")


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"
