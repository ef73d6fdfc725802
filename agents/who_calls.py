"""What an agent should know of a caller before the first word: whispered into their ear, and shown by their phone.

Only what is not as usual: each word of it costs the caller wait, and the agent attention. Pure.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from agents.spoken import LANGUAGES
from ivr.prompts import Prompt

SHOWN_LENGTH_MAX = 40  # what a desk phone shows of a name without scrolling
MINUTES_MOST = 30  # a longer wait is told as one of more than that
MINUTES = Callable[[int, str], str]  # so many minutes, as they are said in a language

# by language, what it is called in each of `LANGUAGES`
LANGUAGE_NAMES = {
    "it": ("Italiano", "Italian"),
    "en": ("Inglese", "English"),
    "de": ("Tedesco", "German"),
    "fr": ("Francese", "French"),
    "es": ("Spagnolo", "Spanish"),
    "ar": ("Arabo", "Arabic"),
    "zh": ("Cinese", "Chinese"),
}
NTH = (  # from the second on, in each of `LANGUAGES`
    ("Seconda", "Second"),
    ("Terza", "Third"),
    ("Quarta", "Fourth"),
    ("Quinta", "Fifth"),
    ("Sesta", "Sixth"),
    ("Settima", "Seventh"),
    ("Ottava", "Eighth"),
    ("Nona", "Ninth"),
)
MORE_THAN_NINE = ("Più di nove chiamate oggi.", "More than nine calls today.")
NTH_CALL_TODAY = ("{nth} chiamata oggi.", "{nth} call today.")
WAITED = ("Attesa {minutes}.", "Waited {minutes}.")
WAITED_LONGER = ("Attesa oltre {minutes}.", "Waited over {minutes}.")


@dataclass(frozen=True, slots=True)
class WhoCalls:
    """`place`: the queue or office that the caller wants. The rest is empty or 0 where it is as usual: for whom
    (`entity`), the caller's `language`, a wait of whole `minutes`, the `nth_call` of the same caller today.
    """

    place: str = ""
    entity: str = ""
    language: str = ""
    minutes: int = 0
    nth_call: int = 0

    def whispered(self, language: str, minutes_said: MINUTES) -> list[Prompt]:
        """In `language` (one of `LANGUAGES`), the most important first; each a sound of its own."""
        texts = (*(named(name) for name in (self.place, self.entity)), *self._spoken(language, minutes_said))
        return [Prompt(text, language) for text in texts if text]

    def _spoken(self, language: str, minutes_said: MINUTES) -> Iterator[str]:
        nth = LANGUAGES.index(language)
        if self.language in LANGUAGE_NAMES:
            yield f"{LANGUAGE_NAMES[self.language][nth]}."
        if self.minutes:
            waited = WAITED if self.minutes <= MINUTES_MOST else WAITED_LONGER
            yield waited[nth].format(minutes=minutes_said(min(self.minutes, MINUTES_MOST), language))
        if self.nth_call - 2 in range(len(NTH)):
            yield NTH_CALL_TODAY[nth].format(nth=NTH[self.nth_call - 2][nth])
        elif self.nth_call:
            yield MORE_THAN_NINE[nth]

    def shown(self, name: str, number: str) -> str:
        """For the phone's display; what does not fit is left out, and a number is shown whole or not at all."""
        waited, again = f"{self.minutes} min" if self.minutes else "", f"{self.nth_call}x" if self.nth_call else ""
        text = self.place[:SHOWN_LENGTH_MAX]
        for part in (self.entity, self.language.upper(), waited, again):
            if part and len(f"{text}, {part}") <= SHOWN_LENGTH_MAX:
                text = f"{text}, {part}"
        left = max(0, SHOWN_LENGTH_MAX - len(f"{text}: "))
        who = name[:left].strip() or (number if len(number) <= left else "")
        return f"{text}: {who}" if who else text


def named(name: str) -> str:
    """How a queue, an office or an entity is said: `protezione-civile` is `Protezione civile.`"""
    return f"{name[0].upper()}{name[1:].replace('-', ' ').replace('_', ' ')}." if name else ""


def prompts(
    places: Iterable[str], entities: Iterable[str], languages: Iterable[str], spoken: Iterable[str], said: MINUTES
) -> frozenset[Prompt]:
    """All that agents who are spoken to in the languages `spoken` may hear, of callers in any of `languages`."""
    each = [
        *(WhoCalls(place=place) for place in places),
        *(WhoCalls(entity=entity) for entity in entities),
        *(WhoCalls(language=language) for language in languages),
        *(WhoCalls(minutes=minutes) for minutes in range(1, MINUTES_MOST + 2)),
        *(WhoCalls(nth_call=nth) for nth in range(2, len(NTH) + 3)),
    ]
    return frozenset(prompt for one in each for language in spoken for prompt in one.whispered(language, said))
