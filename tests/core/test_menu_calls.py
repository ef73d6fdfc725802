"""What steps beyond the plain menu make of a call: offices, call-backs, cases, answers, entities, across restarts."""

from datetime import date
from pathlib import Path

import pytest

from asterisk.port import CallerId
from centralino import events as ev
from centralino.call_states import CallState
from centralino.events import Outcome
from ivr.menu import Ask, Branch, CallBack, CaseStatus, Choose, Dialplan, Key, Menu, Queue, Transfer, WaitingOver
from ivr.prompts import words
from ivr.sentences import Sentence
from ivr.situation import CaseStanding
from tests.contact_centre import ContactCentre, dialplan, said

OFFICE = "+39055759"
STANDING = CaseStanding(True, date(2026, 11, 3))


@pytest.fixture
def line(tmp_path: Path) -> ContactCentre:
    centre = ContactCentre(tmp_path)
    steps = [
        Menu(
            "main",
            words({"it": "Premi."}),
            {"1": Key("office", entity="florence"), "2": Key("back"), "3": Key("case"), "4": Key("code")},
            "hall",
        ),
        Transfer("office", "florence/registry", OFFICE, "hall"),
        CallBack("back", "hall", "hall"),
        CaseStatus("case", then="main", otherwise="hall"),
        Ask("code", words({"it": "Codice?"}), "code", 3, 3, "hall", "hall"),
        Queue("hall", "hall"),
    ]
    centre.service(dialplan("1", steps))
    centre.line.plug_in(OFFICE)
    centre.settle()
    return centre


def office_picks_up(line: ContactCentre) -> None:
    line.line.pick_up(OFFICE)
    line.settle()


def test_a_call_is_led_to_an_office_that_answers(line: ContactCentre) -> None:
    line.call("c1", number="1")
    line.press("c1", "1")
    assert line.now("c1").state is CallState.TRANSFERRING
    assert line.hears("c1") == "music"
    assert line.line.shown[OFFICE] == CallerId("1", "1: +39055123456")
    office_picks_up(line)
    assert line.now("c1").state is CallState.TRANSFERRED
    leg = line.line.leg_at(OFFICE)
    assert leg is not None
    assert leg.talks_in == "c1"
    line.line.put_down(leg.id)
    line.settle()
    assert line.outcomes() == {"c1": Outcome.TRANSFERRED}
    assert not line.line.truth.legs


def test_a_talk_with_an_office_may_last(line: ContactCentre) -> None:
    line.call("c1", number="1")
    line.press("c1", "1")
    office_picks_up(line)
    line.clock.advance(600)
    assert line.now("c1").state is CallState.TRANSFERRED
    assert line.faults.said == []


@pytest.mark.parametrize("how", ["nobody", "turned away", "no such number"])
def test_where_an_office_does_not_take_the_call_it_goes_on_in_the_menu(line: ContactCentre, how: str) -> None:
    if how == "no such number":
        line.line.unplug(OFFICE)
    line.call("c1", number="1")
    line.press("c1", "1")
    if how == "nobody":
        line.clock.advance(31)
    elif how == "turned away":
        line.line.turn_away(OFFICE)
        line.settle()
    assert line.waiting_in() == ["c1"]
    assert line.now("c1").entity == "florence"
    assert line.line.leg_at(OFFICE) is None


def test_an_office_is_rung_through_the_first_carrier_that_takes_the_call(line: ContactCentre) -> None:
    line.line.carriers_that_refuse.add("first")
    line.call("c1", number="1")
    line.press("c1", "1")
    office_picks_up(line)
    assert line.line.rung_through == [("second", OFFICE)]
    assert line.now("c1").state is CallState.TRANSFERRED


def test_where_no_carrier_takes_the_call_it_goes_on_in_the_menu(line: ContactCentre) -> None:
    line.line.carriers_that_refuse |= {"first", "second"}
    line.call("c1", number="1")
    line.press("c1", "1")
    assert line.waiting_in() == ["c1"]


def test_an_office_sees_a_number_of_its_entity_and_by_its_name_who_calls(line: ContactCentre) -> None:
    line.configuration.settings.outgoing.caller_ids["florence"] = "0552768"  # type: ignore[index]
    line.call("c1", number="1", caller=CallerId("+39055123456", "Rossi"))
    line.press("c1", "1")
    assert line.line.shown[OFFICE] == CallerId("0552768", "1: +39055123456 Rossi")


def test_an_office_that_may_not_be_called_is_not_and_the_refusal_names_it(
    line: ContactCentre, caplog: pytest.LogCaptureFixture
) -> None:
    premium = "+39899123456"
    line.service(dialplan("2", [Transfer("office", "florence/registry", premium, "hall"), Queue("hall", "hall")]))
    line.line.plug_in(premium)
    line.settle()
    line.call("c1", number="2")
    assert line.line.rung_through == []
    assert line.waiting_in() == ["c1"]
    assert f"{premium} is not called: it is a premium or special number" in caplog.text
    [away] = [entry.event for entry in line.entries if isinstance(entry.event, ev.OfficeAway)]
    assert away.why == "it is a premium or special number"


def test_an_office_whose_end_is_never_told_is_given_up(line: ContactCentre) -> None:
    line.call("c1", number="1")
    line.held_back = True
    line.line.press("c1", "1")
    line.line.deliver()
    line.line._untold.clear()
    line.clock.advance(34)
    line.line._untold.clear()
    assert line.now("c1").state is CallState.TRANSFERRING
    line.clock.advance(2)
    assert line.now("c1").state is CallState.QUEUED


def test_a_caller_who_gives_up_while_an_office_rings_stops_it(line: ContactCentre) -> None:
    line.call("c1", number="1")
    line.press("c1", "1")
    line.hang_up("c1")
    assert line.line.leg_at(OFFICE) is None
    assert line.outcomes() == {"c1": Outcome.ENDED_IN_MENU}


def test_a_caller_who_hangs_up_lets_the_office_go(line: ContactCentre) -> None:
    line.call("c1", number="1")
    line.press("c1", "1")
    office_picks_up(line)
    line.hang_up("c1")
    assert not line.line.truth.legs
    assert [e.by for e in line.trail("c1") if isinstance(e, ev.OfficeLeft)] == ["caller"]


def test_an_office_that_cannot_be_joined_is_let_go_and_the_call_ends_on_record(line: ContactCentre) -> None:
    line.call("c1", number="1")
    line.press("c1", "1")
    line.line.joins_that_fail = 1
    office_picks_up(line)
    assert line.outcomes() == {"c1": Outcome.TRANSFERRED}
    assert not line.line.truth.legs


@pytest.mark.parametrize("when", ["ringing", "answered meanwhile", "gone meanwhile", "talking", "talk over meanwhile"])
def test_a_call_with_an_office_goes_on_in_the_next_life(line: ContactCentre, when: str) -> None:
    line.call("c1", number="1")
    line.press("c1", "1")
    if when.startswith("talk"):
        office_picks_up(line)
    line.kill_engine()
    leg = line.line.leg_at(OFFICE)
    assert leg is not None
    if when == "answered meanwhile":
        line.line.pick_up(OFFICE)
    elif when.endswith("meanwhile"):
        line.line.put_down(leg.id)
    line.start_engine()
    if when == "ringing":
        line.line.turn_away(OFFICE)
        line.settle()
    match when:
        case "ringing" | "gone meanwhile":
            assert line.waiting_in() == ["c1"]
        case "answered meanwhile" | "talking":
            assert line.now("c1").state is CallState.TRANSFERRED
            assert leg.talks_in == "c1"
        case _:
            assert line.outcomes() == {"c1": Outcome.TRANSFERRED}


def test_a_call_back_is_promised_on_record_and_the_number_stands_with_the_people(line: ContactCentre) -> None:
    line.call("c1", number="1")
    line.press("c1", "2" + "2" + "3331234567#" + "1")
    promised = next(e for e in line.trail("c1") if isinstance(e, ev.CallBackPromised))
    assert line.people.who(promised.person).number == "+393331234567"
    assert line.hears("c1") == said(Sentence.CALL_BACK_PROMISED)
    line.clock.advance(3)
    assert line.outcomes() == {"c1": Outcome.CALL_BACK}


def test_what_a_caller_keys_in_is_kept_but_not_in_the_journal(line: ContactCentre) -> None:
    line.call("c1", number="1")
    line.press("c1", "4" + "357")
    kept = next(e for e in line.trail("c1") if isinstance(e, ev.AnswerKept))
    assert line.people.answer(kept.answer) == "357"
    assert not [e for e in line.trail("c1") if isinstance(e, ev.KeyPressed) and e.key in "357"]
    assert line.waiting_in() == ["c1"]


def test_a_caller_is_told_how_the_case_stands(line: ContactCentre) -> None:
    line.cases["10000426", "1234"] = STANDING
    line.call("c1", number="1")
    line.press("c1", "3" + "10000426#" + "1234")
    assert "3 novembre 2026" in line.hears("c1")
    assert line.count(ev.CaseAsked, "c1") == 1
    assert "10000426" not in str(line.trail("c1"))


def test_where_nobody_can_look_at_cases_the_caller_soon_goes_on(line: ContactCentre) -> None:
    line.knows_cases = False
    line.call("c1", number="1")
    line.press("c1", "3" + "10000426#" + "1234")
    line.clock.advance(5)
    assert line.waiting_in() == ["c1"]


def test_a_call_knows_the_entity_of_a_number_that_is_one_entitys_alone(line: ContactCentre) -> None:
    plan = line.dialplans["1"]
    line.service(Dialplan("2", "two", ("it",), plan.start, plan.steps, entity="florence"))
    line.call("c1", number="2")
    assert line.now("c1").entity == "florence"


def test_a_choice_sees_the_queue_as_it_is(line: ContactCentre) -> None:
    busy = Choose("busy", (Branch("other", (WaitingOver("hall", 1),)),), "hall")
    line.queue("other")
    line.service(dialplan("3", [busy, Queue("hall", "hall"), Queue("other", "other")]))
    for call in ("c1", "c2", "c3"):
        line.call(call, number="3")
    assert (line.waiting_in("hall"), line.waiting_in("other")) == (["c1", "c2"], ["c3"])


def test_the_expected_wait_is_known_once_some_calls_were_handled(line: ContactCentre) -> None:
    line.agent("ana")
    queue = line.switchboard.dispatcher.queue_now
    assert queue("hall", "it").expected_wait_s is None
    for nth in range(5):
        line.call(f"c{nth}")
        line.pick_up("ana")
        line.clock.advance(90)
        line.put_down("ana")
        line.clock.advance(40)
    assert queue("hall", "it").expected_wait_s == 0, "ana is free"
    line.call("c5")
    line.pick_up("ana")
    assert queue("hall", "it").expected_wait_s == pytest.approx(90 + 30)


def test_who_paused_is_signed_in_all_the_same(line: ContactCentre) -> None:
    queue = line.switchboard.dispatcher.queue_now
    assert queue("hall", "it").signed_in == 0
    line.agent("ana")
    assert queue("hall", "it").signed_in == 1


def test_an_office_leg_that_outlives_its_call_is_swept(line: ContactCentre) -> None:
    line.call("c1", number="1")
    line.press("c1", "1")
    line.cut_line()
    line.line.truth.legs.pop("c1")
    line.connect_line()
    assert not line.line.truth.legs
    assert line.outcomes() == {"c1": Outcome.ENDED_IN_MENU}
