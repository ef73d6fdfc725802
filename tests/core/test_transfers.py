"""What phones ask for by REFER, between Asterisk's words and ours."""

from collections.abc import Callable

from asterisk.ari import Channel, Message, ReferredBy, ReferTo, Reply, Requested
from asterisk.port import JoinAsked
from asterisk.transfers import Transfers

LEG = "main-1.1-leg1"


class Line:
    def __init__(self) -> None:
        self.hung_up: list[str] = []

    def tell_phone(self, leg: str, state: str, then: Callable[[Reply], None]) -> None: ...

    def hang_up(self, leg: str) -> None:
        self.hung_up.append(leg)


async def test_a_phone_that_names_its_own_call_is_let_go_once_it_has_been_told() -> None:
    line = Line()
    transfers = Transfers(line, lambda channel: channel)
    wanted = ReferTo(Requested("", "its-own-call"), Channel(LEG))
    by = ReferredBy(source_channel=Channel(LEG))
    asked = Message(type="ChannelTransfer", refer_to=wanted, referred_by=by)
    assert transfers.told(asked) == JoinAsked(LEG, LEG)
    assert transfers.keeps(LEG), "until its phone has been told"
    heard = Message(type="ChannelTransfer", state="channel_declined", refer_to=wanted, referred_by=by)
    assert transfers.told(heard) is None
    assert line.hung_up == [LEG]
    assert not transfers.keeps(LEG)
