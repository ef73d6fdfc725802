"""A citizen dials, an agent answers, the call stands against a case: on the real Asterisk, with real SIP and sound."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from centralino.open_cases import EVERY_S
from demo.calls import Call, CallRefused
from demo.listening import hear
from demo.phone import Phone, RegistrationRefused
from demo.sounds import voice
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")  # all visit one house

WELCOME = "Benvenuti al numero unico della prova."
MENU = "Per i tributi prema uno. Per l'anagrafe prema due. Per la coda corta prema tre. For English press nine."
MENU_IN_ENGLISH = "For taxes press one. For the registry press two."
CLOSED = "Gli uffici sono chiusi. Lasci un messaggio dopo il segnale."

Said = Mapping[str, bytes]


async def into_the_queue(house: House, citizen: Phone, key: str = "1") -> Call:
    call = await citizen.call("055055")
    call.press(key)
    await house.until(lambda now: any(c["state"] in ("queued", "offered") for c in now["calls"].values()))
    return call


async def speak_a_message(house: House, call: Call) -> None:
    """Speak until two and a half seconds stand in the recording."""
    async with asyncio.timeout(30):
        while not any(file.stat().st_size > 40_000 for file in house.recordings_now()):
            call.play(voice(7, duration_s=0.5))
            await call.wait_said(5)


async def test_a_call_is_greeted_queued_answered_and_stands_against_a_case(house: House, said: Said) -> None:
    async with house.agent("a1001", "p101") as seat, house.citizen("+39055200001") as citizen:
        call = await citizen.call("055055")
        assert (await hear(call, said[WELCOME], 10)).is_same
        assert (await hear(call, said[MENU], 20)).is_same
        call.press("1")
        ring = await seat.ring(within_s=5)
        assert ring.from_user == "+39055200001"
        assert "tributi" in ring.from_name
        talk = await ring.answer()
        call.play(voice(1), loop=True)
        talk.play(voice(2), loop=True)
        assert (await hear(talk, voice(1), 10)).is_same
        assert (await hear(call, voice(2), 10)).is_same
        assert call.requests == [], "what the agent's display shows is not for the citizen and their carrier"
        await talk.hang_up()
        await call.wait_ended(5)
        await house.until(lambda now: now["agents"]["a1001"]["doing"] == "wrapping up")
        await house.until(lambda now: now["agents"]["a1001"]["doing"] == "free")
    row = await house.row("calls", lambda c: c["number"] == "+39055200001" and c["state"] == "ended")
    assert (row["outcome"], row["queue"], row["agent"]) == ("answered", "tributi", "a1001")
    case = await house.row("cases", lambda c: c["id"] == row["case_id"])
    assert case["state"] == "closed", "a case that only logged a call closes with it"
    code, trail = await house.cli("why", row["id"])
    assert code == 0
    assert "the agent with the best skill" in trail
    await house.no_leftovers()


async def test_where_all_are_rung_one_answers_and_the_other_phone_shows_no_missed_call(house: House) -> None:
    async with (
        house.agent("a1001", "p101") as first,
        house.agent("a1002", "p102") as second,
        house.citizen("+39055200091") as citizen,
    ):
        call = await into_the_queue(house, citizen, "4")
        rings = [await seat.ring(within_s=10) for seat in (first, second)]
        talk = await rings[1].answer()
        call.play(voice(1), loop=True)
        assert (await hear(talk, voice(1), 10)).is_same
        async with asyncio.timeout(5):
            await rings[0].ended.wait()
        assert rings[0].is_answered_elsewhere
        await house.until(lambda now: now["agents"]["a1001"]["doing"] == "free")
        await talk.hang_up()
        await call.wait_ended(5)
    row = await house.row("calls", lambda c: c["number"] == "+39055200091" and c["state"] == "ended")
    assert (row["outcome"], row["agent"], row["phone"]) == ("answered", "a1002", "p102")
    _, trail = await house.cli("why", row["id"])
    assert "the phone of a1001 rings no more" in trail
    assert "because somebody else answered" in trail
    await house.no_leftovers()


async def test_where_two_pick_up_in_the_same_instant_one_has_the_call_and_the_other_is_let_go(house: House) -> None:
    async with (
        house.agent("a1001", "p101") as first,
        house.agent("a1002", "p102") as second,
        house.citizen("+39055200092") as citizen,
    ):
        call = await into_the_queue(house, citizen, "4")
        rings = [await seat.ring(within_s=10) for seat in (first, second)]
        await asyncio.gather(*(ring.answer() for ring in rings), return_exceptions=True)
        await house.until(lambda now: [c["state"] for c in now["calls"].values()] == ["talking"])
        [row] = house.now["calls"].values()
        seats = {"a1001": first, "a1002": second}
        other = seats.pop("a1002" if row["agent"] == "a1001" else "a1001")
        async with asyncio.timeout(5):
            for let_go in other.live_calls:
                await let_go.wait_ended(5)
        [talk] = seats.popitem()[1].live_calls
        call.play(voice(1), loop=True)
        assert (await hear(talk, voice(1), 10)).is_same
        assert (await house.asterisk("core show channels count")).startswith("2 active channels")
        await talk.hang_up()
        await call.wait_ended(5)
    row = await house.row("calls", lambda c: c["number"] == "+39055200092" and c["state"] == "ended")
    assert row["outcome"] == "answered"
    await house.no_leftovers()


async def test_a_wrap_up_is_extended_and_ended_from_the_command_line(house: House) -> None:
    async with house.agent("a1001", "p101") as seat, house.citizen("+39055200090") as citizen:
        await into_the_queue(house, citizen, "2")
        talk = await (await seat.ring(within_s=5)).answer()
        await talk.hang_up()
        # by the queue too: the picture is a moment behind, and may still show the wrap-up of another call
        wraps_up = {"doing": "wrapping up", "queue": "anagrafe"}
        await house.until(lambda now: wraps_up.items() <= now["agents"]["a1001"].items())
        before_s = house.now["agents"]["a1001"]["until_s"]
        code, told = await house.cli("agents", "extend", "a1001", "--by", "2m")
        assert (code, bool(re.search("wrapping up, for another (2:|3:00)", told))) == (0, True), told
        await house.until(lambda now: now["agents"]["a1001"]["until_s"] == before_s + 120)
        await house.cli("agents", "ready", "a1001")
        code, told = await house.cli("agents", "extend", "a1001")
        assert (code, told.strip()) == (1, "a1001 cannot take longer: there is no wrap-up")


async def test_a_key_interrupts_the_prompt_and_changes_the_language(house: House, said: Said) -> None:
    async with house.citizen("+39055200002") as citizen:
        call = await citizen.call("055055")
        await call.wait_packets(25, 5)  # half a second of the greeting
        call.press("9")
        assert (await hear(call, said[MENU_IN_ENGLISH], 10)).is_same
        assert not (await hear(call, said[MENU], 0)).is_same
        await call.hang_up()
        await house.until_ended()
    row = await house.row("calls", lambda c: c["number"] == "+39055200002" and c["state"] == "ended")
    assert (row["outcome"], row["language"]) == ("ended in menu", "en")


async def test_wrong_keys_and_no_key_lead_to_where_the_menu_says(house: House, said: Said) -> None:
    async with house.citizen("+39055200003") as citizen:
        call = await citizen.call("055055")
        call.press("5")
        await call.wait_packets(10, 5)
        await house.until(lambda now: any(c["step"] == "main" for c in now["calls"].values()))
        call.press("7")
        await house.until(lambda now: any(c["queue"] == "tributi" for c in now["calls"].values()), 30)
        await call.hang_up()
        await house.until_ended()
    row = await house.row("calls", lambda c: c["number"] == "+39055200003" and c["state"] == "ended")
    assert row["outcome"] == "abandoned"
    trail = (await house.cli("why", row["id"]))[1]
    assert "no valid key after the last try" in trail
    assert "no key of this menu" in trail


async def test_a_phone_that_is_not_answered_hands_on_to_the_next_agent(house: House) -> None:
    async with (
        house.agent("a1001", "p101") as first,
        house.agent("a1002", "p102") as second,
        house.citizen("+39055200004") as citizen,
    ):
        call = await into_the_queue(house, citizen)
        ignored = await first.ring(within_s=5)
        taken = await second.ring(within_s=10)
        await asyncio.wait_for(ignored.ended.wait(), 2)
        talk = await taken.answer()
        await house.until(lambda now: any(c["agent"] == "a1002" for c in now["calls"].values()))
        await call.hang_up()
        await talk.wait_ended(5)
        await house.until_ended()
    row = await house.row("calls", lambda c: c["number"] == "+39055200004" and c["state"] == "ended")
    assert (row["outcome"], row["agent"]) == ("answered", "a1002")
    assert "the phone was not answered" in (await house.cli("why", row["id"]))[1]


async def test_an_agent_who_rejects_hands_on_at_once(house: House) -> None:
    async with (
        house.agent("a1001", "p101") as first,
        house.agent("a1002", "p102") as second,
        house.citizen("+39055200005") as citizen,
    ):
        call = await into_the_queue(house, citizen)
        (await first.ring(within_s=5)).reject()
        talk = await (await second.ring(within_s=2)).answer()
        await talk.wait_packets(10, 5)  # joined: whoever hangs up before has not talked, and the caller waits again
        await talk.hang_up()
        await call.wait_ended(5)
        await house.until_ended()
    row = await house.row("calls", lambda c: c["number"] == "+39055200005" and c["state"] == "ended")
    assert (row["outcome"], row["agent"]) == ("answered", "a1002")
    assert "the phone was busy" in (await house.cli("why", row["id"]))[1]


async def test_a_caller_who_gives_up_leaves_at_once_and_no_phone_goes_on_ringing(house: House) -> None:
    async with house.agent("a1001", "p101") as seat, house.citizen("+39055200006") as citizen:
        call = await into_the_queue(house, citizen)
        ring = await seat.ring(within_s=5)
        await call.hang_up()
        await asyncio.wait_for(ring.ended.wait(), 1)
        await house.until_ended(1)
        assert house.now["agents"]["a1001"]["doing"] == "free"
    await house.no_leftovers()


async def test_outside_hours_a_message_is_kept_on_a_case_that_the_next_call_joins(house: House, said: Said) -> None:
    async with house.citizen("+39055200007") as citizen:
        call = await citizen.call("055999")
        assert (await hear(call, said[CLOSED], 15)).is_same
        await speak_a_message(house, call)
        call.press("#")
        await call.wait_ended(20)
        await house.until_ended()
    row = await house.row("calls", lambda c: c["number"] == "+39055200007" and c["state"] == "ended")
    assert row["outcome"] == "voicemail"
    assert len(await house.sound_of(row["voicemail"])) > 8000
    assert not house.recordings_now(), "it stands encrypted on the disk"
    case = await house.row("cases", lambda c: c["id"] == row["case_id"])
    assert case["state"] == "open", "a message waits to be worked through"
    async with house.citizen("+39055200007") as citizen:
        again = await citizen.call("055999")
        await again.hang_up()
        await house.until_ended()
    rows = [r for r in await house.json("calls") if r["number"] == "+39055200007"]
    assert {r["case_id"] for r in rows} == {row["case_id"]}


async def test_who_left_a_message_has_a_head_start_when_they_call_again(house: House) -> None:
    async with house.citizen("+39055200092") as citizen:
        call = await into_the_queue(house, citizen, "3")
        await house.until(lambda now: any(c["state"] == "voicemail" for c in now["calls"].values()), 8)
        await speak_a_message(house, call)
        await call.hang_up()
        await house.until_ended()
        await house.row("cases", lambda c: c["number"] == "+39055200092" and c["state"] == "open")
        await asyncio.sleep(EVERY_S + 1)  # so often the engine looks who has one; nothing tells when it has
        again = await into_the_queue(house, citizen, "3")
        [name] = house.now["calls"]
        await again.hang_up()
        await house.until_ended()
    await house.row("calls", lambda c: c["id"] == name and c["state"] == "ended")
    _, trail = await house.cli("why", name)
    assert "entered queue corta, as if it had waited 1:00 already" in trail


async def test_a_caller_who_hangs_up_while_speaking_leaves_the_message(house: House) -> None:
    async with house.citizen("+39055200008") as citizen:
        call = await citizen.call("055999")
        await speak_a_message(house, call)
        await call.hang_up()
        await house.until_ended()
    row = await house.row("calls", lambda c: c["number"] == "+39055200008" and c["state"] == "ended")
    assert row["outcome"] == "voicemail"


async def test_a_message_is_on_the_list_heard_and_done_and_its_case_closes(
    house: House, said: Said, tmp_path: Path
) -> None:
    async with house.citizen("+39055200017") as citizen:
        call = await citizen.call("055999")
        assert (await hear(call, said[CLOSED], 15)).is_same
        await speak_a_message(house, call)
        call.press("#")
        await call.wait_ended(20)
        await house.until_ended()
    row = await house.row("calls", lambda c: c["number"] == "+39055200017" and c["state"] == "ended")
    [waiting] = [one for one in await house.json("voicemails") if one["number"] == "+39055200017"]
    assert (waiting["call"], waiting["state"], waiting["recording"]) == (row["id"], "waiting", row["voicemail"])
    assert waiting["box"]
    to = tmp_path / "heard.wav"
    code, told = await house.cli("voicemail", row["id"], "listen", "--to", str(to))
    assert code == 0, told
    assert to.read_bytes() == await house.sound_of(row["voicemail"])
    code, told = await house.cli("voicemail", row["id"], "done", "--how", "called-back")
    assert code == 0, told
    assert row["id"] not in {one["call"] for one in await house.json("voicemails")}
    case = await house.row("cases", lambda c: c["id"] == row["case_id"])
    assert (case["state"], case["closed_why"]) == ("closed", "nothing left to do")


async def test_the_longest_wait_ends_in_the_voicemail(house: House) -> None:
    async with house.citizen("+39055200009") as citizen:
        call = await into_the_queue(house, citizen, "3")
        await house.until(lambda now: any(c["state"] == "voicemail" for c in now["calls"].values()), 8)
        await call.hang_up()
        await house.until_ended()
    row = await house.row("calls", lambda c: c["number"] == "+39055200009" and c["state"] == "ended")
    assert row["outcome"] == "no message"


async def test_an_unknown_number_is_told_so_and_hung_up(house: House) -> None:
    async with house.citizen("+39055200010") as citizen:
        call = await citizen.call("0559876543")
        await call.wait_ended(15)
        assert call.ended_by == "them"
        await house.until_ended()
    row = await house.row("calls", lambda c: c["number"] == "+39055200010" and c["state"] == "ended")
    assert row["outcome"] == "unknown number"


async def test_an_old_number_leads_to_the_new_one(house: House) -> None:
    async with house.citizen("+39055200011") as citizen:
        call = await citizen.call("0552768")
        await house.until(lambda now: any(c["service"] == "055055" for c in now["calls"].values()))
        await call.hang_up()
        await house.until_ended()
    row = await house.row("calls", lambda c: c["number"] == "+39055200011")
    assert (row["dialled"], row["service"]) == ("0552768", "055055")


async def test_a_withheld_number_never_joins_an_older_case(house: House) -> None:
    async with house.citizen("anonymous") as citizen:
        for _ in range(2):
            call = await citizen.call("055999")
            await speak_a_message(house, call)
            await call.hang_up()
            await house.until_ended()
    rows = [r for r in await house.json("calls") if r["withheld"]]
    assert len(rows) == 2
    assert len({r["case_id"] for r in rows}) == 2


@pytest.mark.parametrize(
    ("number", "name", "kept"),
    [
        ("1'; DROP TABLE calls;--", 'Bobby, "Tables" \'<script>alert(1)</script>', "<script>alert(1)</script>"),
        ("1\r\nAction: Command\r\nCommand: core stop now", "ok", "ok"),
        ("9" * 5000, "x" * 5000, "x"),
        ("+39055200012", "è ü 漢字 ${SYSTEM(touch /tmp/owned)} ,,|&;", "${SYSTEM(touch /tmp/owned)}"),
    ],
)
async def test_a_hostile_caller_is_only_text(house: House, number: str, name: str, kept: str) -> None:
    async with house.agent("a1001", "p101") as seat, house.citizen("+39055200099") as citizen:
        call = await citizen.call("055055", from_user=number, display_name=name)
        call.press("1")
        ring = await seat.ring(within_s=10)
        talk = await ring.answer()
        async with httpx.AsyncClient() as client:
            page = (await client.get(f"http://127.0.0.1:{8055 + house.offset}/")).text
        assert "<script>alert" not in page
        calls = list(house.now["calls"])
        await talk.hang_up()
        await call.wait_ended(5)
        await house.until_ended()
    code, listed = await house.cli("calls")
    assert code == 0
    assert "\r" not in listed
    row = await house.row("calls", lambda c: c["id"] in calls)
    assert kept in row["name"] or len(row["number"]) <= 64, "shown as text, and bounded"
    assert len(row["name"]) <= 128
    assert not Path("/tmp/owned").exists()
    assert (await house.json("status"))["can_answer"]


async def test_a_wrong_password_is_refused_and_seen(house: House) -> None:
    async with Phone(house.sip, "p105", "not-the-secret") as phone:
        with pytest.raises(RegistrationRefused):
            await phone.register()
    journal = "".join(file.read_text() for file in house.instance.journal.glob("*.jsonl"))
    deadline = asyncio.get_running_loop().time() + 5
    while '"SecurityAlert"' not in journal and asyncio.get_running_loop().time() < deadline:
        await house.cli("status")
        journal = "".join(file.read_text() for file in house.instance.journal.glob("*.jsonl"))
    assert '"kind":"wrong password","account":"p105"' in journal


async def test_a_stranger_cannot_call(house: House) -> None:
    async with Phone(house.sip, "stranger", local_host="127.0.0.9") as phone:
        with pytest.raises(CallRefused):
            await phone.call("055055")


async def test_commands_that_make_no_sense_say_what_is_possible(house: House) -> None:
    assert "there is no agent `a9999` in agents.yaml; known: a1001" in (await house.cli("agents", "in", "a9999"))[1]
    code, said = await house.cli("agents", "ready", "a1003")
    assert code == 1
    assert "a1003 is signed out: `ready` is not possible now; possible: `in`" in said
    assert "name one with --phone" in (await house.cli("agents", "in", "a1006"))[1]
    assert (await house.cli("agents", "in", "a1003", "--phone", "p103"))[0] == 0
    assert "p103 is taken" in (await house.cli("agents", "in", "a1006", "--phone", "p103"))[1]
    assert (await house.cli("agents", "pause", "a1003", "--reason", "pranzo"))[1].startswith("a1003 is paused (pranzo)")
    assert (await house.cli("agents", "out", "a1003"))[0] == 0
    assert (await house.cli("phone", "p999"))[1].strip() == "there is no phone p999 in agents.yaml"
    assert "there is no call nope" in (await house.cli("why", "nope"))[1]


async def test_the_api_answers_with_a_token_and_only_then(house: House) -> None:
    token = (await house.cli("token"))[1].strip()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{8055 + house.offset}") as client:
        assert (await client.get("/api/v1/queues")).status_code == 401
        signed = {"Authorization": f"Bearer {token}"}
        for table in ("queues", "agents", "calls", "cases"):
            assert (await client.get(f"/api/v1/{table}", headers=signed)).status_code == 200, table
        assert (await client.get("/healthz")).json()["can_answer"] is True
        assert "centralino_" in (await client.get("/metrics")).text


async def test_nothing_is_missing_between_asterisk_and_us(house: House) -> None:
    await house.no_leftovers()
    code, said = await house.cli("audit")
    assert code == 0, said
