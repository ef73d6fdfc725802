"""Gets an Asterisk: the machine's own where it fits, else one made from Debian's packages in a folder of our own.

The folder is no chroot. Its programs are run by its own dynamic loader, so they need no root, and see the machine's
folders as we do. Making it takes 10 to 90 s, once; after that it is found at once.
"""

import fcntl
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from asterisk.modules import NEEDED_MODULES

OLDEST = (22, 5)  # why: REST over an outbound websocket came with 22.4 and 22.5
LANGUAGES = ("it", "en")
SUITE = "sid"  # why: the only Debian suite that carries Asterisk 22
PACKAGES = (
    "asterisk",
    "asterisk-modules",
    "asterisk-core-sounds-it-wav",
    "asterisk-core-sounds-en-wav",
    "asterisk-moh-opsound-wav",
)
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
FREE_SPACE_BYTES_MIN = 900_000_000  # the folder itself, and its packages while they are unpacked
MAKING_TIMEOUT_S = 900.0
LOCK_NAME = ".lock"


class CannotInstall(Exception):
    """There is no fitting Asterisk here, and none can be made; the text says why, and the cure."""


@dataclass(frozen=True, slots=True)
class Installation:
    """An Asterisk that can be run: `command` starts it, with its arguments added at the end."""

    version: str
    command: tuple[str, ...]
    modules: Path
    documentation: Path
    music: Path
    sounds: Mapping[str, Path]  # of each language in LANGUAGES

    def has_module(self, name: str) -> bool:
        return (self.modules / f"{name}.so").is_file()


def find_or_make(cache: Path | None = None, progress: Callable[[str], None] = print) -> Installation:
    """The Asterisk to use. Asks nobody, and says what it does by `progress`. Raises CannotInstall."""
    own = machines_own(progress)
    if own:
        return own
    place = (cache or cache_folder()) / f"asterisk-{SUITE}"
    if not place.is_dir():
        _make_once(place, progress)
    return in_root(place)


def cache_folder() -> Path:
    """Where made things are kept. Root's own is outside of /root, since Asterisk runs as another user."""
    named = os.environ.get("CENTRALINO_CACHE")
    if named:
        return Path(named).absolute()
    if os.geteuid() == 0:
        return Path("/var/cache/centralino")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "centralino"


def machines_own(progress: Callable[[str], None] = print) -> Installation | None:
    """The Asterisk on PATH, or None where there is none that fits; then `progress` is told what it lacks."""
    program = shutil.which("asterisk") or shutil.which("asterisk", path="/usr/sbin:/usr/local/sbin")
    if not program:
        return None
    try:
        return _in_folders((program,), [Path("/usr"), Path("/usr/local"), Path("/")])
    except CannotInstall as lack:
        progress(f"{program} is not used: {lack}")
        return None


def in_root(root: Path) -> Installation:
    """The Asterisk in a Debian root folder, run by that root's own loader. Raises CannotInstall."""
    loader = _first(root, ("usr/lib*/ld-linux*.so.*", "lib*/ld-linux*.so.*", "usr/lib/*/ld-linux*.so.*"))
    program = _first(root, ("usr/sbin/asterisk",))
    modules = _first(root, ("usr/lib/*/asterisk/modules",))
    libraries = f"{modules.parent.parent}:{modules.parent}"
    return _in_folders((str(loader), "--library-path", libraries, str(program)), [root / "usr", root])


def _in_folders(command: tuple[str, ...], prefixes: list[Path]) -> Installation:
    modules = _first_of(
        prefixes,
        ("lib/*/asterisk/modules/res_ari.so", "lib64/asterisk/modules/res_ari.so", "lib/asterisk/modules/res_ari.so"),
    ).parent
    data = _first_of(
        prefixes, ("share/asterisk/documentation/core-en_US.xml", "var/lib/asterisk/documentation/core-en_US.xml")
    ).parent.parent
    music = _first_of(prefixes, ("share/asterisk/moh/*.wav", "var/lib/asterisk/moh/*.wav")).parent
    sounds = {language: _sounds(data / "sounds", language) for language in LANGUAGES}
    found = Installation(_version(command), command, modules, data / "documentation", music, sounds)
    missing = [name for name in NEEDED_MODULES if not found.has_module(name)]
    if missing:
        raise CannotInstall(f"it lacks the modules {', '.join(missing)}")
    return found


def _version(command: tuple[str, ...]) -> str:
    try:
        said = subprocess.run([*command, "-V"], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603
    except OSError as error:
        raise CannotInstall(f"it cannot be started: {error}") from error
    found = re.search(r"Asterisk (?:certified[-/])?((\d+)\.(\d+)\S*)", said.stdout)
    if not found:
        raise CannotInstall(f"it does not say its version: {(said.stdout + said.stderr).strip()[:300]!r}")
    if (int(found[2]), int(found[3])) < OLDEST:
        raise CannotInstall(f"its version is {found[1]}; {'.'.join(map(str, OLDEST))} or later is needed")
    return found[1]


def _first(root: Path, patterns: tuple[str, ...]) -> Path:
    return _first_of([root], patterns)


def _first_of(roots: list[Path], patterns: tuple[str, ...]) -> Path:
    for root in roots:
        for pattern in patterns:
            for path in sorted(root.glob(pattern)):
                if path.exists():  # an absolute link in a root folder leads nowhere
                    return path
    raise CannotInstall(f"{patterns[0]} is not in {', '.join(map(str, roots))}")


def _sounds(folder: Path, language: str) -> Path:
    """The real folder of a language. Debian's own names are links, some of them absolute: those are passed over."""
    named = sorted(path for path in folder.glob(f"{language}*") if path.name == language or path.name[2] == "_")
    for path in sorted(named, key=lambda path: path.is_symlink()):
        if path.is_dir() and any(path.glob("hello-world.*")):
            return path
    raise CannotInstall(f"it lacks the sounds for {language}")


def _make_once(place: Path, progress: Callable[[str], None]) -> None:
    """Make the root folder, once, however many ask at the same time; half of one is never left under its name."""
    try:
        place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with _locked(place.parent / LOCK_NAME, progress):
            if not place.is_dir():
                _make(place, progress)
    except OSError as error:
        raise CannotInstall(
            f"{place.parent} cannot be used: {error}; set CENTRALINO_CACHE to another folder"
        ) from error


@contextmanager
def _locked(path: Path, progress: Callable[[str], None]) -> Iterator[None]:
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("another start of ours is making Asterisk; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(place: Path, progress: Callable[[str], None]) -> None:
    _check_machine(place.parent)
    mmdebstrap, mirror = _mmdebstrap(progress), debian_mirror()
    half = place.with_name(f"{place.name}.half")  # only the holder of the lock is here, so one name is enough
    shutil.rmtree(half, ignore_errors=True)
    progress(f"making Asterisk from Debian {SUITE} at {mirror} in {place}: 10 to 90 s, about 330 MB, this once")
    try:
        _run_mmdebstrap(mmdebstrap, half, mirror, progress)
        half.chmod(0o755)
        in_root(half)
        half.rename(place)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    progress(f"Asterisk {in_root(place).version} is ready in {place}")


def _check_machine(folder: Path) -> None:
    if platform.system() != "Linux":
        raise CannotInstall(f"Asterisk is made on Linux only, and this is {platform.system()}")
    if platform.machine() not in ("x86_64", "aarch64"):
        raise CannotInstall(f"for {platform.machine()}, install Asterisk {OLDEST[0]}.{OLDEST[1]} or later by hand")
    free = shutil.disk_usage(folder).free
    if free < FREE_SPACE_BYTES_MIN:
        raise CannotInstall(
            f"{folder} has {free // 10**6} MB left, {FREE_SPACE_BYTES_MIN // 10**6} MB are needed; "
            "make room, or set CENTRALINO_CACHE to another folder"
        )


def _mmdebstrap(progress: Callable[[str], None]) -> str:
    program = shutil.which("mmdebstrap")
    if program:
        return program
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise CannotInstall(
            "mmdebstrap is needed to make Asterisk. On Debian or Ubuntu, as root: apt-get install mmdebstrap "
            f"debian-archive-keyring. Or install Asterisk {OLDEST[0]}.{OLDEST[1]} or later, with sounds in it and en"
        )
    progress("installing mmdebstrap by apt-get")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", "mmdebstrap", "debian-archive-keyring"]):
        done = subprocess.run(  # noqa: S603
            ["apt-get", "-q", *words],  # noqa: S607
            env=quiet,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        if done.returncode and words != ["update"]:  # one broken source of many must not stop us
            raise CannotInstall(f"apt-get {' '.join(words)} failed: {done.stderr.strip()[-600:]}")
    return shutil.which("mmdebstrap") or "mmdebstrap"


def _run_mmdebstrap(program: str, folder: Path, mirror: str, progress: Callable[[str], None]) -> None:
    # extract: packages are unpacked, none of their scripts run; chrootless: neither root nor user namespaces needed.
    command = [
        *(program, "--variant=extract", "--mode=chrootless", "--format=directory"),
        '--aptopt=Acquire::Check-Valid-Until "false"',  # a mirror that lags behind is good enough
        f"--include={','.join(PACKAGES)}",
        *([f"--keyring={KEYRING}"] if Path(KEYRING).exists() else []),
        *(SUITE, str(folder), mirror),
    ]
    said: list[str] = []
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, umask=0o022
    ) as making:
        assert making.stderr is not None
        deadline = threading.Timer(MAKING_TIMEOUT_S, making.terminate)
        deadline.start()
        try:
            for line in making.stderr:
                said = [*said[-30:], line.rstrip()]
                if line.startswith("I: "):
                    progress(f"  {line[3:].rstrip()}")
        finally:
            deadline.cancel()
        code = making.wait(MAKING_TIMEOUT_S)
    if code:
        raise CannotInstall(f"mmdebstrap failed ({code}): {' | '.join(said[-12:])}")


def debian_mirror(apt: Path = Path("/etc/apt")) -> str:
    """The Debian mirror that this machine's own apt uses. Raises CannotInstall where none is named."""
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    for file in files:
        if file.suffix not in (".list", ".sources") or not file.is_file():
            continue
        text = file.read_text(errors="replace")
        for uri in _deb822_uris(text) if file.suffix == ".sources" else _one_line_uris(text):
            if re.search(r"/debian/?$", uri):
                return uri
    raise CannotInstall(f"no Debian mirror is named in {apt}/sources.list(.d); install Asterisk by hand")


def _one_line_uris(text: str) -> list[str]:
    return re.findall(r"^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s", text, re.MULTILINE)


def _deb822_uris(text: str) -> list[str]:
    uris = []
    for paragraph in re.split(r"\n\s*\n", re.sub(r"^#.*\n?", "", text, flags=re.MULTILINE)):
        if re.search(r"^Types:.*\bdeb\b", paragraph, re.M | re.I) and not re.search(
            r"^Enabled:\s*no", paragraph, re.M | re.I
        ):
            for value in re.findall(r"^URIs:((?:.|\n[ \t])*)", paragraph, re.M | re.I):
                uris += value.split()
    return uris


def main() -> int:
    """`python -m asterisk.installer`: say what is done on standard error, and where it is on standard output."""
    try:
        found = find_or_make(progress=lambda text: print(text, file=sys.stderr, flush=True))  # noqa: T201
    except CannotInstall as error:
        print(f"no Asterisk: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print(f"Asterisk {found.version}: {' '.join(found.command)}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
