"""`newsclust why`: what links an article to its story, holds a story together, or keeps two apart."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsclust.cli.output import Format, Output, OutputFile
from newsclust.cli.shared import Config, Published, published
from newsclust.errors import SettingsError

if TYPE_CHECKING:
    from newsclust.explain import (
        ArticleRef,
        Explanation,
        GroupExplanation,
        NearbyStory,
        PairEvidence,
        PairExplanation,
        StoryExplanation,
        StoryRef,
    )
    from newsclust.stories.clustering.merge_classifier import MergeAssessment

_WHY_COLUMNS = {
    "what": "VARCHAR",  # a link of two articles, or two groups as wholes
    "left_id": "VARCHAR",  # of an article, or of a story
    "right_id": "VARCHAR",
    "title": "VARCHAR",  # of the article on the right
    "outlet": "VARCHAR",
    "story_id": "VARCHAR",
    "probability": "DOUBLE",
    "threshold": "DOUBLE",  # that joins two groups
    "evidence": "MAP(VARCHAR, DOUBLE)",  # weights on the log-odds
    "names": "VARCHAR[]",  # that both say, the rarest first
}
_SHOWN_IN_FULL = 2  # links of an article: of the others the probability is enough, `why ONE OTHER` tells the rest
_UNITS = "(+ and -: weights on the log-odds, compared with the usual pair of articles, or of groups)"


def why(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="ARTICLE|STORY", help="An article's id or address, or a story's id; or its beginning."
        ),
    ],
    other: Annotated[str | None, typer.Argument(help="A second one, to compare the two.")] = None,
    database: Published = None,
    config: Config = None,
    form: Format = None,
    output: OutputFile = None,
) -> None:
    """Show why an article is in its story and not in the nearest other one, or what holds a story together.

    With a second one, what is known of the two: articles, stories, or one of each.
    """
    from newsclust.explain import (
        ArticleRef,
        StoryRef,
        clusterer_of,
        explain,
        explain_groups,
        explain_pair,
        explain_story,
        find_subject,
    )

    out = Output.chosen(form, output)
    with published(database, config) as connection:
        one = find_subject(connection, subject)
        two = None if other is None else find_subject(connection, other)
        if two is not None and two.id == one.id:
            raise SettingsError(f"why: {one.id} is named twice; name two, or one alone")
        clusterer = clusterer_of(connection)
        rows: list[list[Any]]
        if isinstance(one, ArticleRef) and (two is None or isinstance(two, ArticleRef)):
            if two is None:
                why_one = explain(connection, one, clusterer)
                show, rows = partial(_show_why, why_one), _rows_of_article(why_one)
            else:
                why_pair = explain_pair(connection, one, two, clusterer)
                show, rows = partial(_show_both, one, two, why_pair), _rows_of_pair(one, two, why_pair)
        elif two is None and isinstance(one, StoryRef):
            why_story = explain_story(connection, one, clusterer)
            show, rows = partial(_show_story, why_story), _rows_of_story(why_story)
        elif two is not None:
            why_groups = explain_groups(connection, one, two, clusterer)
            show, rows = partial(_show_groups, one, two, why_groups), _rows_of_groups(one, two, why_groups)
    if out.is_for_people:
        show()
        return
    from newsclust.export import Rows

    out.show(Rows.of(_WHY_COLUMNS, rows))


def _rows_of_article(found: "Explanation") -> list[list[Any]]:
    article = found.article
    rows = [_pair_row("link in its story", article, link) for link in found.links]
    if found.assessment:
        rows.insert(0, _group_row("rest of its story", article.id, article.story_id, found.assessment))
    return rows + _nearby_rows(found.nearby, article.story_id, article)


def _rows_of_pair(one: "ArticleRef", two: "ArticleRef", found: "PairExplanation") -> list[list[Any]]:
    rows = [] if found.link is None else [_pair_row("link", one, found.link)]
    if found.assessment:
        rows.append(_group_row("their stories", one.story_id, two.story_id, found.assessment))
    return rows


def _rows_of_story(found: "StoryExplanation") -> list[list[Any]]:
    rows = [
        _group_row("rest of the story", member.article.id, found.story.id, member.assessment)
        for member in found.members
        if member.assessment
    ]
    return rows + _nearby_rows(found.nearby, found.story.id, None)


def _rows_of_groups(
    one: "ArticleRef | StoryRef", two: "ArticleRef | StoryRef", found: "GroupExplanation"
) -> list[list[Any]]:
    rows = [] if found.assessment is None else [_group_row("as wholes", one.id, two.id, found.assessment)]
    if found.strongest and found.strongest.article:
        rows.append(_pair_row("strongest link", found.strongest.article, found.strongest))
    return rows


def _nearby_rows(nearby: "NearbyStory | None", story_id: str | None, article: "ArticleRef | None") -> list[list[Any]]:
    if nearby is None:
        return []
    rows = (
        []
        if nearby.assessment is None
        else [_group_row("nearest other story", story_id, nearby.story_id, nearby.assessment)]
    )
    ours = nearby.strongest.article or article
    return [*rows, *([_pair_row("closest link there", ours, nearby.strongest)] if ours else [])]


def _group_row(what: str, left: str | None, right: str | None, assessment: "MergeAssessment") -> list[Any]:
    figures = [assessment.probability, assessment.threshold]
    return [what, left, right, None, None, None, *figures, dict(assessment.contributions), []]


def _pair_row(what: str, article: "ArticleRef", link: "PairEvidence") -> list[Any]:
    other = link.other
    names = sorted(link.names, key=lambda name: (-link.names[name], name))
    return [
        *(what, article.id, other.id, other.title, other.outlet, other.story_id),
        *(link.probability, None, dict(link.evidence), names),
    ]


def _show_why(found: "Explanation") -> None:
    one = found.article
    print(f"“{one.title}” ({one.outlet})")
    if found.duplicate_of:
        print(f"A duplicate of {found.duplicate_of}")
        return
    if not one.story_id:
        print("in no story yet")
        return
    others = {0: "alone", 1: "with 1 other article"}.get(found.others, f"with {found.others} other articles")
    print(f"in the story “{found.headline}” ({one.story_id}), {others}")
    if found.others and found.measure:
        print("\nWith the rest of its story:")
        _show_assessment(found.measure, found.assessment)
        if not found.assessment or found.assessment.probability < found.assessment.threshold:
            print("  By itself that is not enough: it came in before some of the rest did, or by a correction.")
    if found.links:
        print("\nIts links there:")
    for tie in found.links[:_SHOWN_IN_FULL]:
        _show_link(tie)
    for tie in found.links[_SHOWN_IN_FULL:]:
        _show_title(tie)
    if unlinked := found.others - len(found.links):
        print(f"  none with {unlinked} more")
    _show_nearby(found.nearby, found.measure)
    _lines("Corrections:", found.corrections)
    if found.links or found.nearby:
        print(f"\n{_UNITS}")


def _show_story(found: "StoryExplanation") -> None:
    story = found.story
    print(f"The story “{story.headline}” ({story.id}): {_counted(len(story.article_ids))}")
    if story.state == "merged":
        print(f"It was merged into the story {story.merged_into}: newsclust why {story.merged_into}")
    elif story.state != "living":
        print(f"It is {story.state}: no night adds to it.")
    if len(found.members) > 1:
        measure = f"  ({found.measure}: each article with the rest)" if found.measure else ""
        print(f"\nIts articles, as they came:{measure}")
    for member in found.members:
        figure = "    " if member.assessment is None else f"{member.assessment.probability:.2f}"
        article = member.article
        print(f"  {figure}  “{article.title}” ({article.outlet}, {member.language}, {article.id})")
    firm = [member.assessment for member in found.members if member.assessment]
    if weak := sum(assessment.probability < assessment.threshold for assessment in firm):
        print(
            f"  {weak} of them below {firm[0].threshold:.2f}, which joins two groups: these came in before some of "
            "the rest did, or by a correction."
        )
    if story.article_ids:
        print("\n`newsclust why ARTICLE` tells what links one of them.")
    _show_nearby(found.nearby, found.measure)
    _lines("Corrections:", found.corrections)
    if found.nearby:
        print(f"\n{_UNITS}")


def _show_groups(one: "ArticleRef | StoryRef", two: "ArticleRef | StoryRef", found: "GroupExplanation") -> None:
    print(f"{_named(one)}\n{_named(two)}")
    if found.is_member:
        print("The article is in that story." if _kind(one) != _kind(two) else "They have articles in common.")
    else:
        print("Not one story.")
    if found.measure:
        print("\nWith the rest of it:" if found.is_member else "\nAs wholes:")
        _show_assessment(found.measure, found.assessment)
    if found.strongest and found.strongest.article:
        links = "1 link" if found.links == 1 else f"{found.links} links"
        print(f"\n{links} between them, the strongest:")
        print(f"        “{found.strongest.article.title}” ({found.strongest.article.outlet}) and")
        _show_link(found.strongest)
    else:
        print("\nNo link: too little in common, or too many days apart, to be compared.")
    _lines("Kept apart by people:", found.corrections)
    if found.strongest or found.assessment:
        print(f"\n{_UNITS}")


def _show_nearby(near: "NearbyStory | None", measure: str | None) -> None:
    if near is None:
        return
    print(f"\nNearest story it was not joined to: “{near.headline}” ({near.story_id}), {_counted(near.articles)}")
    if measure:
        _show_assessment(measure, near.assessment)
    if near.assessment and near.assessment.probability >= near.assessment.threshold and not near.corrections:
        print("  By itself that is enough: the nights that grouped them saw only a part of these articles.")
    for line in near.corrections:
        print(f"  kept apart by people, {line}")
    if near.strongest.article:
        print(f"\nThe closest link there, of “{near.strongest.article.title}” ({near.strongest.article.outlet}):")
    else:
        print("\nIts closest link there:")
    _show_link(near.strongest)


def _named(subject: "ArticleRef | StoryRef") -> str:
    from newsclust.explain import ArticleRef

    if isinstance(subject, ArticleRef):
        return f"“{subject.title}” ({subject.outlet}, {subject.id})"
    return f"The story “{subject.headline}” ({subject.id}), {_counted(len(subject.article_ids))}"


def _kind(subject: "ArticleRef | StoryRef") -> str:
    return type(subject).__name__


def _counted(articles: int) -> str:
    return "1 article" if articles == 1 else f"{articles} articles"


def _show_both(one: "ArticleRef", two: "ArticleRef", found: "PairExplanation") -> None:
    print(f"“{one.title}” ({one.outlet})\n“{two.title}” ({two.outlet})")
    print("One story." if found.one_story else "Not one story.")
    if found.link:
        print(f"\n  {found.link.probability:.2f}  probability that these two tell one story, by themselves")
        _show_evidence(found.link)
    else:
        print("\nNo link: too little in common, or too many days apart, to be compared.")
    if found.measure and one.story_id and two.story_id and not found.one_story:
        print("\nTheir stories as wholes:")
        _show_assessment(found.measure, found.assessment)
    _lines("Corrections:", found.corrections)
    if found.link or found.assessment:
        print(f"\n{_UNITS}")


def _show_assessment(measure: str, assessment: "MergeAssessment | None") -> None:
    if assessment is None:
        print("  hardly linked: the two are not even compared as wholes")
        return
    usual = f", {assessment.baseline:.2f} is usual" if assessment.baseline is not None else ""
    print(f"  {assessment.probability:.2f}  {measure} ({assessment.threshold:.2f} joins two groups{usual})")
    _show_weights(assessment.contributions)


def _show_link(tie: "PairEvidence") -> None:
    _show_title(tie)
    _show_evidence(tie)


def _show_evidence(tie: "PairEvidence") -> None:
    _show_weights(tie.evidence)
    if tie.names:  # shown by their rarity, in another unit than the weights that make up the probability
        print(
            "                    both say " + ", ".join(sorted(tie.names, key=lambda name: (-tie.names[name], name)))
        )


def _show_title(tie: "PairEvidence") -> None:
    print(f"  {tie.probability:.2f}  “{tie.other.title}” ({tie.other.outlet}, {tie.other.id})")


def _show_weights(weights: Mapping[str, float]) -> None:
    for term, weight in sorted(weights.items(), key=lambda item: (-abs(item[1]), item[0])):
        print(f"          {weight:+8.2f}  {term.replace('_', ' ')}")


def _lines(heading: str, lines: Iterable[str]) -> None:
    for number, line in enumerate(lines):
        print(f"\n{heading}\n  {line}" if number == 0 else f"  {line}")
