"""Who the publishers of articles are: by the list that is shipped, by a person's, else by what their articles say.

A list is an `outlets.toml`. What nobody says stays unknown: an address such as .io or .ai says no country, and no
kind is guessed but those of hosts that are forums or let blogs by their name.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from newsclust.errors import SettingsError
from newsclust.shipped import OUTLETS
from newsclust.text.language import language_code
from newsclust.urls import host, is_let_to_many, publisher_of
from newsclust.written import did_you_mean, parsed_toml, problem_text, read_written

# ISO 3166-1 alpha-2, officially assigned (November 2026).
_ASSIGNED = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT "
    "BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH "
    "ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT "
    "HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS "
    "LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI "
    "NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG "
    "SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG "
    "UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
)
COUNTRIES = frozenset(_ASSIGNED.split())
# Country-code domains that anybody takes for how they read: they say nothing of where a newsroom is.
_SOLD_TO_ALL = (
    "ac ag ai am as bz cc cd cf co cx dj fm ga gd gg gl gq gs hm im io is la lc li ly md me ml mn ms mu "
    "nf nu pm pn pw py rs sc sh so st su sx tc tf tk tl tm to tv vc vg ws"
)
_FORUM_LABELS = frozenset(("forum", "forums", "community", "discuss", "discourse"))
_MAJORITY = 0.5  # of the articles whose language can be told


class OutletKind(StrEnum):
    """What an outlet is."""

    PRESS = "press"
    BLOG = "blog"  # of one person, or of a few
    COMPANY = "company"  # a company, association or authority in its own voice
    AGGREGATOR = "aggregator"  # of others' articles
    FORUM = "forum"


class OutletSource(StrEnum):
    """Who says what an outlet is."""

    SHIPPED = "shipped"
    YOURS = "yours"
    INFERRED = "inferred"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """One publisher: `publisher` is as articles name it, `country` and `kind` are None where nobody says."""

    publisher: str
    name: str
    host: str
    country: str | None
    languages: tuple[str, ...]
    kind: OutletKind | None
    source: OutletSource


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenPublisher:
    """A publisher that articles name, with how many they are by language."""

    publisher: str
    languages: Mapping[str, int]


def _host(text: str) -> str:
    if "/" in text or host(f"https://{text}") != text:
        raise ValueError(f"a host as in addresses is needed, without www. and path, not {text!r}")
    return text


def _country(text: str) -> str:
    if text not in COUNTRIES:
        code = "GB" if text.upper() == "UK" else text.upper()
        mend = f"; write {code}" if code in COUNTRIES else ""
        raise ValueError(f"{text!r} is no country of ISO 3166-1 in two capital letters{mend}")
    return text


def _language(text: str) -> str:
    if len(text) != 2 or language_code(text) != text:
        raise ValueError(f"{text!r} is no language of ISO 639-1 in two small letters")
    return text


def _line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("one line of text is needed")
    return text


class _OutletRow(BaseModel):
    """One [[outlet]] of an outlets.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, AfterValidator(_line)]
    host: Annotated[str, AfterValidator(_host)]
    country: Annotated[str, AfterValidator(_country)] | None = None
    languages: tuple[Annotated[str, AfterValidator(_language)], ...] = ()
    kind: OutletKind | None = None


def known_outlets(yours: Path) -> list[Outlet]:
    """Return the shipped outlets and those of a person's file, which need not exist; a person's rows win.

    SettingsError, one line a problem, when the file is wrong.
    """
    shipped = {outlet.publisher: outlet for outlet in read_outlets(OUTLETS, source=OutletSource.SHIPPED)}
    if not yours.exists() or yours.samefile(OUTLETS):  # in a checkout they are one
        return list(shipped.values())
    return list((shipped | {outlet.publisher: outlet for outlet in read_outlets(yours)}).values())


def read_outlets(path: Path, *, source: OutletSource = OutletSource.YOURS) -> list[Outlet]:
    """Return the outlets of an `outlets.toml`, in its order.

    SettingsError, one line for every problem with file, outlet and key: the TOML, an unknown key, a value that does
    not fit, a publisher that stands there twice.
    """
    document = parsed_toml(path, read_written(path))
    problems = [
        f"{path}: {key}: unknown, only [[outlet]] stands at the top{did_you_mean(key, ['outlet'])}"
        for key in document
        if key != "outlet"
    ]
    outlets: dict[str, Outlet] = {}
    rows = document.get("outlet", [])
    if not isinstance(rows, list):
        raise SettingsError(f"{path}: outlet: a table that stands more than once has two brackets, as in [[outlet]]")
    for number, written in enumerate(rows, 1):
        subject = f"{path}: outlet {number}{_named(written)}"
        try:
            row = _OutletRow.model_validate(written)
        except ValidationError as error:
            problems.extend(f"{subject}: {text}" for text in _problems(error))
            continue
        publisher = publisher_of(f"https://{row.host}")
        if publisher in outlets:
            problems.append(f"{subject}: host: the same publisher ({publisher}) as {outlets[publisher].name}")
        outlets[publisher] = Outlet(
            publisher=publisher,
            name=row.name,
            host=row.host,
            country=row.country,
            languages=row.languages,
            kind=row.kind,
            source=source,
        )
    if problems:
        raise SettingsError("\n".join(problems))
    return list(outlets.values())


def outlets_of(
    seen: Iterable[SeenPublisher], listed: Sequence[Outlet], feed_titles: Mapping[str, str]
) -> list[Outlet]:
    """Return one outlet for each publisher that is listed or seen, ordered by publisher.

    What is not listed is inferred. `feed_titles` gives the title of the one feed that stands on a publisher's site.
    """
    outlets = {outlet.publisher: outlet for outlet in listed}
    for publisher in seen:
        if publisher.publisher not in outlets:
            outlets[publisher.publisher] = inferred_outlet(publisher, feed_titles.get(publisher.publisher))
    return [outlets[publisher] for publisher in sorted(outlets)]


def inferred_outlet(seen: SeenPublisher, feed_title: str | None) -> Outlet:
    """Return what a publisher's address, articles and feed say of it."""
    articles = {language: count for language, count in seen.languages.items() if language != "und"}
    most = sum(articles.values()) * _MAJORITY
    return Outlet(
        publisher=seen.publisher,
        name=feed_title or seen.publisher,
        host=seen.publisher,
        country=country_of(seen.publisher),
        languages=tuple(language for language, count in articles.items() if count > most),
        kind=_kind(seen.publisher),
        source=OutletSource.INFERRED,
    )


def country_of(publisher: str) -> str | None:
    """Return the country that a host's country-code domain says; None when it has none, or one sold to all."""
    ending = publisher.partition("/")[0].rpartition(".")[2].lower()
    code = "GB" if ending == "uk" else ending.upper()
    return code if code in COUNTRIES and ending not in _SOLD_TO_ALL.split() and "." in publisher else None


def _kind(publisher: str) -> OutletKind | None:
    if not _FORUM_LABELS.isdisjoint(publisher.split(".")):
        return OutletKind.FORUM
    return OutletKind.BLOG if is_let_to_many(publisher) else None


def _named(written: Any) -> str:
    name = written.get("name") if isinstance(written, dict) else None
    return f" ({name})" if isinstance(name, str) and name.isprintable() else ""


def _problems(error: ValidationError) -> Iterator[str]:
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        text = problem_text(problem, _OutletRow.model_fields)
        yield f"{key}: {text}" if key else text
