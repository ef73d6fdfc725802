"""Recordings at rest: NAME.wav.enc, AES-256-GCM in pieces of 64 KiB, so that no file need fit into memory to be made.

A file is MAGIC, the id of its key (its length in a byte, then ASCII), 16 bytes of salt, and the pieces. Each file has a
key of its own, made from ours and the salt: so a piece's number may be its nonce. The last piece says that it is the
last: a file that was cut off, or whose pieces were put in another order, is told from a whole one.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ENDING = ".enc"
MAGIC = b"centralino recording 1\n"
SALT_BYTES, TAG_BYTES, KEY_BYTES = 16, 16, 32
PIECE_BYTES = 64 * 1024
NOT_LAST, LAST = b"\0", b"\1"


class CannotOpen(Exception):
    """A sealed recording that cannot be read, and why."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What recordings are sealed with: `in_use` is the id of the one for new files. Each has KEY_BYTES bytes."""

    in_use: str
    known: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class _Opened:
    head: bytes  # all before the pieces; each piece is bound to it
    cipher: AESGCM


def sealed_path(plain: Path) -> Path:
    return plain.with_name(plain.name + ENDING)


def seal(plain: Path, keys: Keys) -> None:
    """Make `plain`.enc of `plain`, which is gone then. A crash leaves one of both whole. Raises OSError."""
    sealed = sealed_path(plain)
    new = sealed.with_name(sealed.name + ".new")
    key_id = keys.in_use.encode("ascii")
    salt = os.urandom(SALT_BYTES)
    head = MAGIC + bytes([len(key_id)]) + key_id + salt
    cipher = _cipher(keys.known[keys.in_use], salt)
    try:
        with plain.open("rb") as source, new.open("wb") as target:
            os.fchmod(target.fileno(), 0o600)
            target.write(head)
            for nonce, piece in _numbered(source, PIECE_BYTES):
                target.write(cipher.encrypt(nonce, piece, head))
            target.flush()
            os.fsync(target.fileno())
        if not plain.exists():  # it was erased meanwhile
            new.unlink()
            return
        new.replace(sealed)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    _sync_folder(sealed.parent)
    plain.unlink()


def opened(sealed: Path, keys: Keys) -> Iterator[bytes]:
    """What was sealed, piece by piece. Raises OSError, and CannotOpen (only then is any of it not to be trusted)."""
    with sealed.open("rb") as source:
        file = _head_of(source, sealed.name, keys)
        try:
            for nonce, piece in _numbered(source, PIECE_BYTES + TAG_BYTES):
                yield file.cipher.decrypt(nonce, piece, file.head)
        except InvalidTag:
            raise CannotOpen(f"{sealed.name} was changed or cut off, or its key is another one") from None


# --- within


def _head_of(source: BinaryIO, name: str, keys: Keys) -> _Opened:
    magic, length = source.read(len(MAGIC)), source.read(1)
    key_id = source.read(length[0]) if length else b""
    if magic != MAGIC or not key_id.isascii():
        raise CannotOpen(f"{name} is no recording of ours")
    key = keys.known.get(key_id.decode())
    if key is None:
        raise CannotOpen(f"{name} is encrypted with key {key_id.decode()}, which is not in STATE/secrets.yaml")
    salt = source.read(SALT_BYTES)
    return _Opened(magic + length + key_id + salt, _cipher(key, salt))


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt, b"centralino recording").derive(key))


def _numbered(source: BinaryIO, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Each piece with its nonce; at least one, which may be empty."""
    number, piece = 0, source.read(size)
    while following := source.read(size):
        yield number.to_bytes(11, "big") + NOT_LAST, piece
        number, piece = number + 1, following
    yield number.to_bytes(11, "big") + LAST, piece


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
