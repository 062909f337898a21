"""newsclust.toml and NEWSCLUST_* -> Settings, and Settings -> the stages.

Precedence: defaults in code < `newsclust.toml` < `NEWSCLUST_*` in the environment
(`NEWSCLUST_STORIES__WINDOW_DAYS=3`, `NEWSCLUST_FETCH__OPTIONS='{"per_host": 1}'`). An unknown key is an error,
wherever it stands; a key from before 0.1.0 is answered with its new name.
"""

import contextlib
import importlib
import inspect
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    SerializationInfo,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)
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
from newsclust.model import RetentionLimits
from newsclust.polling.page_budget import DEFAULT_BUDGET, PageBudget
from newsclust.polling.scheduler import PollingLimits
from newsclust.stories.clustering import Clusterer
from newsclust.stories.pairs import Linker
from newsclust.urls import HIDDEN, VARIABLE, redacted
from newsclust.written import decoded, parsed_toml, problem_text, read_written

CONFIG_FILE = "newsclust.toml"
_DAYS_OF_MONTH = 30.4375
_PREFIX = "NEWSCLUST_"
_CONFIG_VARIABLE = "NEWSCLUST_CONFIG"
_FOLDERS_UP = 4  # from a published file to the folder of its settings: published/ stands in it, or data/published/
_RENAMED = {  # before 0.1.0 -> now
    "paths.orders": "paths.feed_commands",
    "fetch.ask": "polling.poll",
    "fetch.soonest_minutes": "polling.min_interval_minutes",
    "fetch.latest_hours": "polling.max_interval_hours",
    "links": "pairs",
}


_MOVED_CLASSES = {  # before 0.1.0 -> now
    "newsclust.links:PairModel": "newsclust.stories.pairs:PairModel",
    "newsclust.links:CentredCosine": "newsclust.stories.pairs:CentredCosine",
    "newsclust.stories:AverageLinkage": "newsclust.stories.clustering:AverageLinkage",
    "newsclust.stories:LearnedJoins": "newsclust.stories.clustering:MergeClassifier",
    "newsclust.stories:Density": "newsclust.stories.clustering:HdbscanClusterer",
}
_RENAMED_OPTIONS = {  # of the moved classes
    "newsclust.stories:LearnedJoins": {"cut": "threshold"},
    "newsclust.stories:Density": {"weakest": "min_probability"},
}


_SERVICE = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://\S"
)  # how an address of [notify] begins, if it is not all a variable
_WEB_ADDRESS = re.compile(r"https?://[^\s/]+\S*", re.IGNORECASE)
_SECRET_OPTION = re.compile(  # the name of an argument that is one, its words parted by underscores
    r"(?:^|_)(?:auth|authorization|bearer|cookies?|credentials?|(?:api|access|private|secret)?keys?|pass|passphrase"
    r"|passw(?:or)?ds?|pwd|secrets?|session|signature|(?:access|api|auth|bearer|refresh)_?tokens|\w*token)$"
)
_WORD_BEGINS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")  # apiKey, X-Api-Key
_SECRET_VALUE = re.compile(  # whatever it is called: an Authorization, a key of a known kind, a JSON Web Token
    r"(?i:\b(?:bearer|basic|token)\s+)\S{6,}"
    r"|\b(?:sk|pk|rk|hf|gh[opsu]|glpat|xox[abp])[-_][A-Za-z0-9_-]{12,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
)
_SHOW_SECRETS = "show secrets"  # context of a dump that is read back as settings


def _dumped(secret: SecretStr, info: SerializationInfo) -> str:
    return secret.get_secret_value() if info.context == _SHOW_SECRETS and secret else HIDDEN if secret else ""


Secret = Annotated[SecretStr, PlainSerializer(_dumped, when_used="json")]
"""A text that may hold credentials: shown nowhere, nor dumped, but by `settings_toml`."""


# A longer span is none: the calendar ends before it, or the program that waits.
Bounded = Annotated[float, Field(allow_inf_nan=False, le=1_000_000)]
Days = Annotated[float, Field(allow_inf_nan=False, le=36_500)]  # a hundred years
Months = Annotated[float, Field(allow_inf_nan=False, gt=0, le=1_200)]


class Section(BaseModel):
    """One section of the settings: unknown keys are errors, values do not change and stand in no message."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


_TRIED_TYPE = re.compile(r"(?:constrained-)?(?:float|int|str)$|literal\[")
_LARGEST_OPTION = 1e9  # that is no whole number


class Stage(Section):
    """Which class does a stage's work, as "module:Class", and the arguments of its constructor."""

    use: str
    options: dict[str, Any] = {}

    @field_validator("options")
    @classmethod
    def _are_finite(cls, options: dict[str, Any]) -> dict[str, Any]:
        for name, value in options.items():
            if isinstance(value, float) and not abs(value) <= _LARGEST_OPTION:
                raise ValueError(f"{name} = {value}: a number of at most {_LARGEST_OPTION:,.0f} is needed")
        return options


class Paths(Section):
    """Where files lie; relative paths count from the folder of the settings file, else from the working directory."""

    feeds: Path = Path("data/feeds.toml")
    database: Path = Path("data/newsclust.duckdb")
    published: Path = Path("data/published/newsclust.duckdb")
    corrections: Path = Path("data/corrections.jsonl")
    feed_commands: Path = Path("data/feed_commands.jsonl")
    outlets: Path = Path("data/outlets.toml")

    @field_validator("*")
    @classmethod
    def _is_printable(cls, path: Path) -> Path:
        if not str(path).isprintable():
            raise ValueError(
                "it holds characters that no path has: in TOML, \\n and \\t in double quotes are a line feed and a "
                "tab; put a Windows path in single quotes"
            )
        return path


class FetchSettings(Stage):
    """How feeds and pages are downloaded."""

    use: str = "newsclust.fetch:HttpFetcher"
    contact: str = "https://example.org/newsclust"  # whom a site's owner can ask; part of the User-Agent


class PollingSettings(Section):
    """How often feeds are requested, and how many pages behind their entries."""

    poll: Literal["due", "all"] = "due"  # which feeds a run requests; "all" is for a person who cannot wait
    min_interval_minutes: Bounded = Field(default=30, ge=0)  # between two requests for a feed that answers
    max_interval_hours: Bounded = Field(default=22, gt=0)  # the same, whatever its pace and its update hints

    # Bounds for the pages of one night, the newest first; what meets one waits for the next night.
    max_pages_site: int = Field(default=DEFAULT_BUDGET.site_pages, ge=1, le=1_000_000)
    max_pages_feed: int = Field(default=DEFAULT_BUDGET.feed_pages, ge=1, le=1_000_000)
    max_pages_night: int = Field(default=DEFAULT_BUDGET.night_pages, ge=1, le=1_000_000)
    max_minutes_site: Bounded = Field(default=DEFAULT_BUDGET.site_minutes, gt=0)
    max_minutes_feed: Bounded = Field(default=DEFAULT_BUDGET.feed_minutes, gt=0)
    max_minutes_night: Bounded = Field(default=DEFAULT_BUDGET.night_minutes, gt=0)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_interval_minutes > 60 * self.max_interval_hours:
            raise ValueError("min_interval_minutes is longer than max_interval_hours")
        return self


class ExtractSettings(Stage):
    """How the article text is taken from pages and entries."""

    use: str = "newsclust.extract:TrafilaturaExtractor"


class DuplicateSettings(Section):
    """From which similarity on an article is a duplicate."""

    jaccard: float = Field(default=0.8, gt=0, le=1)  # overlap of the shingles of two texts
    containment: float = Field(default=0.82, gt=0, le=1)  # share of a text's shingles that stand in another text


class EmbedSettings(Stage):
    """Which model turns articles into vectors."""

    use: str = "newsclust.embed:SentenceTransformerEmbedder"
    characters: int = Field(default=300, ge=0, le=1_000_000)  # of the text, after the title


class PairSettings(Stage):
    """How the probability is found that two articles tell one story."""

    use: str = "newsclust.stories.pairs:PairModel"


class StorySettings(Stage):
    """How articles are grouped into stories."""

    use: str = "newsclust.stories.clustering:MergeClassifier"
    window_days: Days = Field(default=5, gt=0)  # articles older than this are settled: they are not regrouped


class TopicSettings(Section):
    """How stories are grouped into topics."""

    window_days: Days = Field(default=14, gt=0)  # stories older than this take no part
    min_stories: int = Field(default=3, ge=2, le=1_000_000)  # in a topic; a new one needs more in a large window


class RetentionSettings(Section):
    """How long what is heavy is kept; its rows stay, and say when and why it was dropped."""

    page_days: Days = Field(default=30, ge=1)  # downloaded pages, and entries no longer shown
    # The rows of requests; counts stay. Back from its last answer a feed is watched for 14 days (store/polling.py).
    request_days: Days = Field(default=180, ge=14)
    article_months: Months | Literal["forever"] = "forever"  # texts
    vector_months: Months | Literal["forever"] = "forever"
    story_months: Months | Literal["forever"] = "forever"  # links, and what happened between a story's birth and end


class NightSettings(Section):
    """When the nightly run starts, and how its steps are retried."""

    at: str = "03:30"  # local time
    timezone: str = "Europe/Paris"
    retries: int = Field(default=2, ge=0, le=1000)  # of each step
    retry_delay_s: Bounded = Field(default=60, ge=0)
    max_step_minutes: Bounded = Field(default=360, gt=0)  # a step that takes longer ends the night

    @field_validator("at")
    @classmethod
    def _is_an_hour(cls, value: str) -> str:
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
            raise ValueError(f'{value!r} is no time of day (such as "03:30")')
        return value

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is no time zone (such as Europe/Paris)") from error
        return value


NotifyOccasion = Literal["failed", "crashed", "late", "feeds", "summary"]


class NotifySettings(Section):
    """Who is told what of a night. Credentials stand in the environment: ${NAME} is replaced when a message is sent.

    Here only the form of addresses is checked: `newsclust status` must answer without the password of a mail server.
    """

    to: tuple[Secret, ...] = ()  # addresses for Apprise
    on: tuple[NotifyOccasion, ...] = ("failed", "crashed", "late", "feeds")
    ping: Secret = SecretStr("")  # requested after each good night
    late_after_hours: Bounded = Field(default=26, gt=0)  # without a good night

    @field_validator("to")
    @classmethod
    def _name_a_service(cls, addresses: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for number, address in enumerate(addresses, start=1):
            text = address.get_secret_value()
            if not (_SERVICE.match(text) or VARIABLE.fullmatch(text)):
                raise ValueError(f"address {number} names no service: mailto://..., ntfy://... or one ${{VARIABLE}}")
        return addresses

    @field_validator("ping")
    @classmethod
    def _is_on_the_web(cls, address: SecretStr) -> SecretStr:
        text = address.get_secret_value()
        if text and not (_WEB_ADDRESS.fullmatch(text) or VARIABLE.fullmatch(text)):
            raise ValueError("no address that begins with https:// or http://, nor one ${VARIABLE}")
        return address


class _WrittenToml(TomlConfigSettingsSource):
    """The TOML file that a person wrote, with or without a byte order mark."""

    def _read_file(self, file_path: Any) -> dict[str, Any]:  # a Path: it is given as one
        return parsed_toml(file_path, read_written(file_path))


class _FileAndEnvironment(BaseSettings):
    """Settings of a TOML file, over which the environment wins."""

    model_config = SettingsConfigDict(
        frozen=True,
        hide_input_in_errors=True,
        env_prefix=_PREFIX,
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

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
        return init_settings, env_settings, _WrittenToml(settings_cls)


class _SomeSections(_FileAndEnvironment):
    """Sections of the settings, whatever else stands beside them."""

    model_config = SettingsConfigDict(extra="ignore")


class Settings(_FileAndEnvironment):
    """Everything that a person can choose."""

    model_config = SettingsConfigDict(extra="forbid")

    paths: Paths = Paths()
    fetch: FetchSettings = FetchSettings()
    polling: PollingSettings = PollingSettings()
    extract: ExtractSettings = ExtractSettings()
    duplicates: DuplicateSettings = DuplicateSettings()
    embed: EmbedSettings = EmbedSettings()
    pairs: PairSettings = PairSettings()
    stories: StorySettings = StorySettings()
    topics: TopicSettings = TopicSettings()
    retention: RetentionSettings = RetentionSettings()
    night: NightSettings = NightSettings()
    notify: NotifySettings = NotifySettings()

    def fetcher(self, *, clock: Callable[[], datetime]) -> Fetcher:
        """Return the chosen fetcher; `clock` gives the time of the night."""
        extra: dict[str, Any] = {"clock": clock}
        if "user_agent" not in self.fetch.options:
            extra["user_agent"] = self.user_agent
        fetcher: Fetcher = _build("fetch", self.fetch, extra)
        return fetcher

    def recorded(self) -> dict[str, Any]:
        """Return the settings as they are stored with a run: no word of who is told, credentials of others hidden."""
        recorded: dict[str, Any] = _without_secrets(self.model_dump(mode="json", exclude={"notify"}))
        return recorded

    @property
    def user_agent(self) -> str:
        """Return the User-Agent: the program and whom to ask about it.

        There is no From header beside it (RFC 9110, 10.1.2): it can only hold a person's mail address, which every
        site would get for nothing that the contact does not do.
        """
        return str(self.fetch.options.get("user_agent", f"newsclust/0.1 (+{self.fetch.contact})"))

    @model_validator(mode="after")
    def _keeps_what_nights_read(self) -> Self:
        """Refuse a retention that would drop what the next nights still compare."""
        window, limits = self.embed_days, self.retention_limits
        for name, kept in (("article", limits.articles), ("vector", limits.vectors), ("story", limits.stories)):
            if kept is not None and kept <= window:
                raise ValueError(
                    f"retention.{name}_months: these are {kept:.0f} days, and stories or topics are made of the last "
                    f"{window:g} ([stories] and [topics] window_days): more are needed"
                )
        return self

    @property
    def embed_days(self) -> float:
        """Return how many days of articles need vectors each night: those of the longer window."""
        return max(self.stories.window_days, self.topics.window_days)

    @property
    def retention_limits(self) -> RetentionLimits:
        """Return how many days what is heavy is kept."""
        return _retention_limits(self.retention)

    @property
    def polling_limits(self) -> PollingLimits:
        """Return the limits of how often feeds are requested."""
        return PollingLimits(
            min_interval=timedelta(minutes=self.polling.min_interval_minutes),
            max_interval=timedelta(hours=self.polling.max_interval_hours),
            poll_all=self.polling.poll == "all",
        )

    @property
    def page_budget(self) -> PageBudget:
        """Return how many pages a night downloads, and for how long."""
        return PageBudget(
            site_pages=self.polling.max_pages_site,
            feed_pages=self.polling.max_pages_feed,
            night_pages=self.polling.max_pages_night,
            site_minutes=self.polling.max_minutes_site,
            feed_minutes=self.polling.max_minutes_feed,
            night_minutes=self.polling.max_minutes_night,
        )

    def extractor(self) -> Extractor:
        """Return the chosen extractor."""
        extractor: Extractor = _build("extract", self.extract)
        return extractor

    def embedder(self) -> Embedder:
        """Return the chosen embedder; its model is loaded when first used."""
        embedder: Embedder = _build("embed", self.embed)
        return embedder

    def linker(self) -> Linker:
        """Return the chosen linker."""
        linker: Linker = _build("pairs", self.pairs)
        return linker

    def clusterer(self) -> Clusterer:
        """Return the chosen clusterer."""
        clusterer: Clusterer = _build("stories", self.stories)
        return clusterer


def _retention_limits(section: RetentionSettings) -> RetentionLimits:
    def days(months: float | Literal["forever"]) -> float | None:
        return None if months == "forever" else months * _DAYS_OF_MONTH

    return RetentionLimits(
        pages=section.page_days,
        requests=section.request_days,
        articles=days(section.article_months),
        vectors=days(section.vector_months),
        stories=days(section.story_months),
    )


def load_settings(path: Path | None = None, **sections: Any) -> Settings:
    """Return the settings of `path`, else of $NEWSCLUST_CONFIG, else of ./newsclust.toml if there is one.

    `sections` win over file and environment. Raises `SettingsError` with the file or the variable, the key
    and what is wrong with it.
    """
    source = settings_file(path)
    if source.is_dir():
        raise SettingsError(f"{source}: it is a folder, and a settings file is needed")
    if source != Path(CONFIG_FILE) and not source.is_file():
        raise SettingsError(f"{source}: no such settings file")
    _refuse_unknown_variables()

    class _FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=source)

    try:
        loaded = _FromFile(**sections)
    except UnreadableVariable as error:  # a section or options that are not JSON
        raise SettingsError(f"environment variable {_PREFIX}*: {error}: {error.__cause__}") from error
    except ValidationError as error:
        raise SettingsError("; ".join(f"{_origin(key, source)}: {text}" for key, text in _problems(error))) from error
    chosen = {name: getattr(loaded, name) for name in Settings.model_fields}
    if source.is_file() and "paths" not in sections:
        chosen["paths"] = _beside(source, loaded.paths)
    return Settings.model_construct(**chosen)


def settings_file(path: Path | None = None) -> Path:
    """Return the file in force, which may not exist: `path`, else $NEWSCLUST_CONFIG, else ./newsclust.toml."""
    return path or Path(os.environ.get(_CONFIG_VARIABLE) or CONFIG_FILE)


def settings_publishing(published: Path) -> Path | None:
    """Return the settings file whose nights publish this file, looked for in the folders that it stands in.

    None when no `newsclust.toml` there names it. The environment is not asked: it may name another night's file.
    """
    target = published.resolve()
    for folder in list(target.parents)[:_FOLDERS_UP]:
        source = folder / CONFIG_FILE
        try:
            written = tomllib.loads(decoded(source.read_bytes())).get("paths", {})
            named = Path(str(written.get("published", Paths.model_fields["published"].default)))
        except (OSError, ValueError, AttributeError):  # not there, or it is not settings
            continue
        if (folder / named).resolve() == target:
            return source
    return None


def readable_settings(path: Path | None = None) -> Settings:
    """Return what can be read of settings that `load_settings` refuses: where files lie, and who is told of failures.

    All else is as by default. So a night with wrong settings is recorded where its operator looks.
    """
    source = settings_file(path)
    found = {name: field.get_default() for name, field in Settings.model_fields.items()}
    for name, section in (("paths", Paths), ("notify", NotifySettings)):
        for file in (source, None):  # None: the file is no TOML, so the environment alone
            alone = create_model(
                "SectionAlone",
                __base__=_SomeSections,
                **{name: (section, section())},  # type: ignore[call-overload]
            )
            alone.model_config["toml_file"] = file
            with contextlib.suppress(ValueError, UnreadableVariable, OSError, SettingsError):
                found[name] = getattr(alone(), name)
                break
    return Settings.model_construct(**found | {"paths": _beside(source, found["paths"])})


def _beside(source: Path, paths: Paths) -> Paths:
    """Return the paths with relative ones in the folder of the settings file, unless the environment gives them.

    So a schedule can name the file from anywhere (cron, systemd), and the folder can be moved as a whole.
    """
    return paths.model_copy(
        update={
            name: source.parent / path
            for name, path in paths
            if _origin(["paths", name], source) == str(source)  # else a variable's: it counts from where it is set
        }
    )


def settings_toml(settings: Settings) -> str:
    """Return TOML that `load_settings` reads back to equal settings; what is default is left out."""
    chosen = settings.model_dump(mode="json", exclude_defaults=True, context=_SHOW_SECRETS)
    return "\n".join(
        "\n".join([f"[{section}]", *(f"{key} = {_toml(value)}" for key, value in values.items())]) + "\n"
        for section, values in chosen.items()
    )


def _toml(value: Any) -> str:
    """Return a TOML value: JSON's escapes are a subset of TOML's, which also wants DEL escaped."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def recorded_stories(recorded: Mapping[str, Any]) -> StorySettings:
    """Return the `stories` section that an earlier night recorded, in today's names."""
    use, options = recorded["use"], recorded["options"]
    renamed = _RENAMED_OPTIONS.get(use, {})
    return StorySettings(
        use=_MOVED_CLASSES.get(use, use), options={renamed.get(name, name): value for name, value in options.items()}
    )


def _without_secrets(value: Any, name: str = "") -> Any:
    """Return a value with credentials in its texts hidden, and all of an option that is called like a secret."""
    is_secret = name == HIDDEN or _SECRET_OPTION.search(_WORD_BEGINS.sub("_", name).lower())
    if isinstance(value, dict):
        return {key: _without_secrets(item, HIDDEN if is_secret else str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(item, HIDDEN if is_secret else name) for item in value]
    if is_secret and not isinstance(value, bool) and value not in (None, ""):
        return HIDDEN
    return _SECRET_VALUE.sub(HIDDEN, redacted(value)) if isinstance(value, str) else value


def _refuse_unknown_variables() -> None:
    for variable in os.environ:
        if not variable.upper().startswith(_PREFIX) or variable == _CONFIG_VARIABLE:
            continue
        section = variable[len(_PREFIX) :].split("__")[0].lower()
        if section in _RENAMED:
            new = f"{_PREFIX}{_RENAMED[section].upper()}__..."
            raise SettingsError(f"environment variable {variable}: the section is called {new} now")
        if section not in Settings.model_fields:
            known = ", ".join(f"{_PREFIX}{name.upper()}__..." for name in Settings.model_fields)
            place = _place_of(section)
            raise SettingsError(
                f"environment variable {variable}: no such section{f'; {place}' if place else ''} (known: {known})"
            )


def _origin(key: Sequence[str], source: Path) -> str:
    """Return where the wrong value of this key stands: the variable that holds it, else the file."""
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
        if stage.use in _MOVED_CLASSES:
            raise SettingsError(
                f"[{section}] use = {stage.use!r}: it is called {_MOVED_CLASSES[stage.use]!r} now"
            ) from error
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
        text = "; ".join(text for _, text in _problems(error, list(fields)))
        raise SettingsError(f"[{section}.options] of {stage.use}: {text}") from error
    try:
        return made(**offered, **{name: getattr(options, name) for name in fields})
    except ValueError as error:  # out of range: the stage's own check
        raise SettingsError(f"[{section}.options] of {stage.use}: {error}") from error


def _problems(error: ValidationError, options: Sequence[str] | None = None) -> Iterator[tuple[list[str], str]]:
    """Yield each wrong key with a line that says what is wrong; `options` are keys of a stage, if it is judged."""
    sections = {name: field.annotation for name, field in Settings.model_fields.items()}
    for problem in error.errors():
        # Of a value that may be of two types, pydantic names the type that it tried, too.
        key = [str(part) for part in problem["loc"] if not _TRIED_TYPE.match(str(part))]
        name = ".".join(key)
        section = sections.get(key[0]) if key else None
        known = options if options is not None else getattr(section, "model_fields", sections)
        if problem["type"] == "extra_forbidden" and name in _RENAMED:
            yield key, f"{name}: it is called {_RENAMED[name]} now"
        elif problem["type"] == "extra_forbidden" and options is None and (place := _place_of(key[-1])):
            yield key, f"{name}: unknown key; {place}"
        else:
            is_secret = key[:1] == ["notify"] or bool(_SECRET_OPTION.search(name))
            text = problem_text(problem, known, show=not is_secret)
            yield key, f"{name}: {text}" if name else text  # what several sections contradict names itself


def _place_of(key: str) -> str:
    """Return in which section a key stands, in words; empty when none has it."""
    sections = [
        f"[{name}]"
        for name, field in Settings.model_fields.items()
        if key in getattr(field.annotation, "model_fields", ())
    ]
    return f"it stands in {' or '.join(sections)}" if sections else ""
