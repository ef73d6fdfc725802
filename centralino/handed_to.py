"""To whom an agent may hand a caller on: an office or a queue by its name, a colleague, or somebody outside."""

COLLEAGUE, OUTSIDE = "@", "tel:"  # `@AGENT`, `tel:PERSON`


def named(to: str, *, office: str = "") -> str:
    """As one reads it aloud; `office` stands before an office's name. Nobody's number: the trail keeps none."""
    if to.startswith(COLLEAGUE):
        return to.removeprefix(COLLEAGUE)
    return "a number outside" if to.startswith(OUTSIDE) else f"{office}{to}"
