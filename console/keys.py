"""Keys: the console's own, which tells people that it is the right machine; and theirs, which let them in."""

import logging
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from twisted.conch.ssh.keys import BadKeyError, EncryptedKeyError, Key

log = logging.getLogger("centralino.console")

HOST_KEY, PEOPLES_KEYS = "console_host_key", "console_keys"
FILE_BYTES_MAX = 1_000_000
RSA_BITS_LEAST = 2048
KINDS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")


class BadHostKey(Exception):
    """The console's own key cannot be read; the text says why."""


def host_key(state: Path) -> Key:
    """The console's own key, from STATE; made at the first start. Raises BadHostKey."""
    path = state / HOST_KEY
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & 0o077:
            raise BadHostKey(f"{path} is open to others: chmod 600")
        key: Key = Key.fromFile(str(path))
        return key
    except (BadKeyError, EncryptedKeyError, OSError, ValueError) as error:
        raise BadHostKey(f"the console's key {path} cannot be used: {error}") from error


def _make(path: Path) -> None:
    """Never readable by others, not even for a moment; never half written."""
    text = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text)
    new.replace(path)


@dataclass(frozen=True, slots=True)
class Owner:
    """A key that lets somebody in, and who they are (the key's comment; may be empty)."""

    key: Key
    comment: str


class PeoplesKeys:
    """STATE/console_keys: one public key a line, as OpenSSH's authorized_keys. Read again whenever it has changed."""

    def __init__(self, state: Path) -> None:
        self._path = state / PEOPLES_KEYS
        self._seen: object = ()
        self._owners: Sequence[Owner] = ()

    def owner_of(self, key: Key) -> Owner | None:
        """None: this key lets nobody in."""
        self.refresh()
        return next((owner for owner in self._owners if owner.key == key), None)

    def refresh(self) -> None:
        """Read the file if it has changed; the log says once what is wrong with it."""
        found = self._stamp()
        if found == self._seen:
            return
        self._seen, self._owners = found, ()
        if found is None:
            log.warning("nobody can log in to the console: there is no %s (one public key a line)", self._path)
            return
        try:
            self._owners = self._read()
        except OSError as error:
            log.error("nobody can log in to the console: %s cannot be read: %s", self._path, error.strerror or error)

    def _stamp(self) -> object:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode

    def _read(self) -> Sequence[Owner]:
        with self._path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise PermissionError(0, "others may write it: chmod 600")
            lines = file.read(FILE_BYTES_MAX).decode("utf-8", "replace").splitlines()
        owners = []
        for number, line in enumerate(lines, 1):
            if line.strip() and not line.lstrip().startswith("#"):
                try:
                    owners.append(owner_in(line))
                except ValueError as error:
                    log.error("%s:%d: %s; this key lets nobody in", self._path, number, error)
        return owners


def owner_in(line: str) -> Owner:
    """A line of the file. Raises ValueError with what is wrong, which never quotes the line.

    OpenSSH's options (`from="…" ssh-ed25519 …`) are refused: passed over, they would let in whom they keep out.
    """
    kind, _, rest = line.strip().partition(" ")
    blob, _, comment = rest.strip().partition(" ")
    if kind not in KINDS:
        raise ValueError(f"a line begins with the kind of key ({', '.join(KINDS)}), without options")
    try:
        key = Key.fromString(f"{kind} {blob}".encode(), type="public_openssh")
    except Exception as error:  # the library raises what its parser stumbles over, of many types
        raise ValueError("no public key can be read here") from error
    if key.type() == "RSA" and (key.size() or 0) < RSA_BITS_LEAST:
        raise ValueError(f"an RSA key needs {RSA_BITS_LEAST} bits or more")
    return Owner(key, comment.strip())
