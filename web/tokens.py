"""API tokens: only their fingerprints are kept, in `STATE/tokens.json` (mode 600)."""

import fcntl
import hmac
import json
import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

log = logging.getLogger("centralino.tokens")


class Role(StrEnum):
    """What the bearer of a token may see, and do, through the API."""

    WALLBOARD = "wallboard"  # queues and agents; no callers, no cases
    SUPERVISOR = "supervisor"  # everything there is to read; and say what came of a call
    ADMIN = "admin"  # the same; and put configurations in force


def tokens_path(state: Path) -> Path:
    return state / "tokens.json"


def make_token(state: Path, role: Role) -> str:
    """A new token for `role`. It is not kept: show it once."""
    token = "cen_" + secrets.token_urlsafe(32)
    row = {
        "sha256": _fingerprint(token),
        "role": role.value,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    path = tokens_path(state)
    state.mkdir(parents=True, exist_ok=True)
    with _alone_with(path):
        rows = json.loads(path.read_text())["tokens"] if path.exists() else []
        _replace(path, json.dumps({"tokens": [*rows, row]}, indent=1) + "\n")
    return token


@contextmanager
def _alone_with(path: Path) -> Iterator[None]:
    """Two makers at once must not lose each other's token."""
    with open(path.with_suffix(".lock"), "w", opener=_for_the_owner_only) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _replace(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    with open(new, "w", opener=_for_the_owner_only) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)


def _for_the_owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _fingerprint(token: str) -> str:
    # why no salt and no slow hash: a token is 256 random bits, not a password; it can not be guessed from its hash
    return sha256(token.encode()).hexdigest()


class Tokens:
    """The tokens of one STATE folder; a changed file is read again at the next look."""

    def __init__(self, state: Path) -> None:
        self._path = tokens_path(state)
        self._seen: tuple[int, int, int] | None = None
        self._roles: list[tuple[str, Role]] = []

    def check(self, token: str) -> Role | None:
        """The role of `token`; None: it is not one of ours. Takes as long for a wrong token as for a right one."""
        self._read_if_changed()
        asked, found = _fingerprint(token), None
        for fingerprint, role in self._roles:
            if hmac.compare_digest(fingerprint, asked):
                found = role
        return found

    def _read_if_changed(self) -> None:
        now = self._stamp()
        if now == self._seen:
            return
        self._seen, self._roles = now, []
        if now is None:
            return
        try:
            rows: list[dict[str, Any]] = json.loads(self._path.read_text())["tokens"]
            self._roles = [(str(row["sha256"]), Role(row["role"])) for row in rows]
        except (OSError, ValueError, KeyError, TypeError):
            log.exception("%s can not be read: no token is valid until it is mended", self._path)

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return (found.st_ino, found.st_mtime_ns, found.st_size)
