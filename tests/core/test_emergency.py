"""An emergency: a notice before the menu, the number open around the clock, until somebody or the clock ends it."""

import pytest

from acd.goto import ToQueue
from acd.rules import Opening, SiteRules
from acd.sites import Held
from centralino.events import EmergencyStarted
from centralino.state import CallState
from ivr.hours import read_hours
from ivr.menu import Dialplan, Key, Menu, Queue, Voicemail
from ivr.prompts import words
from tests.contact_centre import ContactCentre

NEVER = read_hours({"mon-sun": "closed"})[0]
STEPS = [
    Menu("main", words({"it": "Premi 1.", "en": "Press 1."}), {"1": Key("hall")}, "hall"),
    Queue("hall", "hall"),
    Voicemail("night", "hall", words({"it": "Chiuso.", "en": "Closed."})),
]


@pytest.fixture
def line(floor: ContactCentre) -> ContactCentre:
    by_name = {step.name: step for step in STEPS}
    floor.service(Dialplan("8", "", ("it", "en"), "main", by_name, hours=NEVER, closed="night"))
    return floor


def begin(line: ContactCentre, *, opens: bool = False, until_s: float = 0.0) -> None:
    say = {"it": "Terremoto.", "en": "Earthquake."}
    line.switchboard.begin_emergency(EmergencyStarted(service="8", say=say, opens=opens, until_s=until_s, by="ana"))


def test_callers_hear_the_notice_first_and_then_what_they_would_have_heard(line: ContactCentre) -> None:
    begin(line)
    line.call("c1", number="8")
    assert line.hears("c1") == "Terremoto."
    line.clock.advance(2)
    assert line.hears("c1").startswith("Chiuso.")


def test_an_opened_number_leads_callers_as_if_it_were_open(line: ContactCentre) -> None:
    begin(line, opens=True)
    line.call("c1", number="8")
    line.press("c1", "1")
    assert line.now("c1").state is CallState.QUEUED, "who knows the key need not hear the notice out"


def test_an_emergency_that_opens_the_number_opens_the_second_hall_too(line: ContactCentre) -> None:
    line.queue("civil", sites=("laquila", SiteRules("roma", Opening(back_after_s=60.0))))
    line.queue("hall", full_waiting=9, full_then=ToQueue("civil"))
    begin(line, opens=False)
    assert line.open_sites("civil") == ["laquila"]
    begin(line, opens=True)
    assert line.open_sites("civil") == ["laquila", "roma"], "also where calls only come by way of another queue"
    line.restart_engine()
    assert line.switchboard.end_emergency("8", "bo", "it was ended")
    line.clock.advance(60)
    assert line.open_sites("civil") == ["laquila"]


def test_the_end_of_an_emergency_leaves_alone_what_a_supervisor_opened(line: ContactCentre) -> None:
    line.queue("civil", sites=("laquila", SiteRules("roma", Opening(back_after_s=60.0))))
    line.queue("hall", full_waiting=9, full_then=ToQueue("civil"))
    begin(line, opens=True)
    line.hold_site("civil", "roma", Held.OPEN)
    line.switchboard.end_emergency("8", "bo", "it was ended")
    line.clock.advance(60)
    assert line.open_sites("civil") == ["laquila", "roma"]


def test_an_emergency_survives_the_engine_and_ends_by_hand(line: ContactCentre) -> None:
    begin(line, opens=True)
    line.restart_engine()
    line.call("c1", number="8")
    assert line.hears("c1") == "Terremoto."
    assert line.switchboard.end_emergency("8", "bo", "it was ended")
    assert not line.switchboard.end_emergency("8", "bo", "it was ended")
    line.call("c2", number="8")
    assert line.hears("c2").startswith("Chiuso.")


@pytest.mark.parametrize("restarts", [False, True])
def test_an_emergency_ends_at_its_time(line: ContactCentre, restarts: bool) -> None:
    begin(line, until_s=line.clock.now_s() + 3600)
    if restarts:
        line.restart_engine()
    line.clock.advance(3599)
    assert line.house.emergencies
    line.clock.advance(1)
    assert not line.house.emergencies


def test_a_call_that_hears_the_notice_when_it_ends_goes_on_after_a_restart(line: ContactCentre) -> None:
    begin(line)
    line.call("c1", number="8")
    line.switchboard.end_emergency("8", "bo", "it was ended")
    line.restart_engine()
    assert line.hears("c1").startswith("Chiuso.")


def test_a_notice_in_one_language_is_said_in_it_to_all(line: ContactCentre) -> None:
    line.switchboard.begin_emergency(EmergencyStarted(service="8", say={"en": "Earthquake."}, by="ana"))
    line.call("c1", number="8")
    assert line.hears("c1") == "Earthquake."
