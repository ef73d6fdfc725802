"""Who may ask, besides the bearers of tokens: this machine only, under our own host names, from our own page."""

import ipaddress

from fastapi import HTTPException, Request

BODY_BYTES_MAX = 64 * 1024  # of a request; ours are some dozen bytes
FORM_BYTES_MAX = 1536 * 1024  # of a citizen's: so that 100,000 characters, of up to 12 bytes, can be shown again
PUBLIC = "/public"  # below it stands what may be let in from outside


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_public(path: str) -> bool:
    """Whether a path is one of the pages for citizens, or of what these need."""
    return path.startswith(f"{PUBLIC}/")


def host_name(host: str) -> str:
    """The name or address in a Host header, without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def from_this_machine(request: Request) -> None:
    """Let only this machine in. 403 for others."""
    if not (request.client and is_loopback(request.client.host)):
        raise HTTPException(
            403, "this page is for this machine only: come through `ssh -L`, or use the API with a token"
        )


def from_our_own_page(request: Request) -> None:
    """Let only a script of our own page in, where something is changed. 403 or 415 for others.

    Why: without a log-in, a browser on this machine is let in whatever page it shows. Another web site's page may make
    it send us a request; it cannot make it lie about where the request comes from. So the browser must say, by `Origin`
    (sent with each POST) and, where it knows it, `Sec-Fetch-Site`, that the request comes from this very page: same
    scheme, host and port. And the body must be declared as JSON: no form can send that, and a foreign script only after
    asking us first (CORS), which we never allow. Nothing secret stands in the page, so nothing can be taken from it.
    Programs use the API with a token: a header of its own, which no browser adds by itself, guards that.
    """
    _not_from_elsewhere(request)
    ours = f"{request.url.scheme}://{request.headers.get('host', '')}"
    if request.headers.get("origin", "").lower() != ours.lower():
        raise HTTPException(403, "only our own page may ask for this; programs use /api/v1 with a token")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "send JSON (`Content-Type: application/json`)")


def for_our_own_page(request: Request) -> None:
    """As `from_our_own_page`, where something is only looked at, which costs us work: no other site may cause it."""
    _not_from_elsewhere(request)


def comes_from_elsewhere(request: Request) -> bool:
    """Whether the browser says that another site's page made it ask."""
    return request.headers.get("sec-fetch-site", "same-origin").lower() != "same-origin"


def _not_from_elsewhere(request: Request) -> None:
    if comes_from_elsewhere(request):
        raise HTTPException(403, "only our own page may ask for this; programs use /api/v1 with a token")
