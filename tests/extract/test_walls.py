"""Pages that answer 200 and are no article: what says so, and what only looks like it."""

import pytest

from newsclust.errors import Reason
from newsclust.extract import TrafilaturaExtractor, recurring_wall_key
from newsclust.extract.page import read_page
from newsclust.extract.select_text import select_text
from newsclust.extract.walls import is_wall_heading
from newsclust.model import TextQuality, TextSource
from tests.extract.test_extract import LONG, URL, extraction_of, html_page, page_of, source_of

HEADINGS = [
    "Just a moment...",
    "Making sure you&#39;re not a bot!",
    "Attention Required! | Cloudflare",
    "Access denied",
    "Are you a robot?",
    "Human verification",
    "Vérification que vous n’êtes pas un robot",
    "Un instant…",
    "Accès refusé",
    "Before you continue to the harbour",
    "We value your privacy",
    "Le respect de votre vie privée",
    "Sign in - Harbour News",
    "Connexion",
    "Page not found - Harbour News",
    "404",
    "Oups ! Cette page est introuvable",
    "La page demandée n’existe plus",
    "Seite nicht gefunden",
    "Página no encontrada",
]
WORDS = "<p>A small ferry of letters crosses here. Whoever stays on the quay sees it come back some day.</p>"


def wall(heading: str, words: str = WORDS) -> bytes:
    return (
        f"<!doctype html><html><head><meta charset='utf-8'><title>{heading}</title></head>"
        f"<body><main><h1>{heading}</h1>{words}</main></body></html>"
    ).encode()


def outcome_of(body: bytes, *, final_url: str = URL, summary: str | None = "<p>The pool is warm.</p>"):
    source = source_of(body, summary=summary, final_url=final_url)
    return select_text(source, read_page(page_of(body, final_url=final_url)), None)


@pytest.mark.parametrize("heading", HEADINGS)
def test_a_page_headed_as_a_wall_leaves_the_words_of_the_feed(heading: str) -> None:
    outcome = outcome_of(wall(heading))
    assert outcome.error is not None
    assert outcome.error.reason is Reason.WALL
    taken = extraction_of(outcome)
    assert (taken.text, taken.text_source) == ("The pool is warm.", TextSource.FEED_SUMMARY)
    assert taken.text_quality is TextQuality.WALL
    assert taken.text_source_reason == "page failed: wall; the only text: feed_summary 4 words"


@pytest.mark.parametrize(
    "words",
    [
        "<p>We and our 300 partners store information on your device. You may withdraw your consent.</p>",
        "<p>Nos 300 partenaires et nous stockons des traceurs. Vous pouvez retirer votre consentement.</p>",
        "<p>Please enable JavaScript and cookies to go on.</p>",
        "<p>Veuillez activer JavaScript pour continuer.</p>",
        "<p>Please sign in to go on.</p><p>Forgot your password?</p>",
        "<p>The page you are looking for was moved or deleted.</p>",
        "<p>La page que vous cherchez a été supprimée. Retour à l'accueil.</p>",
        "<p>Our systems have seen unusual traffic from your network.</p>",
        "<p>Sorry for the inconvenience, we are performing some maintenance. We'll be back soon!</p>",
        "<p>Notre site est en maintenance. Revenez plus tard.</p>",
        "<p>This article is not available in your region.</p>",
        "<p>Ce contenu n'est pas disponible dans votre pays.</p>",
        "<p>You are using an ad blocker. Please whitelist our site.</p>",
        "<p>Vous utilisez un bloqueur de publicité. Désactivez votre bloqueur pour lire.</p>",
        "<p>Your browser is not supported. Please upgrade your browser.</p>",
    ],
)
def test_a_page_of_which_most_is_what_only_walls_say_is_one_under_any_heading(words: str) -> None:
    outcome = outcome_of(wall("Harbour News", words))
    assert outcome.error is not None
    assert outcome.error.reason is Reason.WALL


@pytest.mark.parametrize(
    "address",
    [
        "https://consent.harbour.example/v2/collect?session=1",
        "https://harbour.example/login?next=/news/pool",
        "https://sso.other.example/x",
        "https://harbour.example/cdn-cgi/challenge",
    ],
)
def test_a_page_that_ends_where_one_is_asked_first_is_a_wall_and_its_address_is_not_believed(address: str) -> None:
    outcome = outcome_of(wall("Harbour News"), final_url=address)
    assert outcome.error is not None
    assert outcome.error.reason is Reason.WALL
    assert extraction_of(outcome).canonical_url == URL


def test_a_wall_without_words_of_the_feed_leaves_the_headline() -> None:
    taken = extraction_of(outcome_of(wall(HEADINGS[0], ""), summary=None))
    assert (taken.title, taken.text, taken.text_quality) == ("Town heats pool with servers", "", TextQuality.WALL)


def test_an_article_under_a_consent_is_read() -> None:
    consent = (
        "<div class='overlay'><h1>We value your privacy</h1><p>We and our 300 partners store and access "
        "information on your device.</p><button>Accept all</button></div>"
    )
    body = html_page(LONG).replace(b"<nav>", consent.encode() + b"<nav>")
    (outcome,) = TrafilaturaExtractor(workers=1).extract([source_of(body)])
    assert outcome.error is None
    assert LONG[1] in extraction_of(outcome).text


@pytest.mark.parametrize(
    ("title", "words"),
    [
        (
            "Page not found",
            "<p>How a page that nobody found became a museum: the harbour shows a hundred of them.</p>",
        ),
        ("Botnet of routers is shut down", "<p>A service that sold ransomware and DDoS attacks ended on Friday.</p>"),
        (
            "Ce comportement des sites agace",
            "<p>Qui n'est pas resté bloqué sur une page que vous n'avez pas voulue ?</p>",
        ),
        ("Access denied", "<p>The thriller opens on Friday in the old cinema by the harbour, with its makers.</p>"),
        (
            "Websites must offer a reject all button, says the watchdog",
            "<p>Websites must offer a button to reject all trackers, the watchdog said on Friday.</p>",
        ),
    ],
)
def test_an_article_about_walls_is_none(title: str, words: str) -> None:
    body = wall(title, words)
    source = source_of(body)
    outcome = select_text(
        type(source)(**{name: getattr(source, name) for name in source.__slots__} | {"title": title}),
        read_page(page_of(body)),
        None,
    )
    assert outcome.error is None
    assert extraction_of(outcome).text_quality is TextQuality.FULL


@pytest.mark.parametrize(
    "heading", ["Town heats pool with servers", "Just a moment of peace", "Login flaw found in a router", ""]
)
def test_a_headline_is_no_heading_of_a_wall(heading: str) -> None:
    assert not is_wall_heading(heading)


def test_a_text_counts_as_recurring_only_where_it_tells_nothing_of_its_title() -> None:
    assert recurring_wall_key("Town heats pool with servers", LONG[0]) is None
    one = recurring_wall_key("Ferry sinks at night", "Seen at 10:31, request 7f31. Whoever stays sees it come back.")
    two = recurring_wall_key("Mayor wins again", "Seen at 11:02, request 99ab. Whoever stays sees it come back.")
    assert one is not None
    assert two is not None
    assert one.key == two.key
    assert one.context != two.context
    assert recurring_wall_key("Mayor wins again", "word " * 601) is None
    assert recurring_wall_key("", "Whoever stays sees it come back.") is None
