"""An emergency: a notice before the menu, the number open around the clock, until somebody or the clock ends it."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acd.goto import ToQueue
from acd.rules import Opening, SiteRules
from acd.sites import Held
from centralino.call_states import CallState
from centralino.cli import app
from centralino.door import CommandRefused, EngineAway
from centralino.emergencies import Emergencies
from centralino.events import EmergencyStarted
from centralino.options import Stop
from centralino.releases import Releases
from centralino.yaml_commands import local_time, notice_of
from ivr.hours import read_hours
from ivr.menu import Dialplan, Key, Menu, Queue, Voicemail
from ivr.prompts import words
from tests.contact_centre import ContactCentre
from tests.core.test_settings import SMALL

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


# --- how people begin and end one


def test_an_emergency_on_a_number_that_is_no_longer_there_can_be_ended(line: ContactCentre, tmp_path: Path) -> None:
    begin(line)
    del line.dialplans["8"]
    emergencies = Emergencies(line.switchboard, None, tmp_path)  # type: ignore[arg-type]  # nothing is spoken
    with pytest.raises(CommandRefused, match="there is no emergency on 9; there is one on 8"):
        emergencies.end({"number": "9"}, line.configuration, "ana")
    assert emergencies.end({"number": "8"}, line.configuration, "ana") == {"number": "8"}
    with pytest.raises(CommandRefused, match=r"there is no emergency on 8$"):
        emergencies.end({"number": "8"}, line.configuration, "ana")


@pytest.mark.parametrize(("content", "why"), [(b"ID3\x04mp3", "is no WAV file"), (None, "No such file or directory")])
def test_a_recording_that_cannot_be_heard_is_refused_and_not_kept(
    line: ContactCentre, tmp_path: Path, content: bytes | None, why: str
) -> None:
    if content:
        (tmp_path / "alert.wav").write_bytes(content)
    emergencies = Emergencies(line.switchboard, None, tmp_path / "notices")  # type: ignore[arg-type]
    args = {"number": "8", "file": str(tmp_path / "alert.wav")}
    with pytest.raises(CommandRefused, match=why):
        asyncio.run(emergencies.begin(args, line.configuration, "ana"))
    assert list((tmp_path / "notices").glob("**/*.wav")) == []


def test_a_notice_is_a_text_for_each_language_or_a_recording(tmp_path: Path) -> None:
    both = ("it", "en")
    assert notice_of(["Allerta.", "en=Alert = red."], both) == ({"it": "Allerta.", "en": "Alert = red."}, "")
    assert notice_of(["Nota: a=b"], both) == ({"it": "Nota: a=b"}, "")
    assert notice_of([str(tmp_path / "a b.WAV")], both) == ({}, str(tmp_path / "a b.WAV"))
    assert notice_of(["Allerta! " * 100], both)[1] == ""


@pytest.mark.parametrize(
    ("say", "why"),
    [
        (["fr=Alerte"], "the number does not speak `fr`; it speaks it, en"),
        (["it=A", "B"], "two texts in `it`"),
        (["alert.wav", "Allerta."], "one recording, or texts"),
        (["a.wav", "b.wav"], "one recording, or texts"),
        (["/home/ana/alert.mp3"], "is the name of a file"),
        (["FOLDER/my alert.ogg"], "is the name of a file"),
    ],
)
def test_callers_never_hear_the_name_of_a_file_or_half_of_what_was_meant(
    tmp_path: Path, say: list[str], why: str
) -> None:
    (tmp_path / "my alert.ogg").touch()
    with pytest.raises(Stop, match=why):
        notice_of([words.replace("FOLDER", str(tmp_path)) for words in say], ("it", "en"))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A small deployment in `tmp_path` that is in force, and the folder that its engine keeps things in."""
    for name, text in SMALL.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "var" / "configurations").mkdir(parents=True)
    Releases(tmp_path / "var" / "configurations").put_in_force(tmp_path, "ana")
    return tmp_path / "var"


def test_a_half_written_menu_keeps_nobody_from_an_emergency(state: Path) -> None:
    (state.parent / "queues.yaml").write_text("queues: {")
    words = ("emergency", "on", "055055", "--say", "Allerta.", "--config", str(state.parent), "--state", str(state))
    assert isinstance(CliRunner().invoke(app, words).exception, EngineAway), "the engine is asked"


def test_the_end_of_an_emergency_is_shown_by_the_clock_of_its_number(state: Path) -> None:
    at_s = datetime(2026, 11, 24, 20, 50, tzinfo=UTC).timestamp()
    assert local_time(at_s, "055055", state) == local_time(at_s, "gone", state) == "2026-11-24 21:50"
