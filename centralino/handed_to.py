"""To whom an agent may hand a caller on: an office or a queue by its name, a colleague, or somebody outside."""

COLLEAGUE, OUTSIDE, AT_PHONE = "@", "tel:", "phone:"  # `@AGENT`, `tel:PERSON`, `phone:ID` where nobody is signed in


def named(to: str, *, office: str = "") -> str:
    """As one reads it aloud; `office` stands before an office's name. Nobody's number: the trail keeps none."""
    for prefix in (COLLEAGUE, AT_PHONE):
        if to.startswith(prefix):
            return to.removeprefix(prefix)
    return "a number outside" if to.startswith(OUTSIDE) else f"{office}{to}"
