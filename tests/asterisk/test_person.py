"""A caller of the real Asterisk is erased: no file of the whole installation holds who it was."""

import asyncio
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from demo.calls import Call
from demo.sounds import voice
from tests.house import SEEN_WITHIN_S, House, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")

PORT_OFFSET = 2750
NUMBER, NAME = "+39055886611", "Ortensia Bonciani"
TRACES = (b"055886611", b"Ortensia", b"Bonciani")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    async with open_house(PORT_OFFSET) as opened:
        yield opened


async def leave_a_message(house: House, call: Call) -> None:
    await house.until(lambda now: any(one["state"] == "voicemail" for one in now["calls"].values()), 10)
    call.play(voice(4), loop=True)
    async with asyncio.timeout(SEEN_WITHIN_S + 20):
        while True:
            if any(file.stat().st_size > 40_000 for file in house.recordings_now()):
                break
            await asyncio.sleep(0.1)
    call.press("#")
    await call.wait_ended(20)
    await house.until_ended()


def holding(state: Path, traces: tuple[bytes, ...]) -> list[str]:
    files = [file for file in state.rglob("*") if file.is_file() and not file.is_symlink()]
    return sorted(str(file.relative_to(state)) for file in files if any(one in file.read_bytes() for one in traces))


async def test_who_left_a_message_is_handed_all_of_it_and_erased_from_every_file(house: House, tmp_path: Path) -> None:
    async with house.citizen(NUMBER, NAME) as citizen:
        await leave_a_message(house, await citizen.call("055999"))
    row = await house.row("calls", lambda one: one["number"] == NUMBER and one["state"] == "ended")
    sound = await house.sound_of(row["voicemail"])
    before = holding(house.state, TRACES)
    assert {"asterisk/log/cdr-custom/calls.csv", "people.jsonl"} <= {*before}
    to = tmp_path / "theirs.zip"
    code, told = await house.cli("person", NUMBER, "export", "--to", str(to))
    assert code == 0, told
    with zipfile.ZipFile(to) as packed:
        assert NAME in packed.read("data.json").decode()
        assert "calls.csv" in packed.read("data.json").decode()
        assert packed.read(f"recordings/{row['voicemail']}.wav") == sound
    code, told = await house.cli("person", NUMBER, "erase", "--yes")
    assert (code, "--also-open" in told) == (1, True), told
    assert holding(house.state, TRACES) == before
    code, told = await house.cli("person", NUMBER, "erase", "--yes", "--also-open")
    assert code == 0, told
    assert holding(house.state, TRACES) == []
    again = await house.row("calls", lambda one: one["id"] == row["id"])
    assert (again["outcome"], again["case_id"], again["number"]) == (row["outcome"], row["case_id"], "")
    code, told = await house.cli("audit")
    assert code == 0, told
    async with house.citizen(NUMBER, NAME) as citizen:
        call = await citizen.call("055999")
        await call.hang_up()
        await house.until_ended()
    new = await house.row("calls", lambda one: one["number"] == NUMBER and one["state"] == "ended")
    assert new["case_id"] != row["case_id"], "they are somebody new"
