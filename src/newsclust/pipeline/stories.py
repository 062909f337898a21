"""Articles -> vectors -> links -> stories, as far as people do not say otherwise."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from newsclust.embed import Embedder, embedding_text, title_text
from newsclust.model import Article, Count, Run, Window
from newsclust.overrides import Correction, CorrectionKind, active_corrections, grouping_constraints
from newsclust.pipeline.runner import ARTICLE_BATCH_SIZE, batches, since
from newsclust.store import Database, fingerprints, runs
from newsclust.store import articles as store_articles
from newsclust.store import corrections as store_corrections
from newsclust.store import pairs as store_links
from newsclust.store import stories as store_stories
from newsclust.store import word_counts as store_words
from newsclust.stories import identity
from newsclust.stories.clustering import Clusterer, most_central
from newsclust.stories.pairs import Linker, word_rarity

CHANGES_STORIES = ("link_progress", "corrections", "duplicates")  # tables: a new row in one may change stories


def embed_articles(db: Database, run: Run, embedder: Embedder, characters: int) -> Count:
    """Give every original two vectors of the chosen model: of its title and beginning, and of its title alone."""
    todo = store_articles.articles_to_embed(db, embedder.name)
    for ids in batches(todo, ARTICLE_BATCH_SIZE):
        rows = store_articles.titles_and_texts(db, ids)
        told = [embedding_text(title, text, characters=characters) for _, title, text in rows]
        titles = [title_text(title, text, characters=characters) for _, title, text in rows]
        vectors = embedder.embed([*told, *titles])
        chosen = [article_id for article_id, _, _ in rows]
        store_articles.save_embeddings(db, run, embedder.name, chosen, vectors[: len(rows)], vectors[len(rows) :])
    return Count(done=len(todo))


def link_articles(db: Database, run: Run, linker: Linker, model: str, window_days: float) -> Count:
    """Weigh what is new in the window against all of it; done counts articles judged, skipped those judged before.

    How rare words are is told by the articles of earlier nights; tonight's are counted afterwards, so that no
    article changes how two others are judged on the same night.
    """
    window = _window(db, run, model, window_days)
    ids = window.ids
    fresh = store_links.articles_to_link(db, ids, model=model, linker=linker.name)
    links = linker.link(replace(window, words=store_words.word_counts(db)), set(fresh)) if fresh else []
    store_links.save_links(db, run, ids, fresh, links, model=model, linker=linker.name)
    _count_words(db, run, window)
    return Count(done=len(fresh), skipped=len(ids) - len(fresh))


def sync_corrections(db: Database, run: Run, said: Sequence[Correction]) -> Count:
    """Make the stored corrections the given ones; done counts those that are new or changed their standing."""
    changed, same = store_corrections.save_corrections(db, run, said)
    return Count(done=changed, skipped=same)


def group_stories(
    db: Database, run: Run, clusterer: Clusterer, said: Sequence[Correction], model: str, window_days: float
) -> Count:
    """Group the window's articles, keep the stories' ids, tell every change; done counts changed stories.

    What people `said` is honoured: the articles they named are grouped anew with the window, however old. When
    nothing was linked, said or found to be a copy since the last grouping, stories only grow old.
    """
    chosen = ("stories", "pairs", "embed")
    if runs.is_up_to_date(db, run, "group_stories", after=CHANGES_STORIES, settings=chosen):
        store_stories.close_stories(db, run, living_since=since(run, window_days))
        return Count()
    constraints = grouping_constraints(_on_originals(db, said))
    window = _window(db, run, model, window_days, besides=constraints.articles)
    ids = window.ids
    groups = clusterer.cluster(window, store_links.links_among(db, ids), constraints)
    became_copies = store_stories.duplicates_in_stories(db)
    named = {
        article
        for correction in said
        if correction.kind is CorrectionKind.RENAME
        for article in correction.article_ids
    }
    known = store_stories.known_stories(db, [*ids, *became_copies, *sorted(named)])
    age = {article.id: (article.published_at, article.id) for article in window.articles}
    decided = identity.assign_ids(
        groups,
        known,
        regrouped={*ids, *became_copies},  # what became a copy is in no group: it leaves its story
        seed_article=lambda group: min(group, key=lambda a: age[a]),
        now=run.night_at,
        ids_in_use=store_stories.story_ids(db),
    )
    now_told = {story.id: story.members for story in known} | decided.members
    given = _given_headlines(said, now_told)
    names = _headlines(db, model, decided.members | {story_id: now_told[story_id] for story_id in given})
    names |= {s: replace(names[s], headline=name) for s, name in given.items() if s in names and name}
    store_stories.save_stories(db, run, decided, headlines=names, living_since=since(run, window_days))
    return Count(done=len(decided.members), skipped=len(known) - len(decided.members.keys() & {k.id for k in known}))


def _on_originals(db: Database, said: Sequence[Correction]) -> list[Correction]:
    """Return the corrections with every copy replaced by its original: a copy is in no story."""
    named = sorted({article for c in said for article in (*c.article_ids, *c.other_article_ids)})
    original = fingerprints.originals_of(db, named)

    def originals(articles: Sequence[str]) -> tuple[str, ...]:
        return tuple(sorted({original.get(article, article) for article in articles}))

    return [
        c.model_copy(
            update={"article_ids": originals(c.article_ids), "other_article_ids": originals(c.other_article_ids)}
        )
        for c in said
    ]


def _given_headlines(said: Sequence[Correction], told: Mapping[str, frozenset[str]]) -> dict[str, str]:
    """Return the name a person gave each story that a rename is about, the last one; "" when it was taken back."""
    names: dict[str, str] = {}
    counting = {correction.id for correction in active_corrections(said)}
    for correction in said:
        if correction.kind is CorrectionKind.RENAME:
            shared = {story_id: len(members & set(correction.article_ids)) for story_id, members in told.items()}
            story_id = min(shared, key=lambda s: (-shared[s], s), default=None)
            if story_id is not None and shared[story_id]:
                if correction.id in counting:
                    names[story_id] = correction.headline
                else:
                    names.setdefault(story_id, "")
    return names


def _window(db: Database, run: Run, model: str, window_days: float, *, besides: Collection[str] = ()) -> Window:
    """Return the originals of the window that have vectors, and those `besides`, ordered by id."""
    ids = store_links.articles_in_window(db, since=since(run, window_days), until=run.night_at)
    ids = sorted({*ids, *besides})
    ids, vectors, title_vectors = store_articles.both_vectors_of(db, model, ids)
    return Window(
        articles=store_articles.articles(db, ids), vectors=vectors, title_vectors=title_vectors, model=model
    )


def _count_words(db: Database, run: Run, window: Window) -> None:
    """Add the words of the window's articles to those of the archive, each article once."""
    todo = set(store_words.articles_to_count(db, window.ids))
    if todo:
        counted = word_rarity.count_words(
            (a.title, a.text[: word_rarity.LEAD_CHARACTERS]) for a in window.articles if a.id in todo
        )
        store_words.add_word_counts(db, run, sorted(todo), counted)


def _headlines(db: Database, model: str, members: "dict[str, frozenset[str]]") -> dict[str, store_stories.Headlines]:
    """Return what each story with articles is called: the title of its most central article, by language too."""
    ids, vectors = store_articles.vectors_of(db, model, sorted({a for story in members.values() for a in story}))
    place = {article_id: position for position, article_id in enumerate(ids)}
    articles = {article.id: article for article in store_articles.articles(db, ids)}

    def central(wanted: Iterable[Article]) -> str | None:
        chosen = sorted(wanted, key=lambda article: (article.published_at, article.id))
        if not chosen:
            return None
        names = [article.id for article in chosen]
        return articles[most_central(names, vectors[[place[name] for name in names]])].title

    names = {}
    for story_id, story in members.items():
        told = [articles[a] for a in story if a in articles]
        if headline := central(told):
            names[story_id] = store_stories.Headlines(
                headline=headline,
                en=central(article for article in told if article.language == "en"),
                fr=central(article for article in told if article.language == "fr"),
            )
    return names
