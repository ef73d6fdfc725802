"""Puts another configuration in force while calls go on: all of it, or nothing.

New calls follow it; those in progress end in the one they began in. What Asterisk must know (phones, numbers, carriers)
is written anew and read by it without touching calls.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asterisk import configuration as asterisk_files
from asterisk.configuration import CannotWrite
from asterisk.installer import find_or_make
from asterisk.process import AsteriskProcess, NotRunning
from centralino import settings
from centralino.door import CommandRefused
from centralino.instance import Instance, MissingSecret
from centralino.releases import Release, Releases, difference, digest
from centralino.settings import BrokenConfiguration, Configuration

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Adopted:
    """A configuration that is ready to be followed, and what changed with it."""

    release: Release
    configuration: Configuration
    difference: str

    @property
    def files(self) -> list[str]:
        """The files that changed, by name."""
        lines = self.difference.splitlines()
        named = [line.removeprefix("+++ ") for line in lines if line.startswith("+++ ")]
        return named + [line.split(" ")[0] for line in lines if line.startswith("prompts/")]


class Reloading:
    """One at a time. `speak` makes the sounds of a configuration whose files stand in a folder."""

    def __init__(self, instance: Instance, speak: Callable[[Configuration, Path], Any]) -> None:
        self._instance, self._speak = instance, speak
        self._releases = Releases(instance.configurations)
        self._turn = asyncio.Lock()

    @property
    def in_force(self) -> Release | None:
        return self._releases.current

    def folder_of(self, number: int | None) -> Path:
        """Where to go back to: release `number`, or the one before that in force. Raises CommandRefused."""
        current = self._releases.current
        others = [release for release in self._releases.all() if current and release.number != current.number]
        if number is None and others:
            return others[0].folder
        wanted = next((release for release in others if release.number == number), None)
        if wanted is None:
            kept = ", ".join(str(release.number) for release in others) or "none"
            raise CommandRefused(f"there is no configuration {number or 'before this one'} to go back to; kept: {kept}")
        return wanted.folder

    async def prepare(self, folder: Path, by: str, now: Configuration) -> Adopted | None:
        """Check, speak and write down what stands in `folder`; None where it is in force already.

        Raises CommandRefused, with everything that is wrong, and then nothing has changed.
        """
        try:
            async with self._turn:
                return await self._prepare(folder, by, now)
        except OSError as error:  # such as a full disk, or a file that only its owner may read
            what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            raise CommandRefused(f"{what}. Nothing was loaded.") from error

    async def _prepare(self, folder: Path, by: str, now: Configuration) -> Adopted | None:
        seen = await asyncio.to_thread(digest, folder)
        configuration, problems = await asyncio.to_thread(settings.examine, folder)
        if configuration is None:
            raise CommandRefused(str(BrokenConfiguration(problems)))
        if refusal := settings.needs_a_start(now, configuration):
            raise CommandRefused(refusal)
        before = self._releases.current
        changed = await asyncio.to_thread(difference, before.folder, folder) if before else ""
        if before and not changed:
            return None
        await self._speak(configuration, folder)
        if await asyncio.to_thread(digest, folder) != seen:
            raise CommandRefused("the YAML was changed while it was being read. Nothing was loaded; try again.")
        await self._tell_asterisk(configuration)
        release = await asyncio.to_thread(self._releases.put_in_force, folder, by)
        return Adopted(release, configuration, changed)

    async def _tell_asterisk(self, configuration: Configuration) -> None:
        installation = await asyncio.to_thread(find_or_make)
        try:
            node = self._instance.node(configuration)
            changed = await asyncio.to_thread(asterisk_files.write, node, installation, self._instance.asterisk)
        except (CannotWrite, MissingSecret) as refused:
            raise CommandRefused(f"{refused}. Nothing was loaded.") from refused
        if changed:
            try:
                await AsteriskProcess(installation, node, self._instance.asterisk).reload()
            except NotRunning as away:
                log.warning("Asterisk reads its new files at its next start: %s", away)
