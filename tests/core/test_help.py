"""An agent asks for help in a talk: all supervisors who may hear it are rung, and the first who answers is with it."""

import pytest

from agents.spoken import Spoken
from asterisk.port import Digit, Overhear
from centralino import events as ev
from centralino.help import ANOTHER_CAME, NOBODY_CAME, NOBODY_THERE
from centralino.listening import RINGS_FOR_S
from supervision.live import LiveView
from tests.contact_centre import ContactCentre, phone_of

ANA = "c1-leg1"


@pytest.fixture
def talk(floor: ContactCentre) -> ContactCentre:
    """Ana talks; Carla and Dino may listen to her, Ezio listens to another site's agents only."""
    floor.agent("ana")
    for name in ("carla", "dino"):
        floor.supervisor(name)
    floor.supervisor("ezio", sites=("roma",))
    floor.call("c1")
    floor.pick_up("ana")
    return floor


def ask(talk: ContactCentre) -> None:
    for key in "*0":
        talk.press(ANA, key)


def said(what: Spoken) -> str:
    return what.prompt("it").text


def over(talk: ContactCentre) -> list[str]:
    return [event.why for event in talk.trail("c1") if isinstance(event, ev.HelpOver)]


def asks(talk: ContactCentre) -> bool:
    agents = dict(talk.configuration.roster.agents)
    view = LiveView(talk.house, talk.switchboard.floor, agents, lambda person: ("", ""))
    return bool(view.agent("ana")["asks_for_help"])


def test_all_who_may_hear_it_are_rung_and_the_agent_alone_is_told(talk: ContactCentre) -> None:
    ask(talk)
    assert {one.supervisor for one in talk.house.listenings.values()} == {"carla", "dino"}
    assert talk.line.said_aside[-1] == (ANA, said(Spoken.HELP_IS_CALLED))
    assert asks(talk)
    assert not [event for event in talk.trail("c1") if isinstance(event, ev.ListeningRefused)]


def test_who_answers_first_hears_the_talk_and_the_others_ring_no_more(talk: ContactCentre) -> None:
    ask(talk)
    talk.pick_up("carla")
    [one] = talk.house.listenings.values()
    assert (one.supervisor, one.how) == ("carla", Overhear.LISTEN)
    assert talk.line.leg_at(phone_of("dino")) is None
    assert over(talk) == ["carla came"]
    assert [e.why for e in talk.trail("c1") if isinstance(e, ev.ListeningEnded)] == [ANOTHER_CAME]
    assert not asks(talk)


def test_where_nobody_answers_the_agent_is_told_and_may_ask_again(talk: ContactCentre) -> None:
    ask(talk)
    talk.clock.advance(RINGS_FOR_S + 1)
    assert over(talk) == [NOBODY_CAME]
    assert talk.line.said_aside[-1] == (ANA, said(Spoken.NO_HELP))
    assert not asks(talk)
    ask(talk)
    assert asks(talk)


def test_where_nobody_can_be_rung_the_agent_is_told_at_once(talk: ContactCentre) -> None:
    for name in ("carla", "dino"):
        talk.unplug(name)
    ask(talk)
    assert over(talk) == [NOBODY_THERE]
    assert talk.line.said_aside[-1] == (ANA, said(Spoken.NO_HELP))


def test_a_supervisor_who_comes_by_themselves_is_there_too(talk: ContactCentre) -> None:
    talk.number("ana", "1001")
    ask(talk)
    talk.dial_from(phone_of("carla"), "*901001")
    assert over(talk) == ["carla came"]
    assert talk.line.leg_at(phone_of("dino")) is None
    ask(talk)
    assert talk.line.said_aside[-1] == (ANA, said(Spoken.HELP_IS_HERE))
    assert talk.count(ev.HelpAsked) == 1


def test_a_fault_in_looking_after_it_ends_nobodys_call(talk: ContactCentre, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise KeyError("c0")

    monkeypatch.setattr(talk.switchboard.help, "look", broken)
    talk.switchboard.handle(Digit("c1", "5"))
    assert talk.now("c1").agent == "ana"
    [fault] = talk.faults.said
    assert "could not be looked at" in fault
    talk.faults.said.clear()


def test_asked_twice_nobody_is_rung_twice(talk: ContactCentre) -> None:
    ask(talk)
    ask(talk)
    assert len(talk.house.listenings) == 2
    assert talk.count(ev.HelpAsked) == 1


@pytest.mark.parametrize("who", ["c1", ANA])
def test_the_end_of_the_talk_ends_it(talk: ContactCentre, who: str) -> None:
    ask(talk)
    talk.hang_up(who)
    assert talk.house.asking_for_help == {}
    assert talk.house.listenings == {}
    assert talk.line.truth.legs == {}


def test_it_outlives_the_engine(talk: ContactCentre) -> None:
    ask(talk)
    talk.restart_engine()
    assert asks(talk)
    talk.pick_up("dino")
    assert over(talk) == ["dino came"]
    assert [one.supervisor for one in talk.house.listenings.values()] == ["dino"]
