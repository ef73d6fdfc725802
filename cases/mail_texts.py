"""Bytes of a mail → text: charsets that are wrong or unknown, HTML."""

import re

from selectolax.lexbor import LexborHTMLParser

HTML_MAX = 500_000  # characters
# why: the parser's work grows with the square of the depth, and nothing that people write is so deep
HTML_DEPTH_MAX = 1_000
# What Python calls text encodings, but no mail is written in; decoding some of them can be made to take very long.
_NO_CHARSETS = re.compile(r"(?i)idna|punycode|.*unicode.*escape|undefined|mbcs|oem")
_TAG = re.compile(r"<(/?)([A-Za-z][^\s/>]{0,40})")
_NEED_NO_END = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})
_BLOCKS = "address,article,blockquote,br,dd,div,dt,footer,h1,h2,h3,h4,h5,h6,header,hr,li,ol,p,pre,section,table,tr,ul"
_BREAK = "\u2028"


def decoded(content: bytes, charset: str) -> str:
    """The text: by `charset` if that fits, else as UTF-8, else as Windows-1252, of which every byte is some letter."""
    for name in (charset, "utf-8"):
        if name and not _NO_CHARSETS.fullmatch(name):
            try:
                return content.decode(name).encode("utf-8", "replace").decode().removeprefix("\ufeff")
            except (LookupError, ValueError):
                continue
    return content.decode("cp1252", "replace")


def text_of_html(html: str) -> str | None:
    """The words of `html`, without scripts, styles, tags; nothing is fetched. None: it is too long, or too deep."""
    if len(html) > HTML_MAX or _depth(html) > HTML_DEPTH_MAX:
        return None
    page = LexborHTMLParser(html.replace("\x00", "\ufffd").replace(_BREAK, " "))
    page.strip_tags(["script", "style", "head", "template", "noscript", "object", "iframe", "svg", "textarea"])
    if page.body is None:
        return ""
    for block in page.body.css(_BLOCKS):
        block.insert_before(_BREAK)
        block.insert_after(_BREAK)
    words = re.sub(r"\s+", " ", page.body.text(separator="").replace(_BREAK, "\x00"))
    lines = [line.strip() for line in re.sub(r"\x00( ?\x00)*", _BREAK, words).split(_BREAK)]
    return "\n".join(lines).strip("\n")


def _depth(html: str) -> int:
    """How many tags are open at once, at most. An end that is not that of the innermost tag ends none: a parser passes
    over many of these.
    """
    deepest, still_open = 0, list[str]()
    for found in _TAG.finditer(html):
        name = found[2].lower()
        if not found[1] and name not in _NEED_NO_END:
            still_open.append(name)
            deepest = max(deepest, len(still_open))
        elif found[1] and still_open and still_open[-1] == name:
            still_open.pop()
    return deepest
