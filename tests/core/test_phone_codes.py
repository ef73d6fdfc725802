"""The codes that agents dial: signed in and out, paused, ready, who waits; each is answered in words."""

from dataclasses import replace

import pytest

from agents.roster import Agent, PauseReason, PhoneSeat
from agents.spoken import Spoken
from agents.state import Chosen, Wish
from centralino import events as ev
from centralino.phone_codes import LOCKED_FOR_S
from centralino.signing import Refused
from tests.contact_centre import ContactCentre, phone_of

HERE, THERE, FAR = "p101", "p102", "p201"


@pytest.fixture
def office(floor: ContactCentre) -> ContactCentre:
    """Two phones in L'Aquila and one in Rome; Ana, 1001, has none of her own and the PIN 4711."""
    for phone, site in ((HERE, "laquila"), (THERE, "laquila"), (FAR, "roma")):
        floor.phones[phone] = PhoneSeat(phone, site)
        floor.line.plug_in(phone)
    floor.agents["ana"] = Agent("ana", "Ana", "laquila", None, {}, {"it": 5}, number="1001", pin="4711")
    floor.roster(pauses={"1": PauseReason({"it": "caffè", "en": "coffee"}, 600.0)})
    return floor


def chosen(office: ContactCentre, agent: str = "ana") -> Chosen:
    return office.house.agent(agent).chosen


def sign_in(office: ContactCentre, phone: str = HERE, pin: str = "4711", leg: str = "s1") -> str:
    """Dial *45, number and PIN; what is said then."""
    office.dial_from(phone, "*45", leg)
    office.press(leg, "1001#")
    office.press(leg, f"{pin}#")
    return hears_to_the_end(office, leg)


def hears_to_the_end(office: ContactCentre, leg: str) -> str:
    """What is said last at `leg`, which then ends by itself."""
    heard = office.hears(leg)
    office.clock.advance(office.line.sound_s)
    assert leg not in office.line.truth.legs, "hung up when all was said"
    return heard


def say(spoken: Spoken, language: str = "it", **put_in: str | int) -> str:
    return spoken.prompt(language, **put_in).text


def test_at_a_phone_of_nobodys_a_number_and_a_pin_are_asked_for(office: ContactCentre) -> None:
    office.dial_from(HERE, "*45")
    assert office.hears("d1") == say(Spoken.KEY_IN_NUMBER)
    office.press("d1", "1001#")
    assert office.hears("d1") == say(Spoken.KEY_IN_PIN)
    office.press("d1", "4711#")
    assert hears_to_the_end(office, "d1") == say(Spoken.SIGNED_IN)
    assert (chosen(office), office.house.agent("ana").phone) == (Chosen.READY, HERE)
    office.call("c1")
    assert [leg.phone for leg in office.line.truth.legs.values() if leg.phone] == [HERE]


def test_the_same_code_signs_out(office: ContactCentre) -> None:
    sign_in(office)
    office.dial_from(HERE, "*45")
    assert hears_to_the_end(office, "d1") == say(Spoken.SIGNED_OUT)
    assert chosen(office) is Chosen.SIGNED_OUT


def test_at_their_own_phone_no_pin_is_needed(office: ContactCentre) -> None:
    office.agent("bo")
    office.choose("bo", Wish.SIGN_OUT)
    office.dial_from(phone_of("bo"), "*45")
    assert hears_to_the_end(office, "d1") == say(Spoken.SIGNED_IN)
    assert chosen(office, "bo") is Chosen.READY


def test_a_wrong_pin_is_refused_and_on_record(office: ContactCentre) -> None:
    assert sign_in(office, pin="0000") == say(Spoken.WRONG_PIN)
    assert chosen(office) is Chosen.SIGNED_OUT
    [event] = [entry.event for entry in office.entries if isinstance(entry.event, ev.WrongPin)]
    assert (event.agent, event.phone, event.locked_until_s) == ("ana", HERE, 0.0)


def test_three_wrong_pins_lock_for_five_minutes_also_after_a_restart(office: ContactCentre) -> None:
    said = [sign_in(office, pin="0000", leg=f"s{nth}") for nth in range(3)]
    assert said == [say(Spoken.WRONG_PIN), say(Spoken.WRONG_PIN), say(Spoken.LOCKED)]
    office.restart_engine()
    office.dial_from(THERE, "*451001")
    assert hears_to_the_end(office, "d1") == say(Spoken.LOCKED)
    office.clock.advance(LOCKED_FOR_S)
    assert sign_in(office) == say(Spoken.SIGNED_IN)


def test_a_right_pin_forgives_the_wrong_ones_before(office: ContactCentre) -> None:
    for nth in range(2):
        sign_in(office, pin="0000", leg=f"s{nth}")
    assert sign_in(office, leg="s2") == say(Spoken.SIGNED_IN)
    office.choose("ana", Wish.SIGN_OUT)
    assert sign_in(office, pin="0000", leg="s3") == say(Spoken.WRONG_PIN)


def test_who_signs_in_a_second_time_is_refused(office: ContactCentre) -> None:
    sign_in(office)
    assert sign_in(office, THERE, leg="s2") == say(Spoken.ELSEWHERE)
    assert office.house.agent("ana").phone == HERE


def test_who_signs_in_a_second_time_moves_where_agents_yaml_says_so(office: ContactCentre) -> None:
    office.roster(moves=True)
    sign_in(office)
    assert sign_in(office, THERE, leg="s2") == say(Spoken.SIGNED_IN)
    assert (chosen(office), office.house.agent("ana").phone) == (Chosen.READY, THERE)


def test_who_has_a_call_does_not_move(office: ContactCentre) -> None:
    office.roster(moves=True)
    sign_in(office)
    office.call("c1")
    assert sign_in(office, THERE, leg="s2") == say(Spoken.HAS_A_CALL)
    assert office.house.agent("ana").phone == HERE


def test_a_phone_of_another_site_is_refused(office: ContactCentre) -> None:
    assert sign_in(office, FAR) == say(Spoken.OTHER_SITE)


def test_a_phone_where_somebody_sits_is_refused(office: ContactCentre) -> None:
    office.agent("bo")
    office.dial_from(phone_of("bo"), "*451001")
    office.press("d1", "4711#")
    assert hears_to_the_end(office, "d1") == say(Spoken.PHONE_TAKEN)
    assert chosen(office) is Chosen.SIGNED_OUT


@pytest.mark.parametrize(
    ("keys", "says"), [("9999#", Spoken.UNKNOWN_AGENT), ("#", Spoken.NOTHING_KEYED), ("1*9999#", Spoken.UNKNOWN_AGENT)]
)
def test_what_cannot_be_is_said(office: ContactCentre, keys: str, says: Spoken) -> None:
    office.dial_from(HERE, "*45")
    office.press("d1", keys)
    assert hears_to_the_end(office, "d1") == say(says)


def test_who_keys_in_nothing_is_hung_up_in_the_end(office: ContactCentre) -> None:
    office.dial_from(HERE, "*45")
    office.clock.advance(60)
    assert office.line.truth.legs == {}


def test_who_has_no_pin_cannot_sign_in_at_a_phone_of_nobodys(office: ContactCentre) -> None:
    office.agents["ana"] = replace(office.agents["ana"], pin="")
    office.dial_from(HERE, "*451001")
    assert hears_to_the_end(office, "d1") == say(Spoken.NO_PIN)


def test_who_hangs_up_while_the_pin_is_looked_at_is_not_signed_in(office: ContactCentre) -> None:
    told = office.pins_are_looked_at_later()
    office.dial_from(HERE, "*451001")
    office.press("d1", "4711#")
    office.hang_up("d1")
    told()
    assert chosen(office) is Chosen.SIGNED_OUT


def test_46_pauses_and_makes_ready_again(office: ContactCentre) -> None:
    sign_in(office)
    office.dial_from(HERE, "*46")
    assert hears_to_the_end(office, "d1") == say(Spoken.PAUSED)
    assert chosen(office) is Chosen.PAUSED
    office.dial_from(HERE, "*46", "d2")
    assert hears_to_the_end(office, "d2") == say(Spoken.READY)
    assert chosen(office) is Chosen.READY


def test_a_pause_by_command_has_a_reason_of_the_list_or_words(office: ContactCentre) -> None:
    sign_in(office)
    with pytest.raises(Refused, match=r"there is no pause `7` in agents\.yaml; there are: 1 \(caffè\)"):
        office.choose("ana", Wish.PAUSE, reason="7")
    office.choose("ana", Wish.PAUSE, reason="1")
    assert office.house.agent("ana").reason == "caffè"
    office.choose("ana", Wish.READY)
    office.choose("ana", Wish.PAUSE, reason="the dentist")
    assert office.house.agent("ana").reason == "the dentist"


def test_a_pause_has_a_reason_and_its_longest_time(office: ContactCentre) -> None:
    sign_in(office)
    office.dial_from(HERE, "*461")
    assert hears_to_the_end(office, "d1") == say(Spoken.PAUSED_FOR, reason="caffè")
    assert office.house.agent("ana").reason == "caffè"
    office.clock.advance(600)
    assert chosen(office) is Chosen.SIGNED_OUT


def test_an_unknown_reason_changes_nothing(office: ContactCentre) -> None:
    sign_in(office)
    office.dial_from(HERE, "*467")
    assert hears_to_the_end(office, "d1") == say(Spoken.UNKNOWN_REASON)
    assert chosen(office) is Chosen.READY


def test_47_tells_who_waits(office: ContactCentre) -> None:
    sign_in(office)
    office.dial_from(HERE, "*47")
    assert hears_to_the_end(office, "d1") == say(Spoken.NOBODY_WAITS)
    office.choose("ana", Wish.PAUSE)
    office.call("c1")
    office.clock.advance(10)
    office.dial_from(HERE, "*47", "d2")
    assert hears_to_the_end(office, "d2") == say(Spoken.ONE_WAITS, wait=say(Spoken.LESS_THAN_A_MINUTE))
    office.clock.advance(115)
    office.call("c2")
    office.dial_from(HERE, "*47", "d3")
    assert hears_to_the_end(office, "d3") == say(Spoken.MANY_WAIT, count=2, wait="2 minuti")


def test_48_ends_the_wrap_up_or_makes_it_longer(office: ContactCentre) -> None:
    office.agent("bo")
    office.call("c1")
    office.pick_up("bo")
    office.put_down("bo")
    office.dial_from(phone_of("bo"), "*481")
    assert hears_to_the_end(office, "d1") == say(Spoken.TAKES_LONGER)
    office.dial_from(phone_of("bo"), "*48", "d2")
    assert hears_to_the_end(office, "d2") == say(Spoken.READY)
    assert office.doing("bo") == "free"
    office.dial_from(phone_of("bo"), "*48", "d3")
    assert hears_to_the_end(office, "d3") == say(Spoken.NO_WRAP_UP)


@pytest.mark.parametrize("code", ["*46", "*47", "*48"])
def test_at_a_phone_where_nobody_is_signed_in_it_is_said_so(office: ContactCentre, code: str) -> None:
    office.dial_from(HERE, code)
    assert hears_to_the_end(office, "d1") == say(Spoken.NOBODY_HERE)


def test_who_speaks_no_italian_is_spoken_to_in_english(office: ContactCentre) -> None:
    office.agent("bo", languages=("en",))
    office.dial_from(phone_of("bo"), "*46")
    assert hears_to_the_end(office, "d1") == say(Spoken.PAUSED, "en")


def test_a_restart_in_the_middle_leaves_nobody_at_a_silent_phone(office: ContactCentre) -> None:
    office.dial_from(HERE, "*45")
    office.press("d1", "1001#")
    office.restart_engine()
    assert office.line.truth.legs == {}


def test_what_was_dialled_while_no_engine_was_there_is_done_by_the_next(office: ContactCentre) -> None:
    sign_in(office)
    office.kill_engine()
    office.line.dial_from(HERE, "d1", "*46")
    office.start_engine()
    assert hears_to_the_end(office, "d1") == say(Spoken.PAUSED)
    assert chosen(office) is Chosen.PAUSED


# --- while something is said, no queue's call rings beside it


def test_a_call_that_waits_rings_when_the_confirmation_of_the_code_is_over(office: ContactCentre) -> None:
    office.call("c1")
    office.dial_from(HERE, "*45", "s1")
    office.press("s1", "1001#")
    office.press("s1", "4711#")
    assert office.hears("s1") == say(Spoken.SIGNED_IN)
    assert office.line.leg_at(HERE) is None
    office.clock.advance(office.line.sound_s)
    assert office.line.leg_at(HERE)


def test_whoever_hangs_up_amid_what_is_said_is_rung_at_once(office: ContactCentre) -> None:
    sign_in(office)
    office.dial_from(HERE, "*47", "w1")
    office.call("c1")
    assert office.line.leg_at(HERE) is None
    office.hang_up("w1")
    assert office.line.leg_at(HERE)


def test_a_code_does_not_cost_the_agent_their_turn(office: ContactCentre) -> None:
    sign_in(office)
    idle_since_s = office.switchboard.floor.agents["ana"].idle_since_s
    office.clock.advance(60)
    office.dial_from(HERE, "*47", "w1")
    hears_to_the_end(office, "w1")
    assert office.switchboard.floor.agents["ana"].idle_since_s == idle_since_s
