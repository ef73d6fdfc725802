"""Emergencies as people begin and end them: the notice is checked and spoken first, then it is in force."""

import asyncio
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from centralino.door import CommandRefused
from centralino.events import EmergencyStarted
from centralino.settings import Configuration, is_wav
from centralino.state import EmergencyNow
from centralino.switchboard import Switchboard, emergency_words
from centralino.voices import Speaker
from ivr.prompts import Prompt, unspeakable


class Emergencies:
    """`notices`: the folder that keeps the recordings of notices, as LANGUAGE/NAME.wav."""

    def __init__(self, switchboard: Switchboard, speaker: Speaker, notices: Path) -> None:
        self._switchboard, self._speaker, self._notices = switchboard, speaker, notices

    async def begin(self, args: dict[str, Any], configuration: Configuration, by: str) -> dict[str, Any]:
        """Raises CommandRefused where nobody could hear the notice."""
        plan = configuration.service_of(str(args.get("number") or ""))
        if plan is None:
            numbers = ", ".join(configuration.dialplans)
            raise CommandRefused(f"no dialplan answers {args.get('number')}; there are {numbers}")
        until_s = float(args.get("until_s") or 0)
        if until_s and until_s <= self._switchboard.clock.now_s():
            raise CommandRefused("it would be over before it began")
        file = await self._keep(Path(str(args["file"])), plan.languages) if args.get("file") else ""
        say = {str(language): str(text) for language, text in (args.get("say") or {}).items()}
        if not file:
            _check(say, plan.languages)
        started = EmergencyStarted(
            service=plan.number, say=say, file=file, opens=bool(args.get("open")), until_s=until_s, by=by
        )
        problems = await self._speak(emergency_words(_as_now(started), plan.languages).values())
        if problems:
            self._forget(file)
            raise CommandRefused("\n".join(["the notice cannot be heard:", *problems]))
        self._switchboard.begin_emergency(started)
        return {"number": plan.number}

    def end(self, args: dict[str, Any], configuration: Configuration, by: str) -> dict[str, Any]:
        """Also of a number that no dialplan answers any more. Raises CommandRefused where there is none."""
        number = str(args.get("number") or "")
        plan = configuration.service_of(number)
        service = plan.number if plan else number
        if not self._switchboard.end_emergency(service, by, "it was ended"):
            others = ", ".join(self._switchboard.book.house.emergencies)
            raise CommandRefused(f"there is no emergency on {number}{f'; there is one on {others}' if others else ''}")
        return {"number": service}

    async def speak_again(self, configuration: Configuration) -> None:
        """After a restart: the sounds of the notices that are in force."""
        for service, now in self._switchboard.book.house.emergencies.items():
            if plan := configuration.dialplans.get(service):
                await self._speak(emergency_words(now, plan.languages).values())

    async def _speak(self, said: Iterable[tuple[Prompt, ...]]) -> list[str]:
        return await self._speaker.make_ready({prompt for prompts in said for prompt in prompts}, self._notices)

    async def _keep(self, file: Path, languages: Iterable[str]) -> str:
        """A copy of the recording, for each language; its name."""
        name = f"notice-{secrets.token_hex(4)}"

        def copy() -> None:
            for language in languages:
                (self._notices / language).mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, self._notices / language / f"{name}.wav")

        try:
            if not await asyncio.to_thread(is_wav, file):
                raise CommandRefused(f"{file} is no WAV file")
            await asyncio.to_thread(copy)
        except OSError as error:
            self._forget(name)
            raise CommandRefused(f"{file}: {error.strerror}") from error
        return name

    def _forget(self, name: str) -> None:
        """The copies of a recording that callers will not hear."""
        for copy in self._notices.glob(f"*/{name}.wav") if name else ():
            copy.unlink(missing_ok=True)


def _as_now(started: EmergencyStarted) -> EmergencyNow:
    return EmergencyNow(started.say, started.file, started.opens, started.until_s, 0.0, started.by)


def _check(say: dict[str, str], languages: tuple[str, ...]) -> None:
    if not say:
        raise CommandRefused("say what callers are to hear: --say TEXT, or --say FILE.wav")
    for language, text in say.items():
        if language not in languages:
            raise CommandRefused(f"the number does not speak `{language}`; it speaks {', '.join(languages)}")
        if reason := unspeakable(Prompt(text, language)):
            raise CommandRefused(f"the notice in `{language}` cannot be spoken: {reason}")
