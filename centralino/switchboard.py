"""The switchboard joins the parts: what the phone system tells goes to the one it concerns.

Everything here is plain and synchronous: an event comes in, all that follows from it is journaled and asked for, and
the next event finds a house in order. There is one switchboard, and nobody else changes the state of a call.
"""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from acd.floor import Floor
from acd.goto import Back, Goto, HangUp, ToQueue, ToStep, ToVoicemail
from acd.rules import QueueRules
from acd.why import Why
from agents.codes import read_code
from agents.places import PLACES
from agents.state import AfterReset, Wish
from asterisk import port
from asterisk.port import LegNow, PhoneEvent, Telephony
from centralino import events as ev
from centralino.agents_ear import AgentsEar
from centralino.alarms import Alarms
from centralino.attendant import AtOffice, Attendant, Desk, Knowledge, Voice, message_ended
from centralino.book import Book
from centralino.call_backs import ALARMS as CALL_BACK_ALARMS
from centralino.call_backs import CallBacks
from centralino.call_states import CallState
from centralino.clock import Clock, as_utc
from centralino.consulting import Consulting
from centralino.dispatch import Dispatcher
from centralino.dispositions import Dispositions
from centralino.events import Outcome
from centralino.help import Help
from centralino.holds import Holds
from centralino.lamps import ALARM as LAMPS_ALARM
from centralino.lamps import Lamps
from centralino.listening import Listening
from centralino.offices import Offices
from centralino.own_calls import OwnCalls
from centralino.parking import ALARM as PARKING_ALARM
from centralino.parking import Parking
from centralino.people import People, is_withheld
from centralino.phone_codes import ALARM as CODE_ALARM
from centralino.phone_codes import CHECK_PIN, PhoneCodes
from centralino.phone_transfers import PhoneTransfers
from centralino.recording_pauses import AGAIN_ALARM as RECORDING_AGAIN_ALARM
from centralino.recording_pauses import ALARM as RECORDING_ALARM
from centralino.recording_pauses import RecordingPauses
from centralino.recording_stops import RecordingStops
from centralino.resetting import Resetting
from centralino.second_level import SecondLevel
from centralino.settings import Configuration
from centralino.signing import Refused, Signing
from centralino.state import CallNow, EmergencyNow
from centralino.waiting_room import WaitingRoom
from centralino.whispers import ALARM as WHISPER_ALARM
from ivr.actions import Why as StepWhy
from ivr.call_back import with_call_back
from ivr.emergency import Emergency, during
from ivr.hand_over import with_hand_over
from ivr.menu import Dialplan
from ivr.prompts import Prompt, Words
from ivr.sentences import Sentence
from ivr.situation import CaseStanding
from ivr.steps_of_ours import HANDED_ON

log = logging.getLogger(__name__)
NO_RELEASES: Mapping[int, Configuration] = {}
TALK_RECORDING = port.TalkRecorded | port.RecordingPaused | port.RecordingResumed | port.RecordingPauseFailed
UNDIALLABLE = re.compile(r"[^0-9A-Za-z+*#_.-]")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the switchboard works with: the phone system, time, who calls, and what can be said."""

    telephony: Telephony
    clock: Clock
    people: People
    voice: Voice
    has_open_case: Callable[[str, str], bool]  # a person, for a service; what is known now
    find_case: Callable[[str, str, Callable[[CaseStanding | None], None]], None]  # as `attendant.Knowledge` says
    message_length_s: Callable[[str], float]  # of a recording's file; 0 where there is none
    may_record: Callable[[], bool]  # there is room
    check_pin: CHECK_PIN


class Switchboard:
    """All calls and agents of one installation."""

    def __init__(
        self,
        configuration: Configuration,
        book: Book,
        around: Surroundings,
        releases: Mapping[int, Configuration] = NO_RELEASES,
    ) -> None:
        """`releases`: the configurations, by number, that calls in progress began in; the highest is in force."""
        self._releases = dict(releases)
        telephony, clock, people = around.telephony, around.clock, around.people
        self.configuration, self.book, self.clock = configuration, book, clock
        self._telephony, self._people, self._has_open_case = telephony, people, around.has_open_case
        self._alarms = Alarms()
        self.connected: dict[str, bool] = dict.fromkeys(configuration.settings.nodes, False)
        self.connected_since_s: dict[str, float] = dict.fromkeys(configuration.settings.nodes, clock.now_s())
        self.floor = Floor(self._rules() if self._releases else configuration.rules.queues)
        room = WaitingRoom(book, telephony, around.voice)
        desk = Desk(book, telephony, clock, self._alarms)
        self.dispatcher = Dispatcher(desk, people, self.floor, room)
        self.offices = Offices(book, telephony, people)
        knowledge = Knowledge(self.dispatcher.queue_now, people, around.find_case)
        self.attendant = Attendant(desk, around.voice, knowledge, self.offices)
        self.holds, self.lamps = Holds(book, self.dispatcher), Lamps(desk)
        self.call_backs = CallBacks(desk, self.dispatcher, people)
        self._open_phones(desk, around)
        self.second_level = SecondLevel(desk, self.dispatcher, people, around.voice.sentences)
        self.second_level.connected, self.second_level.configuration_of = self.connected, self._configuration_of
        self.second_level.lead = lambda call: self.attendant.send_to_step(call, HANDED_ON, StepWhy.HANDED_ON)
        self._hand_out(configuration)
        self.attendant.message_length_s = around.message_length_s
        self.attendant.may_record = around.may_record
        self.attendant.plan_of = self.plan_of
        self.attendant.enter_queue = self._enter_queue
        self.attendant.end = self.dispatcher.end = self.offices.end = self.call_backs.end = self._end_as_planned
        self.listening.end_call = self._end_as_planned
        self.dispatcher.send_on, self.dispatcher.give_up = self._send_on, self._give_up
        self._go_on_from_the_journal()

    def _open_phones(self, desk: Desk, around: Surroundings) -> None:
        """What agents and supervisors do by their phones; each room is told of the others that it sends people to."""
        people = around.people
        self.signing = Signing(self.book, self.dispatcher, self._alarms, self.clock)
        self.listening = Listening(desk, self.dispatcher)
        self.listening.connected = self.connected
        self.codes = PhoneCodes(desk, around.voice, self.signing, self.dispatcher, around.check_pin)
        self.codes.dispositions = self.dispositions = Dispositions(self.book, self.clock)
        self.codes.listening, self.listening.say_and_end = self.listening, self.codes.say_and_end
        self.consulting = Consulting(desk, self.dispatcher, self.codes, people)
        self.consulting.hand_on = lambda call, to, by: self.second_level.hand_on(call, to, by=by)
        self.ear = AgentsEar(desk, around.voice)
        self.recording_pauses = RecordingPauses(desk, self.dispatcher.recordings, self.ear)
        self.consulting.pause_recording = self.recording_pauses.pressed
        self.consulting.discard_recording = RecordingStops(desk, self.ear).pressed
        self.consulting.apply_recording_pause = self.recording_pauses.apply
        self.offices.other_call, self.offices.give = self.dispatcher.other_call, self.dispatcher.give
        self.consulting.stay_with = self.offices.answered
        self.own_calls = OwnCalls(desk, self.dispatcher, people)
        self.own_calls.connected = self.connected
        self.own_calls.refuse, self.own_calls.say_and_end = self.codes.refuse, self.codes.say_and_end
        self.transfers = PhoneTransfers(desk, self.dispatcher, self.consulting, self.own_calls, people)
        self.help = Help(self.book, self.listening, self.ear)
        self.consulting.ask_for_help = self.help.ask
        self.parking = Parking(desk, self.dispatcher)
        self.parking.refuse, self.parking.say_and_end = self.codes.refuse, self.codes.say_and_end
        self.consulting.park, self.parking.end = self.parking.park, self._end_as_planned
        self.resetting = Resetting(self.book, self._telephony, self.dispatcher, self.signing)
        self.resetting.consulting, self.resetting.call_backs = self.consulting, self.call_backs
        self.resetting.own_calls, self.resetting.listening = self.own_calls, self.listening
        self.codes.reset = self._reset_by_code
        self.resetting.offices, self.resetting.end = self.offices, self._end_as_planned

    # --- time

    def next_deadline(self) -> float | None:
        """The instant at which `due` must be called; None while nothing is pending.

        While the phone system is away nothing falls due: callers would be led through words that they cannot hear. What
        is overdue then comes as soon as it is back.
        """
        if not all(self.connected.values()):
            return None
        deadlines = [d for d in (self.floor.next_deadline(), self._alarms.next()) if d is not None]
        return min(deadlines, default=None)

    def due(self) -> None:
        if not all(self.connected.values()):
            return
        self.dispatcher.due()
        while alarm := self._alarms.take(self.clock.now_s()):
            kind, of = alarm
            try:
                self._alarm_of(kind)(of)
            except Exception:
                log.exception("the %s of %s could not be carried out", kind, of)
                self._give_up(of)

    def _alarm_of(self, kind: str) -> Callable[[str], None]:
        """What is done when an alarm of this kind goes off, with what it was set for."""
        alarms: dict[str, Callable[[str], None]] = {
            "emergency": self._emergency_is_over,
            "pause": self.signing.pause_is_over,
            LAMPS_ALARM: lambda _: self.lamps.alarm(),
            RECORDING_ALARM: self.recording_pauses.alarm,
            RECORDING_AGAIN_ALARM: self.recording_pauses.try_again,
            CODE_ALARM: self.codes.alarm,
            WHISPER_ALARM: self.dispatcher.whispers.alarm,
            PARKING_ALARM: self.parking.alarm,
        }
        by_kind = partial((self.call_backs if kind in CALL_BACK_ALARMS else self.attendant).alarm, kind)
        return alarms.get(kind, by_kind)

    def _emergency_is_over(self, service: str) -> None:
        self.end_emergency(service, "the clock", "its time was over")

    # --- the phone system

    def handle(self, event: PhoneEvent) -> None:
        """Let `event` have its consequences. One call's trouble ends that call, loudly, and no other."""
        try:
            if isinstance(event, port.OwnKey):
                self.transfers.told(event)
            else:
                self._handle(event)
        except Exception:
            call = self._call_named_in(event)  # the event itself may hold a caller's number
            log.exception("%s of %s could not be carried out", type(event).__name__, call or "no call")
            self._give_up(call)
        for look in (self.listening.look, self.help.look):
            try:
                look()
            except Exception:  # ours, and loud; the call that the event was about has no part in it
                log.exception("who listens, or asks for help, could not be looked at")

    def _call_named_in(self, event: PhoneEvent) -> str:
        leg = str(getattr(event, "leg", "") or getattr(event, "call", ""))
        call = self.book.house.call_with(leg)
        return call.id if call else leg.rpartition("-leg")[0] or leg

    def _handle(self, event: PhoneEvent) -> None:
        match event:
            case port.Arrived():
                self._arrived(event)
            case port.Dialled():
                self._dialled(event)
            case port.Digit(leg=leg, digit=digit):
                self._digit(leg, digit)
            case port.PlaybackEnded(leg=leg, playback=playback) if self.codes.has(leg):
                self.codes.playback_ended(leg, playback)
            case port.PlaybackEnded(leg=leg, playback=playback, whole=whole):
                self.attendant.playback_ended(leg, playback, whole=whole)
                self.dispatcher.playback_ended(leg, playback, whole=whole)
            case port.RecordingEnded(leg=leg, recording=recording, duration_s=duration_s):
                self.attendant.recording_ended(leg, recording, duration_s)
            case port.TalkRecorded() | port.RecordingPaused() | port.RecordingResumed() | port.RecordingPauseFailed():
                self._talk_recording(event)
            case port.LegRinging(leg=leg):
                self.dispatcher.rang(leg)
            case port.LegAnswered(leg=leg):
                self._leg_answered(leg)
            case port.LegEnded(leg=leg, cause=cause):
                self._leg_ended(leg, cause)
            case port.OverhearFailed(leg=leg):
                self.listening.failed(leg)
            case port.JoinFailed(call=call):
                self._join_failed(call)
            case port.Reachable(phone=phone) | port.Unreachable(phone=phone):
                self._reach(phone, within_reach=isinstance(event, port.Reachable))
            case port.Refused(kind=kind, account=account, address=address, before=before):
                self.book.write(ev.SecurityAlert(kind=kind, account=account, address=address, before=before))
            case port.Connected(node=node, legs=legs):
                self._connected(node, legs)
            case port.Lost(node=node, why=why):
                self._lost(node, why)

    def _talk_recording(self, event: TALK_RECORDING) -> None:
        if isinstance(event, port.TalkRecorded):
            self.dispatcher.recordings.ended(event)
        else:
            self.recording_pauses.told(event)

    def _digit(self, leg: str, digit: str) -> None:
        call = self.book.call(leg)
        if call and call.waits:
            self.dispatcher.pressed(call, digit)
        elif whispered := self.dispatcher.whispers.call_at(leg):
            self.dispatcher.whispers.cut_short(whispered)
        elif self.codes.has(leg):
            self.codes.digit(leg, digit)
        elif one := self.listening.at(leg):
            self.listening.digit(one, digit)
        elif talk := self.consulting.talk_at(leg):
            self.consulting.pressed(talk, digit)
        else:
            self.attendant.digit(leg, digit)

    # --- the configuration

    def adopt(self, release: int, configuration: Configuration) -> None:
        """New calls follow `configuration` from now on; those in progress end in the one they began in."""
        living = {call.release for call in self.book.house.calls.values()}
        self._releases = {number: kept for number, kept in self._releases.items() if number in living}
        self._releases[release] = configuration
        self._hand_out(configuration)
        self.signing.let_go_of_those_who_left()
        self.dispatcher.adopt_rules(self._rules())
        self.holds.apply()
        self.lamps.soon()

    def _hand_out(self, configuration: Configuration) -> None:
        self.configuration = configuration
        of_calls = (self.attendant, self.dispatcher, self.offices, self.holds, self.call_backs)
        of_phones = (
            self.dispatcher.whispers,
            self.signing,
            self.codes,
            self.own_calls,
            self.consulting,
            self.resetting,
            self.transfers,
        )
        of_talks = (self.dispositions, self.listening, self.help, self.ear)
        for part in (*of_calls, *of_phones, *of_talks, self.lamps):
            part.configuration = configuration
        self.call_backs.release = max(self._releases, default=0)

    def _rules(self) -> dict[str, QueueRules]:
        """Those in force; beside them, those of queues that only calls of an older configuration can come to."""
        return {name: rules for release in sorted(self._releases) for name, rules in self._rules_of(release).items()}

    def _rules_of(self, release: int) -> Mapping[str, QueueRules]:
        return self._releases[release].rules.queues

    def _configuration_of(self, call: CallNow) -> Configuration:
        """The one that the call began in."""
        return self._releases.get(call.release, self.configuration)

    def plan_of(self, call: CallNow) -> Dialplan | None:
        """The dialplan that the call follows, an emergency's notice before it, and the ways to a call-back where it has
        waited for one, and to whom an agent has handed it on; None: there is none any more.
        """
        plan = self._configuration_of(call).dialplans.get(call.service)
        if plan is not None and call.queue:
            plan = with_call_back(plan, call.queue)
        if plan is not None and call.handed_to:
            plan = with_hand_over(plan, self.second_level.way_of(call, plan), call.back_to)
        now = self.book.house.emergencies.get(call.service)
        if plan is None or now is None:
            return plan
        words = emergency_words(now, plan.languages)
        is_open = plan.hours is None or plan.hours.is_open(as_utc(self.clock.now_s()), plan.time_zone)
        return during(plan, Emergency(words, now.opens), is_open=is_open)

    # --- emergencies

    def begin_emergency(self, started: ev.EmergencyStarted) -> None:
        """Callers hear the notice from now on; its sounds are made. One that opens the number opens further sites."""
        self.book.write(started)
        self._set_emergency_end(started.service)
        self.holds.apply()

    def end_emergency(self, service: str, by: str, why: str) -> bool:
        """False: there was none."""
        self._alarms.cancel("emergency", service)
        if service not in self.book.house.emergencies:
            return False
        self.book.write(ev.EmergencyEnded(service=service, by=by, why=why))
        self.holds.apply()
        return True

    def _set_emergency_end(self, service: str) -> None:
        until_s = self.book.house.emergencies[service].until_s
        if until_s:
            self._alarms.set("emergency", service, until_s)

    # --- a call's beginning and end

    def _arrived(self, arrived: port.Arrived) -> None:
        if self.book.call(arrived.leg) is not None:
            return  # told twice: once as it is, once as it came
        dialplan = self.configuration.service_of(arrived.dialled)
        service, caller = dialplan.number if dialplan else "", arrived.caller
        person = self._people.key_for(caller.number, caller.name, self.clock.now_s())
        default = next(iter(self.configuration.dialplans.values())).languages[0]
        self.book.write(
            ev.CallArrived(
                call=arrived.leg,
                node=arrived.node,
                dialled=UNDIALLABLE.sub("", arrived.dialled)[:64],
                service=service,
                person=person,
                withheld=is_withheld(caller.number),
                language=dialplan.languages[0] if dialplan else default,
                entity=self._entity_of(dialplan),
                open_case=self._has_open_case(person, service),
                release=max(self._releases, default=0),
            )
        )
        self._telephony.answer(arrived.leg)
        call = self.book.house.calls[arrived.leg]
        if dialplan:
            self.attendant.welcome(call)
        else:
            self.attendant.say_and_end(call, Sentence.UNKNOWN_NUMBER, Outcome.UNKNOWN_NUMBER)

    def _entity_of(self, dialplan: Dialplan | None) -> str:
        """Whose number it is, where it is one entity's alone."""
        if dialplan is None:
            return ""
        served = self.configuration.entities.served_by(dialplan.number)
        return dialplan.entity or (served[0].id if len(served) == 1 else "")

    def _dialled(self, dialled: port.Dialled) -> None:
        """One of our phones dialled a code, or somebody."""
        leg = dialled.leg
        if self.codes.has(leg) or self.own_calls.call_at(leg) or self.listening.at(leg):
            return  # told twice: once as it is, once as it came
        if leg in self.book.house.ended or self.book.house.call_with(leg):
            return
        if code := read_code(dialled.number.removesuffix(dialled.phone)):  # a key whose lamp is named by the phone
            self.codes.begin(dialled, code)
        elif dialled.number in PLACES:
            self.parking.fetch(dialled)
        else:
            self.own_calls.begin(dialled)

    def _leg_answered(self, leg: str) -> None:
        if own := self.own_calls.call_at(leg):
            self.own_calls.answered(own, leg)
        elif one := self.listening.at(leg):
            self.listening.answered(one)
        elif asking := self.consulting.consult_at(leg):
            self.consulting.answered(asking)
        elif call := self.offices.call_at(leg):
            self.offices.answered(call)
        elif call := self.book.call(leg):
            self.call_backs.answered(call)
        else:
            self.dispatcher.answered(leg)

    def _join_failed(self, call_id: str) -> None:
        call = self.book.call(call_id)
        if own := self.own_calls.call_at(call_id):
            self.own_calls.end(own, "the two could not be joined")
        elif call and self.consulting.join_failed(call):
            return
        elif call and call.state is CallState.TRANSFERRED:
            self.offices.join_failed(call)
        elif call and call.state is CallState.TAKEN_OVER:
            self.listening.join_failed(call)
        else:
            self.dispatcher.join_failed(call_id)

    def _leg_ended(self, leg: str, cause: port.EndCause) -> None:
        call = self.book.call(leg)
        if call is None:
            self.codes.forget(leg)
            if one := self.listening.at(leg):
                self.listening.leg_ended(one, cause)
            elif own := self.own_calls.call_at(leg):
                self.own_calls.leg_ended(own, leg, cause)
            elif asking := self.consulting.consult_at(leg):
                self.consulting.leg_ended(asking, cause)
            elif at_office := self.offices.call_at(leg):
                self.offices.leg_ended(at_office, cause)
            else:
                self.dispatcher.leg_ended(leg, cause)
            return
        if call.state is CallState.CALLING_BACK:
            self.call_backs.not_reached(call, cause)
            return
        if not self.attendant.caller_left(call):
            return  # a message is being closed; the call ends with it
        self._let_go(call)
        why = "the caller hung up" if cause is not port.EndCause.GONE else ev.ENDED_UNSEEN
        self._end(call, why, outcome_of(call))

    def _let_go(self, call: CallNow) -> None:
        """Whoever is rung for the caller, or talks with them."""
        if call.state in (CallState.TRANSFERRING, CallState.TRANSFERRED):
            self.offices.caller_left(call)
        elif call.state is CallState.CALLING_BACK:
            self.call_backs.let_go(call, "the call ended")
        elif call.state is CallState.TAKEN_OVER:
            self.listening.caller_left(call)
        else:
            self.consulting.caller_left(call)
            self.dispatcher.caller_left(call)

    def _end_as_planned(self, call_id: str, why: str) -> None:
        """The dialplan, a talk's end or a voicemail's end ends the call."""
        call = self.book.call(call_id)
        if call is not None:
            outcome = outcome_of(call)
            self._end(call, why, Outcome.SENT_AWAY if outcome is Outcome.ABANDONED else outcome)
            self._telephony.hang_up(call_id)

    def _end(self, call: CallNow, why: str, outcome: Outcome) -> None:
        self.attendant.forget(call.id)
        self.book.write(ev.CallEnded(call=call.id, outcome=outcome, why=why))
        self.call_backs.call_ended(call)

    def _give_up(self, call_id: str) -> None:
        """A fault of ours in this call: end it on record, so that nobody waits for ever."""
        call = self.book.call(call_id)
        if call is None:
            self._give_up_phone(call_id)
            return
        self.attendant.forget(call.id)
        try:
            self._let_go(call)
            if call.state is CallState.VOICEMAIL:
                self.book.write(message_ended(call, 0, "a fault", kept=True))
            self._end(call, "a fault of the engine", Outcome.FAILED)
        except Exception:
            log.exception("%s could not even be ended", call_id)
        self._telephony.hang_up(call_id)

    def _give_up_phone(self, leg: str) -> None:
        """The same for a leg that one of our phones began."""
        if self.codes.has(leg):
            self.codes.forget(leg)
            self._telephony.hang_up(leg)
        elif own := self.book.house.own_calls.get(leg):
            self.own_calls.end(own, "a fault of the engine")
        elif one := self.listening.at(leg) or self.listening.at(f"{leg}-leg1"):
            self.listening.end(one, "a fault of the engine")

    def end_all(self, why: str) -> int:
        """End every call on record, for `why`; how many there were."""
        calls = list(self.book.house.calls.values())
        self.dispatcher.suspend()
        for call in calls:
            if self.attendant.caller_left(call):
                self._let_go(call)
                outcome = outcome_of(call)
                cut_off = call.waits or outcome in (Outcome.ABANDONED, Outcome.ENDED_IN_MENU)
                self._end(call, why, Outcome.FAILED if cut_off else outcome)
            self._telephony.hang_up(call.id)
        for own in list(self.book.house.own_calls.values()):
            self.own_calls.end(own, why)
        for one in list(self.book.house.listenings.values()):
            self.listening.end(one, why)
        return len(calls)

    # --- between menu and queue

    def _enter_queue(self, call_id: str, queue: str, at_office: AtOffice) -> None:
        self.dispatcher.enter(self.book.house.calls[call_id], queue, at_office)

    def _send_on(self, call_id: str, then: Goto) -> None:
        call = self.book.house.calls[call_id]
        match then:
            case ToVoicemail(box=box):
                self.attendant.take_message(call, box or call.queue)
            case ToQueue(queue=queue):
                self.dispatcher.enter(call, queue)
            case ToStep(step=step):
                self.attendant.send_to_step(call, step, StepWhy.SENT_ON)
            case Back():
                self.attendant.nobody_came(call)
            case HangUp():
                self.attendant.say_and_end(call, Sentence.GOODBYE, "sent on to hang up")

    def hand_on(self, call_id: str, to: str, *, by: str, note: str = "") -> None:
        """The agent who talks hands the caller on. Raises signing.Refused with a text for the person who asked."""
        call = self.book.call(call_id)
        leg = call.leg if call else ""
        try:
            self.second_level.hand_on(call_id, to, by=by, note=note)
            self.consulting.forget(leg)  # the agent may be keying in whom to ask: what comes of that is too late
        except Refused:
            raise
        except Exception:  # ours, and loud; but the caller must not wait for ever
            self._give_up(call_id)
            raise

    # --- phones, and what agents choose

    def who_has_a_call_at(self, phone: str) -> str:
        """The agent whose call rings or talks at `phone`; empty: nobody's."""
        return self.dispatcher.who_has_a_call_at(phone)

    def _reach(self, phone: str, *, within_reach: bool) -> None:
        if self.book.house.reachable.get(phone) is within_reach:
            return
        self.book.write(ev.PhoneReachable(phone=phone) if within_reach else ev.PhoneUnreachable(phone=phone))
        for agent in list(self.book.house.agents.values()):
            if agent.phone == phone:
                self.dispatcher.refresh(agent, Why.UNREACHABLE)

    def choose(self, agent: str, wish: Wish, *, by: str, phone: str = "", reason: str = "") -> None:
        """What an agent chose. Raises signing.Refused with a text for the person who asked."""
        self.signing.choose(agent, wish, by=by, phone=phone, reason=reason)

    def _reset_by_code(self, agent: str, by: str) -> None:
        self.resetting.reset(agent, AfterReset.READY, by=by)

    # --- connected, lost, and going on

    def _lost(self, node: str, why: str) -> None:
        self.connected[node], self.connected_since_s[node] = False, self.clock.now_s()
        self.dispatcher.suspend()
        self.book.write(ev.AsteriskLost(node=node, why=why))

    def _connected(self, node: str, legs: tuple[LegNow, ...]) -> None:
        """Hold what we believe against what is true there, then go on."""
        self.book.write(ev.AsteriskConnected(node=node, legs=len(legs)))
        now = {leg.leg: leg for leg in legs}
        self.dispatcher.recordings.go_on(node)
        self.codes.go_on(node, now)
        for call in list(self.book.house.calls.values()):
            if call.node == node:
                self._or_give_up(call.id, partial(self._go_on, call, now))
        for own in list(self.book.house.own_calls.values()):
            if own.node == node:
                self._or_give_up(own.id, partial(self.own_calls.go_on, own, now))
        for one in list(self.book.house.listenings.values()):
            if one.node == node:
                self._or_give_up(one.leg, partial(self.listening.go_on, one, now))
        for leg in legs:
            if leg.leg in self.book.house.ended:
                self._telephony.hang_up(leg.leg)  # its end was on record; that it was asked for was lost
            elif leg.arrived is not None and self.book.call(leg.leg) is None:
                self.handle(leg.arrived)
        for call in list(self.book.house.calls.values()):
            if call.node == node:
                self._or_give_up(call.id, partial(self.recording_pauses.go_on, call))
                self._or_give_up(call.id, partial(self.transfers.go_on, call))
        self._sweep(now)
        self.connected[node], self.connected_since_s[node] = True, self.clock.now_s()
        self.dispatcher.resume()
        for leg in legs:
            if leg.dialled and not leg.up:
                self.handle(leg.dialled)
        self.lamps.tell_anew()
        self.due()  # what came to its time while nothing could be done

    def _or_give_up(self, of: str, go_on: Callable[[], None]) -> None:
        """One call's trouble keeps no node from being connected."""
        try:
            go_on()
        except Exception:
            log.exception("%s could not go on", of)
            self._give_up(of)

    def _go_on(self, call: CallNow, now: dict[str, LegNow]) -> None:
        if call.is_to_be_called and call.is_in_line:
            self.dispatcher.go_on(call, now)
        elif call.state is CallState.CALLING_BACK:
            self.call_backs.go_on(call, now)
        elif call.id not in now:
            self._leg_ended(call.id, port.EndCause.GONE)
        elif call.is_in_line or call.state in (CallState.TALKING, CallState.WHISPERING):
            self.attendant.silence(call)
            self.dispatcher.go_on(call, now)
        elif call.state in (CallState.TRANSFERRING, CallState.TRANSFERRED):
            self.attendant.silence(call)
            self.offices.go_on(call, now)
        elif call.state is CallState.TALKED and call.waits:  # its agent was gone before the two were joined
            self.dispatcher.wait_again(call, call.queue)
        elif call.state is CallState.TAKEN_OVER:
            self.listening.go_on_with(call, now)
        elif call.state is CallState.PARKED:
            self.parking.go_on_with(call, now)
        elif call.state is CallState.TALKED:
            self._end_as_planned(call.id, "the agent hung up")
        else:
            if not now[call.id].up:
                self._telephony.answer(call.id)
            if now[call.id].talks_in:  # it was handed on, and the talk it left has not ended yet
                self._telephony.hold(call.id)
            self.attendant.go_on(call)

    def _sweep(self, now: dict[str, LegNow]) -> None:
        """End legs that we rang and that belong to no call any more."""
        ours = {leg for call in self.book.house.calls.values() for leg in (call.id, call.leg, *call.rings)}
        ours |= {call.consult.leg for call in self.book.house.calls.values() if call.consult}
        ours |= {leg for own in self.book.house.own_calls.values() for leg in (own.id, own.other_leg)}
        ours |= self.book.house.listenings.keys()
        for leg in now.values():
            is_new = leg.arrived or (leg.dialled and not leg.up)  # else a code's, whose conversation we have forgotten
            if not is_new and leg.leg not in ours and not self.codes.has(leg.leg):
                self._telephony.hang_up(leg.leg)

    def _go_on_from_the_journal(self) -> None:
        """Put the floor back as it was; nothing is offered before the phone system is connected."""
        self.dispatcher.suspend()
        self.signing.let_go_of_those_who_left()
        self.dispatcher.put_back_floor()
        for call in list(self.book.house.calls.values()):
            self.dispatcher.put_back_call(call)
        self.signing.go_on()
        self.call_backs.go_on_from_the_journal()
        self.parking.go_on_from_the_journal()
        self.holds.apply()
        for service in self.book.house.emergencies:
            self._set_emergency_end(service)


def emergency_words(now: EmergencyNow, languages: Sequence[str]) -> Words:
    """The notice in each of `languages`; where it was given in one only, in that one."""
    if now.file:
        return {language: (Prompt("", language, now.file),) for language in languages}
    first = next(iter(now.say))
    spoken = {language: language if language in now.say else first for language in languages}
    return {language: (Prompt(now.say[as_said], as_said),) for language, as_said in spoken.items()}


def outcome_of(call: CallNow) -> Outcome:
    """What came of a call that ends now, from what it went through."""
    if not call.service:
        return Outcome.UNKNOWN_NUMBER
    if call.kept_message:
        return Outcome.VOICEMAIL
    if call.office_answered and not call.handed_to:
        return Outcome.TRANSFERRED
    if call.talk_started_s or call.handed_to or call.taken_over_by:
        return Outcome.ANSWERED
    if call.call_back_of:
        return Outcome.NOT_REACHED
    if call.call_back:
        return Outcome.CALL_BACK
    if call.gave_up_on_message:
        return Outcome.NO_MESSAGE
    return Outcome.ABANDONED if call.queue else Outcome.ENDED_IN_MENU
