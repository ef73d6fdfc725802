"""Messages at the command line and the desk, against the deployment that ships and a database without an engine."""

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from centralino.cli import app
from centralino.database import database_url
from centralino.desk import DatabaseVoicemails
from centralino.events import VoicemailEnded
from centralino.settings import load
from centralino.voicemail_desk import VoicemailDesk
from recordings.files import Shelf
from recordings.sealed import Keys
from tests.core.test_voicemails import leave_message, now
from tests.records import House, arrival, end, opened_house
from web.configuration import ChangeRefused

ROOT = Path(__file__).parents[2]
KEYS = Keys("k1", {"k1": bytes(32)})
SOUND = b"RIFF" + bytes(40) + b"hello"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """An installation with a message in c1, two hours old, and in c2, whose sound is gone; c3 left none."""

    async def fill() -> None:
        async with opened_house(tmp_path, database_url("sqlite", tmp_path)) as house:
            leave_message(house, "c1")
            leave_message(house, "c2", "3337654321", "anagrafe")
            house.tell(arrival("c3", house.caller("3331111111")), end("c3"))
            await house.projected()

    asyncio.run(fill())
    keep(tmp_path, "d/c1", SOUND)
    return tmp_path


def keep(state: Path, recording: str, sound: bytes) -> None:
    file = state / "recordings" / f"{recording}.wav"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(sound)


def centralino(state: Path, *words: str) -> tuple[int, str]:
    told = CliRunner().invoke(app, [*words, "--config", str(ROOT), "--state", str(state)], env={"COLUMNS": "200"})
    return told.exit_code, told.output or str(told.exception)


def listed(state: Path, *words: str) -> Any:
    code, said = centralino(state, "voicemails", "--json", *words)
    assert code == 0, said
    return json.loads(said)


def test_messages_are_listed_with_how_long_each_has_waited_and_for_whom(state: Path) -> None:
    code, said = centralino(state, "voicemails")
    assert code == 0, said
    first, second = said.splitlines()[1:]
    assert first.split()[0] == "c1"
    for shown in ("23/11/26 10:01", "tributi", "+393331234567", "8 s", "waiting"):
        assert shown in first
    assert "anagrafe" in second
    assert [one["call"] for one in listed(state, "--box", "anagrafe")] == ["c2"]


def test_a_message_is_claimed_given_back_done_and_taken_up_again(state: Path) -> None:
    assert centralino(state, "voicemail", "c1", "claim", "--agent", "a1001") == (0, "the message of c1 is claimed\n")
    assert "with a1001 until" in centralino(state, "voicemails")[1]
    code, said = centralino(state, "voicemail", "c1", "claim", "--agent", "a1002")
    assert (code, "a1001 has the message of c1" in said) == (1, True), said
    assert centralino(state, "voicemail", "c1", "give-back", "--agent", "a1001")[0] == 0
    assert centralino(state, "voicemail", "c1", "done", "--how", "called-back")[0] == 0
    assert [one["call"] for one in listed(state)] == ["c2"]
    [newest, done] = listed(state, "--all")
    assert (newest["call"], done["state"], done["done_how"]) == ("c2", "done", "called back")
    assert centralino(state, "voicemail", "c1", "undo") == (0, "the message of c1 is waiting\n")
    assert [one["call"] for one in listed(state)] == ["c1", "c2"]


def test_who_listens_has_the_sound_in_a_file_of_their_own_and_it_stands_on_record(state: Path, tmp_path: Path) -> None:
    to = tmp_path / "heard.wav"
    code, said = centralino(state, "voicemail", "c1", "listen", "--to", str(to), "--agent", "a1001")
    assert (code, to.read_bytes()) == (0, SOUND), said
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    one = listed(state)[0]
    assert (one["listened_by"], one["state"]) == ("a1001", "waiting")
    code, said = centralino(state, "case", one["case"])
    assert "listened to the message of c1, by a1001 (agent)" in said
    code, said = centralino(state, "voicemail", "c1", "listen", "--to", str(to))
    assert (code, "File exists" in said) == (1, True), said


@pytest.mark.parametrize("sound", [None, b"", bytes(44)])
def test_a_recording_that_is_gone_or_empty_is_an_error_and_its_message_stays_on_the_list(
    state: Path, tmp_path: Path, sound: bytes | None
) -> None:
    if sound is not None:
        keep(state, "d/c2", sound)
    to = tmp_path / "heard.wav"
    code, said = centralino(state, "voicemail", "c2", "listen", "--to", str(to))
    assert code == 1
    assert "the message of c2 cannot be heard, and stays on the list: the recording d/c2.wav " in said
    assert not to.exists()
    [_, second] = listed(state)
    assert (second["call"], second["listened_by"]) == ("c2", None)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("c3", "claim"), "no message was left in a call `c3`"),
        (("c3", "listen", "--to", "/dev/shm/none/x"), "No such file"),
        (("c1", "clame"), "did you mean `claim`?"),
        (("c1", "done"), "says how: called back, answered otherwise, nothing to do"),
        (("c1", "done", "--how", "calld-back"), "did you mean `called-back`?"),
        (("c1", "claim", "--how", "called-back"), "and nothing else, says how"),
        (("c1", "listen"), "needs `--to FILE.wav`"),
        (("c1", "claim", "--to", "x"), "needs `--to FILE.wav`"),
        (("c1", "claim", "--agent", "a9"), "there is no agent `a9`"),
        (("c1", "claim", "--as", "protezione-civile/esperti"), "is not with protezione-civile/esperti"),
        (("c1", "undo"), "there is no `undo` while the message of c1 is waiting; there is: claim, listen, done"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(state: Path, words: tuple[str, ...], says: str) -> None:
    def kept() -> Any:
        return [{**one, "waited_s": 0} for one in listed(state)]

    before = kept()
    code, said = centralino(state, "voicemail", *words)
    assert code == 1
    assert says in said
    assert kept() == before


def test_a_queue_that_is_not_there_is_named(state: Path) -> None:
    code, said = centralino(state, "voicemails", "--box", "anagraf")
    assert (code, "there is no queue `anagraf`; did you mean `anagrafe`?" in said) == (1, True), said


async def test_what_the_api_asks_for_is_done_or_refused_in_a_sentence(house: House, tmp_path: Path) -> None:
    leave_message(house, "c1")
    await house.projected()
    desk = VoicemailDesk(
        house.database, lambda: load(ROOT), lambda: now(house), Shelf(tmp_path / "recordings", lambda: KEYS)
    )
    api = DatabaseVoicemails(desk)
    keep(tmp_path, "d/c1", SOUND)
    assert await api.listen_to("c1", "api", "a1001") == SOUND
    claimed = await api.work_on_message("c1", "claim", {"how": "", "agent": "", "office": "", "by": "api"})
    assert (claimed.claimed_by, claimed.listened_by) == ("api", "a1001")
    with pytest.raises(ChangeRefused, match="there is no queue `x`"):
        await api.to_be_worked_through("x")
    with pytest.raises(ChangeRefused, match="no message was left"):
        await api.listen_to("c9", "api", "")


async def test_no_name_of_a_recording_leads_out_of_their_folder(house: House, tmp_path: Path) -> None:
    (tmp_path / "secret.wav").write_bytes(SOUND)
    told = VoicemailEnded(call="c1", recording="../secret", kept=True, duration_s=1, why="x")
    house.tell(arrival("c1", house.caller("3331234567")), told, end("c1"))
    await house.projected()
    desk = VoicemailDesk(
        house.database, lambda: load(ROOT), lambda: now(house), Shelf(tmp_path / "recordings", lambda: KEYS)
    )
    with pytest.raises(ChangeRefused, match="is no name of a recording"):
        await DatabaseVoicemails(desk).listen_to("c1", "api", "")
