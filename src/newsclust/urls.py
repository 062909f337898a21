"""URL canonicalisation: one identity of an article, however feeds and newsletters write its link.

A canonical URL is compared and hashed, never requested: the pipeline requests the entry's own link. Two URLs of one
page that stay apart cost a duplicate, which its text reveals. Two pages that become one URL cost an article. So no
rule here can merge pages of a real site, or hardly any.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv6Address
from urllib.parse import SplitResult, quote, unquote, urlsplit

# What a value of `source`, `ref`, `from` ... looks like when it names the channel by which a reader came.
_CHANNEL = (
    r"(public_|google)?rss([^a-z].*|_?feeds?|entertainment)?|feeds?|feedburner|atom"
    r"|google_?news|newsletters?|e?mail|facebook|fb|twitter|linkedin|reddit|mastodon|bluesky|hackernews|hn"
)
_ANY = ".*"

# (parameter, values, who adds it): tracking parameters, which say how a reader came, not what is shown. Names and
# values are patterns, matched whole and without case. A parameter which some sites use to choose a page is
# dropped only with a value that cannot do so; `id`, `p`, `story`, `page`, `lang` are nobody's tracking.
TRACKING = (
    (r"utm_.*", _ANY, "Google Analytics, and everybody after it"),
    (r"(fb|g|d|y|ys|tw|tt)clid|msclkid|[gw]braid", _ANY, "clicks: Facebook, Google, Yandex, X, TikTok, Bing"),
    (r"gclsrc|gad_source|gad_campaignid|_ga|_gl", _ANY, "Google Ads, links across domains"),
    (r"igshid|igsh|li_fat_id|trk|ref_src|ref_url|__twitter_impression", _ANY, "Instagram, LinkedIn, X"),
    (r"mc_[ce]id|mkt_tok|vero_id|oly_(anon|enc)_id|ck_subscriber_id", _ANY, "Mailchimp, Marketo, Omeda, Kit"),
    (r"_hsenc|_hsmi|__hs(tc|sc|fp)|hsctatracking|hsa_.*", _ANY, "HubSpot"),
    (r"xtor|at_.*", _ANY, "AT Internet, now Piano: most French outlets, the BBC"),
    (r"(pk|mtm|matomo|piwik)_.*", _ANY, "Matomo"),
    (r"itm_.*|icid|intcmp|s_cid|s_kwcid|_openstat|spm", _ANY, "campaigns inside a site: Adobe, Alibaba"),
    (r"ns_(mchannel|source|campaign|linkname|fee)", _ANY, "Comscore"),
    (r"gu(ccounter|ce_referrer|ce_referrer_sig)|soc_(src|trk)|ncid", _ANY, "Yahoo, TechCrunch, Engadget"),
    (r"wpisrc|wpmm|smid|emc|unlocked_article_code", _ANY, "Washington Post, New York Times"),
    (r"mbid|cndid|bxid|ftag|ocid|taid|cmpid", _ANY, "Condé Nast, CBS, MSN, Reuters, Hearst"),
    (r"cmp", r"(share|twt|fb|soc|ema|rss).*", "The Guardian; elsewhere things to compare"),
    (r"linkid", r"\d+", "schedulers of social media"),
    (r"share", r"facebook|twitter|x|linkedin|reddit|e?mail|whatsapp|telegram|mastodon|bluesky", "WordPress"),
    (r"mod", r"(rss|googlenews|djem).*|(wsj|mw|bol|hp)_.*", "Dow Jones; the kind of page on Discuz forums"),
    (r"src|source|from|ref|cid|track|partner|via|origin", _CHANNEL, "feeds and shares of many outlets"),
    (r"ref", r"[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}", "Ghost: the site that links; elsewhere a branch"),
    (r"rss", r"1|true|yes|", "feeds of many outlets"),
    (r"phpsessid|jsessionid", _ANY, "a visit"),
    (r"sess(ion)?id", r"[0-9a-z]{20,}", "a visit; elsewhere a talk of a conference"),
    (r"sid", r"[0-9a-f]{32}", "phpBB: a visit; elsewhere a story's number"),
    (r"amp", r"1|true|yes|", "the AMP form of the same page"),
    (r"outputtype", r"amp", "the AMP form of the same page"),
    (r"amp_js_v|amp_gsa|amp_ct|usqp", _ANY, "AMP caches"),
)
_TRACKED = re.compile(
    "|".join(f"(?:{names})=(?:{values})" for names, values, _ in TRACKING), re.IGNORECASE | re.DOTALL
)

# Labels that name a form of the site. Even mobile.slashdot.org: a story has one number on all its hosts.
_SAME_PAGE_LABELS = {"www", "m", "mobile", "amp"}
_DEFAULT_PORTS = {None, 80, 443}  # both, since http and https are one identity
LONGEST = 8000  # characters of an address: what servers commonly take in a request's first line
_MOST_WRAPPERS = 5  # one within the other, around a page's address
_HOST_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# An escape, or a character that must become one: neither reserved nor unreserved (RFC 3986, section 2).
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=]")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SESSION_IN_PATH = re.compile(r";(?:jsessionid|phpsessid)=[^/;]*", re.IGNORECASE)
_AMP_ENDING = re.compile(r"(?<!\.amp)((?:\.amp)++)(?=(?:\.html?)?$)")
_IS_ARTICLE = re.compile(r"[-\d]")
_AMP_CACHE = re.compile(r"(?:/[a-z])?(?:/s)?/([^/]+\..*)")  # /c/s/site.example/page, s for https

# Domains whose subdomains are other people's sites, which the public suffix list does not have.
_LET_TO_MANY = frozenset(
    ("substack.com", "medium.com", "wordpress.com", "tumblr.com", "typepad.com", "over-blog.com", "ghost.io",
     "hashnode.dev", "beehiiv.com", "buttondown.email", "libsyn.com", "podbean.com", "canalblog.com")
)  # fmt: skip

HIDDEN = "***"  # what stands in the place of a secret
# The user and password of an address, and what should be them: a password may hold a slash that ought to be escaped.
_CREDENTIALS = re.compile(r"(?<=//)(?:[^/?#@\s]*+@|[^/?#@:\s]*+:(?!\d{0,5}(?:[/?#]|$))[^@\s]*+@)+")
# All of a word that can hold some: what has no @ behind it would be read to its end from each of its slashes.
_UP_TO_AT = re.compile(r"(?<!\S)\S*@")
_SECRET_PARAMETER = re.compile(
    r"(?<=[?&;])([^=&;#?\s]*(?:token|secret|signature|api[-_]?key|passw(?:or)?d)|(?:[^=&;#?\s]*[_-])?(?:auth|key|pass|pwd|sig))"
    r"=[^&;#\s]*",
    re.IGNORECASE,
)
# `t` is a time or a page nearly everywhere; here it is the token of a FreshRSS shared query.
_SHARED_QUERY = re.compile(r"/api/query\.php\?[^#\s]*", re.IGNORECASE)
_SHARE_TOKEN = re.compile(r"(?<=[?&;])t=[^&;#\s]*", re.IGNORECASE)
VARIABLE = re.compile(r"\$\{(\w+)\}")  # a secret that stands in the environment


def canonical(url: str) -> str:
    """Return the canonical URL of an article: equal for all usual spellings of one page's URL.

    It is https, without `www.`, user-info, default port, fragment, tracking parameters, mobile or AMP form;
    the other parameters stay, sorted by name. A trailing slash is dropped (except the root's): a tree of
    files cannot hold both `/a` and `/a/`, frameworks redirect the one to the other, and of 20,000 links of
    feeds and news collections the one pair that differed so was one page. Case counts in paths.

    canonical(canonical(u)) == canonical(u). ValueError, naming the address and the reason, for whatever is no
    http(s) address, or longer than `LONGEST`. Source: RFC 3986, section 6.2; WHATWG URL for what it tolerates.
    """
    if len(url) > LONGEST:
        raise ValueError(
            f"{url[:80]!r}... is no address of a page: {len(url)} characters, at most {LONGEST} are read"
        )
    parts = _split(url)
    wrappers = 0
    while (wrapped := _wrapped(parts)) is not None:
        parts, wrappers = wrapped, wrappers + 1
        if wrappers > _MOST_WRAPPERS:
            raise ValueError(f"{url[:80]!r}... is no address of a page: over {_MOST_WRAPPERS} caches around it")
    path = _without_amp(_path(parts.path))
    query = _query(parts.query)
    found = f"https://{_authority(parts)}{path}" + (f"?{query}" if query else "")
    if len(found) > LONGEST:  # escaped it may be three times as long
        raise ValueError(f"{url[:80]!r}... is no address of a page: {len(found)} characters, at most {LONGEST}")
    return found


def host(url: str) -> str:
    """Return the lower-case ASCII host of an http(s) URL, without `www.`; ValueError as in `canonical`."""
    name = _host(_split(url))
    bare = name.removeprefix("www.")
    return name if name == _registered(name) else bare


def registered_domain(url: str) -> str:
    """Return the registered domain (`bbc.co.uk`), or the host itself when it is an IP address or one label.

    By the public suffix list, private suffixes included: two blogs under `github.io` are two outlets. A name
    whose ending the list lacks has its last two labels, by the list's own default rule (publicsuffix.org).
    ValueError as in `canonical`.
    """
    return _registered(_host(_split(url)))


def publisher_of(url: str) -> str:
    """Return what counts as one publisher: the registered domain, or the host on a domain that is let to many.

    ValueError as in `canonical`.
    """
    name = _host(_split(url))
    registered = _registered(name)
    return host(url) if registered in _LET_TO_MANY else registered


def is_let_to_many(name: str) -> bool:
    """Return whether a host stands on a domain whose subdomains are other people's sites: blogs, nearly all."""
    return any(name.endswith(f".{domain}") for domain in _LET_TO_MANY)


def known_publisher(url: str | None) -> str | None:
    """Return the publisher of an address as it was written, None when it has none."""
    try:
        return publisher_of(url or "")
    except ValueError:
        return None


def site_of(url: str) -> str:
    """Return what shares one rate limit: the registered domain of a URL, or the URL itself when it has none."""
    try:
        return registered_domain(url)
    except ValueError:
        return url


def redacted(text: str) -> str:
    """Redact every secret of a reader in a URL, or in any text with URLs in it.

    Hidden are user and password, the values of parameters named like a key (`token`, `api_key`, `auth`, ...), `t` of
    a FreshRSS shared query, and ${VARIABLES}; nothing else changes. redacted(redacted(t)) == redacted(t).
    """
    text = _SHARED_QUERY.sub(lambda query: _SHARE_TOKEN.sub(f"t={HIDDEN}", query[0]), text)
    text = _UP_TO_AT.sub(lambda word: _CREDENTIALS.sub(f"{HIDDEN}@", word[0]), VARIABLE.sub(HIDDEN, text))
    return _SECRET_PARAMETER.sub(rf"\1={HIDDEN}", text)


def unset_variables(text: str, environment: Mapping[str, str]) -> list[str]:
    """Return the names of the ${VARIABLES} of a text that the environment does not hold, or holds empty."""
    return [name for name in dict.fromkeys(VARIABLE.findall(text)) if not environment.get(name)]


def with_variables(text: str, environment: Mapping[str, str]) -> str:
    """Return an address with each ${NAME} replaced, percent-encoded, so that a password may hold any character."""
    return VARIABLE.sub(lambda name: quote(environment.get(name[1], ""), safe=""), text)


def _split(url: str) -> SplitResult:
    """Return the parts of an http(s) URL with a valid host and port; ValueError for any other."""
    try:
        url.encode()
        parts = urlsplit(re.sub(r"[\t\r\n]", "", url.strip()))
        if parts.scheme not in {"http", "https"}:
            raise ValueError("not http or https" if parts.scheme else "no scheme")  # noqa: TRY301 - one wording
        _authority(parts)
    except ValueError as error:
        raise ValueError(f"{url!r} is no address of a page: {error}") from error
    return parts


def _host(parts: SplitResult) -> str:
    """Return the host in lower-case ASCII; ValueError for a name that no resolver could take."""
    name = unquote(parts.hostname or "", errors="strict").removesuffix(".")
    if not name:
        raise ValueError("no host")
    if "\\" in parts.netloc:  # `site\\@other`: browsers go to `site`, others to `other`
        raise ValueError("a backslash before the path")
    if ":" in name:
        return f"[{IPv6Address(name.partition('%')[0]).compressed}]"
    if not name.isascii():
        import idna

        name = idna.encode(name, uts46=True).decode("ascii")
    name = name.lower()
    if len(name) > 253 or not all(_HOST_LABEL.fullmatch(label) for label in name.split(".")):
        raise ValueError(f"{name!r} is no host name")
    return name


def _authority(parts: SplitResult) -> str:
    """Return host and port without labels that name a form of the same site, but with its registered domain."""
    name = _host(parts)
    registered = _registered(name)
    labels = name.removesuffix(registered).split(".")
    kept = ".".join(label for label in labels if label not in _SAME_PAGE_LABELS)
    return kept + registered + ("" if parts.port in _DEFAULT_PORTS else f":{parts.port}")


@lru_cache(maxsize=4096)
def _registered(name: str) -> str:
    import tld  # trafilatura's dependency; it carries its own copy of the list and makes no request

    labels = name.split(".")
    if name.startswith("[") or labels[-1].isdecimal():
        return name
    readable = SplitResult("https", _readable(name), "", "", "")  # the list is written in Unicode
    found = tld.get_fld(readable, fail_silently=True)
    return ".".join(labels[-(found.count(".") + 1 if found else 2) :])


def _readable(name: str) -> str:
    if "xn--" not in name:
        return name
    import idna

    try:
        return idna.decode(name)
    except idna.IDNAError:  # a label that only looks like Punycode is a name like any other
        return name


def _escaped(text: str) -> str:
    """Return the text in normal percent-encoding (RFC 3986, 6.2.2): unreserved bare, hex upper-case, UTF-8."""

    def normal(match: re.Match[str]) -> str:
        if match[1] is None:
            return "".join(f"%{byte:02X}" for byte in match[0].encode())
        character = chr(int(match[1], 16))
        return character if character in _UNRESERVED else match[0].upper()

    return _ESCAPE.sub(normal, text)  # in one pass: `%%34%31` must not become `%41`


def _path(path: str) -> str:
    """Return the path without dot segments, empty segments, session ids and trailing slash; "/" for the root."""
    kept: list[str] = []
    for segment in _SESSION_IN_PATH.sub("", _escaped(path)).split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in {"", "."}:
            kept.append(segment)
    return "/" + "/".join(kept)


def _query(query: str) -> str:
    """Return the parameters without tracking, sorted by name; equal names keep their order."""
    pairs = []
    for parameter in query.split("&"):
        pair = _escaped(parameter)
        while pair.startswith("amp;"):  # `&amp;` escaped once too often, as in many feeds
            pair = pair.removeprefix("amp;")
        name, equals, value = pair.partition("=")
        if pair and not _TRACKED.fullmatch(f"{name}={unquote(value)}"):
            pairs.append((name, equals + value))
    return "&".join(name + value for name, value in sorted(pairs, key=lambda pair: pair[0]))


def _without_amp(path: str) -> str:
    """Return the path of the page whose AMP form this is: `/amp` before or behind, `.amp` at the end.

    Only where the last segment is an article's (it holds a hyphen or a digit), so that `/tag/amp` stays.
    """
    segments = path.split("/")[1:]
    end = len(segments)
    while end > 1 and segments[end - 1] == "amp":
        end -= 1
    kept = [*segments[: end - 1], _AMP_ENDING.sub("", segments[end - 1])]
    if not _IS_ARTICLE.search(kept[-1]):
        return path
    start = next((number for number, segment in enumerate(kept) if segment != "amp"), 0)
    return "/" + "/".join(kept[start:])


def _wrapped(parts: SplitResult) -> SplitResult | None:
    """Return the page whose whole URL stands inside an AMP cache's URL; None when it is no such URL."""
    path = _path(parts.path)
    if _authority(parts).endswith(".cdn.ampproject.org"):
        match = _AMP_CACHE.fullmatch(_without_amp(path))
    elif _registered(_host(parts)).startswith("google.") and path.startswith("/amp/"):
        match = _AMP_CACHE.fullmatch(path.removeprefix("/amp"))
    else:
        return None
    if match is None:
        return None
    try:
        return _split(f"https://{match[1]}" + (f"?{parts.query}" if parts.query else ""))
    except ValueError:  # no address inside: then it is a page of the cache itself
        return None
