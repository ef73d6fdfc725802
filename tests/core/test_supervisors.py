"""Supervisors listen, whisper, barge in and take over: by code and by command, with permission, always on record."""

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest

from acd.rules import Recording
from acd.state import Doing
from agents.codes import HOW_OF, Code
from agents.roster import PhoneSeat
from agents.spoken import Spoken
from agents.supervisors import How
from asterisk.fake import Truth
from asterisk.port import EndCause, JoinFailed, LegEnded
from centralino import events as ev
from centralino.call_states import CallState
from centralino.phone_codes import LOCKED_FOR_S
from centralino.shown import sentence
from centralino.signing import Refused
from centralino.state import QueueCount
from supervision.live import LiveView
from tests.contact_centre import ContactCentre, phone_of

CARLA = phone_of("carla")
ELSEWHERE = "p999"
ANA_S_LEG = "c1-leg1"


@pytest.fixture
def hall(floor: ContactCentre) -> ContactCentre:
    """Ana, 1001, talks with c1; Carla supervises all of it."""
    floor.queue("hall", wrap_up_s=30.0)
    floor.agent("ana")
    floor.number("ana", "1001")
    floor.supervisor("carla", number="9001", pin="4711")
    floor.phones[ELSEWHERE] = PhoneSeat(ELSEWHERE, "roma")
    floor.call("c1")
    floor.pick_up("ana")
    return floor


def listened(hall: ContactCentre, *kinds: type[ev.AnyEvent]) -> list[ev.AnyEvent]:
    kinds = kinds or (ev.ListeningBegun, ev.ListeningChanged, ev.ListeningEnded, ev.ListeningRefused)
    return [entry.event for entry in hall.entries if isinstance(entry.event, kinds)]


def hears(hall: ContactCentre, leg: str, spoken: Spoken) -> None:
    """It is said at `leg`, which is hung up then."""
    assert hall.hears(leg) == spoken.prompt("it").text
    hall.clock.advance(hall.line.sound_s)
    assert leg not in hall.line.truth.legs


# --- how they are with a talk


@pytest.mark.parametrize(
    ("code", "heard_by"),
    [("*90", set()), ("*91", {ANA_S_LEG}), ("*92", {ANA_S_LEG, "c1"})],
)
def test_a_code_lets_a_supervisor_hear_both_and_be_heard_by_whom_it_says(
    hall: ContactCentre, code: str, heard_by: set[str]
) -> None:
    hall.dial_from(CARLA, f"{code}1001")
    assert hall.line.hearers_of("c1") == {ANA_S_LEG, "d1"}
    assert hall.line.hearers_of(ANA_S_LEG) == {"c1", "d1"}
    assert hall.line.hearers_of("d1") == heard_by
    [begun] = listened(hall)
    assert isinstance(begun, ev.ListeningBegun)
    assert (begun.call, begun.supervisor, begun.agent, begun.phone) == ("c1", "carla", "ana", CARLA)
    assert begun.how == HOW_OF[Code(code)]


def test_the_keys_4_5_and_6_change_how(hall: ContactCentre) -> None:
    hall.dial_from(CARLA, "*901001")
    for key, heard_by in (("6", {"c1", ANA_S_LEG}), ("5", {ANA_S_LEG}), ("5", {ANA_S_LEG}), ("4", set()), ("7", set())):
        hall.press("d1", key)
        assert hall.line.hearers_of("d1") == heard_by
    assert [event.how for event in listened(hall, ev.ListeningChanged)] == ["barge", "whisper", "listen"]  # type: ignore[union-attr]


def test_listening_changes_nothing_for_the_agent_the_floor_and_the_figures(hall: ContactCentre) -> None:
    before = replace(hall.switchboard.floor.agents["ana"])
    agent, call, today = (repr(one) for one in (hall.house.agent("ana"), hall.now("c1"), hall.house.today))
    hall.dial_from(CARLA, "*901001")
    hall.press("d1", "56")
    hall.hang_up("d1")
    assert hall.switchboard.floor.agents["ana"] == before
    assert (repr(hall.house.agent("ana")), repr(hall.now("c1")), repr(hall.house.today)) == (agent, call, today)
    assert hall.line.hearers_of("c1") == {ANA_S_LEG}
    assert [event.why for event in listened(hall, ev.ListeningEnded)] == ["the supervisor hung up"]  # type: ignore[union-attr]


@pytest.mark.parametrize("how", ["*90", "*91", "*92"])
@pytest.mark.parametrize("end", [lambda hall: hall.hang_up("c1"), lambda hall: hall.put_down("ana")])
def test_when_the_talk_ends_the_supervisor_hears_so_and_is_hung_up(
    hall: ContactCentre, how: str, end: Callable[[ContactCentre], None]
) -> None:
    hall.dial_from(CARLA, f"{how}1001")
    end(hall)
    assert hall.doing("ana") is Doing.WRAPPING_UP
    hears(hall, "d1", Spoken.TALK_IS_OVER)
    assert [event.why for event in listened(hall, ev.ListeningEnded)] == ["the talk is over"]  # type: ignore[union-attr]


def test_when_the_caller_is_handed_on_the_talk_is_over_too(hall: ContactCentre) -> None:
    hall.queue("experts")
    hall.agent("bo")
    hall.dial_from(CARLA, "*921001")
    hall.hand_on("c1", "experts")
    hears(hall, "d1", Spoken.TALK_IS_OVER)


def test_two_supervisors_hear_one_talk_and_one_leaves_the_other_as_they_are(hall: ContactCentre) -> None:
    dario = hall.supervisor("dario")
    hall.dial_from(CARLA, "*901001")
    hall.dial_from(dario, "*921001", "d2")
    assert hall.line.hearers_of("c1") == {ANA_S_LEG, "d1", "d2"}
    hall.hang_up("d2")
    assert hall.line.hearers_of("c1") == {ANA_S_LEG, "d1"}


def test_where_the_phone_system_cannot_nobody_is_left_in_silence(hall: ContactCentre) -> None:
    hall.line.overhearings_that_fail = 1
    hall.dial_from(CARLA, "*901001")
    hears(hall, "d1", Spoken.NOT_NOW)
    assert hall.house.listenings == {}


def test_no_queues_call_rings_at_the_phone_of_a_supervisor_who_listens(hall: ContactCentre) -> None:
    """Carla answers calls herself, when she does not listen."""
    hall.agent("carla")
    hall.dial_from(CARLA, "*901001")
    hall.call("c2")
    assert hall.ringing_now() == {}
    hall.restart_engine()
    assert hall.ringing_now() == {}
    hall.hang_up("d1")
    assert hall.ringing_now() == {"carla": "c2"}


# --- taking over


def test_who_takes_over_talks_on_with_the_caller_and_the_agent_wraps_up(hall: ContactCentre) -> None:
    hall.dial_from(CARLA, "*931001")
    assert hall.now("c1").state is CallState.TAKEN_OVER
    assert hall.doing("ana") is Doing.WRAPPING_UP
    assert hall.line.hearers_of("d1") == {"c1"}
    assert hall.line.hearers_of("c1") == {"d1"}
    assert ANA_S_LEG not in hall.line.truth.legs
    hall.hang_up("d1")
    assert hall.outcomes() == {"c1": ev.Outcome.ANSWERED}
    assert hall.line.truth.legs == {}
    assert [event.by for event in hall.trail("c1") if isinstance(event, ev.SupervisorLeft)] == ["supervisor"]


def test_a_caller_who_hangs_up_on_the_supervisor_ends_the_call(hall: ContactCentre) -> None:
    hall.dial_from(CARLA, "*931001")
    hall.hang_up("c1")
    assert hall.outcomes() == {"c1": ev.Outcome.ANSWERED}
    assert hall.line.truth.legs == {}
    assert hall.house.listenings == {}
    assert hall.house.totals["hall"] == QueueCount(1, 1, 0, 1, 0.0, 1, 0.0)


def test_while_they_have_taken_over_keys_change_nothing(hall: ContactCentre) -> None:
    hall.dial_from(CARLA, "*931001")
    hall.press("d1", "456")
    assert listened(hall, ev.ListeningChanged) == []


def test_who_listened_to_a_talk_that_another_takes_over_hears_that_it_is_over(hall: ContactCentre) -> None:
    hall.dial_from(CARLA, "*901001")
    hall.dial_from(hall.supervisor("dario"), "*931001", "d2")
    hears(hall, "d1", Spoken.TALK_IS_OVER)
    assert hall.line.hearers_of("c1") == {"d2"}


def test_where_the_two_cannot_be_joined_the_caller_waits_again_in_the_old_place(hall: ContactCentre) -> None:
    hall.clock.advance(60)
    hall.call("c2")
    hall.line.joins_that_fail = 1
    hall.dial_from(CARLA, "*931001")
    assert hall.waiting_in() == ["c1", "c2"]
    hears(hall, "d1", Spoken.NOT_NOW)
    hall.hang_up("c1")
    assert hall.outcomes() == {"c1": ev.Outcome.ANSWERED}
    assert hall.house.totals["hall"] == QueueCount(3, 1, 1, 1, 0.0, 1, 60.0)


def test_where_the_two_cannot_be_joined_again_the_supervisor_is_told_so_out_of_the_talk(hall: ContactCentre) -> None:
    hall.dial_from(CARLA, "*931001")
    hall.switchboard.handle(JoinFailed("c1", ("c1", "d1")))
    hall.settle()
    hears(hall, "d1", Spoken.NOT_NOW)
    assert hall.waiting_in() == ["c1"]


def test_a_talk_that_is_taken_over_is_recorded_on_as_another_one(floor: ContactCentre) -> None:
    floor.queue("hall", recording=Recording("7", 86_400.0))
    floor.supervisor("carla")
    floor.call("c1")
    floor.clock.advance(10)
    floor.agent("ana")
    floor.number("ana", "1001")
    floor.pick_up("ana")
    floor.dial_from(CARLA, "*931001")
    started = [event for event in floor.trail("c1") if isinstance(event, ev.TalkRecordingStarted)]
    assert [event.leg for event in started] == [ANA_S_LEG, "d1"]
    assert started[0].recording != started[1].recording
    floor.hang_up("d1")
    assert floor.house.recordings == {}


# --- the engine or the line away, at any moment


@pytest.mark.parametrize("code", ["*90", "*91", "*92", "*93"])
def test_after_a_restart_all_goes_on_as_it_was(hall: ContactCentre, code: str) -> None:
    hall.dial_from(CARLA, f"{code}1001")
    before = {leg: hall.line.hearers_of(leg) for leg in hall.line.truth.legs}
    hall.restart_engine()
    assert {leg: hall.line.hearers_of(leg) for leg in hall.line.truth.legs} == before
    hall.hang_up("d1")
    assert hall.house.listenings == {}
    assert ("c1" in hall.house.calls) is (code != "*93")


@pytest.mark.parametrize("code", ["*90", "*91", "*92", "*93"])
@pytest.mark.parametrize("gone", [["d1"], ["c1"], [ANA_S_LEG], ["d1", "c1"], ["d1", ANA_S_LEG], ["c1", ANA_S_LEG]])
def test_whoever_leaves_while_no_engine_is_there_nobody_is_left_in_silence(
    hall: ContactCentre, code: str, gone: list[str]
) -> None:
    hall.dial_from(CARLA, f"{code}1001")
    hall.kill_engine()
    for leg in gone:
        if leg in hall.line.truth.legs:
            hall.line.put_down(leg)
    hall.start_engine()
    nobody_in_silence(hall)


@pytest.mark.parametrize("code", ["*90", "*92", "*93"])
def test_wherever_the_engine_dies_nobody_is_left_in_silence(hall: ContactCentre, code: str) -> None:
    """What follows an entry was asked for, or it was not yet."""
    moments: list[tuple[int, Truth]] = []
    hall.on_entry = lambda entry: moments.append((entry.n, copy.deepcopy(hall.line.truth)))
    hall.dial_from(CARLA, f"{code}1001")
    moments.append((len(hall.entries), copy.deepcopy(hall.line.truth)))
    hall.on_entry = lambda entry: None
    entries = list(hall.entries)
    assert len(moments) >= (4 if code == "*93" else 2)
    for written, truth in moments:
        hall.kill_engine()
        hall.entries[:], hall.line.truth = entries[:written], truth
        hall.start_engine()
        assert "c1" in hall.house.calls, "the caller is not lost"
        nobody_in_silence(hall)


def nobody_in_silence(hall: ContactCentre) -> None:
    """Each leg hears somebody, or music, or is told something; and the day can end."""
    for leg in hall.line.truth.legs.values():
        talks = leg.talks_in or leg.overhears
        assert talks or leg.holding or hall.line.heard_by(leg.id) or (leg.phone and not leg.up), leg
    hall.clock.advance(60)
    for leg in [leg.id for leg in hall.line.truth.legs.values() if leg.arrived or leg.dialled]:
        if leg in hall.line.truth.legs:
            hall.hang_up(leg)
    assert hall.line.truth.legs == {}
    assert hall.house.listenings == {}
    assert hall.house.calls == {}


def test_a_lost_line_leaves_the_listening_as_it_is(hall: ContactCentre) -> None:
    hall.dial_from(CARLA, "*911001")
    hall.cut_line()
    hall.connect_line()
    assert hall.line.hearers_of("d1") == {ANA_S_LEG}
    assert hall.house.listenings.keys() == {"d1"}


def test_the_end_of_the_service_ends_it_on_record(hall: ContactCentre) -> None:
    hall.dial_from(CARLA, "*901001")
    hall.switchboard.end_all("the service was stopped")
    hall.settle()
    assert hall.line.truth.legs == {}
    assert [event.why for event in listened(hall, ev.ListeningEnded)] == ["the service was stopped"]  # type: ignore[union-attr]


def test_a_supervisors_leg_that_is_gone_unseen_loses_no_caller(hall: ContactCentre) -> None:
    hall.dial_from(CARLA, "*931001")
    del hall.line.truth.legs["d1"]
    hall.line.truth.legs["c1"].talks_in = ""
    hall.tell(LegEnded("d1", EndCause.GONE))
    assert hall.hears("c1") == "music"


# --- permission


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ({"sites": ("roma",)}, Spoken.NOT_YOUR_SITE),
        ({"queues": ("taxes",)}, Spoken.NOT_YOUR_QUEUE),
        ({"sites": ("laquila",), "queues": ("taxes",)}, Spoken.NOT_YOUR_QUEUE),
        ({"sites": ("roma", "laquila"), "queues": ("taxes", "hall")}, None),
    ],
)
def test_supervisors_listen_only_to_their_sites_and_queues(
    hall: ContactCentre, rules: dict[str, object], says: Spoken | None
) -> None:
    phone = hall.supervisor("dario", **rules)
    hall.dial_from(phone, "*901001")
    if says is None:
        assert "d1" in hall.line.hearers_of("c1")
        return
    hears(hall, "d1", says)
    [refused] = listened(hall)
    assert isinstance(refused, ev.ListeningRefused)
    assert (refused.call, refused.supervisor, refused.agent, refused.how) == ("c1", "dario", "ana", "listen")


def test_where_there_is_nobody_to_listen_to_it_is_said(hall: ContactCentre) -> None:
    hall.put_down("ana")
    hall.dial_from(CARLA, "*901001")
    hears(hall, "d1", Spoken.NOBODY_TALKS)
    hall.dial_from(CARLA, "*904444", "d2")
    hears(hall, "d2", Spoken.UNKNOWN_AGENT)


def test_nobody_listens_to_themselves(hall: ContactCentre) -> None:
    hall.supervisor("ana")
    hall.dial_from(phone_of("ana"), "*901001")
    hears(hall, "d1", Spoken.NOT_NOW)


def test_without_a_number_it_is_asked_for(hall: ContactCentre) -> None:
    hall.dial_from(CARLA, "*91")
    assert hall.hears("d1") == Spoken.KEY_IN_WHOM.prompt("it").text
    hall.press("d1", "1001#")
    assert hall.line.hearers_of("d1") == {ANA_S_LEG}


def test_at_another_phone_number_and_pin_are_asked_for(hall: ContactCentre) -> None:
    hall.dial_from(ELSEWHERE, "*901001")
    assert hall.hears("d1") == Spoken.KEY_IN_SUPERVISOR.prompt("it").text
    hall.press("d1", "9001#")
    assert hall.hears("d1") == Spoken.KEY_IN_PIN.prompt("it").text
    hall.press("d1", "4711#")
    assert "d1" in hall.line.hearers_of("c1")


def test_three_wrong_pins_lock_a_supervisors_number_also_after_a_restart(hall: ContactCentre) -> None:
    for nth in range(3):
        hall.dial_from(ELSEWHERE, "*901001", f"d{nth}")
        hall.press(f"d{nth}", "9001#0000#")
        hears(hall, f"d{nth}", Spoken.WRONG_PIN if nth < 2 else Spoken.LOCKED)
    hall.restart_engine()
    hall.dial_from(ELSEWHERE, "*901001", "d4")
    hall.press("d4", "9001#")
    hears(hall, "d4", Spoken.LOCKED)
    hall.clock.advance(LOCKED_FOR_S)
    hall.dial_from(ELSEWHERE, "*901001", "d5")
    hall.press("d5", "9001#4711#")
    assert "d5" in hall.line.hearers_of("c1")
    assert hall.house.supervisor_pins == {}


def test_an_agents_number_is_no_supervisors(hall: ContactCentre) -> None:
    hall.dial_from(ELSEWHERE, "*901001")
    hall.press("d1", "1001#")
    hears(hall, "d1", Spoken.UNKNOWN_SUPERVISOR)


# --- by command


@pytest.mark.parametrize("how", How)
def test_a_command_rings_the_supervisors_phone_and_connects_it(hall: ContactCentre, how: How) -> None:
    leg = hall.listen("c1", "carla", how)
    assert listened(hall) == []
    assert hall.line.shown[CARLA].number == "1001"
    hall.pick_up("carla")
    assert leg in hall.line.hearers_of("c1")
    assert hall.now("c1").state is (CallState.TAKEN_OVER if how is How.TAKE_OVER else CallState.TALKING)
    hall.put_down("carla")
    assert hall.house.listenings == {}
    assert ("c1" in hall.house.calls) is (how is not How.TAKE_OVER)


def test_a_command_tells_why_it_cannot_be(hall: ContactCentre) -> None:
    hall.supervisor("dario", sites=("roma",))
    hall.supervisor("elsa", phone=None)
    hall.call("c2")

    def refused(call: str, supervisor: str, phone: str = "") -> str:
        with pytest.raises(Refused) as told:
            hall.listen(call, supervisor, phone=phone)
        return str(told.value)

    assert "may not listen to ana" in refused("c1", "dario")
    assert "no supervisor `mario`" in refused("c1", "mario")
    assert "no phone of their own" in refused("c1", "elsa")
    assert "no phone `p0`" in refused("c1", "elsa", "p0")
    assert "not registered" in refused("c1", "elsa", ELSEWHERE)
    assert "is in a call" in refused("c1", "elsa", phone_of("ana"))
    assert "no call `c9`" in refused("c9", "carla")
    assert "c2 is queued" in refused("c2", "carla")
    hall.cut_line()
    assert "no connection" in refused("c1", "carla")
    assert [event.supervisor for event in listened(hall)] == ["dario"]  # type: ignore[union-attr]


def test_who_does_not_answer_leaves_nothing(hall: ContactCentre) -> None:
    hall.listen("c1", "carla")
    hall.clock.advance(31)
    assert hall.house.listenings == {}
    assert [event.why for event in listened(hall, ev.ListeningEnded)] == ["no answer"]  # type: ignore[union-attr]


def test_who_was_rung_to_listen_hears_that_the_talk_is_over(hall: ContactCentre) -> None:
    leg = hall.listen("c1", "carla")
    hall.pick_up("carla")
    hall.put_down("ana")
    hears(hall, leg, Spoken.TALK_IS_OVER)


def test_while_the_agent_asks_somebody_their_caller_is_not_taken_over(hall: ContactCentre) -> None:
    """The caller is there again when the agent has taken them back; who has barged in goes where the agent goes."""
    hall.agent("bo")
    hall.number("bo", "1002")
    hall.call("c2")
    hall.dial_from(CARLA, "*921001")
    hall.press(ANA_S_LEG, "*2")
    hall.dial_from(hall.supervisor("dario"), "*931001", "d2")
    hears(hall, "d2", Spoken.NOT_NOW)
    assert ANA_S_LEG in hall.line.truth.legs
    hall.press(ANA_S_LEG, "9#")
    hall.clock.advance(5)
    assert hall.line.hearers_of("c1") == {ANA_S_LEG, "d1"}


def test_a_phone_that_rings_to_listen_stops_when_the_talk_is_over(hall: ContactCentre) -> None:
    hall.listen("c1", "carla")
    hall.put_down("ana")
    assert hall.line.leg_at(CARLA) is None


def test_who_answered_while_no_engine_was_there_hears_the_talk_from_the_next(hall: ContactCentre) -> None:
    leg = hall.listen("c1", "carla")
    hall.kill_engine()
    hall.line.pick_up(CARLA)
    hall.start_engine()
    assert leg in hall.line.hearers_of("c1")


# --- on record


def test_it_is_told_with_the_call(hall: ContactCentre) -> None:
    hall.listen("c1", "carla")
    hall.pick_up("carla")
    hall.press("c1-ear1-leg1", "6")
    hall.put_down("carla")
    hall.dial_from(CARLA, "*931001")
    hall.hang_up("c1")
    about = (ev.SupervisorRung, ev.ListeningBegun, ev.ListeningChanged, ev.ListeningEnded)
    told = [
        sentence(type(event).__name__, {name: getattr(event, name) for name in event.__struct_fields__})
        for event in hall.trail("c1")
        if isinstance(event, (*about, ev.CallTakenOver, ev.SupervisorLeft))
    ]
    assert told == [
        f"the phone {CARLA} of supervisor carla is rung, to listen to ana by test",
        "supervisor carla begins to listen to ana",
        "supervisor carla goes on to talk with the caller and ana",
        "supervisor carla no longer listens to ana",
        "supervisor carla begins to take over from ana",
        "supervisor carla talks on with the caller; the talk with ana is over",
        "the talk with supervisor carla ended: the caller hung up",
        "supervisor carla no longer listens to ana",
    ]


def test_the_live_row_of_the_call_says_who_listens_and_how(hall: ContactCentre) -> None:
    view = LiveView(hall.house, hall.switchboard.floor, hall.agents, lambda person: ("", ""))
    hall.book.watchers.append(view.entry)
    view.changes()
    hall.listen("c1", "carla")
    assert view.changes()["calls"]["c1"]["listeners"] == []
    hall.pick_up("carla")
    hall.press("c1-ear1-leg1", "5")
    [listener] = view.changes()["calls"]["c1"]["listeners"]
    assert (listener["supervisor"], listener["how"]) == ("carla", "whisper")
    hall.put_down("carla")
    assert view.changes()["calls"]["c1"]["listeners"] == []
