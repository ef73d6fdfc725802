"""Durations as admins write them (`20s`, `5m`, `1h30m`), as seconds."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

_PARTS = re.compile(
    r"(?:(?P<d>[0-9]{1,6})d)?(?:(?P<h>[0-9]{1,6})h)?(?:(?P<m>[0-9]{1,6})m)?(?:(?P<s>[0-9]{1,6}(?:\.[0-9]{1,3})?)s)?"
)
_UNIT_S = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


class NotADuration(ValueError):
    """The text is no duration; `hint` says how to write one."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


def seconds(written: object) -> float:
    """The seconds of `20s`, `5m`, `1h30m`, `2d` (days, hours, minutes, seconds in this order). Raises NotADuration."""
    shown = f"`{str(written)[:40]}`"
    if isinstance(written, bool) or not isinstance(written, int | float | str):
        raise NotADuration("this is not a duration", "write `20s`, `5m` or `1h30m`")
    text = str(written).strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        raise NotADuration(f"{shown} has no unit", f"write `{text[:12]}s` for seconds")
    found = _PARTS.fullmatch(text)
    if found is None or not any(found.groupdict().values()):
        raise NotADuration(f"{shown} is not a duration", "write `20s`, `5m` or `1h30m`")
    return sum(float(number) * _UNIT_S[unit] for unit, number in found.groupdict().items() if number)


def written(duration_s: float) -> str:
    """`duration_s` (0 or more) as an admin would write it: 5400 is `1h30m`."""
    whole_s, text = int(duration_s), ""
    for unit, unit_s in (("h", 3_600), ("m", 60)):
        count, whole_s = divmod(whole_s, unit_s)
        text += f"{count}{unit}" if count else ""
    rest_s = whole_s + duration_s % 1
    return f"{text}{rest_s:g}s" if rest_s or not text else text


_Written = Annotated[str, Field(pattern=r"^([0-9]+(\.[0-9]+)?[dhms])+$")]


def between(shortest: str, longest: str) -> BeforeValidator:
    """A pydantic type of seconds from `shortest` to `longest`: `Annotated[float, between("5s", "2m")]`."""
    shortest_s, longest_s = seconds(shortest), seconds(longest)

    def validate(value: object) -> float:
        try:
            duration_s = seconds(value)
        except NotADuration as mistake:
            raise PydanticCustomError("duration", "{what}", {"what": mistake.what, "hint": mistake.hint}) from mistake
        if not shortest_s <= duration_s <= longest_s:
            what = f"`{value}` is too {'short' if duration_s < shortest_s else 'long'}"
            raise PydanticCustomError("duration", "{what}", {"what": what, "hint": f"from {shortest} to {longest}"})
        return duration_s

    return BeforeValidator(validate, json_schema_input_type=_Written)
