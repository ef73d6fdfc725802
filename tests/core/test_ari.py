"""The line to Asterisk where Asterisk is slow, floods us, contradicts itself, or goes: beside it an Asterisk of paper.

What a well-behaved Asterisk does is in tests/contract, against the real one.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from asterisk import ari
from asterisk.configuration import APP, Node
from asterisk.port import (
    CallerId,
    Connected,
    Digit,
    EndCause,
    JoinAsked,
    LegAnswered,
    LegEnded,
    LegRinging,
    Lost,
    PhoneEvent,
    TransferAsked,
    TransferEnd,
)
from asterisk.talk_recording import TalkRecorder
from asterisk.telephony import AsteriskTelephony

WITHIN_S = 10.0
LEG = "main-1.1-leg1"
SHOWN = CallerId("+39055123456", "hall: Rossi")
Request = dict[str, Any]


class PaperAsterisk:
    """Dials the engine, and answers its requests as `answers` says: with a status, and with None not at all."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.answers: Callable[[Request], int | None] = lambda request: 200
        self.before_answering: Callable[[Request], list[dict[str, Any]]] = lambda request: []
        self._news = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None

    async def dial(self, port: int) -> None:
        headers = {"Authorization": "Basic dXNlcjpzZWNyZXQ="}
        self.socket = await connect(
            f"ws://127.0.0.1:{port}/ari", subprotocols=[Subprotocol("ari")], additional_headers=headers
        )
        self._reading = asyncio.create_task(self._read(self.socket))
        await self.tell("ApplicationRegistered")

    async def tell(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, "application": APP, **fields}))

    async def until_asked(self, method: str, uri: str, times: int = 1) -> Request:
        """The request (the last of so many)."""
        async with asyncio.timeout(WITHIN_S):
            while len(found := [r for r in self.asked if (r["method"], r["uri"]) == (method, uri)]) < times:
                self._news.clear()
                await self._news.wait()
        return found[-1]

    async def gone(self) -> None:
        """Wait until the engine has ended the line."""
        assert self._reading is not None
        await asyncio.wait_for(self._reading, WITHIN_S)

    async def _read(self, socket: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for text in socket:
                request = json.loads(text)
                self.asked.append(request)
                self._news.set()
                for event in self.before_answering(request):
                    await self.tell(**event)
                await self._answer(request)

    async def _answer(self, request: Request) -> None:
        status = self.answers(request)
        if status is None:
            return
        body = "[]" if request["method"] == "GET" else ""
        await self.tell("RESTResponse", request_id=request["request_id"], status_code=status, message_body=body)


class Told:
    def __init__(self) -> None:
        self.events: list[PhoneEvent] = []
        self._news = asyncio.Event()

    def __call__(self, event: PhoneEvent) -> None:
        self.events.append(event)
        self._news.set()

    async def until(self, *kinds: type[PhoneEvent]) -> list[PhoneEvent]:
        """What was told since the last look, as soon as these have come in this order; they must be all."""
        async with asyncio.timeout(WITHIN_S):
            while len(self.events) < len(kinds):
                self._news.clear()
                await self._news.wait()
        seen, self.events = self.events, []
        assert [type(event) for event in seen] == list(kinds), seen
        return seen


class NoAmi:
    async def act(self, action: str, **headers: str) -> Any:
        raise ConnectionError("AMI is not connected")


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def asterisk() -> PaperAsterisk:
    return PaperAsterisk()


@pytest_asyncio.fixture
async def telephony(asterisk: PaperAsterisk, told: Told, tmp_path: Any) -> AsyncIterator[AsteriskTelephony]:
    """Connected, and there are no calls."""
    recorder = TalkRecorder(NoAmi(), tmp_path, told)  # type: ignore[arg-type]
    folders = {"state": tmp_path, "prompts": tmp_path, "recordings": tmp_path}
    node = Node(name="main", ari_user="user", ari_password="secret", ami_password="", **folders)
    telephony = AsteriskTelephony(node, told, recorder)
    await telephony.line.listen("127.0.0.1", 0)
    await asterisk.dial(port_of(telephony))
    assert await told.until(Connected) == [Connected("main", ())]
    yield telephony
    await telephony.line.close()


def port_of(telephony: AsteriskTelephony) -> int:
    server = telephony.line._server
    assert server is not None
    return int(next(iter(server.sockets)).getsockname()[1])


def channel(leg: str, state: str = "Up") -> dict[str, Any]:
    return {"id": leg, "state": state, "name": "PJSIP/p101-1"}


def answered(leg: str) -> dict[str, Any]:
    return {"kind": "StasisStart", "args": ["leg", "main-1.1"], "channel": channel(leg)}


# --- Asterisk goes, or says nothing more


async def test_an_asterisk_that_leaves_politely_is_away_and_whatever_is_asked_meanwhile_is_answered(
    telephony: AsteriskTelephony, asterisk: PaperAsterisk, told: Told
) -> None:
    await asterisk.socket.close()
    await told.until(Lost)
    assert not telephony.line.is_connected
    replies: asyncio.Queue[ari.Reply] = asyncio.Queue()
    telephony.line.ask("GET", "channels", then=replies.put_nowait)
    assert (await asyncio.wait_for(replies.get(), WITHIN_S)).status == ari.NO_ANSWER
    await asterisk.dial(port_of(telephony))
    await told.until(Connected)
    telephony.ring(LEG, "p101", "main-1.1", SHOWN, 20)
    await asterisk.until_asked("POST", "channels")


async def test_an_asterisk_that_dials_anew_is_heard_on_its_new_line_though_the_old_one_was_never_closed(
    telephony: AsteriskTelephony, asterisk: PaperAsterisk, told: Told
) -> None:
    again = PaperAsterisk()
    await again.dial(port_of(telephony))
    await told.until(Lost, Connected)
    await asterisk.gone()
    telephony.ring(LEG, "p101", "main-1.1", SHOWN, 20)
    await again.until_asked("POST", "channels")
    await again.tell(**answered(LEG))
    await told.until(LegAnswered)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ari, "ANSWER_WITHIN_S", 0.3)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("answers", ["nothing", "all but what makes channels"])
async def test_an_asterisk_that_does_not_answer_is_cut_off(
    telephony: AsteriskTelephony, asterisk: PaperAsterisk, told: Told, answers: str
) -> None:
    is_stuck = answers == "nothing"
    asterisk.answers = lambda request: None if is_stuck or request["uri"] == "channels" else 200
    telephony.ring(LEG, "p101", "main-1.1", SHOWN, 20)
    await told.until(Lost)
    await asterisk.gone()


async def test_an_asterisk_that_does_not_say_what_is_true_is_not_taken_for_connected(
    telephony: AsteriskTelephony, asterisk: PaperAsterisk, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asterisk.telephony.PICTURE_WITHIN_S", 0.05)
    await asterisk.socket.close()
    await told.until(Lost)
    asterisk.answers = lambda request: None if request["uri"] == "bridges" else 200
    await asterisk.dial(port_of(telephony))
    await asterisk.gone()
    await told.until(Lost)


# --- what it tells comes early, late, twice, or in floods


async def test_an_answer_that_is_told_before_the_reply_to_our_request_counts(
    telephony: AsteriskTelephony, asterisk: PaperAsterisk, told: Told
) -> None:
    asterisk.before_answering = lambda request: [answered(LEG)] if request["uri"] == "channels" else []
    telephony.ring(LEG, "p101", "main-1.1", SHOWN, 20)
    assert await told.until(LegAnswered) == [LegAnswered(LEG)]


async def test_the_end_of_a_leg_is_told_once_however_it_is_told(
    telephony: AsteriskTelephony, asterisk: PaperAsterisk, told: Told
) -> None:
    asterisk.answers = lambda request: 500 if request["uri"] == "channels" else 200
    telephony.ring(LEG, "p101", "main-1.1", SHOWN, 20)
    assert await told.until(LegEnded) == [LegEnded(LEG, EndCause.UNREACHABLE)]
    for kind in ("ChannelDestroyed", "StasisEnd"):
        await asterisk.tell(kind, channel=channel(LEG), cause=16)
    asterisk.answers = lambda request: 200
    telephony.ring("main-1.1-leg2", "p102", "main-1.1", SHOWN, 20)
    await asterisk.tell("ChannelStateChange", channel=channel("main-1.1-leg2", "Ringing"))
    await told.until(LegRinging)


async def test_an_answer_to_a_leg_that_is_over_is_hung_up(
    telephony: AsteriskTelephony, asterisk: PaperAsterisk, told: Told
) -> None:
    await asterisk.tell(**answered(LEG))
    await asterisk.until_asked("DELETE", f"channels/{LEG}")
    assert told.events == []


async def test_a_channel_that_is_too_young_to_be_hung_up_is_hung_up_all_the_same(
    telephony: AsteriskTelephony, asterisk: PaperAsterisk, told: Told
) -> None:
    refusals = iter([409, 409])
    asterisk.answers = lambda request: next(refusals, 204) if request["method"] == "DELETE" else 200
    telephony.ring(LEG, "p101", "main-1.1", SHOWN, 20)
    telephony.hang_up(LEG)
    await asterisk.until_asked("DELETE", f"channels/{LEG}", times=3)


async def test_what_is_told_before_the_picture_follows_it(
    telephony: AsteriskTelephony, asterisk: PaperAsterisk, told: Told
) -> None:
    await asterisk.socket.close()
    await told.until(Lost)
    early = {"kind": "ChannelDestroyed", "channel": channel("main-1.1-leg9"), "cause": 16}
    asterisk.before_answering = lambda request: [early, answered(LEG)] if request["uri"] == "bridges" else []
    await asterisk.dial(port_of(telephony))
    await told.until(Connected)
    await asterisk.until_asked("DELETE", f"channels/{LEG}")


def wants_transfer(**more: Any) -> dict[str, Any]:
    to = {"requested_destination": {"destination": "1002"}}
    return {"kind": "ChannelTransfer", "referred_by": {"source_channel": channel(LEG)}, "refer_to": to, **more}


async def a_leg(leg: str, telephony: AsteriskTelephony, asterisk: PaperAsterisk, told: Told) -> None:
    telephony.ring(leg, "p101", "main-1.1", SHOWN, 20)
    await asterisk.tell(**answered(leg))
    await told.until(LegAnswered)


async def a_leg_that_asks(telephony: AsteriskTelephony, asterisk: PaperAsterisk, told: Told) -> None:
    await a_leg(LEG, telephony, asterisk, told)
    await asterisk.tell(**wants_transfer())
    await told.until(TransferAsked)


async def test_a_leg_is_ended_once_its_phone_has_heard_that_its_transfer_is_done(
    telephony: AsteriskTelephony, asterisk: PaperAsterisk, told: Told
) -> None:
    await a_leg_that_asks(telephony, asterisk, told)
    telephony.hang_up(LEG)
    telephony.end_transfer(LEG, TransferEnd.DONE)
    asked = await asterisk.until_asked("POST", f"channels/{LEG}/transfer_progress")
    assert {"name": "states", "value": "channel_answered"} in asked["query_strings"]
    await settled(telephony, asterisk)
    assert not [request for request in asterisk.asked if request["method"] == "DELETE"]
    await asterisk.tell(**wants_transfer(state="channel_answered"))
    await asterisk.until_asked("DELETE", f"channels/{LEG}")
    assert told.events == []


async def settled(telephony: AsteriskTelephony, asterisk: PaperAsterisk) -> None:
    """All that was asked before has been heard."""
    telephony.look_at("nobody")
    await asterisk.until_asked("GET", "channels/nobody")


async def test_where_the_phone_cannot_be_told_its_leg_is_ended_all_the_same(
    telephony: AsteriskTelephony, asterisk: PaperAsterisk, told: Told
) -> None:
    await a_leg_that_asks(telephony, asterisk, told)
    asterisk.answers = lambda request: 404 if "transfer_progress" in request["uri"] else 200
    telephony.hang_up(LEG)
    telephony.end_transfer(LEG, TransferEnd.DONE)
    await asterisk.until_asked("DELETE", f"channels/{LEG}")


async def test_where_nothing_comes_of_a_transfer_the_leg_is_ended_after_a_moment(
    telephony: AsteriskTelephony, asterisk: PaperAsterisk, told: Told
) -> None:
    await a_leg_that_asks(telephony, asterisk, told)
    telephony.hang_up(LEG)
    await asterisk.until_asked("DELETE", f"channels/{LEG}")


OTHER, THIRD = "main-1.1-leg2", "main-1.1-leg3"  # of the same phone
JOINED_WITH_LEG = {"requested_destination": {"protocol_id": "abc"}, "destination_channel": channel(LEG)}


def asked_at(leg: str) -> dict[str, Any]:
    return {"referred_by": {"source_channel": channel(leg)}}


async def test_who_asks_anew_by_the_other_call_keeps_both_legs_until_the_phone_has_heard_of_that(
    telephony: AsteriskTelephony, asterisk: PaperAsterisk, told: Told
) -> None:
    await a_leg(OTHER, telephony, asterisk, told)
    await a_leg_that_asks(telephony, asterisk, told)
    telephony.hang_up(LEG)
    telephony.end_transfer(LEG, TransferEnd.DONE)
    await asterisk.tell(**wants_transfer(**asked_at(OTHER), refer_to=JOINED_WITH_LEG))
    assert await told.until(JoinAsked) == [JoinAsked(OTHER, LEG)]
    telephony.end_transfer(OTHER, TransferEnd.DECLINED)
    await asterisk.tell(**wants_transfer(state="channel_answered"))
    await settled(telephony, asterisk)
    assert not [request for request in asterisk.asked if request["method"] == "DELETE"]
    await asterisk.tell(**wants_transfer(**asked_at(OTHER), state="channel_declined"))
    await asterisk.until_asked("DELETE", f"channels/{LEG}")


async def test_of_two_calls_that_ask_for_the_same_leg_the_later_one_is_waited_for(
    telephony: AsteriskTelephony, asterisk: PaperAsterisk, told: Told
) -> None:
    for leg in (LEG, OTHER, THIRD):
        await a_leg(leg, telephony, asterisk, told)
    for other in (OTHER, THIRD):
        await asterisk.tell(**wants_transfer(**asked_at(other), refer_to=JOINED_WITH_LEG))
    assert await told.until(JoinAsked, JoinAsked) == [JoinAsked(OTHER, LEG), JoinAsked(THIRD, LEG)]
    telephony.hang_up(LEG)
    await asterisk.tell(**wants_transfer(**asked_at(OTHER), state="channel_declined"))
    await settled(telephony, asterisk)
    assert not [request for request in asterisk.asked if request["method"] == "DELETE"]
    await asterisk.tell(**wants_transfer(**asked_at(THIRD), state="channel_answered"))
    await asterisk.until_asked("DELETE", f"channels/{LEG}")


async def test_a_transfer_by_a_leg_that_is_none_of_ours_is_passed_over(
    telephony: AsteriskTelephony, asterisk: PaperAsterisk, told: Told
) -> None:
    await asterisk.tell(**wants_transfer())
    await asterisk.tell("ChannelTransfer", refer_to={}, referred_by={})
    await asterisk.tell("ChannelHold", channel=channel(LEG))
    await asterisk.tell("ChannelDtmfReceived", channel=channel(LEG), digit="1")
    await told.until(Digit)


async def test_in_a_flood_of_events_a_request_leaves_before_the_flood_is_over(
    telephony: AsteriskTelephony, asterisk: PaperAsterisk, told: Told
) -> None:
    flood = 20_000
    is_asked = asyncio.create_task(asterisk.until_asked("POST", "channels"))
    for nth in range(flood):
        await asterisk.tell("ChannelDtmfReceived", channel=channel(f"main-2.{nth}"), digit="1")
        if nth == 0:
            telephony.ring(LEG, "p101", "main-1.1", SHOWN, 20)
        await asyncio.sleep(0)
        if is_asked.done():
            break
    await is_asked
    assert nth < flood / 10


# --- what it is asked


async def test_a_phone_is_rung_straight_under_an_id_of_ours_without_local_channels(
    telephony: AsteriskTelephony, asterisk: PaperAsterisk
) -> None:
    telephony.ring(LEG, "p101", "main-1.1", SHOWN, 20)
    body = json.loads((await asterisk.until_asked("POST", "channels"))["message_body"])
    assert (body["endpoint"], body["app"], body["channelId"]) == ("PJSIP/p101", APP, LEG)
    telephony.join("main-1.1", "main-1.1", LEG)
    await asterisk.until_asked("POST", f"bridges/talk-{LEG}/addChannel")
    assert "Local/" not in json.dumps(asterisk.asked)


async def test_nobody_asks_for_the_states_of_devices_and_whatever_they_say_changes_nothing(
    telephony: AsteriskTelephony, asterisk: PaperAsterisk, told: Told
) -> None:
    wanted = json.loads((await asterisk.until_asked("PUT", f"applications/{APP}/eventFilter"))["message_body"])
    assert not [one["type"] for one in wanted["allowed"] if one["type"].startswith(("Device", "Endpoint", "Peer"))]
    telephony.ring(LEG, "p101", "main-1.1", SHOWN, 20)
    await asterisk.tell(**answered(LEG))
    await told.until(LegAnswered)
    for state in ("ONHOLD", "NOT_INUSE", "UNAVAILABLE"):
        await asterisk.tell("DeviceStateChanged", device_state={"name": "PJSIP/p101", "state": state})
    await asterisk.tell("ChannelDtmfReceived", channel=channel(LEG), digit="1")
    await told.until(Digit)
    assert not [request["uri"] for request in asterisk.asked if "subscription" in request["uri"].lower()]
    assert not [request["uri"] for request in asterisk.asked if "deviceStates" in request["uri"]]
