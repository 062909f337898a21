"""The corrections of people, as the last run found them."""

from collections.abc import Sequence

from newsclust.model import Run
from newsclust.overrides import Correction, active_corrections
from newsclust.store.database import Database


def save_corrections(db: Database, run: Run, corrections: Sequence[Correction]) -> tuple[int, int]:
    """Replace the stored corrections by these; return (new or changed, as before)."""
    active = {correction.id for correction in active_corrections(corrections)}
    before = {
        row["correction_id"]: (row["line_number"], row["is_active"], row["kind"])
        for row in db.rows("SELECT correction_id, line_number, is_active, kind FROM corrections")
    }
    rows = [
        {
            "correction_id": correction.id,
            "line_number": position,
            "kind": correction.kind.value,
            "made_at": correction.made_at,
            "article_ids": list(correction.article_ids),
            "other_article_ids": list(correction.other_article_ids),
            "headline": correction.headline,
            "undoes": correction.undoes,
            "story_ids": list(correction.story_ids),
            "is_active": correction.id in active,
            "run_id": run.id,
        }
        for position, correction in enumerate(corrections)
    ]
    changed = [r for r in rows if before.get(r["correction_id"]) != (r["line_number"], r["is_active"], r["kind"])]
    with db.transaction():
        db.save(
            "corrections",
            changed,
            on_conflict="ON CONFLICT DO UPDATE SET line_number = excluded.line_number, "
            "is_active = excluded.is_active, "
            "kind = excluded.kind",
        )
        with db.given_ids([correction.id for correction in corrections]):
            db.execute("DELETE FROM corrections WHERE correction_id NOT IN (SELECT id FROM given_ids)")
    return len(changed), len(rows) - len(changed)
