"""What two phones tell each other about their sound (SDP, RFC 4566 and 3264): one audio line, G.711, digits."""

import re
from dataclasses import dataclass

from demo.sip import Address
from demo.sounds import PCMA, PCMU

EVENT_PAYLOAD_TYPE = 101  # where we ask for telephone-event in our own offers
MIRRORED = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
NAMES = {PCMA: "PCMA", PCMU: "PCMU"}


class NoCommonCodec(ValueError):
    """The other phone offers no G.711 over plain RTP."""


@dataclass(frozen=True, slots=True)
class Media:
    """Where and how to send. `address` is None on hold, `event` (a payload type) where digits are not understood."""

    address: Address | None
    codec: int
    event: int | None
    event_heard: int | None  # the payload type at which digits come to us


def offer(ours: Address, version: int = 1, direction: str = "sendrecv") -> str:
    return _session(ours, version) + _audio(ours[1], [PCMA, PCMU], EVENT_PAYLOAD_TYPE, direction)


def read_answer(text: str) -> Media:
    """What the other phone made of our offer. Raises NoCommonCodec."""
    for section in _sections(text):
        if media := _media_of(section, text, EVENT_PAYLOAD_TYPE):
            return media
    raise NoCommonCodec("the answer holds no audio that we know")


def answer(text: str, ours: Address, version: int = 1) -> tuple[str, Media]:
    """Our answer to an offer, and what came of it. Further media lines are declined. Raises NoCommonCodec."""
    said, chosen = _session(ours, version), None
    for section in _sections(text):
        media = None if chosen else _media_of(section, text, None)
        if media:
            chosen = media
            said += _audio(ours[1], [media.codec], media.event, MIRRORED[_direction(section, text)])
        else:
            declined = re.sub(r"^(\S+) \S+", r"\1 0", section.split("\n")[0].strip())
            said += f"m={declined}\r\n"
    if not chosen:
        raise NoCommonCodec("the offer holds no audio that we know")
    return said, chosen


def _sections(text: str) -> list[str]:
    return re.split(r"(?m)^m=", text)[1:]


def _media_of(section: str, text: str, event_heard: int | None) -> Media | None:
    line = re.match(r"audio (\d{1,5})(?:/\d+)? RTP/AVP ([\d ]+)", section)
    if not line:
        return None
    offered = [int(one) for one in line[2].split()]
    codec = next((one for one in (PCMA, PCMU) if one in offered), None)
    if codec is None:
        return None
    event = re.search(r"(?mi)^a=rtpmap:(\d{1,3}) telephone-event/8000", section)
    event_sent = int(event[1]) if event else None
    return Media(_address(section, text, int(line[1])), codec, event_sent, event_heard or event_sent)


def _address(section: str, text: str, port: int) -> Address | None:
    host = re.search(r"(?m)^c=IN IP4 ([\d.]+)", section) or re.search(r"(?m)^c=IN IP4 ([\d.]+)", text)
    silent = not host or host[1] == "0.0.0.0" or port == 0
    if silent or _direction(section, text) in {"sendonly", "inactive"}:
        return None
    assert host
    return host[1], port


def _direction(section: str, text: str) -> str:
    pattern = r"(?m)^a=(sendrecv|sendonly|recvonly|inactive)\s*$"
    found = re.search(pattern, section) or re.search(pattern, text.split("\nm=", 1)[0])
    return found[1] if found else "sendrecv"


def _session(ours: Address, version: int) -> str:
    return f"v=0\r\no=- {ours[1]} {version} IN IP4 {ours[0]}\r\ns=-\r\nc=IN IP4 {ours[0]}\r\nt=0 0\r\n"


def _audio(port: int, codecs: list[int], event: int | None, direction: str) -> str:
    types = [*codecs, event] if event is not None else codecs
    lines = [f"m=audio {port} RTP/AVP {' '.join(map(str, types))}"]
    lines += [f"a=rtpmap:{codec} {NAMES[codec]}/8000" for codec in codecs]
    if event is not None:
        lines += [f"a=rtpmap:{event} telephone-event/8000", f"a=fmtp:{event} 0-15"]
    return "\r\n".join([*lines, "a=ptime:20", f"a={direction}"]) + "\r\n"
