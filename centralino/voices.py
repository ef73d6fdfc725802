"""What a deployment says, made into sounds: before the first call, and again only where a text is new."""

from collections.abc import Callable
from pathlib import Path

from centralino.attendant import Voice
from centralino.settings import Configuration
from centralino.speaking import Spoken, speak, system_sentences
from ivr.prompts import Prompt


def prompts_of(configuration: Configuration) -> frozenset[Prompt]:
    """Every text that a caller may hear."""
    texts = [
        step.text
        for dialplan in configuration.dialplans.values()
        for step in dialplan.steps.values()
        if hasattr(step, "text")
    ]
    texts += [rules.voicemail_say for rules in configuration.rules.queues.values()]
    own = frozenset(Prompt(text, language) for by_language in texts for language, text in by_language.items())
    languages = {language for dialplan in configuration.dialplans.values() for language in dialplan.languages}
    return own | system_sentences().prompts(languages)


async def prepare(
    configuration: Configuration, config: Path, folder: Path, progress: Callable[[int, int], None] | None = None
) -> Spoken:
    """Make the sounds that are missing in `folder`; people's own recordings stand in `config`/prompts."""
    recorded = config / "prompts"
    return await speak(
        prompts_of(configuration), folder, recorded=recorded if recorded.is_dir() else None, progress=progress
    )


def voice(spoken: Spoken) -> Voice:
    """What the attendant speaks with. A text without a sound is played as a file that is not there, and so skipped."""
    return Voice(system_sentences(), lambda prompt: str(_sound(spoken, prompt)))


def _sound(spoken: Spoken, prompt: Prompt) -> Path | str:
    sound = spoken.sounds.get(prompt)
    return sound.path.absolute() if sound else "centralino-has-no-sound-for-this"
