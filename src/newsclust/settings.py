"""newsclust.toml and NEWSCLUST_* -> Settings, and Settings -> the stages.

Defaults in code < `newsclust.toml` < `NEWSCLUST_*` in the environment (`NEWSCLUST_STORIES__WINDOW_DAYS=3`,
`NEWSCLUST_FETCH__OPTIONS='{"per_host": 1}'`). Unknown keys are errors, wherever they stand.
"""

import importlib
import inspect
import os
import tomllib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, Self, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import SettingsError as UnreadableVariable

from newsclust.embed import Embedder
from newsclust.errors import SettingsError
from newsclust.extract import Extractor
from newsclust.fetch import Fetcher
from newsclust.polling.scheduler import Rhythm
from newsclust.stories.clustering import Clusterer
from newsclust.stories.pairs import Linker

CONFIG_FILE = "newsclust.toml"
_PREFIX = "NEWSCLUST_"
_CONFIG_VARIABLE = "NEWSCLUST_CONFIG"


class Section(BaseModel):
    """A part of the settings: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Stage(Section):
    """Which class does a stage's work, as "module:Class", and what its constructor is given."""

    use: str
    options: dict[str, Any] = {}


class Paths(Section):
    """Where things are; relative paths count from the working directory."""

    feeds: Path = Path("data/feeds.toml")
    database: Path = Path("data/newsclust.duckdb")
    published: Path = Path("data/published/newsclust.duckdb")
    corrections: Path = Path("data/corrections.jsonl")
    orders: Path = Path("data/feed_orders.jsonl")


class FetchSettings(Stage):
    use: str = "newsclust.fetch:HttpFetcher"
    contact: str = "https://example.org/newsclust"  # whom a site's owner can ask; part of the User-Agent
    ask: Literal["due", "all"] = "due"  # which feeds a run asks; "all" is for a person who cannot wait
    soonest_minutes: float = Field(default=30, ge=0)  # a feed that has answered is left alone for that long
    latest_hours: float = Field(default=22, gt=0)  # ... and no longer, whatever its pace and its wishes

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.soonest_minutes > 60 * self.latest_hours:
            raise ValueError("soonest_minutes is longer than latest_hours")
        return self


class ExtractSettings(Stage):
    use: str = "newsclust.extract:TrafilaturaExtractor"


class DuplicateSettings(Section):
    jaccard: float = Field(default=0.8, gt=0, le=1)  # overlap of word runs from which two texts are one
    containment: float = Field(default=0.82, gt=0, le=1)  # share of its runs from which a text stands in another


class EmbedSettings(Stage):
    use: str = "newsclust.embed:SentenceTransformerEmbedder"
    characters: int = Field(default=300, ge=0)  # of the text, after the title


class LinkSettings(Stage):
    use: str = "newsclust.stories.pairs:PairModel"


class StorySettings(Stage):
    use: str = "newsclust.stories.clustering:LearnedJoins"
    window_days: float = Field(default=5, gt=0)  # articles older than this are settled: they are not regrouped


class TopicSettings(Section):
    window_days: float = Field(default=14, gt=0)  # stories older than this take no part
    min_stories: int = Field(default=3, ge=2)  # the smallest topic; a new one needs more in a large window


class NightSettings(Section):
    at: str = Field(default="03:30", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")  # local time
    timezone: str = "Europe/Paris"
    retries: int = Field(default=2, ge=0)  # of each step
    retry_delay_s: float = Field(default=60, ge=0)

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is no time zone (such as Europe/Paris)") from error
        return value


class Settings(BaseSettings):
    """Everything a person can choose."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=_PREFIX,
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    paths: Paths = Paths()
    fetch: FetchSettings = FetchSettings()
    extract: ExtractSettings = ExtractSettings()
    duplicates: DuplicateSettings = DuplicateSettings()
    embed: EmbedSettings = EmbedSettings()
    links: LinkSettings = LinkSettings()
    stories: StorySettings = StorySettings()
    topics: TopicSettings = TopicSettings()
    night: NightSettings = NightSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the environment before the file; nothing is read from .env or secret folders."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    def fetcher(self, *, clock: Callable[[], datetime]) -> Fetcher:
        """Return the fetcher that the settings choose; `clock` tells the time of the night."""
        extra: dict[str, Any] = {"clock": clock}
        if "user_agent" not in self.fetch.options:
            extra["user_agent"] = self.user_agent
        fetcher: Fetcher = _build("fetch", self.fetch, extra)
        return fetcher

    @property
    def user_agent(self) -> str:
        """What sites are told of us: the program and whom to ask about it.

        There is no From header beside it (RFC 9110, 10.1.2): it can only hold a person's mail address, and would
        give that to every site for nothing that the contact does not do.
        """
        return str(self.fetch.options.get("user_agent", f"newsclust/0.1 (+{self.fetch.contact})"))

    @property
    def rhythm(self) -> Rhythm:
        """How often feeds are asked."""
        return Rhythm(
            soonest=timedelta(minutes=self.fetch.soonest_minutes),
            latest=timedelta(hours=self.fetch.latest_hours),
            all_now=self.fetch.ask == "all",
        )

    def extractor(self) -> Extractor:
        """Return the extractor that the settings choose."""
        extractor: Extractor = _build("extract", self.extract)
        return extractor

    def embedder(self) -> Embedder:
        """Return the embedder that the settings choose; its model is loaded when first used."""
        embedder: Embedder = _build("embed", self.embed)
        return embedder

    def linker(self) -> Linker:
        """Return the linker that the settings choose."""
        linker: Linker = _build("links", self.links)
        return linker

    def clusterer(self) -> Clusterer:
        """Return the clusterer that the settings choose."""
        clusterer: Clusterer = _build("stories", self.stories)
        return clusterer


def load_settings(path: Path | None = None, **given: Any) -> Settings:
    """Return the settings of `path`, else of $NEWSCLUST_CONFIG, else of ./newsclust.toml if there is one.

    `given` sections win over file and environment. Raises `SettingsError` with the file or the variable, the key
    and what is wrong with it.
    """
    named = path or (Path(os.environ[_CONFIG_VARIABLE]) if os.environ.get(_CONFIG_VARIABLE) else None)
    source = named or Path(CONFIG_FILE)
    if named and not named.is_file():
        raise SettingsError(f"{named}: no such settings file")
    _refuse_unknown_variables()

    class _FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=source)

    try:
        loaded = _FromFile(**given)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{source}: not valid TOML: {error}") from error
    except UnreadableVariable as error:  # a section or options that are not JSON
        raise SettingsError(f"environment variable {_PREFIX}*: {error}: {error.__cause__}") from error
    except ValidationError as error:
        raise SettingsError("; ".join(f"{_origin(key, source)}: {said}" for key, said in _problems(error))) from error
    return Settings.model_construct(**{name: getattr(loaded, name) for name in Settings.model_fields})


def _refuse_unknown_variables() -> None:
    for variable in os.environ:
        if not variable.upper().startswith(_PREFIX) or variable == _CONFIG_VARIABLE:
            continue
        section = variable[len(_PREFIX) :].split("__")[0].lower()
        if section not in Settings.model_fields:
            known = ", ".join(f"{_PREFIX}{name.upper()}__..." for name in Settings.model_fields)
            raise SettingsError(f"environment variable {variable}: no such section (known: {known})")


def _origin(key: Sequence[str], source: Path) -> str:
    """Return who said what is wrong under this key: the variable that holds it, else the file."""
    variables = {variable.upper(): variable for variable in os.environ}
    for length in range(len(key), 0, -1):
        variable = variables.get(_PREFIX + "__".join(key[:length]).upper())
        if variable:
            return f"environment variable {variable}"
    return str(source)


def _build(section: str, stage: Stage, extra: dict[str, Any] | None = None) -> Any:
    module_name, _, class_name = stage.use.partition(":")
    try:
        made = getattr(importlib.import_module(module_name), class_name)
        parameters = inspect.signature(made).parameters
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise SettingsError(f"[{section}] use = {stage.use!r}: cannot be imported ({error})") from error
    hints = get_type_hints(made.__init__)
    offered = {name: value for name, value in (extra or {}).items() if name in parameters}
    fields: dict[str, Any] = {
        name: (hints.get(name, Any), ... if parameter.default is parameter.empty else parameter.default)
        for name, parameter in parameters.items()
        if name not in offered
    }
    model = create_model(
        f"{class_name}Options", __config__=ConfigDict(extra="forbid", arbitrary_types_allowed=True), **fields
    )
    try:
        options = model(**stage.options)
    except ValidationError as error:
        said = "; ".join(said for _, said in _problems(error))
        raise SettingsError(f"[{section}.options] of {stage.use}: {said}") from error
    try:
        return made(**offered, **{name: getattr(options, name) for name in fields})
    except ValueError as error:  # out of range, by the stage's own word
        raise SettingsError(f"[{section}.options] of {stage.use}: {error}") from error


def _problems(error: ValidationError) -> Iterator[tuple[list[str], str]]:
    """Each key that is wrong, and a line that says so."""
    for problem in error.errors():
        key = [str(part) for part in problem["loc"]]
        text = "unknown key" if problem["type"] == "extra_forbidden" else problem["msg"]
        yield key, f"{'.'.join(key)}: {text}"
