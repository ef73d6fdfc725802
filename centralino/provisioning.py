"""What phones need, gathered from the YAML and the secrets; and their files, written where a web server finds them."""

import ipaddress
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from agents.provisioning import OURS, Account, Server, Transport
from agents.roster import PhoneSeat
from centralino.forms.fields import PORT_MAX
from centralino.instance import Instance
from centralino.located import did_you_mean, shown
from centralino.settings import Configuration

TLS_PORT = 5061
HEAD_BYTES = 2_000  # of a file: as much as is looked at to see whose it is
FOLDER_MODE, FILE_MODE = 0o700, 0o600
_HOST_NAME = re.compile(r"(?=.{1,253}$)(?!-)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.?")


class CannotWriteFiles(Exception):
    """The phones' files cannot be written there; the text says why."""


class NoSuchServer(ValueError):
    """What was given as server or transport is none; the text says why."""


@dataclass(frozen=True, slots=True)
class Written:
    """`stale`: files of ours that were there before and are of no phone any more.

    `others_may_look`: the folder is not for its owner alone.
    """

    stale: tuple[str, ...]
    others_may_look: bool


# --- what phones need


def accounts(
    configuration: Configuration, instance: Instance, phones: Sequence[PhoneSeat], server: Server
) -> list[Account]:
    """What each of `phones` registers with at `server`. Secrets that are missing are made, as a start does."""
    roster = configuration.roster
    names = {agent.phone: agent.name for agent in roster.agents.values() if agent.phone}
    secrets = instance.secrets(frozenset(roster.phones)).phones
    zone = str(configuration.settings.time_zone)
    return [
        Account(phone.id, secrets[phone.id], names.get(phone.id, phone.id), server, phone.mac, zone) for phone in phones
    ]


def own_server(configuration: Configuration, port_offset: int, transport: Transport = Transport.UDP) -> Server:
    """Where our own Asterisk listens for phones."""
    node = next(iter(configuration.settings.nodes.values()))
    return Server(node.sip_host, node.sip_port + port_offset, transport)


def named_server(text: str, transport: Transport, port: int) -> Server:
    """`HOST`, `HOST:PORT`, `[IPV6]:PORT`; `port` where none is named. Raises NoSuchServer."""
    found = re.fullmatch(r"\[([^\]]*:[^\]]*)\](?::(.*))?|([^:]*)(?::([^:]*))?", text)
    host = ((found[1] or found[3]) if found else text) or ""
    written = (found[2] or found[4]) if found else None
    if not _is_host(host):
        raise NoSuchServer(f"{shown(text)} is no server: write a name or an address, such as 192.0.2.10:5060")
    if written is not None and not (re.fullmatch("[0-9]{1,5}", written) and 1 <= int(written) <= PORT_MAX):
        raise NoSuchServer(f"{shown(text)} has no port: write a number from 1 to {PORT_MAX} after the colon")
    return Server(host, int(written) if written else port, transport)


def named_transport(text: str) -> Transport:
    """Raises NoSuchServer."""
    try:
        return Transport(text)
    except ValueError:
        raise NoSuchServer(f"unknown transport {shown(text)}: {did_you_mean(text, Transport)}") from None


def is_this_machine_only(server: Server) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(server.host).is_loopback
    return server.host.rstrip(".") == "localhost"


def is_nowhere(server: Server) -> bool:
    """Such as 0.0.0.0, which an Asterisk listens at and nobody can register at."""
    with suppress(ValueError):
        return ipaddress.ip_address(server.host).is_unspecified
    return False


def _is_host(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return bool(_HOST_NAME.fullmatch(text)) and not re.fullmatch(r"[0-9.]+", text)  # `192.0.2.300` is no name
    return True


# --- their files


def write(folder: Path, files: Mapping[str, str], *, replace_foreign: bool, all_phones: bool) -> Written:
    """Write each of `files` as a whole, for its owner alone: the folder's, where we are root.

    `all_phones`: these are the files of all phones there are. Raises CannotWriteFiles: then nothing was written, but
    where the disk fails between two files; the text says so.
    """
    with _opened(folder) as here:
        mode, there = os.fstat(here), set(os.listdir(here))
        foreign = sorted(name for name in files if name in there and not _is_ours(here, name))
        if foreign and not replace_foreign:
            others = f" and {len(foreign) - 1} more" if foreign[1:] else ""
            what = "is" if not foreign[1:] else "are"
            raise CannotWriteFiles(
                f"{folder / foreign[0]}{others} {what} there and not ours: move away, or replace by --replace."
                " Nothing was written."
            )
        owner = (mode.st_uid, mode.st_gid) if os.geteuid() == 0 else None
        for count, (name, text) in enumerate(sorted(files.items())):
            try:
                _write_one(here, name, text, owner)
            except OSError as refused:
                why = f"{folder / name} cannot be written: {refused.strerror}. {count} of {len(files)} files are new."
                raise CannotWriteFiles(why) from refused
        stale = sorted(name for name in there - files.keys() if all_phones and _is_ours(here, name))
        return Written(tuple(stale), bool(stat.S_IMODE(mode.st_mode) & 0o077))


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """The folder, made where it is missing; a link is none, for it may lead elsewhere at the next file."""
    if folder.is_symlink():
        raise CannotWriteFiles(f"{folder} is a link: name the folder that it leads to")
    if folder.exists() and not folder.is_dir():
        raise CannotWriteFiles(f"{folder} is not a folder")
    try:
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise CannotWriteFiles(f"there is no folder {folder.parent} to make {folder.name} in") from None
    except OSError as refused:
        raise CannotWriteFiles(f"{folder} cannot be written to: {refused.strerror}") from refused
    try:
        if not os.access(folder, os.W_OK | os.X_OK):
            raise CannotWriteFiles(f"{folder} cannot be written to: Permission denied")
        yield handle
    finally:
        os.close(handle)


def _is_ours(folder: int, name: str) -> bool:
    """Whether we wrote the file; what is no plain file, or cannot be read, is not ours."""
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(handle).st_mode) and OURS.encode() in os.read(handle, HEAD_BYTES)
    finally:
        os.close(handle)


def _write_one(folder: int, name: str, text: str, owner: tuple[int, int] | None) -> None:
    new = f".{name}.new"
    with suppress(FileNotFoundError):
        os.unlink(new, dir_fd=folder)  # of a run that was cut off
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, FILE_MODE, dir_fd=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            if owner:
                os.fchown(handle, *owner)
            opened.write(text)
        os.replace(new, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with suppress(OSError):
            os.unlink(new, dir_fd=folder)
        raise
