"""Our own phone: two of them call each other over loopback, and hand-made peers misbehave."""

import asyncio
import socket
import time
import wave
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import cast

import pytest
import pytest_asyncio

from demo import in_call, sip
from demo.listening import longest_gap_s
from demo.phone import (
    Call,
    CallGone,
    CallRefused,
    IncomingCall,
    PeerTakesNoDigits,
    Phone,
    PhoneBusy,
    RegistrationRefused,
    Timing,
)
from demo.sounds import voice

QUICK = Timing(t1_s=0.02, t2_s=0.1, give_up_s=0.6)
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"


@pytest_asyncio.fixture
async def bob() -> AsyncIterator[Phone]:
    async with Phone(("127.0.0.1", 9), "bob", max_calls=3, timing=QUICK) as phone:
        yield phone


@pytest_asyncio.fixture
async def alice(bob: Phone) -> AsyncIterator[Phone]:
    async with Phone(bob.address, "alice", display_name="Alice", max_calls=3, timing=QUICK) as phone:
        yield phone


async def connected(alice: Phone, bob: Phone) -> tuple[Call, Call]:
    attempt = alice.start_call("bob")
    theirs = await (await bob.ring(within_s=5)).answer()
    return await attempt.answered(within_s=5), theirs


async def test_a_call_rings_is_answered_and_ends_at_both_ends(alice: Phone, bob: Phone) -> None:
    attempt = alice.start_call("055055")
    incoming = await bob.ring(within_s=5)
    await asyncio.wait_for(attempt.ringing.wait(), 5)
    assert (incoming.from_user, incoming.from_name) == ("alice", "Alice")
    theirs = await incoming.answer()
    async with await attempt.answered(within_s=5) as ours:
        assert ours.is_up
        assert theirs.is_up
    await theirs.wait_ended(within_s=5)
    assert (ours.ended_by, theirs.ended_by) == ("us", "them")


async def test_the_other_side_may_hang_up_first(alice: Phone, bob: Phone) -> None:
    ours, theirs = await connected(alice, bob)
    await theirs.hang_up()
    await ours.wait_ended(within_s=5)
    assert (ours.ended_by, theirs.ended_by) == ("them", "us")


@pytest.mark.parametrize("direction", ["sendonly", "inactive"])
async def test_who_is_put_on_hold_sends_nothing_until_it_is_over(alice: Phone, bob: Phone, direction: str) -> None:
    ours, theirs = await connected(alice, bob)
    await ours.hold(direction)
    assert theirs.media.media
    assert theirs.media.media.address is None
    await ours.resume()
    await ours.wait_packets(5, 5)
    await theirs.wait_packets(5, 5)


async def test_our_phones_transfer_nobody_themselves(alice: Phone, bob: Phone) -> None:
    ours, _ = await connected(alice, bob)
    assert (await ours.transfer("1002")).status == 501
    with pytest.raises(TimeoutError):
        await (await ours.transfer("1002")).outcome(0.01)


async def test_what_a_notify_says_of_a_transfer_is_remembered(alice: Phone, bob: Phone) -> None:
    ours, theirs = await connected(alice, bob)
    referral = await ours.transfer_to(ours)
    for fragment in ("SIP/2.0 100 Trying\r\n", "nonsense", "SIP/2.0 603 Declined\r\n"):
        await in_call.ask(theirs, "NOTIFY", [("Content-Type", "message/sipfrag")], fragment)
    assert await referral.outcome(5) == 603
    assert referral.told == [100, 603]


async def test_an_ended_call_leaves_its_port_free(alice: Phone, bob: Phone) -> None:
    ours, theirs = await connected(alice, bob)
    await ours.hang_up()
    await theirs.wait_ended(within_s=5)
    for call in (ours, theirs):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as another:
            another.bind(call.media.address)


async def test_a_silent_call_sends_packets_all_the_time(alice: Phone, bob: Phone) -> None:
    ours, theirs = await connected(alice, bob)
    await ours.wait_packets(20, within_s=5)
    await theirs.wait_packets(20, within_s=5)
    assert max(abs(sample) for sample in memoryview(ours.heard()).cast("h")) <= 8  # the quietest that A-law knows
    assert longest_gap_s(ours) < 1


async def test_a_gap_in_the_sound_is_seen(alice: Phone, bob: Phone) -> None:
    ours, theirs = await connected(alice, bob)
    await ours.wait_packets(2, within_s=5)
    ours.forget_heard()
    theirs.media.close()
    with pytest.raises(TimeoutError):
        await ours.wait_packets(10, within_s=0.5)
    assert 0.4 < longest_gap_s(ours) < 5


async def test_digits_arrive_once_each_and_in_order(alice: Phone, bob: Phone) -> None:
    ours, theirs = await connected(alice, bob)
    ours.press("1155#*0D", ms=60, gap_ms=40)
    await theirs.wait_digits("1155#*0D", within_s=10)
    await ours.wait_said(within_s=5)
    assert theirs.digits_heard == "1155#*0D"


@pytest.mark.parametrize("digits", ["x", "1 2", "1" * 101])
async def test_what_is_no_digit_or_too_many_is_refused(alice: Phone, bob: Phone, digits: str) -> None:
    ours, _ = await connected(alice, bob)
    with pytest.raises(ValueError, match=r"digits wait|has the keys"):
        ours.press(digits)


async def test_what_is_played_is_heard_sample_for_sample(alice: Phone, bob: Phone, tmp_path: Path) -> None:
    ours, theirs = await connected(alice, bob)
    with wave.open(str(tmp_path / "greeting.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(voice(7, 0.4))
    ours.play(tmp_path / "greeting.wav")
    await ours.wait_said(within_s=5)
    await ours.hang_up()
    await theirs.wait_ended(within_s=5)
    heard = theirs.heard()
    loudest = max(abs(sample) for sample in memoryview(heard).cast("h"))
    assert loudest > 0.9 * max(abs(sample) for sample in memoryview(voice(7, 0.4)).cast("h"))


async def test_a_phone_that_is_busy_turns_the_caller_away(alice: Phone, bob: Phone) -> None:
    attempt = alice.start_call("bob")
    (await bob.ring(within_s=5)).reject()
    with pytest.raises(CallRefused) as refused:
        await attempt.answered(within_s=5)
    assert refused.value.status == 486


async def test_a_caller_beyond_the_bound_hears_busy_and_cannot_be_dialled(alice: Phone, bob: Phone) -> None:
    async with Phone(bob.address, "carol", max_calls=10, timing=QUICK) as carol:
        for _ in range(3):
            await connected(carol, bob)
        with pytest.raises(CallRefused, match="486"):
            await carol.call("bob")
    await connected(alice, bob)
    await connected(alice, bob)
    await connected(alice, bob)
    with pytest.raises(PhoneBusy):
        alice.start_call("bob")


async def test_who_gives_up_while_it_rings_ends_the_ringing(alice: Phone, bob: Phone) -> None:
    attempt = alice.start_call("bob")
    incoming = await bob.ring(within_s=5)
    attempt.cancel()
    await asyncio.wait_for(incoming.ended.wait(), 5)
    assert incoming.status == 487
    with pytest.raises(CallRefused) as refused:
        await attempt.answered(within_s=5)
    assert refused.value.status == 487
    with pytest.raises(CallGone):
        await incoming.answer()


async def test_a_call_that_is_answered_while_the_caller_gives_up_is_hung_up(alice: Phone, bob: Phone) -> None:
    attempt = alice.start_call("bob")
    incoming = await bob.ring(within_s=5)
    answering = asyncio.ensure_future(incoming.answer())
    attempt.cancel()
    with pytest.raises(CallRefused):
        await attempt.answered(within_s=5)
    try:
        theirs = await answering
    except CallGone:
        return
    await theirs.wait_ended(within_s=5)


async def test_nobody_answering_is_refused_with_408_and_stops_the_ringing(alice: Phone, bob: Phone) -> None:
    calling = asyncio.ensure_future(alice.call("bob", answer_within_s=0.2))
    incoming = await bob.ring(within_s=5)
    with pytest.raises(CallRefused, match="408"):
        await calling
    await asyncio.wait_for(incoming.ended.wait(), 5)


async def test_calling_where_nobody_listens_is_refused_with_408() -> None:
    async with Phone(("127.0.0.1", 9), "alone", timing=QUICK) as phone:
        with pytest.raises(CallRefused, match="408"):
            await phone.call("anybody")
        with pytest.raises(RegistrationRefused, match="408"):
            await phone.register()


async def test_a_ring_can_be_taken_by_a_plain_function(alice: Phone, bob: Phone) -> None:
    began = time.monotonic()
    rang: list[float] = []

    def turn_away(incoming: IncomingCall) -> None:
        rang.append(incoming.invited_at)
        incoming.reject(603)

    bob.on_incoming = turn_away
    with pytest.raises(CallRefused, match="603"):
        await alice.call("bob")
    assert began <= rang[0] <= time.monotonic()


@pytest.mark.parametrize(
    "name",
    ['Mario "il Rosso" Bianchi', "Rossi, Mario; <sip:x@y>", "a\\b", "Örsolya Ł", "N" * 5000, "'; DROP TABLE calls;--"],
)
async def test_names_and_numbers_with_odd_characters_arrive_unharmed(alice: Phone, bob: Phone, name: str) -> None:
    attempt = alice.start_call("bob", display_name=name, from_user=name)
    incoming = await bob.ring(within_s=5)
    assert incoming.from_name == name
    assert incoming.from_user == name.split(":", 1)[0] or incoming.from_user == name
    attempt.cancel()


async def test_a_name_with_a_line_break_makes_no_header_of_its_own(alice: Phone, bob: Phone) -> None:
    attempt = alice.start_call("bob", display_name="Eve\r\nX-Admin: yes", from_user="1\r\nX-Admin: yes")
    incoming = await bob.ring(within_s=5)
    assert incoming.get("X-Admin") == ""
    assert incoming.from_name == "Eve X-Admin: yes"
    attempt.cancel()


async def test_a_raw_from_header_goes_out_as_it_is(alice: Phone, bob: Phone) -> None:
    attempt = alice.start_call("bob", extra_headers=[("From", '"un"balanced" <sip:1@x>'), ("X-Try", "1")])
    incoming = await bob.ring(within_s=5)
    assert incoming.get("From").startswith('"un"balanced" <sip:1@x>;tag=')
    assert incoming.get("X-Try") == "1"
    attempt.cancel()


async def test_close_hangs_up_what_lives_and_gives_up_what_rings(alice: Phone, bob: Phone) -> None:
    _, theirs = await connected(alice, bob)
    alice.start_call("bob")
    incoming = await bob.ring(within_s=5)
    await alice.close()
    await theirs.wait_ended(within_s=5)
    await asyncio.wait_for(incoming.ended.wait(), 5)


async def test_a_phone_without_keep_audio_counts_packets_and_keeps_no_sound(bob: Phone) -> None:
    async with Phone(bob.address, "load", keep_audio=False, timing=QUICK) as phone:
        ours, _ = await connected(phone, bob)
        await ours.wait_packets(5, within_s=5)
        assert ours.heard() == b""


async def test_what_is_kept_is_bounded(bob: Phone) -> None:
    async with Phone(bob.address, "short", keep_s=0.2, timing=QUICK) as phone:
        ours, _ = await connected(phone, bob)
        await ours.wait_packets(30, within_s=5)
        assert len(ours.heard()) <= 2 * 8000 * 0.24


class Peer(asyncio.DatagramProtocol):
    """A SIP peer made by hand: it keeps what it hears, and says only what a test makes it say."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[tuple[sip.Request | sip.Response, sip.Address]] = asyncio.Queue(1000)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)
        self.address: sip.Address = transport.get_extra_info("sockname")

    def datagram_received(self, data: bytes, addr: sip.Address) -> None:
        self.heard.put_nowait((sip.parse(data), addr))

    async def next(self, is_it: Callable[[sip.Request | sip.Response], bool]) -> sip.Request | sip.Response:
        async with asyncio.timeout(5):
            while True:
                message, self.source = await self.heard.get()
                if is_it(message):
                    return message

    async def request(self, method: str) -> sip.Request:
        found = await self.next(lambda one: isinstance(one, sip.Request) and one.method == method)
        assert isinstance(found, sip.Request)
        return found

    async def status(self, status: int) -> sip.Response:
        found = await self.next(lambda one: isinstance(one, sip.Response) and one.status == status)
        assert isinstance(found, sip.Response)
        return found

    def reply(self, request: sip.Request, status: int, *headers: tuple[str, str], body: str = "") -> None:
        same = [(n, v) for n, v in request.headers if n.lower() in {"via", "from", "call-id", "cseq"}]
        to = sip.with_tag(request.get("to"), "peer")
        response = sip.Response(headers=[*same, ("To", to), *headers], status=status, reason="-", body=body)
        self.transport.sendto(response.encode(), self.source)

    def invite(self, to: sip.Address, body: str = "", cseq: int = 1, to_tag: str = "") -> sip.Request:
        headers = [
            ("v", f"SIP/2.0/UDP {self.address[0]}:{self.address[1]};branch=z9hG4bK{cseq}"),
            ("f", "<sip:peer@example.org>;tag=p"),
            ("t", f"<sip:bob@example.org>{to_tag}"),
            ("i", "by-hand"),
            ("CSeq", f"{cseq} INVITE"),
            ("m", f"<sip:peer@{self.address[0]}:{self.address[1]}>"),
        ]
        request = sip.Request(method="INVITE", uri="sip:bob@example.org", headers=headers, body=body)
        self.transport.sendto(request.encode(), to)
        return request

    def ack(self, invite: sip.Request, response: sip.Response, to: sip.Address, body: str = "") -> None:
        headers = [("CSeq", f"{invite.cseq[0]} ACK"), ("To", response.get("to"))]
        headers += [(n, v) for n, v in invite.headers if n in {"v", "f", "i"}]
        self.transport.sendto(sip.Request(method="ACK", uri=invite.uri, headers=headers, body=body).encode(), to)


@pytest_asyncio.fixture
async def peer() -> AsyncIterator[Peer]:
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(Peer, ("127.0.0.1", 0))
    yield protocol
    transport.close()


@pytest_asyncio.fixture
async def caller(peer: Peer) -> AsyncIterator[Phone]:
    async with Phone(peer.address, "caller", "secret", timing=QUICK) as phone:
        yield phone


def audio(port: int, types: str = "8 96", extra: str = "a=rtpmap:96 telephone-event/8000\r\n") -> str:
    return f"{SDP}m=audio {port} RTP/AVP {types}\r\n{extra}"


async def test_an_invite_is_repeated_until_somebody_answers(caller: Phone, peer: Peer) -> None:
    attempt = caller.start_call("1")
    first, again = await peer.request("INVITE"), await peer.request("INVITE")
    assert first.branch == again.branch
    peer.reply(again, 404)
    assert (await peer.request("ACK")).branch == first.branch
    with pytest.raises(CallRefused, match="404"):
        await attempt.answered(within_s=5)


async def test_a_repeated_200_is_acknowledged_again(caller: Phone, peer: Peer) -> None:
    attempt = caller.start_call("1")
    invite = await peer.request("INVITE")
    contact = ("Contact", f"<sip:there@127.0.0.1:{peer.address[1]}>")
    for _ in range(2):
        peer.reply(invite, 200, contact, body=audio(9))
        assert (await peer.request("ACK")).uri == contact[1].strip("<>")
    await attempt.answered(within_s=5)


async def test_who_gave_up_before_anything_was_heard_still_stops_a_late_ringing(caller: Phone, peer: Peer) -> None:
    attempt = caller.start_call("1")
    invite = await peer.request("INVITE")
    attempt.cancel()
    with pytest.raises(CallRefused, match="487"):
        await attempt.answered(within_s=5)
    peer.reply(invite, 180)
    cancel = await peer.request("CANCEL")
    assert cancel.branch == invite.branch
    peer.reply(invite, 200, ("Contact", f"<sip:x@127.0.0.1:{peer.address[1]}>"), body=audio(9))  # too late for both
    await peer.request("ACK")
    peer.reply(await peer.request("BYE"), 200)


async def test_an_early_announcement_is_heard_before_the_answer(caller: Phone, peer: Peer) -> None:
    attempt = caller.start_call("1")
    invite = await peer.request("INVITE")
    async with Phone(peer.address, "other", timing=QUICK) as other:
        voice_of_theirs = other._line.media()
        peer.reply(invite, 183, body=audio(voice_of_theirs.address[1]))
        await asyncio.wait_for(attempt.ringing.wait(), 5)
        await voice_of_theirs.wait_until(lambda: voice_of_theirs.packets_received > 2, 5)
        voice_of_theirs.close()
    peer.reply(invite, 404)
    with pytest.raises(CallRefused, match="404"):
        await attempt.answered(within_s=5)


@pytest.mark.parametrize(("status", "asks", "answers"), [(401, "WWW", ""), (407, "Proxy", "Proxy-")])
async def test_a_challenge_is_answered_with_a_digest(
    caller: Phone, peer: Peer, status: int, asks: str, answers: str
) -> None:
    attempt = caller.start_call("1")
    challenge = 'Digest realm="here", nonce="n1", qop="auth", algorithm=MD5, opaque="o"'
    peer.reply(await peer.request("INVITE"), status, (f"{asks}-Authenticate", challenge))
    again = await peer.next(lambda one: bool(one.get(f"{answers}Authorization")))
    assert again.cseq == (2, "INVITE")
    assert isinstance(again, sip.Request)
    peer.reply(again, status, (f"{asks}-Authenticate", challenge))
    with pytest.raises(CallRefused, match=str(status)):
        await attempt.answered(within_s=5)


async def test_a_wrong_password_refuses_the_registration(caller: Phone, peer: Peer) -> None:
    registering = asyncio.ensure_future(caller.register())
    peer.reply(await peer.request("REGISTER"), 401, ("WWW-Authenticate", 'Digest realm="r", nonce="n"'))
    again = await peer.next(lambda one: bool(one.get("Authorization")))
    assert isinstance(again, sip.Request)
    peer.reply(again, 403)
    with pytest.raises(RegistrationRefused) as refused:
        await registering
    assert refused.value.status == 403


async def test_a_registration_renews_itself_and_is_taken_back_at_the_end(peer: Peer) -> None:
    phone = Phone(peer.address, "p101", timing=QUICK)
    await phone.open()
    registering = asyncio.ensure_future(phone.register())
    peer.reply(await peer.request("REGISTER"), 200, ("Expires", "1"))
    await registering
    assert phone.is_registered
    again = await peer.next(lambda one: one.cseq == (2, "REGISTER"))
    assert isinstance(again, sip.Request)
    peer.reply(again, 200, ("Expires", "300"))
    closing = asyncio.ensure_future(phone.close())
    last = await peer.next(lambda one: one.get("expires") == "0")
    assert isinstance(last, sip.Request)
    peer.reply(last, 200)
    await closing
    assert not phone.is_registered


def test_the_digest_is_that_of_the_rfc() -> None:
    request = sip.Request(method="GET", uri="/dir/index.html", headers=[])
    challenge = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    said = sip.authorization(challenge, request, "Mufasa", "Circle Of Life")
    assert 'response="670fd8c2df070c60b045671b8b24ff02"' in said


async def test_a_repeated_invite_rings_once_and_gets_the_same_answer(bob: Phone, peer: Peer) -> None:
    for _ in range(2):
        peer.invite(bob.address, audio(9))
        assert (await peer.status(180)).get("to")
    (await bob.ring(within_s=5)).reject(603)
    with pytest.raises(TimeoutError):
        await bob.ring(within_s=0.1)
    await peer.status(603)
    await peer.status(603)  # until its ACK comes


async def test_our_200_is_repeated_until_the_ack_and_given_up_without_one(bob: Phone, peer: Peer) -> None:
    peer.invite(bob.address, audio(9))
    answering = asyncio.ensure_future((await bob.ring(within_s=5)).answer())
    await peer.status(200)
    await peer.status(200)
    bye = await peer.request("BYE")
    peer.reply(bye, 200)
    with pytest.raises(CallGone):
        await answering


async def test_our_200_is_not_repeated_after_its_ack(bob: Phone, peer: Peer) -> None:
    invite = peer.invite(bob.address, audio(9))
    answering = asyncio.ensure_future((await bob.ring(within_s=5)).answer())
    peer.ack(invite, await peer.status(200), bob.address)
    call = await answering
    while not peer.heard.empty():
        peer.heard.get_nowait()
    with pytest.raises(TimeoutError):
        await call.wait_ended(within_s=QUICK.give_up_s * 1.5)
    assert peer.heard.empty()
    hanging_up = asyncio.ensure_future(call.hang_up())
    peer.reply(await peer.request("BYE"), 200)
    await hanging_up


async def test_a_re_invite_moves_the_sound_to_its_new_address(bob: Phone, peer: Peer) -> None:
    where: list[Peer] = []
    for _ in range(2):
        _, ear = await asyncio.get_running_loop().create_datagram_endpoint(Ear, ("127.0.0.1", 0))
        where.append(ear)
    invite = peer.invite(bob.address, audio(where[0].address[1]))
    answering = asyncio.ensure_future((await bob.ring(within_s=5)).answer())
    ok = await peer.status(200)
    peer.ack(invite, ok, bob.address)
    call = await answering
    await asyncio.wait_for(where[0].heard.get(), 5)
    again = peer.invite(bob.address, audio(where[1].address[1], "0 97", ""), 2, f";tag={sip.party(ok.get('to')).tag}")
    peer.ack(again, await peer.next(lambda one: one.cseq[0] == 2), bob.address)  # type: ignore[arg-type]
    await asyncio.wait_for(where[1].heard.get(), 5)
    with pytest.raises(PeerTakesNoDigits):
        call.press("1")
    for one in where:
        one.transport.close()


class Ear(Peer):
    """A port that takes RTP."""

    def datagram_received(self, data: bytes, addr: sip.Address) -> None:
        if self.heard.empty():
            self.heard.put_nowait((sip.Request(method="RTP", uri=data[1:2].hex(), headers=[]), addr))


async def test_an_offer_may_come_with_the_ack(bob: Phone, peer: Peer) -> None:
    _, ear = await asyncio.get_running_loop().create_datagram_endpoint(Ear, ("127.0.0.1", 0))
    invite = peer.invite(bob.address)
    answering = asyncio.ensure_future((await bob.ring(within_s=5)).answer())
    peer.ack(invite, await peer.status(200), bob.address, audio(ear.address[1]))
    await answering
    await asyncio.wait_for(ear.heard.get(), 5)
    ear.transport.close()


async def test_a_call_without_a_codec_of_ours_is_refused_with_488(bob: Phone, peer: Peer) -> None:
    peer.invite(bob.address, audio(9, "18", ""))
    with pytest.raises(ValueError, match="no audio"):
        await (await bob.ring(within_s=5)).answer()
    await peer.status(488)


async def test_what_is_no_sip_or_belongs_to_no_call_does_no_harm(alice: Phone, bob: Phone, peer: Peer) -> None:
    for junk in [
        b"\r\n\r\n",
        b"\xff\xfe\0",
        b"INVITE",
        b"INVITE sip:x SIP/2.0\r\n\r\n",
        b"SIP/2.0 200 OK\r\nCSeq: x\r\n",
    ]:
        peer.transport.sendto(junk, bob.address)
    peer.invite(bob.address, audio(9), 7, ";tag=unknown")
    await peer.status(481)
    await connected(alice, bob)


async def test_options_are_answered(alice: Phone, bob: Phone) -> None:
    line = alice._line
    request = sip.Dialog("o", "<sip:a@x>;tag=1", "<sip:b@x>", "sip:b@x", bob.address).request("OPTIONS", [])
    assert (await line.wire.answer(request, bob.address)).status == 200
