"""Strip boilerplate from a text by patterns: read-more tails, headline blocks, paywall notices.

Every pattern matches a whole line, or a whole sentence at the very end of the text. So nothing is cut inside a
running sentence, and an article that quotes such words keeps them.
"""

import re

from newsclust.text.normalize import drop_repeats, word_count

# Patterns are matched whole, without case, with straight apostrophes and plain spaces.
_SHARE_WORDS = (
    "share|share this|tweet|partager|partage|on|sur|via|by|par|facebook|twitter|linkedin|whatsapp|bluesky|"
    "mastodon|reddit|telegram|pinterest|e-mail|email|print|imprimer|copy link|copier le lien"
)
_JOIN = "subscribe|sign in|sign up|log in|register|join"
_PIECE = "article|story|post|content|issue|analysis"
_MEANT_FOR = "for|available to|reserved for"
_PAYING = "subscribers|paid members|paying members"
_TO_READ = "lire|continuer|poursuivre|accéder|débloquer"
_WHOLE = "lecture|article|suite|contenu|intégralité"
# Lines that go wherever they stand alone, and as the last sentence of a text: credits ...
_CREDITS = (
    # WordPress feeds (Silicon.fr, SpaceNews): "The post Headline appeared first on Outlet."
    r"the post .{1,300} (?:appeared first|first appeared) on .{1,80}",
    r"(?:l'|cet )article(?: .{1,300})? est (?:apparu|paru) (?:en premier|d'abord) sur .{1,80}",
    r"(?:l'|cet )article(?: .{1,300})? a été publié (?:en premier|d'abord) sur .{1,80}",
    # Engadget, MacRumors, Ars Technica: "This article originally appeared on Engadget at https://..."
    r"this (?:article|story|post)(?:, .{1,300},)? (?:originally |first )appeared (?:on|at|in) .{1,200}",
    r"(?:discuss|comment on) this (?:article|story|post)(?: in our forums)?\W*",  # MacRumors
    r"\(source: [\w .]{1,40}\)\W*",  # Bloomberg's videos
    # agencies: Reuters, The Associated Press, AFP in the French press
    r"\(?(?:additional |with )?reporting by .{1,300}\b(?:writing|editing) by .{1,100}",
    r"[\w ,'’-]{1,150} contributed to this (?:report|story|article)\W*",
    r"\(?avec (?:l')?(?:afp|reuters|belga|ats|ap)(?: et (?:l')?(?:afp|reuters|belga|ats|ap))*\W*",
)
# ... and ways to the rest of the text, which also say that there is a rest.
_READ_MORE = (
    r"read more of this story at slashdot\W*",
    r"read the (?:full|whole|rest of the|original|entire) (?:story|article|post|review)\W*",
    r"read the (?:full|whole|rest of the) (?:story|article|post|review) (?:at|on) .{1,60}",  # The Verge
    r"(?:read|see|learn|view) more\W*",
    r"\(?more ?(?:…|\.\.\.|→|»)\)?",  # 9to5Mac, WordPress
    r"continue reading(?: .{1,150})?(?:…|\.\.\.|→|»|\.)?",  # The Guardian, WordPress
    r"(?:lire|voir|découvrir) la suite(?: (?:de|sur) .{1,150})?\W*",  # bargain and WordPress feeds in French
    r"lire l'article(?: complet| en entier)?\W*",
    r"(?:en savoir|lire) plus\W*",
)
# Lines that go only when they are a paragraph of their own.
_LINES = (
    # Le Monde: "Lire aussi | Article réservé à nos abonnés Headline"; Numerama: "À lire aussi : Headline"
    r"(?:» ?)?(?:à )?(?:lire|voir|relire|écouter)(?: aussi| également)?(?: sur .{1,40}?)? ?[|:>–-].{1,300}",
    r"lire aussi .{1,300}(?<![.])",  # Le Point sets no sign between
    r".{1,300} - regarder sur .{1,30}",  # Le Figaro's videos
    r"» ?(?:suivez|suivre|retrouvez) .{1,200}",
    r"(?:read|see|watch) (?:also|next|this)(?: ?[|:>] ?.{1,300})?",
    r"(?:also read|read more|see also|see more) ?[|:>] ?.{1,300}|(?:related|more) ?[|:>] ?.{1,300}(?<![.!?])",
    # Next, WordPress: the number of comments, and the way to them
    r"(?:\d+ )?(?:comments?|commentaires?|replies|réponses)(?: ?\(\d+\))?",
    r"(?:view|read|see) (?:all )?(?:the )?(?:\d+ )?comments|voir (?:tous )?les (?:\d+ )?commentaires",
    # what feeds of links write: hnrss, Reddit, Lobsters
    r"(?:article|comments?|story|discussion) url: ?\S+|#? ?(?:points|comments): ?\d+",
    r"submitted by /?u/\S+(?: to /?r/\S+)?(?: \[link\])?(?: \[comments\])?|\[link\]|\[comments\]",
    r"(?:no|aucune?) (?:description|summary|excerpt|résumé)(?: available| disponible)?\W*",
    r"(?:add|leave|post) an? comment|(?:laisser|ajouter|poster) un commentaire",
    r"(?:no comments yet|aucun commentaire)\W*",
    # bylines, left open where trafilatura took the date away: "Posted: -", "Par Jeanne Roy. -"
    r"(?:posted|published|updated|by|par|publié|mis à jour)\b.{0,60}[-–—|·:]\W*",
    r"\W+",  # what is left of one, or of a row of stars
    # share bars: two networks or more in one line, or the bare word
    rf"(?:(?:{_SHARE_WORDS})(?:[ ,|/·•:]+|$)){{2,}}",
    r"share|share this(?: article| story| post)?|partager(?: cet article| l'article)?",
    # cookie notices
    r"(?:we|this (?:web)?site) uses? cookies\b.{0,400}",
    r"(?:nous utilisons|ce site(?: web)? utilise) (?:des|les) cookies\b.{0,400}",
    r"(?:by continuing to (?:use|browse)|en poursuivant votre navigation).{0,200}cookies.{0,200}",
    r"(?:accept|reject|manage|allow)(?: all)? cookies|accept all|reject all|manage preferences",
    r"(?:tout )?(?:accepter|refuser|gérer)(?: tous)?(?: les)? cookies",
    r"tout accepter|tout refuser|continuer sans accepter",
    # newsletters and "follow us"
    r"(?:subscribe|sign up) (?:to|for) (?:our|the) .{0,60}(?:newsletter|podcast|channel)s?\b.{0,120}",
    r"(?:.{1,60}[.!?] )?(?:subscribe|sign up) (?:to|for) .{1,80}\b(?:newsletter|your inbox)\b.{0,80}",
    r"(?:inscrivez-vous|abonnez-vous) à (?:notre|la|nos) .{0,40}newsletters?\b.{0,120}",
    r"(?:follow|add) us on .{1,80}|(?:suivez|retrouvez)-nous sur .{1,80}",
    r"add .{1,40} as a preferred source.{0,80}",
    r"(?:get|have) .{1,60} (?:in|to) your inbox\b.{0,120}|recevez .{1,60} dans votre boîte.{0,120}",
    r"(?:follow|suivez) .{1,80} (?:on|sur) (?:facebook|twitter|instagram|linkedin|youtube|mastodon|bluesky)\b.{0,80}",
    r"(?:have|got) a tip\?.{0,200}|(?:email|contact|write to) .{1,60} (?:at|:) \S+@\S+.{0,120}",
    r"(?:tell us|let us know) what you think\b.{0,80}|dites-nous ce que vous en pensez\b.{0,80}",
    r"(?:©|\(c\)|copyright)\W* .{0,80}\b(?:19|20)\d\d\b.{0,80}",
    r"reach the reporters? (?:on|at) .{1,150}",  # The Associated Press
    r"ftc: we use income earning auto affiliate links\.(?: more\.?)?",  # 9to5
    # developpez.com: the signature of its news desk
    r"(?:publication de communiqués de presse.{0,60} )?contribuez au club ?:.{0,200}",
    r"(?:back to top|haut de page|advertisement|publicité|annonce|réutiliser ce contenu)\W*",
)
# Lines that open a list of other articles. They go, and the list with them when it closes the text.
_LIST_HEADINGS = (
    r"(?:recent|latest|related|similar|popular|trending|more)(?: \w+){0,3} (?:posts?|articles?|stories)\W*",
    r"(?:recent|latest|related|similar|popular|trending|more)(?: \w+)? (?:news|headlines|coverage|links)\W*",
    r"(?:recommended|related|further|suggested)(?: for you| reading| content)?\W*",
    r"you (?:may|might) also (?:like|enjoy|be interested in)\W*",
    r"(?:most (?:read|popular|viewed)|top stories|trending(?: now)?|read next|up next)\W*|more from .{1,40}",
    r"don't miss(?: (?:it|this|these))?\W*|à ne pas (?:manquer|rater)\W*",
    r"(?:à )?(?:lire|voir|relire)(?: aussi| également| ensuite)\W*|sur le même (?:sujet|thème)\W*",
    r"(?:nos )?(?:articles?|actualités|contenus) (?:similaires|liés|récents|connexes|associés)\W*",
    r"(?:les )?dernières (?:actualités|actus|nouvelles|infos)\W*|(?:les )?derniers articles\W*",
    r"(?:les )?(?:articles )?(?:les )?plus lus\W*|dans la même (?:rubrique|catégorie)\W*",
    r"et vous ?\?",  # developpez.com: questions to its readers
)
# Sentences by which an outlet says that the rest costs money.
_NOTICES = (
    # Next's feeds ("Il reste 80% de l'article à découvrir."), Le Monde ("Il vous reste 72.5% ... à lire.")
    r"il (?:vous )?reste \d+(?:[.,]\d+)? ?% (?:de (?:l'|cet )article|du contenu) à (?:découvrir|lire)\W*",
    r"\d+(?:[.,]\d+)? ?% of (?:this|the) (?:article|story) (?:remains?|is left)(?: to (?:read|discover))?\W*",
    r"(?:la suite|le reste)(?: de (?:cet |l')article)? est (?:\w+ )?réservée? (?:à nos|aux) abonné.{0,50}",
    r"(?:cet article|ce contenu) est (?:\w+ )?réservé (?:à nos|aux) abonné.{0,50}",
    r"(?:vous devez être|il faut être|soyez) abonné\S{0,6} pour .{1,80}",
    rf"(?:abonnez|connectez|identifiez)-vous(?: ou \S+)? pour (?:{_TO_READ}) .{{0,30}}(?:{_WHOLE}).{{0,40}}",
    rf"pour (?:{_TO_READ}) .{{0,60}}, ?(?:abonnez|connectez|identifiez)-vous\W*",
    # Substack, the FT, Wired, The Information
    rf"(?:{_JOIN})(?: now| today)?(?: or (?:{_JOIN}))? to (?:continue|keep) reading(?: .{{1,60}})?\W*",
    rf"(?:{_JOIN})(?: now| today)? to (?:unlock|read|access) (?:\w+ ){{0,4}}(?:{_PIECE})\b.{{0,40}}",
    rf"to (?:continue|keep) reading(?: .{{1,30}})?, (?:please )?(?:{_JOIN}).{{0,60}}",
    rf"(?:this|the rest of this) (?:{_PIECE}) is (?:only )?(?:{_MEANT_FOR}) .{{0,30}}(?:{_PAYING}).{{0,40}}",
    r"you(?: have|'ve) (?:reached|used|read) (?:your|all|the) .{0,40}\bfree (?:articles?|stories).{0,60}",
)
# What stands beside a notice: offers, and the way in for subscribers.
_OFFER = re.compile(
    r"subscri|abonn|member|membre|log ?in|sign ?(?:in|up)|connect|identifi|already|déjà|[€$£]|trial|essai|"
    r"offre|offer|résili|cancel|compte|account|rss",
    re.IGNORECASE,
)
MAX_OFFER_WORDS = 25  # a longer line after a notice is text, and then the notice is a quotation
MAX_HEADLINE_WORDS = 45  # developpez.com's "Voir aussi" lists hold headlines of 40
MAX_LINE_LENGTH = 600  # characters; a longer paragraph is no boilerplate, and patterns stay cheap
_MAX_ROUNDS = (
    10  # each may uncover another line: a text of nothing but such lines would take the square of its length
)
_MAX_TAIL = 20  # sentences of boilerplate behind one paragraph: each is looked for in its last 600 characters

_STRAIGHT = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "\xa0": " ", "\u202f": " ", "\u2009": " "})


def _whole(*tables: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for table in tables for pattern in table), re.IGNORECASE)


_LINE = _whole(_CREDITS, _READ_MORE, _LINES)
_HEADING = _whole(_LIST_HEADINGS)
_NOTICE = _whole(_NOTICES)
_SENTENCE_START = re.compile(r"(?<=[.!?…»”\"'\])]) +")
_TAIL = _whole(_CREDITS, _READ_MORE)
_MORE = _whole(_READ_MORE)  # `The post X appeared first on Y` stands under whole texts too
_MARK = re.compile(r" *\[ ?(?:…|\.\.\.|\.\. ?\.) ?\]$")  # WordPress: the excerpt ends here
_SENTENCE_END = re.compile(r"\.[»”\"')\]]*$")


def strip_boilerplate(text: str) -> tuple[str, str | None]:
    """Return the text without boilerplate, and the words that say a paywall cut it (None: whole).

    `text` and the result are in normal form. Stripping twice is stripping once, but for a text that was built to be
    stripped of one line after the other. A paragraph with text after it goes only if all of it is boilerplate.
    """
    paragraphs = text.split("\n\n")
    cut: str | None = None
    for _ in range(_MAX_ROUNDS):
        before = paragraphs
        paragraphs, notice = _without_notice(before)
        paragraphs = drop_repeats([p for p in paragraphs if not _matches(_LINE, p)])
        paragraphs = _without_tail(_without_lists(paragraphs))
        cut = notice or cut  # the earliest one: later ones were beside it
        if paragraphs == before:
            break
    return "\n\n".join(paragraphs), cut


def paywall_notice(lines: list[str]) -> str | None:
    """Return the first line's opening sentence that says the rest costs money, None when no line is a notice."""
    return next((words for line in lines if (words := _notice_of(line)) is not None), None)


def is_list_heading(line: str) -> bool:
    """Return whether a line opens a list of other articles, or is itself a way to one."""
    return _matches(_HEADING, line) or _matches(_LINE, line)


def is_truncated(text: str) -> bool:
    """Return whether a text in normal form says that more of it stands elsewhere."""
    last = text.rsplit("\n\n", 1)[-1]
    return (
        last.endswith(("…", "...", "[…]", "[...]", "…]", "...]"))
        or any(_matches(_MORE, p) for p in text.split("\n\n"))
        or _matches(_MORE, _SENTENCE_START.split(last)[-1])
        or strip_boilerplate(text)[1] is not None
    )


def _matches(pattern: re.Pattern[str], paragraph: str) -> bool:
    return len(paragraph) <= MAX_LINE_LENGTH and bool(pattern.fullmatch(paragraph.translate(_STRAIGHT)))


def _notice_of(paragraph: str) -> str | None:
    """Return the notice, when the paragraph opens with one and holds nothing but offers beside it."""
    first, *others = _SENTENCE_START.split(paragraph)
    if _matches(_NOTICE, first) and all(_matches(_NOTICE, s) or _OFFER.search(s) for s in others):
        return first
    return None


def _without_notice(paragraphs: list[str]) -> tuple[list[str], str | None]:
    """Cut from the first paywall notice on that has only offers and boilerplate after it."""
    first = len(paragraphs)
    while first and _is_offer_or_boilerplate(paragraphs[first - 1]):
        first -= 1
    for at in range(first, len(paragraphs)):
        if (words := _notice_of(paragraphs[at])) is not None:
            return paragraphs[:at], words
    return paragraphs, None


def _is_offer_or_boilerplate(paragraph: str) -> bool:
    is_offer = word_count(paragraph) <= MAX_OFFER_WORDS and _OFFER.search(paragraph) is not None
    return is_offer or _notice_of(paragraph) is not None or _matches(_LINE, paragraph)


def _without_lists(paragraphs: list[str]) -> list[str]:
    """Drop headings of headline lists, and the headlines too where nothing but them follows."""
    headlines = len(paragraphs)  # from here on there is nothing else
    while headlines and _may_be_headline(paragraphs[headlines - 1]):
        headlines -= 1
    kept: list[str] = []
    for at, paragraph in enumerate(paragraphs):
        if not _matches(_HEADING, paragraph):
            kept.append(paragraph)
        elif at + 1 >= headlines:
            break
    return kept


def _may_be_headline(paragraph: str) -> bool:
    """Return whether it ends without a full stop, as headlines and blurbs do and an article's paragraphs do not."""
    return word_count(paragraph) <= MAX_HEADLINE_WORDS and not _SENTENCE_END.search(paragraph)


def _without_tail(paragraphs: list[str]) -> list[str]:
    """Drop the boilerplate sentences, and the marks of an excerpt, that end the last paragraph."""
    if not paragraphs:
        return paragraphs
    last, end = paragraphs[-1], len(paragraphs[-1])
    for _ in range(_MAX_TAIL):
        if (shorter := _before_tail(last, end)) == end:
            break
        end = shorter
    return [*paragraphs[:-1], last[:end]] if end else paragraphs[:-1]


def _before_tail(paragraph: str, end: int) -> int:
    """Return where the last excerpt mark or boilerplate sentence before `end` begins; `end` if there is none."""
    begin = max(0, end - MAX_LINE_LENGTH)
    if (mark := _MARK.search(paragraph, begin, end)) is not None:
        return mark.start()
    starts = _SENTENCE_START.finditer(paragraph, begin, end)
    return next((start.start() for start in starts if _matches(_TAIL, paragraph[start.end() : end])), end)
