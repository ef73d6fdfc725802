"""The attendant leads callers through menus and the voicemail: `ivr` decides, this acts.

One conversation a call, one playback at a time. Each playback's name carries the journal entry of its step, so that a
new engine can silence what the old one was saying before it says the step again.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from asterisk.port import Telephony
from centralino import events as ev
from centralino.alarms import Alarms
from centralino.book import Book
from centralino.call_states import CallState
from centralino.clock import Clock, as_utc
from centralino.offices import Offices
from centralino.people import People
from centralino.settings import Configuration
from centralino.state import CallNow
from ivr import actions as act
from ivr.actions import Phase, Place, Why
from ivr.menu import Dialplan, Transfer, Voicemail
from ivr.prompts import Prompt, words
from ivr.sentences import Sentence, Sentences
from ivr.situation import CaseStanding, QueueNow
from ivr.walk import Walker

SPEECH_LONGEST_S = 300.0  # a prompt whose end was never told counts as heard
RECORDING_CLOSES_S = 3.0  # how long after the caller left the recording may still be told
MESSAGE_SHORTEST_S = 1.0  # less than this is a caller who hung up at the beep
MESSAGE_LONGEST_S = 180.0  # of a message that a queue asked for; a dialplan's step says its own
MESSAGE_SILENCE_S = 8.0
UTTERANCES_PER_STEP = 10  # 9 tries and a first time: the menu's own bound
NO_SOUND = "centralino-has-no-sound-for-this"  # is not there either: the phone system tells it as played, not whole
BEEP = "beep"  # one of Asterisk's own sounds
CASE_FOUND_WITHIN_S = 4.0
ALARMS = ("key", "speech", "recording", "awaited")
NO_ROOM = "the disk is nearly full"
OFFICE_BACKSTOP_S = 5.0  # after the phone system should have told that nobody answers


log = logging.getLogger(__name__)


class Talking(StrEnum):
    MENU = "menu"
    GREETING = "greeting"  # the voicemail's
    RECORDING = "recording"
    FAREWELL = "farewell"  # when it was heard, the call ends


@dataclass(slots=True)
class Conversation:
    call: str
    walker: Walker
    place: Place
    talking: Talking = Talking.MENU
    playback: str = ""
    uttered: int = 0
    entry: int = 0
    longest_s: float = 0.0
    farewell_why: str = ""


@dataclass(frozen=True, slots=True)
class Voice:
    """What the house can say: its own sentences by language, and where a prompt's sound file stands (None: nowhere).

    `make` makes the sounds that are missing, if it can, and calls back in any case.
    """

    sentences: Sentences
    sound_of: Callable[[Prompt], str | None]
    make: Callable[[Sequence[Prompt], Callable[[], None]], None]

    def give(self, prompts: Sequence[Prompt], play: Callable[[list[str]], None]) -> None:
        """Hand the sounds of `prompts` to `play`, at once or as soon as they are made; without those that have none."""

        def ready() -> None:
            play([sound for prompt in prompts if (sound := self.sound_of(prompt))])

        if missing := [prompt for prompt in prompts if self.sound_of(prompt) is None]:
            self.make(missing, ready)
        else:
            ready()


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Whom the attendant asks about a call: how a queue stands for a language; who calls; how a case stands.

    `find_case` calls back with the case's standing, or None where number and proof fit no case; while nobody can tell,
    never.
    """

    queue: Callable[[str, str], QueueNow]
    people: People
    find_case: Callable[[str, str, Callable[[CaseStanding | None], None]], None]


@dataclass(frozen=True, slots=True)
class _Around:
    """What is true around a call. Implements `ivr.situation.Situation`."""

    caller: str
    clock: Clock
    knowledge: Knowledge

    def now(self) -> datetime:
        return as_utc(self.clock.now_s())

    def queue(self, name: str, language: str) -> QueueNow:
        return self.knowledge.queue(name, language)


@dataclass(frozen=True, slots=True)
class AtOffice:
    """Why a call waits in a queue: its people answer for `office` (empty: for whoever handed the call on). Where nobody
    has answered at `back_at_s` (0: there is no such reason), it goes on from `step`.
    """

    office: str = ""
    back_at_s: float = 0.0
    step: str = ""


NO_OFFICE = AtOffice()


@dataclass(frozen=True, slots=True)
class Desk:
    """What whoever leads calls works with."""

    book: Book
    telephony: Telephony
    clock: Clock
    alarms: Alarms


class Attendant:
    """`enter_queue` and `end` belong to the switchboard; `message_length_s` measures a recording's file, `may_record`
    says whether there is room for one.
    """

    def __init__(self, desk: Desk, voice: Voice, knowledge: Knowledge, offices: Offices) -> None:
        self._book, self._telephony, self._clock, self._alarms = desk.book, desk.telephony, desk.clock, desk.alarms
        self._voice, self._knowledge, self._offices = voice, knowledge, offices
        offices.taken, offices.away = self.forget, self.office_away
        self._conversations: dict[str, Conversation] = {}
        self.configuration: Configuration
        self.plan_of: Callable[[CallNow], Dialplan | None]
        self.enter_queue: Callable[[str, str, AtOffice], None]
        self.end: Callable[[str, str], None]
        self.message_length_s: Callable[[str], float]
        self.may_record: Callable[[], bool]

    # --- a call comes to the attendant

    def welcome(self, call: CallNow) -> None:
        """A call for one of our services begins."""
        self._start(call, lambda walker: walker.arrive())

    def send_to_step(self, call: CallNow, step: str, why: Why) -> None:
        self._start(call, lambda walker: walker.go(step, call.language, why))

    def take_message(self, call: CallNow, box: str) -> None:
        """A queue sent the caller to the voicemail of `box`."""
        talk = self._open(call)
        self._greet(talk, self._message_for(talk, call, box))

    def say_and_end(self, call: CallNow, sentence: Sentence, why: str) -> None:
        """Say a sentence of the house, then end the call."""
        talk = self._conversations.get(call.id) or self._open(call)
        talk.talking, talk.farewell_why = Talking.FAREWELL, why
        self._speak(talk, [self._voice.sentences.prompt(sentence, call.language)])

    # --- going on after a restart

    def silence(self, call: CallNow) -> None:
        """Stop whatever an engine before this one was saying."""
        for nth in range(UTTERANCES_PER_STEP):
            self._telephony.stop_playing(call.id, f"{call.id}.{call.entry}.{nth}")

    def go_on(self, call: CallNow) -> None:
        """Say the step again where the caller stands in a menu; wait on where a message is being recorded."""
        self.silence(call)
        if call.state is CallState.VOICEMAIL:
            self._go_on_recording(call)
        elif not call.service:
            self._take_leave(call, ev.Outcome.UNKNOWN_NUMBER)
        elif call.kept_message or call.gave_up_on_message:
            self.end(call.id, Why.DIALPLAN_ENDS)
        elif (plan := self.plan_of(call)) is None:
            self._take_leave(call, "its number is no longer ours")
        elif call.step in plan.steps:
            self.send_to_step(call, call.step, Why.SAID_AGAIN)
        else:  # it had only arrived, or its step is no longer in the dialplan
            self.welcome(call)

    def _take_leave(self, call: CallNow, why: str) -> None:
        """Under a new name: the end of what was silenced is still to be told."""
        self._open(call).uttered = UTTERANCES_PER_STEP
        self.say_and_end(call, Sentence.UNKNOWN_NUMBER, why)

    # --- what happens to the caller

    def digit(self, call_id: str, key: str) -> None:
        talk = self._conversations.get(call_id)
        if talk is None or talk.talking is not Talking.MENU:
            return
        self._went(talk, talk.walker.pressed(talk.place, key))

    def playback_ended(self, call_id: str, playback: str, *, whole: bool) -> None:
        """What cannot be played counts as heard: a caller must not be stuck behind a missing file."""
        talk = self._conversations.get(call_id)
        if talk is None or talk.playback != playback:
            return  # cut short by us, or of an engine before this one
        talk.playback = ""
        self._alarms.cancel("speech", call_id)
        match talk.talking:
            case Talking.MENU:
                self._went(talk, talk.walker.heard(talk.place))
            case Talking.GREETING:
                self._record(talk)
            case Talking.FAREWELL:
                self.end(call_id, talk.farewell_why)
            case Talking.RECORDING:
                pass

    def recording_ended(self, call_id: str, recording: str, duration_s: float) -> None:
        call = self._book.call(call_id)
        if call is None or call.state is not CallState.VOICEMAIL or call.recording != recording:
            return
        self._alarms.cancel("recording", call_id)
        # why measured: Asterisk tells whole seconds, and of a silent message the silence too, which it has cut off
        length_s = self.message_length_s(recording) if duration_s else 0.0
        self._close_message(call, length_s, "the message ended")

    def caller_left(self, call: CallNow) -> bool:
        """The caller hung up. False: the call must stay open a moment, its message is still being closed."""
        talk = self._conversations.get(call.id)
        if call.state is not CallState.VOICEMAIL:
            self.forget(call.id)
            return True
        if talk is not None and talk.talking is Talking.RECORDING:
            self._alarms.set("recording", call.id, self._clock.now_s() + RECORDING_CLOSES_S)
            talk.farewell_why = "the caller hung up"
            return False
        length_s = self.message_length_s(call.recording)  # an engine before this one may have had it recorded
        kept, why = length_s >= MESSAGE_SHORTEST_S, "the caller hung up"
        self._book.write(message_ended(call, length_s, why, kept=kept))
        self.forget(call.id)
        return True

    def alarm(self, kind: str, call_id: str) -> None:
        """A wait of a conversation is over."""
        talk = self._conversations.get(call_id)
        call = self._book.call(call_id)
        if talk is None or call is None:
            return
        if kind == "key":
            self._went(talk, talk.walker.waited(talk.place))
        elif kind == "speech":
            self.playback_ended(call_id, talk.playback, whole=False)
        elif kind == "awaited":
            self._not_told(talk, call)
        elif kind == "recording" and call.state is CallState.VOICEMAIL:
            self._close_message(call, self.message_length_s(call.recording), "its end was not told")

    def forget(self, call_id: str) -> None:
        """The call is no longer with the attendant."""
        self._conversations.pop(call_id, None)
        for kind in ALARMS:
            self._alarms.cancel(kind, call_id)

    # --- within

    def _open(self, call: CallNow) -> Conversation:
        dialplan = self.plan_of(call) or next(iter(self.configuration.dialplans.values()))  # an unknown number has none
        caller = "" if call.withheld else self._knowledge.people.who(call.person).number
        walker = Walker(dialplan, self._voice.sentences, _Around(caller, self._clock, self._knowledge))
        talk = Conversation(call.id, walker, Place(call.step, call.language), entry=call.entry)
        self._conversations[call.id] = talk
        return talk

    def _start(self, call: CallNow, first: Callable[[Walker], act.Went]) -> None:
        talk = self._open(call)
        self._went(talk, first(talk.walker))

    def _went(self, talk: Conversation, went: act.Went) -> None:
        talk.place, actions = went
        self._alarms.cancel("key", talk.call)
        for action in actions:
            self._act(talk, action)

    def _act(self, talk: Conversation, action: act.Action) -> None:
        call = talk.call
        match action:
            case act.EnterStep(step=step, why=why):
                talk.entry, talk.uttered = self._book.write(ev.StepEntered(call=call, step=step, why=why)).n, 0
            case act.TakeKey(step=step, key=key, why=why):
                self._book.write(ev.KeyPressed(call=call, step=step, key=key, why=why))
            case act.SpeakLanguage(language=language):
                self._book.write(ev.LanguageChosen(call=call, language=language))
            case act.StopSpeaking():
                self._stop(talk)
            case act.Speak(prompts=prompts):
                self._speak(talk, prompts)
            case act.Listen(wait_s=wait_s):
                self._alarms.set("key", call, self._clock.now_s() + wait_s)
            case act.ServeEntity(entity=entity):
                self._book.write(ev.EntityChosen(call=call, entity=entity))
            case act.KeepAnswer():
                self._keep_answer(call, action)
            case act.PromiseCallBack(queue=queue, number=number):
                person = self._knowledge.people.key_for(number, "", self._clock.now_s())
                self._book.write(ev.CallBackPromised(call=call, queue=queue, person=person))
            case act.LookUpCase(number=number, proof=proof):
                self._find_case(talk, number, proof)
            case act.RingOffice(office=office, phone=phone, ring_s=ring_s):
                self._alarms.set("awaited", call, self._clock.now_s() + ring_s + OFFICE_BACKSTOP_S)
                self._offices.ring(self._book.house.calls[call], office, phone, ring_s)
            case act.AwaitOffice(office=office, queue=queue, within_s=within_s):
                self.forget(call)
                self.enter_queue(call, queue, AtOffice(office, self._clock.now_s() + within_s, talk.place.step))
            case act.EnterQueue(queue=queue):
                self.forget(call)
                self.enter_queue(call, queue, NO_OFFICE)
            case act.TakeMessage():
                self._greet(talk, action)
            case act.End(why=why):
                self.forget(call)
                self.end(call, why)

    def _speak(self, talk: Conversation, prompts: Sequence[Prompt], *then: str) -> None:
        playback = talk.playback = f"{talk.call}.{talk.entry}.{talk.uttered}"
        talk.uttered += 1
        self._alarms.set("speech", talk.call, self._clock.now_s() + SPEECH_LONGEST_S)

        def play(sounds: list[str]) -> None:
            if self._conversations.get(talk.call) is talk and talk.playback == playback:
                self._telephony.play(talk.call, playback, [*sounds, *then] or [NO_SOUND], talk.place.language)

        self._voice.give(prompts, play)

    def _stop(self, talk: Conversation) -> None:
        if talk.playback:
            self._telephony.stop_playing(talk.call, talk.playback)
            talk.playback = ""

    def _keep_answer(self, call_id: str, kept: act.KeepAnswer) -> None:
        call = self._book.house.calls[call_id]
        key = self._knowledge.people.keep_answer(kept.digits, call.person, self._clock.now_s())
        self._book.write(ev.AnswerKept(call=call_id, step=kept.step, note=kept.note, answer=key))

    # --- what is asked for and told later

    def _find_case(self, talk: Conversation, number: str, proof: str) -> None:
        self._alarms.set("awaited", talk.call, self._clock.now_s() + CASE_FOUND_WITHIN_S)

        def found(standing: CaseStanding | None) -> None:
            if self._conversations.get(talk.call) is talk and talk.place.phase is Phase.AWAITING:
                self._alarms.cancel("awaited", talk.call)
                told = standing is not None
                self._book.write(ev.CaseAsked(call=talk.call, step=talk.place.step, was_told=told))
                self._went(talk, talk.walker.case_found(talk.place, standing))

        self._knowledge.find_case(number, proof, found)

    def _not_told(self, talk: Conversation, call: CallNow) -> None:
        """What was asked for did not come in time."""
        if call.state is CallState.TRANSFERRING:
            self._offices.give_up(call, "its end was not told")
        else:
            self._went(talk, talk.walker.in_vain(talk.place))

    def office_away(self, call: CallNow) -> None:
        """Nobody answered at the office: the caller goes on in the menu."""
        talk = self._conversations.get(call.id) or self._at_office(call)
        self._alarms.cancel("awaited", call.id)
        self._went(talk, talk.walker.in_vain(talk.place))

    def nobody_came(self, call: CallNow) -> None:
        """No agent of the office answered in time: its telephone is rung, or the caller goes on in the menu."""
        talk = self._open(call)
        talk.place = Place(call.back_to_step, call.language, phase=Phase.AWAITING)
        self._went(talk, talk.walker.nobody_came(talk.place))

    def _at_office(self, call: CallNow) -> Conversation:
        """An office was rung by an engine before this one."""
        talk = self._open(call)
        if isinstance(talk.walker.dialplan.steps.get(call.step), Transfer):
            talk.place = Place(call.step, call.language, phase=Phase.AWAITING)
        return talk

    def _greet(self, talk: Conversation, message: act.TakeMessage) -> None:
        day = as_utc(self._clock.now_s()).strftime("%Y-%m-%d")
        entry = self._book.write(ev.VoicemailStarted(call=talk.call, box=message.box, recording=f"{day}/{talk.call}"))
        talk.entry, talk.uttered = entry.n, 0
        if not self.may_record():
            self._refuse_message(talk)
            return
        talk.talking, talk.longest_s = Talking.GREETING, message.longest_s
        self._speak(talk, message.greeting, BEEP)

    def _refuse_message(self, talk: Conversation) -> None:
        """There is no room for one: the caller is told, and it is on record."""
        call = self._book.house.calls[talk.call]
        log.error("call %s could leave no message: %s", call.id, NO_ROOM)
        self._book.write(message_ended(call, 0, NO_ROOM, kept=False))
        self.say_and_end(call, Sentence.NO_ROOM_FOR_MESSAGES, NO_ROOM)

    def _record(self, talk: Conversation) -> None:
        call = self._book.house.calls[talk.call]
        self._await_recording(talk, talk.longest_s)
        self._telephony.record(talk.call, call.recording, talk.longest_s, MESSAGE_SILENCE_S)

    def _await_recording(self, talk: Conversation, longest_s: float) -> None:
        talk.talking = Talking.RECORDING
        self._alarms.set(
            "recording", talk.call, self._clock.now_s() + longest_s + MESSAGE_SILENCE_S + RECORDING_CLOSES_S
        )

    def _go_on_recording(self, call: CallNow) -> None:
        """The recording goes on in Asterisk without us; where none had begun, the greeting is said again."""
        talk = self._open(call)
        message = self._message_at(talk, call)
        if self.message_length_s(call.recording) > 0:
            self._await_recording(talk, message.longest_s)
        else:
            self._greet(talk, message)

    def _message_at(self, talk: Conversation, call: CallNow) -> act.TakeMessage:
        """What a caller who is in the voicemail hears, whether a step or a queue led there."""
        step = talk.walker.dialplan.steps.get(call.step)
        if isinstance(step, Voicemail):
            return act.TakeMessage(step.box, talk.walker.greeting(step.words, call.language), step.longest_s)
        return self._message_for(talk, call, call.box)

    def _message_for(self, talk: Conversation, call: CallNow, box: str) -> act.TakeMessage:
        rules = self.configuration.rules.queues.get(box)
        if rules and rules.voicemail_say:
            greeting = talk.walker.greeting(words(rules.voicemail_say), call.language)
        else:
            greeting = (self._voice.sentences.prompt(Sentence.ALL_BUSY_LEAVE_MESSAGE, call.language),)
        return act.TakeMessage(box, greeting, MESSAGE_LONGEST_S)

    def _close_message(self, call: CallNow, duration_s: float, why: str) -> None:
        kept = duration_s >= MESSAGE_SHORTEST_S
        self._book.write(message_ended(call, duration_s, why, kept=kept))
        talk = self._conversations.get(call.id)
        if talk is None or talk.farewell_why:  # the caller is gone
            self.forget(call.id)
            self.end(call.id, talk.farewell_why if talk else why)
            return
        sentence = Sentence.MESSAGE_KEPT if kept else Sentence.NO_MESSAGE
        self.say_and_end(call, sentence, "the message was kept" if kept else "no message was left")


def message_ended(call: CallNow, duration_s: float, why: str, *, kept: bool) -> ev.VoicemailEnded:
    about = {"recording": call.recording, "box": call.box, "person": call.person}
    return ev.VoicemailEnded(call=call.id, kept=kept, duration_s=duration_s, why=why, **about)
