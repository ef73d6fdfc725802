"""Who holds a port: so that a start on a busy one can say whom to ask."""

import errno
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import psutil


class Transport(Enum):
    UDP = socket.SOCK_DGRAM
    TCP = socket.SOCK_STREAM


@dataclass(frozen=True, slots=True)
class Wanted:
    """A port that we are about to use; `use` says what for."""

    use: str
    transport: Transport
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has the port open."""

    pid: int
    name: str


class PortBusy(Exception):
    """A port that we need is held by somebody else; the text names the port and, where we may see it, the holder."""

    def __init__(self, busy: Iterable[Wanted]) -> None:
        self.busy = tuple(busy)
        super().__init__("; ".join(map(_sentence, self.busy)))


class NoSuchAddress(Exception):
    """Somebody is to listen at an address that this machine does not have."""


def check_free(wanted: Iterable[Wanted]) -> None:
    """Raises PortBusy, naming all that are busy at once, or NoSuchAddress."""
    busy = [one for one in wanted if not is_free(one)]
    if busy:
        raise PortBusy(busy)


def is_free(wanted: Wanted) -> bool:
    """Whether it could be opened now. Raises NoSuchAddress, or OSError."""
    family = socket.AF_INET6 if ":" in wanted.host else socket.AF_INET
    with socket.socket(family, wanted.transport.value) as trial:
        if wanted.transport is Transport.TCP:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # closed connections may linger; listeners not
        try:
            trial.bind((wanted.host.strip("[]"), wanted.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            if error.errno == errno.EADDRNOTAVAIL:
                what = f"{wanted.host} is no address of this machine; {wanted.use} is to listen there"
                raise NoSuchAddress(what) from error
            raise
    return True


def holders(transport: Transport, port: int) -> set[Holder]:
    """Who has the port open on any address, as far as this user may see."""
    found = set()
    for open_now in psutil.net_connections(kind=transport.name.lower()):
        listens = transport is Transport.UDP or open_now.status == psutil.CONN_LISTEN
        if listens and open_now.pid and open_now.laddr and open_now.laddr.port == port:
            found.add(Holder(open_now.pid, _name(open_now.pid)))
    return found


def _name(pid: int) -> str:
    """What it was started as: Asterisk of our own is run by a loader, whose name would say nothing."""
    try:
        process = psutil.Process(pid)
        return Path((process.cmdline() or [process.name()])[0]).name or process.name()
    except psutil.Error:
        return "a process that is gone, or that we may not look at"


def _sentence(wanted: Wanted) -> str:
    by = ", ".join(sorted(f"{held.name} (pid {held.pid})" for held in holders(wanted.transport, wanted.port)))
    by = by or "somebody whom this user may not see (as root: ss -lnp)"
    return f"port {wanted.port}/{wanted.transport.name.lower()} on {wanted.host} ({wanted.use}) is held by {by}"
