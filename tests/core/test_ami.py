"""AMI tells which phones are within reach; what it tells late, or never, is made up for."""

import asyncio
from collections.abc import AsyncIterator, Iterable

import pytest
import pytest_asyncio

from asterisk import ami
from asterisk.ami import AmiLine
from asterisk.port import PhoneEvent, Reachable, Unreachable

WITHIN_S = 10.0
PHONES = frozenset({"p101", "p102"})


class Manager:
    """Asterisk's AMI: lets everybody in, lists `contacts`, and tells only what a test has it tell."""

    def __init__(self) -> None:
        self.contacts: set[str] = set()
        self.is_silent = False
        self.refuses = ""  # why it does not list contacts
        self.looks = 0
        self.looked = asyncio.Event()
        self.visits = 0
        self.visited = asyncio.Event()
        self.port = 0
        self.while_it_lists: list[str] = []  # events that come between the question and the end of its answer
        self._lines: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        self.visited.set()
        self._lines.add(writer)
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        try:
            while True:
                asked = await reader.readuntil(b"\r\n\r\n")
                headers = dict(line.split(": ", 1) for line in asked.decode().split("\r\n") if line)
                if not self.is_silent:
                    self._answer(writer, headers["Action"], headers["ActionID"])
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            self._lines.discard(writer)
            writer.close()

    def tell(self, *lines: str) -> None:
        for writer in self._lines:
            _say(writer, *lines)

    def restart(self) -> None:
        """Asterisk dies and is back at once; what phones there were, it has to learn anew."""
        for writer in self._lines:
            writer.transport.abort()
        self._lines.clear()

    def _answer(self, writer: asyncio.StreamWriter, action: str, action_id: str) -> None:
        mine = f"ActionID: {action_id}"
        if action != "PJSIPShowContacts":
            _say(writer, "Response: Success", mine, "Message: OK")
            if action == "Login":
                _say(writer, "Event: FullyBooted", "Status: Fully Booted")
            return
        self.looks += 1
        if self.refuses or not self.contacts:
            _say(writer, "Response: Error", mine, f"Message: {self.refuses or 'No Contacts found'}")
        else:
            _say(writer, "Response: Success", mine, "EventList: start", "Message: Contacts will follow")
            for phone in sorted(self.contacts):
                about = (f"Endpoint: {phone}", f"Uri: sip:{phone}@192.0.2.1", "Status: Reachable")
                _say(writer, "Event: ContactList", mine, *about)
            for phone in self.while_it_lists:
                self.tell(*went(phone))
            _say(writer, "Event: ContactListComplete", mine, "EventList: Complete")
        self.looked.set()


def _say(writer: asyncio.StreamWriter, *lines: str) -> None:
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())


def went(phone: str) -> Iterable[str]:
    return "Event: ContactStatus", f"AOR: {phone}", f"URI: sip:{phone}@192.0.2.1", "ContactStatus: Removed"


class Told:
    def __init__(self) -> None:
        self._events: asyncio.Queue[PhoneEvent] = asyncio.Queue()

    def __call__(self, event: PhoneEvent) -> None:
        self._events.put_nowait(event)

    async def next(self, count: int = 1) -> list[PhoneEvent]:
        async with asyncio.timeout(WITHIN_S):
            return [await self._events.get() for _ in range(count)]

    def no_more(self) -> bool:
        return self._events.empty()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest_asyncio.fixture
async def manager() -> AsyncIterator[Manager]:
    """Both phones are within reach."""
    made = Manager()
    made.contacts = set(PHONES)
    async with await asyncio.start_server(made.serve, "127.0.0.1", 0) as server:
        made.port = server.sockets[0].getsockname()[1]
        yield made
        made.restart()


@pytest_asyncio.fixture
async def line(manager: Manager, told: Told, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AmiLine]:
    """Logged in, and both phones were told."""
    monkeypatch.setattr(ami, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(ami, "PING_EVERY_S", 1)
    line = AmiLine(PHONES, told)
    line.connect("127.0.0.1", manager.port, "centralino", "secret")
    assert await told.next(2) == [Reachable("p101"), Reachable("p102")]
    yield line
    line.close()


async def until_looked(manager: Manager, times: int = 2) -> None:
    """So many looks from now on; the first may have begun before."""
    for _ in range(times):
        manager.looked.clear()
        await asyncio.wait_for(manager.looked.wait(), WITHIN_S)


async def test_a_refused_look_is_not_taken_for_an_empty_hall(line: AmiLine, manager: Manager, told: Told) -> None:
    manager.refuses = "Permission denied"
    await until_looked(manager)
    manager.refuses = ""
    await until_looked(manager)
    assert told.no_more()
    manager.contacts.clear()
    assert await told.next(2) == [Unreachable("p101"), Unreachable("p102")]


async def test_a_phone_of_which_nothing_was_told_is_known_at_the_next_look(
    line: AmiLine, manager: Manager, told: Told
) -> None:
    manager.contacts.discard("p102")
    assert await told.next() == [Unreachable("p102")]
    manager.contacts.add("p102")
    assert await told.next() == [Reachable("p102")]
    await until_looked(manager)
    assert told.no_more(), "only what is news is told"


async def test_what_is_told_while_it_is_being_looked_is_not_undone_by_the_older_answer(
    line: AmiLine, manager: Manager, told: Told
) -> None:
    manager.while_it_lists = ["p101"]
    assert await told.next() == [Unreachable("p101")]
    manager.while_it_lists = []
    manager.contacts.discard("p101")
    await until_looked(manager)
    assert told.no_more()


async def test_after_a_restart_of_asterisk_phones_that_are_gone_are_not_held_for_there(
    line: AmiLine, manager: Manager, told: Told
) -> None:
    manager.contacts = {"p101"}
    manager.restart()
    seen = {type(event): event for event in await told.next(2)}
    assert seen == {Reachable: Reachable("p101"), Unreachable: Unreachable("p102")}
    assert manager.visits == 2


async def test_an_ami_that_says_nothing_any_more_is_left_for_a_new_line(
    line: AmiLine, manager: Manager, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ami, "ANSWER_WITHIN_S", 0.1)
    manager.is_silent = True
    manager.contacts.discard("p101")
    manager.visited.clear()
    await asyncio.wait_for(manager.visited.wait(), WITHIN_S)
    manager.is_silent = False
    manager.restart()  # the log-in that was not answered
    assert set(await told.next(2)) == {Unreachable("p101"), Reachable("p102")}


async def test_a_reload_asks_of_phones_only_where_they_are_others_and_tells_at_once_which_are_gone(
    line: AmiLine, manager: Manager, told: Told
) -> None:
    manager.contacts = {"p101", "p103"}
    line.look_after(frozenset({"p101", "p103"}))
    assert await told.next(3) == [Unreachable("p102"), Reachable("p101"), Reachable("p103")]
    line.look_after(frozenset({"p101", "p103"}))
    await until_looked(manager)
    assert told.no_more()
