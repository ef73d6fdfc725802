"""Another configuration, asked for at the desk: what it would change, or what is wrong; then the engine does it.

Looking reads files only, beside the calls and without the engine. Passwords (a database's) are hidden in what it shows:
whoever sees the page need not be allowed to read the YAML.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, TypeVar

from centralino import settings
from centralino.asking import go_back, load
from centralino.door import CommandRefused, DoorClient
from centralino.releases import KEPT, Release, Releases, difference, digest
from web.configuration import ChangeRefused, Done, Kept, Look

Result = TypeVar("Result")

SHOWN_CHARACTERS_MAX = 200_000
_PASSWORD = re.compile(r"(://[^:/@\s\"']{0,200}):[^@\s\"']{1,200}@")


class Changes:
    """Those of one installation. `deployment`: the folder that people edit. One look, and one change, at a time."""

    def __init__(self, client: DoorClient, releases: Releases, deployment: Path, zone: tzinfo) -> None:
        self._client, self._releases, self._deployment = client, releases, deployment
        self.time_zone = zone
        self._looking, self._changing = asyncio.Lock(), asyncio.Lock()

    async def in_force(self) -> Kept | None:
        current = await asyncio.to_thread(lambda: self._releases.current)
        return _kept(current) if current else None

    async def kept(self) -> Sequence[Kept]:
        found = await asyncio.to_thread(self._releases.all)
        return [_kept(release) for release in found[:KEPT]]

    async def look(self) -> Look:
        return await self._read(self._look_at, self._deployment, None)

    async def look_back(self, number: int | None) -> Look:
        return await self._read(self._look_at_earlier, number)

    async def load(self, by: str, seen: str | None) -> Done:
        async with self._alone():
            await self._read(self._refuse_if_unseen, seen, self._deployment)
            return await _done(load(self._client, self._deployment, by))

    async def go_back(self, number: int | None, by: str, seen: str | None) -> Done:
        async with self._alone():
            release = await self._read(self._earlier, number)
            await self._read(self._refuse_if_unseen, seen, release.folder)
            return await _done(go_back(self._client, release.number, by))

    async def _read(self, read: Callable[..., Result], *args: object) -> Result:
        """What `read` finds in files, beside the loop. Raises ChangeRefused where they cannot be read now."""
        async with self._looking:
            try:
                return await asyncio.to_thread(read, *args)
            except OSError as away:
                raise ChangeRefused(f"{away.filename} cannot be read: {away.strerror}. Look again.") from away

    # --- within: these read files and take a while

    def _look_at(self, folder: Path, number: int | None) -> Look:
        current = self._releases.current
        seen = self._mark(folder)
        new, problems = settings.examine(folder)
        said = [str(problem) for problem in problems]
        now = settings.examine(current.folder)[0] if current and new else None
        if new is None:
            said.append(f"{settings.counted(problems)}. Nothing can be loaded.")
        elif now and (refusal := settings.needs_a_start(now, new)):
            new, said = None, [*said, refusal]
        changed = difference(current.folder, folder) if current and new else ""
        return Look(number, new is not None, [fit_to_show(text) for text in said], fit_to_show(changed), seen)

    def _look_at_earlier(self, number: int | None) -> Look:
        release = self._earlier(number)
        return self._look_at(release.folder, release.number)

    def _earlier(self, number: int | None) -> Release:
        """Release `number`, or the newest besides the one in force, as the engine chooses it."""
        current = self._releases.current
        others = [release for release in self._releases.all() if current and release.number != current.number]
        found = next((release for release in others if number in (None, release.number)), None)
        if found is None:
            kept = ", ".join(str(release.number) for release in others) or "none"
            raise ChangeRefused(f"there is no configuration {number or 'before this one'} to go back to; kept: {kept}")
        return found

    def _mark(self, folder: Path) -> str:
        """What a look was at: what stands in `folder`, beside the configuration in force."""
        current = self._releases.current
        return hashlib.sha256(f"{digest(folder)} {current.number if current else 0}".encode()).hexdigest()

    def _refuse_if_unseen(self, seen: str | None, folder: Path) -> None:
        if seen is not None and seen != self._mark(folder):
            raise ChangeRefused("something has changed since you looked: look again. Nothing was loaded.")

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        if self._changing.locked():
            raise ChangeRefused("another change of the configuration is under way: look again in a moment")
        async with self._changing:
            yield


def fit_to_show(text: str) -> str:
    """Without passwords, and of a length that a page can show."""
    hidden = _PASSWORD.sub(r"\1:…@", text)
    if len(hidden) <= SHOWN_CHARACTERS_MAX:
        return hidden
    return f"{hidden[:SHOWN_CHARACTERS_MAX]}\n… {len(hidden) - SHOWN_CHARACTERS_MAX} more characters\n"


def _kept(release: Release) -> Kept:
    return Kept(release.number, datetime.fromtimestamp(release.at_s, UTC), release.by)


async def _done(asked: Awaitable[dict[str, Any]]) -> Done:
    try:
        loaded = await asked
    except CommandRefused as refused:
        raise ChangeRefused(fit_to_show(str(refused))) from refused
    return Done(loaded["release"], fit_to_show(loaded["difference"]))
