"""What an agent does with a talk by the keys of the phone: hand on, ask somebody first, let all three talk."""

from dataclasses import replace

import msgspec
import pytest

from acd.state import Doing
from agents.spoken import Spoken
from agents.state import Wish
from asterisk.port import JoinFailed
from centralino import events as ev
from centralino.call_states import CallState
from centralino.events import Outcome
from centralino.outgoing import NotCalled
from centralino.shown import sentence
from centralino.signing import Refused
from tests.contact_centre import ContactCentre, phone_of

OUTSIDE = "+390552345678"
ANA, BO = "c1-leg1", phone_of("bo")


def aloud(talk: ContactCentre) -> list[str]:
    """What `why` tells of the call."""
    bodies = [msgspec.to_builtins(event) for event in talk.trail("c1")]
    return [sentence(body["type"], body) for body in bodies]


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


def key_in(talk: ContactCentre, keys: str) -> None:
    for key in keys:
        talk.press(ANA, key)


def talkers(talk: ContactCentre) -> set[str]:
    """Who is in the talk, by phone; the caller by the call's id."""
    return {leg.phone or leg.id for leg in talk.line.truth.legs.values() if leg.talks_in == "c1"}


def why_taken_back(talk: ContactCentre) -> str:
    """Why agent and caller had each other again, as the trail has it last."""
    return [event.why for event in talk.trail("c1") if isinstance(event, ev.CallTakenBack)][-1]


TALK = {"c1", phone_of("ana")}


def test_keys_of_no_code_change_nothing(talk: ContactCentre) -> None:
    key_in(talk, "12*#3#")
    talk.clock.advance(3)
    key_in(talk, "1")
    assert talkers(talk) == TALK


def test_after_the_code_the_caller_hears_music_and_the_agent_is_asked_where_to(talk: ContactCentre) -> None:
    key_in(talk, "#1")
    assert talk.hears("c1") == "music"
    assert talk.hears(ANA) == Spoken.TO_WHOM.prompt("it").text


@pytest.mark.parametrize("keys", ["#", ""])
def test_who_keys_in_nothing_has_the_caller_again(talk: ContactCentre, keys: str) -> None:
    key_in(talk, "#1" + keys)
    talk.clock.advance(30)
    assert talkers(talk) == TALK
    assert talk.doing("ana") is Doing.TALKING


@pytest.mark.parametrize(("number", "says"), [("77", Spoken.UNKNOWN_NUMBER), ("899123456", Spoken.UNKNOWN_NUMBER)])
@pytest.mark.parametrize("code", ["#1", "*2"])
def test_what_cannot_be_is_said_and_the_talk_goes_on(talk: ContactCentre, code: str, number: str, says: Spoken) -> None:
    key_in(talk, f"{code}{number}#")
    assert talk.hears(ANA) == says.prompt("it").text
    talk.clock.advance(talk.line.sound_s)
    assert talkers(talk) == TALK


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ("#1899123456#", NotCalled.COSTLY),
        ("*277#", NotCalled.NO_NUMBER),
        ("#11001#", "that number is the agent's own"),
        ("*281#", "a queue cannot be asked, only handed on to"),
        ("#181#", "taxes cannot take the call: nobody is signed in for queue taxes"),
    ],
)
def test_the_trail_says_why_a_caller_was_not_handed_on(talk: ContactCentre, keys: str, why: str) -> None:
    talk.queue("taxes", needs={"taxes": 1}, dialled="81")
    key_in(talk, keys)
    talk.clock.advance(talk.line.sound_s)
    assert talkers(talk) == TALK
    assert why_taken_back(talk) == why


def test_a_call_is_handed_on_to_a_colleague(talk: ContactCentre) -> None:
    key_in(talk, "#11002#")
    assert talk.doing("ana") is Doing.WRAPPING_UP
    assert talk.line.leg_at(phone_of("ana")) is None
    talk.clock.advance(talk.line.sound_s)  # "you are being put through"
    assert talk.hears("c1") == "music"
    talk.pick_up("bo")
    assert talkers(talk) == {"c1", BO}
    talk.put_down("bo")
    assert talk.outcomes() == {"c1": Outcome.ANSWERED}
    assert "ana of hall hands the caller on to bo" in aloud(talk)
    assert "talks with bo" in aloud(talk)


def test_a_colleague_who_does_not_answer_sends_the_caller_back_to_the_queue_in_their_place(talk: ContactCentre) -> None:
    key_in(talk, "#11002#")
    talk.clock.advance(talk.line.sound_s + 60)
    assert talk.now("c1").queue == "hall"
    assert talk.ringing_now() == {"ana": "c1"}


def test_a_call_is_handed_on_to_somebody_outside(talk: ContactCentre) -> None:
    key_in(talk, "#10552345678#")
    talk.clock.advance(talk.line.sound_s)
    talk.pick_up(OUTSIDE)
    assert talkers(talk) == {"c1", OUTSIDE}
    [handed_on] = [event for event in talk.trail("c1") if isinstance(event, ev.CallHandedOn)]
    assert OUTSIDE not in handed_on.to, "the journal names nobody by number"
    assert "ana of hall hands the caller on to a number outside" in aloud(talk)
    assert "talks with a number outside" in aloud(talk)


def test_a_call_is_handed_on_to_a_queue_by_its_number(talk: ContactCentre) -> None:
    talk.queue("taxes", needs={"taxes": 1}, dialled="81")
    talk.agent("cora", skills={"taxes": 3})
    key_in(talk, "#181#")
    talk.clock.advance(talk.line.sound_s)
    assert talk.ringing_now() == {"cora": "c1"}


def ask(talk: ContactCentre) -> None:
    key_in(talk, "*21002#")


def test_a_colleague_is_asked_while_the_caller_hears_music(talk: ContactCentre) -> None:
    ask(talk)
    assert talk.line.shown[BO].number == "1001"
    talk.pick_up("bo")
    assert talkers(talk) == {phone_of("ana"), BO}
    assert talk.hears("c1") == "music"


def test_who_is_asked_gets_no_queues_call_meanwhile(talk: ContactCentre) -> None:
    talk.choose("bo", Wish.READY)
    ask(talk)
    talk.call("c2")
    assert "c2" not in talk.ringing_now().values()
    talk.turn_away("bo")
    assert talk.ringing_now() == {"bo": "c2"}


def test_who_hangs_up_leaves_the_caller_with_whom_they_asked(talk: ContactCentre) -> None:
    ask(talk)
    talk.pick_up("bo")
    talk.put_down("ana")
    assert talkers(talk) == {"c1", BO}
    assert talk.doing("ana") is Doing.WRAPPING_UP
    assert talk.now("c1").state is CallState.TALKING
    talk.hang_up("c1")
    assert talk.line.truth.legs == {}
    assert talk.outcomes() == {"c1": Outcome.ANSWERED}


def test_who_hangs_up_while_it_rings_leaves_the_caller_to_whoever_answers(talk: ContactCentre) -> None:
    ask(talk)
    talk.put_down("ana")
    assert talk.hears("c1") == "music"
    talk.pick_up("bo")
    assert talkers(talk) == {"c1", BO}


def test_where_nobody_answers_then_the_caller_is_back_in_the_queue(talk: ContactCentre) -> None:
    ask(talk)
    talk.put_down("ana")
    talk.turn_away("bo")
    talk.clock.advance(30)
    assert talk.ringing_now() == {"ana": "c1"}


def test_the_star_takes_the_caller_back(talk: ContactCentre) -> None:
    ask(talk)
    talk.pick_up("bo")
    key_in(talk, "*")
    assert talkers(talk) == TALK
    assert talk.line.leg_at(BO) is None


def test_where_nobody_answers_the_agent_is_told_and_has_the_caller_again(talk: ContactCentre) -> None:
    ask(talk)
    talk.clock.advance(30)
    assert talk.hears(ANA) == Spoken.NO_ANSWER.prompt("it").text
    talk.clock.advance(talk.line.sound_s)
    assert talkers(talk) == TALK


def test_who_was_asked_hangs_up_and_the_agent_has_the_caller_again(talk: ContactCentre) -> None:
    ask(talk)
    talk.pick_up("bo")
    talk.put_down("bo")
    assert talkers(talk) == TALK
    assert "ana no longer asks" in aloud(talk)


def test_the_three_lets_all_talk_and_each_may_leave(talk: ContactCentre) -> None:
    ask(talk)
    talk.pick_up("bo")
    key_in(talk, "3")
    assert talkers(talk) == {*TALK, BO}
    talk.put_down("bo")
    assert talkers(talk) == TALK


def test_who_leaves_a_talk_of_three_leaves_two_who_talk(talk: ContactCentre) -> None:
    ask(talk)
    talk.pick_up("bo")
    key_in(talk, "3")
    talk.put_down("ana")
    assert talkers(talk) == {"c1", BO}


@pytest.mark.parametrize("answers", [False, True])
def test_a_caller_who_leaves_meanwhile_lets_both_go(talk: ContactCentre, answers: bool) -> None:
    ask(talk)
    if answers:
        talk.pick_up("bo")
    talk.hang_up("c1")
    assert talk.line.truth.legs == {}
    assert talk.doing("ana") is Doing.WRAPPING_UP


def test_who_is_busy_or_away_is_said_to_be(talk: ContactCentre) -> None:
    talk.dial_from(BO, "0552345678", "d1")
    ask(talk)
    assert talk.hears(ANA) == Spoken.BUSY.prompt("it").text
    talk.clock.advance(talk.line.sound_s)
    talk.unplug("bo")
    ask(talk)
    assert talk.hears(ANA) == Spoken.NOT_HERE.prompt("it").text


@pytest.mark.parametrize("moment", ["asked where to", "rings", "answered", "three"])
def test_after_a_restart_it_goes_on_or_the_two_have_each_other_again(talk: ContactCentre, moment: str) -> None:
    key_in(talk, "*2")
    if moment != "asked where to":
        key_in(talk, "1002#")
    if moment in ("answered", "three"):
        talk.pick_up("bo")
    if moment == "three":
        key_in(talk, "3")
    before = talkers(talk)
    talk.restart_engine()
    assert talkers(talk) == (TALK if moment == "asked where to" else before)
    if moment != "asked where to":
        assert (talk.hears("c1") == "music") is (moment != "three")
    if moment == "rings":
        talk.pick_up("bo")
    if moment in ("rings", "answered"):
        talk.put_down("ana")
        assert talkers(talk) == {"c1", BO}


def test_the_talk_ends_when_the_agent_leaves(talk: ContactCentre) -> None:
    """Its seconds are counted to then, and not to the end of the call."""
    talk.clock.advance(60)
    ask(talk)
    talk.pick_up("bo")
    talk.put_down("ana")
    assert talk.house.totals["hall"].talk_sum_s == 60
    talk.clock.advance(600)
    talk.hang_up("c1")
    assert talk.house.totals["hall"].talk_sum_s == 60 + 600, "bo's too, who had the caller then"
    assert talk.house.totals["hall"].answered == 1


def test_an_office_is_asked_by_its_number(talk: ContactCentre) -> None:
    talk.office("city/desk", phone=OUTSIDE)
    entity = talk.entities["city"]
    talk.entities["city"] = replace(entity, offices={"desk": replace(entity.offices["desk"], dialled="91")})
    key_in(talk, "*291#")
    talk.pick_up(OUTSIDE)
    talk.put_down("ana")
    assert talkers(talk) == {"c1", OUTSIDE}
    assert talk.now("c1").office == "city/desk"


def test_a_call_is_not_handed_on_from_a_page_while_the_agent_asks_somebody(talk: ContactCentre) -> None:
    talk.queue("taxes")
    ask(talk)
    with pytest.raises(Refused, match="asks bo just now"):
        talk.hand_on("c1", "taxes")


# --- whoever was given the caller has a talk as any other


@pytest.fixture(params=["#1", "*2"])
def given(talk: ContactCentre, request: pytest.FixtureRequest) -> ContactCentre:
    """Ana has given the caller to Bo, who talks with them."""
    key_in(talk, f"{request.param}1002#")
    if request.param == "#1":
        talk.clock.advance(talk.line.sound_s)
    talk.pick_up("bo")
    if request.param == "*2":
        talk.put_down("ana")
    assert talkers(talk) == {"c1", BO}
    return talk


def test_it_is_their_talk_and_they_wrap_it_up(given: ContactCentre) -> None:
    assert given.doing("bo") is Doing.TALKING
    assert given.now("c1").agent == "bo"
    given.put_down("bo")
    assert given.doing("bo") is Doing.WRAPPING_UP
    assert given.house.agent("bo").last_call == "c1", "they may say what it was"
    assert given.outcomes() == {"c1": Outcome.ANSWERED}


def test_they_may_give_the_caller_on(given: ContactCentre) -> None:
    given.agent("cora")
    given.number("cora", "1003")
    given.settle()
    for key in "#11003#":
        given.press(given.now("c1").leg, key)
    assert given.doing("bo") is Doing.WRAPPING_UP
    given.clock.advance(given.line.sound_s)
    given.pick_up("cora")
    assert talkers(given) == {"c1", phone_of("cora")}
    assert given.doing("cora") is Doing.TALKING


def test_it_goes_on_after_a_restart_of_the_engine(given: ContactCentre) -> None:
    given.restart_engine()
    assert talkers(given) == {"c1", BO}
    assert given.doing("bo") is Doing.TALKING
    given.put_down("bo")
    assert given.doing("bo") is Doing.WRAPPING_UP


def test_who_cannot_be_joined_with_them_waits_again_and_no_figure_is_taken_back(given: ContactCentre) -> None:
    given.switchboard.handle(JoinFailed("c1", ("c1", given.now("c1").leg)))
    given.settle()
    assert given.now("c1").waits
    assert given.house.totals["hall"].answered == 1
    assert given.doing("bo") is Doing.WRAPPING_UP


def test_a_wrap_up_ends_where_a_colleague_gives_a_call(talk: ContactCentre) -> None:
    talk.choose("bo", Wish.READY)
    talk.call("c2")
    talk.pick_up("bo")
    talk.hang_up("c2")
    assert talk.doing("bo") is Doing.WRAPPING_UP
    ask(talk)
    talk.pick_up("bo")
    talk.put_down("ana")
    assert talk.doing("bo") is Doing.TALKING
    assert talk.house.agent("bo").wrap_up_call == ""


def test_at_a_phone_where_nobody_is_signed_in_it_is_a_call_as_to_an_office(talk: ContactCentre) -> None:
    talk.choose("bo", Wish.SIGN_OUT)
    ask(talk)
    talk.pick_up("bo")
    talk.put_down("ana")
    assert talkers(talk) == {"c1", BO}
    assert talk.now("c1").state is CallState.TRANSFERRED


def test_who_has_fetched_another_caller_meanwhile_has_the_given_one_as_an_office_has(talk: ContactCentre) -> None:
    """Their one talk by the rules of a queue is the fetched caller's; nobody is turned away, and nobody mixed up."""
    key_in(talk, "#170#")
    talk.hang_up(ANA)
    talk.switchboard.dispatcher.wrap_up_done("ana")
    talk.call("c2")
    talk.pick_up("ana")
    for key in "#11002#":
        talk.press("c2-leg1", key)
    talk.clock.advance(talk.line.sound_s)  # "you are being put through"
    talk.dial_from(BO, "71", "fetched")
    talk.pick_up("bo")
    assert talkers(talk) == {"c1", "fetched"}
    assert talk.now("c2").state is CallState.TRANSFERRED
    assert talk.line.truth.legs[talk.now("c2").leg].talks_in == "c2"
    assert (talk.doing("bo"), talk.now("c1").agent, talk.now("c2").agent) == (Doing.TALKING, "bo", "")
    talk.hang_up("c1")
    assert talk.doing("bo") is Doing.WRAPPING_UP
    talk.choose("bo", Wish.READY)
    talk.switchboard.dispatcher.wrap_up_done("bo")
    talk.call("c3")
    assert talk.ringing_now().get("bo") is None, "c2 is at the phone"
    talk.hang_up("c2")
    assert talk.outcomes() == {"c1": Outcome.ANSWERED, "c2": Outcome.ANSWERED}
