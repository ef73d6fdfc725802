"""The real Asterisk, as we install, configure and run it."""

import asyncio
import csv
import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import psutil
import pytest
from websockets.asyncio.server import ServerConnection, basic_auth, serve
from websockets.typing import Subprotocol

from asterisk.carrier import Carrier
from asterisk.configuration import CDR_COLUMNS, Folders, Node, PhoneAccount, write
from asterisk.installer import Installation, find_or_make
from asterisk.ports import PortBusy, Transport, holders
from asterisk.process import AsteriskProcess, CannotStart, Started
from tests.ports import MOVED_BY

SIP_PORT, HTTP_PORT, AMI_PORT, ENGINE_PORT = (port + MOVED_BY for port in (5170, 8188, 5138, 8190))
PEER_PORT = 5171 + MOVED_BY  # the carrier's; whoever calls from another port is a stranger
DEADLINE_S = 10.0
PASSWORD = "made-for-this-test"


@pytest.fixture(scope="session")
def installation() -> Installation:
    return find_or_make()


@pytest.fixture
def home() -> Iterator[Path]:
    """Where Asterisk's own user may go, unlike pytest's folders."""
    folder = Path(tempfile.mkdtemp(prefix="centralino-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def node(home: Path) -> Node:
    return Node(
        name="tnode",
        sip_port=SIP_PORT,
        rtp_first=22_000 + MOVED_BY,
        rtp_last=22_100 + MOVED_BY,
        http_port=HTTP_PORT,
        engine_url=f"ws://127.0.0.1:{ENGINE_PORT}/ari",
        ari_password=PASSWORD,
        ami_port=AMI_PORT,
        ami_password=PASSWORD,
        phones=(PhoneAccount("p101", "secret-of-p101"),),
        service_numbers=("055055",),
        carriers=(Carrier("main", (f"127.0.0.1:{PEER_PORT}",), channels=2),),
        state=home,
        prompts=home / "prompts",
        recordings=home / "recordings",
    )


@asynccontextmanager
async def running(node: Node, installation: Installation) -> AsyncIterator[AsteriskProcess]:
    write(node, installation, node.state / "asterisk")
    process = AsteriskProcess(installation, node, node.state / "asterisk")
    await process.start()
    try:
        yield process
    finally:
        await process.stop()


@pytest.fixture
async def asterisk(node: Node, installation: Installation) -> AsyncIterator[AsteriskProcess]:
    async with running(node, installation) as process:
        yield process


class Engine:
    """What Asterisk dials: keeps its events, and asks it things on the same socket."""

    def __init__(self) -> None:
        self._socket: asyncio.Future[ServerConnection] = asyncio.get_running_loop().create_future()
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def serve_socket(self, socket: ServerConnection) -> None:
        self._socket.set_result(socket)
        async for text in socket:
            told = json.loads(text)
            if told["type"] == "RESTResponse":
                self._answers[told["request_id"]].set_result(told)
            else:
                self._events.put_nowait(told)

    async def ask(self, method: str, uri: str, **query: str) -> dict[str, Any]:
        socket = await asyncio.wait_for(asyncio.shield(self._socket), DEADLINE_S)
        request_id = secrets.token_hex(4)
        self._answers[request_id] = asyncio.get_running_loop().create_future()
        words = [{"name": name, "value": value} for name, value in query.items()]
        asked = {"type": "RESTRequest", "request_id": request_id, "method": method, "uri": uri, "query_strings": words}
        await socket.send(json.dumps(asked))
        return await asyncio.wait_for(self._answers[request_id], DEADLINE_S)

    async def event(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                told = await self._events.get()
                if told["type"] == kind:
                    return told


@pytest.fixture
async def listener() -> AsyncIterator[Engine]:
    """An engine that listens; Asterisk may not be there yet."""
    listening = Engine()
    async with serve(
        listening.serve_socket,
        "127.0.0.1",
        ENGINE_PORT,
        subprotocols=[Subprotocol("ari")],
        process_request=basic_auth(credentials=("centralino", PASSWORD)),
    ):
        yield listening


@pytest.fixture
async def engine(listener: Engine, asterisk: AsteriskProcess) -> Engine:
    """An engine that Asterisk has dialled."""
    assert asterisk.pid
    await listener.event("ApplicationRegistered")
    return listener


class Sip(asyncio.DatagramProtocol):
    """One UDP port that sends requests and waits for what comes back."""

    def __init__(self, port: int = 0) -> None:
        self._wanted_port = port
        self._heard: asyncio.Queue[str] = asyncio.Queue()
        self.call_id, self.tag = secrets.token_hex(8), secrets.token_hex(4)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._wire, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", self._wanted_port))
        self.port = self._wire.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._wire.close()

    def datagram_received(self, data: bytes, _: object) -> None:
        self._heard.put_nowait(data.decode())

    def send(self, method: str, user: str, sender: str, *more: str, cseq: int = 1, body: str = "") -> None:
        target = f"sip:{user}@127.0.0.1:{SIP_PORT}" if user else f"sip:127.0.0.1:{SIP_PORT}"
        to = sender if method == "REGISTER" else f"<{target}>"
        lines = [
            f"{method} {target} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{secrets.token_hex(6)};rport",
            f"From: {sender};tag={self.tag}",
            f"To: {to}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:me@127.0.0.1:{self.port}>",
            "Max-Forwards: 70",
            *more,
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self._wire.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), ("127.0.0.1", SIP_PORT))

    def invite(self, number: str, sender: str = "<sip:+39333@127.0.0.1>", *more: str) -> None:
        sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 22200 RTP/AVP 8\r\n"
        self.send("INVITE", number, sender, *more, body=sdp)

    async def message(self, wanted: Callable[[str], bool]) -> str:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                heard = await self._heard.get()
                if wanted(heard):
                    return heard

    async def answer(self) -> str:
        """The final answer, as its first line says it."""
        return (await self.message(lambda text: re.match(r"SIP/2.0 [2-6]", text) is not None)).splitlines()[0]


def digest(challenge: str, user: str, secret: str, uri: str) -> str:
    realm, nonce = (re.search(rf'{name}="([^"]*)"', challenge)[1] for name in ("realm", "nonce"))  # type: ignore[index]

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    cnonce = secrets.token_hex(4)
    proof = md5(f"{md5(f'{user}:{realm}:{secret}')}:{nonce}:00000001:{cnonce}:auth:{md5(f'REGISTER:{uri}')}")
    return (
        f'Authorization: Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
        f'response="{proof}", algorithm=MD5, qop=auth, nc=00000001, cnonce="{cnonce}"'
    )


async def register(sip: Sip, secret: str) -> str:
    sender, uri = "<sip:p101@127.0.0.1>", f"sip:127.0.0.1:{SIP_PORT}"
    sip.send("REGISTER", "", sender)
    challenge = await sip.message(lambda text: text.startswith("SIP/2.0 401"))
    sip.send("REGISTER", "", sender, digest(challenge, "p101", secret, uri), cseq=2)
    return await sip.answer()


async def until(seen: Callable[[], bool]) -> None:
    """Wait for what only a file or the list of processes can show."""
    async with asyncio.timeout(DEADLINE_S):
        while not seen():  # noqa: ASYNC110 - nobody tells us when Asterisk writes a line
            await asyncio.sleep(0.02)


def log_text(node: Node, name: str) -> str:
    return (Folders(node.state / "asterisk").log / name).read_text()


async def call_records(node: Node, count: int) -> list[dict[str, str]]:
    file = Folders(node.state / "asterisk").calls

    def rows() -> list[dict[str, str]]:
        return list(csv.DictReader(file.open(), CDR_COLUMNS)) if file.exists() else []

    await until(lambda: len(rows()) >= count)
    return rows()


async def test_it_boots_within_five_seconds_and_its_log_has_neither_warning_nor_error(
    node: Node, installation: Installation, listener: Engine
) -> None:
    started_s = time.monotonic()
    async with running(node, installation):
        assert time.monotonic() - started_s < 5
        await listener.event("ApplicationRegistered")
        assert not re.findall(r".*(?:WARNING|ERROR).*", log_text(node, "messages"))
    said = (node.state / "asterisk" / "output.log").read_text()
    assert "ERROR" not in said
    assert "WARNING" not in said


async def test_stopping_leaves_no_process_no_port_and_no_socket(node: Node, installation: Installation) -> None:
    async with running(node, installation) as process:
        pid = process.pid
        assert pid is not None
        assert os.getsid(pid) == pid  # Ctrl-C in our terminal does not reach it
    assert not psutil.pid_exists(pid)
    assert not holders(Transport.UDP, SIP_PORT) | holders(Transport.TCP, AMI_PORT)
    assert process.running_pid() is None
    assert not (Folders(node.state / "asterisk").run / "asterisk.ctl").exists()


async def test_one_that_does_not_listen_is_killed_after_the_grace(asterisk: AsteriskProcess) -> None:
    pid = asterisk.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    ended = asyncio.create_task(asterisk.wait())
    await asterisk.stop(grace_s=0.2)
    assert await asyncio.wait_for(ended, DEADLINE_S) == -signal.SIGKILL
    assert not psutil.pid_exists(pid)


async def test_one_that_answers_nothing_any_more_is_killed(
    asterisk: AsteriskProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asterisk.process.LOOK_AFTER_IT_S", 0.1)
    monkeypatch.setattr("asterisk.process.COMMAND_TIMEOUT_S", 0.5)
    assert asterisk.pid is not None
    os.kill(asterisk.pid, signal.SIGSTOP)  # as where its threads wait for each other
    assert await asyncio.wait_for(asterisk.wait(), DEADLINE_S) == -signal.SIGKILL


async def test_wait_says_that_it_was_killed(asterisk: AsteriskProcess) -> None:
    assert asterisk.pid is not None
    os.kill(asterisk.pid, signal.SIGKILL)
    assert await asyncio.wait_for(asterisk.wait(), DEADLINE_S) == -signal.SIGKILL


async def test_a_busy_port_is_named_with_its_holder(
    asterisk: AsteriskProcess, node: Node, installation: Installation, home: Path
) -> None:
    write(node, installation, home / "second")
    with pytest.raises(PortBusy) as refused:
        await AsteriskProcess(installation, node, home / "second").start()
    assert f"port {SIP_PORT}/udp on 127.0.0.1 (SIP) is held by asterisk (pid {asterisk.pid})" in str(refused.value)
    assert f"port {AMI_PORT}/tcp" in str(refused.value)


async def test_a_second_start_of_the_same_instance_adopts_the_running_asterisk(
    asterisk: AsteriskProcess, node: Node, installation: Installation
) -> None:
    write(node, installation, node.state / "asterisk")
    second = AsteriskProcess(installation, node, node.state / "asterisk")
    assert await second.start() is Started.ADOPTED
    assert second.pid == asterisk.pid
    assert "\n0 active calls" in await second.command("core show channels count")


async def test_one_that_runs_with_other_files_is_ended_and_started_anew(
    asterisk: AsteriskProcess, node: Node, installation: Installation
) -> None:
    changed = replace(node, phones=(*node.phones, PhoneAccount("p102", "secret-of-p102")))
    assert write(changed, installation, node.state / "asterisk") == {"pjsip.conf"}
    second, before = AsteriskProcess(installation, changed, node.state / "asterisk"), asterisk.pid
    assert await second.start() is Started.FRESH
    assert second.pid != before
    await second.stop()


async def test_a_reload_brings_a_new_phone_in_and_the_next_start_still_adopts(
    asterisk: AsteriskProcess, node: Node, installation: Installation
) -> None:
    changed = replace(node, phones=(*node.phones, PhoneAccount("p102", "secret-of-p102")))
    write(changed, installation, node.state / "asterisk")
    await asterisk.reload()
    await until_command(asterisk, "pjsip show endpoint p102", "p102/p102")
    assert await AsteriskProcess(installation, changed, node.state / "asterisk").start() is Started.ADOPTED


async def until_command(asterisk: AsteriskProcess, line: str, wanted: str) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while wanted not in await asterisk.command(line):
            pass


async def test_files_that_asterisk_refuses_are_a_clear_error(node: Node, installation: Installation) -> None:
    folder = node.state / "asterisk"
    write(node, installation, folder)
    (folder / "conf" / "modules.conf").write_text("[modules]\nautoload = no\nrequire = no_such_module.so\n")
    with pytest.raises(CannotStart, match="no_such_module"):
        await AsteriskProcess(installation, node, folder).start()
    assert not holders(Transport.UDP, SIP_PORT)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start it as another user")
async def test_started_by_root_it_runs_as_a_user_of_its_own_that_cannot_change_its_files(
    asterisk: AsteriskProcess, node: Node
) -> None:
    assert asterisk.pid is not None
    assert psutil.Process(asterisk.pid).username() == "centralino"
    conf = Folders(node.state / "asterisk").conf
    assert {path.stat().st_uid for path in (conf, *conf.iterdir())} == {0}
    assert {path.stat().st_mode & 0o027 for path in conf.iterdir()} == {0}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start it as another user")
async def test_where_its_user_may_not_go_it_runs_as_root_and_says_why(
    node: Node, installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    node.state.chmod(0o700)
    async with running(node, installation) as process:
        assert psutil.Process(process.pid).username() == "root"
    assert f"user centralino may not enter {node.state};" in caplog.text


async def test_asterisk_dials_the_engine_and_answers_on_the_same_socket(
    asterisk: AsteriskProcess, engine: Engine
) -> None:
    answer = await engine.ask("GET", "asterisk/info")
    assert answer["status_code"] == 200
    assert json.loads(answer["message_body"])["system"]["version"].startswith("22.")


async def test_a_recording_ends_in_the_recordings_folder(asterisk: AsteriskProcess, engine: Engine, node: Node) -> None:
    assert (await engine.ask("POST", "bridges", bridgeId="b1", type="mixing"))["status_code"] == 200
    await engine.ask("POST", "bridges/b1/record", name="voicemail-1", format="wav")
    await engine.ask("POST", "recordings/live/voicemail-1/stop")
    await until((node.recordings / "voicemail-1.wav").is_file)


async def test_a_call_arrives_unanswered_with_the_number_dialled_and_an_id_of_the_node(
    asterisk: AsteriskProcess, engine: Engine, node: Node
) -> None:
    async with Sip(PEER_PORT) as carrier:
        carrier.invite("055055")
        arrived = await engine.event("StasisStart")
        assert arrived["args"] == ["arrived", "055055"]
        assert arrived["channel"]["caller"]["number"] == "+39333"
        assert arrived["channel"]["state"] in ("Ring", "Down")
        assert re.fullmatch(r"tnode-\d+\.\d+", arrived["channel"]["id"])
        await engine.ask("DELETE", f"channels/{arrived['channel']['id']}")
        assert await carrier.answer() != "SIP/2.0 200 OK"
    (record,) = await call_records(node, 1)
    assert record["uniqueid"] == arrived["channel"]["id"]
    assert (record["dst"], record["dcontext"]) == ("055055", "from-carrier")
    assert record["channel"].startswith("PJSIP/carrier-main-")
    assert record["userfield"] == ""


@pytest.mark.parametrize(
    ("dialled", "told"),
    [
        ("+39055055", "+39055055"),
        ("hello", "hello"),
        ("s", "s"),
        ("055%22,Hangup()%29%28,x", "055Hangupx"),
        ("055$%7BSHELL(id)%7D", "055SHELLid"),
        ("9" * 300, "9" * 40),
    ],
)
async def test_whatever_is_dialled_is_told_as_one_plain_word(
    asterisk: AsteriskProcess, engine: Engine, dialled: str, told: str
) -> None:
    async with Sip(PEER_PORT) as carrier:
        carrier.invite(dialled)
        assert (await engine.event("StasisStart"))["args"] == ["arrived", told]


async def test_a_hostile_caller_is_told_as_he_is_and_breaks_no_call_record(
    asterisk: AsteriskProcess, engine: Engine, node: Node
) -> None:
    name = 'x",),("${SHELL(id)} =1;#<b>è'
    quoted = name.replace('"', '\\"')
    async with Sip(PEER_PORT) as carrier:
        carrier.invite("055055", f'"{quoted}" <sip:%22,%28%29%24%7BEPOCH%7D@127.0.0.1>')
        arrived = await engine.event("StasisStart")
        channel = arrived["channel"]
        assert arrived["args"] == ["arrived", "055055"]
        assert channel["caller"] == {"name": quoted, "number": '",()${EPOCH}'}
        await engine.ask("DELETE", f"channels/{channel['id']}")
    (record,) = await call_records(node, 1)
    assert record["uniqueid"] == channel["id"]
    assert record["disposition"] in ("NO ANSWER", "FAILED")


async def test_a_withheld_number_is_not_told_even_where_the_network_knows_it(
    asterisk: AsteriskProcess, engine: Engine
) -> None:
    async with Sip(PEER_PORT) as carrier:
        known = ("P-Asserted-Identity: <sip:+39055123@127.0.0.1>", "Privacy: id")
        carrier.invite("055055", '"Anonymous" <sip:anonymous@anonymous.invalid>', *known)
        assert (await engine.event("StasisStart"))["channel"]["caller"] == {"name": "", "number": ""}


async def test_more_calls_than_the_carrier_has_channels_are_turned_away(
    asterisk: AsteriskProcess, engine: Engine
) -> None:
    async with Sip(PEER_PORT) as carrier:
        for _ in range(2):
            carrier.call_id = secrets.token_hex(8)
            carrier.invite("055055")
            await engine.event("StasisStart")
        carrier.call_id = secrets.token_hex(8)
        carrier.invite("055055")
        assert (await carrier.answer()).startswith("SIP/2.0 503")


@pytest.mark.parametrize("sender", ["<sip:+39333@127.0.0.1>", '"carrier" <sip:carrier@127.0.0.1>'])
async def test_a_stranger_is_refused_and_stands_in_the_security_log(
    asterisk: AsteriskProcess, engine: Engine, node: Node, sender: str
) -> None:
    async with Sip() as stranger:
        stranger.invite("055055", sender)
        assert (await stranger.answer()).startswith("SIP/2.0 401")
        at = f"127.0.0.1/{stranger.port}"
        await until(lambda: re.search(f"InvalidAccountID.*{at}", log_text(node, "security")) is not None)


async def test_a_phone_with_its_secret_registers(asterisk: AsteriskProcess) -> None:
    async with Sip() as phone:
        assert await register(phone, "secret-of-p101") == "SIP/2.0 200 OK"
    assert "sip:me@127.0.0.1" in await asterisk.command("pjsip show contacts")


async def test_a_phone_with_a_wrong_secret_is_refused_and_stands_in_the_security_log(
    asterisk: AsteriskProcess, node: Node
) -> None:
    async with Sip() as phone:
        assert (await register(phone, "something-else")).startswith("SIP/2.0 401")
    await until(lambda: re.search("ChallengeResponseFailed.*p101", log_text(node, "security")) is not None)


async def test_a_call_that_no_engine_is_asked_about_hears_the_fallback_and_its_record_says_so(
    node: Node, installation: Installation
) -> None:
    folder = node.state / "asterisk"
    write(node, installation, folder)
    ari = folder / "conf" / "ari.conf"
    ari.write_text(ari.read_text().replace("apps = centralino", "apps = another"))
    process = AsteriskProcess(installation, node, folder)
    await process.start()
    async with Sip(PEER_PORT) as carrier:
        carrier.invite("055055")
        assert await carrier.answer() == "SIP/2.0 200 OK"
    await process.command("channel request hangup all")
    (record,) = await call_records(node, 1)
    await process.stop()
    assert record["userfield"] == "fallback for 055055: engine away"


async def test_once_armed_callers_wait_for_an_engine_only_as_long_as_its_heart_beats(asterisk: AsteriskProcess) -> None:
    assert "CENTRALINO_BEAT" not in await asterisk.command("dialplan show globals")
    await asterisk.arm()
    beat = re.search(r"CENTRALINO_BEAT=(\d+)", await asterisk.command("dialplan show globals"))
    assert beat is not None
    assert abs(int(beat[1]) - time.time()) < 5


async def test_an_engine_whose_heart_stopped_is_passed_over(
    asterisk: AsteriskProcess, engine: Engine, node: Node
) -> None:
    for beat, userfield in (
        (str(int(time.time()) - 7), "fallback for 055055: engine silent"),
        (str(int(time.time())), ""),
    ):
        await engine.ask("POST", "asterisk/variable", variable="CENTRALINO_BEAT", value=beat)
        async with Sip(PEER_PORT) as carrier:
            carrier.invite("055055")
            if userfield:
                assert await carrier.answer() == "SIP/2.0 200 OK"
            else:
                await engine.event("StasisStart")
            await asterisk.command("channel request hangup all")
        rows = await call_records(node, 1 if userfield else 2)
        assert rows[-1]["userfield"] == userfield


async def test_the_manager_port_takes_our_password_only(asterisk: AsteriskProcess) -> None:
    assert "Authentication accepted" in await ami_login(PASSWORD)
    assert "Authentication failed" in await ami_login("a-wrong-password")


async def ami_login(secret: str) -> str:
    async with asyncio.timeout(DEADLINE_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", AMI_PORT)
        writer.write(f"Action: Login\r\nUsername: centralino\r\nSecret: {secret}\r\n\r\n".encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        return answer.decode()
