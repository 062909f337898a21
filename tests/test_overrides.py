"""Overrides by people: the files of feed commands and corrections, and what follows from their lines."""

import re
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.errors import SettingsError
from newsclust.overrides import (
    Correction,
    CorrectionKind,
    FeedCommandKind,
    active_corrections,
    append_correction,
    duplicate_overrides,
    grouping_constraints,
    new_correction,
    read_corrections,
    read_feed_commands,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def same(*articles: str, minute: int = 0) -> Correction:
    return new_correction(CorrectionKind.SAME, made_at=NOON + timedelta(minutes=minute), article_ids=articles)


def different(one: str, *others: str, minute: int = 0) -> Correction:
    return new_correction(
        CorrectionKind.DIFFERENT,
        made_at=NOON + timedelta(minutes=minute),
        article_ids=[one],
        other_article_ids=others,
    )


def not_duplicate(article: str, minute: int = 0) -> Correction:
    return new_correction(
        CorrectionKind.NOT_DUPLICATE, made_at=NOON + timedelta(minutes=minute), article_ids=[article]
    )


def undo(correction: Correction, minute: int = 0) -> Correction:
    return new_correction(CorrectionKind.UNDO, made_at=NOON + timedelta(minutes=minute), undoes=correction.id)


def test_what_is_written_is_read_back_in_order(tmp_path: Path) -> None:
    file = tmp_path / "corrections.jsonl"
    corrections = [same("a", "b"), different("a", "c", minute=1)]
    corrections.append(new_correction(CorrectionKind.RENAME, made_at=NOON, article_ids=["a"], headline="L’affaire"))
    corrections.append(not_duplicate("d", minute=1))
    corrections.append(undo(corrections[0], minute=2))
    for correction in corrections:
        append_correction(file, correction)
    assert read_corrections(file) == corrections


def test_lines_written_before_the_renames_are_read_as_todays(tmp_path: Path) -> None:
    file = tmp_path / "corrections.jsonl"
    made = '"made_at": "2026-03-02T12:00:00Z"'
    file.write_text(
        f'{{"id": "x", "kind": "no_copy", {made}, "articles": ["a"]}}\n'
        f'{{"id": "y", "kind": "different", {made}, "articles": ["a"], "others": ["b"]}}\n'
    )
    older, newer = read_corrections(file)
    assert (older.kind, older.article_ids) == (CorrectionKind.NOT_DUPLICATE, ("a",))
    assert (newer.kind, newer.article_ids, newer.other_article_ids) == (CorrectionKind.DIFFERENT, ("a",), ("b",))
    commands = tmp_path / "feed_commands.jsonl"
    commands.write_text(
        '{"kind": "ask", "feed_id": "f", "given_at": "2026-03-02T12:00:00Z"}\n'
        '{"kind": "stay", "feed_id": "f", "given_at": "2026-03-02T12:00:00Z", "address": "https://n.example/"}\n'
    )
    kinds = [command.kind for command in read_feed_commands(commands)]
    assert kinds == [FeedCommandKind.REFRESH, FeedCommandKind.KEEP_ADDRESS]


def test_a_file_of_feed_commands_under_its_old_name_is_refused_until_it_is_renamed(tmp_path: Path) -> None:
    old, new = tmp_path / "feed_orders.jsonl", tmp_path / "feed_commands.jsonl"
    old.write_text('{"kind": "ask", "feed_id": "f", "given_at": "2026-03-02T12:00:00Z"}\n')
    with pytest.raises(SettingsError, match=f"rename it .mv {re.escape(str(old))} {re.escape(str(new))}"):
        read_feed_commands(new)
    old.rename(new)
    assert len(read_feed_commands(new)) == 1


def test_no_file_is_no_correction(tmp_path: Path) -> None:
    assert read_corrections(tmp_path / "corrections.jsonl") == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "line 2"),
        ('{"id": "x", "kind": "maybe", "made_at": "2026-03-02T12:00:00Z"}', "kind"),
        (
            '{"id": "x", "kind": "same", "made_at": "2026-03-02T12:00:00Z", "article_ids": ["a"]}',
            "lacks what it corrects",
        ),
        (
            '{"id": "x", "kind": "not_duplicate", "made_at": "2026-03-02T12:00:00Z", "article_ids": ["a", "b"]}',
            "lacks what it corrects",
        ),
        ('{"id": "x", "kind": "not_duplicate", "made_at": "2026-03-02T12:00:00Z"}', "lacks what it corrects"),
        ('{"id": "x", "kind": "same", "made_at": "2026-03-02T12:00:00", "article_ids": ["a", "b"]}', "made_at"),
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


def test_an_undo_revokes_a_correction_and_an_undo_of_the_undo_restores_it() -> None:
    linked = same("a", "b")
    revoked = undo(linked, minute=1)
    assert active_corrections([linked, revoked]) == []
    assert active_corrections([linked, revoked, undo(revoked, minute=2)]) == [linked]


def test_an_article_is_a_duplicate_of_none_as_long_as_one_correction_of_it_is_active() -> None:
    once, again = not_duplicate("a"), not_duplicate("a", minute=1)
    corrections = [once, not_duplicate("b"), again, same("c", "d"), undo(once, minute=2)]
    assert duplicate_overrides(corrections) == {"a", "b"}
    assert duplicate_overrides([*corrections, undo(again, minute=3)]) == {"b"}
    assert duplicate_overrides([]) == frozenset()


def test_a_correction_of_a_duplicate_constrains_no_grouping() -> None:
    assert grouping_constraints([not_duplicate("a"), same("b", "c")]) == grouping_constraints([same("b", "c")])


def test_links_are_transitive_and_of_two_contradicting_corrections_the_later_wins() -> None:
    assert grouping_constraints([same("a", "b"), same("b", "c", minute=1)]).together == (frozenset("abc"),)
    parted_later = grouping_constraints([same("a", "b", "c"), different("a", "b", minute=1)])
    assert frozenset("ab") in parted_later.apart
    assert not any({"a", "b"} <= group for group in parted_later.together)
    linked_later = grouping_constraints([different("a", "b"), same("a", "b", minute=1)])
    assert linked_later.together == (frozenset("ab"),)
    assert not linked_later.apart


@given(st.lists(st.tuples(st.booleans(), st.sets(st.sampled_from("abcdef"), min_size=2, max_size=4)), max_size=8))
def test_constraints_never_contradict_themselves_and_the_last_correction_always_counts(
    drawn: list[tuple[bool, set[str]]],
) -> None:
    corrections = []
    for minute, (is_same, articles) in enumerate(drawn):
        first, *rest = sorted(articles)
        corrections.append(same(first, *rest, minute=minute) if is_same else different(first, *rest, minute=minute))
    constraints = grouping_constraints(corrections)
    assert all(not pair <= group for pair in constraints.apart for group in constraints.together)
    assert all(not left & right for left, right in combinations(constraints.together, 2))
    if drawn:
        is_same, articles = drawn[-1]
        first, *rest = sorted(articles)
        if is_same:
            assert any(articles <= group for group in constraints.together)
        else:
            assert all(frozenset((first, other)) in constraints.apart for other in rest)
