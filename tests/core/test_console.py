"""The console over real SSH: a desk in a process of its own, and a client that is not ours."""

import asyncio
import json
import os
import re
import socket
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
import httpx
import psutil
import pytest

from console.keys import HOST_KEY, PEOPLES_KEYS, BadHostKey, PeoplesKeys, host_key, owner_in
from tests.core.test_docs import ROOT

WITHIN_S = 60.0

FAKE_COMMAND_LINE = """
import json, os, signal, subprocess, sys, time
match sys.argv[1:]:
    case ["status", *_]:
        known = {name: value for name, value in os.environ.items() if name.startswith("CENTRALINO_")}
        print(json.dumps({"words": sys.argv[1:], "columns": os.environ.get("COLUMNS"), **known}))
    case ["queues"]:
        print("some lines")
        print("and a complaint", file=sys.stderr)
        sys.exit(3)
    case ["calls"]:
        while True:
            print("x" * 1000)
    case ["cases"]:
        print("a\\x1b]0;evil\\x07b\\x9bc\\tcittà")
    case ["audit", *words]:
        if "stubborn" in words:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        grandchild = subprocess.Popen(["sleep", "600"])
        print(os.getpid(), grandchild.pid, flush=True)
        time.sleep(600)
    case ["why", *words]:
        print(words)
    case real:
        os.execv(sys.executable, [sys.executable, "-m", "centralino", *real])
"""

PROGRAM = """
import json, sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from centralino import desk, shown
from console import child, words
state, deployment, tweaks = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
shown.log_to_file(state / "log" / "desk.log")
@dataclass(frozen=True, slots=True)
class Fake(child.Commands):
    program: tuple[str, ...] = (sys.executable, str(state / "fake.py"))
child.Commands = Fake
listeners = [desk.listen_at("127.0.0.1", 0), desk.listen_at("127.0.0.1", 0)]
ports = [listener.getsockname()[1] for listener in listeners]
listeners[0].listen()
desk.listen_at = lambda host, port: listeners[ports.index(port)]
with_console = desk.console_beside
@asynccontextmanager
async def tweaked(place):
    import console.server
    for name, value in tweaks.items():
        module = next(one for one in (child, words, console.server) if hasattr(one, name))
        setattr(module, name, value)
    async with with_console(place):
        print(*ports, flush=True)
        yield
desk.console_beside = tweaked
place = desk.Place(state, deployment, web=("127.0.0.1", ports[0]), console=("127.0.0.1", ports[1]))
sys.exit(desk.serve(place, f"sqlite+aiosqlite:///{state}/centralino.db"))
"""


@dataclass
class Served:
    """A desk with a console, from outside."""

    state: Path
    process: "subprocess.Popen[str]"
    web_port: int
    port: int
    key: asyncssh.SSHKey

    @asynccontextmanager
    async def login(self, key: asyncssh.SSHKey | None = None) -> AsyncIterator[asyncssh.SSHClientConnection]:
        known = asyncssh.import_known_hosts(f"[127.0.0.1]:{self.port} {host_line(self.state)}")
        options: dict[str, Any] = {"client_keys": [key or self.key], "known_hosts": known, "username": "somebody"}
        async with asyncio.timeout(WITHIN_S), asyncssh.connect("127.0.0.1", self.port, config=None, **options) as ssh:
            yield ssh

    async def run(self, line: str, **options: Any) -> asyncssh.SSHCompletedProcess:
        async with self.login() as ssh:
            return await ssh.run(line, **options)

    def log(self) -> str:
        return (self.state / "log" / "desk.log").read_text()

    async def logged(self, text: str) -> str:
        """The log, once it holds `text`."""
        await until(lambda: text in self.log())
        return self.log()

    async def assert_page_is_served(self) -> None:
        async with httpx.AsyncClient(timeout=WITHIN_S) as web:
            answer = await web.get(f"http://127.0.0.1:{self.web_port}/")
        assert answer.status_code == 200


async def until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not is_true():  # noqa: ASYNC110  # there is no event for what another process does
            await asyncio.sleep(0.02)


def host_line(state: Path) -> str:
    return asyncssh.read_private_key(state / HOST_KEY).export_public_key().decode().strip()


def public_line(key: asyncssh.SSHKey, comment: str) -> str:
    kind, blob = key.export_public_key().decode().split()[:2]
    return f"{kind} {blob} {comment}\n"


@contextmanager
def serving(state: Path, **tweaks: object) -> Iterator[Served]:
    (state / "fake.py").write_text(FAKE_COMMAND_LINE)
    key = asyncssh.generate_private_key("ssh-ed25519")
    (state / PEOPLES_KEYS).write_text("# who may come\n\n" + public_line(key, "anna@laptop"))
    words = [sys.executable, "-c", PROGRAM, str(state), str(ROOT), json.dumps(tweaks)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            web_port, port = (int(word) for word in process.stdout.readline().split())
            yield Served(state, process, web_port, port, key)
        finally:
            process.terminate()
            _, said = process.communicate(timeout=WITHIN_S)
        assert "Traceback" not in said
        assert process.returncode == 0


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("state")) as served:
        yield served


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """With less patience and less room."""
    bounds = {"CONNECTIONS_MAX": 2, "OUTPUT_BYTES_MAX": 2**20}
    times = {"QUICK_S": 2, "LOGIN_WITHIN_S": 2, "IDLE_MAX_S": 3, "LOOK_EVERY_S": 0.1}
    with serving(tmp_path_factory.mktemp("strict"), **bounds, **times) as served:
        yield served


# --- commands


async def test_a_command_runs_with_this_installations_folders_and_names_who_gave_it(console: Served) -> None:
    found = await console.run("status --json")
    said = json.loads(str(found.stdout))
    assert (said["words"], found.exit_status) == (["status", "--json"], 0)
    assert (said["CENTRALINO_STATE"], said["CENTRALINO_CONFIG"]) == (str(console.state), str(ROOT))
    assert said["CENTRALINO_BY"] == "anna@laptop (console 127.0.0.1)"
    assert said["columns"] is None


async def test_exit_code_and_complaints_are_handed_on(console: Served) -> None:
    found = await console.run("queues")
    assert (found.exit_status, found.stdout, found.stderr) == (3, "some lines\n", "and a complaint\n")


async def test_words_reach_the_command_as_they_were_quoted(console: Served) -> None:
    found = await console.run("why 'a b' \"$HOME\" `id` ; ls > x")
    assert found.stdout == "['a b', '$HOME', '`id`', ';', 'ls', '>', 'x']\n"


@pytest.mark.parametrize(
    "line", ["run", "token --role admin", "sh", "python -c 1", "status --state /", 'why "x', "x" * 5000, "scp -t /tmp"]
)
async def test_what_is_not_on_the_list_is_refused(console: Served, line: str) -> None:
    found = await console.run(line)
    assert found.exit_status == 2
    assert str(found.stderr).count("\n") == 1


async def test_output_cannot_steer_the_terminal(console: Served) -> None:
    assert (await console.run("cases")).stdout == "a]0;evilbc\tcittà\n"


async def test_every_command_is_on_record_with_who_and_from_where(console: Served) -> None:
    await console.run("why c77 --press 4711")
    await console.run("my-password-by-mistake")
    log = await console.logged("no such command")
    assert 'centralino.console: why c77 --press \'…\' user="anna@laptop" address="127.0.0.1"' in log
    assert "4711" not in log
    assert "my-password-by-mistake" not in log


async def test_endless_output_is_ended(strict: Served) -> None:
    found = await strict.run("calls")
    assert found.exit_status == 125
    assert 900_000 < len(str(found.stdout)) < 1_200_000
    assert "the command was ended" in str(found.stderr)


async def test_where_nobody_reads_the_output_the_command_is_ended_all_the_same(strict: Served) -> None:
    desk = psutil.Process(strict.process.pid)
    async with strict.login() as ssh:
        await ssh.create_process("calls", window=32768)
        await until(lambda: bool(desk.children()))
        await until(lambda: not desk.children())


# --- a terminal


async def converse(process: asyncssh.SSHClientProcess[str], keys: str, until: str) -> str:
    """Type, and read the screen until it shows `until`."""
    process.stdin.write(keys)
    screen = ""
    while until not in screen:
        piece = await process.stdout.read(4096)
        assert piece, screen
        screen += piece
    return re.sub(r"\x1b\[[0-9]*[A-Z]", "", screen)


async def test_in_a_terminal_there_is_a_prompt_completion_history_and_a_width(console: Served) -> None:
    async with console.login() as ssh:
        process = await ssh.create_process(term_type="xterm", term_size=(132, 40))
        await converse(process, "", "centralino> ")
        screen = await converse(process, "stat\t--json\r", '"words"')
        assert '"columns": "132"' in screen
        process.change_terminal_size(90, 40)
        assert '"columns": "90"' in await converse(process, "\x1b[A\r", '"columns": "90"')
        assert "agents  audit" in await converse(process, "a\t", "agents  audit")
        assert "['città']" in await converse(process, "\x15why città\r", "['città']")
        assert "did you mean status?" in await converse(process, "statsu\r", "did you mean")
        assert "\r\n" in await converse(process, "queues\r", "and a complaint\r\n")
        process.stdin.write("exit\r")
        await process.wait()
        assert process.exit_status == 3


async def test_control_c_ends_the_command_with_all_it_started_and_the_talk_goes_on(console: Served) -> None:
    async with console.login() as ssh:
        process = await ssh.create_process(term_type="xterm")
        for line in ("audit", "audit stubborn"):
            screen = await started(process, line)
            pids = [int(pid) for pid in re.findall(r"(\d+) (\d+)\r\n", screen)[-1]]
            assert all(psutil.pid_exists(pid) for pid in pids)
            await converse(process, "typed ahead\r\x03", "centralino> ")
            await until(lambda pids=pids: not any(is_alive(pid) for pid in pids))
        assert "['c1']" in await converse(process, "why c1\r", "['c1']")


async def started(process: asyncssh.SSHClientProcess[str], line: str) -> str:
    process.stdin.write(f"{line}\r")
    screen = ""
    while not re.search(r"\d+ \d+\r\n", screen):
        screen += await process.stdout.read(4096)
    return screen


def is_alive(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


async def test_who_disconnects_leaves_no_command_behind(console: Served) -> None:
    async with console.login() as ssh:
        process = await ssh.create_process("audit")
        pids = [int(pid) for pid in (await process.stdout.readline()).split()]
        assert len(pids) == 2
        ssh.abort()
    await until(lambda: not any(is_alive(pid) for pid in pids))


async def test_a_signal_over_ssh_ends_the_command(console: Served) -> None:
    async with console.login() as ssh:
        process = await ssh.create_process("audit")
        await process.stdout.readline()
        process.send_signal("INT")
        await process.wait()
        assert process.exit_status == 130


async def test_a_command_that_takes_too_long_is_ended(strict: Served) -> None:
    found = await strict.run("audit")
    assert found.exit_status == 124
    assert "no end within 2 s" in str(found.stderr)


# --- without a terminal, and bad input


async def test_lines_from_a_file_run_one_after_the_other(console: Served) -> None:
    async with console.login() as ssh:
        process = await ssh.create_process()
        process.stdin.write("why 1\n\nwhy 2\r\nqueues\n")
        process.stdin.write_eof()
        found = await process.wait()
    assert found.stdout == "['1']\n['2']\nsome lines\n"
    assert found.exit_status == 3


async def test_rubbish_long_lines_and_open_quotes_get_a_clear_error_each(console: Served) -> None:
    async with console.login() as ssh:
        process = await ssh.create_process(encoding=None)
        process.stdin.write(b"\xff\xfe\x00\x01\n" + b'why "open\n' + b"x" * 5000 + b"\nwhy still here\n")
        process.stdin.write_eof()
        found = await process.wait()
    errors = bytes(found.stderr or b"").decode().splitlines()
    assert errors == [
        "this line is no text (UTF-8)",
        "a quote is not closed",
        "a line holds at most 4096 characters; nothing was done",
    ]
    assert found.stdout == b"['still', 'here']\n"


@pytest.mark.parametrize("terminal", ["xterm", None])
async def test_a_line_of_a_megabyte_is_refused_and_the_desk_goes_on(console: Served, terminal: str | None) -> None:
    async with console.login() as ssh:
        process = await ssh.create_process(term_type=terminal, encoding=None, stderr=asyncssh.STDOUT)
        process.stdin.write(b"x" * 2**20 + b"\r\n")
        if terminal:
            process.stdin.write(b"exit\r")
        else:
            process.stdin.write_eof()
        found = await process.wait()
    assert b"nothing was done" in bytes(found.stdout or b"") or b"the rest was not read" in bytes(found.stdout or b"")
    await console.assert_page_is_served()


@pytest.mark.parametrize(
    "rubbish",
    [
        os.urandom(20_000),
        b"GET / HTTP/1.1\r\n\r\n",
        b"SSH-1.0-old\r\n",
        b"SSH-2.0-x\r\n" + b"\xff" * 5000,
        b"SSH-2.0-x\r\n\x00\x00\x00\x0c\x00\x5e\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
        b"x" * 2**20,
    ],
)
async def test_who_does_not_speak_ssh_is_sent_away(console: Served, rubbish: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", console.port)
    with suppress(OSError):
        writer.write(rubbish)
        writer.write_eof()
        async with asyncio.timeout(WITHIN_S):
            while await reader.read(65536):
                pass
    writer.close()
    assert "Traceback" not in console.log()
    assert (await console.run("why x")).exit_status == 0
    await console.assert_page_is_served()


async def test_fifty_at_once_are_served_or_told_and_later_ones_come_in(console: Served) -> None:
    async def one() -> str:
        try:
            return str((await console.run("why x")).stdout)
        except (asyncssh.Error, OSError) as refused:
            return type(refused).__name__

    answers = await asyncio.gather(*(one() for _ in range(50)))
    assert answers.count("['x']\n") >= 8
    assert (await console.run("why y")).stdout == "['y']\n"
    await console.assert_page_is_served()


async def test_when_full_one_more_is_told_in_words(strict: Served) -> None:
    before = strict.log().count(" left ")
    async with strict.login(), strict.login():
        reader, writer = await asyncio.open_connection("127.0.0.1", strict.port)
        assert b"The console is full: 2 are connected." in await reader.read()
        writer.close()
    await until(lambda: strict.log().count(" left ") == before + 2)
    assert (await strict.run("why x")).exit_status == 0


async def test_who_connects_and_says_nothing_is_sent_away(strict: Served) -> None:
    async def silent(begin: bytes) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", strict.port)
        writer.write(begin)
        with suppress(ConnectionError):
            while await reader.read(4096):
                pass
        writer.close()

    async with asyncio.timeout(WITHIN_S):
        await asyncio.gather(silent(b""), silent(b"SSH-2.0-slow\r\n"))
    await until(lambda: strict.log().count("no login within 2 s") == 2)


async def test_who_has_logged_in_and_says_nothing_for_long_is_sent_away(strict: Served) -> None:
    before = strict.log().count(" left ")
    async with strict.login() as ssh:
        with suppress(asyncssh.DisconnectError):
            await ssh.wait_closed()
    await until(lambda: strict.log().count(" left ") == before + 1)


# --- who comes in


async def test_a_key_that_is_not_in_the_file_is_refused_and_on_record(console: Served) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        async with console.login(asyncssh.generate_private_key("ssh-ed25519")):
            pass
    assert 'login refused: this key is not in the file user="somebody"' in console.log()


async def test_there_are_no_passwords(console: Served) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        await asyncssh.connect(
            "127.0.0.1", console.port, config=None, known_hosts=None, client_keys=None, username="root", password="root"
        )


@pytest.mark.parametrize("kind", ["ssh-rsa", "ecdsa-sha2-nistp256"])
async def test_a_new_key_in_the_file_is_valid_at_once_and_a_removed_one_no_more(console: Served, kind: str) -> None:
    file, new = console.state / PEOPLES_KEYS, asyncssh.generate_private_key(kind)
    before = file.read_text()
    file.write_text(before + public_line(new, ""))
    async with console.login(new) as ssh:
        said = json.loads(str((await ssh.run("status")).stdout))
    assert said["CENTRALINO_BY"] == "somebody (console 127.0.0.1)"  # no comment: the user name
    file.write_text(before)
    with pytest.raises(asyncssh.PermissionDenied):
        async with console.login(new):
            pass


async def test_nothing_but_commands_no_files_no_forwarding(console: Served) -> None:
    async with console.login() as ssh:
        with pytest.raises(asyncssh.Error):
            await ssh.start_sftp_client()
        with pytest.raises(asyncssh.Error):
            await ssh.open_connection("127.0.0.1", console.web_port)
        with pytest.raises(asyncssh.ChannelListenError):
            await ssh.forward_remote_port("127.0.0.1", 0, "127.0.0.1", console.web_port)
        assert (await ssh.run("why x", env={"LD_PRELOAD": "x"})).stdout == "['x']\n"
    assert "Traceback" not in console.log()


async def test_a_connection_has_few_sessions(console: Served) -> None:
    async with console.login() as ssh:
        sessions = [await ssh.create_process("audit") for _ in range(4)]
        with pytest.raises(asyncssh.ChannelOpenError):
            await ssh.create_process("why x")
        for session in sessions:
            session.close()


# --- the keys


def test_the_host_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    key = host_key(tmp_path)
    assert stat.S_IMODE((tmp_path / HOST_KEY).stat().st_mode) == 0o600
    assert (tmp_path / HOST_KEY).read_text().startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert host_key(tmp_path) == key


def test_a_host_key_that_is_open_to_others_or_broken_is_refused(tmp_path: Path) -> None:
    host_key(tmp_path)
    (tmp_path / HOST_KEY).chmod(0o644)
    with pytest.raises(BadHostKey, match="chmod 600"):
        host_key(tmp_path)
    (tmp_path / HOST_KEY).chmod(0o600)
    (tmp_path / HOST_KEY).write_text("rubbish")
    with pytest.raises(BadHostKey):
        host_key(tmp_path)


def test_without_the_file_nobody_comes_in_and_the_log_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys = PeoplesKeys(tmp_path)
    for _ in range(3):
        keys.refresh()
    assert [record.message.partition(":")[0] for record in caplog.records] == ["nobody can log in to the console"]


def test_a_file_that_others_may_write_lets_nobody_in(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    line = public_line(key, "anna")
    (tmp_path / PEOPLES_KEYS).write_text(line)
    known = owner_in(line).key
    assert PeoplesKeys(tmp_path).owner_of(known)
    (tmp_path / PEOPLES_KEYS).chmod(0o666)
    assert PeoplesKeys(tmp_path).owner_of(known) is None
    assert "chmod 600" in caplog.text


@pytest.mark.parametrize(
    "line",
    [
        'from="192.0.2.1" ssh-ed25519 AAAA anna',
        "restrict ssh-ed25519 AAAA",
        "ssh-dss AAAA",
        "ssh-ed25519 rubbish",
        "ssh-ed25519",
        "cert-authority",
    ],
)
def test_a_line_that_cannot_be_honoured_lets_nobody_in(line: str) -> None:
    with pytest.raises(ValueError, match="key"):
        owner_in(line)


def test_a_short_rsa_key_lets_nobody_in() -> None:
    short = asyncssh.generate_private_key("ssh-rsa", key_size=1024)
    with pytest.raises(ValueError, match="2048"):
        owner_in(public_line(short, "x"))


# --- the desk around it


async def test_told_to_stop_the_desk_says_goodbye_and_leaves_no_command_behind(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        async with served.login() as ssh:
            process = await ssh.create_process("audit")
            pids = [int(pid) for pid in (await process.stdout.readline()).split()]
            began_s = time.monotonic()
            served.process.terminate()
            with suppress(asyncssh.DisconnectError):
                await ssh.wait_closed()
        assert await asyncio.to_thread(served.process.wait, WITHIN_S) == 0
        assert time.monotonic() - began_s < 4
        await until(lambda: not any(is_alive(pid) for pid in pids))


async def test_where_there_can_be_no_console_the_pages_are_served_all_the_same(tmp_path: Path) -> None:
    (tmp_path / HOST_KEY).write_text("rubbish")
    with serving(tmp_path) as served:
        await served.assert_page_is_served()
        assert "there is no console:" in served.log()
        with socket.socket() as nobody:
            assert nobody.connect_ex(("127.0.0.1", served.port)) != 0


async def test_the_real_command_line_checks_and_says_that_the_engine_is_away(console: Served) -> None:
    checked, away = await asyncio.gather(console.run("check"), console.run("agents"))
    assert (checked.exit_status, "No problem" in str(checked.stdout)) == (0, True)
    assert away.exit_status == 1
    assert str(away.stderr).startswith("the engine is not running")
