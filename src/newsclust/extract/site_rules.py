"""Rules for sites that the general extraction gets wrong: `data/site_rules.toml`, one table a domain."""

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from newsclust.urls import host

if TYPE_CHECKING:
    from lxml.html import HtmlElement


class TextFrom(StrEnum):
    """Where a site's texts are taken from."""

    PAGE = "page"
    FEED = "feed"  # the page is worse than what the feed holds


class SiteRule(BaseModel):
    """What to read on the pages of a domain and of its subdomains, as XPath."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    body: tuple[str, ...] = ()  # the elements that hold the text, all of them in order; left out: found as usual
    drop: tuple[str, ...] = ()  # elements that are no text
    use: TextFrom = TextFrom.PAGE
    why: str  # what goes wrong without the rule

    @field_validator("body", "drop")
    @classmethod
    def _compiles(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        from lxml.etree import Element, XPath, XPathError

        for path in paths:
            try:
                found = XPath(path)(Element("html"))  # a function that nobody knows shows only when it is called
            except XPathError as error:
                raise ValueError(f"{path!r} is no XPath: {error}") from error
            if not isinstance(found, list):
                raise ValueError(f"{path!r} selects no elements, but is {found!r}")  # noqa: TRY004 - pydantic
        return paths

    @model_validator(mode="after")
    def _does_something(self) -> "SiteRule":
        if self.use is TextFrom.FEED and (self.body or self.drop):
            raise ValueError("with use = 'feed' no page is read: body and drop say nothing")
        if self.use is TextFrom.PAGE and not (self.body or self.drop):
            raise ValueError("neither body nor drop nor use = 'feed'")
        return self


def read_site_rules(path: Path) -> dict[str, SiteRule]:
    """Return a file's rules by domain, none when there is no such file; ValueError says what is wrong with it."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path}: {error}") from error
    rules = {}
    for domain, table in tables.items():
        try:
            rules[domain.lower()] = SiteRule.model_validate(table)
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            raise ValueError(f"{path}: [{domain!r}] {problems}") from error
    return rules


def site_rule_for(url: str, rules: Mapping[str, SiteRule]) -> SiteRule | None:
    """Return the rule of the longest domain that the address's host equals or is a subdomain of."""
    labels = host(url).split(".") if rules else []
    return next((rules[name] for at in range(len(labels)) if (name := ".".join(labels[at:])) in rules), None)


def apply_site_rule(tree: "HtmlElement", rule: SiteRule) -> tuple[list["HtmlElement"], str]:
    """Drop from the tree what the rule drops; return the elements that hold the text, and the mismatch ("" for none).

    Without elements the text is found as usual. A mismatch is a body that is nowhere, or nothing to drop: then the
    site is no longer what the rule was written for.
    """
    dropped = [element for path in rule.drop for element in _elements(tree, path)]
    for element in dropped:
        if element.getparent() is not None:
            element.drop_tree()
    body = [element for path in rule.body for element in _elements(tree, path)]
    if rule.body and not body:
        return [], f"body {', '.join(rule.body)}"
    return body, "" if body or dropped else f"drop {', '.join(rule.drop)}"


def _elements(tree: "HtmlElement", path: str) -> list["HtmlElement"]:
    """Return the elements at a path, which may also select attributes and texts."""
    from lxml.html import HtmlElement

    return [found for found in tree.xpath(path) if isinstance(found, HtmlElement)]
