"""Which carrier a number outside is rung through, and when another one is asked: without Asterisk, in real time."""

import asyncio
from collections.abc import Callable

import pytest

from asterisk import outside
from asterisk.carrier import Allowed, Carrier
from asterisk.outside import CallsOutside, RingOutside, carrier_of, is_carriers_trouble
from asterisk.port import CallerId, EndCause

CARRIERS = (Carrier("a", send_to="192.0.2.1:5060", channels=1), Carrier("b", send_to="sip.x", transport="tls"))
LEG = "c1-leg01"


class Asker:
    """Keeps what was asked."""

    def __init__(self) -> None:
        self.endpoints: list[str] = []
        self.cuts: list[str] = []
        self.over: list[tuple[str, EndCause]] = []
        self.hears = False

    def originate(self, leg: str, endpoint: str, wanted: RingOutside, timeout_s: float) -> None:
        self.endpoints.append(endpoint)

    def cut(self, channel: str) -> None:
        self.cuts.append(channel)

    def hears_something(self, channel: str, told: Callable[[bool], None]) -> None:
        told(self.hears)

    def nobody_takes_it(self, leg: str, cause: EndCause) -> None:
        self.over.append((leg, cause))


@pytest.fixture
def asked() -> Asker:
    return Asker()


@pytest.fixture
def calls(asked: Asker) -> CallsOutside:
    return CallsOutside(CARRIERS, asked)


def ring(calls: CallsOutside, leg: str = LEG, number: str = "+39055", timeout_s: float = 30.0) -> None:
    calls.ring(leg, leg, RingOutside(Allowed(number, ("a", "b")), "c1", CallerId("055055", "")), timeout_s)


@pytest.mark.parametrize(
    ("status", "cause", "trouble"),
    [
        *((status, 0, True) for status in (401, 403, 407, 408, 488, 500, 502, 503, 504, 606)),
        *((status, 0, False) for status in (404, 410, 480, 484, 486, 487, 600, 603, 604)),
        *((0, cause, True) for cause in (0, 18, 20, 27, 34, 38, 42, 58, 102)),
        *((0, cause, False) for cause in (1, 16, 17, 19, 28)),
    ],
)
def test_only_what_is_the_carriers_own_trouble_makes_another_one_be_asked(
    status: int, cause: int, trouble: bool
) -> None:
    assert is_carriers_trouble(status, cause) is trouble


@pytest.mark.parametrize(
    ("name", "carrier"), [("PJSIP/carrier-a-0000002f", "a"), ("PJSIP/p101-0000002f", ""), ("Recorder/x", "")]
)
def test_a_channel_bears_its_carriers_name(name: str, carrier: str) -> None:
    assert carrier_of(name) == carrier


async def test_a_further_carrier_gets_a_channel_of_its_own_and_the_one_before_is_stale(
    calls: CallsOutside, asked: Asker
) -> None:
    ring(calls)
    assert not calls.is_stale(LEG, LEG)
    assert calls.ended(LEG, 503, 34)
    assert asked.endpoints == ["PJSIP/+39055@carrier-a", "PJSIP/+39055@carrier-b"]
    assert calls.channel(LEG) == f"{LEG}-way2"
    assert calls.is_stale(LEG, LEG)
    assert not calls.is_stale(LEG, f"{LEG}-way2")
    assert calls.ended(LEG, 403, 21)
    assert asked.over == [(LEG, EndCause.UNREACHABLE)]
    assert not calls.ended(LEG, 403, 21), "it is told once"


async def test_once_it_has_rung_no_other_carrier_is_asked(calls: CallsOutside, asked: Asker) -> None:
    ring(calls)
    calls.rings(LEG)
    assert not calls.ended(LEG, 503, 34)
    assert len(asked.endpoints) == 1


async def test_carriers_believed_to_be_out_of_reach_are_asked_last_and_anyhow(
    calls: CallsOutside, asked: Asker
) -> None:
    ring(calls)
    for _ in range(3):
        assert calls.refused(LEG)
    assert asked.endpoints == [
        "PJSIP/+39055@carrier-a",
        "PJSIP/+39055@carrier-b",
        "PJSIP/carrier-a/sip:+39055@192.0.2.1:5060",
        "PJSIP/carrier-b/sip:+39055@sip.x;transport=tls",
    ]
    assert calls.refused(LEG)
    assert asked.over == [(LEG, EndCause.UNREACHABLE)]


async def test_a_full_carrier_is_passed_over_until_a_call_of_its_ends_but_not_for_112(
    calls: CallsOutside, asked: Asker
) -> None:
    calls.arrived("c0", "PJSIP/carrier-a-00000001")
    ring(calls)
    ring(calls, "c2-leg01", "112")
    assert asked.endpoints == ["PJSIP/+39055@carrier-b", "PJSIP/112@carrier-a"]
    calls.forget("c2-leg01")
    calls.forget("c0")
    ring(calls, "c3-leg01")
    assert asked.endpoints[-1] == "PJSIP/+39055@carrier-a"


async def test_where_the_time_is_over_no_other_carrier_is_asked(calls: CallsOutside, asked: Asker) -> None:
    ring(calls, timeout_s=1.01)
    await asyncio.sleep(0.02)
    assert calls.ended(LEG, 503, 34)
    assert asked.over == [(LEG, EndCause.NO_ANSWER)]


@pytest.mark.parametrize("hears", [False, True])
async def test_a_silent_carrier_is_left_for_the_next_unless_sound_comes_already(
    calls: CallsOutside, asked: Asker, monkeypatch: pytest.MonkeyPatch, hears: bool
) -> None:
    monkeypatch.setattr(outside, "SILENT_S", 0.0)
    asked.hears = hears
    ring(calls)
    await asyncio.sleep(0.02)
    assert asked.cuts == ([] if hears else [LEG])
    assert len(asked.endpoints) == (1 if hears else 2)
    assert calls.ended(LEG, 503, 34) is not hears


async def test_at_a_connection_what_lives_counts_and_what_does_not_is_asked_no_more(
    calls: CallsOutside, asked: Asker
) -> None:
    ring(calls)
    calls.only_these_live({"c5-leg01": ("c5-leg01-way2", "PJSIP/carrier-a-0000000a")})
    assert not calls.ended(LEG, 503, 34)
    assert calls.channel("c5-leg01") == "c5-leg01-way2"
    ring(calls, "c6-leg01")
    assert asked.endpoints[-1] == "PJSIP/+39055@carrier-b", "the other is full"
