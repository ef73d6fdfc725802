"""Recordings are encrypted once they are closed, or deleted where the caller did not want them: in a thread beside the
calls. At the start, those of which it is still to be done.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from centralino import events as ev
from centralino.instance import CannotKeep
from recordings.files import Shelf, path_of, remove
from recordings.sealed import seal

DISCARDED = "the caller did not want it"
AGAIN_S = 300.0  # the disk was full, or the key cannot be read

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Closing:
    """How Asterisk's files are looked at: whether it still writes one, and what makes NAME.wav of NAME.raw."""

    is_written: Callable[[Path], bool]
    finish: Callable[[Path], object]


@dataclass(frozen=True, slots=True)
class OnRecord:
    """`in_use`: the names of recordings whose end is not on record yet. `discarded`: those that are to be deleted, and
    of which call. `write` puts an event on record.
    """

    in_use: Callable[[], Collection[str]]
    discarded: Callable[[], Mapping[str, str]]
    write: Callable[[ev.AnyEvent], object]


class Sealing:
    """Give `entry` what is put on record."""

    def __init__(self, shelf: Shelf, on_record: OnRecord, closing: Closing) -> None:
        self._shelf, self._on_record, self._closing = shelf, on_record, closing
        self._waiting: asyncio.Queue[str] = asyncio.Queue()  # as many as are closed while one is sealed

    def entry(self, entry: ev.Entry) -> None:
        if isinstance(entry.event, ev.VoicemailEnded | ev.TalkRecordingEnded):
            self._waiting.put_nowait(entry.event.recording)

    async def run(self) -> None:
        """Until cancelled."""
        left: list[str] = []
        try:
            left = await asyncio.to_thread(lambda: list(_plain(self._shelf.folder)))
        except OSError:
            log.exception("what was left plain cannot be looked for")
        for name in {*left, *self._on_record.discarded()}:
            self._waiting.put_nowait(name)
        while True:
            await self._seal(await self._waiting.get())

    async def _seal(self, name: str) -> None:
        if name in self._on_record.in_use():
            return  # it comes again, with its end
        call = self._on_record.discarded().get(name)
        try:
            if await asyncio.to_thread(self._sealed if call is None else self._removed, name):
                if call is not None:
                    self._on_record.write(ev.RecordingDeleted(call=call, recording=name, why=DISCARDED))
                return
            why = "Asterisk still writes it"
        except (OSError, ValueError, CannotKeep) as refused:
            why = str(refused)
        except Exception:  # ours, and loud; the next recording is sealed all the same
            log.exception("%s could not be encrypted or deleted", name)
            return
        what = "encrypted" if call is None else "deleted"
        log.error("%s is not %s yet, and it is tried again: %s", name, what, why)
        asyncio.get_running_loop().call_later(AGAIN_S, self._waiting.put_nowait, name)

    def _sealed(self, name: str) -> bool:
        """Seal what there is of it, if anything; False: it cannot be yet."""
        plain = path_of(self._shelf.folder, name)
        raw = plain.with_suffix(".raw")
        if self._is_written(name):
            return False
        if raw.exists():
            self._closing.finish(raw)
        if plain.exists():
            seal(plain, self._shelf.keys())
        return True

    def _removed(self, name: str) -> bool:
        if not self._is_written(name):
            remove(self._shelf.folder, name)
            return True
        return False

    def _is_written(self, name: str) -> bool:
        plain = path_of(self._shelf.folder, name)
        return any(file.exists() and self._closing.is_written(file) for file in (plain, plain.with_suffix(".raw")))


def _plain(folder: Path) -> Iterator[str]:
    """The names of what is not sealed; what was being sealed when we were killed is made anew."""
    for file in folder.rglob("*"):
        if file.suffix in (".wav", ".raw"):
            yield str(file.relative_to(folder).with_suffix(""))
        elif file.name.endswith(".wav.enc.new"):
            file.unlink(missing_ok=True)
