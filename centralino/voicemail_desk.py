"""Messages that callers left, as commands and the API ask for them: listed, listened to, and worked through."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cases import voicemails
from cases.messages import Act, Doing, How
from cases.state import CaseRefused
from cases.voicemails import Message
from centralino.case_desk import worker_of
from centralino.database import Database
from centralino.instance import CannotKeep
from centralino.located import did_you_mean, shown
from centralino.settings import Configuration
from recordings.files import NoSound, Shelf, sound_of
from supervision import recordings_view

KNOWN_ACTS = {act.replace(" ", "-"): act for act in Act}
KNOWN_HOWS = {how.replace(" ", "-"): how for how in How}
NEWEST_MAX = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """What `by` does, in words as people write them: `act` is one of KNOWN_ACTS, `how` of KNOWN_HOWS; as `agent`, as
    somebody of `office`, or else as a supervisor.
    """

    act: str
    by: str
    how: str = ""
    agent: str = ""
    office: str = ""


class VoicemailDesk:
    """`configuration` gives the one in force, `now` the instant. All raise DatabaseAway."""

    def __init__(
        self,
        database: Database,
        configuration: Callable[[], Configuration],
        now: Callable[[], datetime],
        shelf: Shelf,
    ) -> None:
        self._database, self._configuration, self._now, self._shelf = database, configuration, now, shelf

    async def to_be_worked_through(self, box: str = "") -> tuple[Message, ...]:
        """The longest waiting first. Raises CaseRefused where no queue has this name."""
        found = await voicemails.to_be_worked_through(self._database, self._now(), box)
        self._look_at_box(box, found)
        return found

    async def newest(self, box: str = "") -> tuple[Message, ...]:
        """The newest NEWEST_MAX, done or not. Raises CaseRefused where no queue has this name."""
        found = await voicemails.newest(self._database, self._now(), NEWEST_MAX, box)
        self._look_at_box(box, found)
        return found

    async def work(self, call: str, asked: Asked) -> Message:
        """Do it; the message as it is then. Raises CaseRefused."""
        if asked.act not in KNOWN_ACTS:
            raise CaseRefused(f"nobody can {shown(asked.act)} a message; {did_you_mean(asked.act, KNOWN_ACTS)}")
        if asked.how and asked.how not in KNOWN_HOWS:
            raise CaseRefused(f"a message is not done {shown(asked.how)}; {did_you_mean(asked.how, KNOWN_HOWS)}")
        worker = worker_of(asked.by, asked.agent, asked.office, self._configuration())
        how = KNOWN_HOWS[asked.how] if asked.how else None
        await voicemails.work_on(self._database, call, Doing(KNOWN_ACTS[asked.act], self._now(), how), worker)
        return await voicemails.message(self._database, self._now(), call)

    async def listen(self, call: str, by: str, agent: str = "", office: str = "") -> bytes:
        """The sound, as a WAV file; that it is listened to is on record before. Raises CaseRefused."""
        message = await voicemails.message(self._database, self._now(), call)
        try:
            sound = await asyncio.to_thread(sound_of, self._shelf, message.recording)
        except (NoSound, CannotKeep) as why:
            deleted = await recordings_view.recording(self._database, message.recording)
            if deleted and deleted.deleted_at:
                raise CaseRefused(f"the message of {call} was deleted: {deleted.deleted_why}") from why
            raise CaseRefused(f"the message of {call} cannot be heard, and stays on the list: {why}") from why
        await self.work(call, Asked("listen", by, agent=agent, office=office))
        return sound

    def _look_at_box(self, box: str, found: tuple[Message, ...]) -> None:
        """A queue that is gone may have left messages."""
        queues = self._configuration().rules.queues
        if box and not found and box not in queues:
            raise CaseRefused(f"there is no queue {shown(box)}; {did_you_mean(box, queues)}")
