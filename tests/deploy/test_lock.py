"""The lock file of production: whole, within what pyproject.toml and constraints.txt say, and nothing beside it."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
ENTRY = re.compile(r"^([\w.-]+)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE)
NOT_FOR_PRODUCTION = re.compile(
    r"jupyter|^ipy|^nb|notebook|pytest|hypothesis|mypy|^ruff$|nvidia|cuda|triton|umap|altair"
)


@cache
def locked() -> dict[str, str]:
    text = (ROOT / "deploy" / "requirements.lock").read_text(encoding="utf-8")
    entries = ENTRY.findall(text)
    assert ENTRY.sub("", text).strip().startswith("#"), "a line that is no pin with its hashes"
    return {canonicalize_name(name): version for name, version, _ in entries}


def dependencies() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(line) for line in project["dependencies"]]


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}


def test_every_dependency_is_locked_within_its_bounds() -> None:
    for needed in dependencies():
        name = canonicalize_name(needed.name)
        if name != "torch":
            assert needed.specifier.contains(locked()[name]), needed


def test_what_is_locked_is_what_the_tests_run_with() -> None:
    pinned = constraints()
    differing = {name: version for name, version in locked().items() if pinned.get(name, version) != version}
    assert differing == {}
    assert len(locked()) > 100


def needed_by(name: str, extras: frozenset[str], python: str) -> Iterator[tuple[str, frozenset[str]]]:
    """What an installed package needs with these extras: its metadata is that of the version in the lock."""
    for line in distribution(name).requires or ():
        needed = Requirement(line)
        under = {"python_version": python, "python_full_version": f"{python}.9"}
        if needed.marker is None or any(needed.marker.evaluate(under | {"extra": one}) for one in {"", *extras}):
            yield canonicalize_name(needed.name), frozenset(needed.extras)


def needed_with(python: str) -> set[str]:
    """Every package that the dependencies need, directly or not, but torch."""
    reached: set[tuple[str, frozenset[str]]] = set()
    left = {(canonicalize_name(needed.name), frozenset(needed.extras)) for needed in dependencies()}
    while left:
        one = left.pop()
        reached.add(one)
        left |= set(needed_by(*one, python)) - reached
    return {name for name, _ in reached} - {"torch"}


def test_what_is_locked_is_what_the_dependencies_need_neither_less_nor_more() -> None:
    assert needed_with("3.11") == set(locked())
    assert [name for name in locked() if NOT_FOR_PRODUCTION.search(name)] == []


def test_the_later_python_that_the_lock_is_for_needs_no_more() -> None:
    assert "Python 3.11, 3.12." in (ROOT / "deploy" / "requirements.lock").read_text(encoding="utf-8")
    assert needed_with("3.12") <= set(locked())


def test_torch_is_installed_at_the_version_of_the_project_and_is_not_in_the_lock() -> None:
    (torch,) = [needed for needed in dependencies() if needed.name == "torch"]
    assert f" torch{torch.specifier}\n" in (ROOT / "deploy" / "install.sh").read_text(encoding="utf-8")
    assert constraints()["torch"] == str(torch.specifier).removeprefix("==")
    assert "torch" not in locked()
