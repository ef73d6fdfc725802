"""The user that Asterisk runs as when root starts it: one that may touch nothing but its own folders."""

import grp
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

USER = "centralino"


class CannotMakeUser(Exception):
    """The user is not there and cannot be made; the text says why."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user that Asterisk runs as."""

    name: str
    uid: int
    gid: int

    def first_barrier(self, folder: Path) -> Path | None:
        """The first folder on the way into `folder` that this user may not enter, or None."""
        for step in [*reversed(folder.absolute().parents), folder.absolute()]:
            if step.exists() and not self._may_enter(step):
                return step
        return None

    def _may_enter(self, folder: Path) -> bool:
        facts = folder.stat()
        if facts.st_uid == self.uid:
            return bool(facts.st_mode & 0o100)
        return bool(facts.st_mode & (0o010 if facts.st_gid == self.gid else 0o001))


def own_account() -> Account:
    """The system user `centralino`, made where it is missing. Raises CannotMakeUser. Only for root."""
    try:
        found = pwd.getpwnam(USER)
    except KeyError:
        found = _made_user()
    return Account(USER, found.pw_uid, found.pw_gid)


def _made_user() -> pwd.struct_passwd:
    program = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin")
    if not program:
        raise CannotMakeUser(f"there is no user {USER}, and no useradd to make it")
    group = ["--gid", USER] if USER in {one.gr_name for one in grp.getgrall()} else ["--user-group"]
    words = ["--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", *group, USER]
    made = subprocess.run([program, *words], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    try:
        return pwd.getpwnam(USER)
    except KeyError as error:
        raise CannotMakeUser(f"user {USER} could not be made: {made.stderr.strip()}") from error
