"""Random days from a seed, with rules that must hold at every moment and at the day's end.

The house is held against its rules after each event (`ContactCentre.check`): no call rings two phones, no agent has
two calls, nobody waits while somebody who could help is free, no leg belongs to nobody. A failing seed is its own test:
add it to `SEEDS` with a name for what it showed.
"""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from acd.agent import AgentOnFloor
from acd.decisions import Offer
from acd.floor import Floor
from acd.goto import HangUp as SendToHangUp
from acd.goto import ToQueue, ToStep, ToVoicemail
from acd.rules import CallBackRules, HeadStart, Opening, Pick, Recording, Relax, SiteRules, WhileWaiting
from acd.sites import Held
from acd.state import Doing
from acd.waiting import WaitingCall
from agents.codes import HOW_OF
from agents.disposition import Kind, Level
from agents.roster import PauseReason
from agents.state import Wish
from agents.supervisors import How
from asterisk.port import CallerId, EndCause
from centralino import events as ev
from centralino.call_states import CallState
from centralino.signing import Refused
from ivr.menu import HangUp, Key, Menu, Queue, Say, Step, Transfer, Voicemail
from ivr.prompts import words
from tests.contact_centre import ContactCentre, Faults, dialplan, phone_of
from tests.days.replay import Replay
from tests.days.seeds import seeds

SEEDS = seeds(range(60))
BUSY_SEEDS = seeds(range(6))
STEPS = 150
CALLS = ACTIONS = 200  # of a busy day, at least
CITIZEN = "+390551234567"  # can be called back
REPLAY_EVERY = 10
ROUNDS_MAX = 200
QUEUES = ("hall", "taxes", "registry", "civil")
LANGUAGES = ("it", "en")
OFFICE_PHONE = "+39055759"
PLACES = (*QUEUES, "city/experts", "city/desk", "city/both", "nowhere")
CODES = ("*45", "*46", "*461", "*469", "*47", "*48", "*481", "*49", "*4942", "*99")
CODES_AND_NUMBERS = (*CODES, "1", "2", "3", "71", "055123456", "899123456")
KEYED_IN = (
    "#11#",
    "#12#",
    "#170#",
    "*0",
    "*1",
    "#181#",
    "#1055123456#",
    "#191#",
    "*291#",
    "#192#",
    "*292#",
    "#193#",
    "*21#",
    "*22#",
    "*23#",
    "*2055123456#",
    "*2",
    "#1",
    "*",
    "3",
    "#",
    "7",
)
TURNED_AWAY = (EndCause.REJECTED, EndCause.BUSY, EndCause.NO_ANSWER, EndCause.UNREACHABLE)
AGENTS = {
    "ana": ({"taxes": 3, "registry": 1}, ("it", "en"), "laquila"),
    "bo": ({"taxes": 1}, ("it",), "laquila"),
    "cora": ({"registry": 2}, ("it",), "roma"),
    "dino": ({"taxes": 2, "registry": 2}, ("en",), "roma"),
}


class Day:
    """What people and machines do on one day, as the seed says."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.chance = Random(seed)
        self.centre = ContactCentre(folder)
        self.replay = Replay(self.centre, folder / "journal")
        self.centre.on_entry = self.replay.append
        self.calls = self.dialled = self.actions = 0
        self.out_of_order: list[str] = []
        self._prepare()
        self.staff: list[tuple[int, Callable[[], None]]] = [
            (12, self.an_agent_picks_up),
            (3, self.an_agent_picks_up_and_puts_down_at_once),
            (8, self.an_agent_puts_down),
            (5, self.an_agent_chooses),
            (5, self.an_agent_hands_on),
            (4, self.an_agent_who_hears_who_calls_does_not_wait),
            (3, self.an_agent_turns_away),
            (4, self.an_agent_dials),
            (4, self.a_supervisor_listens),
            (6, self.an_agent_keys_in),
            (6, self.an_agent_uses_the_phones_own_keys),
            (4, self.an_agent_parks_or_fetches),
            (3, self.an_agent_takes_longer),
            (2, self.an_agent_says_what_it_was),
            (2, self.a_phone_comes_or_goes),
            (2, self.a_phone_is_gone_in_the_middle),
        ]
        self.things: list[tuple[int, Callable[[], None]]] = [
            *self.staff,
            (20, self.time_passes),
            (12, self.somebody_calls),
            (8, self.a_caller_presses),
            (6, self.a_caller_hangs_up),
            (4, self.somebody_wants_to_be_called_back),
            (2, self.a_site_is_held),
            (2, self.events_are_late),
            (2, self.the_line_is_lost),
            (2, self.the_engine_dies),
            (1, self.a_join_will_fail),
            (1, self.everything_is_told_twice),
        ]
        if seed % 5 == 0:
            self.things.append((1, self.the_phone_system_dies))

    def _prepare(self) -> None:
        centre, chance = self.centre, self.chance
        wrap_up_s = chance.choice([0.0, 10.0, 30.0])
        keys_that_refuse = chance.choice([("4", "7"), ("7", "7"), ("7", "")])
        back = {
            "while_waiting": WhileWaiting(call_back_key="6"),
            "call_backs": CallBackRules(15.0, chance.choice([(), (30.0, 60.0)])),
        }
        centre.line.truth.within_reach.add(CITIZEN)
        taxes, hall = (Recording(key, 86_400.0) if key else None for key in keys_that_refuse)
        whispering = chance.sample(QUEUES, chance.randrange(len(QUEUES)))
        overflow = {"full_waiting": 2, "full_then": ToQueue("hall"), "whisper": "taxes" in whispering}
        centre.queue("taxes", needs={"taxes": 2}, wrap_up_s=wrap_up_s, recording=taxes, **overflow, **back)
        then = chance.choice([ToVoicemail("hall"), ToStep("main")])
        hall_picks = chance.choice([Pick.LONGEST_IDLE, Pick.RING_ALL])
        hall_rules = {"longest_wait_s": 120.0, "longest_wait_then": then, "recording": hall, "pick": hall_picks}
        centre.queue("hall", whisper="hall" in whispering, **hall_rules)
        registry = {"full_waiting": 4, "full_then": SendToHangUp(), "dialled": "93"}
        centre.queue("registry", needs={"registry": 1}, sites=("roma",), **registry)
        opening = Opening(
            after_s=chance.choice([None, 5.0, 20.0]),
            waiting_over=chance.choice([None, 1]),
            nobody_at=chance.choice([None, "laquila"]),
            back_after_s=chance.choice([0.0, 15.0]),
        )
        roma = SiteRules("roma", opening, chance.choice([None, 1]), chance.choice([0, 1]))
        relaxed = chance.choice([(), (Relax(10.0, {"taxes": 1}), Relax(30.0, {}))])
        pick = chance.choice(list(Pick))
        centre.roster(pauses={"1": PauseReason({"it": "pranzo"}, longest_s=chance.choice([None, 60.0]))})
        starts = (HeadStart(40.0, nth_call_today=2), HeadStart(25.0, open_case=True))
        centre.open_cases = {("+39055222", "civil"), ("+39055222", "055055")}
        within_s = chance.choice([8.0, 30.0])
        centre.office("city/experts", "registry", answer_within_s=within_s, dialled="91")
        centre.office("city/desk", phone=OFFICE_PHONE, dialled="92")
        centre.office("city/both", "civil", OFFICE_PHONE, answer_within_s=within_s)
        rules = {"relax": relaxed, "pick": pick, "head_starts": starts, "whisper": "civil" in whispering, **back}
        centre.queue("civil", needs={"taxes": 2}, sites=("laquila", roma), **rules)
        keys = {
            "1": Key("taxes"),
            "2": Key("registry"),
            "3": Key("note"),
            "4": Key("bye"),
            "5": Key("civil"),
            "6": Key("experts"),
            "7": Key("both"),
            "9": Key("main", "en"),
        }
        steps: list[Step] = [
            Say("welcome", words({"it": "Benvenuti.", "en": "Welcome."}), "main"),
            Menu("main", words({"it": "Premi.", "en": "Press."}), keys, "hall", tries=2),
            *(Queue(name, name) for name in QUEUES),
            Transfer("experts", "city/experts", "", "hall", queue="registry", answer_within_s=within_s),
            Transfer("both", "city/both", OFFICE_PHONE, "taxes", queue="civil", answer_within_s=within_s),
            Voicemail("note", "hall", words({"it": "Dica.", "en": "Speak."}), 20.0),
            HangUp("bye", words({"it": "Ciao."})),
        ]
        for name in ("055055", *QUEUES):
            first = [step for step in steps if step.name == name]
            centre.service(dialplan(name, [*first, *(step for step in steps if step.name != name)], LANGUAGES))
        for name, (skills, languages, site) in AGENTS.items():
            centre.agent(name, skills=skills, languages=languages, site=site)
            centre.number(name, str(len(centre.agents)))
            centre.clock.advance(chance.choice([0.0, 1.0]))
        sites, queues = chance.choice([(), ("laquila",)]), chance.choice([(), ("hall", "civil")])
        centre.supervisor("sara", sites=sites, queues=queues)

    def live(self) -> None:
        weights, things = zip(*self.things, strict=True)
        for n, thing in enumerate(self.chance.choices(things, weights, k=STEPS)):
            thing()
            if n % REPLAY_EVERY == 0:
                self.replay.check()
        self.replay.check()

    def live_busily(self) -> None:
        """At least so many calls, and so many things that agents do, in whatever order."""
        weights, things = zip(*self.things, strict=True)
        staff = {thing for _, thing in self.staff}
        while self.calls < CALLS or self.actions < ACTIONS:
            (thing,) = self.chance.choices(things, weights)
            self.actions += thing in staff
            thing()
        self.replay.check()

    # --- what may happen

    def time_passes(self) -> None:
        self.centre.clock.advance(self.chance.choice([0.0, 0.5, 1.0, 3.0, 5.0, 8.0, 20.0, 35.0]))

    def somebody_calls(self) -> None:
        self.calls += 1
        number = self.chance.choice(["055055", "055055", "0559999", *QUEUES])
        caller = CallerId(self.chance.choice(["", "055111", "+39055222", CITIZEN]), "")
        self.centre.call(f"c{self.calls}", number=number, caller=caller)

    def a_caller_presses(self) -> None:
        if call := self._some(self._callers()):
            self.centre.press(call, self.chance.choice("12345669#7"))

    def a_caller_hangs_up(self) -> None:
        if call := self._some(self._callers()):
            self.centre.hang_up(call)

    def somebody_wants_to_be_called_back(self) -> None:
        self.calls += 1
        call = f"c{self.calls}"
        self.centre.call(call, number=self.chance.choice(["taxes", "civil"]), caller=CallerId(CITIZEN, ""))
        for key in "61":
            if call in self._callers():
                self.centre.press(call, key)
        if call in self._callers() and self.chance.random() < 0.5:
            self.centre.hang_up(call)

    def an_agent_picks_up(self) -> None:
        if agent := self._some(self.centre.ringing_now()):
            self.centre.pick_up(agent)

    def an_agent_turns_away(self) -> None:
        if agent := self._some(self.centre.ringing_now()):
            self.centre.turn_away(agent, self.chance.choice(TURNED_AWAY))

    def an_agent_picks_up_and_puts_down_at_once(self) -> None:
        """The engine hears of both at once."""
        if agent := self._some(self.centre.ringing_now()):
            self.centre.held_back = True
            self.centre.pick_up(agent)
            self.centre.put_down(agent)
            self.centre.held_back = False
            self.centre.settle()

    def an_agent_puts_down(self) -> None:
        if agent := self._some(self.centre.talking_now()):
            self.centre.put_down(agent)

    def an_agent_who_hears_who_calls_does_not_wait(self) -> None:
        hears = [call.leg for call in self.centre.house.calls.values() if call.state is CallState.WHISPERING]
        if (leg := self._some(hears)) in self.centre.line.truth.legs:
            self.chance.choice([self.centre.hang_up, lambda leg: self.centre.press(leg, "1")])(leg)

    def an_agent_chooses(self) -> None:
        agent, wish = self.chance.choice(list(AGENTS)), self.chance.choice([*Wish, Wish.READY, Wish.SIGN_IN])
        before = len(self.centre.entries)
        try:
            self.centre.choose(agent, wish, reason=self.chance.choice(["", "1", "lunch"]))
        except Refused:
            assert len(self.centre.entries) == before

    def an_agent_says_what_it_was(self) -> None:
        """Of a call that goes on, of one that is over, or of one that never was."""
        kind, level = self.chance.choice([*Kind, ""]), self.chance.choice(list(Level))
        call, before = (
            self._some({*self.centre.house.calls, *self.centre.house.ended}) or "c0",
            len(self.centre.entries),
        )
        try:
            said = ev.CallDisposed(call=call, agent=self.chance.choice(list(AGENTS)), kind=kind, level=level, by="test")
            self.centre.switchboard.dispositions.dispose(said)
        except Refused:
            assert len(self.centre.entries) == before

    def an_agent_takes_longer(self) -> None:
        agent, before = self.chance.choice(list(AGENTS)), len(self.centre.entries)
        try:
            self.centre.extend_wrap_up(agent, self.chance.choice([5.0, 60.0, 600.0]))
        except Refused:
            assert len(self.centre.entries) == before

    def an_agent_dials(self) -> None:
        """A code, a colleague, or somebody outside; or whoever dialled hangs up."""
        dialled = [leg.id for leg in self.centre.line.truth.legs.values() if leg.dialled]
        if dialled and self.chance.random() < 0.5:
            self.centre.hang_up(self._some(dialled))
            return
        self.dialled += 1
        phone = phone_of(self.chance.choice(list(AGENTS)))
        self.centre.dial_from(phone, self.chance.choice(CODES_AND_NUMBERS), f"d{self.dialled}")

    def an_agent_keys_in(self) -> None:
        """In a talk: a whole command, or keys that may be part of one."""
        legs = [call.leg for call in self.centre.house.calls.values() if call.leg in self.centre.line.truth.legs]
        leg = self._some(legs)
        for key in self.chance.choice(KEYED_IN):
            if leg in self.centre.line.truth.legs:
                self.centre.press(leg, key)

    def an_agent_parks_or_fetches(self) -> None:
        parked = [call.place for call in self.centre.house.calls.values() if call.place]
        if parked and self.chance.random() < 0.6:
            self.dialled += 1
            self.centre.dial_from(phone_of(self.chance.choice(list(AGENTS))), self._some(parked), f"d{self.dialled}")
            return
        talks = [call.leg for call in self.centre.house.calls.values() if call.state is CallState.TALKING]
        leg = self._some(talks)
        for key in "#170#":
            if leg in self.centre.line.truth.legs:
                self.centre.press(leg, key)

    def an_agent_uses_the_phones_own_keys(self) -> None:
        """Hold and its end, a transfer, or a second line, and both calls joined; at any leg that is there."""
        line = self.centre.line
        leg = self._some([leg.id for leg in line.truth.legs.values() if leg.up and not leg.arrived])
        talks = self._some([call.agent for call in self.centre.house.calls.values() if call.state is CallState.TALKING])
        own = self._some(self.centre.house.own_calls) or "d0"
        if self.chance.random() < 0.4 and talks in AGENTS:
            self.dialled += 1
            self.centre.dial_from(phone_of(talks), self.chance.choice("1234"), f"d{self.dialled}")
        elif leg:
            wanted = self.chance.choice(["1", "2", "4", "81", "055123456", "899123456", ""])
            what = [(line.put_on_hold,), (line.take_off_hold,), (line.transfer, wanted)]
            how, *more = self.chance.choice([*what, *[(line.join_calls, own)] * 4])
            how(leg, *more)
            self.centre.settle()

    def a_supervisor_listens(self) -> None:
        """By code, or by command; or whoever listens presses a key, or hangs up; or answers the phone that rings."""
        there = [one for one in self.centre.house.listenings if one in self.centre.line.truth.legs]
        if there and self.chance.random() < 0.7:
            leg = self.centre.line.truth.legs[self._some(there)]
            if leg.phone and not leg.up:
                self.centre.pick_up("sara")
            elif self.chance.random() < 0.5:
                self.centre.press(leg.id, self.chance.choice("4566"))
            else:
                self.centre.hang_up(leg.id)
            return
        how = self.chance.choice([*How, How.LISTEN])
        if self.chance.random() < 0.7:
            self.dialled += 1
            code = next(code for code, its in HOW_OF.items() if its is how)
            agent = self.chance.choice(list(AGENTS))
            self.centre.dial_from(phone_of("sara"), f"{code}{self.centre.agents[agent].number}", f"d{self.dialled}")
            return
        before = len(self.centre.entries)
        try:
            self.centre.listen(self._some(self.centre.house.calls) or "c0", "sara", how)
        except Refused:
            made = [entry.event for entry in self.centre.entries[before:]]
            assert all(isinstance(event, ev.ListeningRefused) for event in made), made

    def an_agent_hands_on(self) -> None:
        talks = {call for agent, call in self.centre.talking_now().items() if agent in AGENTS}
        call = self._some(talks) or "c0"
        before = len(self.centre.entries)
        try:
            self.centre.hand_on(call, self.chance.choice(PLACES), self.chance.choice(["", "a note"]))
        except Refused:
            assert len(self.centre.entries) == before

    def a_phone_comes_or_goes(self) -> None:
        agent = self.chance.choice(list(AGENTS))
        (self.centre.unplug if self.chance.random() < 0.5 else self.centre.plug_in)(agent)

    def a_phone_is_gone_in_the_middle(self) -> None:
        """One that rings, or talks."""
        if agent := self._some({*self.centre.ringing_now(), *self.centre.talking_now()} & AGENTS.keys()):
            self.centre.unplug(agent)

    def a_site_is_held(self) -> None:
        self.centre.hold_site("civil", "roma", self.chance.choice([Held.OPEN, Held.CLOSED, Held.BY_RULE]))

    def events_are_late(self) -> None:
        """The engine hears nothing for a while; then all at once."""
        self.centre.held_back = True
        for _ in range(self.chance.randrange(1, 5)):
            self._something_at_the_phones()
        self.centre.held_back = False
        self.centre.settle()

    def the_line_is_lost(self) -> None:
        self.centre.cut_line()
        for _ in range(self.chance.randrange(5)):
            self._something_at_the_phones()
        self.centre.connect_line()

    def the_engine_dies(self) -> None:
        self.replay.check()
        self.centre.kill_engine()
        for _ in range(self.chance.randrange(5)):
            self._something_at_the_phones()
        self.centre.start_engine()
        self.replay.new_segment()

    def the_phone_system_dies(self) -> None:
        self.centre.line.restart()
        self.centre.settle()

    def a_join_will_fail(self) -> None:
        self.centre.line.joins_that_fail = 1

    def everything_is_told_twice(self) -> None:
        self.centre.times_told = 3 - self.centre.times_told

    def _something_at_the_phones(self) -> None:
        self.chance.choice(
            [
                self.time_passes,
                self.somebody_calls,
                self.a_caller_presses,
                self.a_caller_hangs_up,
                self.an_agent_picks_up,
                self.an_agent_turns_away,
                self.an_agent_puts_down,
                self.an_agent_hands_on,
                self.an_agent_dials,
                self.a_supervisor_listens,
            ]
        )()

    # --- rules

    def look_at_the_order(self, floor: Floor, offered: WaitingCall, agent: AgentOnFloor) -> None:
        """Whoever is offered to an agent came before all others who wait, at that moment, for somebody like them."""
        for other in floor.calls.values():
            is_there = (
                other.is_call_back or other.id in self.centre.line.truth.legs
            )  # a caller who left is taken off right after
            waits = not other.legs and is_there
            if not waits or other.place >= offered.place or agent.profile.id not in floor.able_for(other.id):
                continue
            if not floor.sites_of(other.queue)[agent.profile.site].rules.is_limited:
                n = len(self.centre.entries)
                self.out_of_order.append(f"{n}: {offered.id} before {other.id}")  # raising would break the house

    def end(self) -> None:
        """Nobody calls any more. Half of the days callers give up; on the others each must be led to an end."""
        centre = self.centre
        for leg in [leg.id for leg in centre.line.truth.legs.values() if leg.dialled]:
            if leg in centre.line.truth.legs:
                centre.hang_up(leg)
        for agent in AGENTS:
            centre.plug_in(agent)
            for wish in (Wish.SIGN_IN, Wish.READY):
                self._try(agent, wish)
        for _ in range(ROUNDS_MAX):
            if not (centre.house.calls or centre.house.call_backs):
                break
            for agent in centre.ringing_now():
                if agent in centre.ringing_now():  # else somebody else has answered
                    centre.pick_up(agent)
            centre.clock.advance(10)
            for agent in centre.talking_now():
                if agent in centre.talking_now():  # who was called back is gone with the agent
                    centre.put_down(agent)
        assert centre.house.calls == {}
        assert centre.house.call_backs == {}
        centre.clock.advance(60)
        self.replay.check()
        self.replay.close()
        assert centre.line.truth.legs == {}
        assert {agent.doing for agent in centre.switchboard.floor.agents.values()} == {Doing.FREE}
        assert centre.house.own_calls == {}
        assert not any(agent.own_call for agent in centre.switchboard.floor.agents.values())
        assert centre.house.listenings == {}
        self._look_at_listenings()
        assert centre.house.recordings == {}
        self._look_at_recordings()
        centre.check_rings()
        self._look_at_call_backs()
        arrived = {e.event.call for e in centre.entries if isinstance(e.event, ev.CallArrived | ev.CallBackBegun)}
        assert arrived == centre.outcomes().keys()

    def _look_at_recordings(self) -> None:
        """Nobody is recorded who was not told, to the end, of the queue's key, or who has pressed it."""
        told: dict[str, str] = {}
        refused: set[str] = set()
        for entry in self.centre.entries:
            match entry.event:
                case ev.RecordingTold(call=call, key=key):
                    told[call] = key
                case ev.RecordingRefused(call=call):
                    refused.add(call)
                case ev.TalkRecordingStarted(call=call, queue=queue):
                    rules = self.centre.queues[queue].recording
                    assert rules is not None, entry
                    assert told.get(call) == rules.refuse_key, entry
                    assert call not in refused, entry

    def _look_at_listenings(self) -> None:
        """Each has one end on record, and nobody is listened to without permission."""
        legs: set[str] = set()
        sara = self.centre.configuration.roster.supervisors["sara"]
        for entry in self.centre.entries:
            match entry.event:
                case ev.SupervisorRung(leg=leg):
                    assert leg not in legs, entry
                    legs.add(leg)
                case ev.ListeningBegun(leg=leg, agent=agent):
                    legs.add(leg)
                    assert not sara.sites or AGENTS[agent][2] in sara.sites, entry
                case ev.ListeningEnded(leg=leg):
                    legs.remove(leg)
        assert legs == set()

    def _look_at_call_backs(self) -> None:
        """One attempt at a time, none after the promise was kept, and no promise forgotten."""
        attempts: dict[str, str] = {}  # by the call in which it was promised, that goes on
        over: set[str] = set()
        promised: set[str] = set()
        for entry in self.centre.entries:
            match entry.event:
                case ev.CallBackPromised(call=call):
                    promised.add(call)
                case ev.TalkStarted(call=call) | ev.OfficeAnswered(call=call):
                    promised.discard(call)  # they talked after all
        for entry in self.centre.entries:
            match entry.event:
                case ev.CallBackBegun(of=of, call=call):
                    assert of in promised - over - attempts.keys(), entry
                    attempts[of] = call
                case ev.CallEnded(call=call):
                    attempts = {of: attempt for of, attempt in attempts.items() if attempt != call}
                case ev.CallBackOver(call=call):
                    assert call in promised - over, entry
                    over.add(call)
        assert over == promised

    def _try(self, agent: str, wish: Wish) -> None:
        try:
            self.centre.choose(agent, wish)
        except Refused:
            return  # that is what the agent is already

    def _callers(self) -> list[str]:
        return [leg.id for leg in self.centre.line.truth.legs.values() if leg.arrived]

    def _some(self, names: object) -> str:
        return self.chance.choice(sorted(names) or [""])  # type: ignore[call-overload, no-any-return]


@pytest.fixture
def faults() -> Iterator[list[str]]:
    heard, log = Faults(), logging.getLogger("centralino")
    log.addHandler(heard)
    yield heard.said
    log.removeHandler(heard)


@pytest.fixture
def day(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Day]:
    """Each offer is looked at, too."""
    day = Day(seed, tmp_path)
    ring = Floor._ring

    def looked_at(floor: Floor, call: WaitingCall, agent: AgentOnFloor, now_s: float) -> Offer:
        day.look_at_the_order(floor, call, agent)
        return ring(floor, call, agent, now_s)

    monkeypatch.setattr(Floor, "_ring", looked_at)
    yield day
    day.centre.people.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_day_keeps_all_rules_and_every_caller_ends_somewhere(day: Day, faults: list[str]) -> None:
    day.live()
    day.end()
    assert faults == []
    assert day.out_of_order == []


@pytest.mark.parametrize("seed", BUSY_SEEDS)
def test_two_hundred_calls_and_two_hundred_things_that_agents_do(day: Day, faults: list[str]) -> None:
    day.live_busily()
    day.end()
    assert faults == []
    assert day.out_of_order == []
