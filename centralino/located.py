"""YAML with places: what a file says, where it says it, and what is wrong with it.

YAML 1.2 as people expect it: `12:30`, `no`, `0123` and `+39055` are words; only true, false, null and plain numbers are
not. Refused: the same key twice, keys that are not words, empty values, tags, merge keys, endless aliases, huge files.
What an alias repeats stands where the alias does.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from centralino.syntax import mistake, place_after

Path = tuple[str | int, ...]
SIZE_BYTES_MAX = 1_000_000
DEPTH_MAX = 40  # our own files need 7
VALUES_MAX = 200_000  # aliases of aliases grow without bound
FENCE = "---"  # the line before and after the table of keys that a text begins with
FENCED = f"a line `{FENCE}`, then lines such as `title: Carta d'identità`, then a line `{FENCE}`"
TAG = "\0"  # begins the names by which a form tells apart what may stand in one place; no key has it in it
_TAG = "tag:yaml.org,2002:"
_STR, _SEQ, _MAP = (f"{_TAG}{kind}" for kind in ("str", "seq", "map"))
# Also none that the parser takes for the end of a line (editors do not), nor a byte order mark within.
_NO_TEXT = re.compile(r"[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_MEANING_BEGINS = "~nNtTfF-0123456789"  # also of an empty text
_MEANINGS: tuple[tuple[re.Pattern[str], Callable[[str], object]], ...] = (
    (re.compile(r"~|null|Null|NULL|"), lambda _: None),
    (re.compile(r"true|True|TRUE|false|False|FALSE"), lambda text: text.lower() == "true"),
    (re.compile(r"-?(0|[1-9][0-9]{0,17})"), int),
    (re.compile(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,17}"), float),
)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A mistake of an admin: its place (line and column from 1), what it is, and its cure (may be empty).

    `is_warning`: it is legal, and what carries it can be loaded; but it is hardly what was meant.
    """

    file: str
    line: int
    col: int
    what: str
    hint: str = ""
    is_warning: bool = False

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}:{self.col}: {'warning: ' if self.is_warning else ''}{self.what}"
        return f"{text}\n    hint: {self.hint}" if self.hint else text


@dataclass(slots=True, eq=False)
class Located:
    """One file: its plain data, the places of values and keys by path, and the problems found in reading it.

    `readable` is False where nothing could be read: then `data` is empty and nothing can be said about what is in it.
    `included`: the steps that stand in another file, by name.
    """

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    values: dict[Path, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    readable: bool = True
    included: Mapping[str, "Located"] = field(default_factory=dict)

    def at(self, path: Path, what: str, hint: str = "") -> Problem:
        """A problem with the value at `path`, or with what is nearest around it."""
        home = self._home(path)
        return Problem(home.file, *home._nearest(path, home.values), what, hint)

    def at_key(self, path: Path, what: str, hint: str = "") -> Problem:
        """A problem with the key that `path` ends in."""
        home = self._home(path)
        return Problem(home.file, *(home.keys.get(path) or home._nearest(path, home.values)), what, hint)

    def _home(self, path: Path) -> "Located":
        """The file in which `path` stands."""
        is_included = len(path) > 1 and path[0] == "steps" and path[1] in self.included
        return self.included[str(path[1])] if is_included else self

    def _nearest(self, path: Path, places: Mapping[Path, tuple[int, int]]) -> tuple[int, int]:
        while path and path not in places:
            path = path[:-1]
        return places.get(path, (1, 1))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The hint for a name that nobody knows."""
    names = list(known)
    in_small = next((one for one in names if one.lower() == name.lower()), None)
    close = [in_small] if in_small else difflib.get_close_matches(name, names, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    if not names:
        return ""
    return f"known: {', '.join(names[:8])}{', …' if len(names) > 8 else ''}"


def shown(value: object) -> str:
    """A value as a message shows it: on one line, and short."""
    text = " ".join(_NO_TEXT.sub("?", str(value)).split())
    return f"`{text[:60]}…`" if len(text) > 60 else f"`{text}`"


# --- text to data


def read(file: str, content: bytes) -> Located:
    """Read a file's `content`. `file` is the name that problems carry. Never raises: problems say what is wrong."""
    problem = _unreadable(file, content)
    if problem:
        return unreadable(problem)
    text = content.decode("utf-8-sig")
    try:
        node = _Composing(text).node()
    except yaml.MarkedYAMLError as error:
        return unreadable(Problem(file, *mistake(text, error)))
    except yaml.YAMLError as error:
        return unreadable(Problem(file, 1, 1, f"this is not YAML: {shown(error)}"))
    if node is None:
        return unreadable(Problem(file, 1, 1, "the file is empty"))
    return _Reading(file).of(node)


def read_with_text(file: str, content: bytes, size_bytes_max: int) -> tuple[Located, str]:
    """Read a text before which a table of keys stands between two lines `---`: the table, and the text. The text begins
    with as many empty lines as there are before it, so that places in it are those in the file. Never raises.
    """
    problem = _unreadable(file, content, size_bytes_max)
    if problem:
        return unreadable(problem), ""
    lines = content.decode("utf-8-sig").splitlines()
    fences = [number for number, line in enumerate(lines) if line.rstrip() == FENCE][:2]
    if fences[:1] != [0]:
        return unreadable(Problem(file, 1, 1, f"the first line is not `{FENCE}`", f"begin with {FENCED}")), ""
    if len(fences) < 2:
        what = f"the table that begins here has no end: there is no second `{FENCE}`"
        return unreadable(Problem(file, 1, 1, what, f"begin with {FENCED}")), ""
    table = "\n".join(["", *lines[1 : fences[1]]])
    return read(file, table.encode()), "\n".join([""] * (fences[1] + 1) + lines[fences[1] + 1 :])


def unreadable(problem: Problem) -> Located:
    """A file of which nothing is known but what is wrong with it."""
    return Located(problem.file, problems=[problem], readable=False)


def _unreadable(file: str, content: bytes, size_bytes_max: int = SIZE_BYTES_MAX) -> Problem | None:
    if len(content) > size_bytes_max:
        size = f"{len(content) / 1e6:.1f} MB"
        return Problem(file, 1, 1, f"the file is too big ({size})", f"at most {size_bytes_max / 1e6:g} MB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", "replace")
        return Problem(file, *place_after(before), "the file is not UTF-8", "save it as UTF-8")
    odd = _NO_TEXT.search(text)
    if odd:
        what = f"character U+{ord(odd.group()):04X} does not belong into a text"
        return Problem(file, *place_after(text[: odd.start()]), what, "remove it")
    return None


class _TooDeep(yaml.MarkedYAMLError):
    def __init__(self, mark: Any) -> None:
        super().__init__(problem="this is nested too deep", problem_mark=mark)


class _Alias(yaml.Node):
    """Stands where an alias does; its value is the node that it repeats."""

    def __init__(self, repeated: yaml.Node | None, event: yaml.AliasEvent) -> None:
        self.tag, self.value, self.start_mark, self.end_mark = "", repeated, event.start_mark, event.end_mark


class _Composing(yaml.CBaseLoader):
    """Makes the nodes of a text, without tags of its own, and keeps the places of aliases. `get_single_node` of the
    parser's own loses them. Raises _TooDeep, and what the parser finds.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._anchors: dict[str, yaml.Node] = {}
        self._depth = 0

    def node(self) -> yaml.Node | None:
        """The one document's; None: there is nothing in the text."""
        self.get_event()  # the stream begins
        if isinstance(self.get_event(), yaml.StreamEndEvent):
            return None
        node = self._node(self.get_event())
        self.get_event()  # the document ends
        after: Any = self.get_event()
        if not isinstance(after, yaml.StreamEndEvent):
            raise yaml.MarkedYAMLError(
                "expected a single document", None, "but found another document", after.start_mark
            )
        return node

    def _node(self, event: Any) -> yaml.Node:
        mark = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise yaml.MarkedYAMLError(problem=f"found undefined alias {event.anchor!r}", problem_mark=mark)
            return _Alias(self._anchors[event.anchor], event)
        if isinstance(event, yaml.ScalarEvent):
            style: Any = event.style
            return self._kept(event, yaml.ScalarNode(_tag(event, _STR), event.value, mark, None, style))
        self._depth += 1
        if self._depth > DEPTH_MAX:  # before anything recurses
            raise _TooDeep(event.start_mark)
        node = self._list(event) if isinstance(event, yaml.SequenceStartEvent) else self._table(event)
        self._depth -= 1
        return node

    def _list(self, begin: Any) -> yaml.Node:
        node = self._kept(begin, yaml.SequenceNode(_tag(begin, _SEQ), [], begin.start_mark))
        while not isinstance(event := self.get_event(), yaml.SequenceEndEvent):
            node.value.append(self._node(event))
        return node

    def _table(self, begin: Any) -> yaml.Node:
        node = self._kept(begin, yaml.MappingNode(_tag(begin, _MAP), [], begin.start_mark))
        while not isinstance(event := self.get_event(), yaml.MappingEndEvent):
            node.value.append((self._node(event), self._node(self.get_event())))
        return node

    def _kept(self, event: Any, node: yaml.Node) -> yaml.Node:
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node


def _tag(event: Any, usual: str) -> str:
    return usual if event.tag in (None, "!") else str(event.tag)


class _Reading:
    """Turns the nodes of one file into plain data, keeping the places."""

    def __init__(self, file: str) -> None:
        self.located = Located(file)
        self._around: list[int] = []  # ids of the nodes that we are within
        self._alias: yaml.Node | None = None  # the alias that we are within, if any
        self._values = 0

    def of(self, node: yaml.Node) -> Located:
        data = self._build(node, ())
        if self._values > VALUES_MAX:
            self.located.readable = False
        elif not isinstance(data, dict):
            self._say(node, "the file must be a table of keys", "begin with a line such as `name: value`")
            self.located.readable = False
        else:
            self.located.data = data
        return self.located

    def _say(self, node: yaml.Node, what: str, hint: str = "") -> None:
        self.located.problems.append(Problem(self.located.file, *self._place(node), what, hint))

    def _doubt(self, node: yaml.Node, what: str, hint: str) -> None:
        self._say(node, what, hint)
        self.located.problems[-1] = replace(self.located.problems[-1], is_warning=True)

    def _place(self, node: yaml.Node) -> tuple[int, int]:
        mark = (self._alias or node).start_mark
        return mark.line + 1, mark.column + 1

    def _build(self, node: yaml.Node, path: Path) -> object:
        if isinstance(node, _Alias) and self._alias is None:
            self._alias = node
            built = self._build(node.value, path)
            self._alias = None
            return built
        if isinstance(node, _Alias):
            node = node.value
        self.located.values[path] = self._place(node)
        self._values += 1
        if id(node) in self._around:
            self._say(node, "an alias stands within what it repeats", "write the value out")
            return {}
        if self._values > VALUES_MAX:
            if self._values == VALUES_MAX + 1:
                if self._alias:
                    self._say(node, "aliases make this file too big", "write the values out")
                else:
                    self._say(node, "this file holds too many values", f"at most {VALUES_MAX}")
            return {}
        self._around.append(id(node))
        built = self._build_kind(node, path)
        self._around.pop()
        return built

    def _build_kind(self, node: yaml.Node, path: Path) -> object:
        kind = _MAP if isinstance(node, yaml.MappingNode) else _SEQ if isinstance(node, yaml.SequenceNode) else _STR
        if node.tag != kind:
            self._say(node, f"tag {shown(node.tag.removeprefix(_TAG))} means nothing here", "remove the tag")
        if isinstance(node, yaml.MappingNode):
            return self._build_table(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._build(item, (*path, index)) for index, item in enumerate(node.value)]
        value = _meaning(node)  # a scalar: there are three kinds of nodes
        if isinstance(node, yaml.ScalarNode) and not node.style and node.value.count('"') % 2:
            self._doubt(node, "a quote in this text has no other", "put the whole text in quotes, or remove it")
        if value is None:
            self._say(node, "the value is missing", "write a value, or remove the key")
            return ""
        return value

    def _build_table(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        table: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key is None:
                continue
            if key in table:
                first = self.located.keys[(*path, key)][0]
                self._say(key_node, f"{shown(key)} stands here twice", f"the first is in line {first}")
                continue
            self.located.keys[(*path, key)] = self._place(key_node)
            table[key] = self._build(value_node, (*path, key))
        return table

    def _key(self, node: yaml.Node) -> str | None:
        if isinstance(node, _Alias):
            node = node.value
        if not isinstance(node, yaml.ScalarNode) or _NO_TEXT.search(node.value):
            self._say(node, "a key must be a word", "put a text that begins with `{` or `[` in quotes")
            return None
        if node.value == "<<" and not node.style:
            self._say(node, "merge keys (`<<`) are not part of YAML 1.2", "write the keys out")
            return None
        if not isinstance(_meaning(node), str):
            self._say(node, f"key {shown(node.value)} is not in quotes", f'write `"{node.value[:40]}"`')
        return str(node.value)


def _meaning(node: yaml.Node) -> object:
    """What a plain word means by YAML 1.2; a text in quotes is that text."""
    text = str(node.value)
    if not isinstance(node, yaml.ScalarNode) or node.style or text[:1] not in _MEANING_BEGINS:
        return text
    return next((mean(text) for pattern, mean in _MEANINGS if pattern.fullmatch(text)), text)


# --- pydantic's errors to problems


def shape_problems(error: ValidationError, located: Located, form: type[BaseModel]) -> list[Problem]:
    """What pydantic found, in our words, at its places. What was said while reading is not said again."""
    said = {(problem.line, problem.col) for problem in located.problems if not problem.is_warning}
    problems = [_shape_problem(details, located, form) for details in error.errors(include_url=False)]
    return [problem for problem in problems if (problem.line, problem.col) not in said]


def _shape_problem(details: ErrorDetails, located: Located, form: type[BaseModel]) -> Problem:
    kind, context = details["type"], details.get("ctx", {})
    path = tuple(part for part in details["loc"] if not str(part).startswith(TAG))
    name = shown(path[-1]) if path else "the file"
    if path and path[-1] == "[key]" and path not in located.keys:  # pydantic's word for: the key itself
        return located.at_key(path[:-1], details["msg"], str(context.get("hint", "")))
    if kind == "extra_forbidden":
        return located.at_key(path, f"unknown key {name}", did_you_mean(str(path[-1]), keys_at(form, path[:-1])))
    if kind == "missing":
        return located.at_key(path[:-1], f"{name} is missing", f"keys here: {', '.join(keys_at(form, path[:-1]))}")
    what, hint = _in_our_words(kind, details, context)
    return located.at(path, what, hint)


def _in_our_words(kind: str, details: ErrorDetails, context: Mapping[str, object]) -> tuple[str, str]:
    value = details["input"]
    match kind:
        case "string_type" if isinstance(value, bool | int | float):
            return f"{shown(value)} is not in quotes", f'write `"{value}"`'
        case "string_type":
            return "this must be a text", "write a word, or a text in quotes"
        case "int_type" | "int_from_float":
            return f"{shown(value)} is not a whole number", "write digits without quotes"
        case "bool_type":
            return f"{shown(value)} is neither true nor false", "write `true` or `false`"
        case "literal_error":
            written = str(value).lower() if isinstance(value, bool) else value
            expected = str(context["expected"]).lower()
            choices = expected.replace("'", "`") if "'" in expected else f"`{expected}`"
            return f"{shown(written)} is not {choices}", "write that, or remove the key"
        case "dict_type" | "model_type":
            return "this must be a table of keys", "write `{key: value}`"
        case "list_type":
            return "this must be a list", "write `[first, second]`"
        case "greater_than_equal":
            return f"{shown(value)} is too low", f"at least {context['ge']}"
        case "less_than_equal":
            return f"{shown(value)} is too high", f"at most {context['le']}"
        case "too_short" if context.get("actual_length"):
            return "this has too few entries", f"write at least {context['min_length']}"
        case "too_short":
            return "this is empty", "write at least one entry"
        case "too_long":
            return "this has too many entries", f"write at most {context['max_length']}"
        case _:
            return details["msg"], str(context.get("hint", ""))


def keys_at(form: object, path: Path) -> list[str]:
    """The keys that `form` (a pydantic model, or a type within one) accepts in the table at `path`."""
    arguments = [inner for inner in get_args(form) if inner is not type(None)]
    if isinstance(form, type) and issubclass(form, BaseModel):
        fields = {info.alias or name: info.annotation for name, info in form.model_fields.items()}
        if not path:
            return list(fields)
        return keys_at(fields.get(str(path[0])), path[1:])
    if get_origin(form) in (dict, list) and path:
        return keys_at(arguments[-1], path[1:])
    if get_origin(form) in (dict, list):
        return []
    return next((keys for one in arguments if (keys := keys_at(one, path))), [])  # Annotated, or several kinds
