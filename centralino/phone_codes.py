"""The codes that agents dial: each is answered by a spoken confirmation, or by why it cannot be.

What they ask for is done by the same commands as from a page or the CLI. A conversation lasts seconds and belongs to
one leg; nothing of it outlives the engine but what was done.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass
from functools import partial

from acd.state import Doing
from acd.why import Why
from agents import disposition, spoken
from agents.codes import HOW_OF, Code
from agents.codes import Dialled as DialledCode
from agents.roster import Agent
from agents.spoken import Spoken
from agents.state import Chosen, Wish
from agents.supervisors import How, Supervisor
from asterisk.port import Dialled
from centralino import events as ev
from centralino.attendant import NO_SOUND, SPEECH_LONGEST_S, Desk, Voice
from centralino.dispatch import HAVE_A_CALL, Dispatcher
from centralino.dispositions import Dispositions
from centralino.listening import Listening
from centralino.settings import Configuration
from centralino.signing import Refused, Signing
from centralino.state import AgentNow, PinTries
from ivr.prompts import Prompt

CHECK_PIN = Callable[[str, str, Callable[[bool], None]], None]  # a hash, what was keyed in, whom to tell
KEYS_WITHIN_S = 8.0
KEYED_MOST = 16  # a telephone number, with what stands before it
WRONG_PINS_MOST = 3
LOCKED_FOR_S = 300.0
MINUTES_MOST = 60
ALARM = "code"


@dataclass(slots=True)
class CodeTalk:
    """What goes on at a leg. `then`: what is done with the digits that are being keyed in; None: it ends when said.

    `at_end`: what follows when all is said.
    """

    leg: str
    phone: str
    language: str
    at_end: Callable[[], None]
    in_a_talk: bool  # else no queue's call rings at the phone meanwhile
    playback: str = ""
    said: int = 0
    then: Callable[[str], None] | None = None
    keyed: str = ""


class PhoneCodes:
    """`check_pin` may take its time. `reset` lets an agent go who is stuck, for whoever asks for it."""

    def __init__(
        self, desk: Desk, voice: Voice, signing: Signing, dispatcher: Dispatcher, check_pin: CHECK_PIN
    ) -> None:
        self._book, self._telephony, self._clock, self._alarms = desk.book, desk.telephony, desk.clock, desk.alarms
        self._voice, self._signing, self._dispatcher, self._check_pin = voice, signing, dispatcher, check_pin
        self.dispositions: Dispositions
        self._talks: dict[str, CodeTalk] = {}
        self.listening: Listening
        self.reset: Callable[[str, str], None]
        self.configuration: Configuration
        dispatcher.speaks_at = self.speaks_at

    def begin(self, dialled: Dialled, code: DialledCode) -> None:
        talk = self._open(dialled)
        self._or_say_why_not(talk, lambda: self._do(talk, code.code, code.digits))

    def refuse(self, dialled: Dialled, why: Spoken) -> None:
        """Say to whoever dialled why it cannot be, and hang up."""
        self._say(self._open(dialled), why)

    def say_and_end(self, leg: str, phone: str, why: Spoken, **put_in: str) -> None:
        """Say `why` to a leg that waited for somebody, or has left a talk, and hang up."""
        self._say(self._open(Dialled(leg, "", phone, "")), why, **put_in)

    def ask(
        self, leg: str, phone: str, question: Spoken, then: Callable[[str], None], at_end: Callable[[], None]
    ) -> None:
        """Ask an agent in the middle of a talk; `then` is told what was keyed in, `at_end` when there was nothing."""
        self._ask(self._open(Dialled(leg, "", phone, ""), at_end), question, then)

    def say(self, leg: str, phone: str, what: Spoken, at_end: Callable[[], None]) -> None:
        """Tell an agent something in the middle of a talk; `at_end` when it was said."""
        self._say(self._open(Dialled(leg, "", phone, ""), at_end), what)

    # --- what happens at the phone

    def has(self, leg: str) -> bool:
        return leg in self._talks

    def speaks_at(self, phone: str) -> bool:
        """Whether something is said there, or waited for; in the middle of a talk does not count."""
        return any(talk.phone == phone and not talk.in_a_talk for talk in self._talks.values())

    def digit(self, leg: str, key: str) -> None:
        talk = self._talks[leg]
        if talk.then is None:
            return
        self._stop(talk)
        if key == "#" or len(talk.keyed) == KEYED_MOST:
            self._keyed_in(talk)
            return
        talk.keyed = "" if key == "*" else talk.keyed + key
        self._alarms.set(ALARM, leg, self._clock.now_s() + KEYS_WITHIN_S)

    def playback_ended(self, leg: str, playback: str) -> None:
        talk = self._talks[leg]
        if talk.playback != playback:
            return
        talk.playback = ""
        if talk.then is None:
            self._end(talk)
        else:
            self._alarms.set(ALARM, leg, self._clock.now_s() + KEYS_WITHIN_S)

    def alarm(self, leg: str) -> None:
        """Nothing more is keyed in, or the end of a sentence was never told."""
        talk = self._talks.get(leg)
        if talk is None:
            return
        if talk.then is None:
            self._end(talk)
        else:
            self._keyed_in(talk)

    def forget(self, leg: str) -> None:
        """Whoever dialled has hung up."""
        self._alarms.cancel(ALARM, leg)
        if talk := self._talks.pop(leg, None):
            self._dispatcher.other_call(talk.phone, False)

    def go_on(self, node: str, legs: Container[str]) -> None:
        """The phone system is there again, with these legs: who hung up meanwhile is spoken to no more."""
        roster = self.configuration.roster
        gone = [talk for talk in self._talks.values() if talk.leg not in legs]
        for talk in [talk for talk in gone if talk.phone not in roster.phones or roster.node_of(talk.phone) == node]:
            self.forget(talk.leg)

    # --- what the codes do

    def _do(self, talk: CodeTalk, code: Code, digits: str) -> None:
        match code:
            case Code.SIGN:
                self._sign(talk, digits)
            case Code.PAUSE:
                self._pause(talk, digits)
            case Code.WAITING:
                self._tell_who_waits(talk, digits)
            case Code.WRAP_UP:
                self._wrap_up(talk, digits)
            case Code.DISPOSE:
                self._dispose(talk, digits)
            case Code.LISTEN | Code.WHISPER | Code.BARGE | Code.TAKE_OVER:
                how = HOW_OF[code]
                self._supervise(talk, digits, lambda supervisor, number: self._listen(talk, supervisor, how, number))
            case Code.RESET:
                self._supervise(talk, digits, lambda supervisor, number: self._reset(talk, supervisor, number))

    def _sign(self, talk: CodeTalk, number: str) -> None:
        """In or out: the agent with this number; without one, whoever is signed in here, or whose phone this is."""
        roster = self.configuration.roster
        here = self._book.house.agent_at(talk.phone)
        owners = [agent for agent in roster.agents.values() if agent.phone == talk.phone]
        if number:
            self._sign_as(talk, number)
        elif here:
            self._choose(talk, here.id, Wish.SIGN_OUT)
            self._say(talk, Spoken.SIGNED_OUT)
        elif owners:
            self._sign_in(talk, owners[0])
        else:
            self._ask(talk, Spoken.KEY_IN_NUMBER, lambda keyed: self._sign_as(talk, keyed))

    def _sign_as(self, talk: CodeTalk, number: str) -> None:
        agent = self.configuration.roster.agent_numbered(number)
        if agent is None:
            self._say(talk, Spoken.UNKNOWN_AGENT)
            return
        talk.language = spoken.language_of(agent.languages)
        here = self._book.house.agent_at(talk.phone)
        if here and here.id == agent.id:
            self._choose(talk, agent.id, Wish.SIGN_OUT)
            self._say(talk, Spoken.SIGNED_OUT)
        elif agent.phone == talk.phone:
            self._sign_in(talk, agent)
        else:
            self._ask_pin(talk, agent, lambda: self._sign_in(talk, agent))

    def _ask_pin(self, talk: CodeTalk, whose: Agent | Supervisor, then: Callable[[], None]) -> None:
        """Do `then` once the right one is keyed in."""
        if not whose.pin:
            self._say(talk, Spoken.NO_PIN)
        elif self._tries(whose).pin_locked_until_s > self._clock.now_s():
            self._say(talk, Spoken.LOCKED)
        else:
            self._ask(talk, Spoken.KEY_IN_PIN, lambda keyed: self._look_at_pin(talk, whose, keyed, then))

    def _look_at_pin(self, talk: CodeTalk, whose: Agent | Supervisor, pin: str, then: Callable[[], None]) -> None:
        def looked_at(is_right: bool) -> None:
            now_s = self._clock.now_s()
            now = self._tries(whose)
            if is_right and now.pin_locked_until_s <= now_s:
                if self._talks.get(talk.leg) is talk:  # else they have hung up meanwhile
                    self._or_say_why_not(talk, then)
                return
            is_last = now.wrong_pins + 1 >= WRONG_PINS_MOST or now.pin_locked_until_s > now_s
            until_s = max(now.pin_locked_until_s, now_s + LOCKED_FOR_S) if is_last else 0.0
            if isinstance(whose, Agent):
                self._book.write(ev.WrongPin(agent=whose.id, phone=talk.phone, locked_until_s=until_s))
            else:
                wrong = ev.SupervisorWrongPin(supervisor=whose.id, phone=talk.phone, locked_until_s=until_s)
                self._book.write(wrong)
            if self._talks.get(talk.leg) is talk:
                self._say(talk, Spoken.LOCKED if is_last else Spoken.WRONG_PIN)

        self._check_pin(whose.pin, pin, looked_at)

    def _tries(self, whose: Agent | Supervisor) -> AgentNow | PinTries:
        house = self._book.house
        return house.agent(whose.id) if isinstance(whose, Agent) else house.supervisor_pins.get(whose.id, PinTries())

    def _sign_in(self, talk: CodeTalk, agent: Agent) -> None:
        """Where the agent is signed in at another phone, they move, or are refused, as agents.yaml says."""
        now, phone = self._book.house.agent(agent.id), self.configuration.roster.phones.get(talk.phone)
        on_floor = self._dispatcher.floor.agents.get(agent.id)
        if phone is None or phone.site != agent.site:
            self._say(talk, Spoken.OTHER_SITE)
        elif self._book.house.agent_at(talk.phone) or self._dispatcher.who_has_a_call_at(talk.phone):
            self._say(talk, Spoken.PHONE_TAKEN)
        elif now.chosen is Chosen.SIGNED_OUT:
            self._choose(talk, agent.id, Wish.SIGN_IN)
            self._say(talk, Spoken.SIGNED_IN)
        elif not self.configuration.roster.moves:
            self._say(talk, Spoken.ELSEWHERE)
        elif on_floor and on_floor.doing in HAVE_A_CALL:
            self._say(talk, Spoken.HAS_A_CALL)
        else:
            self._signing.choose(agent.id, Wish.SIGN_OUT, by=f"phone {talk.phone}")
            self._choose(talk, agent.id, Wish.SIGN_IN)
            self._say(talk, Spoken.SIGNED_IN)

    def _pause(self, talk: CodeTalk, keys: str) -> None:
        """Pause, for the reason that the keys say; who is paused and says none is ready again. Their own number says
        none: a key whose lamp shows their pause dials it.
        """
        agent, reason = self._book.house.agent_at(talk.phone), self.configuration.roster.pauses.get(keys)
        listed = self._agent_here(agent)
        keys = "" if listed and listed.number == keys and not reason else keys
        if agent is None:
            self._say(talk, Spoken.NOBODY_HERE)
        elif keys and reason is None:
            self._say(talk, Spoken.UNKNOWN_REASON)
        elif reason:
            self._choose(talk, agent.id, Wish.PAUSE, keys)
            self._say(talk, Spoken.PAUSED_FOR, reason=reason.named(talk.language))
        elif agent.chosen is Chosen.PAUSED:
            self._choose(talk, agent.id, Wish.READY)
            self._say(talk, Spoken.READY)
        else:
            self._choose(talk, agent.id, Wish.PAUSE)
            self._say(talk, Spoken.PAUSED)

    def _wrap_up(self, talk: CodeTalk, minutes: str) -> None:
        """Done with it; or, with a number, so many minutes more."""
        agent = self._book.house.agent_at(talk.phone)
        on_floor = self._dispatcher.floor.agents.get(agent.id) if agent else None
        if agent is None:
            self._say(talk, Spoken.NOBODY_HERE)
        elif on_floor is None or on_floor.doing is not Doing.WRAPPING_UP:
            self._say(talk, Spoken.NO_WRAP_UP)
        elif minutes:
            by_s = 60.0 * min(max(int(minutes), 1), MINUTES_MOST)
            why = self._dispatcher.extend_wrap_up(agent.id, by_s, f"phone {talk.phone}")
            self._say(talk, Spoken.LONGEST_WRAP_UP if why is Why.WRAP_UP_AT_LONGEST else Spoken.TAKES_LONGER)
        else:
            self._dispatcher.wrap_up_done(agent.id)
            self._say(talk, Spoken.READY if agent.chosen is Chosen.READY else Spoken.PAUSED)

    def _dispose(self, talk: CodeTalk, digits: str) -> None:
        """Say what the agent's last call was. A wrap-up goes on: there may be more to do than that."""
        agent, said = self._book.house.agent_at(talk.phone), disposition.keyed(digits)
        last = self.dispositions.last_call_of(agent.id) if agent else ""
        if agent is None:
            self._say(talk, Spoken.NOBODY_HERE)
        elif said is None:
            self._say(talk, Spoken.KEYS_OF_KINDS)
        elif not last:
            self._say(talk, Spoken.NO_LAST_CALL)
        else:
            kind, level = said
            by = f"phone {talk.phone}"
            self.dispositions.dispose(ev.CallDisposed(call=last, agent=agent.id, kind=kind, level=level, by=by))
            talk.then = None
            self._speak(talk, disposition.confirmation(kind, level, talk.language))

    def _tell_who_waits(self, talk: CodeTalk, number: str) -> None:
        """How many wait in the queues of whoever is signed in here, or in the one with this number, and since when."""
        here, floor = self._book.house.agent_at(talk.phone), self._dispatcher.floor
        profile = self._dispatcher.profile(here) if here else None
        named = next((queue for queue in floor.rules.values() if number and queue.dialled == number), None)
        if named:
            waiting = [call for call in floor.calls.values() if call.queue == named.name]
        elif number:
            self._say(talk, Spoken.UNKNOWN_NUMBER)
            return
        elif profile is None:
            self._say(talk, Spoken.NOBODY_HERE)
            return
        else:
            waiting = [call for call in floor.calls.values() if floor.suits(profile, call.queue)]
        if not waiting:
            self._say(talk, Spoken.NOBODY_WAITS)
            return
        minutes = int(self._clock.now_s() - min(call.since_s for call in waiting)) // 60
        counted = self._voice.sentences.tables[talk.language].counted_minutes(minutes)
        wait = counted if minutes else Spoken.LESS_THAN_A_MINUTE.prompt(talk.language).text
        self._say(talk, Spoken.ONE_WAITS if len(waiting) == 1 else Spoken.MANY_WAIT, count=len(waiting), wait=wait)

    def _supervise(self, talk: CodeTalk, number: str, do: Callable[[Supervisor, str], None]) -> None:
        """At their own phone supervisors are known; elsewhere by number and PIN. `number`: an agent's, or asked for."""

        def known(supervisor: Supervisor) -> None:
            if number:
                do(supervisor, number)
            else:
                self._ask(talk, Spoken.KEY_IN_WHOM, lambda keyed: do(supervisor, keyed))

        def named(keyed: str) -> None:
            supervisor = self.configuration.roster.supervisor_numbered(keyed)
            if supervisor is None:
                self._say(talk, Spoken.UNKNOWN_SUPERVISOR)
            else:
                self._ask_pin(talk, supervisor, lambda: known(supervisor))

        if supervisor := self.configuration.roster.supervisor_at(talk.phone):
            known(supervisor)
        else:
            self._ask(talk, Spoken.KEY_IN_SUPERVISOR, named)

    def _reset(self, talk: CodeTalk, supervisor: Supervisor, number: str) -> None:
        """Only an agent of a site that they look after; whatever the queue is."""
        agent = self.configuration.roster.agent_numbered(number)
        if agent is None:
            self._say(talk, Spoken.UNKNOWN_AGENT)
        elif supervisor.sites and agent.site not in supervisor.sites:
            self._say(talk, Spoken.NOT_YOUR_AGENT)
        else:
            self.reset(agent.id, f"supervisor {supervisor.id}, phone {talk.phone}")
            self._say(talk, Spoken.AGENT_IS_FREE)

    def _listen(self, talk: CodeTalk, supervisor: Supervisor, how: How, number: str) -> None:
        """The conversation is over where they hear the talk."""
        agent = self.configuration.roster.agent_numbered(number)
        if agent is None:
            self._say(talk, Spoken.UNKNOWN_AGENT)
        elif why := self.listening.begin(talk.leg, talk.phone, supervisor, agent.id, how):
            self._say(talk, why)
        else:
            self.forget(talk.leg)

    def _choose(self, talk: CodeTalk, agent: str, wish: Wish, reason: str = "") -> None:
        phone = talk.phone if wish is Wish.SIGN_IN else ""
        self._signing.choose(agent, wish, by=f"phone {talk.phone}", phone=phone, reason=reason)

    def _or_say_why_not(self, talk: CodeTalk, do: Callable[[], None]) -> None:
        try:
            do()
        except Refused:
            self._say(talk, Spoken.NOT_NOW)

    # --- the conversation

    def _open(self, dialled: Dialled, at_end: Callable[[], None] | None = None) -> CodeTalk:
        """Whoever is signed in at the phone is spoken to in their language. `at_end`: else, they are hung up."""
        if at_end is None:
            self._telephony.answer(dialled.leg)
        agent = self._agent_here(self._book.house.agent_at(dialled.phone))
        language = spoken.language_of(agent.languages if agent else ())
        hang_up = partial(self._telephony.hang_up, dialled.leg)
        talk = CodeTalk(dialled.leg, dialled.phone, language, at_end or hang_up, in_a_talk=at_end is not None)
        self._talks[talk.leg] = talk
        if not talk.in_a_talk:
            self._dispatcher.other_call(talk.phone, True)
        return talk

    def _agent_here(self, now: AgentNow | None) -> Agent | None:
        return self.configuration.roster.agents.get(now.id) if now else None

    def _ask(self, talk: CodeTalk, question: Spoken, then: Callable[[str], None]) -> None:
        talk.then, talk.keyed = then, ""
        self._speak(talk, question.prompt(talk.language))

    def _say(self, talk: CodeTalk, what: Spoken, **put_in: str | int) -> None:
        talk.then = None
        self._speak(talk, what.prompt(talk.language, **put_in))

    def _speak(self, talk: CodeTalk, prompt: Prompt) -> None:
        self._stop(talk)
        talk.said += 1
        playback = talk.playback = f"{talk.leg}.code.{talk.said}"
        self._alarms.set(ALARM, talk.leg, self._clock.now_s() + SPEECH_LONGEST_S)

        def play(sounds: list[str]) -> None:
            if self._talks.get(talk.leg) is talk and talk.playback == playback:
                self._telephony.play(talk.leg, playback, sounds or [NO_SOUND], talk.language)

        self._voice.give([prompt], play)

    def _stop(self, talk: CodeTalk) -> None:
        if talk.playback:
            self._telephony.stop_playing(talk.leg, talk.playback)
            talk.playback = ""

    def _keyed_in(self, talk: CodeTalk) -> None:
        then, talk.then = talk.then, None
        self._alarms.set(ALARM, talk.leg, self._clock.now_s() + SPEECH_LONGEST_S)
        if talk.keyed and then:
            self._or_say_why_not(talk, lambda: then(talk.keyed))
        else:
            self._say(talk, Spoken.NOTHING_KEYED)

    def _end(self, talk: CodeTalk) -> None:
        self.forget(talk.leg)
        talk.at_end()
