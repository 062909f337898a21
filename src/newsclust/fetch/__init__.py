"""Request -> response over HTTP: the only room with sockets.

`fetcher` runs an event loop in a thread and yields responses; `client` follows one request through its redirects;
`session` holds aiohttp's connections and a request's cookies, `framing` repairs responses as browsers do;
`politeness` limits the rate per site; `url_policy` decides which URLs and credentials may be sent; `ssrf` refuses
private addresses; `decompress` undoes Content-Encoding within a size limit; `redaction` hides secrets in responses;
`robots` reads robots.txt; `refresh` finds where a page without words sends on; `limits` bounds times and sizes.
"""

from newsclust.fetch.fetcher import Fetcher, HttpFetcher

__all__ = ["Fetcher", "HttpFetcher"]
