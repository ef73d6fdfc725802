"""What every phone system must do behind the port: one suite, for the one in memory and for the real Asterisk."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from asterisk.port import (
    CallerId,
    Digit,
    EndCause,
    HoldBegan,
    HoldEnded,
    JoinAsked,
    JoinFailed,
    LegAnswered,
    LegEnded,
    LegRinging,
    Lost,
    Overhear,
    OverhearFailed,
    PlaybackEnded,
    Reachable,
    RecordingEnded,
    RecordingPaused,
    RecordingPauseFailed,
    RecordingResumed,
    TalkRecorded,
    TransferAsked,
    TransferEnd,
    Unreachable,
)
from tests.contract.worlds import FAR_PHONE, LAMPS, OUTSIDE, FakeWorld, RealWorld, World, real_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHOWN = CallerId("+39055123456", "hall: Rossi")
SILENCE_S = 2.0


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=["fake", pytest.param("real", marks=pytest.mark.asterisk)]
)
async def phone_system(request: pytest.FixtureRequest) -> AsyncIterator[RealWorld | None]:
    """The real one, started once; None for the fake, which is made anew for each test."""
    if request.param == "fake":
        yield None
    else:
        async with real_world() as real:
            yield real


@pytest_asyncio.fixture(loop_scope="module")
async def world(phone_system: RealWorld | None) -> AsyncIterator[World]:
    if phone_system is None:
        fake = FakeWorld()
        await fake.find_line()
        yield fake
    else:
        yield phone_system
        await phone_system.clear()


async def talking(world: World, phone: str = "p101") -> tuple[str, str]:
    """A caller and an agent who talk: their legs."""
    caller = await world.dial()
    world.line.hold(caller)
    agent = f"{caller}-leg1"
    world.line.ring(agent, phone, caller, SHOWN, 20)
    await world.told(LegRinging, agent)
    await world.pick_up(phone)
    await world.told(LegAnswered, agent)
    world.line.join(caller, caller, agent)
    await world.talk(caller, phone)
    return caller, agent


# --- looks


async def test_looking_at_legs_that_live_changes_nothing(world: World) -> None:
    caller, agent = await talking(world)
    for leg in (caller, agent):
        world.line.look_at(leg)
    assert await world.all_told() == []
    await world.talk(caller, "p101")


async def test_looking_at_a_phone_that_rings_changes_nothing(world: World) -> None:
    caller = await world.dial()
    world.line.ring(f"{caller}-leg1", "p101", caller, SHOWN, 20)
    await world.told(LegRinging, f"{caller}-leg1")
    world.line.look_at(f"{caller}-leg1")
    assert await world.all_told() == []


async def test_of_a_leg_that_is_gone_the_end_is_told_to_whoever_looks(world: World) -> None:
    caller, agent = await talking(world)
    await world.put_down_at("p101")
    await world.told(LegEnded, agent)
    await world.put_down(caller)
    await world.told(LegEnded, caller)
    for leg in (caller, agent):
        world.line.look_at(leg)
        assert (await world.told(LegEnded, leg)).cause is EndCause.GONE
    assert await world.all_told() == []


# --- callers


async def test_a_callers_end_is_told_once(world: World) -> None:
    caller = await world.dial()
    await world.put_down(caller)
    assert (await world.told(LegEnded, caller)).cause is EndCause.HUNG_UP
    assert await world.all_told() == []


async def test_we_can_end_a_callers_leg_and_doing_so_again_is_nothing(world: World) -> None:
    caller = await world.dial()
    world.line.hang_up(caller)
    await world.told(LegEnded, caller)
    world.line.hang_up(caller)
    assert await world.all_told() == []
    assert not await world.is_up(caller)


async def test_answering_twice_is_answering_once(world: World) -> None:
    caller = await world.dial()
    world.line.answer(caller)
    world.line.answer(caller)
    assert await world.all_told() == []
    assert await world.is_up(caller)


async def test_keys_are_told_in_order(world: World) -> None:
    caller = await world.dial()
    await world.press(caller, "12#")
    assert [(await world.told(Digit, caller)).digit for _ in range(3)] == ["1", "2", "#"]


# --- what is played


async def test_a_playback_is_told_when_it_was_heard_to_its_end(world: World) -> None:
    caller = await world.dial()
    world.line.play(caller, "greeting", [world.short, world.short], "it")
    assert await world.told(PlaybackEnded, caller) == PlaybackEnded(caller, "greeting", whole=True)


async def test_a_playback_can_be_cut_short(world: World) -> None:
    caller = await world.dial()
    world.line.play(caller, "greeting", [world.long], "it")
    world.line.stop_playing(caller, "greeting")
    assert await world.told(PlaybackEnded, caller) == PlaybackEnded(caller, "greeting", whole=False)
    world.line.stop_playing(caller, "greeting")
    assert await world.all_told() == []


async def test_after_a_playback_that_was_cut_short_the_next_one_is_heard(world: World) -> None:
    caller = await world.dial()
    world.line.play(caller, "first", [world.long], "it")
    world.line.stop_playing(caller, "first")
    world.line.play(caller, "second", [world.short], "it")
    assert not (await world.told(PlaybackEnded, caller)).whole
    assert await world.told(PlaybackEnded, caller) == PlaybackEnded(caller, "second", whole=True)


async def test_playbacks_of_one_leg_are_heard_one_after_the_other(world: World) -> None:
    caller = await world.dial()
    world.line.play(caller, "first", [world.short], "it")
    world.line.play(caller, "second", [world.short], "it")
    assert [(await world.told(PlaybackEnded, caller)).playback for _ in range(2)] == ["first", "second"]


async def test_a_sound_that_does_not_exist_is_told_as_not_heard(world: World) -> None:
    caller = await world.dial()
    world.line.play(caller, "greeting", [world.missing], "it")
    assert await world.told(PlaybackEnded, caller) == PlaybackEnded(caller, "greeting", whole=False)


async def test_a_playback_to_somebody_who_is_gone_is_told_as_not_heard(world: World) -> None:
    caller = await world.dial()
    await world.put_down(caller)
    await world.told(LegEnded, caller)
    world.line.play(caller, "greeting", [world.short], "it")
    assert await world.told(PlaybackEnded, caller) == PlaybackEnded(caller, "greeting", whole=False)


async def test_a_playback_ends_with_its_leg(world: World) -> None:
    caller = await world.dial()
    world.line.play(caller, "greeting", [world.long], "it")
    await world.all_told()
    await world.put_down(caller)
    assert not (await world.told(PlaybackEnded, caller)).whole
    await world.told(LegEnded, caller)


async def test_keys_are_told_while_something_is_played(world: World) -> None:
    caller = await world.dial()
    world.line.play(caller, "menu", [world.long], "it")
    await world.press(caller, "5")
    assert (await world.told(Digit, caller)).digit == "5"


# --- agents' phones


async def test_a_phone_rings_shows_who_calls_and_is_answered(world: World) -> None:
    caller = await world.dial()
    world.line.ring("c1-leg1", "p101", caller, SHOWN, 20)
    await world.told(LegRinging, "c1-leg1")
    assert await world.shown_at("p101") == SHOWN
    await world.pick_up("p101")
    await world.told(LegAnswered, "c1-leg1")
    assert await world.all_told() == []


async def test_a_phone_that_turns_the_call_away_is_told_as_rejected(world: World) -> None:
    caller = await world.dial()
    world.line.ring("c1-leg1", "p101", caller, SHOWN, 20)
    await world.turn_away("p101")
    assert (await world.told(LegEnded, "c1-leg1")).cause is EndCause.REJECTED


async def test_a_phone_that_nobody_answers_stops_by_itself(world: World) -> None:
    caller = await world.dial()
    world.line.ring("c1-leg1", "p101", caller, SHOWN, 1)
    await world.shown_at("p101")
    assert (await world.told(LegEnded, "c1-leg1")).cause is EndCause.NO_ANSWER
    await world.stops_ringing("p101")


async def test_a_phone_out_of_reach_is_told_as_such(world: World) -> None:
    caller = await world.dial()
    world.line.ring("c1-leg1", FAR_PHONE, caller, SHOWN, 20)
    assert (await world.told(LegEnded, "c1-leg1")).cause is EndCause.UNREACHABLE


async def test_a_phone_in_a_call_is_told_as_busy(world: World) -> None:
    await talking(world, "p101")
    caller = await world.dial()
    world.line.ring("c2-leg1", "p101", caller, SHOWN, 20)
    assert (await world.told(LegEnded, "c2-leg1")).cause is EndCause.BUSY


async def test_a_phone_stops_ringing_when_its_leg_is_ended(world: World) -> None:
    caller = await world.dial()
    world.line.ring("c1-leg1", "p101", caller, SHOWN, 20)
    await world.shown_at("p101")
    await world.told(LegRinging, "c1-leg1")
    world.line.hang_up("c1-leg1")
    await world.told(LegEnded, "c1-leg1")
    await world.stops_ringing("p101")
    assert await world.shows_missed_call("p101")
    assert await world.all_told() == []


async def test_two_phones_ring_for_one_call_and_the_one_that_is_called_off_shows_no_missed_call(world: World) -> None:
    caller = await world.dial()
    world.line.hold(caller)
    for nth, phone in enumerate(("p101", "p102"), 1):
        world.line.ring(f"{caller}-leg{nth}", phone, caller, SHOWN, 20)
        await world.shown_at(phone)
        await world.told(LegRinging, f"{caller}-leg{nth}")
    await world.pick_up("p102")
    await world.told(LegAnswered, f"{caller}-leg2")
    world.line.join(caller, caller, f"{caller}-leg2")
    world.line.call_off(f"{caller}-leg1")
    await world.told(LegEnded, f"{caller}-leg1")
    await world.stops_ringing("p101")
    assert not await world.shows_missed_call("p101")
    await world.talk(caller, "p102")
    assert await world.all_told() == []


async def test_a_phone_that_is_called_off_as_it_answers_is_let_go(world: World) -> None:
    caller = await world.dial()
    world.line.ring(f"{caller}-leg1", "p101", caller, SHOWN, 20)
    await world.told(LegRinging, f"{caller}-leg1")
    await world.pick_up("p101")
    await world.told(LegAnswered, f"{caller}-leg1")
    world.line.call_off(f"{caller}-leg1")
    await world.told(LegEnded, f"{caller}-leg1")
    world.line.call_off(f"{caller}-leg1")
    assert await world.all_told() == []


async def test_a_leg_that_is_ended_before_it_rang_never_rings_on(world: World) -> None:
    caller = await world.dial()
    world.line.ring("c1-leg1", "p101", caller, SHOWN, 20)
    world.line.hang_up("c1-leg1")
    assert (await world.told(LegEnded, "c1-leg1")).cause is EndCause.HUNG_UP
    # it may have begun to ring before it was heard of; it neither ends twice nor is answered
    assert [event for event in await world.all_told() if not isinstance(event, LegRinging)] == []


async def test_asking_twice_for_one_leg_rings_once(world: World) -> None:
    caller = await world.dial()
    world.line.ring("c1-leg1", "p101", caller, SHOWN, 20)
    world.line.ring("c1-leg1", "p101", caller, SHOWN, 20)
    await world.told(LegRinging, "c1-leg1")
    await world.shown_at("p101")
    assert await world.all_told() == []
    await world.pick_up("p101")
    await world.told(LegAnswered, "c1-leg1")


async def test_a_phone_that_leaves_and_comes_back_is_told(world: World) -> None:
    await world.unplug("p102")
    await world.told(Unreachable, "p102")
    await world.plug_in("p102")
    await world.told(Reachable, "p102")


# --- talks


async def test_caller_and_agent_who_are_joined_hear_each_other(world: World) -> None:
    caller, agent = await talking(world)
    world.line.join(caller, caller, agent)  # again: nothing
    await world.talk(caller, "p101")
    assert await world.all_told() == []


async def test_when_the_agent_hangs_up_the_caller_is_still_there(world: World) -> None:
    caller, agent = await talking(world)
    await world.put_down_at("p101")
    await world.told(LegEnded, agent)
    world.line.play(caller, "goodbye", [world.short], "it")
    assert (await world.told(PlaybackEnded, caller)).whole
    assert await world.is_up(caller)


async def test_when_the_caller_hangs_up_the_agents_leg_is_ours_to_end(world: World) -> None:
    caller, agent = await talking(world)
    await world.put_down(caller)
    await world.told(LegEnded, caller)
    assert await world.all_told() == []
    world.line.hang_up(agent)
    await world.told(LegEnded, agent)


async def test_joining_with_a_leg_that_is_gone_fails_and_leaves_the_other(world: World) -> None:
    caller = await world.dial()
    world.line.join(caller, caller, "gone-leg1")
    assert await world.told(JoinFailed) == JoinFailed(caller, (caller, "gone-leg1"))
    world.line.hold(caller)
    assert await world.all_told() == []
    assert await world.is_up(caller)


async def test_a_caller_can_wait_and_talk_again_after_a_talk(world: World) -> None:
    caller, _ = await talking(world, "p101")
    await world.put_down_at("p101")
    await world.told(LegEnded, f"{caller}-leg1")
    world.line.hold(caller)
    world.line.ring(f"{caller}-leg2", "p102", caller, SHOWN, 20)
    await world.pick_up("p102")
    await world.told(LegAnswered, f"{caller}-leg2")
    world.line.join(caller, caller, f"{caller}-leg2")
    await world.talk(caller, "p102")


async def test_a_caller_who_is_put_on_hold_leaves_the_talk_and_hears_what_follows(world: World) -> None:
    caller, agent = await talking(world, "p101")
    world.line.hold(caller)
    world.line.hang_up(agent)
    world.line.play(caller, "words", [world.short], "it")
    assert await world.told(PlaybackEnded, caller) == PlaybackEnded(caller, "words", whole=True)
    await world.told(LegEnded, agent)
    world.line.ring(f"{caller}-leg2", "p102", caller, SHOWN, 20)
    await world.pick_up("p102")
    await world.told(LegAnswered, f"{caller}-leg2")
    world.line.join(caller, caller, f"{caller}-leg2")
    await world.talk(caller, "p102")


# --- talks that change


async def asked(world: World) -> tuple[str, str, str]:
    """An agent who has asked somebody at p102 while the caller waits: the caller's, the agent's and the third leg."""
    caller, agent = await talking(world, "p101")
    world.line.part(agent)
    world.line.hold(caller)
    other = f"{caller}-leg001"
    world.line.ring(other, "p102", caller, SHOWN, 20)
    await world.told(LegRinging, other)
    await world.pick_up("p102")
    await world.told(LegAnswered, other)
    world.line.join(caller, agent, other)
    await world.talk_between("p101", "p102")
    return caller, agent, other


async def test_an_agent_taken_out_of_a_talk_hears_words_and_is_joined_again(world: World) -> None:
    caller, agent = await talking(world)
    world.line.part(agent)
    world.line.hold(caller)
    world.line.play(agent, "where-to", [world.short], "it")
    assert (await world.told(PlaybackEnded, agent)).whole
    world.line.join(caller, caller, agent)
    await world.talk(caller, "p101")
    assert await world.all_told() == []


async def test_who_was_asked_leaves_and_the_agent_is_joined_with_the_caller_again(world: World) -> None:
    caller, agent, other = await asked(world)
    await world.put_down_at("p102")
    await world.told(LegEnded, other)
    world.line.join(caller, caller, agent)
    await world.talk(caller, "p101")
    assert await world.all_told() == []


async def test_the_agent_leaves_and_the_caller_is_joined_with_who_was_asked(world: World) -> None:
    caller, agent, other = await asked(world)
    await world.put_down_at("p101")
    await world.told(LegEnded, agent)
    world.line.join(caller, other, caller)
    await world.talk(caller, "p102")
    assert await world.all_told() == []


@pytest.mark.parametrize("leaves", ["p101", "p102"])
async def test_three_talk_and_when_one_leaves_two_talk_on(world: World, leaves: str) -> None:
    caller, agent, other = await asked(world)
    world.line.join(caller, caller, other)
    for phone in ("p101", "p102"):
        await world.talk(caller, phone)
    await world.put_down_at(leaves)
    await world.told(LegEnded, agent if leaves == "p101" else other)
    await world.talk(caller, "p102" if leaves == "p101" else "p101")
    assert await world.all_told() == []


# --- the phone's own keys


async def test_hold_by_the_phones_own_key_is_told_and_its_end_too(world: World) -> None:
    caller, agent = await talking(world)
    await world.put_on_hold("p101")
    await world.told(HoldBegan, agent)
    await world.take_off_hold("p101")
    await world.told(HoldEnded, agent)
    await world.talk(caller, "p101")
    assert await world.all_told() == []


async def test_hold_that_begins_or_ends_while_the_line_is_lost_is_told_when_asked(world: World) -> None:
    caller, agent = await talking(world)
    for change, told in ((world.put_on_hold, HoldBegan), (world.take_off_hold, HoldEnded)):
        await world.lose_line()
        await world.told(Lost)
        await change("p101")
        await world.find_line()
        so_far = await world.all_told()  # Asterisk may tell by itself what happened meanwhile
        world.line.look_at_hold(caller, agent)
        assert await world.all_told() == [*so_far, told(agent)]
    so_far = await world.all_told()
    world.line.look_at_hold("gone", "gone-leg1")
    assert await world.all_told() == so_far


@pytest.mark.parametrize("number", ["1002", "+39055123456", "00390551", "*45"])
async def test_whom_a_phone_wants_to_transfer_to_is_told(world: World, number: str) -> None:
    caller, agent = await talking(world)
    await world.transfer("p101", number)
    assert await world.told(TransferAsked, agent) == TransferAsked(agent, number)
    world.line.end_transfer(agent, TransferEnd.DECLINED)
    assert await world.told_of_transfer("p101") is TransferEnd.DECLINED
    await world.talk(caller, "p101")
    assert await world.all_told() == []


@pytest.mark.parametrize("how", TransferEnd)
async def test_a_phone_is_told_what_came_of_its_transfer_each_time(world: World, how: TransferEnd) -> None:
    _, agent = await talking(world)
    for _ in range(2):
        await world.transfer("p101", "1002")
        await world.told(TransferAsked, agent)
        world.line.end_transfer(agent, how)
        assert await world.told_of_transfer("p101") is how
    assert await world.all_told() == []


async def test_a_phone_whose_leg_is_ended_is_told_first_that_its_transfer_is_done(world: World) -> None:
    caller, agent = await talking(world)
    await world.transfer("p101", "1002")
    await world.told(TransferAsked, agent)
    world.line.hold(caller)
    world.line.hang_up(agent)
    world.line.end_transfer(agent, TransferEnd.DONE)
    assert await world.told_of_transfer("p101") is TransferEnd.DONE
    await world.told(LegEnded, agent)
    assert await world.is_up(caller)


async def test_a_phone_that_is_never_told_is_let_go_all_the_same(world: World) -> None:
    _, agent = await talking(world)
    await world.transfer("p101", "1002")
    await world.told(TransferAsked, agent)
    world.line.hang_up(agent)
    await world.told(LegEnded, agent)


async def test_a_phone_that_wants_its_two_calls_joined_names_the_other_one(world: World) -> None:
    caller, agent = await talking(world)
    second = await world.second_call("p101", "1002")
    await world.join_calls("p101")
    assert await world.told(JoinAsked, agent) == JoinAsked(agent, second)
    for leg in (agent, second):
        world.line.hang_up(leg)
    world.line.end_transfer(agent, TransferEnd.DONE)
    assert await world.told_of_transfer("p101") is TransferEnd.DONE
    for leg in (agent, second):
        await world.told(LegEnded, leg)
    assert await world.is_up(caller)
    assert await world.all_told() == []


@pytest.mark.parametrize("named_for", ["caller", "asked"])
async def test_whom_an_agent_asked_by_a_call_of_their_own_is_joined_with_the_caller(
    world: World, named_for: str
) -> None:
    caller, agent = await talking(world)
    second = await world.second_call("p101", "1002")
    asked = f"{second}-leg1"
    world.line.ring(asked, "p102", second, SHOWN, 20)
    await world.pick_up("p102")
    await world.told(LegAnswered, asked)
    world.line.join(second, second, asked)
    await world.join_calls("p101")
    await world.told(JoinAsked, agent)
    for leg in (agent, second):
        world.line.hang_up(leg)
    world.line.end_transfer(agent, TransferEnd.DONE)
    first, other = (asked, caller) if named_for == "caller" else (caller, asked)
    world.line.join(caller, first, other)
    for leg in (agent, second):
        await world.told(LegEnded, leg)
    await world.talk(caller, "p102")
    await world.lose_line()
    legs = {leg.leg: leg.talks_in for leg in (await world.find_line()).legs}
    assert legs == {caller: caller, asked: caller}


async def test_of_a_call_that_is_over_a_phone_names_nobody(world: World) -> None:
    caller, agent = await talking(world)
    second = await world.second_call("p101", "1002")
    world.line.hang_up(second)
    await world.told(LegEnded, second)
    await world.join_calls("p101")
    assert await world.told(JoinAsked, agent) == JoinAsked(agent, "")
    world.line.end_transfer(agent, TransferEnd.DECLINED)
    assert await world.told_of_transfer("p101") is TransferEnd.DECLINED
    await world.talk(caller, "p101")


async def test_what_a_phone_of_ours_dials_is_told_as_such(world: World) -> None:
    leg = await world.dial_from("p101", "*461")
    world.line.play(leg, "words", [world.short], "it")
    assert (await world.told(PlaybackEnded, leg)).whole
    await world.lose_line()
    await world.told(Lost)
    [there] = [one for one in (await world.find_line()).legs if one.leg == leg]
    assert there.dialled is not None
    assert (there.dialled.phone, there.dialled.number, there.up) == ("p101", "*461", True)
    assert there.arrived is None
    world.line.hang_up(leg)
    await world.told(LegEnded, leg)


# --- talks that a third one overhears


async def overhearing(world: World, how: Overhear) -> tuple[str, str, str]:
    """Caller and agent (at p101) talk, and a supervisor (at p102) is with them: their legs."""
    caller, agent = await talking(world)
    supervisor = f"{caller}-ear1-leg1"
    world.line.ring(supervisor, "p102", caller, SHOWN, 20)
    await world.told(LegRinging, supervisor)
    await world.pick_up("p102")
    await world.told(LegAnswered, supervisor)
    world.line.overhear(supervisor, agent, how)
    return caller, agent, supervisor


HEARD_BY = {
    Overhear.LISTEN: (),
    Overhear.WHISPER: ("p101",),
    Overhear.BARGE: ("caller", "p101"),
}


@pytest.mark.parametrize("how", Overhear)
async def test_who_overhears_hears_both_and_is_heard_by_whom_it_says(world: World, how: Overhear) -> None:
    caller, _, _ = await overhearing(world, how)
    await world.all_told()
    assert await world.hearers_of(caller, "p101", "p102") == {"p101", "p102"}
    assert await world.hearers_of("p101", caller, "p102") == {caller, "p102"}
    heard_by = {caller if who == "caller" else who for who in HEARD_BY[how]}
    assert await world.hearers_of("p102", caller, "p101") == heard_by
    assert await world.all_told() == []


async def test_how_somebody_overhears_is_changed_to_and_fro(world: World) -> None:
    caller, agent, supervisor = await overhearing(world, Overhear.LISTEN)
    for how in (Overhear.BARGE, Overhear.WHISPER, Overhear.BARGE, Overhear.LISTEN):
        world.line.overhear(supervisor, agent, how)
        await world.all_told()
        heard_by = {caller if who == "caller" else who for who in HEARD_BY[how]}
        assert await world.hearers_of("p102", caller, "p101") == heard_by, how
        assert await world.hearers_of(caller, "p102") == {"p102"}, how
    assert await world.all_told() == []


@pytest.mark.parametrize("how", Overhear)
async def test_who_overheard_and_leaves_leaves_the_talk_as_it_is(world: World, how: Overhear) -> None:
    caller, _, supervisor = await overhearing(world, how)
    await world.all_told()
    await world.put_down_at("p102")
    await world.told(LegEnded, supervisor)
    await world.talk(caller, "p101")
    assert await world.all_told() == []


@pytest.mark.parametrize("who", ["caller", "agent"])
@pytest.mark.parametrize("how", Overhear)
async def test_who_overhears_is_there_when_the_talk_is_over_and_hears_what_is_said_then(
    world: World, how: Overhear, who: str
) -> None:
    caller, agent, supervisor = await overhearing(world, how)
    await world.all_told()
    if who == "caller":
        await world.put_down(caller)
        await world.told(LegEnded, caller)
        world.line.hang_up(agent)
    else:
        await world.put_down_at("p101")
    await world.told(LegEnded, agent)
    world.line.play(supervisor, "over", [world.short], "it")
    assert await world.told(PlaybackEnded, supervisor) == PlaybackEnded(supervisor, "over", whole=True)
    world.line.hang_up(supervisor)
    await world.told(LegEnded, supervisor)
    assert await world.all_told() == []


async def test_what_is_said_to_somebody_who_overhears_takes_them_out_of_the_talk(world: World) -> None:
    caller, _, supervisor = await overhearing(world, Overhear.BARGE)
    world.line.play(supervisor, "enough", [world.short], "it")
    assert await world.told(PlaybackEnded, supervisor) == PlaybackEnded(supervisor, "enough", whole=True)
    assert await world.hearers_of("p102", caller, "p101") == set()
    await world.talk(caller, "p101")
    assert await world.all_told() == []


@pytest.mark.parametrize("how", Overhear)
async def test_who_overheard_takes_the_caller_over_by_being_joined(world: World, how: Overhear) -> None:
    caller, agent, supervisor = await overhearing(world, how)
    world.line.join(caller, caller, supervisor)
    world.line.hang_up(agent)
    await world.told(LegEnded, agent)
    await world.talk(caller, "p102")
    await world.put_down_at("p102")
    await world.told(LegEnded, supervisor)
    assert await world.all_told() == []
    assert await world.is_up(caller)


async def test_where_there_is_no_talk_to_overhear_it_is_told(world: World) -> None:
    caller = await world.dial()
    world.line.overhear(caller, "gone-leg1", Overhear.LISTEN)
    assert await world.told(OverhearFailed) == OverhearFailed(caller)
    world.line.hold(caller)
    assert await world.all_told() == []


@pytest.mark.parametrize("how", Overhear)
async def test_who_overhears_does_so_on_while_the_line_is_lost_and_after_it(world: World, how: Overhear) -> None:
    caller, agent, supervisor = await overhearing(world, how)
    assert await world.hearers_of("p101", "p102") == {"p102"}, "from now on"
    await world.lose_line()
    await world.told(Lost)
    assert await world.hearers_of("p101", caller, "p102") == {caller, "p102"}
    found = {leg.leg: leg for leg in (await world.find_line()).legs}
    assert found.keys() == {caller, agent, supervisor}
    assert found[caller].talks_in == found[agent].talks_in == caller
    world.line.overhear(supervisor, agent, Overhear.WHISPER)
    await world.all_told()
    assert await world.hearers_of("p102", caller, "p101") == {"p101"}
    assert await world.hearers_of(caller, "p101", "p102") == {"p101", "p102"}
    await world.put_down_at("p102")
    await world.told(LegEnded, supervisor)
    await world.talk(caller, "p101")
    assert await world.all_told() == []


async def test_a_caller_who_was_taken_over_is_told_to_talk_when_the_line_is_back(world: World) -> None:
    caller, agent, supervisor = await overhearing(world, Overhear.LISTEN)
    world.line.join(caller, caller, supervisor)
    world.line.hang_up(agent)
    await world.told(LegEnded, agent)
    await world.lose_line()
    await world.told(Lost)
    found = {leg.leg: leg for leg in (await world.find_line()).legs}
    assert {name: leg.talks_in for name, leg in found.items()} == {caller: caller, supervisor: caller}
    await world.talk(caller, "p102")


async def test_who_has_barged_in_is_there_again_when_the_agent_has_the_caller_back(world: World) -> None:
    caller, agent, _ = await overhearing(world, Overhear.BARGE)
    await world.all_told()
    world.line.part(agent)
    world.line.hold(caller)
    world.line.play(agent, "where-to", [world.short], "it")
    await world.told(PlaybackEnded, agent)
    world.line.join(caller, caller, agent)
    await world.all_told()
    assert await world.hearers_of("p102", caller, "p101") == {caller, "p101"}
    assert await world.all_told() == []


async def test_who_has_barged_in_goes_with_the_agent_to_whom_they_ask_and_back(world: World) -> None:
    caller, agent, _ = await overhearing(world, Overhear.BARGE)
    await world.all_told()
    world.line.part(agent)
    world.line.hold(caller)
    asked = f"{caller}-leg001"
    world.let_refuse("first", 0)
    world.line.ring_outside(asked, OUTSIDE, caller, SHOWN, 20)
    outside = await world.rings_through("first")
    await world.told(LegRinging, asked)
    await world.pick_up(outside)
    await world.told(LegAnswered, asked)
    world.line.join(caller, agent, asked)
    await world.all_told()
    assert await world.hearers_of("p102", "p101", outside) == {"p101", outside}
    await world.put_down_at(outside)
    await world.told(LegEnded, asked)
    world.line.join(caller, caller, agent)
    await world.all_told()
    assert await world.hearers_of("p102", caller, "p101") == {caller, "p101"}
    assert await world.all_told() == []


async def test_a_talk_that_is_overheard_is_recorded_on(world: World) -> None:
    caller, agent, supervisor = await overhearing(world, Overhear.WHISPER)
    name = f"talks/hall/2026-11-23/{caller}-talk1"
    world.line.record_talk(agent, name)
    await world.both_speak(caller, "p101", 1.0)
    await world.put_down_at("p102")
    await world.told(LegEnded, supervisor)
    await world.both_speak(caller, "p101", 1.0)
    await world.put_down_at("p101")
    await world.told(LegEnded, agent)
    assert (await world.told(TalkRecorded, agent)).duration_s >= 1.5
    assert await world.all_told() == []


# --- recordings


async def test_a_message_ends_with_the_hash_key(world: World) -> None:
    caller = await world.dial()
    world.line.play(caller, "greeting", [world.short], "it")
    assert (await world.told(PlaybackEnded, caller)).whole
    name = f"2026-11-23/{caller}"
    world.line.record(caller, name, 20, SILENCE_S)
    await world.all_told()
    await world.press(caller, "#")
    assert (await world.told(RecordingEnded, caller)).recording == name
    world.line.play(caller, "thanks", [world.short], "it")
    assert (await world.told(PlaybackEnded, caller)).whole


async def test_a_message_ends_with_silence(world: World) -> None:
    # demo phones are silent until told to speak
    caller = await world.dial()
    world.line.record(caller, "silent", 20, SILENCE_S)
    if isinstance(world, FakeWorld):
        world.fake.fall_silent(caller)
    assert (await world.told(RecordingEnded, caller)).recording == "silent"


@pytest.mark.parametrize("before", ["nothing", "music"])
async def test_a_message_ends_at_its_limit_and_is_kept(world: World, before: str) -> None:
    caller = await world.dial()
    await world.speak(caller)
    if before == "music":  # from a queue into the voicemail
        world.line.hold(caller)
        world.line.play(caller, "greeting", [world.short], "it")
        assert (await world.told(PlaybackEnded, caller)).whole
    world.line.record(caller, f"after-{before}", 2, 20)
    ended = await world.told(RecordingEnded, caller)
    assert ended == RecordingEnded(caller, f"after-{before}", ended.duration_s)
    assert 1 <= ended.duration_s <= 3  # Asterisk counts whole seconds
    assert ended.duration_s <= world.message_s(f"after-{before}") < ended.duration_s + 1


async def test_a_message_ends_with_the_callers_leg_and_is_kept(world: World) -> None:
    caller = await world.dial()
    world.line.record(caller, "cut-off", 20, 20)
    await world.all_told()
    await world.put_down(caller)
    assert (await world.told(RecordingEnded, caller)).recording == "cut-off"
    await world.told(LegEnded, caller)


async def test_asking_again_for_a_recording_that_runs_changes_nothing(world: World) -> None:
    caller = await world.dial()
    await world.speak(caller)
    world.line.record(caller, "asked-twice", 2, 20)
    world.line.record(caller, "asked-twice", 2, 20)
    assert (await world.told(RecordingEnded, caller)).duration_s >= 1
    assert await world.all_told() == []


async def test_a_message_of_somebody_who_is_gone_is_told_as_empty(world: World) -> None:
    world.line.record("gone", "of-nobody", 20, SILENCE_S)
    assert await world.told(RecordingEnded, "gone") == RecordingEnded("gone", "of-nobody", 0.0)


# --- talks that are recorded


async def test_a_talk_is_recorded_until_the_agent_hangs_up(world: World) -> None:
    caller, agent = await talking(world)
    name = f"talks/hall/2026-11-23/{caller}-talk1"
    world.line.record_talk(agent, name)
    await world.both_speak(caller, "p101", 2.0)
    await world.put_down_at("p101")
    await world.told(LegEnded, agent)
    ended = await world.told(TalkRecorded, agent)
    assert ended == TalkRecorded(agent, name, ended.duration_s)
    assert 1.5 <= ended.duration_s <= 4.0
    assert ended.duration_s == world.talk_s(name)
    assert await world.all_told() == []


async def test_after_the_caller_has_left_the_recording_ends_with_the_agents_leg(world: World) -> None:
    caller, agent = await talking(world)
    world.line.record_talk(agent, f"talks/hall/2026-11-23/{caller}-talk1")
    await world.both_speak(caller, "p101", 1.0)
    await world.put_down(caller)
    await world.told(LegEnded, caller)
    world.line.hang_up(agent)
    await world.told(LegEnded, agent)
    assert (await world.told(TalkRecorded, agent)).duration_s > 0


async def test_asking_again_for_a_talk_that_is_recorded_changes_nothing(world: World) -> None:
    caller, agent = await talking(world)
    name = f"talks/hall/2026-11-23/{caller}-talk1"
    world.line.record_talk(agent, name)
    world.line.record_talk(agent, name)
    await world.both_speak(caller, "p101", 1.0)
    world.line.record_talk(agent, name)
    await world.put_down_at("p101")
    await world.told(LegEnded, agent)
    ended = await world.told(TalkRecorded, agent)
    world.line.record_talk(agent, name)
    assert await world.told(TalkRecorded, agent) == ended, "of one that is over it is told again"
    assert await world.all_told() == []


async def test_a_talk_is_recorded_on_while_the_line_is_lost(world: World) -> None:
    caller, agent = await talking(world)
    name = f"talks/hall/2026-11-23/{caller}-talk1"
    world.line.record_talk(agent, name)
    await world.both_speak(caller, "p101", 1.0)
    await world.lose_line()
    await world.told(Lost)
    await world.both_speak(caller, "p101", 1.0)
    await world.find_line()
    world.line.record_talk(agent, name)
    await world.both_speak(caller, "p101", 1.0)
    await world.put_down_at("p101")
    await world.told(LegEnded, agent)
    assert (await world.told(TalkRecorded, agent)).duration_s >= 2.5


async def test_a_recorded_talk_that_ended_while_the_line_was_lost_is_told_when_asked(world: World) -> None:
    caller, agent = await talking(world)
    name = f"talks/hall/2026-11-23/{caller}-talk1"
    world.line.record_talk(agent, name)
    await world.both_speak(caller, "p101", 1.0)
    await world.lose_line()
    await world.told(Lost)
    await world.put_down_at("p101")
    await world.find_line()
    world.line.hang_up(agent)
    world.line.record_talk(agent, name)
    ended = await world.told(TalkRecorded, agent)
    assert ended.duration_s > 0
    again = [event for event in await world.all_told() if isinstance(event, TalkRecorded)]
    assert set(again) <= {ended}, "told by itself, and when asked: the same"


async def test_a_talk_of_somebody_who_is_gone_is_told_as_not_recorded(world: World) -> None:
    world.line.record_talk("gone-leg1", "talks/hall/2026-11-23/gone-talk1")
    assert (await world.told(TalkRecorded, "gone-leg1")).duration_s == 0.0
    assert world.talk_s("talks/hall/2026-11-23/gone-talk1") == 0.0


async def recorded_in_silence(world: World) -> tuple[str, str, str]:
    """A caller and an agent who talk, and whose recording has paused before either said a word: legs and recording."""
    caller, agent = await talking(world)
    await world.all_told()
    name = f"talks/hall/2026-11-23/{caller}-talk1"
    world.line.record_talk(agent, name)
    world.line.pause_recording(agent)
    assert await world.told(RecordingPaused, agent) == RecordingPaused(agent)
    return caller, agent, name


async def hang_up_and_close(world: World, agent: str) -> TalkRecorded:
    await world.put_down_at("p101")
    await world.told(LegEnded, agent)
    return await world.told(TalkRecorded, agent)


async def test_what_is_said_while_a_recording_pauses_is_in_no_file(world: World) -> None:
    caller, agent, name = await recorded_in_silence(world)
    await world.both_speak(caller, "p101", 2.0)
    assert (await hang_up_and_close(world, agent)).duration_s >= 1.5, "silence stands in its place"
    assert not world.holds_voices(name)
    assert await world.all_told() == []


async def test_a_recording_that_goes_on_after_a_pause_holds_what_follows(world: World) -> None:
    caller, agent, name = await recorded_in_silence(world)
    world.line.pause_recording(agent)
    await world.told(RecordingPaused, agent)
    world.line.resume_recording(agent)
    assert await world.told(RecordingResumed, agent) == RecordingResumed(agent)
    await world.both_speak(caller, "p101", 1.0)
    await hang_up_and_close(world, agent)
    assert world.holds_voices(name)
    assert await world.all_told() == []


async def test_a_recording_that_pauses_does_so_while_the_line_is_lost(world: World) -> None:
    caller, agent, name = await recorded_in_silence(world)
    await world.lose_line()
    await world.told(Lost)
    await world.both_speak(caller, "p101", 1.0)
    await world.find_line()
    world.line.record_talk(agent, name)
    await world.both_speak(caller, "p101", 1.0)
    await hang_up_and_close(world, agent)
    assert not world.holds_voices(name)


async def test_a_recording_that_is_stopped_ends_before_its_talk_and_is_told_once(world: World) -> None:
    caller, agent = await talking(world)
    await world.all_told()
    name = f"talks/hall/2026-11-23/{caller}-talk1"
    world.line.record_talk(agent, name)
    await world.both_speak(caller, "p101", 1.0)
    world.line.stop_recording(agent, name)
    assert (await world.told(TalkRecorded, agent)).why == ""
    length_s = world.talk_s(name)
    await world.both_speak(caller, "p101", 1.0)
    assert world.talk_s(name) == length_s, "what is said afterwards is in no file"
    await world.put_down_at("p101")
    await world.told(LegEnded, agent)
    assert [event for event in await world.all_told() if isinstance(event, TalkRecorded)] == []


async def test_what_is_not_recorded_cannot_pause_and_it_is_told(world: World) -> None:
    _, agent = await talking(world)
    world.line.pause_recording(agent)
    assert (await world.told(RecordingPauseFailed, agent)).why
    world.line.resume_recording("gone-leg1")
    assert (await world.told(RecordingPauseFailed, "gone-leg1")).why
    assert await world.all_told() == []


async def test_what_is_said_aside_is_heard_by_the_agent_alone(world: World) -> None:
    caller, agent = await talking(world)
    await world.all_told()
    world.line.say_aside(agent, [world.long], "it")
    assert await world.hears_aside(caller, "p101") == {"p101"}
    assert await world.hearers_of(caller, "p101") == {"p101"}, "the talk goes on"
    assert await world.all_told() == []


async def test_what_is_said_aside_is_in_no_file_and_leaves_nothing_behind(world: World) -> None:
    caller, agent = await talking(world)
    await world.all_told()
    name = f"talks/hall/2026-11-23/{caller}-talk1"
    world.line.record_talk(agent, name)
    world.line.say_aside(agent, [world.short], "it")
    world.line.say_aside(agent, [world.short], "it")
    await world.hears_aside(caller, "p101")
    await world.hears_aside(caller, "p101")
    await hang_up_and_close(world, agent)
    assert not world.holds_voices(name)
    world.line.say_aside(agent, [world.short], "it")
    await world.lose_line()
    await world.told(Lost)
    assert {leg.leg for leg in (await world.find_line()).legs} == {caller}
    assert await world.all_told() == []


# --- numbers outside


async def test_a_number_outside_rings_through_the_first_carrier_and_both_talk(world: World) -> None:
    world.let_refuse("first", 0)
    caller, office = await ringing_outside(world)
    phone = await world.rings_through("first")
    await talks_with_the_office(world, caller, office, phone)
    await world.put_down(caller)
    await world.told(LegEnded, caller)
    world.line.hang_up(office)
    await world.told(LegEnded, office)


@pytest.mark.parametrize("status", [403, 500, 503])
async def test_what_the_first_carrier_does_not_take_the_second_does_as_the_same_leg(world: World, status: int) -> None:
    world.let_refuse("first", status)
    caller, office = await ringing_outside(world)
    phone = await world.rings_through("second")
    await talks_with_the_office(world, caller, office, phone)
    world.line.look_at(office)
    assert await world.all_told() == []
    await world.put_down_at(phone)
    await world.told(LegEnded, office)
    assert await world.is_up(caller)


async def test_where_no_carrier_takes_the_call_its_end_is_told_once(world: World) -> None:
    world.let_refuse("first", 503)
    world.let_refuse("second", 403)
    _, office = await ringing_outside(world)
    assert (await world.told(LegEnded, office)).cause is EndCause.UNREACHABLE
    assert await world.all_told() == []


async def test_of_who_turns_the_call_away_no_other_carrier_is_asked(world: World) -> None:
    world.let_refuse("first", 0)
    _, office = await ringing_outside(world)
    await world.told(LegRinging, office)
    await world.turn_away(await world.rings_through("first"))
    assert (await world.told(LegEnded, office)).cause is EndCause.REJECTED
    assert await world.all_told() == []


async def test_a_number_outside_that_is_called_off_stops_ringing_and_no_other_carrier_is_asked(world: World) -> None:
    world.let_refuse("first", 503)
    _, office = await ringing_outside(world)
    await world.told(LegRinging, office)
    phone = await world.rings_through("second")
    world.line.hang_up(office)
    await world.told(LegEnded, office)
    await world.stops_ringing(phone)
    assert await world.all_told() == []


async def test_a_talk_through_the_second_carrier_outlives_the_line(world: World) -> None:
    world.let_refuse("first", 503)
    caller, office = await ringing_outside(world)
    phone = await world.rings_through("second")
    await talks_with_the_office(world, caller, office, phone)
    await world.lose_line()
    await world.told(Lost)
    found = {leg.leg: leg for leg in (await world.find_line()).legs}
    assert found.keys() == {caller, office}
    assert (found[office].talks_in, found[office].arrived) == (caller, None)
    await world.put_down_at(phone)
    await world.told(LegEnded, office)


async def ringing_outside(world: World) -> tuple[str, str]:
    """A caller, and the leg of the office that is rung for them."""
    caller = await world.dial()
    world.line.hold(caller)
    office = f"{caller}-leg01"
    world.line.ring_outside(office, OUTSIDE, caller, SHOWN, 20)
    return caller, office


async def talks_with_the_office(world: World, caller: str, office: str, phone: str) -> None:
    await world.told(LegRinging, office)
    await world.pick_up(phone)
    await world.told(LegAnswered, office)
    world.line.join(caller, caller, office)
    await world.talk(caller, phone)


# --- the line


async def test_calls_live_on_without_the_line_and_are_told_as_they_are_when_it_is_back(world: World) -> None:
    talker, agent = await talking(world, "p101")
    waiter = await world.dial()
    world.line.hold(waiter)
    world.line.ring("ring-leg1", "p102", waiter, SHOWN, 20)
    await world.told(LegRinging, "ring-leg1")
    leaver = await world.dial()
    await world.all_told()
    await world.lose_line()
    await world.told(Lost)
    world.line.hang_up(waiter)  # nobody hears it
    await world.put_down(leaver)
    found = {leg.leg: leg for leg in (await world.find_line()).legs}
    assert found.keys() == {talker, agent, waiter, "ring-leg1"}
    assert (found[talker].talks_in, found[agent].talks_in) == (talker, talker)
    assert {name: leg.up for name, leg in found.items()} == {
        talker: True,
        agent: True,
        waiter: True,
        "ring-leg1": False,
    }
    assert {name for name, leg in found.items() if leg.holding} == {waiter}
    assert {name for name, leg in found.items() if leg.arrived} == {talker, waiter}
    arrived = found[waiter].arrived
    assert arrived is not None
    assert (arrived.dialled, arrived.caller) == ("055055", CallerId("+39055123456", "Rossi"))
    await world.talk(talker, "p101")


async def test_a_phone_that_was_answered_while_the_line_was_lost_is_told_as_up(world: World) -> None:
    caller = await world.dial()
    world.line.hold(caller)
    world.line.ring("away-leg1", "p101", caller, SHOWN, 20)
    await world.told(LegRinging, "away-leg1")
    await world.shown_at("p101")
    await world.lose_line()
    await world.told(Lost)
    await world.pick_up("p101")
    found = {leg.leg: leg for leg in (await world.find_line()).legs}
    assert found["away-leg1"].up
    world.line.join(caller, caller, "away-leg1")
    await world.talk(caller, "p101")


# --- lamps


@pytest.mark.parametrize("lamp", LAMPS)
async def test_a_lamp_is_lit_and_put_out_at_each_phone_that_watches_it(world: World, lamp: str) -> None:
    world.line.put_out(lamp)
    for phone in ("p101", "p102"):
        await world.watch(phone, lamp)
        await world.shows(phone, lamp, lit=False)
    world.line.light(lamp)
    for phone in ("p101", "p102"):
        await world.shows(phone, lamp, lit=True)
    world.line.put_out(lamp)
    for phone in ("p101", "p102"):
        await world.shows(phone, lamp, lit=False)
    assert await world.all_told() == []


async def test_a_lamp_that_was_lit_before_is_lit_for_whoever_watches_it_now(world: World) -> None:
    world.line.light("*451001")
    await world.watch("p101", "*451001")
    await world.shows("p101", "*451001", lit=True)


async def test_lamps_stay_as_they_are_while_the_line_is_lost(world: World) -> None:
    world.line.light("*451001")
    await world.watch("p101", "*451001")
    await world.shows("p101", "*451001", lit=True)
    await world.lose_line()
    await world.told(Lost)
    world.line.put_out("*451001")
    await world.find_line()
    await world.shows("p101", "*451001", lit=True)
