"""What is kept, until when, who listened, what was deleted: the list that proves it, and listening to a talk."""

import asyncio
import dataclasses
import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from typer.testing import CliRunner

from acd.rules import QueueRules, Recording
from cases.messages import Act
from cases.state import CaseRefused
from centralino import database as database_module
from centralino import events as ev
from centralino.cli import app
from centralino.database import database_url
from centralino.recording_desk import RecordingDesk, Standing
from centralino.settings import Configuration, load
from recordings.files import Shelf, path_of, remove
from recordings.sealed import Keys, seal
from supervision.audit import FindingKind, recordings_missing
from tests.core.test_voicemails import do, leave_message, now
from tests.records import House, answered_call, opened_house

ROOT = Path(__file__).parents[2]
KEYS = Keys("k1", {"k1": bytes(32)})
SOUND = b"RIFF" + bytes(100)
DAY_S = 86_400.0
TALK = "talks/tributi/2026-11-23/{}-talk1"


def configuration(rules: Mapping[str, QueueRules]) -> Configuration:
    shipped = load(ROOT)
    return dataclasses.replace(shipped, rules=dataclasses.replace(shipped.rules, queues=rules))


def put(folder: Path, name: str, keys: Keys = KEYS) -> None:
    plain = path_of(folder, name)
    plain.parent.mkdir(parents=True, exist_ok=True)
    plain.write_bytes(SOUND)
    seal(plain, keys)


def record_talk(house: House, call: str, *, ends: bool = True) -> str:
    name = TALK.format(call)
    answered_call(house, call, house.caller("3331234567"))
    house.tell(ev.TalkRecordingStarted(call=call, queue="tributi", leg="l", recording=name))
    if ends:
        house.tell(ev.TalkRecordingEnded(call=call, recording=name, duration_s=59.5))
        put(house.folder / "recordings", name)
    return name


class Desk:
    """The desk's list, with rules that a test may change."""

    def __init__(self, house: House) -> None:
        self.shelf = Shelf(house.folder / "recordings", lambda: KEYS)
        self.rules = {"tributi": QueueRules("tributi", recording=Recording("3", 30 * DAY_S), voicemail_keep_s=DAY_S)}
        self.desk = RecordingDesk(house.database, lambda: configuration(self.rules), lambda: now(house), self.shelf)

    async def standing(self) -> dict[str, Standing]:
        return {one.recording.call: one.standing for one in await self.desk.kept()}


async def test_each_recording_stands_on_the_list_with_when_it_goes_and_who_listened(house: House) -> None:
    desk = Desk(house)
    talk = record_talk(house, "c1")
    leave_message(house, "c2", day="2026-11-23")
    put(desk.shelf.folder, "2026-11-23/c2")
    record_talk(house, "c3", ends=False)
    await house.projected()
    assert await desk.standing() == {"c1": "kept", "c2": "kept", "c3": "goes on"}
    assert await desk.desk.listen(talk, "ana", "a1001") == SOUND
    await do(house, "c2", Act.LISTEN)
    [first, second, _] = await desk.desk.kept("tributi")
    assert [(one.recording.kind, one.recording.queue, one.recording.duration_s) for one in (first, second)] == [
        ("talk", "tributi", 59.5),
        ("message", "tributi", 8.5),
    ]
    assert [[heard.by for heard in one.heard] for one in (first, second)] == [["a1001"], ["a1001"]]
    assert first.goes_at
    assert first.goes_at.isoformat() == "2026-12-24T00:00:00+00:00"
    house.clock.advance(2 * DAY_S)
    assert await desk.standing() == {"c1": "kept", "c2": "waits", "c3": "nothing recorded"}
    await do(house, "c2", Act.DONE)
    assert [one.recording.call for one in await desk.desk.due()] == ["c2"]
    with pytest.raises(CaseRefused, match="did you mean `tributi`"):
        await desk.desk.kept("tributy")


async def test_what_was_deleted_is_on_the_list_of_proof_and_no_longer_on_the_other(house: House) -> None:
    desk, talk = Desk(house), record_talk(house, "c1")
    remove(desk.shelf.folder, talk)
    house.tell(ev.RecordingDeleted(call="c1", recording=talk, why="older than 30 days"), after_s=60)
    await house.projected()
    assert await desk.standing() == {}
    [proof] = await desk.desk.deleted()
    assert (proof.standing, proof.recording.deleted_at, proof.recording.deleted_why) == (
        "deleted",
        now(house),
        "older than 30 days",
    )
    with pytest.raises(CaseRefused, match=r"it was deleted at 2026-11-23 .*: older than 30 days"):
        await desk.desk.listen(talk, "ana")
    assert await recordings_missing(house.database, desk.shelf.folder) == ()


async def test_a_file_that_vanished_is_on_the_list_and_in_the_audit_and_nothing_says_that_it_was_heard(
    house: House,
) -> None:
    desk, talk = Desk(house), record_talk(house, "c1")
    remove(desk.shelf.folder, talk)
    await house.projected()
    assert await desk.standing() == {"c1": "vanished"}
    with pytest.raises(CaseRefused, match=r"the talk cannot be heard: the recording .* No such file"):
        await desk.desk.listen(talk, "ana")
    assert (await desk.desk.kept())[0].heard == ()
    [finding] = await recordings_missing(house.database, desk.shelf.folder)
    assert (finding.kind, finding.call) == (FindingKind.RECORDING_MISSING, "c1")
    assert "recorded as talks/tributi/2026-11-23/c1-talk1, 60 s, is not there any more" in finding.sentence


@pytest.mark.parametrize(
    ("name", "says"),
    [("talks/x/2026-11-23/c9-talk1", "there is no recording"), ("d/c2", "`centralino voicemail c2 listen`")],
)
async def test_only_talks_are_listened_to_here(house: House, name: str, says: str) -> None:
    leave_message(house, "c2")
    await house.projected()
    with pytest.raises(CaseRefused, match=says):
        await Desk(house).desk.listen(name, "ana")


async def test_recordings_of_before_there_was_a_list_come_onto_it_and_it_can_be_projected_anew(house: House) -> None:
    record_talk(house, "c1")
    gone = record_talk(house, "c2")
    leave_message(house, "c3")
    house.tell(ev.RecordingDeleted(call="c2", recording=gone, why="older than 30 days"))
    await house.projected()
    before = await house.everything()
    assert len(before["recordings"]) == 3

    def down_and_up(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(database_module.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.downgrade(config, "0015-1")
        command.upgrade(config, "head")

    async with house.database.engine.begin() as connection:
        await connection.run_sync(down_and_up)
    assert await house.everything() == before
    await house.projector.rebuild()
    assert await house.everything() == before


# the commands


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """An installation with a recorded talk in c1."""
    from centralino.instance import Instance

    async def fill() -> None:
        async with opened_house(tmp_path, database_url("sqlite", tmp_path)) as house:
            record_talk(house, "c1")
            await house.projected()

    asyncio.run(fill())
    remove(tmp_path / "recordings", TALK.format("c1"))
    put(tmp_path / "recordings", TALK.format("c1"), Instance(ROOT, tmp_path).recording_keys())
    return tmp_path


def centralino(state: Path, *words: str) -> tuple[int, str]:
    told = CliRunner().invoke(app, [*words, "--config", str(ROOT), "--state", str(state)], env={"COLUMNS": "200"})
    return told.exit_code, told.output or str(told.exception)


def listed(state: Path, *words: str) -> Any:
    code, said = centralino(state, "recordings", "--json", *words)
    assert code == 0, said
    return json.loads(said)


def test_who_listens_to_a_talk_has_a_file_of_their_own_and_it_stands_on_record(state: Path, tmp_path: Path) -> None:
    to, name = tmp_path / "heard.wav", TALK.format("c1")
    code, said = centralino(state, "recording", name, "listen", "--to", str(to), "--agent", "a1001")
    assert (code, to.read_bytes()) == (0, SOUND), said
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    [one] = listed(state)
    assert (one["name"], one["standing"], [heard["by"] for heard in one["heard"]]) == (name, "kept", ["a1001"])
    code, said = centralino(state, "recordings")
    assert (code, name in said, "a1001" in said) == (0, True, True), said
    code, said = centralino(state, "recording", "talks/x", "listen", "--to", str(tmp_path / "x.wav"))
    assert (code, "there is no recording `talks/x`" in said) == (1, True), said
    assert not (tmp_path / "x.wav").exists()


def test_after_a_new_key_old_recordings_can_still_be_heard(state: Path, tmp_path: Path) -> None:
    code, said = centralino(state, "recordings", "new-key")
    assert (code, "from now on; back up STATE/secrets.yaml" in said) == (0, True), said
    to = tmp_path / "heard.wav"
    code, said = centralino(state, "recording", TALK.format("c1"), "listen", "--to", str(to))
    assert (code, to.read_bytes()) == (0, SOUND), said


def test_what_was_deleted_and_what_is_due_are_lists_of_their_own(state: Path) -> None:
    assert (listed(state, "--deleted"), listed(state, "--due")) == ([], [])
    code, said = centralino(state, "recordings", "--deleted", "--due")
    assert (code, said) == (1, "either --due or --deleted"), said
    code, said = centralino(state, "audit")
    assert (code, "CDR missing" in said, "recording missing" in said) == (1, True, False), said
    remove(state / "recordings", TALK.format("c1"))
    assert "recording missing: The talk recorded as" in centralino(state, "audit")[1]
