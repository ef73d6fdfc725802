"""Prompts become sound files: the engines that speak, and the files that Asterisk plays.

A sound is three files beside each other: `.sln16` (16 kHz, the source), `.alaw` and `.ulaw` (8 kHz). They are cached by
text, language and voice, so a second look makes nothing. A recording by a person comes before every engine; then the
voice that the deployment names; then the engines in order of how they sound. What a better voice once made is used also
where that voice is not installed.
"""

import asyncio
import hashlib
import math
import os
import re
import shutil
import signal
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from ivr.prompts import Prompt, unspeakable
from ivr.sentences import LANGUAGES_WITH_SENTENCES, Sentences, read_sentences

PROCESSES_MAX = 2
DEADLINE_S = 20.0  # for one prompt by one voice
FAILURES_MAX = 3  # of one voice; then the next ones speak: a start waits no longer for a program that does not work
ENDINGS = (".alaw", ".ulaw", ".sln16")  # the source last: it is renamed last

# Speech without its pauses is brought to this level; Asterisk's own recorded sounds lie between -17 and -20 dBFS.
SPEECH_LEVEL_DBFS = -18.0
PEAK_DBFS_MAX = -1.0
# A cut sound is worse than none: festival, for one, falls silent in the middle of a text and still reports success.
CHARACTERS_PER_S_MAX = 40.0
SHORTEST_SOUND_S = 0.1
SILENT_PEAK_DBFS = -50.0
WAV_HEADER_BYTES = 44

_FESTIVAL_VOICE = Path("/usr/share/festival/voices/italian/pc_diphone")
_ITALIAN_ACCENTS = frozenset("àèéìòùÀÈÉÌÒÙ")
_SOX_SOURCE = ("-t", "raw", "-r", "16000", "-e", "signed", "-b", "16", "-c", "1")
_SOX_EDGE = ("silence", "1", "0.02", "0.3%", "reverse")  # cut the silence before, and turn round
_SOX_MONO = ("gain", "-3", "remix", "-", "rate", "16000", "stats")  # room first: resampling a loud sound would clip
_SOX_TRIMMED = ("norm", f"{PEAK_DBFS_MAX}", *_SOX_EDGE, *_SOX_EDGE, "pad", "0.05", "0.2")


class Trouble(StrEnum):
    """Why a prompt has no sound, or not the one it should have."""

    UNSPEAKABLE = "the text cannot be spoken"
    NO_SOX = "sox is missing: install the package sox"
    NO_ENGINE = "no engine here speaks this language"
    FAILED = "the engine failed"
    TOO_SLOW = f"the engine took longer than {DEADLINE_S:.0f} s"
    NO_SOUND = "the sound is silent or cut short"


@dataclass(frozen=True, slots=True)
class Problem:
    prompt: Prompt
    why: Trouble
    detail: str = ""

    def __str__(self) -> str:
        start = self.prompt.text if len(self.prompt.text) <= 40 else f"{self.prompt.text[:39]}…"
        return f"{self.prompt.language} {start!r}: {self.why}{': ' if self.detail else ''}{self.detail}"


@dataclass(frozen=True, slots=True)
class Sound:
    """Where a sound stands: its path without ending (what `Telephony.play` takes), and which engine spoke it."""

    path: Path
    engine: str


@dataclass(slots=True)
class Spoken:
    """What came of `speak`. A prompt may have a sound and a problem: then a lesser engine stepped in."""

    sounds: dict[Prompt, Sound] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    made: int = 0
    failures: Counter[str] = field(default_factory=Counter)  # of each voice, by its key

    @property
    def without_sound(self) -> frozenset[Prompt]:
        """The prompts that callers would not hear."""
        return frozenset(p.prompt for p in self.problems if p.prompt not in self.sounds)


class MakingError(Exception):
    """One voice could not make one sound: `why`, and in `detail` what the program said."""

    def __init__(self, why: Trouble, detail: str = "") -> None:
        super().__init__(f"{why}: {detail}")
        self.why = why
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Voice:
    """Who says it: an engine with one of its voices (piper's is a file, `model`), or (`recording`) a person."""

    engine: str
    name: str
    package: str = ""
    recording: Path | None = None
    model: Path | None = None

    @property
    def key(self) -> str:
        """What tells its files from those of other voices."""
        return f"{self.engine} {self.name}"

    def is_installed(self) -> bool:
        match self.engine:
            case "recorded":
                return True
            case "pico":
                return shutil.which("pico2wave") is not None
            case "festival":
                return shutil.which("text2wave") is not None and _FESTIVAL_VOICE.is_dir()
        return shutil.which(self.engine) is not None

    def command(self, wav: Path) -> list[str]:
        """The program that reads the text from its standard input and writes `wav`."""
        match self.engine:
            case "pico":
                return ["pico2wave", "-l", self.name, "-w", str(wav)]
            case "festival":
                return ["text2wave", "-eval", f"({self.name})", "-o", str(wav)]
            case "piper":
                return ["piper", "--model", str(self.model), "--output_file", str(wav)]
        return ["espeak-ng", "-v", self.name, "-s", "160", "-w", str(wav), "--stdin"]


_PICO = {"it": "it-IT", "en": "en-GB", "fr": "fr-FR", "de": "de-DE", "es": "es-ES"}
# Plain `cmn` of espeak-ng 1.51 spells Chinese in English; with `latn-pinyin` it speaks it.
_ESPEAK = {"it": "it", "en": "en-gb", "fr": "fr-fr", "de": "de", "es": "es", "zh": "cmn-latn-pinyin", "ar": "ar"}


def voices(language: str) -> tuple[Voice, ...]:
    """The engines' voices for `language`, the best first. The last is there for every language."""
    pico = [Voice("pico", _PICO[language], "libttspico-utils")] if language in _PICO else []
    festival = [Voice("festival", "voice_pc_diphone", "festvox-itapc16k")] if language == "it" else []
    return (*pico, *festival, Voice("espeak-ng", _ESPEAK[language], "espeak-ng"))


@lru_cache
def system_sentences() -> Sentences:
    """What the system itself says, from the tables that ship. Raises TableError."""
    tables = files("ivr") / "sentences"
    return read_sentences({name: (tables / f"{name}.yaml").read_text("utf-8") for name in LANGUAGES_WITH_SENTENCES})


async def speak(
    prompts: Collection[Prompt],
    folder: Path,
    *,
    recorded: Path | None = None,
    named: Mapping[str, Voice] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Spoken:
    """Make the sounds that are missing in `folder`, and say where each prompt's sound stands.

    `recorded` holds people's recordings as `LANG/NAME.wav` (`Prompt.recording_names`); `named`: by language, the voice
    that comes after them and before ours. `progress` is told, after each prompt that had to be made, how many are done
    and how many there are. At most `PROCESSES_MAX` programs run at once.
    Raises OSError where `folder` cannot be written; what goes wrong with one prompt is among the `problems`.
    """
    spoken = Spoken()
    # In a thread: at a reload the engine goes on with its calls while thousands of files are looked at.
    candidates = _Candidates(folder, recorded, named or {})
    missing = await asyncio.to_thread(_find, dict.fromkeys(prompts), candidates, spoken)
    waiting = iter(missing)
    done = 0

    async def work() -> None:
        nonlocal done
        for prompt in waiting:
            await _make(prompt, missing[prompt], folder, spoken)
            done += 1
            if progress:
                progress(done, len(missing))

    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(min(PROCESSES_MAX, len(missing))):
                workers.create_task(work())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed  # one full disk is one error, whoever met it
    return spoken


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Who could say a prompt: in `recorded` people, by language the `named` voices, and ours; made is in `folder`."""

    folder: Path
    recorded: Path | None
    named: Mapping[str, Voice]

    def of(self, prompt: Prompt) -> Iterator[Voice]:
        yield from _recordings(prompt, self.recorded)
        if prompt.language in self.named:
            yield self.named[prompt.language]
        yield from voices(prompt.language)


def _find(prompts: Collection[Prompt], candidates: _Candidates, spoken: Spoken) -> dict[Prompt, tuple[Voice, ...]]:
    """Note the sounds that stand and the prompts that cannot be made; give the others, with who could say them."""
    missing = {}
    for prompt in prompts:
        if reason := unspeakable(prompt):
            spoken.problems.append(Problem(prompt, Trouble.UNSPEAKABLE, reason))
            continue
        able, unable = _able(prompt, candidates)
        spoken.problems += [Problem(prompt, Trouble.NO_SOUND, f"{voice.key}, tried before") for voice in unable]
        if able and _is_whole(path := candidates.folder / prompt.stem(able[0].key)):
            spoken.sounds[prompt] = Sound(path, able[0].engine)
        elif able and shutil.which("sox"):
            missing[prompt] = tuple(able)
        elif able:
            spoken.problems.append(Problem(prompt, Trouble.NO_SOX))
        else:
            package = voices(prompt.language)[-1].package
            spoken.problems.append(Problem(prompt, Trouble.NO_ENGINE, f"install the package {package}"))
    return missing


def _able(prompt: Prompt, candidates: _Candidates) -> tuple[list[Voice], list[Voice]]:
    """The voices that have said the prompt, or could, best first; and those that were found unable to."""
    able: list[Voice] = []
    unable: list[Voice] = []
    for voice in candidates.of(prompt):
        path = candidates.folder / prompt.stem(voice.key)
        if _is_whole(path):
            return [*able, voice], unable  # nobody after this one will be asked
        if _unable_mark(path).exists():
            unable.append(voice)
        elif voice.is_installed():
            able.append(voice)
    return able, unable


def _recordings(prompt: Prompt, recorded: Path | None) -> Iterator[Voice]:
    if recorded is None:
        return
    for name in prompt.recording_names():
        path = recorded / prompt.language / f"{name}.wav"
        if path.is_file():
            # Named by its content, so that a new recording under the old name is taken at the next reload.
            yield Voice("recorded", hashlib.sha256(path.read_bytes()).hexdigest()[:20], recording=path)


async def _make(prompt: Prompt, able: Sequence[Voice], folder: Path, spoken: Spoken) -> None:
    """Let the first voice that can say the prompt make its sound; note who failed before."""
    for voice in able:
        if spoken.failures[voice.key] >= FAILURES_MAX and voice is not able[-1]:
            continue
        path = folder / prompt.stem(voice.key)
        try:
            if not _is_whole(path):  # meanwhile another prompt with the same words may have made it
                async with asyncio.timeout(DEADLINE_S):
                    await _make_with(voice, prompt.spoken, path, folder)
                spoken.made += 1
        except TimeoutError:
            spoken.failures[voice.key] += 1
            spoken.problems.append(Problem(prompt, Trouble.TOO_SLOW, voice.key))
        except MakingError as failed:
            if failed.why is Trouble.NO_SOUND:  # it would be the same at every start
                _mark_unable(path)
            else:
                spoken.failures[voice.key] += 1
            spoken.problems.append(Problem(prompt, failed.why, f"{voice.key}: {failed.detail}"))
        else:
            spoken.sounds[prompt] = Sound(path, voice.engine)
            return


async def _make_with(voice: Voice, text: str, path: Path, folder: Path) -> None:
    with _workshop(folder) as shop:
        wav = voice.recording or shop / "said.wav"
        if voice.recording is None:
            await _run(voice.command(wav), _encoded(text, voice.engine))
            if not wav.is_file() or wav.stat().st_size <= WAV_HEADER_BYTES:  # festival ends with 0 also then
                raise MakingError(Trouble.NO_SOUND, "nothing was spoken")
        characters = 0 if voice.recording else len(text)
        await _even(wav, shop, shortest_s=max(SHORTEST_SOUND_S, characters / CHARACTERS_PER_S_MAX))
        await _narrow_and_publish(shop, path)


async def _even(wav: Path, shop: Path, shortest_s: float) -> None:
    """Make `sound.sln16`: silence trimmed at both ends (0.05 and 0.2 s stay), the level of the speech evened."""
    trimmed, speech = shop / "trimmed.wav", ("silence", "1", "0.05", "1%", "-1", "0.05", "1%")
    as_it_came = await _run(["sox", "-R", str(wav), "-e", "float", "-b", "32", str(trimmed), *_SOX_MONO, *_SOX_TRIMMED])
    if _figure("Pk lev dB", as_it_came) < SILENT_PEAK_DBFS:
        raise MakingError(Trouble.NO_SOUND, "only silence came")
    length_s = _figure("Length s", await _run(["sox", str(trimmed), "-n", "stats"]))
    level_dbfs = _figure("RMS lev dB", await _run(["sox", str(trimmed), "-n", *speech, "stats"]))
    if length_s < shortest_s or not math.isfinite(level_dbfs):
        raise MakingError(Trouble.NO_SOUND, f"{max(length_s, 0):.1f} s, at least {shortest_s:.1f} s expected")
    evened = _to_speech_level(SPEECH_LEVEL_DBFS - level_dbfs)
    await _run(["sox", "-R", str(trimmed), *_SOX_SOURCE, str(shop / "sound.sln16"), *evened])


def _to_speech_level(gain_db: float) -> tuple[str, ...]:
    """The effects that amplify a sound whose peak is at `PEAK_DBFS_MAX`, softly limiting what would go above that."""
    if gain_db <= 0:
        return ("gain", f"{gain_db:.2f}")
    top = PEAK_DBFS_MAX - gain_db
    knee = top - 4
    curve = f"-90,-90,{knee:.2f},{knee:.2f},0,{top:.2f}"
    return ("compand", "0.0002,0.05", curve, "0", "-90", "0.001", "gain", f"{gain_db:.2f}")


async def _narrow_and_publish(shop: Path, path: Path) -> None:
    """Make the 8 kHz files beside `sound.sln16`, then give all three their names."""
    for ending, encoding in ((".alaw", "a-law"), (".ulaw", "u-law")):
        narrow = ("-t", "raw", "-r", "8000", "-e", encoding, "-b", "8", "-c", "1")
        await _run(["sox", "-R", "-G", *_SOX_SOURCE, str(shop / "sound.sln16"), *narrow, str(shop / f"sound{ending}")])
    path.parent.mkdir(parents=True, exist_ok=True)
    for ending in ENDINGS:
        made = shop / f"sound{ending}"
        made.chmod(0o644)  # Asterisk reads it as another user
        made.rename(path.with_name(path.name + ending))


async def _run(command: Sequence[str], text: bytes = b"") -> str:
    """Run a program to its end, `text` on its standard input; gives what it said on standard error.

    Raises MakingError where it did not end well. However this is left, no process stays behind.
    """
    # Gently: calls on the same machine come first.
    process = await asyncio.create_subprocess_exec(
        "nice",
        *("-n", "19", *command),
        # no pipe where there is nothing to say: a program may be gone before uvloop has closed it
        stdin=asyncio.subprocess.PIPE if text else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        _, said = await process.communicate(text or None)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    errors = said.decode("utf-8", "replace")
    if process.returncode:
        last = " ".join(errors.split())[-200:]
        raise MakingError(Trouble.FAILED, f"{command[0]} ended with {process.returncode}: {last}")
    return errors


def _encoded(text: str, engine: str) -> bytes:
    """The text in the engine's encoding.

    Festival's Italian takes Latin-1, knows beyond ASCII only Italian accents, and falls silent on `3/A`.
    """
    if engine != "festival":
        return f"{text}\n".encode()
    text = re.sub(r"(?<=\d)/(?=\D)", " ", text)
    known = "".join(c if c in _ITALIAN_ACCENTS else unicodedata.normalize("NFKD", c) for c in text)
    return "".join(c for c in f"{known}\n" if c.isascii() or c in _ITALIAN_ACCENTS).encode("latin-1")


def _figure(name: str, stats: str) -> float:
    """A figure of `sox stats`; minus infinity where sox measured nothing (no sample, or only zeros)."""
    found = re.search(rf"^{re.escape(name)}\s+(-?[\d.]+)", stats, re.MULTILINE)
    return float(found[1]) if found else -math.inf


def _unable_mark(path: Path) -> Path:
    return path.with_name(f"{path.name}.unable")


def _mark_unable(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _unable_mark(path).touch()


def _is_whole(path: Path) -> bool:
    return all(path.with_name(path.name + ending).is_file() for ending in reversed(ENDINGS))


@contextmanager
def _workshop(folder: Path) -> Iterator[Path]:
    """A folder for half-made files, on the same disk as `folder`, so that renaming out of it is atomic."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=folder) as shop:
        yield Path(shop)
