"""An agent hears who calls before the two are joined, where the queue says so; the caller waits on, never lost."""

import pytest

from acd.rules import Pick, Recording
from acd.state import Doing
from agents import who_calls
from agents.who_calls import SHOWN_LENGTH_MAX, WhoCalls
from asterisk.port import CallerId, LegAnswered
from cases.entities import Entity
from centralino import events as ev
from centralino.call_states import CallState
from centralino.events import Outcome
from centralino.whispers import GONE_TOLD_WITHIN_S, LONGEST_S
from ivr.menu import Key, Menu, Queue
from tests.contact_centre import ContactCentre, dialplan, phone_of, sentences

FIORENTINI = "+39055123456"


@pytest.fixture
def hall(floor: ContactCentre) -> ContactCentre:
    """Ana serves two queues that whisper; callers come for two entities, in Italian first."""
    floor.queue("hall", whisper=True)
    floor.queue("tributi", whisper=True)
    for city in ("scandicci", "firenze"):
        floor.entities[city] = Entity(city, f"Comune di {city.title()}", ("055055",))
    floor.agent("ana", languages=("it", "en"))
    return floor


def comes(hall: ContactCentre, call: str = "c1", number: str = FIORENTINI) -> str:
    """A citizen calls, and Ana answers; what she hears."""
    hall.call(call, caller=CallerId(number, ""))
    hall.pick_up("ana")
    return whispered(hall)


def whispered(hall: ContactCentre, agent: str = "ana") -> str:
    leg = hall.line.leg_at(phone_of(agent))
    return hall.hears(leg.id) if leg else ""


def minutes(count: int, language: str) -> str:
    return sentences().tables[language].counted_minutes(count)


def last(hall: ContactCentre, kind: type[ev.CallEvent]) -> ev.CallEvent:
    return next(e.event for e in reversed(hall.entries) if isinstance(e.event, kind))


# --- what is said


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("it", "Tributi. Scandicci. Inglese. Attesa 3 minuti. Seconda chiamata oggi."),
        ("en", "Tributi. Scandicci. English. Waited 3 minutes. Second call today."),
    ],
)
def test_the_most_important_comes_first(language: str, said: str) -> None:
    calls = WhoCalls("tributi", "Scandicci", "en", minutes=3, nth_call=2)
    assert " ".join(prompt.text for prompt in calls.whispered(language, minutes)) == said


def test_long_waits_and_many_calls_need_no_sounds_without_end() -> None:
    calls = WhoCalls(minutes=95, nth_call=31)
    said = [prompt.text for prompt in calls.whispered("it", minutes)]
    assert said == ["Attesa oltre 30 minuti.", "Più di nove chiamate oggi."]


def test_every_sound_can_be_made_before_it_is_needed() -> None:
    made = who_calls.prompts(["tributi"], ["Scandicci"], ["en", "it"], ["it"], minutes)
    for nth in range(2, 15):
        calls = WhoCalls("tributi", "Scandicci", "en", minutes=nth * 5, nth_call=nth)
        assert set(calls.whispered("it", minutes)) <= made


@pytest.mark.parametrize(
    ("calls", "name", "number", "shown"),
    [
        (WhoCalls("tributi"), "", FIORENTINI, "tributi: +39055123456"),
        (WhoCalls("tributi", "Scandicci", "en", 3, 2), "Rossi", FIORENTINI, "tributi, Scandicci, EN, 3 min, 2x: Rossi"),
        (
            WhoCalls("tributi", "Comune di Bagno a Ripoli", "en", 3, 2),
            "",
            FIORENTINI,
            "tributi, Comune di Bagno a Ripoli, EN",
        ),
        (WhoCalls("tributi", "Scandicci", "en"), "", FIORENTINI, "tributi, Scandicci, EN: +39055123456"),
        (WhoCalls("tributi", "Scandicci", "en", 3), "", FIORENTINI, "tributi, Scandicci, EN, 3 min"),
        (WhoCalls("tributi", minutes=1), "R" * 99, "", "tributi, 1 min: " + "R" * 24),
        (WhoCalls("q" * 60, "Scandicci"), "Rossi", "", "q" * 40),
    ],
)
def test_a_desk_phone_shows_the_same_as_far_as_it_fits(calls: WhoCalls, name: str, number: str, shown: str) -> None:
    assert calls.shown(name, number) == shown
    assert len(shown) <= SHOWN_LENGTH_MAX


# --- only what is not as usual


def test_of_a_call_as_usual_only_the_queue_is_said(hall: ContactCentre) -> None:
    assert comes(hall) == "Hall."


def test_who_serves_one_queue_and_is_called_as_usual_is_joined_at_once(floor: ContactCentre) -> None:
    floor.queue("hall", whisper=True)
    floor.agent("ana")
    comes(floor)
    assert floor.talking_now() == {"ana": "c1"}


def test_where_the_queue_does_not_whisper_the_two_are_joined_at_once(hall: ContactCentre) -> None:
    hall.queue("hall")
    comes(hall)
    assert hall.talking_now() == {"ana": "c1"}
    assert hall.count(ev.WhisperStarted) == 0


def test_another_language_and_one_of_several_entities_are_said_and_shown(hall: ContactCentre) -> None:
    keys = {"1": Key("straight", "en", "scandicci")}
    hall.service(dialplan("055055", [Menu("main", {}, keys, "straight"), Queue("straight", "hall")], ("it", "en")))
    hall.call("c1", number="055055")
    hall.press("c1", "1")
    hall.pick_up("ana")
    assert whispered(hall) == "Hall. Comune di Scandicci. Inglese."
    assert hall.line.shown[phone_of("ana")].name == "hall, Comune di Scandicci, EN"


def test_a_wait_over_a_minute_and_a_second_call_today_are_said(hall: ContactCentre) -> None:
    hall.unplug("ana")
    hall.call("c0")
    hall.hang_up("c0")
    hall.call("c1")
    hall.clock.advance(185)
    hall.plug_in("ana")
    hall.pick_up("ana")
    assert whispered(hall) == "Hall. Attesa 3 minuti. Seconda chiamata oggi."
    assert hall.line.shown[phone_of("ana")].name == "hall, 3 min, 2x: +39055123456"


def test_nobody_can_tell_how_often_somebody_has_called_who_withholds_their_number(hall: ContactCentre) -> None:
    comes(hall, "c0", number="")
    hall.hang_up("c0")
    assert comes(hall, number="") == "Hall."
    assert hall.line.shown[phone_of("ana")] == CallerId("anonymous", "hall")


def test_an_agent_hears_it_in_their_language(hall: ContactCentre) -> None:
    hall.unplug("ana")
    hall.agent("bo", languages=("en",))
    hall.call("c0")
    hall.hang_up("c0")
    hall.call("c1")
    hall.pick_up("bo")
    assert whispered(hall, "bo") == "Hall. Second call today."


# --- how it ends


def test_the_caller_hears_music_until_the_agent_has_heard_it(hall: ContactCentre) -> None:
    comes(hall)
    assert (hall.now("c1").state, hall.hears("c1"), hall.talking_now()) == (CallState.WHISPERING, "music", {})
    hall.clock.advance(hall.line.sound_s)
    assert hall.talking_now() == {"ana": "c1"}
    started, talk = last(hall, ev.WhisperStarted), last(hall, ev.TalkStarted)
    assert isinstance(started, ev.WhisperStarted)
    assert isinstance(talk, ev.TalkStarted)
    assert (started.words, started.agent, talk.agent) == ("Hall.", "ana", "ana")


def test_any_key_of_the_agent_cuts_it_short(hall: ContactCentre) -> None:
    comes(hall)
    leg = hall.line.leg_at(phone_of("ana"))
    assert leg
    hall.press(leg.id, "5")
    assert hall.talking_now() == {"ana": "c1"}
    assert whispered(hall) == ""


def test_a_caller_who_gives_up_meanwhile_has_left_the_queue_and_the_agent_has_no_wrap_up(hall: ContactCentre) -> None:
    comes(hall)
    hall.hang_up("c1")
    assert hall.outcomes() == {"c1": Outcome.ABANDONED}
    assert hall.house.totals["hall"].abandoned == 1
    assert hall.doing("ana") is Doing.FREE
    assert hall.line.truth.legs == {}


def test_an_agent_who_hangs_up_meanwhile_leaves_the_caller_in_the_old_place(hall: ContactCentre) -> None:
    comes(hall)
    hall.clock.advance(1)
    hall.call("c2")
    hall.put_down("ana")
    assert (hall.waiting_in(), hall.hears("c1")) == (["c1", "c2"], "music")
    assert hall.doing("ana") is Doing.WRAPPING_UP
    hall.clock.advance(30)
    assert hall.ringing_now() == {"ana": "c1"}
    count = hall.house.totals["hall"]
    assert (count.offered, count.answered, count.abandoned) == (2, 0, 0)


def test_a_whisper_whose_end_is_not_told_ends_by_itself(hall: ContactCentre) -> None:
    comes(hall)
    leg = hall.line.leg_at(phone_of("ana"))
    assert leg
    leg.busy_until_s += 3600
    hall.clock.advance(LONGEST_S)
    assert hall.talking_now() == {"ana": "c1"}


def test_a_whisper_that_cannot_be_played_costs_half_a_second(hall: ContactCentre) -> None:
    hall.line.missing_sounds = ["Hall."]
    comes(hall)
    hall.clock.advance(GONE_TOLD_WITHIN_S)
    assert hall.talking_now() == {"ana": "c1"}


@pytest.mark.parametrize("gone", ["nobody", "ana", "c1"])
def test_a_new_engine_joins_the_two_or_leads_on_who_is_left(hall: ContactCentre, gone: str) -> None:
    comes(hall)
    hall.kill_engine()
    if gone == "ana":
        hall.put_down("ana")
    elif gone == "c1":
        hall.hang_up("c1")
    hall.start_engine()
    if gone == "nobody":
        assert hall.talking_now() == {"ana": "c1"}
        assert whispered(hall) == ""
        hall.clock.advance(60)
        assert hall.talking_now() == {"ana": "c1"}
    elif gone == "ana":
        assert hall.waiting_in() == ["c1"]
        hall.clock.advance(30)
        assert hall.ringing_now() == {"ana": "c1"}
    else:
        assert hall.outcomes() == {"c1": Outcome.ABANDONED}
        assert hall.line.truth.legs == {}


def test_an_engine_that_died_as_the_agent_was_gone_leads_the_caller_back(hall: ContactCentre) -> None:
    comes(hall)
    hall.kill_engine()
    leg = hall.line.leg_at(phone_of("ana"))
    assert leg
    entry = ev.Entry(
        n=len(hall.entries) + 1,
        at_s=hall.clock.now_s(),
        event=ev.WhisperCutOff(call="c1", agent="ana", leg=leg.id, by="agent"),
    )
    hall.entries.append(entry)
    hall.put_down("ana")
    hall.start_engine()
    assert hall.ringing_now() == {"ana": "c1"}


def test_the_line_to_the_phone_system_is_lost_meanwhile(hall: ContactCentre) -> None:
    comes(hall)
    hall.cut_line()
    hall.clock.advance(60)
    hall.connect_line()
    assert hall.talking_now() == {"ana": "c1"}


def test_two_who_cannot_be_joined_are_let_go_as_without_a_whisper(hall: ContactCentre) -> None:
    comes(hall)
    hall.line.joins_that_fail = 1
    hall.clock.advance(hall.line.sound_s)
    assert hall.waiting_in() == ["c1"]


def test_an_answer_told_twice_is_whispered_once(hall: ContactCentre) -> None:
    comes(hall)
    leg = hall.line.leg_at(phone_of("ana"))
    assert leg
    hall.tell(LegAnswered(leg.id))
    assert hall.count(ev.WhisperStarted) == 1


def test_sounds_that_are_missing_are_left_out_and_delay_nothing(
    hall: ContactCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for: list[str] = []
    voice = hall.switchboard.dispatcher.whispers._voice
    object.__setattr__(voice, "sound_of", lambda prompt: None)
    object.__setattr__(voice, "make", lambda prompts, then: asked_for.extend(p.text for p in prompts))
    comes(hall)
    assert hall.talking_now() == {"ana": "c1"}
    assert asked_for == ["Hall.", "Attesa 1 minuto."], "while the phone rang, for the next time"


def test_where_all_are_rung_the_others_stop_when_one_hears_the_whisper(hall: ContactCentre) -> None:
    hall.queue("hall", whisper=True, pick=Pick.RING_ALL)
    hall.agent("bo")
    comes(hall)
    assert hall.ringing_now() == {}
    assert hall.doing("bo") is Doing.FREE
    assert hall.count(ev.RingEnded) == 1
    hall.clock.advance(hall.line.sound_s)
    assert hall.talking_now() == {"ana": "c1"}


def test_who_hears_meanwhile_that_they_may_be_recorded_may_refuse_to_the_end(hall: ContactCentre) -> None:
    hall.queue("hall", whisper=True, recording=Recording("7", 86_400.0))
    comes(hall)
    assert "registrata" in hall.hears("c1"), "the caller hears the notice on"
    hall.press("c1", "7")
    hall.clock.advance(60)
    assert hall.talking_now() == {"ana": "c1"}
    assert hall.count(ev.RecordingRefused) == 1
    assert hall.count(ev.TalkRecordingStarted) == 0


def test_wait_and_talk_are_counted_from_when_the_two_were_joined(hall: ContactCentre) -> None:
    hall.line.sound_s = 4.0
    hall.queue("hall", whisper=True, target_within_s=3.0)
    comes(hall)
    hall.clock.advance(4)
    hall.clock.advance(10)
    hall.put_down("ana")
    count = hall.house.totals["hall"]
    assert (count.answered, count.in_time, count.wait_sum_s, count.talk_sum_s) == (1, 0, 4.0, 10.0)
    assert hall.house.agent("ana").busy_s == 14.0, "the agent was there from the beginning"
