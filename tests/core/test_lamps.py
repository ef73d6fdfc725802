"""The lamps at phones: lit while an agent is signed in, or paused, and while somebody waits; only changes are told."""

from dataclasses import replace

import pytest

from agents.codes import Code
from agents.spoken import Spoken
from agents.state import Chosen, Wish
from centralino.lamps import SOON_S, TOLD_AT_ONCE_MAX, names
from tests.contact_centre import ContactCentre, phone_of

AT_ANAS = phone_of("ana")


@pytest.fixture
def hall(floor: ContactCentre) -> ContactCentre:
    """Ana, 1001, is signed in at her phone; the queue is dialled as 81."""
    floor.queue("hall", dialled="81")
    floor.agent("ana")
    floor.number("ana", "1001")
    in_a_moment(floor)
    return floor


def in_a_moment(hall: ContactCentre) -> list[tuple[str, bool]]:
    """What is told within the next moment."""
    hall.line.lamps_told.clear()
    hall.clock.advance(SOON_S)
    return hall.line.lamps_told


def lit(hall: ContactCentre) -> set[str]:
    hall.clock.advance(SOON_S)
    return {lamp for lamp, is_lit in hall.line.truth.lamps.items() if is_lit}


def test_an_agent_who_is_signed_in_lights_their_lamp_and_that_of_the_phone(hall: ContactCentre) -> None:
    assert lit(hall) == {"*451001", f"*45{AT_ANAS}"}
    hall.choose("ana", Wish.SIGN_OUT)
    assert lit(hall) == set()


def test_a_pause_has_a_lamp_of_its_own(hall: ContactCentre) -> None:
    hall.choose("ana", Wish.PAUSE)
    assert lit(hall) == {"*451001", f"*45{AT_ANAS}", "*461001", f"*46{AT_ANAS}"}
    hall.choose("ana", Wish.READY)
    assert lit(hall) == {"*451001", f"*45{AT_ANAS}"}


def test_a_queues_lamp_is_lit_while_somebody_waits_in_it(hall: ContactCentre) -> None:
    hall.call("c1")
    assert "*4781" in lit(hall), "also while a phone rings for them"
    hall.call("c2")
    hall.pick_up("ana")
    assert "*4781" in lit(hall)
    hall.hang_up("c2")
    assert "*4781" not in lit(hall)


def test_a_burst_of_changes_is_told_once_and_as_its_last(hall: ContactCentre) -> None:
    for wish in (Wish.PAUSE, Wish.READY, Wish.PAUSE, Wish.READY, Wish.PAUSE):
        hall.choose("ana", wish)
    assert in_a_moment(hall) == [("*461001", True), (f"*46{AT_ANAS}", True)]


def test_what_comes_to_the_same_is_not_told(hall: ContactCentre) -> None:
    hall.choose("ana", Wish.PAUSE)
    hall.choose("ana", Wish.READY)
    assert in_a_moment(hall) == []
    assert in_a_moment(hall) == [], "and nothing is told where nothing happens"


def test_all_are_told_anew_when_the_line_is_back(hall: ContactCentre) -> None:
    hall.cut_line()
    hall.choose("ana", Wish.PAUSE)
    hall.line.truth.lamps.clear()
    hall.connect_line()
    assert {lamp for lamp, _ in in_a_moment(hall)} == set(names(hall.configuration))
    assert "*461001" in lit(hall)


def test_another_life_of_the_engine_tells_all_anew(hall: ContactCentre) -> None:
    hall.choose("ana", Wish.PAUSE)
    hall.restart_engine()
    assert {lamp for lamp, _ in in_a_moment(hall)} == set(names(hall.configuration))
    assert "*461001" in lit(hall)


def test_many_are_told_a_hundred_at_a_time(floor: ContactCentre) -> None:
    for nth in range(60):
        floor.agent(f"a{nth}")
        floor.number(f"a{nth}", f"2{nth:03}")
    floor.connect_line()
    assert len(in_a_moment(floor)) == TOLD_AT_ONCE_MAX
    floor.clock.advance(1)
    assert len(floor.line.lamps_told) == 2 * 2 * 60


def test_a_queue_that_a_reload_gives_a_number_has_a_lamp_then(hall: ContactCentre) -> None:
    hall.call("c1")
    assert "*4782" not in lit(hall)
    hall.queues["hall"] = replace(hall.queues["hall"], dialled="82")
    hall.switchboard.adopt(1, hall.configuration)
    assert "*4782" in lit(hall)


@pytest.mark.parametrize("key", ["*461001", f"*46{AT_ANAS}"])
def test_a_key_with_the_lamp_of_the_pause_pauses_and_ends_it(hall: ContactCentre, key: str) -> None:
    for leg, becomes in (("d1", Chosen.PAUSED), ("d2", Chosen.READY)):
        hall.dial_from(AT_ANAS, key, leg)
        assert hall.house.agent("ana").chosen is becomes
        hall.clock.advance(hall.line.sound_s)


def test_a_key_with_the_lamp_of_the_phone_signs_out_and_in(hall: ContactCentre) -> None:
    for leg, becomes in (("d1", Chosen.SIGNED_OUT), ("d2", Chosen.READY)):
        hall.dial_from(AT_ANAS, f"{Code.SIGN}{AT_ANAS}", leg)
        assert hall.house.agent("ana").chosen is becomes
        hall.clock.advance(hall.line.sound_s)


def test_a_key_with_a_queues_lamp_tells_who_waits_there(hall: ContactCentre) -> None:
    hall.queue("other", dialled="82", needs={"rare": 3})
    hall.call("c1", "other")
    for leg, key, heard in (
        ("d1", "*4782", Spoken.ONE_WAITS.prompt("it", wait=Spoken.LESS_THAN_A_MINUTE.prompt("it").text).text),
        ("d2", "*4781", Spoken.NOBODY_WAITS.prompt("it").text),
        ("d3", "*4799", Spoken.UNKNOWN_NUMBER.prompt("it").text),
    ):
        hall.dial_from(AT_ANAS, key, leg)
        assert hall.hears(leg) == heard
        hall.clock.advance(hall.line.sound_s)
