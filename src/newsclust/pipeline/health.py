"""What is stored of the feeds -> how each one does."""

from newsclust.model import Count, Run
from newsclust.polling.health import feed_health
from newsclust.store import Database
from newsclust.store import feed_health as store_health


def update_feed_health(db: Database, run: Run) -> Count:
    """Store how each feed does and why; done counts the feeds of which something else was said before."""
    health = {facts.feed_id: feed_health(facts) for facts in store_health.feed_facts(db)}
    changed, same = store_health.save_feed_health(db, run, health)
    return Count(done=changed, skipped=same)
