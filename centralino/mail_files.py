"""Files of mails in STATE: each mail as it came, and what was attached. Named by us, for their owner alone, never run.

STATE/mail/in/AB/ABCD….eml is a mail, STATE/attachments/AB/ABCD…-N the N-th file that came with it; the tables `mails`
and `attachments` say of whom. Whoever has a person erased removes these.
"""

import glob
import hashlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from cases.attachments import Attachment as OnRecord
from cases.attachments import Filed
from cases.incoming_mails import Attachment
from cases.state import CaseRefused

MAILS, ATTACHED = Path("mail", "in"), Path("attachments")
UNFINISHED = ".new-"
WHOLE = "mail.eml"


def make_folders(state: Path) -> None:
    """And remove what an earlier desk had not finished: nobody was told that we have it. Raises OSError."""
    for folder in (MAILS, ATTACHED):
        (state / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    for unfinished in (state / MAILS).glob(f"{UNFINISHED}*"):
        unfinished.unlink(missing_ok=True)


def new_mail(state: Path) -> Path:
    """An empty file for a mail that is coming in. Raises OSError."""
    path = state / MAILS / f"{UNFINISHED}{secrets.token_hex(8)}"
    path.touch(mode=0o600, exist_ok=False)
    return path


def put_away(state: Path, id: str, came_in: Path, attachments: Sequence[Attachment]) -> tuple[Filed, tuple[Filed, ...]]:
    """The mail `id`, and what is attached, on the disk, power cut or not; a second time they are the same files.

    `came_in` is moved. Raises OSError.
    """
    raw = came_in.read_bytes()
    files = tuple(_written(state, id, n, one) for n, one in enumerate(attachments, 1))
    place = MAILS / id[:2] / f"{id}.eml"
    _make(state, place.parent)
    _sync(came_in)
    os.replace(came_in, state / place)
    _sync((state / place).parent)
    return Filed(WHOLE, "message/rfc822", hashlib.sha256(raw).hexdigest(), f"{place}", len(raw)), files


def files_with(state: Path, id: str) -> list[Path]:
    """What came with the mail `id`, on record or not."""
    return sorted((state / ATTACHED / id[:2]).glob(f"{glob.escape(id)}-*"))


def content_of(state: Path, attachment: OnRecord) -> bytes:
    """Its content, as it came. Raises CaseRefused: it is gone, or no longer what it was."""
    path = state / attachment.file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CaseRefused(f"attachment {attachment.id} cannot be read: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != attachment.sha256:
        raise CaseRefused(f"attachment {attachment.id} is no longer what it was when it came: {attachment.file}")
    return content


# --- within


def _written(state: Path, id: str, n: int, attachment: Attachment) -> Filed:
    place = ATTACHED / id[:2] / f"{id}-{n}"
    _make(state, place.parent)
    new = state / place.parent / f"{UNFINISHED}{secrets.token_hex(8)}"
    new.touch(mode=0o600, exist_ok=False)
    new.write_bytes(attachment.content)
    _sync(new)
    os.replace(new, state / place)
    _sync((state / place).parent)
    digest = hashlib.sha256(attachment.content).hexdigest()
    return Filed(attachment.name, attachment.content_type, digest, f"{place}", len(attachment.content))


def _make(state: Path, folder: Path) -> None:
    if not (state / folder).exists():
        (state / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync((state / folder).parent)


def _sync(path: Path) -> None:
    """A file's content, or a folder's names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
