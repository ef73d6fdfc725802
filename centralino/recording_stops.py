"""The agent ends the recording of the talk for good, and what was recorded is deleted: the caller does not want it.

By `*3`, twice: what is deleted cannot be had back. From then on no talk of this call is recorded, as where the caller
refuses by a key while they wait.
"""

from agents.spoken import Spoken
from centralino import events as ev
from centralino.agents_ear import AgentsEar
from centralino.attendant import Desk
from centralino.call_states import CallState
from centralino.state import CallNow

AGAIN_WITHIN_S = 10.0
BY_KEY = "the agent pressed *3 twice: the caller does not want it"


class RecordingStops:
    def __init__(self, desk: Desk, ear: AgentsEar) -> None:
        self._book, self._telephony, self._clock, self._ear = desk.book, desk.telephony, desk.clock, ear
        self._pressed_s: dict[str, float] = {}  # by leg: the first time

    def pressed(self, call: CallNow) -> None:
        """The agent who talks wants it; the first time they are asked whether they do."""
        house, name = self._book.house, call.talk_recording
        if call.state is not CallState.TALKING or name not in house.recordings or name in house.discarded:
            self._ear.tell(call, Spoken.NOT_RECORDED)
        elif self._clock.now_s() - self._pressed_s.pop(call.leg, 0.0) > AGAIN_WITHIN_S:
            self._pressed_s = {call.leg: self._clock.now_s()} | self._young()
            self._ear.tell(call, Spoken.DELETE_RECORDING)
        else:
            facts = {"call": call.id, "agent": call.agent, "leg": call.leg, "recording": name}
            self._book.write(ev.TalkRecordingDiscarded(**facts, why=BY_KEY))
            self._telephony.stop_recording(call.leg, name)
            self._ear.tell(call, Spoken.RECORDING_DELETED)

    def _young(self) -> dict[str, float]:
        now_s = self._clock.now_s()
        return {leg: at_s for leg, at_s in self._pressed_s.items() if now_s - at_s <= AGAIN_WITHIN_S}
