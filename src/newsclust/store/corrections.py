"""The corrections of people, as the night found them."""

from collections.abc import Sequence

from newsclust.corrections import Correction, standing
from newsclust.model import Run
from newsclust.store.database import Database


def save_corrections(db: Database, run: Run, corrections: Sequence[Correction]) -> tuple[int, int]:
    """Make the stored corrections the given ones; return (new or changed, as before)."""
    counting = {correction.id for correction in standing(corrections)}
    before = {
        row["correction_id"]: (row["position"], row["standing"])
        for row in db.rows("SELECT correction_id, position, standing FROM corrections")
    }
    rows = [
        {
            "correction_id": correction.id,
            "position": position,
            "kind": correction.kind.value,
            "made_at": correction.made_at,
            "articles": list(correction.articles),
            "others": list(correction.others),
            "headline": correction.headline,
            "undoes": correction.undoes,
            "story_ids": list(correction.story_ids),
            "standing": correction.id in counting,
            "run_id": run.id,
        }
        for position, correction in enumerate(corrections)
    ]
    changed = [r for r in rows if before.get(r["correction_id"]) != (r["position"], r["standing"])]
    with db.transaction():
        db.save(
            "corrections",
            changed,
            on_conflict="ON CONFLICT DO UPDATE SET position = excluded.position, standing = excluded.standing",
        )
        with db.given_ids([correction.id for correction in corrections]):
            db.execute("DELETE FROM corrections WHERE correction_id NOT IN (SELECT id FROM given_ids)")
    return len(changed), len(rows) - len(changed)
