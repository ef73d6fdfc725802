"""To whom an agent may hand a caller on: an office or a queue by its name, a colleague, somebody outside, a phone of
ours at which nobody is signed in, or a place where callers are parked.
"""

COLLEAGUE, OUTSIDE, AT_PHONE, PLACE = "@", "tel:", "phone:", "place:"  # `@AGENT`, `tel:PERSON`, `phone:ID`, `place:71`


def named(to: str, *, office: str = "") -> str:
    """As one reads it aloud; `office` stands before an office's name. Nobody's number: the trail keeps none."""
    if to.startswith(COLLEAGUE):
        return to.removeprefix(COLLEAGUE)
    if to.startswith((AT_PHONE, PLACE)):
        return to.replace(":", " ")
    return "a number outside" if to.startswith(OUTSIDE) else f"{office}{to}"
