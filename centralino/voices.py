"""What a deployment says, made into sounds: before the first call, and again only where a text is new."""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from agents import disposition, spoken, who_calls
from centralino import piper
from centralino.attendant import Voice
from centralino.instance import Instance
from centralino.settings import RECORDED, Configuration
from centralino.speaking import Spoken, speak, system_sentences
from ivr.menu import Ask, CallBack, CaseStatus
from ivr.prompts import Prompt, words
from ivr.sentences import Pattern, Sentence

RECORDED_BY = "recorded"  # the name of the engine that is a person
ALAW_BYTES_PER_S = 8_000
MADE_AT_ONCE_MAX = 20
MADE_WITHIN_S = 5.0  # a caller hears nothing meanwhile

log = logging.getLogger(__name__)


def prompts_of(configuration: Configuration) -> frozenset[Prompt]:
    """Every text that a caller may hear."""
    said = [
        step.words
        for dialplan in configuration.dialplans.values()
        for step in dialplan.steps.values()
        if hasattr(step, "words")
    ]
    said += [words(rules.voicemail_say) for rules in configuration.rules.queues.values()]
    own = frozenset(prompt for by_language in said for prompts in by_language.values() for prompt in prompts)
    plans = configuration.dialplans.values()
    languages = {language for plan in plans for language in plan.languages}
    with_digits = [p for p in plans if any(isinstance(s, Ask | CallBack | CaseStatus) for s in p.steps.values())]
    keyed = {language for plan in with_digits for language in plan.languages}
    queues = configuration.rules.queues.values()
    sentences = system_sentences()
    if any(rules.while_waiting.call_back_key for rules in queues):
        keyed = languages
    offers = {
        sentences.with_key(pattern, key, language)
        for rules in queues
        for pattern, key in (
            (Pattern.OFFER_VOICEMAIL, rules.while_waiting.voicemail_key),
            (Pattern.OFFER_CALL_BACK, rules.while_waiting.call_back_key),
            (Pattern.MAY_BE_RECORDED, rules.recording.refuse_key if rules.recording else ""),
        )
        for language in languages
        if key
    }
    if any(rules.while_waiting.tell_every_s for rules in queues):
        offers |= sentences.prompts_for_waiting(languages)  # those with numbers are made when they are needed
    if any(rules.recording for rules in queues):
        offers |= {sentences.prompt(Sentence.NOT_RECORDED, language) for language in languages}
    offers |= _of_offices(configuration)
    return own | offers | sentences.prompts(languages) | sentences.prompts_for_digits(keyed)


def _of_offices(configuration: Configuration) -> frozenset[Prompt]:
    """What callers of an entity hear when an agent hands them on to one of its offices; others' is made when needed."""
    plans, sentences = configuration.dialplans, system_sentences()
    return frozenset(
        sentences.connecting(office.name, language)
        for entity in configuration.entities.entities.values()
        for office in entity.offices.values()
        for number in entity.numbers
        for language in plans[number].languages
    )


async def prepare(
    configuration: Configuration, config: Path, folder: Path, progress: Callable[[int, int], None] | None = None
) -> Spoken:
    """Make the sounds that are missing in `folder`; recordings, and voices of piper's, stand in `config`/prompts."""
    recorded = config / RECORDED
    named = await asyncio.to_thread(piper.voices_of, configuration.settings.piper_voices, config)
    return await speak(
        prompts_of(configuration),
        folder,
        recorded=recorded if recorded.is_dir() else None,
        named=named,
        progress=progress,
    )


def prompts_for_agents(configuration: Configuration) -> frozenset[Prompt]:
    """What agents hear at their phones: the answers to their codes, and who calls, where a queue whispers it."""
    whispering = {name for name, rules in configuration.rules.queues.items() if rules.whisper}
    said = spoken.prompts() | disposition.prompts()
    if not whispering:
        return said
    entities, tables = configuration.entities, system_sentences().tables
    offices = {office.name for office in entities.offices().values() if office.queue in whispering}
    return said | who_calls.prompts(
        whispering | offices,
        {entity.name for entity in entities.entities.values()},
        {language for plan in configuration.dialplans.values() for language in plan.languages},
        {spoken.language_of(agent.languages) for agent in configuration.roster.agents.values()},
        lambda count, language: tables[language].counted_minutes(count),
    )


async def prepare_for_agents(configuration: Configuration, config: Path, folder: Path) -> None:
    """Make what agents hear at their phones; an engine that needs one before makes it by itself."""
    recorded = config / RECORDED
    named = await asyncio.to_thread(piper.voices_of, configuration.settings.piper_voices, config)
    prompts = prompts_for_agents(configuration)
    made = await speak(prompts, folder, recorded=recorded if recorded.is_dir() else None, named=named)
    for problem in made.problems:
        log.warning("prompt: %s", problem)


async def speak_with_a_bar(configuration: Configuration, config: Path, folder: Path, console: Console) -> Spoken:
    """`prepare`, with a progress bar while there is something to be made."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Speaking the prompts", total=None)
        return await prepare(
            configuration, config, folder, lambda done, total: bar.update(task, completed=done, total=total)
        )


@dataclass(frozen=True, slots=True)
class Listed:
    """A prompt for people: `name` is that of the recording, prompts/LANGUAGE/NAME.wav, that would replace it."""

    language: str
    name: str
    by: str  # which engine speaks it, or `recorded`
    seconds: float
    text: str
    sound: Path

    @property
    def is_machine(self) -> bool:
        return self.by != RECORDED_BY


def listed(spoken: Spoken) -> list[Listed]:
    """Every prompt that has a sound, by language and text."""
    lines = [
        Listed(
            prompt.language,
            prompt.recording_names()[-1],
            sound.engine,
            (sound.path.with_name(f"{sound.path.name}.alaw")).stat().st_size / ALAW_BYTES_PER_S,
            prompt.text or f"(recording {prompt.file})",
            sound.path,
        )
        for prompt, sound in spoken.sounds.items()
    ]
    return sorted(lines, key=lambda line: (line.language, line.text))


class Speaker:
    """The sounds of a running engine: those made before the first call, and those that a call needs at once."""

    def __init__(
        self, spoken: Spoken, configuration: Configuration, instance: Instance, after: Callable[[], None]
    ) -> None:
        """`after` is called when a call has gone on with what was made for it."""
        self._spoken, self._configuration, self._after = spoken, configuration, after
        self._config, self._folder = instance.config, instance.prompts
        self._making: set[asyncio.Task[None]] = set()

    async def learn(self, configuration: Configuration, config: Path) -> None:
        """Make the sounds of another configuration, beside those that calls in progress still need."""
        spoken = await prepare(configuration, config, self._folder)
        self._spoken.sounds.update(spoken.sounds)
        for problem in spoken.problems:
            log.warning("prompt: %s", problem)

    def adopt(self, configuration: Configuration) -> None:
        """Another configuration is in force; our folder, a link, leads to its files already."""
        self._configuration = configuration

    async def make_ready(self, prompts: Collection[Prompt], recorded: Path) -> list[str]:
        """Make the sounds of `prompts`, whose recordings, if any, stand in `recorded`; which ones failed, and why."""
        spoken = await self._speak(prompts, recorded)
        self._spoken.sounds.update(spoken.sounds)
        return [str(problem) for problem in spoken.problems if problem.prompt not in spoken.sounds]

    async def _speak(self, prompts: Collection[Prompt], recorded: Path | None) -> Spoken:
        named = await asyncio.to_thread(piper.voices_of, self._configuration.settings.piper_voices, self._config)
        return await speak(prompts, self._folder, recorded=recorded, named=named)

    def voice(self) -> Voice:
        return Voice(system_sentences(), self._sound_of, self._make)

    def _sound_of(self, prompt: Prompt) -> str | None:
        sound = self._spoken.sounds.get(prompt)
        return str(sound.path.absolute()) if sound else None

    def _make(self, prompts: Sequence[Prompt], then: Callable[[], None]) -> None:
        """In the background. A caller waits for it, so more than a few at once are left unsaid."""
        if len(self._making) >= MADE_AT_ONCE_MAX:
            log.warning("too many sounds are being made: one is left unsaid")
            then()
            return
        task = asyncio.create_task(self._make_now(prompts, then))
        self._making.add(task)
        task.add_done_callback(self._making.discard)

    async def _make_now(self, prompts: Sequence[Prompt], then: Callable[[], None]) -> None:
        recorded = self._config / RECORDED
        try:
            async with asyncio.timeout(MADE_WITHIN_S):
                made = await self._speak(prompts, recorded if recorded.is_dir() else None)
            self._spoken.sounds.update(made.sounds)
            for problem in made.problems:
                log.warning("prompt: %s", problem)
        except (TimeoutError, OSError) as error:
            log.warning("a sound could not be made in time: %s", error or "too slow")
        then()
        self._after()
