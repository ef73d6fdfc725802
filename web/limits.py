"""How often somebody may ask for something, by their address. Pure, and bounded: nobody fills our memory."""

import ipaddress
from collections import OrderedDict, deque

ADDRESSES_MAX = 10_000  # of more, those that came first are forgotten


class Limit:
    """At most `most` times within `within_s` for one address."""

    def __init__(self, most: int, within_s: float) -> None:
        self._most, self._within_s = most, within_s
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def is_reached(self, address: str, now_s: float) -> bool:
        times = self._times.get(network(address), deque())
        while times and times[0] <= now_s - self._within_s:
            times.popleft()
        return len(times) >= self._most

    def count(self, address: str, now_s: float) -> None:
        """It was asked for once more."""
        times = self._times.setdefault(network(address), deque(maxlen=self._most))
        times.append(now_s)
        self._times.move_to_end(network(address))
        if len(self._times) > ADDRESSES_MAX:
            self._times.popitem(last=False)

    def take_back(self, address: str) -> None:
        """One time that was counted does not count after all."""
        if times := self._times.get(network(address)):
            times.pop()


def network(address: str) -> str:
    """Whose an address is: of IPv6 one household, or one attacker, has 2^64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
