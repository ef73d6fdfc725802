"""What is said to callers: a text in a language, how it is made fit to speak, and what its sound file is called.

Pure: names and texts only. The engines and the files are in `centralino/speaking.py`.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

LANGUAGES = ("it", "en", "fr", "de", "es", "zh", "ar")
TEXT_CHARACTERS_MAX = 2_000

# Raise it whenever a change in how sounds are made (level, trimming, symbols) must reach files that already exist.
RECIPE = "1"

_PLAIN = str.maketrans({"’": "'", "‘": "'", "´": "'", "`": "'", "“": '"', "”": '"', "«": '"', "»": '"', "…": "."})
_PLAIN |= str.maketrans({"–": "-", "—": "-", "−": "-", "\N{SOFT HYPHEN}": ""})
_SPOKEN_PUNCTUATION = frozenset(".,;:!?¿¡'\"()-/，。；：！？、،؛؟")

# Keys and signs that the engines skip, spell in English, or (festival and `%`) fall silent on.
_SAID_AS = {
    "it": {"#": "cancelletto", "*": "asterisco", "&": "e", "%": "per cento", "€": "euro", "@": "chiocciola"},
    "en": {"#": "hash", "*": "star", "&": "and", "%": "percent", "€": "euros", "@": "at"},
    "fr": {"#": "dièse", "*": "étoile", "&": "et", "%": "pour cent", "€": "euros", "@": "arobase"},
    "de": {"#": "Raute", "*": "Stern", "&": "und", "%": "Prozent", "€": "Euro", "@": "at"},
    "es": {"#": "almohadilla", "*": "asterisco", "&": "y", "%": "por ciento", "€": "euros", "@": "arroba"},
    "zh": {"#": "井号键", "*": "星号键", "&": "和", "€": "欧元"},
    "ar": {"#": "مربع", "*": "نجمة", "&": "و", "€": "يورو"},
}


class Unspeakable(StrEnum):
    """Why a text can never become a sound."""

    NOTHING_TO_SAY = "it has no letter or digit"
    TOO_LONG = f"it is longer than {TEXT_CHARACTERS_MAX:,} characters"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A text to be said in a language (one of `LANGUAGES`; raises ValueError otherwise: it names a folder).

    `file`: the recording that says it, `prompts/LANGUAGE/FILE.wav` of the deployment; `text` is then empty.
    """

    text: str
    language: str
    file: str = ""

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise ValueError(f"{self.language!r} is none of {', '.join(LANGUAGES)}")

    @property
    def spoken(self) -> str:
        """The text as the engines get it: one line, without what cannot be spoken."""
        return spoken_text(self.text, self.language)

    def stem(self, voice: str) -> str:
        """`LANG/hash`: the path, without ending, of this prompt's sound as `voice` says it."""
        return f"{self.language}/{_digest(RECIPE, self.language, self.file or self.spoken, voice)}"

    def recording_names(self) -> tuple[str, ...]:
        """The names, without ending, under which somebody may put their own recording; the first found counts."""
        if self.file:
            return (self.file,)
        return tuple(name for name in (_digest(self.language, self.spoken), slug(self.spoken)) if name)


Words = Mapping[str, tuple[Prompt, ...]]  # language → what is said in it, one after the other


def words(texts: Mapping[str, str]) -> Words:
    """What a text per language means."""
    return {language: (Prompt(text, language),) for language, text in texts.items()}


def unspeakable(prompt: Prompt) -> Unspeakable | None:
    """Why `prompt` can never be spoken; None where it can."""
    if prompt.file:
        return None
    if len(prompt.text) > TEXT_CHARACTERS_MAX:
        return Unspeakable.TOO_LONG
    return None if any(c.isalnum() for c in prompt.spoken) else Unspeakable.NOTHING_TO_SAY


@lru_cache(maxsize=256)  # one prompt's names are asked for several times in a row
def spoken_text(text: str, language: str) -> str:
    """`text` as one line of letters, digits and plain punctuation; signs such as `#` become words.

    Brackets, tags, control and format characters go: engines take some of them for markup or commands.
    """
    plain = unicodedata.normalize("NFC", text).translate(_PLAIN)
    kept = "".join(_said(character, language) for character in plain)
    return re.sub(r" (?=[.,;:!?])", "", " ".join(kept.split()))


def slug(spoken: str) -> str:
    """A file name that a person can read: the text's words, shortened and then told apart by a hash. May be empty."""
    ascii_only = unicodedata.normalize("NFKD", spoken).encode("ascii", "ignore").decode().lower()
    words = "-".join(re.findall(r"[a-z0-9]+", ascii_only))
    return words if len(words) <= 60 else f"{words[:50].rstrip('-')}-{_digest(spoken)[:8]}"


@lru_cache(maxsize=8_192)  # a deployment has few different characters, but looks at each text at every start
def _said(character: str, language: str) -> str:
    if character in _SAID_AS.get(language, {}):
        return f" {_SAID_AS[language][character]} "
    if unicodedata.category(character) == "Cf":  # joiners and direction marks stand inside words
        return ""
    if unicodedata.category(character)[0] in "LMN" or character in _SPOKEN_PUNCTUATION:
        return character
    return " "


def _digest(*parts: str) -> str:
    # Surrogates are dropped from the text before, so that UTF-8 always works here.
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]
