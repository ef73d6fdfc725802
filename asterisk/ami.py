"""AMI, for what ARI lacks: which phones are within reach, and whom Asterisk turned away.

Panoramisk 1.4 carries the protocol. Some of its ways are unsafe (docs/adr/0006); `_Guarded*` closes them: no
line break reaches Asterisk in a value, one odd message does not cut the line, letters split over two reads survive,
nothing is sent twice, a silent peer is noticed, closing is final, and every action has a deadline.
"""

import asyncio
import codecs
import logging
import re
from typing import Any

from panoramisk import Manager
from panoramisk.ami_protocol import AMIProtocol

from asterisk.port import OnEvent, Reachable, Refused, Unreachable

log = logging.getLogger(__name__)

ANSWER_WITHIN_S = 5.0
PING_EVERY_S = 5
SILENT_AFTER_S = 3.0 * PING_EVERY_S
RECONNECT_PAUSE_S = 1
LOOK_EVERY_S = 60.0  # an event that never came is made up for by then
ALERTS = {
    "InvalidPassword": "wrong password",
    "ChallengeResponseFailed": "wrong password",
    "InvalidAccountID": "unknown account",
    "FailedACL": "refused address",
    "UnexpectedAddress": "unexpected address",
}
ALERT_EVERY_S = 60.0
ADDRESSES_REMEMBERED_MAX = 1_000
NO_CONTACTS = "no contacts"  # Asterisk says so as an error
REACHABLE = ("Reachable", "NonQualified", "Created", "Updated")
ONE_VALUE_HEADERS = ("Event", "Response", "ActionID", "Message", "SubEvent")


class _GuardedProtocol(AMIProtocol):  # type: ignore[misc]  # panoramisk has no types
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._letters = codecs.getincrementaldecoder("utf-8")("replace")
        self.heard_at_s = asyncio.get_running_loop().time()

    def data_received(self, data: bytes) -> None:
        """Decode here: a letter may be split over two reads, and panoramisk would drop it."""
        self.heard_at_s = asyncio.get_running_loop().time()
        super().data_received(self._letters.decode(data).encode("utf-8"))

    def send(self, data: Any, as_list: Any = False) -> Any:
        """Raises ValueError where a line break would begin a header or an action of somebody else's choice."""
        for name, value in data.items():
            for part in value if isinstance(value, list | tuple) else [value]:
                if re.search(r"[\r\n\0]", f"{name}{part}"):
                    raise ValueError(f"AMI: a line break in {name!r}")
        if self.closed or self.transport.is_closing():
            raise ConnectionError("AMI is not connected")
        return super().send(data, as_list)

    def handle_message(self, message: Any) -> None:
        for name in ONE_VALUE_HEADERS:  # a header given twice is a list, which panoramisk does not expect
            if isinstance(message.get(name), list):
                message[name] = message[name][0]
        try:
            super().handle_message(message)
        except Exception:
            log.exception("an AMI message was left out: %.500r", message)

    def close(self) -> None:
        """Nothing waits for a next connection: an action whose answer is lost is not sent again."""
        for action in list(self.responses.values()):
            if not action.future.done():
                action.future.set_exception(ConnectionError("AMI was lost"))
                action.future.exception()  # whoever waits gets it; nobody waiting is no news
        self.responses.clear()
        super().close()


class _GuardedManager(Manager):  # type: ignore[misc]
    is_closed = False

    def connect(self, *args: Any, **kwargs: Any) -> Any:
        return None if self.is_closed else super().connect(*args, **kwargs)

    def close(self) -> None:
        self.is_closed = True
        super().close()

    def login(self, future: Any) -> Any:
        if future.exception() is not None:
            return False  # the line was lost before the answer came
        return super().login(future)

    def ping(self) -> None:
        if self.loop.time() - self.protocol.heard_at_s > SILENT_AFTER_S:
            log.error("AMI has been silent for %g s; the line is cut", SILENT_AFTER_S)
            self.protocol.transport.abort()
            return
        try:
            super().ping()
        except ConnectionError:
            log.info("AMI was lost at a ping")


class AmiLine:
    """The line to one node's AMI; connects again by itself. Events are told as they are in the port."""

    def __init__(self, phones: frozenset[str], on_event: OnEvent) -> None:
        self._phones, self._on_event = phones, on_event
        self._contacts: dict[str, set[str]] = {phone: set() for phone in phones}
        self._manager: _GuardedManager | None = None
        self._asking: asyncio.Task[None] | None = None
        self._next_look: asyncio.TimerHandle | None = None
        self._moved: set[str] = set()  # phones of which an event came since we asked
        self._told_of: dict[tuple[str, str], tuple[float, int]] = {}  # when, and how often since, by address and kind

    def connect(self, host: str, port: int, user: str, password: str) -> None:
        """Begin to connect; a failed attempt is made again after a pause."""
        manager = self._manager = _GuardedManager(
            host=host,
            port=port,
            username=user,
            secret=password,
            events="system,security",
            ping_delay=PING_EVERY_S,
            ping_interval=PING_EVERY_S,
            reconnect_timeout=RECONNECT_PAUSE_S,
            protocol_factory=_GuardedProtocol,
            log=logging.getLogger("asterisk.ami.panoramisk"),
        )
        logging.getLogger("asterisk.ami.panoramisk").setLevel(logging.CRITICAL)  # says at each retry what we know
        # Not at the log-in: Asterisk lets us in before it has booted, and then leaves actions unanswered.
        manager.register_event("FullyBooted", lambda *_: self._booted())
        manager.register_event("ContactStatus", self._contact_status)
        for name in ALERTS:
            manager.register_event(name, self._alert)
        manager.connect()

    def look_after(self, phones: frozenset[str]) -> None:
        """These phones are ours from now on: where they are others than before, ask which are within reach.

        Those that are gone no longer are.
        """
        if phones == self._phones:
            return
        gone, self._phones = self._phones - phones, phones
        self._contacts = {phone: self._contacts.get(phone, set()) for phone in phones}
        for phone in sorted(gone):
            self._on_event(Unreachable(phone))
        if self._manager and self._manager.authenticated:
            self._booted()

    def close(self) -> None:
        if self._next_look:
            self._next_look.cancel()
        if self._asking:
            self._asking.cancel()
        if self._manager:
            self._manager.close()

    async def act(self, action: str, **headers: str) -> Any:
        """Carry out `action`. Raises ConnectionError, TimeoutError (ANSWER_WITHIN_S), ValueError (a line break)."""
        manager = self._manager
        if manager is None or not manager.authenticated or manager.protocol is None:
            raise ConnectionError("AMI is not connected")
        return await asyncio.wait_for(manager.send_action({"Action": action, **headers}), ANSWER_WITHIN_S)

    # --- within

    def _booted(self) -> None:
        self._look(tells_all=True)

    def _look_again(self) -> None:
        if self._manager and self._manager.authenticated:
            self._look(tells_all=False)

    def _look(self, *, tells_all: bool) -> None:
        loop = asyncio.get_running_loop()
        if self._next_look:
            self._next_look.cancel()
        self._next_look = loop.call_later(LOOK_EVERY_S, self._look_again)
        self._asking = loop.create_task(self._ask_who_is_within_reach(tells_all=tells_all))
        self._asking.add_done_callback(_say_what_failed)

    async def _ask_who_is_within_reach(self, *, tells_all: bool) -> None:
        """The contacts as they are: what was missed while the line was down, or never told although it was up."""
        self._moved.clear()
        try:
            answer = await self.act("PJSIPShowContacts")
        except ConnectionError:
            return  # asked again after the next log-in
        except TimeoutError:
            log.exception("phones within reach are not known; the line to AMI is cut")
            self._cut()
            return
        messages = answer if isinstance(answer, list) else [answer]
        first = messages[0]
        if first.get("response") == "Error" and NO_CONTACTS not in str(first.get("message")).lower():
            log.error("phones within reach cannot be asked for now: %s", first.get("message"))
            return  # what we know holds on until the next look
        found: dict[str, set[str]] = {phone: set() for phone in self._phones}
        for contact in messages:
            phone = contact.get("endpoint")
            if contact.get("event") == "ContactList" and phone in self._phones and _is_within_reach(contact):
                found[phone].add(contact.get("uri"))
        for phone in sorted(self._phones - self._moved):  # of the others we know something newer than the answer
            is_news = bool(found[phone]) is not bool(self._contacts[phone])
            self._contacts[phone] = found[phone]
            if is_news or tells_all:
                self._tell(phone)

    def _cut(self) -> None:
        if self._manager and self._manager.protocol:
            self._manager.protocol.transport.abort()

    def _contact_status(self, _: Any, event: Any) -> None:
        phone = event.get("aor") or event.get("endpointname") or ""
        if phone not in self._phones:
            return
        if event.get("contactstatus") in REACHABLE:
            self._contacts[phone].add(event.get("uri"))
        else:
            self._contacts[phone].discard(event.get("uri"))
        self._moved.add(phone)
        self._tell(phone)

    def _tell(self, phone: str) -> None:
        """A phone that registers anew is told twice, the new contact before the end of the old: one is enough."""
        self._on_event(Reachable(phone) if self._contacts[phone] else Unreachable(phone))

    def _alert(self, _: Any, event: Any) -> None:
        """Told at once, then of one address at most once in `ALERT_EVERY_S`: whoever floods us fills no disk."""
        address = _plain(str(event.get("remoteaddress") or ""))
        source, kind = _host(address), ALERTS[event.event]
        now_s = asyncio.get_running_loop().time()
        told_s, untold = self._told_of.pop((source, kind), (-ALERT_EVERY_S, 0))
        if now_s - told_s < ALERT_EVERY_S:
            self._told_of[source, kind] = (told_s, untold + 1)
            return
        if len(self._told_of) >= ADDRESSES_REMEMBERED_MAX:
            del self._told_of[next(iter(self._told_of))]
        self._told_of[source, kind] = (now_s, 0)
        self._on_event(Refused(kind, _plain(str(event.get("accountid") or "")), address, before=untold))


def _say_what_failed(asking: asyncio.Task[None]) -> None:
    if not asking.cancelled() and (fault := asking.exception()):
        log.error("phones within reach are not known", exc_info=fault)


def _is_within_reach(contact: Any) -> bool:
    return contact.get("status") in ("Reachable", "NonQualified", "Avail", "NonQual")


def _host(address: str) -> str:
    """`IPV4/UDP/192.0.2.1/5060` without the port, which whoever floods us changes at will."""
    return address.rpartition("/")[0] or address


def _plain(text: str) -> str:
    """What an outsider chose, short and without anything that moves a cursor."""
    return "".join(c for c in text if c.isprintable())[:100]
