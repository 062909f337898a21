"""What people say of stories and copies: the file, and what follows from it."""

from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.corrections import (
    Correction,
    Kind,
    append_correction,
    constraints_of,
    new_correction,
    no_copies,
    read_corrections,
    standing,
)
from newsclust.errors import SettingsError

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def same(*articles: str, minute: int = 0) -> Correction:
    return new_correction(Kind.SAME, made_at=NOON + timedelta(minutes=minute), articles=articles)


def different(one: str, *others: str, minute: int = 0) -> Correction:
    return new_correction(Kind.DIFFERENT, made_at=NOON + timedelta(minutes=minute), articles=[one], others=others)


def no_copy(article: str, minute: int = 0) -> Correction:
    return new_correction(Kind.NO_COPY, made_at=NOON + timedelta(minutes=minute), articles=[article])


def undo(correction: Correction, minute: int = 0) -> Correction:
    return new_correction(Kind.UNDO, made_at=NOON + timedelta(minutes=minute), undoes=correction.id)


def test_what_is_written_is_read_back_in_order(tmp_path: Path) -> None:
    file = tmp_path / "corrections.jsonl"
    said = [same("a", "b"), different("a", "c", minute=1)]
    said.append(new_correction(Kind.RENAME, made_at=NOON, articles=["a"], headline="L’affaire"))
    said.append(no_copy("d", minute=1))
    said.append(undo(said[0], minute=2))
    for correction in said:
        append_correction(file, correction)
    assert read_corrections(file) == said


def test_no_file_is_no_correction(tmp_path: Path) -> None:
    assert read_corrections(tmp_path / "corrections.jsonl") == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "line 2"),
        ('{"id": "x", "kind": "maybe", "made_at": "2026-03-02T12:00:00Z"}', "kind"),
        (
            '{"id": "x", "kind": "same", "made_at": "2026-03-02T12:00:00Z", "articles": ["a"]}',
            "lacks what it corrects",
        ),
        (
            '{"id": "x", "kind": "no_copy", "made_at": "2026-03-02T12:00:00Z", "articles": ["a", "b"]}',
            "lacks what it corrects",
        ),
        ('{"id": "x", "kind": "no_copy", "made_at": "2026-03-02T12:00:00Z"}', "lacks what it corrects"),
        ('{"id": "x", "kind": "same", "made_at": "2026-03-02T12:00:00", "articles": ["a", "b"]}', "made_at"),
        ('{"id": "x", "kind": "undo", "made_at": "2026-03-02T12:00:00Z", "undoes": "nothing"}', "to undo"),
        ('{"id": "x", "kind": "same", "made_at": "2026-03-02T12:00:00Z", "article": ["a", "b"]}', "article"),
    ],
)
def test_a_wrong_line_is_refused_with_its_place_and_nothing_is_added_to_the_file(
    tmp_path: Path, line: str, reason: str
) -> None:
    file = tmp_path / "corrections.jsonl"
    append_correction(file, same("a", "b"))
    with file.open("a") as more:
        more.write(line + "\n")
    before = file.read_bytes()
    with pytest.raises(SettingsError, match=reason):
        read_corrections(file)
    with pytest.raises(SettingsError, match="line 2"):
        append_correction(file, same("c", "d"))
    assert file.read_bytes() == before


def test_the_same_id_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "corrections.jsonl"
    append_correction(file, same("a", "b"))
    file.write_text(file.read_text() * 2)
    with pytest.raises(SettingsError, match="stands twice"):
        read_corrections(file)


def test_an_undo_takes_back_and_an_undo_of_it_gives_back() -> None:
    tied = same("a", "b")
    back = undo(tied, minute=1)
    assert standing([tied, back]) == []
    assert standing([tied, back, undo(back, minute=2)]) == [tied]


def test_an_article_is_a_copy_of_none_as_long_as_one_who_said_so_has_not_taken_it_back() -> None:
    once, again = no_copy("a"), no_copy("a", minute=1)
    said = [once, no_copy("b"), again, same("c", "d"), undo(once, minute=2)]
    assert no_copies(said) == {"a", "b"}
    assert no_copies([*said, undo(again, minute=3)]) == {"b"}
    assert no_copies([]) == frozenset()


def test_what_is_said_of_a_copy_asks_nothing_of_the_grouping() -> None:
    assert constraints_of([no_copy("a"), same("b", "c")]) == constraints_of([same("b", "c")])


def test_ties_are_transitive_and_the_later_of_two_that_contradict_holds() -> None:
    assert constraints_of([same("a", "b"), same("b", "c", minute=1)]).together == (frozenset("abc"),)
    parted_later = constraints_of([same("a", "b", "c"), different("a", "b", minute=1)])
    assert frozenset("ab") in parted_later.apart
    assert not any({"a", "b"} <= group for group in parted_later.together)
    tied_later = constraints_of([different("a", "b"), same("a", "b", minute=1)])
    assert tied_later.together == (frozenset("ab"),)
    assert not tied_later.apart


@given(st.lists(st.tuples(st.booleans(), st.sets(st.sampled_from("abcdef"), min_size=2, max_size=4)), max_size=8))
def test_constraints_never_contradict_themselves_and_the_last_word_is_always_heard(
    words: list[tuple[bool, set[str]]],
) -> None:
    said = []
    for minute, (tie, articles) in enumerate(words):
        first, *rest = sorted(articles)
        said.append(same(first, *rest, minute=minute) if tie else different(first, *rest, minute=minute))
    constraints = constraints_of(said)
    assert all(not pair <= group for pair in constraints.apart for group in constraints.together)
    assert all(not one & other for one, other in combinations(constraints.together, 2))
    if words:
        tie, articles = words[-1]
        first, *rest = sorted(articles)
        if tie:
            assert any(articles <= group for group in constraints.together)
        else:
            assert all(frozenset((first, other)) in constraints.apart for other in rest)
