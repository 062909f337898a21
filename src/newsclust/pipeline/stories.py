"""Links -> stories with lasting ids and headlines, as far as people's corrections do not decide otherwise."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from newsclust.model import Article, Count, Run
from newsclust.overrides import Correction, CorrectionKind, active_corrections, grouping_constraints
from newsclust.pipeline.pairs import window_of
from newsclust.pipeline.runner import since
from newsclust.store import Database, fingerprints, pairs, runs
from newsclust.store import articles as store_articles
from newsclust.store import corrections as store_corrections
from newsclust.store import stories as store_stories
from newsclust.stories import identity
from newsclust.stories.clustering import Clusterer, most_central

CHANGES_STORIES = ("link_progress", "corrections", "duplicates")  # tables: a new row in one may change stories


def sync_corrections(db: Database, run: Run, corrections: Sequence[Correction]) -> Count:
    """Replace the stored corrections by these; done counts those that are new or whose activity changed."""
    changed, same = store_corrections.save_corrections(db, run, corrections)
    return Count(done=changed, skipped=same)


def group_stories(
    db: Database, run: Run, clusterer: Clusterer, corrections: Sequence[Correction], model: str, window_days: float
) -> Count:
    """Group the window's articles, keep the stories' ids, store every change; done counts changed stories.

    Corrections are honoured: the articles they name are regrouped with the window, however old. When nothing was
    linked, corrected or found to be a duplicate since the last grouping, stories are only closed by age.
    """
    chosen = ("stories", "pairs", "embed")
    if runs.is_up_to_date(db, run, "group_stories", after=CHANGES_STORIES, settings=chosen):
        store_stories.close_stories(db, run, living_since=since(run, window_days))
        return Count()
    constraints = grouping_constraints(_on_originals(db, corrections))
    window = window_of(db, run, model, window_days, extra=constraints.articles)
    ids = window.ids
    groups = clusterer.cluster(window, pairs.links_among(db, ids), constraints) if ids else []
    new_duplicates = store_stories.duplicates_in_stories(db)
    renamed = {
        article
        for correction in corrections
        if correction.kind is CorrectionKind.RENAME
        for article in correction.article_ids
    }
    previous = store_stories.known_stories(db, [*ids, *new_duplicates, *sorted(renamed)])
    age = {article.id: (article.published_at, article.id) for article in window.articles}
    changes = identity.assign_ids(
        groups,
        previous,
        regrouped={*ids, *new_duplicates},  # a new duplicate is in no group: it leaves its story
        seed_article=lambda group: min(group, key=lambda article: age[article]),
        now=run.night_at,
        ids_in_use=store_stories.story_ids(db),
    )
    members = {story.id: story.members for story in previous} | changes.members
    given = _given_headlines(corrections, members)
    headlines = _headlines(db, model, changes.members | {story_id: members[story_id] for story_id in given})
    headlines |= {
        story_id: replace(headlines[story_id], headline=name)
        for story_id, name in given.items()
        if story_id in headlines and name
    }
    store_stories.save_stories(db, run, changes, headlines=headlines, living_since=since(run, window_days))
    changed_before = changes.members.keys() & {story.id for story in previous}
    return Count(done=len(changes.members), skipped=len(previous) - len(changed_before))


def _on_originals(db: Database, corrections: Sequence[Correction]) -> list[Correction]:
    """Return the corrections with every duplicate replaced by its original: a duplicate is in no story."""
    named = sorted({article for c in corrections for article in (*c.article_ids, *c.other_article_ids)})
    original_of = fingerprints.originals_of(db, named)

    def originals(article_ids: Sequence[str]) -> tuple[str, ...]:
        return tuple(sorted({original_of.get(article_id, article_id) for article_id in article_ids}))

    return [
        c.model_copy(
            update={"article_ids": originals(c.article_ids), "other_article_ids": originals(c.other_article_ids)}
        )
        for c in corrections
    ]


def _given_headlines(corrections: Sequence[Correction], stories: Mapping[str, frozenset[str]]) -> dict[str, str]:
    """Return the headline that a person gave each renamed story, the last one; "" when it was taken back.

    A rename is about the story that shares most articles with it.
    """
    headlines: dict[str, str] = {}
    active = {correction.id for correction in active_corrections(corrections)}
    for correction in corrections:
        if correction.kind is CorrectionKind.RENAME:
            shared = {story_id: len(members & set(correction.article_ids)) for story_id, members in stories.items()}
            story_id = min(shared, key=lambda s: (-shared[s], s), default=None)
            if story_id is not None and shared[story_id]:
                if correction.id in active:
                    headlines[story_id] = correction.headline
                else:
                    headlines.setdefault(story_id, "")
    return headlines


def _headlines(db: Database, model: str, members: Mapping[str, frozenset[str]]) -> dict[str, store_stories.Headlines]:
    """Return the headlines of each story with articles: the titles of its most central articles, by language too."""
    ids, vectors = store_articles.vectors_of(db, model, sorted({a for story in members.values() for a in story}))
    row = {article_id: position for position, article_id in enumerate(ids)}
    articles = {article.id: article for article in store_articles.articles(db, ids)}

    def central_title(candidates: Iterable[Article]) -> str | None:
        in_order = [a.id for a in sorted(candidates, key=lambda article: (article.published_at, article.id))]
        if not in_order:
            return None
        known = [article_id for article_id in in_order if article_id in row]
        if not known:  # their vectors were dropped, or are of an earlier model
            return articles[in_order[0]].title
        voices = [articles[article_id].voice for article_id in known]
        return articles[most_central(known, vectors[[row[article_id] for article_id in known]], voices)].title

    headlines = {}
    for story_id, story in members.items():
        present = [articles[article_id] for article_id in story if article_id in articles]
        if headline := central_title(present):
            headlines[story_id] = store_stories.Headlines(
                headline=headline,
                en=central_title(article for article in present if article.language == "en"),
                fr=central_title(article for article in present if article.language == "fr"),
            )
    return headlines
