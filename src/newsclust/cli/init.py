"""`newsclust init`: a data folder with settings and a list of feeds, both commented, to begin with."""

import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from newsclust.errors import SettingsError, StoreError
from newsclust.written import replace_file

CONTACT_ADVICE = "a page such as https://you.example/newsclust, or a mail address"
_HOUR = "03:30"
_EXAMPLES = 2  # feeds of the starter list that stand commented out in an empty one


def make_data_folder(
    folder: Annotated[Path, typer.Argument(help="Data folder; made when there is none.")] = Path(),
    contact: Annotated[
        str | None, typer.Option(help="Whom a site's owner can ask: a page or a mail address. In every request.")
    ] = None,
    timezone: Annotated[str | None, typer.Option(help="Such as Europe/Paris (default: the machine's).")] = None,
    hour: Annotated[str | None, typer.Option(help="When a night begins (default: 03:30).")] = None,
    starter: Annotated[
        bool | None, typer.Option("--starter/--no-starter", help="List 40 English and French tech feeds.")
    ] = None,
) -> None:
    """Make a data folder: newsclust.toml and feeds.toml, both commented. Asks on a terminal for what is missing."""
    from newsclust.settings import CONFIG_FILE

    settings_file, feeds_file = folder / CONFIG_FILE, folder / "feeds.toml"
    _check_folder(folder, settings_file)
    here = machine_timezone(os.environ, Path("/etc/localtime"))
    if sys.stdin.isatty():
        contact = contact or _ask(f"Contact ({CONTACT_ADVICE})", checked_contact)
        timezone = timezone or _ask("Time zone", checked_timezone, here)
        hour = hour or _ask("Hour of the night", checked_hour, _HOUR)
        if starter is None and not feeds_file.exists():
            starter = typer.confirm("List 40 English and French tech feeds to begin with?", default=False)
    if not contact:
        raise SettingsError(f"--contact is missing: whom a site's owner can ask, {CONTACT_ADVICE}")
    answers = {
        "contact": checked_contact(contact),
        "timezone": checked_timezone(timezone or here),
        "hour": checked_hour(hour or _HOUR),
    }
    _write(settings_file, feeds_file, answers, starter=bool(starter))
    _say_what_is_next(folder, settings_file, feeds_file, contact=answers["contact"])


def machine_timezone(environment: Mapping[str, str], localtime: Path) -> str:
    """Return the IANA name of the machine's time zone, UTC when it says none; `localtime` is its /etc/localtime."""
    named = environment.get("TZ", "").removeprefix(":")
    linked = str(localtime.resolve()).rpartition("zoneinfo/")[2] if localtime.is_symlink() else ""
    for name in (named, linked.removeprefix("posix/")):
        try:
            return checked_timezone(name)
        except SettingsError:  # a rule such as CET-1CEST, or a file of its own
            continue
    return "UTC"


def checked_timezone(name: str) -> str:
    """Return the name of a time zone; SettingsError when it is none."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: a folder of the database
        raise SettingsError(f"--timezone: {name!r} is no time zone (such as Europe/Paris)") from error


def checked_hour(text: str) -> str:
    """Return a time of the day as HH:MM; SettingsError when it is none."""
    found = re.fullmatch(r"(\d{1,2})[:h](\d\d)", text.strip())
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise SettingsError(f"--hour: {text!r} is no time of the day (such as {_HOUR})")
    return f"{int(found[1]):02}:{found[2]}"


def checked_contact(text: str) -> str:
    """Return a contact as it can stand in a User-Agent: a page, or a mail address as mailto:; else SettingsError."""
    from newsclust.preflight import is_contact, is_example

    contact = text.strip()
    if is_contact(contact) and not is_example(contact):
        return contact if "://" in contact else f"mailto:{contact.removeprefix('mailto:')}"
    raise SettingsError(f"--contact: {contact!r} names nobody who can be asked: give {CONTACT_ADVICE}")


def _check_folder(folder: Path, settings_file: Path) -> None:
    if settings_file.exists():
        raise SettingsError(f"{settings_file} exists already: nothing was changed (edit it, or name another folder)")
    for place in (folder.absolute(), *folder.absolute().resolve().parents):
        if (place / ".git").exists():
            raise SettingsError(
                f"{folder.absolute()} is in the git work tree {place}: databases and addresses with secrets do not "
                "belong there (name another folder: newsclust init ~/newsclust)"
            )


def _ask(question: str, check: Callable[[str], str], default: str | None = None) -> str:
    """Ask until the answer is accepted."""
    while True:
        answer: str = typer.prompt(question, default=default)
        try:
            return check(answer)
        except SettingsError as error:
            typer.echo(str(error).partition(": ")[2], err=True)


def _write(settings_file: Path, feeds_file: Path, answers: Mapping[str, str], *, starter: bool) -> None:
    """Write both files; the settings last: an init that was killed before can be repeated."""
    template = Template((Path(__file__).parents[1] / "resources" / "new_settings.toml").read_text(encoding="utf-8"))
    settings = template.substitute({name: json.dumps(answer) for name, answer in answers.items()})
    try:
        settings_file.parent.mkdir(parents=True, exist_ok=True)
        if not feeds_file.exists():
            replace_file(feeds_file, new_feed_list(starter=starter))
        replace_file(settings_file, settings)
    except OSError as error:
        raise StoreError(f"{error.filename}: {error.strerror}: nothing can be written there") from error


def new_feed_list(*, starter: bool) -> str:
    """Return a feeds.toml to begin with: its keys explained, then the starter list or examples, commented out."""
    from newsclust.shipped import STARTER_FEEDS

    text = STARTER_FEEDS.read_text(encoding="utf-8")
    if starter:
        return text
    keys = text.partition("#\n# This list is a starting point")[0]
    tables = ["[[feed]]\n" + table.partition("\n#")[0].strip() for table in text.split("[[feed]]\n")[1:]]
    examples = "\n\n".join(tables[:_EXAMPLES])
    commented = "\n".join(f"# {line}".rstrip() for line in examples.splitlines())
    return f"{keys}#\n# Two examples; take the signs off, or add feeds of your own.\n\n{commented}\n"


def _say_what_is_next(folder: Path, settings_file: Path, feeds_file: Path, *, contact: str) -> None:
    from newsclust.sources.feeds_toml import read_feeds

    feeds = len(read_feeds(feeds_file))
    counted = f"{feeds} feed{'' if feeds == 1 else 's'}"
    print(f"{settings_file} and {feeds_file} are there ({counted}). Every request will name {contact}.")
    print("Next:")
    if folder.absolute() != Path.cwd():
        print(f"  cd {folder}")
    if not feeds:
        print("  newsclust feeds add ADDRESS       a feed or a site; feeds import FILE takes another reader's OPML")
    print("  newsclust check                   is everything ready?")
    print("  newsclust night                   one night now")
    print("  newsclust serve                   every night")
