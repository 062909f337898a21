"""The corrections of people, as the last run found them."""

from collections.abc import Sequence

from newsclust.model import Run
from newsclust.overrides import Correction, active_corrections
from newsclust.store.database import Database

_KEPT = ["made_at", "article_ids", "other_article_ids", "headline", "undoes", "story_ids", "run_id"]


def save_corrections(db: Database, run: Run, corrections: Sequence[Correction]) -> tuple[int, int]:
    """Replace the stored corrections by these; return (new or changed, as before)."""
    active = {correction.id for correction in active_corrections(corrections)}
    before = db.tuples("SELECT correction_id, line_number, is_active, kind FROM corrections")
    rows = [
        correction.model_dump(exclude={"id"})
        | {
            "correction_id": correction.id,
            "line_number": position,
            "is_active": correction.id in active,
            "run_id": run.id,
        }
        for position, correction in enumerate(corrections)
    ]
    stored = {correction_id: rest for correction_id, *rest in before}
    changed = [r for r in rows if stored.get(r["correction_id"]) != [r["line_number"], r["is_active"], r["kind"]]]
    with db.transaction():
        db.upsert("corrections", changed, key=["correction_id"], keep=_KEPT)
        with db.given_ids([correction.id for correction in corrections]):
            db.execute("DELETE FROM corrections WHERE correction_id NOT IN (SELECT id FROM given_ids)")
    return len(changed), len(rows) - len(changed)
