"""A phone that others have made: baresip, without a sound card, steered by its control socket (netstrings of JSON)."""

import asyncio
import itertools
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

WITHIN_S = 10.0
MODULES = (Path("/usr/lib/baresip/modules"), *sorted(Path("/usr/lib").glob("*/baresip/modules")))
# 48 kHz and two channels are all that ausine can do.
CONFIG = """\
sip_listen 127.0.0.1:0
net_interface 127.0.0.1
audio_player aubridge,loop
audio_source ausine,440
audio_alert aubridge,nobody
ausrc_srate 48000
auplay_srate 8000
ausrc_channels 2
auplay_channels 1
ctrl_tcp_listen 127.0.0.1:{port}
module_path {modules}
module g711.so
module aubridge.so
module ausine.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
"""


class Baresip:
    """It says a tone of 440 Hz."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._numbers = itertools.count(1)
        self._events: list[dict[str, Any]] = []

    async def do(self, command: str, params: str = "") -> None:
        """A command of its menu, such as `accept` or `hold`."""
        text = json.dumps({"command": command, "params": params, "token": str(next(self._numbers))})
        self._writer.write(f"{len(text)}:{text},".encode())
        await self._writer.drain()
        while (message := await self._message()).get("response") is not True:
            self._events.append(message)
        assert message["ok"], message

    async def until(self, kind: str) -> dict[str, Any]:
        """Its next event of this kind."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                while self._events:
                    if (event := self._events.pop(0)).get("type") == kind:
                        return event
                self._events.append(await self._message())

    async def _message(self) -> dict[str, Any]:
        length = await self._reader.readuntil(b":")
        text = await self._reader.readexactly(int(length[:-1]) + 1)
        return dict(json.loads(text[:-1]))


@asynccontextmanager
async def baresip(server: tuple[str, int], user: str, secret: str, port: int) -> AsyncIterator[Baresip]:
    """Registered; steered at `port`. Raises AssertionError where the Debian package `baresip-core` is missing."""
    program = shutil.which("baresip")
    assert program, "baresip is missing: install.sh installs baresip-core"
    folder = Path(tempfile.mkdtemp(prefix="baresip-"))
    modules = next(path for path in MODULES if path.is_dir())
    (folder / "config").write_text(CONFIG.format(port=port, modules=modules))
    account = f"<sip:{user}@{server[0]}:{server[1]}>;auth_pass={secret};regint=60;answermode=manual"
    (folder / "accounts").write_text(f"{account}\n")
    output = (folder / "output").open("wb")
    process = await asyncio.create_subprocess_exec(
        program, "-f", str(folder), stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output
    )
    try:
        phone = Baresip(*await _connected(port))
        yield phone
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        output.close()
        shutil.rmtree(folder)


async def _connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(WITHIN_S):
        while True:
            with suppress(ConnectionRefusedError):
                return await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(0.05)
