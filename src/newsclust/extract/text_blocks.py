"""Mark blocks as what they are before a page is read: text that extractors drop, and comments that they keep.

Each function changes the tree for one habit of pages, seen in reports on trafilatura and readability.
"""

import re
from collections import Counter
from itertools import chain, islice
from operator import itemgetter
from typing import TYPE_CHECKING

from newsclust.extract.boilerplate import is_list_heading
from newsclust.extract.links import is_internal_link, text_words
from newsclust.text.normalize import word_count

if TYPE_CHECKING:
    from lxml.html import HtmlElement

MIN_PARAGRAPHS = 2  # beside which a block stands that belongs to a text, each of so many words:
MIN_PARAGRAPH_WORDS = 15
MIN_STANDFIRST_WORDS = 6
MAX_STANDFIRST_WORDS = 120
MAX_COMMENTS_HEADING = 15  # words
MAX_COMMENT_PARTS = 5  # of a page
MAX_BEFORE_TEXT = 400  # elements between a headline and the first paragraph
MAX_ABOVE = 3  # elements from a hidden one up to that which holds the paragraphs
MIN_LEAD_IN_WORDS, MAX_LEAD_IN_WORDS = 3, 40
MIN_HEADLINE_WORDS = 4  # a link of fewer words is a name

_POPUP = re.compile(
    r"modal|dialog|popup|pop-up|tooltip|menu|overlay|newsletter|subscri|share|social|cookie", re.IGNORECASE
)
# Not `dek` or `subtitle`: these belong to the headline.
_STANDFIRST = re.compile(r"(?:^|[\s_-])(?:stand-?first|chap(?:o|eau)|lede)(?:$|[\s_-])", re.IGNORECASE)
_LEAD = re.compile(r"(?:^|[\s_-])(?:lead|intro(?:duction)?|summary|abstract)(?:$|[\s_-])", re.IGNORECASE)
_NO_LEAD = ("time", "img", "figure", "address", "svg", "button", "ul")  # beside which a paragraph is none
_BYLINE = re.compile(
    r"(?:by|par|von|publié|published|posted|updated|mis à jour|photo|image|crédits?|credits?)\b", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[.!?…][»”\"')\]]*$")
_COMMENTS = re.compile(
    r"(?:(?:\d[\d ,.]*|no|one|all|see|view|show|top|recent|latest|les|vos|voir les|tous les|aucun|user|reader)? ?)"
    r"(?:comments?|commentaires?|replies|responses?|réponses?|réactions?|reactions?|kommentare?|comentarios?|commenti)"
    r"(?: (?:section|on|to|sur|à|de|from|des) .{1,80})? ?(?:\(?\d[\d ,.]*\)?)?|"
    r"\d+ (?:thoughts?|pensées?|avis|messages?)(?: (?:on|to|sur) .{1,80})?|"
    r"(?:leave|add|post|write) (?:a|your) (?:comment|reply)|join the (?:conversation|discussion)|"
    r"(?:laisser|laissez|ajouter|poster) (?:un|votre) (?:commentaire|réponse|avis)|what (?:readers|others) say",
    re.IGNORECASE,
)
_COUNTED = re.compile(
    r"\d[\d ,.]* (?:comments?|commentaires?|replies|responses?|réponses?|réactions?|kommentare?)|"
    r"(?:comments?|commentaires?|replies|responses?|réponses?|réactions?|kommentare?) \(?\d[\d ,.]*\)?",
    re.IGNORECASE,
)
_HEADINGS = ("h2", "h3", "h4", "h5", "h6")
_SOCIAL = re.compile(
    r"//(?:\w+\.)*(?:facebook|twitter|x|linkedin|whatsapp|wa|pinterest|reddit|t|telegram|instagram|youtube|tiktok|"
    r"threads|bsky|mastodon|flipboard|getpocket|addtoany|sharethis)\.(?:com|me|net|app|social|it)\b|^(?:mailto|tel):",
    re.IGNORECASE,
)


def keep_text_blocks(tree: "HtmlElement", site: str) -> None:
    """Keep hidden paragraphs, standfirsts and lists of an article, and drop its comments; the tree is changed."""
    _drop_comments(tree)
    _show_hidden_paragraphs(tree)
    _wrap_bare_text(tree)
    _keep_lists_of_links(tree, site)
    _unwrap_lists_in_cells(tree)
    _move_standfirsts(tree)


def _is_paragraph(element: "HtmlElement") -> bool:
    return element.tag == "p" and text_words(element) >= MIN_PARAGRAPH_WORDS


def _is_alone(element: "HtmlElement") -> bool:
    """Return whether it has no sibling; counting them would take as long as there are."""
    return element.getprevious() is None and element.getnext() is None


def _paragraphs_by_parent(tree: "HtmlElement") -> Counter["HtmlElement"]:
    """Count the visible paragraphs right in each element."""
    visible = (element for element in tree.iter("p") if element.get("aria-hidden") != "true")
    return Counter(element.getparent() for element in visible if _is_paragraph(element))


def _show_hidden_paragraphs(tree: "HtmlElement") -> None:
    """Take `aria-hidden` off what stands among the paragraphs of a text: publishers set it on what subscribers read.

    What pops up is hidden, too: it is not among paragraphs, or its class says so.
    """
    paragraphs = _paragraphs_by_parent(tree)
    for element in tree.iter("p", "div", "section", "ul", "ol", "li", "span", "blockquote"):
        if element.get("aria-hidden") != "true":
            continue  # it is seen
        above = list(islice(element.iterancestors(), MAX_ABOVE))
        names = (f"{each.get('class', '')} {each.get('id', '')} {each.get('role', '')}" for each in (element, *above))
        if (
            any(paragraphs[each] for each in above)
            and not any(map(_POPUP.search, names))
            and text_words(element) >= MIN_STANDFIRST_WORDS
        ):
            for each in element.iter():
                each.attrib.pop("aria-hidden", None)


def _wrap_bare_text(tree: "HtmlElement") -> None:
    """Wrap what stands right under a headline in the body or a box without a name: lists beside paragraphs are lost.

    A page that marks its article, or whose box says what it holds, is understood as it is.
    """
    if next(tree.iter("article", "main"), None) is not None:
        return
    paragraphs = _paragraphs_by_parent(tree)
    box, count = max(paragraphs.items(), key=itemgetter(1), default=(None, 0))
    if (
        box is None
        or count < MIN_PARAGRAPHS
        or box.get("class")
        or box.tag not in ("body", "div", "center", "section")
    ):
        return
    children = list(box)
    first = next((at for at, child in enumerate(children) if child.tag in ("h1", "h2")), 0)
    article = box.makeelement("article")
    box.insert(first, article)
    for child in children[first:]:
        if child.tag not in ("nav", "footer", "aside", "script", "style"):
            article.append(child)


def _keep_lists_of_links(tree: "HtmlElement", site: str) -> None:
    """Make words of the links of a list that leads elsewhere, or that a text introduces (`There are packages for:`).

    Lists of links are dropped as navigation. One of headlines of the site stays what it is, whatever introduces it,
    and so do ways to share.
    """
    paragraphs = _paragraphs_by_parent(tree)
    for block in tree.iter("ul", "ol"):
        before = block.getprevious()
        if (
            before is None
            or before.tag not in ("p", "h2", "h3", "h4")
            or paragraphs[block.getparent()] < MIN_PARAGRAPHS
        ):
            continue  # navigation, as far as can be told
        links = list(block.iter("a"))
        line = " ".join(before.text_content().split())
        if is_list_heading(line) or any(_SOCIAL.search(link.get("href", "")) for link in links):
            continue  # other articles, or ways to share
        internal = [link for link in links if is_internal_link(link, site)]
        is_introduced = line.endswith(":") and MIN_LEAD_IN_WORDS <= word_count(line) <= MAX_LEAD_IN_WORDS
        if not internal or (is_introduced and all(text_words(link) < MIN_HEADLINE_WORDS for link in internal)):
            for link in links:
                link.tag = "span"


def _unwrap_lists_in_cells(tree: "HtmlElement") -> None:
    """Make plain words of the items of a list in a table's cell, which are dropped otherwise."""
    for cell in tree.iter("td", "th"):
        for element in list(cell.iter("ul", "ol", "li", "dl", "dt", "dd")):
            element.tag = "span"
            element.text, element.tail = f" {element.text or ''}", f" {element.tail or ''}"


def _move_standfirsts(tree: "HtmlElement") -> None:
    """Move the lead from above an article to before its first paragraph: headers are dropped.

    It is named so, or is all that the header holds beside the headline. The subtitle that stands among byline, date
    and picture belongs to the headline.
    """
    headline = next(tree.iter("h1"), None)
    if headline is None:
        return
    leads: dict[HtmlElement, None] = {}
    header = next(headline.iterancestors("header"), None)
    is_plain = header is not None and next(header.iter(*_NO_LEAD), None) is None
    for element in islice(headline.xpath("following::*"), MAX_BEFORE_TEXT):
        is_named = element.tag in ("p", "div", "h2") and _is_named_lead(element)
        is_alone = is_plain and element.tag == "p" and header in element.iterancestors() and _is_lead(element)
        if is_named or is_alone:
            if leads.keys().isdisjoint(element.iterancestors()):
                leads[element] = None
        elif _is_paragraph(element) and leads.keys().isdisjoint(element.iterancestors()):
            for each in leads:
                moved = each.makeelement("p")
                moved.text = " ".join(each.text_content().split())
                element.addprevious(moved)
                each.drop_tree()
            return


def _is_named_lead(element: "HtmlElement") -> bool:
    if next(element.iter("img", "time", "figure", "h1"), None) is not None:
        return False
    if _STANDFIRST.search(element.get("class", "")):
        return _may_be_lead(element)
    return element.tag != "h2" and _LEAD.search(element.get("class", "")) is not None and _is_lead(element)


def _is_lead(element: "HtmlElement") -> bool:
    return _may_be_lead(element) and _SENTENCE_END.search(element.text_content().strip()) is not None


def _may_be_lead(element: "HtmlElement") -> bool:
    line = " ".join(element.text_content().split())
    return MIN_STANDFIRST_WORDS <= word_count(line) <= MAX_STANDFIRST_WORDS and not _BYLINE.match(line)


def _drop_comments(tree: "HtmlElement") -> None:
    """Drop what stands under a heading that counts comments, and all that follows it in its part of the page.

    A line that counts them, and is no heading, counts as one where it opens its part of the page.
    """
    paragraphs = 0
    headings = []
    parents = set()  # of paragraphs before
    for element in tree.iter("p", "div", "span", *_HEADINGS):
        if _is_paragraph(element):
            paragraphs += 1
            parents.add(element.getparent())
        elif paragraphs >= MIN_PARAGRAPHS and _is_comments_heading(element):
            heading = _outermost_of_line(element)
            is_in_text = heading.getparent() in parents
            if element.tag in _HEADINGS or (heading.getprevious() is None and not is_in_text):
                headings.append((heading, is_in_text))
                parents.discard(heading.getparent())  # what follows a heading is under it
    for heading, is_in_text in headings[:MAX_COMMENT_PARTS]:
        parent = heading.getparent()
        if parent is None:
            continue  # dropped with another one
        if is_in_text or parent.tag in ("body", "article", "main"):
            for following in [*heading.itersiblings(), heading]:
                following.drop_tree()
        elif parent.getparent() is not None:
            parent.drop_tree()


def _is_comments_heading(element: "HtmlElement") -> bool:
    if len(element) > MAX_COMMENTS_HEADING:
        return False
    line = " ".join(islice(chain.from_iterable(map(str.split, element.itertext())), 2 * MAX_COMMENTS_HEADING))
    pattern = _COMMENTS if element.tag in _HEADINGS else _COUNTED
    return word_count(line) <= MAX_COMMENTS_HEADING and pattern.fullmatch(line.rstrip(" :")) is not None


def _outermost_of_line(element: "HtmlElement") -> "HtmlElement":
    """Return the element around a line that holds nothing else."""
    while (
        (parent := element.getparent()) is not None
        and _is_alone(element)
        and not (parent.text or "").strip()
        and not (element.tail or "").strip()
    ):
        element = parent
    return element
