"""What feeds and people write for a language -> ISO 639-1."""

import re

_CODES = frozenset(
    re.findall(
        r"\w+",
        """
    aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz
    ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik
    io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml
    mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd
    se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi
    vo wa wo xh yi yo za zh zu
        """,
    )
)
_NAMES = {
    "eng": "en",
    "english": "en",
    "fra": "fr",
    "fre": "fr",
    "french": "fr",
    "français": "fr",
    "francais": "fr",
}


def language_code(written: str) -> str:
    """Two letters for a language tag (BCP 47: "fr-FR", "en_us") or its name; ValueError for anything else."""
    head = re.split(r"[-_\s,;(]", written.strip().lower(), maxsplit=1)[0]
    code = _NAMES.get(head, head)
    if code not in _CODES:
        raise ValueError(f"not a language: {written.strip()[:40]}")
    return code
