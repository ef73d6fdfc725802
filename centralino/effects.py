"""What each event of the journal changes in the house: checked against the table of a call's states, then made true."""

from collections.abc import Callable
from typing import Any

from acd.why import Why
from agents.state import Chosen
from centralino import events as ev
from centralino.call_states import NEXT, CallState, IllegalMove
from centralino.events import CallEvent, Entry, Event
from centralino.handed_to import PLACE
from centralino.state import (
    CallBackNow,
    CallNow,
    Consult,
    EmergencyNow,
    House,
    ListeningNow,
    OwnCall,
    PinTries,
    Promise,
    QueueCount,
    TalkRecording,
)
from ivr.steps_of_ours import HANDED_ON

ENDED_REMEMBERED = 1000  # more than can end while the line to the phone system is lost
_OF_NO_OPEN_CALL = ev.CallArrived | ev.CallBackBegun | ev.LeftBehind


def check(house: House, event: Event) -> None:
    """Raise IllegalMove where a call's state does not allow `event`; nothing was changed."""
    if not isinstance(event, CallEvent) or isinstance(event, _OF_NO_OPEN_CALL):
        return
    call = house.calls.get(event.call)
    if call is None:
        raise IllegalMove(f"{type(event).__name__} for {event.call}, which is not an open call")
    if (call.state, type(event)) not in NEXT:
        legal = ", ".join(e.__name__ for s, e in NEXT if s is call.state)
        raise IllegalMove(f"{type(event).__name__} while {call.id} is {call.state}; legal: {legal}")


def apply(house: House, entry: Entry) -> None:
    """Make `entry` true. The instant of an entry is when it became true."""
    event = entry.event
    if isinstance(event, CallEvent) and not isinstance(event, _OF_NO_OPEN_CALL):
        call = house.calls[event.call]
        to = NEXT[call.state, type(event)]
        if to is not call.state:
            call.state, call.since_s = to, entry.at_s
    effect = _EFFECTS.get(type(event))
    if effect is not None:
        effect(house, event, entry)


def new_day(house: House, day: str) -> bool:
    """Begin to count a new day (`2026-11-22`, local time), where it is one; whether it is."""
    if house.day == day:
        return False
    house.day, house.today, house.callers_today = day, {}, {}
    for agent in house.agents.values():
        agent.busy_s = 0.0
    return True


# --- what each event changes; named by the event


def _call_arrived(house: House, event: ev.CallArrived, entry: Entry) -> None:
    house.calls[event.call] = CallNow(
        id=event.call,
        node=event.node,
        service=event.service,
        person=event.person,
        withheld=event.withheld,
        language=event.language,
        entity=event.entity,
        open_case=event.open_case,
        release=event.release,
        arrived_s=entry.at_s,
        since_s=entry.at_s,
    )

    house.callers_today[event.person] = house.callers_today.get(event.person, 0) + 1


def _step_entered(house: House, event: ev.StepEntered, entry: Entry) -> None:
    call = house.calls[event.call]
    call.step, call.entry = event.step, entry.n


def _language_chosen(house: House, event: ev.LanguageChosen, entry: Entry) -> None:
    house.calls[event.call].language = event.language


def _entity_chosen(house: House, event: ev.EntityChosen, entry: Entry) -> None:
    house.calls[event.call].entity = event.entity


def _call_back_promised(house: House, event: ev.CallBackPromised, entry: Entry) -> None:
    house.calls[event.call].call_back = Promise(event.queue, event.person, entry.at_s)


def _call_back_asked(house: House, event: ev.CallBackAsked, entry: Entry) -> None:
    house.call_backs[event.call] = CallBackNow(
        call=event.call,
        node=event.node,
        service=event.service,
        person=event.person,
        language=event.language,
        entity=event.entity,
        release=0,
        queue=event.queue,
        first_entered_s=entry.at_s,
        head_start_s=0.0,
        due_s=entry.at_s,
    )


def _call_back_begun(house: House, event: ev.CallBackBegun, entry: Entry) -> None:
    promise = house.call_backs[event.of]
    promise.attempt, promise.attempts = event.call, event.attempt
    house.calls[event.call] = CallNow(
        id=event.call,
        node=event.node,
        service=event.service,
        person=event.person,
        withheld=False,
        language=event.language,
        entity=event.entity,
        release=event.release,
        arrived_s=entry.at_s,
        state=CallState.QUEUED,
        since_s=entry.at_s,
        queue=event.queue,
        first_entered_s=event.first_entered_s,
        head_start_s=event.head_start_s,
        call_back_of=event.of,
    )


def _agent_is_there(house: House, event: ev.CallBackRung | ev.WhisperStarted, entry: Entry) -> None:
    """The talk has not begun."""
    call = house.calls[event.call]
    call.agent, call.leg, call.busy_since_s = event.agent, event.leg, entry.at_s
    call.rings.pop(event.leg, None)


def _whisper_cut_off(house: House, event: ev.WhisperCutOff, entry: Entry) -> None:
    call = house.calls[event.call]
    _let_go(house, call, event.agent, entry.at_s)


def _call_back_unanswered(house: House, event: ev.CallBackUnanswered, entry: Entry) -> None:
    call = house.calls[event.call]
    _let_go(house, call, event.agent, entry.at_s)
    call.talks, call.talk_started_s = 0, 0.0


def _call_back_put_off(house: House, event: ev.CallBackPutOff, entry: Entry) -> None:
    if promise := house.call_backs.get(event.call):
        promise.due_s = event.due_s


def _call_back_over(house: House, event: ev.CallBackOver, entry: Entry) -> None:
    house.call_backs.pop(event.call, None)


def _office_rung(house: House, event: ev.OfficeRung, entry: Entry) -> None:
    call = house.calls[event.call]
    call.office, call.leg, call.why, call.to_phone = event.office, event.leg, "", event.to_phone


def _office_away(house: House, event: ev.OfficeAway, entry: Entry) -> None:
    call = house.calls[event.call]
    call.office, call.leg, call.why = "", "", event.why
    _left_phone(house, call, entry.at_s)


def _office_answered(house: House, event: ev.OfficeAnswered, entry: Entry) -> None:
    call = house.calls[event.call]
    call.office_answered, call.call_back = True, None


def _office_left(house: House, event: ev.OfficeLeft, entry: Entry) -> None:
    call = house.calls[event.call]
    call.leg = ""
    _left_phone(house, call, entry.at_s)


def _left_phone(house: House, call: CallNow, now_s: float) -> None:
    """A colleague to whom the call was given has it no more."""
    phone, call.to_phone = call.to_phone, ""
    _other_call_over(house, phone, now_s)


def _queue_entered(house: House, event: ev.QueueEntered, entry: Entry) -> None:
    call = house.calls[event.call]
    if call.talk_started_s:
        _take_back_answer(house, call)
    if event.queue != call.queue:
        call.told_position, call.told_until_s = 0, 0.0
        for counts in (house.totals, house.today):
            counts.setdefault(event.queue, QueueCount()).offered += 1
    call.queue, call.first_entered_s, call.talk_started_s = event.queue, event.first_entered_s, 0.0
    call.head_start_s, call.waits, call.agent, call.place = event.head_start_s, True, "", ""
    call.office, call.back_at_s, call.back_to_step = event.office, event.back_at_s, event.step


def _take_back_answer(house: House, call: CallNow) -> None:
    """The two could not be joined: nobody talked. Who was called back was not counted as answered."""
    if call.call_back_of and call.talks == 1:
        return
    for counts in (house.totals, house.today):
        if count := counts.get(call.queue):
            count.answered -= 1
            count.in_time -= call.in_time
            count.wait_sum_s -= call.talk_started_s - call.waits_since_s


def _call_waits(house: House, event: ev.CallWaits, entry: Entry) -> None:
    house.calls[event.call].why = event.why


def _caller_told(house: House, event: ev.CallerTold, entry: Entry) -> None:
    call = house.calls[event.call]
    call.told_position = event.position or call.told_position
    call.told_until_s = entry.at_s + event.to_s if event.to_s else call.told_until_s


def _recording_announced(house: House, event: ev.RecordingAnnounced, entry: Entry) -> None:
    house.calls[event.call].entry = entry.n  # a new engine silences it, and says it again by another name


def _recording_told(house: House, event: ev.RecordingTold, entry: Entry) -> None:
    house.calls[event.call].told_refuse_key = event.key


def _recording_refused(house: House, event: ev.RecordingRefused, entry: Entry) -> None:
    house.calls[event.call].recording_refused = True


def _call_offered(house: House, event: ev.CallOffered, entry: Entry) -> None:
    call = house.calls[event.call]
    call.rings[event.leg], call.why = event.agent, event.why
    house.agent(event.agent).call_phone = event.phone
    call.offers += 1


def _offer_ended(house: House, event: ev.OfferEnded, entry: Entry) -> None:
    call = house.calls[event.call]
    call.why = event.why
    _stop_ringing(house, event, entry)


def _ring_ended(house: House, event: ev.RingEnded, entry: Entry) -> None:
    _stop_ringing(house, event, entry)


def _stop_ringing(house: House, event: ev.OfferEnded | ev.RingEnded, entry: Entry) -> None:
    house.calls[event.call].rings.pop(event.leg, None)
    if event.why not in (Why.CALLER_LEFT, Why.AGENT_LEFT, Why.ANSWERED_ELSEWHERE):
        house.agent(event.agent).idle_since_s = entry.at_s  # not taken: others come before them now


def _talk_started(house: House, event: ev.TalkStarted, entry: Entry) -> None:
    call = house.calls[event.call]
    call.agent, call.leg, call.talk_started_s, call.why = event.agent, event.leg, entry.at_s, ""
    call.rings.pop(event.leg, None)
    call.in_time, call.busy_since_s, call.waits = event.in_time, call.busy_since_s or entry.at_s, False
    call.call_back, call.given = None, False
    call.talks += 1
    if call.call_back_of and call.talks == 1:
        return  # the call in which it was promised stands in the queue's figures
    for counts in (house.totals, house.today):
        count = counts.setdefault(call.queue, QueueCount())
        count.answered += 1
        count.in_time += event.in_time
        count.wait_sum_s += entry.at_s - call.waits_since_s


def _colleague_talks(house: House, event: ev.ColleagueTalks, entry: Entry) -> None:
    """The queue's figures know the call already."""
    call = house.calls[event.call]
    call.agent, call.leg, call.queue, call.given, call.why = event.agent, event.leg, event.queue, True, ""
    call.place = ""
    call.talk_started_s = call.busy_since_s = entry.at_s
    call.call_back, call.office, call.office_answered = None, "", True
    call.talks += 1
    house.agent(event.agent).call_phone = event.phone
    _left_phone(house, call, entry.at_s)


def _talk_ended(house: House, event: ev.TalkEnded, entry: Entry) -> None:
    """Who is lost by a colleague waits again, as after any talk: their wait counts from now."""
    is_lost, call = event.by == "lost", house.calls[event.call]
    _talk_over(house, event, entry, is_lost=is_lost)
    call.set_aside = False
    if is_lost and call.given:
        _wait_counts_from_now(call, entry.at_s)


def _call_handed_on(house: House, event: ev.CallHandedOn, entry: Entry) -> None:
    _talk_over(house, event, entry, is_lost=False)
    call = house.calls[event.call]
    call.handed_to, call.handed_on_s, call.back_to, call.set_aside = event.to, entry.at_s, event.queue, False
    call.back_head_start_s, call.back_at_s = call.head_start_s, 0.0
    call.step, call.entry, call.queue, call.agent = HANDED_ON, entry.n, "", ""
    call.talk_started_s = 0.0


def _call_taken_over(house: House, event: ev.CallTakenOver, entry: Entry) -> None:
    _talk_over(house, event, entry, is_lost=False)
    call = house.calls[event.call]
    call.agent, call.leg, call.taken_over_by = "", event.by_leg, event.supervisor
    call.talks += 1


def _supervisor_left(house: House, event: ev.SupervisorLeft, entry: Entry) -> None:
    """Whoever is lost waits again, as after any talk: their wait counts from now."""
    call = house.calls[event.call]
    if call.talk_recording in house.recordings:
        house.recordings[call.talk_recording].ended_s = entry.at_s
    call.leg, call.talk_recording = "", ""
    if event.by == "lost":
        _wait_counts_from_now(call, entry.at_s)


def _wait_counts_from_now(call: CallNow, now_s: float) -> None:
    call.handed_on_s, call.back_to, call.back_head_start_s = now_s, call.queue, call.head_start_s
    call.queue, call.talk_started_s = "", 0.0


def _supervisor_rung(house: House, event: ev.SupervisorRung, entry: Entry) -> None:
    _listening(house, event, 0.0)
    house.listenings[event.leg].by_help = event.is_help
    if call := house.calls.get(event.call):
        call.supervisors_rung += 1


def _listening_begun(house: House, event: ev.ListeningBegun, entry: Entry) -> None:
    if one := house.listenings.get(event.leg):
        one.answered_s = entry.at_s
    else:
        _listening(house, event, entry.at_s)
    house.supervisor_pins.pop(event.supervisor, None)


def _listening(house: House, event: ev.SupervisorRung | ev.ListeningBegun, answered_s: float) -> None:
    house.listenings[event.leg] = ListeningNow(
        leg=event.leg,
        node=event.node,
        call=event.call,
        supervisor=event.supervisor,
        phone=event.phone,
        agent=event.agent,
        agent_leg=event.agent_leg,
        how=event.how,
        answered_s=answered_s,
    )


def _listening_changed(house: House, event: ev.ListeningChanged, entry: Entry) -> None:
    house.listenings[event.leg].how = event.how


def _listening_ended(house: House, event: ev.ListeningEnded, entry: Entry) -> None:
    one = house.listenings.pop(event.leg)
    _other_call_over(house, one.phone, entry.at_s)


def _caller_set_aside(house: House, event: ev.CallerSetAside, entry: Entry) -> None:
    house.calls[event.call].set_aside = True


def _call_taken_back(house: House, event: ev.CallTakenBack, entry: Entry) -> None:
    house.calls[event.call].set_aside = False


def _consult_rung(house: House, event: ev.ConsultRung, entry: Entry) -> None:
    call = house.calls[event.call]
    call.consult, call.consults = Consult(event.to, event.leg, event.to_phone), call.consults + 1


def _consult_answered(house: House, event: ev.ConsultAnswered, entry: Entry) -> None:
    if consult := house.calls[event.call].consult:
        consult.answered = True


def _consult_ended(house: House, event: ev.ConsultEnded, entry: Entry) -> None:
    call = house.calls[event.call]
    consult, call.consult = call.consult, None
    if consult:
        _other_call_over(house, consult.to_phone, entry.at_s)


def _conference_begun(house: House, event: ev.ConferenceBegun, entry: Entry) -> None:
    call = house.calls[event.call]
    call.set_aside = False
    if call.consult:
        call.consult.all_talk = True


def _call_transferred(house: House, event: ev.CallTransferred, entry: Entry) -> None:
    """As with an office that is rung, or has answered."""
    call = house.calls[event.call]
    asked, queue = call.consult or house.own_calls.get(event.own_call), call.queue
    _talk_over(house, event, entry, is_lost=False)
    call.consult, call.set_aside, call.to_phone = None, False, asked.to_phone if asked else ""
    call.office, call.leg, call.agent = event.to, event.to_leg, ""
    call.handed_to, call.handed_on_s, call.back_to = event.to, entry.at_s, queue
    call.back_head_start_s, call.back_at_s, call.step, call.entry = call.head_start_s, 0.0, HANDED_ON, entry.n
    call.queue, call.talk_started_s = "", 0.0
    if own := house.own_calls.pop(event.own_call, None):
        _has_ended(house, own.id)
        _other_call_over(house, own.phone, entry.at_s)


def _caller_parked(house: House, event: ev.CallerParked, entry: Entry) -> None:
    call = house.calls[event.call]
    _talk_over(house, event, entry, is_lost=False)
    call.handed_to, call.place, call.agent, call.set_aside = f"{PLACE}{event.place}", event.place, "", False
    _wait_counts_from_now(call, entry.at_s)


_EndOfTalk = ev.TalkEnded | ev.CallerParked | ev.CallHandedOn | ev.CallTransferred | ev.CallTakenOver


def _talk_over(house: House, event: _EndOfTalk, entry: Entry, *, is_lost: bool) -> None:
    call = house.calls[event.call]
    _let_go(house, call, event.agent, entry.at_s)
    if call.talk_recording in house.recordings and not is_lost:
        house.recordings[call.talk_recording].ended_s = entry.at_s
    call.talk_recording = ""
    if is_lost:
        return  # perhaps nobody talked at all
    agent = house.agent(event.agent)
    agent.last_call, agent.last_call_ended_s = call.id, entry.at_s
    for counts in (house.totals, house.today):
        count = counts.setdefault(call.queue, QueueCount())
        count.talked += 1
        count.talk_sum_s += entry.at_s - call.talk_started_s


def _let_go(house: House, call: CallNow, agent_id: str, now_s: float) -> None:
    """The agent has no call any more."""
    agent = house.agent(agent_id)
    agent.idle_since_s = now_s
    agent.busy_s += now_s - call.busy_since_s
    call.leg, call.busy_since_s, call.held_since_s = "", 0.0, 0.0
    house.asking_for_help.pop(call.id, None)


def _help_asked(house: House, event: ev.HelpAsked, entry: Entry) -> None:
    house.asking_for_help[event.call] = entry.at_s


def _help_over(house: House, event: ev.HelpOver, entry: Entry) -> None:
    house.asking_for_help.pop(event.call, None)


def _call_held(house: House, event: ev.CallHeld, entry: Entry) -> None:
    house.calls[event.call].held_since_s = entry.at_s


def _call_resumed(house: House, event: ev.CallResumed, entry: Entry) -> None:
    house.calls[event.call].held_since_s = 0.0


def _talk_recording_started(house: House, event: ev.TalkRecordingStarted, entry: Entry) -> None:
    call = house.calls[event.call]
    call.talk_recording = event.recording
    house.recordings[event.recording] = TalkRecording(call.id, call.node, event.leg, entry.at_s)


def _talk_recording_paused(house: House, event: ev.TalkRecordingPaused, entry: Entry) -> None:
    if recording := house.recordings.get(event.recording):
        recording.paused, recording.paused_until_s = True, event.until_s


def _talk_recording_resumed(house: House, event: ev.TalkRecordingResumed, entry: Entry) -> None:
    if recording := house.recordings.get(event.recording):
        recording.paused, recording.paused_until_s = False, 0.0


def _talk_recording_discarded(house: House, event: ev.TalkRecordingDiscarded, entry: Entry) -> None:
    house.discarded[event.recording] = event.call
    house.calls[event.call].recording_refused = True


def _recording_deleted(house: House, event: ev.RecordingDeleted, entry: Entry) -> None:
    house.discarded.pop(event.recording, None)


def _talk_recording_ended(house: House, event: ev.TalkRecordingEnded, entry: Entry) -> None:
    house.recordings.pop(event.recording, None)


def _queue_left(house: House, event: ev.QueueLeft, entry: Entry) -> None:
    call = house.calls[event.call]
    call.why, call.waits = event.why, False
    if event.why != Why.CALLER_CHOSE:  # who does not want to be called back comes back into the line
        call.back_at_s = 0.0


def _voicemail_started(house: House, event: ev.VoicemailStarted, entry: Entry) -> None:
    call = house.calls[event.call]
    call.box, call.recording, call.entry = event.box, event.recording, entry.n


def _voicemail_ended(house: House, event: ev.VoicemailEnded, entry: Entry) -> None:
    call = house.calls[event.call]
    call.kept_message, call.gave_up_on_message = event.kept, not event.kept


def _call_ended(house: House, event: ev.CallEnded, entry: Entry) -> None:
    call = house.calls.pop(event.call)
    _has_ended(house, event.call)
    house.outcomes[event.outcome] = house.outcomes.get(event.outcome, 0) + 1
    if _gave_up_waiting(call, event.outcome):
        for counts in (house.totals, house.today):
            counts.setdefault(call.queue, QueueCount()).abandoned += 1
    if call.call_back_of in house.call_backs:
        house.call_backs[call.call_back_of].attempt = ""
    elif call.call_back:
        house.call_backs[call.id] = _to_be_placed(call, call.call_back, entry.at_s)


def _has_ended(house: House, leg: str) -> None:
    house.ended = [*house.ended[1 - ENDED_REMEMBERED :], leg]


def _to_be_placed(call: CallNow, promise: Promise, now_s: float) -> CallBackNow:
    return CallBackNow(
        call=call.id,
        node=call.node,
        service=call.service,
        person=promise.person,
        language=call.language,
        entity=call.entity,
        release=call.release,
        queue=promise.queue,
        first_entered_s=call.first_entered_s or promise.since_s,
        head_start_s=call.head_start_s if promise.queue == call.queue else 0.0,
        due_s=now_s,
    )


def _gave_up_waiting(call: CallNow, outcome: ev.Outcome) -> bool:
    """Whether the queue it was in lost the call; one that was handed on was answered before, and counts so too."""
    return outcome is ev.Outcome.ABANDONED or (outcome is ev.Outcome.ANSWERED and call.waits)


def _signed_in(house: House, event: ev.AgentSignedIn, entry: Entry) -> None:
    _choose(house, event, entry, Chosen.READY, "")
    agent = house.agent(event.agent)
    agent.phone, agent.wrong_pins, agent.pin_locked_until_s = event.phone, 0, 0.0


def _signed_out(house: House, event: ev.AgentSignedOut, entry: Entry) -> None:
    _choose(house, event, entry, Chosen.SIGNED_OUT, event.why)
    house.agent(event.agent).phone = ""


def _ready(house: House, event: ev.AgentReady, entry: Entry) -> None:
    _choose(house, event, entry, Chosen.READY, "")


def _paused(house: House, event: ev.AgentPaused, entry: Entry) -> None:
    _choose(house, event, entry, Chosen.PAUSED, event.reason)
    agent = house.agent(event.agent)
    agent.pause_until_s, agent.paused_by = event.until_s, event.by


def _choose(house: House, event: ev.AgentEvent, entry: Entry, chosen: Chosen, reason: str) -> None:
    agent = house.agent(event.agent)
    agent.chosen, agent.reason, agent.since_s, agent.idle_since_s = chosen, reason, entry.at_s, entry.at_s
    agent.pause_until_s = 0.0


def _wrap_up_started(house: House, event: ev.WrapUpStarted, entry: Entry) -> None:
    agent = house.agent(event.agent)
    agent.wrap_up_call, agent.wrap_up_queue = event.call, event.queue
    agent.wrap_up_since_s, agent.wrap_up_until_s = entry.at_s, event.until_s


def _wrap_up_extended(house: House, event: ev.WrapUpExtended, entry: Entry) -> None:
    house.agent(event.agent).wrap_up_until_s = event.until_s


def _wrap_up_ended(house: House, event: ev.WrapUpEnded, entry: Entry) -> None:
    agent = house.agent(event.agent)
    agent.busy_s += entry.at_s - (agent.wrap_up_since_s or entry.at_s)
    agent.wrap_up_call, agent.wrap_up_queue, agent.idle_since_s = "", "", entry.at_s
    agent.wrap_up_since_s = agent.wrap_up_until_s = 0.0


def _wrong_pin(house: House, event: ev.WrongPin, entry: Entry) -> None:
    agent = house.agent(event.agent)
    agent.wrong_pins = 0 if event.locked_until_s else agent.wrong_pins + 1
    agent.pin_locked_until_s = event.locked_until_s


def _supervisor_wrong_pin(house: House, event: ev.SupervisorWrongPin, entry: Entry) -> None:
    tries = house.supervisor_pins.setdefault(event.supervisor, PinTries())
    tries.wrong_pins = 0 if event.locked_until_s else tries.wrong_pins + 1
    tries.pin_locked_until_s = event.locked_until_s


def _own_call_begun(house: House, event: ev.OwnCallBegun, entry: Entry) -> None:
    house.own_calls[event.call] = OwnCall(
        id=event.call,
        node=event.node,
        phone=event.phone,
        agent=event.agent,
        to=event.to,
        to_phone=event.to_phone,
        person=event.person,
        began_s=entry.at_s,
        entity=event.entity,
        is_taken_up=not event.by,
    )


def _own_call_taken_up(house: House, event: ev.OwnCallTakenUp, entry: Entry) -> None:
    house.own_calls[event.call].is_taken_up = True


def _own_call_answered(house: House, event: ev.OwnCallAnswered, entry: Entry) -> None:
    house.own_calls[event.call].answered_s = entry.at_s


def _own_call_ended(house: House, event: ev.OwnCallEnded, entry: Entry) -> None:
    call = house.own_calls.pop(event.call)
    for phone in (call.phone, call.to_phone):
        _other_call_over(house, phone, entry.at_s)


def _other_call_over(house: House, phone: str, now_s: float) -> None:
    if (agent := house.agent_at(phone)) and not house.has_other_call(phone):
        agent.idle_since_s = now_s


def _site_opened(house: House, event: ev.SiteOpened, entry: Entry) -> None:
    site = house.site(event.queue, event.site)
    site.is_open, site.since_s, site.why = True, entry.at_s, event.why


def _site_closed(house: House, event: ev.SiteClosed, entry: Entry) -> None:
    site = house.site(event.queue, event.site)
    site.is_open, site.since_s, site.why = False, entry.at_s, event.why


def _site_held(house: House, event: ev.SiteHeld, entry: Entry) -> None:
    site = house.site(event.queue, event.site)
    site.held, site.by = event.held, event.by


def _emergency_started(house: House, event: ev.EmergencyStarted, entry: Entry) -> None:
    now = EmergencyNow(event.say, event.file, event.opens, event.until_s, entry.at_s, event.by)
    house.emergencies[event.service] = now


def _emergency_ended(house: House, event: ev.EmergencyEnded, entry: Entry) -> None:
    house.emergencies.pop(event.service, None)


def _reachable(house: House, event: ev.PhoneReachable, entry: Entry) -> None:
    house.reachable[event.phone] = True
    for agent in house.agents.values():
        if agent.phone == event.phone:
            agent.idle_since_s = entry.at_s


def _unreachable(house: House, event: ev.PhoneUnreachable, entry: Entry) -> None:
    house.reachable[event.phone] = False


_EFFECTS: dict[type[Event], Callable[[House, Any, Entry], None]] = {
    ev.CallArrived: _call_arrived,
    ev.StepEntered: _step_entered,
    ev.LanguageChosen: _language_chosen,
    ev.EntityChosen: _entity_chosen,
    ev.CallBackPromised: _call_back_promised,
    ev.CallBackAsked: _call_back_asked,
    ev.CallBackBegun: _call_back_begun,
    ev.CallBackRung: _agent_is_there,
    ev.CallBackUnanswered: _call_back_unanswered,
    ev.CallBackPutOff: _call_back_put_off,
    ev.CallBackOver: _call_back_over,
    ev.OfficeRung: _office_rung,
    ev.OfficeAway: _office_away,
    ev.OfficeAnswered: _office_answered,
    ev.OfficeLeft: _office_left,
    ev.QueueEntered: _queue_entered,
    ev.CallWaits: _call_waits,
    ev.CallerTold: _caller_told,
    ev.RecordingAnnounced: _recording_announced,
    ev.RecordingTold: _recording_told,
    ev.RecordingRefused: _recording_refused,
    ev.CallOffered: _call_offered,
    ev.OfferEnded: _offer_ended,
    ev.RingEnded: _ring_ended,
    ev.WhisperStarted: _agent_is_there,
    ev.WhisperCutOff: _whisper_cut_off,
    ev.TalkStarted: _talk_started,
    ev.ColleagueTalks: _colleague_talks,
    ev.TalkEnded: _talk_ended,
    ev.CallHandedOn: _call_handed_on,
    ev.CallTakenOver: _call_taken_over,
    ev.SupervisorLeft: _supervisor_left,
    ev.SupervisorRung: _supervisor_rung,
    ev.ListeningBegun: _listening_begun,
    ev.ListeningChanged: _listening_changed,
    ev.ListeningEnded: _listening_ended,
    ev.CallerParked: _caller_parked,
    ev.CallerSetAside: _caller_set_aside,
    ev.CallTakenBack: _call_taken_back,
    ev.ConsultRung: _consult_rung,
    ev.ConsultAnswered: _consult_answered,
    ev.ConsultEnded: _consult_ended,
    ev.ConferenceBegun: _conference_begun,
    ev.CallTransferred: _call_transferred,
    ev.HelpAsked: _help_asked,
    ev.HelpOver: _help_over,
    ev.CallHeld: _call_held,
    ev.CallResumed: _call_resumed,
    ev.TalkRecordingStarted: _talk_recording_started,
    ev.TalkRecordingPaused: _talk_recording_paused,
    ev.TalkRecordingResumed: _talk_recording_resumed,
    ev.TalkRecordingEnded: _talk_recording_ended,
    ev.TalkRecordingDiscarded: _talk_recording_discarded,
    ev.RecordingDeleted: _recording_deleted,
    ev.QueueLeft: _queue_left,
    ev.VoicemailStarted: _voicemail_started,
    ev.VoicemailEnded: _voicemail_ended,
    ev.CallEnded: _call_ended,
    ev.AgentSignedIn: _signed_in,
    ev.AgentSignedOut: _signed_out,
    ev.AgentReady: _ready,
    ev.AgentPaused: _paused,
    ev.WrapUpStarted: _wrap_up_started,
    ev.WrapUpExtended: _wrap_up_extended,
    ev.WrapUpEnded: _wrap_up_ended,
    ev.WrongPin: _wrong_pin,
    ev.SupervisorWrongPin: _supervisor_wrong_pin,
    ev.OwnCallBegun: _own_call_begun,
    ev.OwnCallTakenUp: _own_call_taken_up,
    ev.OwnCallAnswered: _own_call_answered,
    ev.OwnCallEnded: _own_call_ended,
    ev.SiteOpened: _site_opened,
    ev.SiteClosed: _site_closed,
    ev.SiteHeld: _site_held,
    ev.EmergencyStarted: _emergency_started,
    ev.EmergencyEnded: _emergency_ended,
    ev.PhoneReachable: _reachable,
    ev.PhoneUnreachable: _unreachable,
}
