"""Measure how often good feeds and bad nights would be quarantined: `python -m benchmarks.quarantine DATA`.

DATA is JSON Lines, plain or .gz (title, text, lang, published, source, url). Each outlet is a feed and each address
an entry; at 03:30 UTC a night judges what was published since the night before, by the deciders that the pipeline
calls. The archive of words is counted on the stream's earlier nights: the shipped counts come from this very stream.

First every night as it was. Then, on some nights of each outlet, nights made up here: bad ones, that should be
quarantined, and odd but good ones, that should not. The share of items that makes a vocabulary anomaly is chosen on
four fifths of the outlets and measured on the others; all other thresholds are those of newsclust.quarantine.
"""

import argparse
import gzip
import itertools
import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from unittest.mock import patch

from newsclust.pipeline.quarantine import feed_item
from newsclust.quarantine import rules as quarantine_rules
from newsclust.quarantine.history import AnomalyRule, FeedItem, FeedRunStats, recurring_words, run_stats
from newsclust.quarantine.rules import Anomaly, find_anomaly
from newsclust.store.quarantine import UncheckedEntry
from newsclust.stories.pairs.word_rarity import COMMON
from newsclust.urls import canonical

NIGHT = timedelta(hours=3, minutes=30)  # after midnight, UTC
DAY = timedelta(days=1)
ARCHIVE = 1500  # articles that the archive holds before nights are judged by words
PROBED = 6  # nights of each outlet that are poisoned
SPAM = 10  # items of a night of spam
FOLDS = 5
SHARES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)

# What is sold, how it is announced, what is said besides: {a} and {b} are two of the first.
# fmt: off
SOLD: Mapping[tuple[str, str], tuple[Sequence[str], Sequence[str], Sequence[str]]] = {
    ("casino", "en"): (
        ["casino bonuses", "free spins", "live roulette", "slot machines", "poker rooms", "jackpots"],
        ["Best {a} and {b} for new players", "Claim your {a} today", "Ten sites for {a}", "{a}: play now"],
        ["Register and the gift is doubled.", "Bet small, win big.", "Gamblers love our {a}.", "No deposit needed."],
    ),
    ("casino", "fr"): (
        ["bonus de casino", "tours gratuits", "roulettes en direct", "machines à sous", "jackpots"],
        ["Les meilleurs {a} et {b}", "Profitez de vos {a} ce soir", "Dix sites pour vos {a}", "{a} sûrs"],
        ["Le cadeau est doublé.", "Misez peu, gagnez gros.", "Les joueurs aiment nos {a}.", "Aucun dépôt."],
    ),
    ("bets", "en"): (
        ["football tips", "horse racing picks", "accumulators", "tennis odds", "boxing wagers", "betting slips"],
        ["Sure {a} for the weekend", "{a} and {b} from our tipsters", "Beat the bookmakers: {a}", "Tonight's {a}"],
        ["Our tipster won nine in a row.", "Odds are boosted.", "Our {a} win.", "Stake before kick-off."],
    ),
    ("bets", "fr"): (
        ["pronostics de football", "tiercés du jour", "paris combinés", "cotes de tennis", "paris hippiques"],
        ["Les {a} sûrs du week-end", "{a} et {b} de nos experts", "Les {a} de ce soir", "Doublez la mise : {a}"],
        ["Neuf victoires de suite.", "Les cotes sont boostées.", "Nos {a} font trembler.", "Misez avant le match."],
    ),
    ("pills", "en"): (
        ["blue pills", "slimming tablets", "cheap painkillers", "hair loss cream", "keto gummies", "male tonics"],
        ["Buy {a} without prescription", "{a} shipped overnight", "Discount {a} and {b}", "Doctors hate these {a}"],
        ["Discreet parcels.", "Burn fat while you sleep.", "We ship {a}.", "Happy patients, fewer wrinkles."],
    ),
    ("pills", "fr"): (
        ["pilules bleues", "comprimés minceur", "antidouleurs", "crèmes anti-chute", "gélules brûle-graisse"],
        ["Achetez des {a} sans ordonnance", "{a} livrés demain", "{a} et {b} à prix cassés", "Ces {a} interdits"],
        ["Colis discret.", "Maigrissez en dormant.", "Notre pharmacie livre des {a}.", "Moins de rides."],
    ),
    ("loans", "en"): (
        ["payday loans", "debt relief", "bad credit mortgages", "car title cash", "bridging credit"],
        ["Get {a} in ten minutes", "{a} whatever your score", "Compare {a} and {b}", "No questions asked: {a}"],
        ["The lender pays today.", "No guarantor.", "Borrowers ask for {a}.", "Repay in small instalments."],
    ),
    ("loans", "fr"): (
        ["crédits rapides", "rachats de dettes", "prêts sans justificatif", "hypothèques faciles"],
        ["Des {a} en dix minutes", "{a} même fiché", "Comparez {a} et {b}", "Sans question : {a}"],
        ["Le prêteur verse demain.", "Sans garant.", "Nos {a} vous attendent.", "Remboursez en petites mensualités."],
    ),
    ("copies", "en"): (
        ["replica watches", "designer handbags", "fake sneakers", "luxury sunglasses", "silk scarves"],
        ["Order {a} at half price", "Cheap {a} and {b}", "Where to buy {a}", "{a} delivered", "{a} for sale"],
        ["Refunded if unhappy.", "Nobody can tell.", "Our {a} come boxed.", "Wholesale welcome."],
    ),
    ("copies", "fr"): (
        ["répliques de montres", "sacs de marque", "fausses baskets", "lunettes de luxe", "foulards"],
        ["Commandez des {a} à moitié prix", "{a} et {b} pas chers", "Où acheter des {a}", "{a} à vendre"],
        ["Satisfait ou remboursé.", "Rien ne les distingue.", "Nos {a} sont en boîte.", "Vente en gros."],
    ),
}
# fmt: on
KINDS = sorted({kind for kind, _ in SOLD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One item of the stream."""

    outlet: str
    language: str
    at: datetime
    item: FeedItem


@dataclass(slots=True, kw_only=True)
class Archive:
    """In how many of the articles read so far each word stands."""

    articles: int = 0
    words: Counter[str] = field(default_factory=Counter)

    def add(self, items: Sequence[FeedItem]) -> None:
        self.articles += len(items)
        for item in items:
            self.words.update(item.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that is known of one outlet on one night, and its items."""

    outlet: str
    language: str
    at: datetime
    items: Sequence[FeedItem]
    earlier: Sequence[FeedRunStats]
    own: frozenset[str]  # words that recurred on its earlier nights
    common: frozenset[str]  # words of the archive that belong to the field
    others: frozenset[str]  # words of the other outlets tonight
    past: Sequence[FeedItem]  # of its earlier nights, the oldest first
    next: Sequence[FeedItem]  # of its four next nights
    neighbour: Sequence[FeedItem]  # the last items of another outlet of its language

    def judge(
        self, items: Sequence[FeedItem], *, edited: Sequence[FeedItem] = (), at: datetime | None = None
    ) -> Anomaly | None:
        """Judge these items as this night's, or as those of a later one."""
        night = run_stats(self.outlet, "tonight", at or self.at, items, self.earlier[-1].night_at, edited=edited)
        return find_anomaly(night, items, self.earlier, edited=edited, known_words=self._known_words)

    def _known_words(self, words: Collection[str]) -> set[str]:
        return {word for word in words if word in self.common or word in self.others or word in self.own}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print false quarantines, recall by kind of night, and what folds by outlet choose."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    given = parser.parse_args(arguments)
    scenes = list(scenes_of(read(given.data)))
    tell_real(scenes)
    probed = probed_nights(scenes)
    print(f"\n{len(probed)} nights of {len({scene.outlet for scene in probed})} outlets, made up:")
    for name, make in {**BAD, **GOOD}.items():
        found = Counter(_rule(make(scene, random.Random(f"{name} {scene.outlet} {scene.at}"))) for scene in probed)
        held = sum(found.values()) - found[""]
        rules = ", ".join(f"{rule} {times}" for rule, times in sorted(found.items()) if rule)
        print(f"{'ought' if name in BAD else 'not  '}  {name:52} {held:4} of {len(probed)} held  {rules}")
    tell_folds(scenes, probed)


def read(path: Path) -> list[Read]:
    """Return the stream's items, the oldest first, each address once."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as lines:
        rows = {canonical(row["url"]): row for row in map(json.loads, lines)}
    found = []
    for url, row in rows.items():
        at = datetime.fromisoformat(row["published"])
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        found.append(
            Read(outlet=row["source"], language=row["lang"], at=at, item=_item(row["title"], row["text"], url, at))
        )
    return sorted(found, key=lambda one: (one.at, one.outlet, one.item.site))


def scenes_of(stream: Sequence[Read]) -> Iterator[Scene]:
    """Give every night of every outlet that is old enough to be judged, while the archive grows."""
    nights: dict[datetime, dict[str, list[Read]]] = defaultdict(lambda: defaultdict(list))
    for one in stream:
        midnight = one.at.replace(hour=0, minute=0, second=0, microsecond=0)
        nights[midnight + NIGHT + (DAY if one.at > midnight + NIGHT else timedelta())][one.outlet].append(one)
    by_outlet: dict[str, list[tuple[datetime, list[FeedItem]]]] = defaultdict(list)
    for at, outlets in sorted(nights.items()):
        for outlet, told in outlets.items():
            by_outlet[outlet].append((at, [one.item for one in told]))
    language = {one.outlet: one.language for one in stream}
    archive = Archive()
    known: dict[str, list[FeedRunStats]] = defaultdict(list)
    own: dict[str, set[str]] = defaultdict(set)
    past: dict[str, list[FeedItem]] = defaultdict(list)
    for at, outlets in sorted(nights.items()):
        common = frozenset(word for word, times in archive.words.items() if times >= COMMON * archive.articles)
        items = {outlet: [one.item for one in told] for outlet, told in sorted(outlets.items())}
        for outlet, shown in items.items():
            if archive.articles >= ARCHIVE and len(known[outlet]) >= 5:
                neighbours = [o for o in sorted(past) if o != outlet and language[o] == language[outlet]]
                yield Scene(
                    outlet=outlet,
                    language=language[outlet],
                    at=at,
                    items=shown,
                    earlier=tuple(known[outlet]),
                    own=frozenset(own[outlet]),
                    common=common,
                    others=frozenset(
                        w for o, told in items.items() if o != outlet for one in told for w in one.words
                    ),
                    past=tuple(past[outlet]),
                    next=[one for then, told in by_outlet[outlet] if then > at for one in told][: 4 * len(shown)],
                    neighbour=past[neighbours[len(shown) % len(neighbours)]][-SPAM:] if neighbours else (),
                )
        for outlet, shown in items.items():
            last = known[outlet][-1].night_at if known[outlet] else None
            known[outlet].append(run_stats(outlet, at.isoformat(), at, shown, last))
            own[outlet] |= recurring_words(shown)
            past[outlet].extend(shown)
            archive.add(shown)


def tell_real(scenes: Sequence[Scene]) -> None:
    """Print every real night that would be held, and how many that is in a feed's year."""
    held = [(scene, breach) for scene in scenes if (breach := scene.judge(scene.items))]
    first, last = min(scene.at for scene in scenes), max(scene.at for scene in scenes)
    outlets = {scene.outlet for scene in scenes}
    years = len(outlets) * ((last - first) / DAY + 1) / 365
    print(f"{len(scenes)} real nights of {len(outlets)} outlets, {first:%Y-%m-%d} to {last:%Y-%m-%d}, as they were:")
    print(f"{len(held)} held, {len(held) / years:.2f} in a feed's year ({years:.1f} feed-years)")
    for scene, breach in held:
        print(f"  {scene.at:%Y-%m-%d} {scene.outlet}: {breach.rule}: {breach.why}")
    with patch.object(quarantine_rules, "_VOCABULARY_SHARE", 0.3):
        near = [(scene, breach) for scene in scenes if (breach := scene.judge(scene.items))]
    print("nights whose items share news the most, from 30 % on:")
    for scene, breach in near:
        print(f"  {scene.at:%Y-%m-%d} {scene.outlet}: {breach.why}")


def probed_nights(scenes: Sequence[Scene]) -> list[Scene]:
    """Return some nights of each outlet, evenly spread."""
    by_outlet: dict[str, list[Scene]] = defaultdict(list)
    for scene in scenes:
        if scene.neighbour and len(scene.past) >= SPAM:
            by_outlet[scene.outlet].append(scene)
    return [
        own[place * len(own) // PROBED] for own in by_outlet.values() if len(own) >= PROBED for place in range(PROBED)
    ]


def tell_folds(scenes: Sequence[Scene], probed: Sequence[Scene]) -> None:
    """Print, for each fifth of the outlets, the share of a vocabulary that the others choose, and its effect here."""
    outlets = sorted({scene.outlet for scene in scenes})
    folds = [set(outlets[start::FOLDS]) for start in range(FOLDS)]
    spam = {name: make for name, make in BAD.items() if name.startswith("spam, its language, its domain")}
    print("\nthe shared vocabulary's share, chosen on the other outlets (the lowest that holds no good night):")
    for fold in folds:
        share = _lowest(*([scene for scene in some if scene.outlet not in fold] for some in (scenes, probed)))
        with patch.object(quarantine_rules, "_VOCABULARY_SHARE", share):
            held = sum(
                _rule(scene.judge(scene.items)) == AnomalyRule.VOCABULARY for scene in scenes if scene.outlet in fold
            )
            here = [scene for scene in probed if scene.outlet in fold]
            found = [
                _rule(make(scene, random.Random(f"{name} {scene.outlet} {scene.at}"))) != ""
                for name, make in spam.items()
                for scene in here
            ]
        nights = sum(scene.outlet in fold for scene in scenes)
        print(f"  {share:.1f}: {held} of {nights} real nights held, {sum(found)} of {len(found)} nights of spam")


def _lowest(scenes: Sequence[Scene], probed: Sequence[Scene]) -> float:
    for share in SHARES:
        with patch.object(quarantine_rules, "_VOCABULARY_SHARE", share):
            real = (scene.judge(scene.items) for scene in scenes)
            odd = (make(scene, random.Random(name)) for name, make in GOOD.items() for scene in probed)
            if not any(_rule(breach) == AnomalyRule.VOCABULARY for breach in itertools.chain(real, odd)):
                return share
    return 1.0


# --- nights made up

Made = Callable[[Scene, random.Random], Anomaly | None]


def _flood(scene: Scene, rng: random.Random) -> Anomaly | None:
    old = [replace(rng.choice(scene.past), published_at=scene.at - 400 * DAY) for _ in range(1000)]
    return scene.judge([*scene.items, *old])


def _undated_flood(scene: Scene, rng: random.Random) -> Anomaly | None:
    return scene.judge([replace(rng.choice(scene.past), published_at=None) for _ in range(1000)])


def _spam(kind: str, *, lead: bool = True, language: str = "", site: str = "", edits: bool = False) -> Made:
    """Return a night of spam beside which nothing else came; its language and domain are the feed's unless given."""

    def made(scene: Scene, rng: random.Random) -> Anomaly | None:
        spoken = ({"en": "fr", "fr": "en"}[scene.language]) if language == "other" else scene.language
        where = site or scene.past[-1].site
        sold = [advert(rng, kind or rng.choice(KINDS), spoken, where, scene.at, lead=lead) for _ in range(SPAM)]
        return scene.judge(scene.items, edited=sold) if edits else scene.judge(sold)

    return made


def _one_in_ten(scene: Scene, rng: random.Random) -> Anomaly | None:
    normal = [replace(one, published_at=scene.at) for one in scene.past[-SPAM:]]
    return scene.judge([*normal, advert(rng, "casino", scene.language, scene.past[-1].site, scene.at)])


def _swap(scene: Scene, _: random.Random) -> Anomaly | None:
    return scene.judge(scene.neighbour)


def _swap_at_home(scene: Scene, _: random.Random) -> Anomaly | None:
    return scene.judge([replace(one, site=scene.past[-1].site) for one in scene.neighbour])


def _moved(scene: Scene, _: random.Random) -> Anomaly | None:
    return scene.judge([*scene.past[-100:-1], *scene.items][-100:])


def _after_outage(scene: Scene, _: random.Random) -> Anomaly | None:
    late = scene.at + 7 * DAY
    return scene.judge([replace(one, published_at=late - 30 * DAY) for one in _fifty(scene)], at=late)


def _fifty(scene: Scene) -> Sequence[FeedItem]:
    return [scene.past[place % len(scene.past)] for place in range(50)]


def _big_news(scene: Scene, _: random.Random) -> Anomaly | None:
    five = [*scene.items, *scene.next, *scene.past[::-1]][: 5 * len(scene.items)]
    return scene.judge([replace(one, published_at=scene.at) for one in five])


def _one_event(scene: Scene, _: random.Random) -> Anomaly | None:
    """Two thirds of five times the items tell of something that nobody knew the day before."""
    five = [*scene.items, *scene.next, *scene.past[::-1]][: 5 * len(scene.items)]
    fresh = [replace(one, published_at=scene.at) for one in five]
    name = {"zephyrion"}
    return scene.judge(
        [
            replace(one, words=one.words | name, title_words=one.title_words | name) if place % 3 else one
            for place, one in enumerate(fresh)
        ]
    )


def _christmas(scene: Scene, _: random.Random) -> Anomaly | None:
    late = scene.at + 14 * DAY
    return scene.judge([replace(one, published_at=late) for one in scene.items], at=late)


def _footer(scene: Scene, _: random.Random) -> Anomaly | None:
    """Every item, known ones too, has a new standing sentence under its text."""
    sentence = {"yearling", "subscript", "halvening", "rebatement", "until", "sunday"}
    shown, known = (
        [replace(one, words=one.words | sentence) for one in items] for items in (scene.items, scene.past[-50:])
    )
    return scene.judge(shown, edited=known)


def _new_text_form(scene: Scene, _: random.Random) -> Anomaly | None:
    return scene.judge(scene.items, edited=scene.past[-50:])


BAD: Mapping[str, Made] = {
    "1000 old items": _flood,
    "1000 items without dates": _undated_flood,
    "spam, other language, other domain": _spam("casino", language="other", site="win.example"),
    "spam, other language, its domain": _spam("casino", language="other"),
    "spam, its language, other domain": _spam("casino", site="win.example"),
    **{f"spam, its language, its domain: {kind}": _spam(kind) for kind in KINDS},
    **{f"spam, its language, its domain: {kind}, titles only": _spam(kind, lead=False) for kind in KINDS},
    "spam of all kinds mixed, its language, its domain": _spam(""),
    "known entries edited into spam": _spam("casino", edits=True),
    "another feed's items, with their links": _swap,
    "another feed's items, on its own domain": _swap_at_home,
    "one casino among ten normal items": _one_in_ten,
}
GOOD: Mapping[str, Made] = {
    "100 known items as new ones (a move nobody recognised)": _moved,
    "50 old items after a week's outage": _after_outage,
    "five times the items": _big_news,
    "five times the items, two thirds on one new name": _one_event,
    "two weeks of silence, then a usual night": _christmas,
    "50 known entries edited, in its own words": _new_text_form,
    "a new sentence under every text, known ones too": _footer,
}


def advert(rng: random.Random, kind: str, language: str, site: str, at: datetime, *, lead: bool = True) -> FeedItem:
    """Return an item that sells something of this kind."""
    sold, titles, leads = SOLD[kind, language]
    a, b = rng.sample(list(sold), 2)
    title = rng.choice(list(titles)).format(a=a, b=b)
    text = " ".join(rng.sample(list(leads), 2)).format(a=b) if lead else ""
    return replace(_item(title[0].upper() + title[1:], text, "https://spam.example/", at), site=site)


def _rule(breach: Anomaly | None) -> str:
    return breach.rule.value if breach else ""


@cache
def _item(title: str, text: str, url: str, at: datetime) -> FeedItem:
    return feed_item(
        UncheckedEntry(
            is_edit=False,
            link=url,
            title=title,
            markup=text,
            article_language=None,
            published_at=at,
            characters=len(text),
            shared=False,
            from_new_source=False,
        )
    )


if __name__ == "__main__":
    main()
