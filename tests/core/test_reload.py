"""Another configuration comes into force while calls go on."""

from dataclasses import replace

import pytest

from acd.goto import ToStep
from agents.state import Chosen, Wish
from asterisk.fake import FakeTelephony
from asterisk.port import Telephony
from centralino.call_states import CallState
from centralino.settings import Configuration
from centralino.signing import LEFT_THE_YAML
from ivr.menu import HangUp, Key, Menu, Queue
from ivr.prompts import words
from supervision.live import LiveView
from tests.contact_centre import ContactCentre, dialplan, phone_of

OLD = [Menu("main", words({"it": "Vecchio."}), {"1": Key("wait")}, "wait"), Queue("wait", "hall")]
NEW = [Menu("main", words({"it": "Nuovo."}), {"1": Key("bye")}, "bye"), HangUp("bye", words({"it": "Ciao."}))]


def without_queue(floor: ContactCentre, name: str) -> Configuration:
    """The configuration as it is, with the new menu and without one queue."""
    old = floor.configuration
    queues = {queue: rules for queue, rules in floor.queues.items() if queue != name}
    return replace(old, dialplans={"1": dialplan("1", NEW)}, rules=replace(old.rules, queues=queues))


@pytest.fixture
def line(floor: ContactCentre) -> ContactCentre:
    floor.service(dialplan("1", OLD))
    floor.switchboard.adopt(1, replace(floor.configuration, dialplans=dict(floor.dialplans)))
    return floor


def test_new_calls_follow_the_new_menu_and_those_in_progress_the_one_they_began_in(line: ContactCentre) -> None:
    line.call("c1", number="1")
    line.switchboard.adopt(2, without_queue(line, "none"))
    line.call("c2", number="1")
    assert (line.hears("c1"), line.hears("c2")) == ("Vecchio.", "Nuovo.")
    line.press("c1", "1")
    line.press("c2", "1")
    assert line.now("c1").state is CallState.QUEUED
    assert line.hears("c2") == "Ciao."


def test_a_queue_that_is_gone_serves_those_who_wait_in_it_or_come_to_it_by_the_old_menu(line: ContactCentre) -> None:
    line.call("waits", number="1")
    line.press("waits", "1")
    line.clock.advance(1)
    line.call("chooses", number="1")
    line.switchboard.adopt(2, without_queue(line, "hall"))
    line.press("chooses", "1")
    assert line.waiting_in() == ["waits", "chooses"]
    line.agent("ana")
    assert line.ringing_now() == {"ana": "waits"}


def test_a_call_sent_on_by_a_queue_comes_to_a_step_of_its_own_dialplan(line: ContactCentre) -> None:
    line.queue("hall", longest_wait_s=60.0, longest_wait_then=ToStep("main"))
    line.service(dialplan("1", OLD))
    line.switchboard.adopt(2, replace(line.configuration, dialplans=dict(line.dialplans)))
    line.call("c1", number="1")
    line.press("c1", "1")
    line.switchboard.adopt(3, without_queue(line, "none"))
    line.clock.advance(61)
    assert line.hears("c1") == "Vecchio."


def test_agents_who_left_the_roster_are_offered_nothing_more_and_talks_go_on(line: ContactCentre) -> None:
    line.agent("ana")
    line.agent("bo")
    line.call("c1", number="1")
    line.press("c1", "1")
    line.pick_up("ana")
    del line.agents["ana"]
    line.switchboard.adopt(2, line.configuration)
    line.call("c2", "hall")
    assert line.talking_now() == {"ana": "c1"}
    assert line.ringing_now() == {"bo": "c2"}
    line.put_down("ana")
    assert "c1" in line.outcomes()


def test_the_phone_system_is_asked_nothing_by_a_reload(line: ContactCentre, monkeypatch: pytest.MonkeyPatch) -> None:
    line.call("c1", number="1")
    line.agent("ana")
    line.call("c2", "hall")
    line.pick_up("ana")
    asked: list[str] = []
    for name in (name for name, method in vars(Telephony).items() if callable(method) and not name.startswith("_")):
        monkeypatch.setattr(FakeTelephony, name, lambda *args, name=name: asked.append(name))
    line.switchboard.adopt(2, without_queue(line, "none"))
    line.clock.advance(0)
    assert asked == []


def test_a_reload_of_a_thousand_agents_tells_of_those_who_changed(line: ContactCentre) -> None:
    line.held_back = True  # the house is held against its rules once, at the end
    for nth in range(1000):
        line.agent(f"a{nth}")
    line.held_back = False
    line.settle()
    line.call("c1", number="1")
    live = LiveView(line.house, line.switchboard.floor, dict(line.agents), lambda person: ("", ""))
    live.changes()
    entries = len(line.entries)
    changed = {**line.agents, "a7": replace(line.agents["a7"], name="Zoe")}
    roster = replace(line.configuration.roster, agents=changed)
    line.switchboard.adopt(2, replace(line.configuration, roster=roster))
    live.adopt(changed)
    told = live.changes()
    assert (told["agents"].keys(), told["calls"].keys()) == ({"a7"}, set())
    assert told["agents"]["a7"]["name"] == "Zoe"
    assert len(line.entries) == entries, "nothing has happened to anybody"


def loaded_without(line: ContactCentre, *, agent: str = "", phone: str = "") -> None:
    line.agents.pop(agent, None)
    line.phones.pop(phone, None)
    line.switchboard.adopt(2, line.configuration)


def test_where_somebody_sat_who_left_the_roster_others_sign_in_and_call_by_their_phone(line: ContactCentre) -> None:
    line.agent("ana")
    line.agent("bo")
    line.agents["bo"] = replace(line.agents["bo"], phone=None, number="1002", pin="4711")
    line.choose("bo", Wish.SIGN_OUT)
    loaded_without(line, agent="ana")
    line.dial_from(phone_of("ana"), "*451002")
    line.clock.advance(3)
    for key in "4711#":
        line.press("d1", key)
    assert line.house.agent("bo").phone == phone_of("ana")
    line.hang_up("d1")
    line.dial_from(phone_of("ana"), "0552345678", "d2")
    line.call("c1", "hall")
    assert "ana" not in line.ringing_now(), "no queue's call rings beside the one that was dialled there"


def test_an_agent_whose_phone_left_the_yaml_can_sign_in_at_another(line: ContactCentre) -> None:
    line.agent("ana")
    line.agent("bo")
    line.choose("bo", Wish.SIGN_OUT)
    loaded_without(line, phone=phone_of("ana"))
    assert line.house.agent("ana").reason == LEFT_THE_YAML
    line.choose("ana", Wish.SIGN_IN, phone=phone_of("bo"))
    line.call("c1", "hall")
    assert line.ringing_now() == {"bo": "c1"}


def test_who_left_the_yaml_while_the_engine_was_down_is_signed_out_and_their_talk_goes_on(line: ContactCentre) -> None:
    line.agent("ana")
    line.call("c1", "hall")
    line.pick_up("ana")
    line.kill_engine()
    del line.agents["ana"]
    line.start_engine()
    assert line.house.agent("ana").chosen is Chosen.SIGNED_OUT
    assert line.talking_now() == {"ana": "c1"}
    line.hang_up("c1")
    assert "c1" in line.outcomes()
