"""The recording of a talk pauses while the agent says so by `*1`, and while they ask somebody and the caller waits.

Silence stands in its place: what is said meanwhile is in no file. The queue's rule says whether agents may, and for how
long at most; then it goes on by itself. What the agent asked for is confirmed, to them alone, once it is so.
"""

import logging

from agents.spoken import Spoken
from asterisk import port
from centralino import events as ev
from centralino.agents_ear import AgentsEar
from centralino.attendant import Desk
from centralino.call_states import CallState
from centralino.state import CallNow, TalkRecording
from centralino.talk_recordings import TalkRecordings

log = logging.getLogger(__name__)

ALARM, AGAIN_ALARM = "recording pause", "recording pause tried again"
AGAIN_S = 5.0
BY_KEY, TOO_LONG = "the agent pressed *1", "it was paused for as long as the queue allows"


class RecordingPauses:
    """What the phone system is asked for follows from what is on record, and so may be asked for again at any time."""

    def __init__(self, desk: Desk, recordings: TalkRecordings, ear: AgentsEar) -> None:
        self._book, self._telephony, self._clock, self._alarms = desk.book, desk.telephony, desk.clock, desk.alarms
        self._recordings, self._ear = recordings, ear
        self._to_tell: dict[str, bool] = {}  # legs of agents who wait for word: that it pauses, or goes on
        self._failing: set[str] = set()  # calls for which it was tried in vain, which is on record

    def pressed(self, call: CallNow) -> None:
        """The agent who talks asks for a pause, or for its end; or is told why that cannot be."""
        recording, rules = self._of(call), self._recordings.rules_of(call.queue)
        if recording is None:
            self._ear.tell(call, Spoken.NOT_RECORDED)
        elif recording.paused:
            self._resume(call, BY_KEY)
        elif rules is None or not rules.longest_pause_s:
            self._ear.tell(call, Spoken.NO_RECORDING_PAUSE)
        else:
            self._pause(call, self._clock.now_s() + rules.longest_pause_s)

    def apply(self, call: CallNow) -> None:
        """Ask for what is to be so now."""
        recording = self._of(call)
        if recording is None:
            return
        if recording.paused or call.set_aside or call.held_since_s:
            self._telephony.pause_recording(call.leg)
        else:
            self._telephony.resume_recording(call.leg)

    def told(self, event: port.RecordingPaused | port.RecordingResumed | port.RecordingPauseFailed) -> None:
        """It is so now, or it is as it was."""
        if isinstance(event, port.RecordingPauseFailed):
            self._failed(event)
            return
        if talks := self._book.house.call_with(event.leg):
            self._failing.discard(talks.id)
        pauses = isinstance(event, port.RecordingPaused)
        if self._to_tell.get(event.leg) is not pauses:
            return  # nobody asked for it, or by now for the other
        if call := self._waits_for_word(event.leg):
            self._ear.tell(call, Spoken.RECORDING_PAUSED if pauses else Spoken.RECORDING_GOES_ON)

    def alarm(self, call_id: str) -> None:
        """A pause has lasted as long as it may."""
        call = self._book.call(call_id)
        recording = self._of(call) if call else None
        if call and recording and recording.paused:
            self._resume(call, TOO_LONG)

    def try_again(self, call_id: str) -> None:
        """What could not be so a moment ago."""
        call = self._book.call(call_id)
        if call and self._of(call):
            self.apply(call)
        else:
            self._failing.discard(call_id)

    def go_on(self, call: CallNow) -> None:
        """The phone system is there again."""
        if recording := self._of(call):
            if recording.paused and recording.paused_until_s:
                self._alarms.set(ALARM, call.id, recording.paused_until_s)
            self.apply(call)

    # --- within

    def _of(self, call: CallNow) -> TalkRecording | None:
        """The recording of an agent's talk that goes on."""
        house, name = self._book.house, call.talk_recording
        goes_on = call.state is CallState.TALKING and name not in house.discarded
        return house.recordings.get(name) if goes_on else None

    def _pause(self, call: CallNow, until_s: float) -> None:
        self._write_paused(call, until_s, BY_KEY)
        self._alarms.set(ALARM, call.id, until_s)
        self._to_tell[call.leg] = True
        self.apply(call)

    def _resume(self, call: CallNow, why: str) -> None:
        self._write_resumed(call, why)
        self._alarms.cancel(ALARM, call.id)
        self._to_tell[call.leg] = False
        self.apply(call)

    def _write_paused(self, call: CallNow, until_s: float, why: str) -> None:
        facts = {"call": call.id, "agent": call.agent, "leg": call.leg, "recording": call.talk_recording}
        self._book.write(ev.TalkRecordingPaused(**facts, until_s=until_s, why=why))

    def _write_resumed(self, call: CallNow, why: str) -> None:
        facts = {"call": call.id, "agent": call.agent, "leg": call.leg, "recording": call.talk_recording}
        self._book.write(ev.TalkRecordingResumed(**facts, why=why))

    def _failed(self, event: port.RecordingPauseFailed) -> None:
        talks = self._book.house.call_with(event.leg)
        recording = self._of(talks) if talks else None
        if talks is None or talks.leg != event.leg or recording is None:
            return  # the agent had hung up before it was asked for
        log.error("the recording at %s could not be paused, or go on: %s", event.leg, event.why)
        if self._waits_for_word(event.leg) is None:
            self._fail(talks, event.why)
        elif recording.paused:
            self._write_resumed(talks, event.why)
            self._ear.tell(talks, Spoken.NOT_NOW)
        else:
            self._write_paused(talks, 0.0, event.why)
            self._ear.tell(talks, Spoken.NOT_NOW)

    def _fail(self, call: CallNow, why: str) -> None:
        """Nobody asked for it by a key, and nobody would ask again."""
        if call.id not in self._failing:
            self._failing.add(call.id)
            facts = {"call": call.id, "agent": call.agent, "leg": call.leg, "recording": call.talk_recording}
            self._book.write(ev.TalkRecordingPauseFailed(**facts, why=why))
        self._alarms.set(AGAIN_ALARM, call.id, self._clock.now_s() + AGAIN_S)

    def _waits_for_word(self, leg: str) -> CallNow | None:
        """The call whose agent waits, as `leg`, to be told what came of it; they wait no more."""
        is_waited_for = self._to_tell.pop(leg, None) is not None
        call = self._book.house.call_with(leg)
        return call if is_waited_for and call and call.leg == leg else None
