"""Recording of talks: callers are told and may refuse, talks are recorded or not, and each of it is on record.

A recording that fails never ends a call: it is told in the log as an error, and the talk goes on.
"""

import logging
from collections.abc import Callable
from enum import StrEnum

from acd.rules import Recording
from asterisk.port import TalkRecorded
from centralino import events as ev
from centralino.attendant import Desk
from centralino.clock import as_utc
from centralino.state import CallNow
from centralino.waiting_room import WaitingRoom
from ivr.sentences import Pattern, Sentence
from recordings.files import talk_name

MISSING_S = 5.0  # a recording so much shorter than its talk lacks something

log = logging.getLogger(__name__)


class NotRecorded(StrEnum):
    """Why a talk of a queue that records is not recorded."""

    REFUSED = "the caller does not want it"
    NOT_TOLD = "an agent answered before the caller had been told"


class TalkRecordings:
    """`rules_of` gives what is so for a queue now; None: its talks are not recorded."""

    def __init__(self, desk: Desk, room: WaitingRoom, rules_of: Callable[[str], Recording | None]) -> None:
        self._book, self._telephony, self._clock = desk.book, desk.telephony, desk.clock
        self._room, self.rules_of = room, rules_of

    # --- while the caller waits

    def announce(self, call: CallNow) -> None:
        """Say that the call may be recorded, where the caller has not heard it yet with the key of this queue."""
        rules = self.rules_of(call.queue)
        if rules is None or call.recording_refused or call.told_refuse_key == rules.refuse_key:
            return
        queue, key = call.queue, rules.refuse_key
        self._book.write(ev.RecordingAnnounced(call=call.id, queue=queue, key=key))

        def heard() -> None:
            self._book.write(ev.RecordingTold(call=call.id, queue=queue, key=key))

        prompt = self._room.sentences.with_key(Pattern.MAY_BE_RECORDED, key, call.language)
        self._room.say(call, [prompt], heard)

    def refuse(self, call: CallNow, key: str) -> bool:
        """Whether `key` says that the caller does not want to be recorded."""
        rules = self.rules_of(call.queue)
        if rules is None or key != rules.refuse_key:
            return False
        if not call.recording_refused:
            self._book.write(ev.RecordingRefused(call=call.id, queue=call.queue, key=key))
            self._room.say_at_once(call, [self._room.sentences.prompt(Sentence.NOT_RECORDED, call.language)])
        return True

    # --- the talk

    def begin(self, call: CallNow) -> None:
        """The talk has begun: record it, or put on record why not."""
        try:
            self._begin(call)
        except Exception:  # ours, and loud; but the two talk
            log.exception("the talk of %s is not recorded", call.id)

    def _begin(self, call: CallNow) -> None:
        rules = self.rules_of(call.queue)
        if rules is None:
            return
        if why := why_not_recorded(call, rules):
            self._book.write(ev.TalkNotRecorded(call=call.id, queue=call.queue, why=why))
            return
        day = as_utc(self._clock.now_s()).date()
        name = talk_name(call.queue, day, call.id, call.talks)
        self._book.write(ev.TalkRecordingStarted(call=call.id, queue=call.queue, leg=call.leg, recording=name))
        self._telephony.record_talk(call.leg, name)

    def go_on(self, node: str) -> None:
        """The phone system is there again: recordings go on; of those that ended meanwhile it is told."""
        for name, talk in list(self._book.house.recordings.items()):
            if talk.node == node and name in self._book.house.discarded:
                self._telephony.stop_recording(talk.leg, name)
            elif talk.node == node:
                self._telephony.record_talk(talk.leg, name)

    def ended(self, told: TalkRecorded) -> None:
        talk = self._book.house.recordings.get(told.recording)
        if talk is None:
            return  # told twice
        duration_s = round(told.duration_s, 3)
        talked_s = talk.ended_s - talk.began_s
        self._book.write(
            ev.TalkRecordingEnded(call=talk.call, recording=told.recording, duration_s=duration_s, why=told.why)
        )
        if told.why:
            log.error("the talk of %s was not recorded, or not to its end: %s", talk.call, told.why)
        elif talked_s - duration_s > MISSING_S:  # the disk was full for a while, or we were away as it began
            log.warning("of the talk of %s, %.0f s, only %.0f s were recorded", talk.call, talked_s, duration_s)


def why_not_recorded(call: CallNow, rules: Recording) -> NotRecorded | None:
    """None: the caller has heard to the end that the talk may be recorded, and has not refused."""
    if call.recording_refused:
        return NotRecorded.REFUSED
    return None if call.told_refuse_key == rules.refuse_key else NotRecorded.NOT_TOLD
