"""What an agent does with a talk by the phone's own keys: hold, transfer to a number, or to the phone's other call."""

import pytest

from acd.state import Doing
from agents.roster import PhoneSeat
from agents.state import Wish
from asterisk.port import HoldBegan, TransferEnd
from centralino import events as ev
from centralino.call_states import CallState
from centralino.events import Outcome
from centralino.outgoing import NotCalled
from centralino.phone_transfers import NO_TALK, NOT_THEIRS, OWN_NUMBER
from centralino.shown import sentence
from supervision.live import LiveView
from tests.contact_centre import ContactCentre, phone_of

OUTSIDE = "+390552345678"
ANA, BO = phone_of("ana"), phone_of("bo")
AT_ANA = "c1-leg1"
TALK = {"c1", ANA}


@pytest.fixture
def talk(floor: ContactCentre) -> ContactCentre:
    """Ana (1001) talks with the caller of c1; Bo (1002) is paused, and would take no queue's call."""
    for name, number in (("ana", "1001"), ("bo", "1002")):
        floor.agent(name)
        floor.number(name, number)
    floor.choose("bo", Wish.PAUSE)
    floor.line.plug_in(OUTSIDE)
    floor.settle()
    floor.call("c1")
    floor.pick_up("ana")
    return floor


def talkers(talk: ContactCentre) -> set[str]:
    """Who is in the talk, by phone; the caller by the call's id."""
    return {leg.phone or leg.id for leg in talk.line.truth.legs.values() if leg.talks_in == "c1"}


def transfer(talk: ContactCentre, number: str, leg: str = AT_ANA) -> None:
    talk.line.transfer(leg, number)
    talk.settle()


def ask(talk: ContactCentre, number: str = "1002") -> None:
    """Ana puts the caller on hold and calls somebody with the second line of her phone."""
    talk.line.put_on_hold(AT_ANA)
    talk.dial_from(ANA, number)


def ask_at_p104(talk: ContactCentre) -> None:
    """A phone of ours at which nobody is signed in."""
    talk.phones["p104"] = PhoneSeat("p104", "laquila")
    talk.line.plug_in("p104")
    ask(talk, "104")


def join(talk: ContactCentre, leg: str = AT_ANA, other: str = "d1") -> None:
    talk.line.join_calls(leg, other)
    talk.settle()


def told(talk: ContactCentre) -> list[tuple[str, TransferEnd]]:
    return talk.line.transfers_told


def refusals(talk: ContactCentre) -> list[str]:
    return [event.why for event in talk.trail("c1") if isinstance(event, ev.TransferRefused)]


def is_refused(talk: ContactCentre, why: str, how: TransferEnd = TransferEnd.DECLINED, leg: str = AT_ANA) -> None:
    """The phone was told so, it is on record, and Ana and the caller still have each other."""
    assert told(talk) == [(leg, how)]
    assert refusals(talk) == [why]
    assert talkers(talk) >= TALK
    assert talk.doing("ana") is Doing.TALKING


# --- hold


def hold_events(talk: ContactCentre) -> list[str]:
    return [sentence(type(e).__name__, {"agent": "ana"}) for e in talk.trail("c1") if type(e).__name__ in HOLD]


HOLD = ("CallHeld", "CallResumed")


def on_hold(talk: ContactCentre) -> bool:
    view = LiveView(talk.house, talk.switchboard.floor, talk.agents, lambda key: ("", ""))
    return bool(view.everything()["calls"]["c1"]["on_hold"])


def test_hold_is_on_record_each_way_and_shown(talk: ContactCentre) -> None:
    talk.line.put_on_hold(AT_ANA)
    talk.settle()
    assert on_hold(talk)
    talk.clock.advance(40)
    talk.line.take_off_hold(AT_ANA)
    talk.settle()
    assert not on_hold(talk)
    assert hold_events(talk) == ["ana puts the caller on hold", "ana takes the caller off hold"]
    held, resumed = (e.at_s for e in talk.entries if isinstance(e.event, ev.CallHeld | ev.CallResumed))
    assert resumed - held == 40


def test_hold_told_again_and_that_of_others_is_passed_over(talk: ContactCentre) -> None:
    for leg in (AT_ANA, AT_ANA, "c1"):
        talk.line.put_on_hold(leg)
    talk.switchboard.handle(HoldBegan("nobody"))
    talk.line.take_off_hold("c1")
    talk.settle()
    assert hold_events(talk) == ["ana puts the caller on hold"]


def test_a_caller_who_hangs_up_on_hold_ends_the_call_and_the_agent_wraps_up(talk: ContactCentre) -> None:
    talk.line.put_on_hold(AT_ANA)
    talk.hang_up("c1")
    assert talk.outcomes() == {"c1": Outcome.ANSWERED}
    assert talk.doing("ana") is Doing.WRAPPING_UP
    assert talk.line.truth.legs == {}


def test_an_agent_who_hangs_up_on_hold_ends_the_call(talk: ContactCentre) -> None:
    talk.line.put_on_hold(AT_ANA)
    talk.settle()
    talk.put_down("ana")
    assert talk.outcomes() == {"c1": Outcome.ANSWERED}


def test_hold_lasts_through_a_restart_of_the_engine(talk: ContactCentre) -> None:
    talk.line.put_on_hold(AT_ANA)
    talk.settle()
    talk.restart_engine()
    assert on_hold(talk)
    talk.line.take_off_hold(AT_ANA)
    talk.settle()
    assert not on_hold(talk)
    assert talkers(talk) == TALK


def test_a_talk_with_the_next_agent_is_not_on_hold(talk: ContactCentre) -> None:
    talk.agent("cora")
    talk.line.put_on_hold(AT_ANA)
    transfer(talk, "1002")
    talk.clock.advance(talk.line.sound_s + 60)  # Bo does not answer
    talk.pick_up(*talk.ringing_now())
    assert talk.now("c1").state is CallState.TALKING
    assert not on_hold(talk)


# --- to a number


def test_a_transfer_to_a_colleague_is_what_the_keys_do(talk: ContactCentre) -> None:
    transfer(talk, "1002")
    assert told(talk) == [(AT_ANA, TransferEnd.DONE)]
    assert talk.doing("ana") is Doing.WRAPPING_UP
    assert talk.line.leg_at(ANA) is None
    talk.clock.advance(talk.line.sound_s)
    talk.pick_up("bo")
    assert talkers(talk) == {"c1", BO}
    [handed_on] = [event for event in talk.trail("c1") if isinstance(event, ev.CallHandedOn)]
    assert (handed_on.to, handed_on.by) == ("@bo", f"phone {ANA}")


def test_a_transfer_to_somebody_outside_who_may_be_called(talk: ContactCentre) -> None:
    transfer(talk, "0552345678")
    talk.clock.advance(talk.line.sound_s)
    talk.pick_up(OUTSIDE)
    assert talkers(talk) == {"c1", OUTSIDE}


def test_a_transfer_to_a_queue_by_its_number(talk: ContactCentre) -> None:
    talk.queue("taxes", needs={"taxes": 1}, dialled="81")
    talk.agent("cora", skills={"taxes": 3})
    transfer(talk, "81")
    talk.clock.advance(talk.line.sound_s)
    assert talk.ringing_now() == {"cora": "c1"}


def test_a_transfer_to_an_office_by_its_number(talk: ContactCentre) -> None:
    talk.office("comune/anagrafe", phone="+390557591", dialled="71")
    transfer(talk, "71")
    talk.clock.advance(talk.line.sound_s)
    talk.pick_up("+390557591")
    assert talkers(talk) == {"c1", "+390557591"}


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("899123456", NotCalled.COSTLY),
        ("0088213123456", NotCalled.FOREIGN),
        ("77", NotCalled.NO_NUMBER),
        ("", NotCalled.NO_NUMBER),
        ("s", NotCalled.NO_NUMBER),
        ("1001", OWN_NUMBER),
    ],
)
def test_where_a_caller_may_not_go_nobody_goes(talk: ContactCentre, number: str, why: str) -> None:
    transfer(talk, number)
    is_refused(talk, why)
    assert talk.line.rung_through == []


def test_a_refusal_names_who_was_meant_by_key_and_is_told_in_the_trail(talk: ContactCentre) -> None:
    transfer(talk, "899123456")
    [refused] = [event for event in talk.trail("c1") if isinstance(event, ev.TransferRefused)]
    assert talk.people.who(refused.person).number == "+39899123456"
    assert "899123456" not in refused.person
    assert sentence("TransferRefused", {"agent": "ana", "phone": ANA}).startswith(f"the phone {ANA} of ana may not")


def test_a_queue_that_nobody_serves_cannot_be_waited_for(talk: ContactCentre) -> None:
    talk.queue("taxes", needs={"taxes": 1}, dialled="81")
    transfer(talk, "81")
    is_refused(talk, "taxes cannot take the call: nobody is signed in for queue taxes", TransferEnd.UNAVAILABLE)


def test_while_somebody_is_asked_by_keys_the_phone_transfers_nobody(talk: ContactCentre) -> None:
    for key in "*21002#":
        talk.press(AT_ANA, key)
    talk.pick_up("bo")
    transfer(talk, "1002")
    assert [how for _, how in told(talk)] == [TransferEnd.UNAVAILABLE]
    assert talkers(talk) == {ANA, BO}
    talk.press(AT_ANA, "*")
    assert talkers(talk) == TALK


def test_after_the_code_and_before_its_number_the_phone_may_transfer(talk: ContactCentre) -> None:
    for key in "#1":
        talk.press(AT_ANA, key)
    transfer(talk, "1002")
    assert told(talk) == [(AT_ANA, TransferEnd.DONE)]
    talk.clock.advance(talk.line.sound_s)
    talk.pick_up("bo")
    assert talkers(talk) == {"c1", BO}


@pytest.mark.parametrize("leg", ["d1", "d1-leg1"])
def test_a_phone_that_talks_with_no_caller_transfers_nobody(talk: ContactCentre, leg: str) -> None:
    """As somebody would who looks for a way to call for free: in a call of their own."""
    ask(talk)
    talk.pick_up("bo")
    transfer(talk, "899123456", leg)
    assert told(talk) == [(leg, TransferEnd.DECLINED)]
    [refused] = [entry.event for entry in talk.entries if isinstance(entry.event, ev.OwnCallRefused)]
    assert (refused.phone, refused.agent, refused.why) == (
        *((ANA, "ana") if leg == "d1" else (BO, "bo")),
        NO_TALK,
    )
    assert talk.people.who(refused.person).number == "+39899123456"
    assert talk.line.rung_through == []
    assert talk.doing("ana") is Doing.TALKING


def test_of_a_leg_that_nobody_knows_a_transfer_is_refused(talk: ContactCentre) -> None:
    transfer(talk, "1002", "gone")
    assert told(talk) == [("gone", TransferEnd.DECLINED)]


def test_who_has_the_caller_from_a_colleague_may_transfer_too(talk: ContactCentre) -> None:
    transfer(talk, "1002")
    talk.clock.advance(talk.line.sound_s)
    talk.pick_up("bo")
    leg = talk.now("c1").leg
    talk.switchboard.dispatcher.wrap_up_done("ana")
    transfer(talk, "1001", leg)
    assert told(talk)[-1] == (leg, TransferEnd.DONE)
    talk.clock.advance(talk.line.sound_s)
    talk.pick_up("ana")
    assert talkers(talk) == TALK
    assert talk.doing("bo") is Doing.WRAPPING_UP


def test_a_phone_at_which_nobody_is_signed_in_transfers_nobody(talk: ContactCentre) -> None:
    ask_at_p104(talk)
    talk.line.pick_up("p104")
    talk.settle()
    join(talk)
    assert talkers(talk) == {"c1", "p104"}
    transfer(talk, "1001", "d1-leg1")
    assert told(talk)[-1] == ("d1-leg1", TransferEnd.DECLINED)
    assert talkers(talk) == {"c1", "p104"}


# --- to whom the phone's other call is with


def test_a_second_line_is_allowed_and_the_talk_goes_on(talk: ContactCentre) -> None:
    ask(talk)
    talk.pick_up("bo")
    assert talk.doing("ana") is Doing.TALKING
    talk.call("c2")
    assert talk.ringing_now() == {}
    talk.hang_up("d1")
    assert talkers(talk) == TALK
    talk.hang_up("c1")
    talk.switchboard.dispatcher.wrap_up_done("ana")
    talk.settle()
    assert talk.ringing_now() == {"ana": "c2"}


def test_a_caller_who_hangs_up_leaves_the_agent_in_the_second_line(talk: ContactCentre) -> None:
    ask(talk)
    talk.pick_up("bo")
    talk.hang_up("c1")
    assert talk.doing("ana") is Doing.WRAPPING_UP
    assert talk.line.truth.legs["d1"].talks_in == "d1"
    talk.clock.advance(60)
    talk.call("c2")
    assert talk.ringing_now() == {}, "her own call goes on"
    talk.hang_up("d1")
    assert talk.ringing_now() == {"ana": "c2"}


@pytest.mark.parametrize(("leg", "other"), [(AT_ANA, "d1"), ("d1", AT_ANA)])
def test_both_calls_joined_leave_the_caller_with_whom_was_asked(talk: ContactCentre, leg: str, other: str) -> None:
    ask(talk)
    talk.pick_up("bo")
    join(talk, leg, other)
    assert told(talk) == [(leg, TransferEnd.DONE)]
    assert talkers(talk) == {"c1", BO}
    assert (talk.now("c1").state, talk.now("c1").agent) == (CallState.TALKING, "bo")
    assert talk.doing("ana") is Doing.WRAPPING_UP
    assert talk.line.truth.legs.keys() == {"c1", "d1-leg1"}
    assert talk.house.own_calls == {}
    [transferred] = [event for event in talk.trail("c1") if isinstance(event, ev.CallTransferred)]
    assert (transferred.to, transferred.to_leg, transferred.answered) == ("@bo", "d1-leg1", True)


def test_whom_the_caller_was_left_with_ends_the_call_by_hanging_up(talk: ContactCentre) -> None:
    ask(talk)
    talk.pick_up("bo")
    join(talk)
    talk.put_down("bo")
    assert talk.outcomes() == {"c1": Outcome.ANSWERED}
    assert talk.line.truth.legs == {}


def test_a_caller_who_was_left_with_somebody_ends_the_call_by_hanging_up(talk: ContactCentre) -> None:
    ask(talk)
    talk.pick_up("bo")
    join(talk)
    talk.hang_up("c1")
    assert talk.line.truth.legs == {}
    assert talk.outcomes() == {"c1": Outcome.ANSWERED}


def test_no_queues_call_rings_at_who_was_given_the_caller_until_that_is_over(talk: ContactCentre) -> None:
    talk.choose("bo", Wish.READY)
    ask(talk)
    talk.pick_up("bo")
    join(talk)
    talk.call("c2")
    assert talk.ringing_now() == {}
    talk.put_down("bo")
    assert talk.doing("bo") is Doing.WRAPPING_UP
    talk.switchboard.dispatcher.wrap_up_done("bo")
    talk.settle()
    assert talk.ringing_now() == {"bo": "c2"}


def test_whom_the_caller_was_left_with_has_a_talk_as_any_other(talk: ContactCentre) -> None:
    """Though their leg is named for the call in which they were asked."""
    talk.agent("cora")
    talk.number("cora", "1003")
    ask(talk)
    talk.pick_up("bo")
    join(talk)
    talk.line.put_on_hold("d1-leg1")
    talk.settle()
    assert on_hold(talk)
    for key in "*21003#":
        talk.press("d1-leg1", key)
    talk.pick_up("cora")
    assert talkers(talk) == {BO, phone_of("cora")}
    talk.press("d1-leg1", "*")
    assert talkers(talk) == {"c1", BO}
    transfer(talk, "1003", "d1-leg1")
    assert told(talk)[-1] == ("d1-leg1", TransferEnd.DONE)
    assert talk.doing("bo") is Doing.WRAPPING_UP
    talk.clock.advance(talk.line.sound_s)
    talk.pick_up("cora")
    assert talkers(talk) == {"c1", phone_of("cora")}


def test_whom_the_caller_was_left_with_may_ask_on_in_the_same_way(talk: ContactCentre) -> None:
    talk.agent("cora")
    talk.number("cora", "1003")
    ask(talk)
    talk.pick_up("bo")
    join(talk)
    talk.dial_from(BO, "1003", "d2")
    talk.pick_up("cora")
    join(talk, "d1-leg1", "d2")
    assert talkers(talk) == {"c1", phone_of("cora")}
    talk.hang_up("c1")
    assert talk.line.truth.legs == {}
    assert talk.doing("cora") is Doing.WRAPPING_UP


def test_who_is_free_after_the_wrap_up_gets_the_next_call(talk: ContactCentre) -> None:
    ask(talk)
    talk.pick_up("bo")
    join(talk)
    talk.call("c2")
    talk.clock.advance(31)
    assert talk.ringing_now() == {"ana": "c2"}


def test_joined_while_it_still_rings_the_caller_waits_with_music_for_the_answer(talk: ContactCentre) -> None:
    ask(talk)
    join(talk)
    assert told(talk) == [(AT_ANA, TransferEnd.DONE)]
    assert talk.hears("c1") == "music"
    assert talk.doing("ana") is Doing.WRAPPING_UP
    assert talk.ringing_now().keys() == {"bo"}
    talk.pick_up("bo")
    assert talkers(talk) == {"c1", BO}
    assert (talk.now("c1").state, talk.now("c1").agent) == (CallState.TALKING, "bo")


def test_joined_while_it_rings_and_nobody_answers_the_caller_comes_back_to_the_queue(talk: ContactCentre) -> None:
    ask(talk)
    join(talk)
    talk.clock.advance(60)
    assert talk.now("c1").queue == "hall"
    assert talk.ringing_now() == {"ana": "c1"}


def test_joined_with_somebody_outside_whose_number_the_journal_does_not_hold(talk: ContactCentre) -> None:
    ask(talk, "0552345678")
    talk.pick_up(OUTSIDE)
    join(talk)
    assert talkers(talk) == {"c1", OUTSIDE}
    [transferred] = [event for event in talk.trail("c1") if isinstance(event, ev.CallTransferred)]
    assert transferred.to.startswith("tel:")
    assert OUTSIDE not in transferred.to


def test_joined_with_a_phone_at_which_nobody_is_signed_in_that_does_not_answer(talk: ContactCentre) -> None:
    ask_at_p104(talk)
    join(talk)
    assert talk.ringing_now() == {"p104": "d1"}
    assert "leaves the caller with phone p104" in sentence("CallTransferred", {"to": talk.now("c1").handed_to})
    talk.clock.advance(60)
    assert talk.ringing_now() == {"ana": "c1"}


@pytest.mark.parametrize(
    ("leg", "other"), [(AT_ANA, ""), (AT_ANA, "d9"), ("d9", AT_ANA), (AT_ANA, "c2"), (AT_ANA, AT_ANA)]
)
def test_a_call_that_is_over_or_somebody_elses_is_joined_with_nothing(
    talk: ContactCentre, leg: str, other: str
) -> None:
    talk.call("c2")
    talk.dial_from(BO, "0552345678", "d9")
    talk.pick_up(OUTSIDE)
    join(talk, leg, other)
    is_refused(talk, NOT_THEIRS, leg=leg)
    assert talk.line.truth.legs["d9"].talks_in == "d9"


def test_whom_was_asked_has_hung_up_just_before(talk: ContactCentre) -> None:
    ask(talk)
    talk.pick_up("bo")
    talk.held_back = True
    talk.put_down("bo")
    talk.line.join_calls(AT_ANA, "d1")
    talk.held_back = False
    talk.settle()
    is_refused(talk, NOT_THEIRS)
    assert talk.house.own_calls == {}


def test_the_caller_has_hung_up_just_before(talk: ContactCentre) -> None:
    ask(talk)
    talk.pick_up("bo")
    talk.held_back = True
    talk.hang_up("c1")
    talk.line.join_calls(AT_ANA, "d1")
    talk.held_back = False
    talk.settle()
    assert told(talk) == [(AT_ANA, TransferEnd.DECLINED)]
    assert talk.line.truth.legs["d1"].talks_in == "d1", "Ana and Bo talk on"


def test_while_somebody_is_asked_by_keys_calls_are_not_joined(talk: ContactCentre) -> None:
    for key in "*21002#":
        talk.press(AT_ANA, key)
    talk.dial_from(ANA, "0552345678")
    join(talk)
    assert refusals(talk) == ["the agent asks bo just now"]
    talk.press(AT_ANA, "*")
    assert talkers(talk) == TALK


@pytest.mark.parametrize("answered", [True, False])
def test_after_a_restart_a_joined_call_goes_on(talk: ContactCentre, answered: bool) -> None:
    ask(talk)
    if answered:
        talk.pick_up("bo")
    join(talk)
    talk.restart_engine()
    if not answered:
        talk.pick_up("bo")
    assert talkers(talk) == {"c1", BO}
    talk.put_down("bo")
    assert talk.outcomes() == {"c1": Outcome.ANSWERED}


@pytest.mark.parametrize("answered", [True, False])
def test_an_engine_that_dies_right_after_the_record_leaves_no_leg_behind(talk: ContactCentre, answered: bool) -> None:
    ask(talk)
    if answered:
        talk.pick_up("bo")
    talk.on_entry = lambda entry: talk.kill_engine() if isinstance(entry.event, ev.CallTransferred) else None
    talk.line.join_calls(AT_ANA, "d1")
    talk.line.deliver()
    talk.on_entry = lambda entry: None
    talk.start_engine()
    if not answered:
        talk.pick_up("bo")
    assert talkers(talk) == {"c1", BO}
    assert talk.line.truth.legs.keys() == {"c1", "d1-leg1"}
    assert talk.house.own_calls == {}


def test_told_twice_it_is_done_once(talk: ContactCentre) -> None:
    talk.times_told = 2
    ask(talk)
    talk.pick_up("bo")
    join(talk)
    assert talkers(talk) == {"c1", BO}
    assert talk.count(ev.CallTransferred) == 1


def test_while_somebody_is_asked_by_keys_the_caller_is_not_parked(talk: ContactCentre) -> None:
    """Else the call would never end: whom the agent asked would hang on it."""
    for key in "*21002#":
        talk.press(AT_ANA, key)
    transfer(talk, "70")
    assert told(talk) == [(AT_ANA, TransferEnd.DECLINED)]
    assert refusals(talk) == ["the agent asks bo just now"]
    talk.pick_up("bo")
    talk.hang_up("c1")
    assert talk.outcomes() == {"c1": Outcome.ANSWERED}
    assert talk.line.truth.legs == {}


@pytest.mark.parametrize("keys", ["*21002", "#11002", "*20552345678", "#170"])
def test_keys_that_come_after_the_caller_was_handed_on_by_a_command_do_nothing(talk: ContactCentre, keys: str) -> None:
    """The agent's leg has been let go, and Asterisk has not told its end yet."""
    talk.agent("cora")
    talk.number("cora", "1003")
    for key in keys:
        talk.press(AT_ANA, key)
    talk.held_back = True
    talk.line.press(AT_ANA, "#")
    talk.switchboard.hand_on("c1", "@cora", by="test")
    talk.held_back = False
    talk.settle()
    talk.clock.advance(talk.line.sound_s)
    talk.pick_up("cora")
    assert talk.talking_now() == {"cora": "c1"}
