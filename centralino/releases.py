"""The configurations that were put in force: copies of the deployment, so that editing it has no effect by itself.

`STATE/configurations/` holds each as a folder named by its number, and `current`, a link to the one in force. The last
ten are kept, so that one can go back.
"""

import difflib
import filecmp
import hashlib
import json
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from centralino import piper
from centralino.clock import as_utc
from centralino.deployment import FILES
from centralino.settings import DIALPLANS, RECORDED, BrokenConfiguration, Configuration, load
from centralino.sheetchecks import KNOWLEDGE

KEPT = 10
NOTE = ".release.json"
READABLE = (".yaml", ".md")
# why: a PIN of four digits is soon found from its hash, and more people see the page than the file
PIN_HASH = re.compile(r"\$argon2[^\s\"'}]+")


@dataclass(frozen=True, slots=True)
class Release:
    """A configuration that was put in force: by whom, when (seconds since 1970), and what it was made of."""

    number: int
    folder: Path
    by: str
    at_s: float
    digest: str


class Releases:
    """Those of one installation, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def current(self) -> Release | None:
        """The one in force; None before the first."""
        link = self._folder / "current"
        return self.get(int(link.readlink().name)) if link.is_symlink() else None

    def get(self, number: int) -> Release | None:
        folder = self._folder / f"{number:06d}"
        try:
            note = json.loads((folder / NOTE).read_text())
        except (OSError, ValueError):
            return None
        return Release(number, folder, note["by"], note["at_s"], note["digest"])

    def all(self) -> list[Release]:
        """Those that are kept, the newest first."""
        numbers = sorted((int(path.name) for path in self._folder.glob("[0-9]*")), reverse=True)
        return [release for number in numbers if (release := self.get(number))]

    def put_in_force(self, deployment: Path, by: str) -> Release:
        """Copy `deployment`, which has been checked, and put the copy in force, unless it is already."""
        made_of = digest(deployment)
        current = self.current
        if current and current.digest == made_of:
            return current
        kept = self.all()
        release = self._copy(deployment, (kept[0].number if kept else 0) + 1, by, made_of)
        self._point_at(release)
        for old in kept[KEPT - 1 :]:
            shutil.rmtree(old.folder, ignore_errors=True)
        return release

    def _copy(self, deployment: Path, number: int, by: str, made_of: str) -> Release:
        release = Release(number, self._folder / f"{number:06d}", by, time.time(), made_of)
        half_done = self._folder / f".{number:06d}"
        shutil.rmtree(half_done, ignore_errors=True)
        for path in _files(deployment):
            name = path.relative_to(deployment)
            (half_done / name).parent.mkdir(parents=True, exist_ok=True)
            _copy_or_share(path, half_done / name, self._folder / "current" / name)
        note = {key: value for key, value in asdict(release).items() if key in ("by", "at_s", "digest")}
        (half_done / NOTE).write_text(json.dumps(note))
        half_done.replace(release.folder)
        return release

    def _point_at(self, release: Release) -> None:
        link = self._folder / ".current"
        link.unlink(missing_ok=True)
        link.symlink_to(release.folder.name)
        link.replace(self._folder / "current")


def _copy_or_share(path: Path, place: Path, before: Path) -> None:
    """What is the same as `before`, in the release in force, is kept once: recordings are large, sheets many."""
    if path.suffix != ".yaml" and before.is_file() and filecmp.cmp(path, before, shallow=False):
        place.hardlink_to(before.resolve())
    else:
        shutil.copyfile(path, place)


def in_force(config: Path, releases: Path) -> Configuration:
    """What runs, or ran last; where nothing ever ran, what is written in `config`. Raises BrokenConfiguration."""
    release = Releases(releases).current
    return load(release.folder if release else config)


class InForce:
    """The configuration in force, read again where another is."""

    def __init__(self, config: Path, releases: Path) -> None:
        self._config, self._releases = config, releases
        self._read: tuple[int, Configuration] | None = None

    def __call__(self) -> Configuration:
        """Raises BrokenConfiguration."""
        release = Releases(self._releases).current
        number = release.number if release else 0
        if self._read is None or self._read[0] != number:
            self._read = number, load(release.folder if release else self._config)
        return self._read[1]


def to_start_with(config: Path, releases: Path) -> tuple[Configuration, Path, str]:
    """What is started: what is written in `config`; where that is broken, what ran last. The configuration, the folder
    that it stands in, and what the admin must be told, if anything. Raises BrokenConfiguration where nothing ever ran.

    Why: a machine that starts again at night must not wait for somebody to end a line.
    """
    try:
        return load(config), config, ""
    except BrokenConfiguration as broken:
        ran_last = Releases(releases).current
        if ran_last is None:
            raise
        since = as_utc(ran_last.at_s).astimezone().strftime("%d/%m/%Y %H:%M")
        instead = f"What ran last is started instead: configuration {ran_last.number}, of {since}."
        told = f"{broken}\n{instead} Mend the YAML in {config}, then `centralino reload`."
        return load(ran_last.folder), ran_last.folder, told


def difference(old: Path, new: Path) -> str:
    """What changed between two deployments, file by file, as a unified diff; recordings and voices by name only."""
    before, after = ({str(path.relative_to(folder)): path for path in _files(folder)} for folder in (old, new))
    return "".join(
        line for name in sorted({*before, *after}) for line in _changed(name, before.get(name), after.get(name))
    )


def _changed(name: str, old: Path | None, new: Path | None) -> Iterator[str]:
    if old and new and old.read_bytes() == new.read_bytes():
        return
    if not name.endswith(READABLE):
        changed = "was recorded anew" if name.endswith(".wav") else "is another one"
        yield f"{name} {'is new' if old is None else 'is gone' if new is None else changed}\n"
        return
    was, is_now = (path.read_text("utf-8").splitlines(keepends=True) if path else [] for path in (old, new))
    for line in difflib.unified_diff(was, is_now, fromfile=name, tofile=name, n=1):
        yield PIN_HASH.sub("$argon2…", line)


def _files(deployment: Path) -> list[Path]:
    """All that a deployment is made of."""
    files = [deployment / name for name in FILES]
    files += [*(deployment / DIALPLANS).rglob("*.yaml"), *(deployment / RECORDED).rglob("*.wav")]
    files += (deployment / KNOWLEDGE).rglob("*.md")
    files += piper.files_named(deployment)
    return sorted({path for path in files if path.is_file()})


def digest(deployment: Path) -> str:
    """The fingerprint of all that a deployment is made of."""
    made_of = hashlib.sha256()
    for path in _files(deployment):
        made_of.update(f"{path.relative_to(deployment)}\0".encode())
        made_of.update(path.read_bytes())
    return made_of.hexdigest()
