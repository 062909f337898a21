"""Stories -> topics with lasting ids."""

from datetime import datetime

import numpy as np

from newsclust import topics
from newsclust.arrays import Vectors
from newsclust.centering import centre
from newsclust.embed import embedding_text
from newsclust.model import Count, Run
from newsclust.pipeline.runner import since
from newsclust.pipeline.stories import CHANGES_STORIES
from newsclust.store import Database, articles, runs
from newsclust.store import topics as store_topics
from newsclust.stories import identity


def group_topics(db: Database, run: Run, model: str, window_days: float, min_stories: int) -> Count:
    """Group the window's stories into topics and keep the topics' ids.

    Done counts stories in a topic, skipped those in none; both are 0 when no story has changed since the last time.
    """
    if runs.is_up_to_date(db, run, "group_topics", after=CHANGES_STORIES, settings=("topics", "embed")):
        return Count()
    stories, vectors = _stories_in_window(db, model, since(run, window_days))
    previous = store_topics.known_topics(db)
    found = topics.find_topics(
        stories,
        vectors,
        min_stories=min_stories,
        min_cosine=topics.min_cosine(model),
        outlets=store_topics.outlet_names(db),
        earlier=[topic.members for topic in previous],
    )
    ids = identity.match_groups([topic.stories for topic in found], previous)
    used = set(store_topics.topic_ids(db))
    names = store_topics.headlines_of(db, [topic.central_story for topic in found])
    rows = []
    for position, topic in enumerate(found):
        topic_id = ids.get(position) or identity.new_id("topic", topic.central_story, used, run.night_at)
        used.add(topic_id)
        rows.append(
            store_topics.StoredTopic(
                id=topic_id,
                label=topic.label,
                words_en=topic.words_en,
                words_fr=topic.words_fr,
                headline=names[topic.central_story],
                centroid_similarities=topic.centroid_similarities,
            )
        )
    store_topics.save_topics(db, run, rows)
    placed = sum(len(topic.stories) for topic in found)
    return Count(done=placed, skipped=len(stories) - placed)


def _stories_in_window(db: Database, model: str, since: datetime) -> tuple[list[topics.Story], Vectors]:
    """Return the stories with an article since then, and a projected unit vector of each: its articles' mean."""
    rows = store_topics.stories_since(db, since)
    ids, vectors = articles.vectors_of(db, model, sorted({a for _, members in rows for a in members}))
    if not ids:
        return [], np.zeros((0, 0), np.float32)
    row = {article_id: position for position, article_id in enumerate(ids)}
    by_id = {article.id: article for article in articles.articles(db, ids)}
    stories, means = [], []
    for story_id, members in rows:
        present = [a for a in members if a in row]
        if not present:
            continue
        stories.append(
            topics.Story(
                id=story_id,
                texts=tuple(
                    (by_id[a].language, embedding_text(by_id[a].title, by_id[a].text, characters=600))
                    for a in present
                ),
            )
        )
        means.append(vectors[[row[a] for a in present]].mean(axis=0))
    return stories, topics.project(centre(np.array(means, np.float32), model), model)
