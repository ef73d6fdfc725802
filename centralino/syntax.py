"""Where the mistake is in a text that is no YAML: where the parser noticed it may be many lines further on."""

import re
from collections.abc import Sequence

import yaml

HINTS = (
    ("alias", 'write `*` in quotes: `"*"`'),
    ("escape", "write `\\\\` for `\\`, or put the text in single quotes"),
    ("quoted scalar", "close the text with the quote that begins it"),
    ("flow mapping", "close it with `}`, part its entries with commas, and write `#` in quotes"),
    ("flow node", "close it with `}` or `]`, and write `#` in quotes"),
    ("flow sequence", "close it with `]`, and part its entries with commas"),
    ("mapping values are not allowed", "put a text that holds `: ` in quotes, and align keys of one level"),
    ("tab character", "indent with spaces, not with a tab"),
    ("cannot start any token", "indent with spaces, not with a tab; put a text that begins with %, @ or ` in quotes"),
    ("block mapping", "align the keys of one level"),
    ("block collection", "align the `-` of one level"),
    ("single document", "write one file for each, without `---` between"),
    ("simple key", "end the key with `:`"),
)
ONE_KEY = re.compile(r"[\w-]+|\"[^\"]*\"|'[^']*'")
Mistake = tuple[int, int, str, str]  # line and column from 1, what it is, its cure


def mistake(text: str, error: yaml.MarkedYAMLError) -> Mistake:
    """What the parser found in `text`, at the place that an admin has to change."""
    said = f"{error.context or ''} {error.problem or ''}"
    hint = next((hint for part, hint in HINTS if part in said), "")
    what = (error.problem or error.context or "this is not YAML").strip()
    noticed = error.problem_mark or error.context_mark
    if noticed is None:
        return 1, 1, what, hint
    quote = _quote_closed_late(text, noticed.index)
    if quote is not None:
        hint = "close it with the quote that begins it; before a quote within it write `\\`"
        return *place_after(text[:quote]), "this text in quotes ends where it should not", hint
    lines = lines_of(text)
    indent = _indent(lines, noticed.line)
    if "\t" in indent:
        return noticed.line + 1, indent.index("\t") + 1, what, "indent with spaces, not with a tab"
    if "mapping values" in said and ONE_KEY.fullmatch(lines[noticed.line][len(indent) : noticed.column]):
        return _goes_on(lines, noticed.line, what, hint)
    mark = _begun_earlier(said, lines, error) or noticed
    return mark.line + 1, mark.column + 1, what, hint


def lines_of(text: str) -> list[str]:
    """The lines of `text`, as YAML ends them."""
    return re.split(r"\r\n?|\n", text)


def place_after(before: str) -> tuple[int, int]:
    """Line and column of what follows `before`."""
    lines = lines_of(before)
    return len(lines), len(lines[-1]) + 1


def _indent(lines: Sequence[str], line: int) -> str:
    text = lines[line] if line < len(lines) else ""
    return text[: len(text) - len(text.lstrip(" \t"))]


def _quote_closed_late(text: str, noticed: int) -> int | None:
    """Where the text begins whose closing quote has a word right after it: that quote was meant to begin a text."""
    quote = text[noticed - 1 : noticed]
    if quote not in ("'", '"') or not text[noticed : noticed + 1].strip(" \r\n:,]}"):
        return None
    begin = noticed - 1
    while (begin := text.rfind(quote, 0, begin)) >= 0:
        if quote == "'" and text[begin - 1 : begin] == quote:  # `''` is an apostrophe
            begin -= 1
        elif quote == "'" or (begin - len(text[:begin].rstrip("\\"))) % 2 == 0:
            return begin
    return None


def _goes_on(lines: Sequence[str], line: int, what: str, hint: str) -> Mistake:
    """A key that was read as part of the value above: it stands too far in, or what is above is no key with a value."""
    above = next((number for number in range(line - 1, -1, -1) if lines[number].split("#")[0].strip()), 0)
    if _key_at(lines[above]) < _key_at(lines[line]):
        return line + 1, _key_at(lines[line]) + 1, what, hint
    what, hint = "this is no key with a value", "write `key: value`, with a space after the `:`"
    return above + 1, _key_at(lines[above]) + 1, what, hint


def _key_at(line: str) -> int:
    """How far in the first key of a line stands: after the dashes of a list, too."""
    return len(line) - len(re.sub(r"^[ \t]*(?:- +)*", "", line))


def _begun_earlier(said: str, lines: Sequence[str], error: yaml.MarkedYAMLError) -> yaml.Mark | None:
    """Where that begins which the parser was reading, where the mistake is there."""
    begun, noticed = error.context_mark, error.problem_mark
    if begun is None or noticed is None:
        return None
    if any(part in said for part in ("end of stream", "simple key", "an alias")):
        return begun
    is_further_in = len(_indent(lines, noticed.line)) > len(
        _indent(lines, begun.line)
    )  # as what is in brackets must be
    return begun if "flow" in said and noticed.line > begun.line and not is_further_in else None
