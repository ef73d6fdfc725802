"""What came of a call, as whoever answered it says, by keys or a command: the last word counts, each is on record."""

from dataclasses import replace

import pytest

from agents.disposition import Kind, Level, confirmation, keyed
from agents.spoken import Spoken
from agents.state import Wish
from centralino import events as ev
from centralino.dispositions import BY_KEYS_WITHIN_S
from centralino.signing import Refused
from tests.contact_centre import ContactCentre, phone_of


@pytest.fixture
def hall(floor: ContactCentre) -> ContactCentre:
    floor.agent("ana")
    return floor


def talked(hall: ContactCentre, call: str = "c1", agent: str = "ana") -> None:
    hall.call(call)
    hall.pick_up(agent)
    hall.put_down(agent)


def dials(hall: ContactCentre, number: str, agent: str = "ana") -> str:
    """What is said then; the leg ends by itself."""
    hall.dial_from(phone_of(agent), number)
    heard = hall.hears("d1")
    hall.clock.advance(hall.line.sound_s)
    assert "d1" not in hall.line.truth.legs
    return heard


def said_of(hall: ContactCentre, call: str = "c1") -> list[tuple[str, str, str]]:
    events = [event for event in hall.trail(call) if isinstance(event, ev.CallDisposed)]
    return [(event.agent, event.kind, event.level) for event in events]


def dispose(hall: ContactCentre, **words: str) -> None:
    said = {"call": "c1", "kind": "complaint", "by": "test"} | words
    hall.switchboard.dispositions.dispose(ev.CallDisposed(**said))


@pytest.mark.parametrize(
    ("digits", "means"),
    [
        ("1", (Kind.INFORMATION, Level.NOT_SAID)),
        ("21", (Kind.REPORT, Level.SOLVED)),
        ("32", (Kind.INTERVENTION, Level.HANDED_ON)),
        ("42", (Kind.COMPLAINT, Level.HANDED_ON)),
        ("5", (Kind.COMPLIMENT, Level.NOT_SAID)),
        *((digits, None) for digits in ("", "0", "6", "10", "13", "111", "\u00b2")),
    ],
)
def test_a_kind_and_what_came_of_it_are_keyed_in(digits: str, means: tuple[Kind, Level] | None) -> None:
    assert keyed(digits) == means


def test_49_says_of_the_last_call_what_it_was_and_the_wrap_up_goes_on(hall: ContactCentre) -> None:
    talked(hall)
    assert dials(hall, "*4942") == confirmation(Kind.COMPLAINT, Level.HANDED_ON, "it").text
    assert said_of(hall) == [("ana", "complaint", "handed on")]
    assert hall.doing("ana") == "wrapping up"


def test_the_last_word_counts_and_both_are_on_record(hall: ContactCentre) -> None:
    talked(hall)
    dials(hall, "*494")
    dials(hall, "*4911")
    assert said_of(hall) == [("ana", "complaint", ""), ("ana", "information", "solved")]


def test_after_the_wrap_up_and_a_restart_it_is_still_the_last_call_for_a_while(hall: ContactCentre) -> None:
    talked(hall)
    hall.clock.advance(600)
    hall.restart_engine()
    dials(hall, "*491")
    assert said_of(hall) == [("ana", "information", "")]
    hall.clock.advance(BY_KEYS_WITHIN_S)
    assert dials(hall, "*491") == Spoken.NO_LAST_CALL.prompt("it").text
    assert len(said_of(hall)) == 1


def test_a_long_wrap_up_keeps_its_call(hall: ContactCentre) -> None:
    hall.queue("hall", longest_wrap_up_s=4 * 3600.0)
    talked(hall)
    hall.extend_wrap_up("ana", 3600)
    hall.clock.advance(BY_KEYS_WITHIN_S + 60)
    dials(hall, "*491")
    assert said_of(hall) == [("ana", "information", "")]


def test_by_keys_nobody_speaks_of_a_call_of_somebody_else(hall: ContactCentre) -> None:
    talked(hall)
    hall.agent("bo")
    assert dials(hall, "*491", "bo") == Spoken.NO_LAST_CALL.prompt("it").text
    hall.clock.advance(60)
    hall.choose("ana", Wish.PAUSE)
    talked(hall, "c2", "bo")
    dials(hall, "*493", "bo")
    dials(hall, "*495")
    assert (said_of(hall, "c2"), said_of(hall)) == ([("bo", "intervention", "")], [("ana", "compliment", "")])


def test_who_hands_a_caller_on_may_say_so(hall: ContactCentre) -> None:
    hall.queue("experts", needs={"x": 1})
    hall.agent("eva", skills={"x": 1})
    hall.call("c1")
    hall.pick_up("ana")
    hall.hand_on("c1", "experts")
    dials(hall, "*492" + "2")
    assert said_of(hall) == [("ana", "report", "handed on")]


@pytest.mark.parametrize("digits", ["", "0", "7", "43"])
def test_what_means_nothing_is_answered_by_what_there_is(hall: ContactCentre, digits: str) -> None:
    talked(hall)
    assert dials(hall, f"*49{digits}") == Spoken.KEYS_OF_KINDS.prompt("it").text
    assert said_of(hall) == []


def test_at_a_phone_where_nobody_is_signed_in_there_is_no_last_call(hall: ContactCentre) -> None:
    hall.choose("ana", Wish.SIGN_OUT)
    assert dials(hall, "*491") == Spoken.NOBODY_HERE.prompt("it").text


def test_a_command_speaks_of_any_call_also_while_it_goes_on(hall: ContactCentre) -> None:
    hall.call("c1")
    hall.pick_up("ana")
    dispose(hall, agent="ana", topic="tari", level="solved")
    hall.put_down("ana")
    dispose(hall, kind="report")
    assert said_of(hall) == [("ana", "complaint", "solved"), ("", "report", "")]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"kind": "complaints"}, "did you mean `complaint`"),
        ({"kind": ""}, "no kind of call"),
        ({"level": "done"}, "`solved`, `handed on`, or neither"),
        ({"agent": "nobody"}, "there is no agent"),
        ({"topic": "imuu"}, "did you mean `imu`"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(hall: ContactCentre, words: dict[str, str], why: str) -> None:
    hall.configuration = replace(
        hall.configuration, entities=replace(hall.configuration.entities, topics=("imu", "tari"))
    )
    hall.switchboard.adopt(1, hall.configuration)
    talked(hall)
    with pytest.raises(Refused, match=why):
        dispose(hall, **words)
    assert said_of(hall) == []
