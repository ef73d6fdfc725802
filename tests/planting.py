"""Places in YAML where a mistake can be planted: each node of a file, what its form says of it, and how to change it.

What may stand at a place is known from the forms alone (as JSON Schema, which pydantic makes of them).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from centralino.forms.fields import Form

Schema = dict[str, Any]
LineAndColumn = tuple[int, int]
ANYTHING: Schema = {}  # the form does not say: hours, which ivr/hours.py reads


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A value in a file, and the key that it stands under (None: it is in a list, or is the whole file).

    `kind` is the same for all places that a form says the same of: `QueuesForm.queues.*.ring`.
    """

    file: str
    text: str
    kind: str
    path: tuple[str | int, ...]
    node: yaml.Node
    key: yaml.Node | None
    around: "Place | None"
    forms: Sequence[Schema]  # what the value may be: one of these
    inner: "list[Place]" = field(default_factory=list)

    @property
    def at(self) -> LineAndColumn:
        return self.node.start_mark.line + 1, self.node.start_mark.column + 1

    @property
    def at_key(self) -> LineAndColumn:
        """Where the key begins; of an entry of a list, where the value does."""
        mark = (self.key or self.node).start_mark
        return mark.line + 1, mark.column + 1

    @property
    def name(self) -> str:
        """The key, or what stands here."""
        return str(self.key.value) if self.key else str(self.node.value)

    @property
    def span(self) -> tuple[int, int]:
        """From where to where the value stands in the text."""
        return self.node.start_mark.index, _end(self.node)

    @property
    def raw(self) -> str:
        return self.text[slice(*self.span)]

    @property
    def is_flow(self) -> bool:
        """Whether the table or list here is written with brackets."""
        return bool(self.node.flow_style) if isinstance(self.node, yaml.CollectionNode) else False

    @property
    def is_plain(self) -> bool:
        return isinstance(self.node, yaml.ScalarNode) and not self.node.style

    def may_be(self, *types: str) -> bool:
        """Whether a value of one of these types (of JSON: string, integer, array …) may stand here."""
        said = {self._type(form) for form in self.forms}
        return bool(said & {"", *types}) or ("integer" in said and "number" in types)

    @staticmethod
    def _type(form: Schema) -> str:
        return str(form.get("type") or _type_of(form.get("const", form.get("enum", [""])[0])))

    @property
    def tables(self) -> list[Schema]:
        """What the table here may be: forms with keys of their own."""
        return [form for form in self.forms if "properties" in form]

    def limit(self, name: str) -> Any:
        return next((form[name] for form in self.forms if name in form), None)

    # --- the text with a change

    def with_value(self, new: str) -> str:
        begin, end = self.span
        return self.text[:begin] + new + self.text[end:]

    def with_key(self, new: str) -> str:
        assert self.key
        return self.text[: self.key.start_mark.index] + new + self.text[self.key.end_mark.index :]

    def without(self) -> str:
        """The text without this key, or entry, and what stands under it."""
        assert self.around
        entries = self.around.inner
        mine = next(index for index, entry in enumerate(entries) if entry is self)
        if mine + 1 < len(entries):
            return self.text[: self._begin] + self.text[entries[mine + 1]._begin :]
        if mine:
            return self.text[: entries[mine - 1].span[1]] + self.text[self.span[1] :]
        empty = "{}" if isinstance(self.around.node, yaml.MappingNode) else "[]"
        return self.around.with_value(empty)

    def with_entry_after(self, entry: str) -> tuple[str, LineAndColumn]:
        """The text with one more entry of the table around, after this one, and where it stands."""
        assert self.around
        end = self.span[1]
        if self.around.is_flow:
            return f"{self.text[:end]}, {entry}{self.text[end:]}", place_of(self.text, end, 2)
        end = self.text.find("\n", end) if self.text.find("\n", end) >= 0 else len(self.text)  # after a comment
        column = self.at_key[1]
        line = place_of(self.text, end)[0] + 1
        return f"{self.text[:end]}\n{' ' * (column - 1)}{entry}{self.text[end:]}", (line, column)

    @property
    def _begin(self) -> int:
        return int((self.key or self.node).start_mark.index)


def places(file: str, text: str, form: type[Form]) -> list[Place]:
    """All places of a file, from the outermost."""
    schema = form.model_json_schema()
    node = yaml.compose(text, Loader=yaml.CBaseLoader)
    root = Place(file, text, form.__name__, (), node, None, None, _alternatives(schema, schema))
    return list(_within(root, schema))


def _within(place: Place, whole: Schema) -> Iterator[Place]:
    yield place
    for key, name, node in _entries(place.node):
        step, forms = _forms_within(place, name, whole)
        kind = f"{place.kind}.{step}"
        inner = Place(place.file, place.text, kind, (*place.path, name), node, key, place, forms)
        place.inner.append(inner)
        yield from _within(inner, whole)


def _entries(node: yaml.Node) -> Iterator[tuple[yaml.Node | None, str | int, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        yield from ((key, str(key.value), value) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from ((None, index, value) for index, value in enumerate(node.value))


def _forms_within(place: Place, name: str | int, whole: Schema) -> tuple[str, list[Schema]]:
    """How the kind of the place goes on, and what may stand there."""
    if isinstance(name, int):
        inner = [form["items"] for form in place.forms if "items" in form]
        return "[]", [one for form in inner for one in _alternatives(form, whole)] or [ANYTHING]
    own = [form["properties"][name] for form in place.tables if name in form["properties"]]
    free = [form["additionalProperties"] for form in place.forms if isinstance(form.get("additionalProperties"), dict)]
    found = [one for form in own or free for one in _alternatives(form, whole)]
    return (name if own else "*"), found or [ANYTHING]


def _alternatives(form: Schema, whole: Schema) -> list[Schema]:
    if "$ref" in form:
        return _alternatives(whole["$defs"][form["$ref"].rpartition("/")[2]], whole)
    choices = form.get("anyOf") or form.get("oneOf")
    if choices:
        return [one for choice in choices for one in _alternatives(choice, whole) if one.get("type") != "null"]
    return [form]


def _end(node: yaml.Node) -> int:
    """Where a value ends; one without brackets, where the last value in it does."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def place_of(text: str, index: int, more: int = 0) -> LineAndColumn:
    """Line and column, from 1, of a character of the text; `more` columns after it."""
    before = text[:index]
    return before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1 + more


def _type_of(value: object) -> str:
    """The word that JSON Schema has for it."""
    return "boolean" if isinstance(value, bool) else "string" if value else ""
