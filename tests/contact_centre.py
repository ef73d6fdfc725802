"""A whole contact centre in memory: the real switchboard, book and people; a phone system and a time that obey.

Tests say what happens (`call`, `pick_up`, `clock.advance`) and look at what is so (`ringing_now`, `waiting_in`). After
each thing that happens the whole house is held against its rules (`check`), whatever the test is about.
"""

import copy
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from zoneinfo import ZoneInfo

from acd.agent import AgentOnFloor
from acd.hall import RUNG_AT_ONCE_MOST
from acd.rules import Pick, QueueRules, Rules, SiteRules
from acd.sites import Held
from acd.state import Doing
from agents.roster import Agent, PhoneSeat, Roster, Site
from agents.state import Wish
from agents.supervisors import How, Supervisor
from asterisk.fake import FakeTelephony, Truth
from asterisk.port import CallerId, EndCause, PhoneEvent
from cases.entities import Entities, Entity, Office
from centralino import recovery
from centralino.attendant import Voice
from centralino.book import Book
from centralino.call_states import CallState
from centralino.clock import SimClock
from centralino.events import (
    AnyEvent,
    CallBackRung,
    CallEnded,
    CallEvent,
    CallOffered,
    Entry,
    OfferEnded,
    Outcome,
    RingEnded,
    TalkStarted,
    WhisperCutOff,
)
from centralino.meanings import NodeSettings, Settings
from centralino.outgoing import Outgoing
from centralino.people import People
from centralino.settings import Configuration
from centralino.speaking import system_sentences
from centralino.state import CallNow, House
from centralino.switchboard import Surroundings, Switchboard
from ivr.menu import Dialplan, Queue, Step
from ivr.sentences import Sentence, Sentences
from ivr.situation import CaseStanding

NODE = "main"
OUTGOING = Outgoing(("first", "second"))
MONDAY_MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
WITH_AN_AGENT = (CallState.TALKING, CallState.CALLING_BACK, CallState.WHISPERING)
ROUNDS_MAX = 50_000  # deadlines within one `advance`: more, and time stands still
sentences: Callable[[], Sentences] = lru_cache(system_sentences)


class SteppingClock(SimClock):
    """Time that stops at every deadline on its way, as real time does."""

    def __init__(self, centre: "ContactCentre") -> None:
        super().__init__(MONDAY_MORNING)
        self._centre = centre

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`, and let whatever falls due on the way happen, in order."""
        until_s = self._now_s + seconds
        for _ in range(ROUNDS_MAX):
            at_s = self._centre.next_deadline()
            if at_s is None or at_s > until_s:
                break
            self._now_s = max(self._now_s, at_s)
            self._centre.due()
        else:
            raise AssertionError(f"{ROUNDS_MAX} deadlines within {seconds} s")
        self._now_s = until_s


class Faults(logging.Handler):
    """Errors that the house logged: none may come where no test asks for them."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(self.format(record))


def dialplan(number: str, steps: Iterable[Step], languages: tuple[str, ...] = ("it",)) -> Dialplan:
    """A service number that begins with the first of `steps`."""
    by_name = {step.name: step for step in steps}
    return Dialplan(number, number, languages, next(iter(by_name)), by_name)


class ContactCentre:
    """One queue `hall` that needs nothing stands ready; agents and more queues come as tests ask for them."""

    def __init__(self, folder: Path) -> None:
        self.clock = SteppingClock(self)
        self.people = People(folder / "people.jsonl")
        self.faults = Faults()
        self.entries: list[Entry] = []
        self.on_entry: Callable[[Entry], None] = lambda entry: None
        self.may_record = True  # there is room on the disk
        self.held_back = False  # events wait until a test delivers them
        self.cases: dict[tuple[str, str], CaseStanding] = {}  # by number and proof
        self.open_cases: set[tuple[str, str]] = set()  # number and service
        self._pins_to_look_at: list[Callable[[], None]] | None = None
        self.knows_cases = True  # False: nobody can look at them
        self.times_told = 1  # 2: everything is told twice
        self.agents: dict[str, Agent] = {}
        self.phones: dict[str, PhoneSeat] = {}
        self.queues: dict[str, QueueRules] = {}
        self._ring_all: set[str] = set()  # queues that ring all, or did
        self.dialplans: dict[str, Dialplan] = {}
        self.entities: dict[str, Entity] = {}
        sites = {name: Site(name, name, NODE, 99) for name in ("laquila", "roma")}
        self.configuration = Configuration(
            Settings(ZoneInfo("Europe/Rome"), {NODE: NodeSettings(NODE, True, "127.0.0.1", 5060)}, outgoing=OUTGOING),
            Rules(self.queues),
            Roster(sites, self.phones, self.agents),
            Entities(self.entities),
            self.dialplans,
        )
        self.queue("hall")
        self._begin(House(), Truth())

    # --- setting up

    def queue(self, name: str, **rules: object) -> None:
        """The rules of `name`; a call comes to it at once by dialling it."""
        usual = {"sites": ("laquila", "roma"), "wrap_up_s": 30.0, "ring_s": 20.0}
        said = usual | rules
        said["sites"] = tuple(SiteRules(site) if isinstance(site, str) else site for site in said["sites"])  # type: ignore[attr-defined]
        self.queues[name] = QueueRules(name, **said)  # type: ignore[arg-type]
        if self.queues[name].pick is Pick.RING_ALL:
            self._ring_all.add(name)
        if hasattr(self, "switchboard"):
            self.switchboard.dispatcher.adopt_rules(self.queues)
        self.service(dialplan(name, [Queue("straight", name)]))

    def office(self, name: str, queue: str = "", phone: str = "", **rules: object) -> None:
        """`ENTITY/OFFICE`, the second level: the agents of `queue`, or a `phone` within reach, or both."""
        entity, _, office = name.partition("/")
        offices = {**self.entities[entity].offices} if entity in self.entities else {}
        offices[office] = Office(office, office.title(), phone, queue=queue, **rules)  # type: ignore[arg-type]
        self.entities[entity] = Entity(entity, entity.title(), (), offices)
        if phone:
            self.line.plug_in(phone)
            self.settle()

    def roster(self, **rules: object) -> None:
        """Other rules of agents.yaml."""
        self.configuration = replace(self.configuration, roster=replace(self.configuration.roster, **rules))  # type: ignore[arg-type]
        self.switchboard.adopt(1, self.configuration)
        self.settle()

    def number(self, agent: str, number: str) -> None:
        """What is dialled to reach an agent."""
        self.agents[agent] = replace(self.agents[agent], number=number)

    def supervisor(self, name: str, **rules: object) -> str:
        """A supervisor at a phone of their own, within reach: the phone."""
        phone = phone_of(name)
        self.phones[phone] = PhoneSeat(phone, "laquila")
        self.line.plug_in(phone)
        listed = {**self.configuration.roster.supervisors}
        listed[name] = Supervisor(name, name.title(), **{"phone": phone, **rules})  # type: ignore[arg-type]
        self.roster(supervisors=listed)
        return phone

    def listen(self, call: str, supervisor: str, how: How = How.LISTEN, phone: str = "") -> str:
        """The phone of a supervisor is rung; its leg."""
        before = self.house.listenings.keys() | set()
        self.switchboard.listening.ring(call, supervisor, how, by="test", phone=phone)
        (leg,) = self.house.listenings.keys() - before
        self.settle()
        return leg

    def pins_are_looked_at_later(self) -> Callable[[], None]:
        """Whoever calls what this gives lets PINs be looked at that were keyed in meanwhile."""
        waiting = self._pins_to_look_at = []

        def look() -> None:
            for looked_at in waiting:
                looked_at()
            self.settle()

        return look

    def service(self, plan: Dialplan) -> None:
        self.dialplans[plan.number] = plan

    def agent(
        self,
        name: str,
        *,
        skills: Mapping[str, int] | None = None,
        languages: Iterable[str] = ("it",),
        site: str = "laquila",
    ) -> None:
        """An agent who is signed in, at a phone within reach."""
        phone = phone_of(name)
        rank = len(self.agents)
        self.agents[name] = Agent(name, name.title(), site, phone, skills or {}, dict.fromkeys(languages, 5), rank=rank)
        self.phones[phone] = PhoneSeat(phone, site)
        self.line.plug_in(phone)
        self.settle()
        self.choose(name, Wish.SIGN_IN)

    # --- what happens

    def call(self, call: str, queue: str = "hall", *, number: str = "", caller: CallerId | None = None) -> None:
        """A citizen calls `number`, or straight into `queue`."""
        self.line.dial(call, number or queue, caller or CallerId("+39055123456", ""))
        self.settle()

    def call_in(self, language: str, call: str, queue: str = "hall") -> None:
        """A citizen calls straight into `queue` and speaks `language`."""
        number = f"{queue}_{language}"
        self.service(dialplan(number, [Queue("straight", queue)], (language,)))
        self.call(call, number=number)

    def dial_from(self, phone: str, number: str, leg: str = "d1") -> None:
        """Somebody at `phone` dials `number`."""
        self.line.dial_from(phone, leg, number)
        self.settle()

    def choose(self, agent: str, wish: Wish, phone: str = "", reason: str = "") -> None:
        self.switchboard.choose(agent, wish, by="test", phone=phone, reason=reason)
        self.settle()

    def extend_wrap_up(self, agent: str, by_s: float) -> None:
        self.switchboard.signing.extend_wrap_up(agent, by_s, by="test")
        self.settle()

    def pick_up(self, agent: str) -> None:
        self._then(self.line.pick_up, phone_of(agent))

    def turn_away(self, agent: str, cause: EndCause = EndCause.REJECTED) -> None:
        self._then(partial(self.line.turn_away, cause=cause), phone_of(agent))

    def put_down(self, agent: str) -> None:
        """The agent hangs up."""
        leg = self.line.leg_at(phone_of(agent))
        assert leg is not None, f"{agent} has no call"
        self._then(self.line.put_down, leg.id)

    def hang_up(self, call: str) -> None:
        """The caller hangs up."""
        self._then(self.line.put_down, call)

    def hand_on(self, call: str, to: str, note: str = "") -> None:
        """The agent who talks hands the caller on."""
        self.switchboard.hand_on(call, to, by="test", note=note)
        self.settle()

    def press(self, call: str, keys: str) -> None:
        for key in keys:
            self.line.press(call, key)
            self.settle()

    def unplug(self, agent: str) -> None:
        self._then(self.line.unplug, phone_of(agent))

    def plug_in(self, agent: str) -> None:
        self._then(self.line.plug_in, phone_of(agent))

    def cut_line(self) -> None:
        """The line to the phone system is lost; calls go on there."""
        self._then(self.line.cut)

    def connect_line(self) -> None:
        self._then(self.line.connect)

    def tell(self, event: PhoneEvent) -> None:
        """Something is told out of turn: late, again, or wrong."""
        self.switchboard.handle(event)
        self.settle()

    def kill_engine(self) -> None:
        """The engine dies as by `kill -9`: journal and phone system remain. `start_engine` begins its next life."""
        self.line.engine_died(lambda event: None)
        self.is_running = False

    def start_engine(self) -> None:
        self._begin(recovery.fold(House(), self.entries), self.line.truth)

    def restart_engine(self) -> None:
        self.kill_engine()
        self.start_engine()

    def as_it_was(self, entries: list[Entry], truth: Truth, now_s: float, folder: Path) -> "ContactCentre":
        """Another centre, whose engine died when only `entries` were written and `truth` was so."""
        other = ContactCentre(folder)
        other.agents.update(self.agents)
        other.phones.update(self.phones)
        other.queues.update(self.queues)
        other.dialplans.update(self.dialplans)
        other._ring_all |= self._ring_all
        other.entities.update(self.entities)
        other.clock.advance(now_s - other.clock.now_s())
        other.kill_engine()
        other.entries[:] = entries
        other.line.truth = copy.deepcopy(truth)
        return other

    # --- time

    def next_deadline(self) -> float | None:
        deadlines = [self.line.next_deadline(), self.switchboard.next_deadline() if self.is_running else None]
        return min((at_s for at_s in deadlines if at_s is not None), default=None)

    def due(self) -> None:
        self.line.due()
        self.settle()
        if self.is_running:
            self.switchboard.due()
            self.settle()

    def settle(self) -> None:
        """Let everything be told that was not told yet, unless it is held back; then look whether all is in order."""
        if self.held_back or not self.is_running:
            return
        self.line.deliver(times=self.times_told)
        if self.line.is_connected:
            self.check()

    # --- looks

    @property
    def house(self) -> House:
        return self.book.house

    def now(self, call: str) -> CallNow:
        return self.house.calls[call]

    def doing(self, agent: str) -> Doing:
        return self.switchboard.floor.agents[agent].doing

    def ringing_now(self) -> dict[str, str]:
        """Whose phone rings for which call, as the phone system has it."""
        return {agent_at(leg.phone): leg.call for leg in self.line.truth.legs.values() if leg.phone and not leg.up}

    def talking_now(self) -> dict[str, str]:
        """Who talks in which call, as the phone system has it."""
        return {
            agent_at(leg.phone): leg.talks_in for leg in self.line.truth.legs.values() if leg.phone and leg.talks_in
        }

    def waiting_in(self, queue: str = "hall") -> list[str]:
        """Calls in the line, first come first; those for which a phone rings included."""
        return self.switchboard.floor.line_of(queue)

    def hears(self, call: str) -> str:
        """What is being said to the caller; `music` where they wait; empty where it is silent."""
        leg = self.line.truth.legs[call]
        return "music" if leg.holding else " ".join(self.line.heard_by(call))

    def outcomes(self) -> dict[str, Outcome]:
        """What came of each call that has ended."""
        events = (entry.event for entry in self.entries)
        return {event.call: event.outcome for event in events if isinstance(event, CallEnded)}

    def trail(self, call: str) -> list[AnyEvent]:
        """What the journal says of `call`."""
        return [e.event for e in self.entries if isinstance(e.event, CallEvent) and e.event.call == call]

    def count(self, kind: type[AnyEvent], call: str = "") -> int:
        """How often such an event stands in the journal (of `call`)."""
        events = self.trail(call) if call else [entry.event for entry in self.entries]
        return sum(isinstance(event, kind) for event in events)

    def hold_site(self, queue: str, site: str, held: Held) -> None:
        """A supervisor opens or closes a further site, or leaves it to its rule."""
        self._then(lambda: self.switchboard.holds.hold(queue, site, held, "ana"))

    def open_sites(self, queue: str) -> list[str]:
        return [name for name, site in self.switchboard.floor.sites_of(queue).items() if site.is_open]

    # --- rules that always hold, while the line is up and nothing is on its way

    def check(self) -> None:
        for call in self.house.calls.values():
            self._check_call(call)
        for agent in self.switchboard.floor.agents.values():
            self._check_agent(agent)
        self._check_lines()
        self._check_legs()

    def check_rings(self) -> None:
        """At the end of a day: each phone that was rung was answered, or stopped with a reason, once."""
        events = [entry.event for entry in self.entries]
        rung = [event.leg for event in events if isinstance(event, CallOffered)]
        called_back = [event.leg for event in events if isinstance(event, CallBackRung)]  # answered before the talk
        talked = [event.leg for event in events if isinstance(event, TalkStarted) and event.leg not in called_back]
        talked += [event.leg for event in events if isinstance(event, WhisperCutOff)]
        ended = called_back + talked + [e.leg for e in events if isinstance(e, RingEnded | OfferEnded)]
        assert sorted(ended) == sorted(set(rung)) == sorted(rung)

    def _check_call(self, call: CallNow) -> None:
        floor = self.switchboard.floor
        waits = call.state in (CallState.QUEUED, CallState.OFFERED)
        assert (call.id in floor.calls) is waits, call
        assert bool(call.rings) is (call.state is CallState.OFFERED), call
        if waits:
            assert set(floor.calls[call.id].legs) == call.rings.keys(), call
        busy = {leg: (agent, (Doing.RESERVED, Doing.RINGING)) for leg, agent in call.rings.items()}
        if call.state in WITH_AN_AGENT:
            busy[call.leg] = (call.agent, (Doing.TALKING,))
        for leg, (name, doing) in busy.items():
            if name in self.agents:
                agent = floor.agents[name]
                assert agent.doing in doing, (call, agent)
                assert (agent.call, agent.leg) == (call.id, leg), (call, agent)

    def _check_agent(self, agent: AgentOnFloor) -> None:
        name = agent.profile.id
        mine = [c.id for c in self.house.calls.values() if c.state in WITH_AN_AGENT and c.agent == name]
        mine += [c.id for c in self.house.calls.values() for rung in c.rings.values() if rung == name]
        has_call = agent.doing in (Doing.RESERVED, Doing.RINGING, Doing.TALKING)
        assert mine == ([agent.call] if has_call else []), (agent, mine)
        now, wraps_up = self.house.agents[name], agent.doing is Doing.WRAPPING_UP
        assert bool(now.wrap_up_call) is wraps_up, agent
        assert not wraps_up or now.wrap_up_until_s == agent.until_s, (now, agent)

    def _check_lines(self) -> None:
        """Nobody waits while somebody who could take the call is free."""
        floor = self.switchboard.floor
        for call in self.house.calls.values():
            if call.state is CallState.QUEUED:
                taker = floor.taker_of(call.id)
                assert taker is None, (call, taker)

    def _check_legs(self) -> None:
        legs = self.line.truth.legs.values()
        calls = self.house.calls.values()
        ours = {leg for call in calls for leg in (call.leg, *call.rings) if leg}
        ours |= {call.id for call in calls if call.call_back_of}
        ours |= {call.consult.leg for call in calls if call.consult}
        ours |= {leg for own in self.house.own_calls.values() for leg in (own.id, own.other_leg)}
        ours |= self.house.listenings.keys()
        strays = [leg for leg in legs if leg.phone and leg.id not in ours and not self.switchboard.codes.has(leg.id)]
        assert strays == []
        assert {leg.id for leg in legs if leg.arrived} <= self.house.calls.keys()
        assert all(leg.up for leg in legs if leg.arrived), "a caller whom nobody picked up"
        self._check_listenings()
        given = {call.leg for call in calls if call.leg and not call.leg.startswith(call.id)}  # with an own call
        own = {*self.house.own_calls, *(call.id for call in calls if call.consult)}
        ringing = Counter(
            leg.call
            for leg in legs
            if leg.phone and not leg.up and leg.call not in own and leg.id not in (*self.house.listenings, *given)
        )
        for call, phones in ringing.items():
            rings_all = self.house.calls[call].queue in self._ring_all
            assert phones <= (RUNG_AT_ONCE_MOST if rings_all else 1), ringing

    def _check_listenings(self) -> None:
        """Who listens hears a talk that goes on, and their leg is there. A call that was taken over is somebody's."""
        legs = self.line.truth.legs
        for one in self.house.listenings.values():
            call, leg = self.house.calls[one.call], legs[one.leg]
            if not one.answered_s:
                assert not leg.up, one
            elif one.how == How.TAKE_OVER:
                assert (call.state, call.leg) == (CallState.TAKEN_OVER, one.leg), (one, call)
                assert leg.talks_in == legs[call.id].talks_in == call.id, (one, leg)
            else:
                assert (call.state, call.leg) == (CallState.TALKING, one.agent_leg), (one, call)
                assert (leg.overhears, leg.how) == (one.agent_leg, one.how), (one, leg)
        for call in self.house.calls.values():
            assert (call.state is CallState.TAKEN_OVER) is (call.leg in self.house.listenings), call

    # --- within

    def _has_open_case(self, person: str, service: str) -> bool:
        return (self.people.who(person).number, service) in self.open_cases

    def _check_pin(self, hashed: str, pin: str, told: Callable[[bool], None]) -> None:
        looked_at = partial(told, hashed == pin)
        if self._pins_to_look_at is None:
            looked_at()
        else:
            self._pins_to_look_at.append(looked_at)

    def _find_case(self, number: str, proof: str, found: Callable[[CaseStanding | None], None]) -> None:
        if self.knows_cases:
            found(self.cases.get((number, proof)))

    def _begin(self, house: House, truth: Truth) -> None:
        """A life of the engine, connected."""
        self.line = FakeTelephony(self.clock.now_s, self._hear, NODE, truth)
        self.book = Book(house, self._append)
        voice = Voice(sentences(), lambda prompt: prompt.text or prompt.file, lambda prompts, then: then())
        looks = self._has_open_case, self._find_case, self.line.message_length_s, lambda: self.may_record
        around = Surroundings(self.line, self.clock, self.people, voice, *looks, self._check_pin)
        self.switchboard = Switchboard(self.configuration, self.book, around)
        self.is_running = True
        self.line.tell_phones()
        self.line.connect()
        self.settle()

    def _hear(self, event: PhoneEvent) -> None:
        self.switchboard.handle(event)

    def _append(self, event: AnyEvent) -> Entry:
        entry = Entry(n=len(self.entries) + 1, at_s=self.clock.now_s(), event=event)
        self.entries.append(entry)
        self.on_entry(entry)
        return entry

    def _then(self, happens: Callable[..., None], *whom: str) -> None:
        happens(*whom)
        self.settle()


def phone_of(agent: str) -> str:
    """An agent's phone; a citizen, who is called back, is named by their number."""
    return agent if agent.startswith("+") else f"phone-of-{agent}"


def agent_at(phone: str) -> str:
    return phone.removeprefix("phone-of-")


def said(sentence: Sentence, language: str = "it") -> str:
    """A sentence of the house, as `ContactCentre.hears` gives it."""
    return sentences().prompt(sentence, language).text
