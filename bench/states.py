"""`python -m bench.states`: how soon what an agent chooses has its effect. See bench/README.md.

A caller waits. The agent becomes ready: until the INVITE is at the agent's phone; where it is chosen by a code, from
hanging up, as nothing rings beside what is said. The agent pauses while the phone
rings: until the CANCEL is there, and nothing rings any more.
"""

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from asterisk.installer import CannotInstall
from asterisk.ports import PortBusy
from bench.centres import BenchFailed, OurCentre
from bench.cost import measured_lag
from bench.deployment import SERVICE, agent_of, write_yaml
from bench.report import percentile
from centralino.door import CommandRefused, DoorClient, EngineAway, door_path
from demo.calls import Attempt, IncomingCall
from demo.phone import CallRefused, Phone, RegistrationRefused

GOAL_MS = 50
PHONE, AGENT = "p1", agent_of("p1")
PAUSE_OR_READY = "*46"
RTP = (20_000, 23_998)
WITHIN_S = 5.0
QUIET_S = 0.1  # so long nothing rings after a pause, and so long between two turns
Choose = Callable[[str], Awaitable[None]]  # `ready` or `pause`


@dataclass(slots=True)
class Times:
    """In seconds, one for each turn."""

    ready_s: list[float] = field(default_factory=list)
    pause_s: list[float] = field(default_factory=list)


class Turns:
    """The agent at the phone, who is ready and pauses in turns, in each of the ways."""

    def __init__(self, phone: Phone, door: Path) -> None:
        self._phone, self._path = phone, door
        self._open = DoorClient(door)
        self._dialling: Attempt | None = None

    async def measure(self, turns: int, say: Console) -> dict[str, Times]:
        """Raises BenchFailed where a phone does not ring, or rings on, or again."""
        await self._open.connect()
        ways: dict[str, Choose] = {
            "open door": self._by_open_door,
            "new door": self._by_new_door,
            "code": self._by_code,
        }
        times = {name: Times() for name in ways}
        await self._open.command("agents.pause", agent=AGENT, by="bench")
        for turn in range(turns):  # in turns, so that what disturbs this machine disturbs all
            for name, choose in ways.items():
                await self._turn(choose, times[name])
            if (turn + 1) % 25 == 0:
                say.print(f"{turn + 1} of {turns} turns")
        await self._open.close()
        return times

    async def _turn(self, choose: Choose, times: Times) -> None:
        rung = asyncio.create_task(self._phone.ring(WITHIN_S))
        began_s = time.monotonic()
        await choose("ready")
        if self._dialling:  # while it is confirmed in words nothing rings: from hanging up
            call = await self._dialling.answered(WITHIN_S)
            began_s, self._dialling = time.monotonic(), None
            await call.hang_up()
        ring = await rung
        times.ready_s.append(ring.invited_at - began_s)
        await self._end_code()
        await asyncio.sleep(QUIET_S)
        over = asyncio.create_task(_over_at_s(ring))
        began_s = time.monotonic()
        await choose("pause")
        times.pause_s.append(await over - began_s)
        await self._end_code()
        try:
            await self._phone.ring(QUIET_S)
        except TimeoutError:
            return
        raise BenchFailed("the phone of an agent who has paused rang again")

    async def _by_open_door(self, wish: str) -> None:
        await self._open.command(f"agents.{wish}", agent=AGENT, by="bench")

    async def _by_new_door(self, wish: str) -> None:
        door = DoorClient(self._path)
        await door.connect()
        await door.command(f"agents.{wish}", agent=AGENT, by="bench")
        await door.close()

    async def _by_code(self, wish: str) -> None:
        """The same code, in turns; what it says is not listened to."""
        self._dialling = self._phone.start_call(PAUSE_OR_READY)

    async def _end_code(self) -> None:
        if self._dialling:
            call = await self._dialling.answered(WITHIN_S)
            await call.hang_up()
            self._dialling = None


async def _over_at_s(ring: IncomingCall) -> float:
    async with asyncio.timeout(WITHIN_S):
        await ring.ended.wait()
    return time.monotonic()


async def measure(turns: int, port_offset: int, folder: Path, say: Console) -> dict[str, object]:
    """Start a centre in `folder`, measure, and stop it. Raises BenchFailed, and what starting can raise."""
    write_yaml(folder / "config", [PHONE], rtp=f"{RTP[0] - port_offset}-{RTP[1] - port_offset}")
    centre = OurCentre(folder / "config", folder / "state", port_offset)
    began_s = time.monotonic()
    async with _opened(centre) as phone, measured_lag() as lags_s:
        times = await Turns(phone, door_path(centre.instance.state)).measure(turns, say)
    return {
        "turns": turns,
        "ways": {name: {"ready": _figures(one.ready_s), "pause": _figures(one.pause_s)} for name, one in times.items()},
        "goal_ms": GOAL_MS,
        "phones_loop_lag_p99_ms": round(1000 * percentile(lags_s, 99), 1),
        "load": round(os.getloadavg()[0], 2),
        "took_s": round(time.monotonic() - began_s, 1),
    }


@asynccontextmanager
async def _opened(centre: OurCentre) -> AsyncIterator[Phone]:
    """The centre, started, and its agent's phone; meanwhile a caller waits."""
    async with AsyncExitStack() as opened:
        opened.push_async_callback(centre.stop)
        await centre.start()
        server = (centre.node.sip_host, centre.node.sip_port)
        (account,) = centre.node.phones
        phone = Phone(server, account.id, account.secret, max_calls=2, keep_audio=False)
        await opened.enter_async_context(phone)
        caller = await opened.enter_async_context(Phone(server, "055123456", keep_audio=False))
        await opened.enter_async_context(await caller.call(SERVICE))
        await phone.register()
        await phone.ring(WITHIN_S)  # it is within reach, and the agent is rung
        yield phone


def _figures(values_s: list[float]) -> dict[str, float]:
    of = {"median": median(values_s), "p95": percentile(values_s, 95), "longest": max(values_s)}
    return {name: round(1000 * value_s, 1) for name, value_s in of.items()}


def main() -> int:
    words = _words()
    say = Console(stderr=True, highlight=False, soft_wrap=True)
    folder = Path(tempfile.mkdtemp(prefix="centralino-bench-"))
    folder.chmod(0o755)  # Asterisk runs as another user where we are root
    try:
        figures = asyncio.run(measure(words.turns, words.port_offset, folder, say))
    except (BenchFailed, PortBusy, CannotInstall, EngineAway, CommandRefused, RegistrationRefused, CallRefused) as why:
        say.print(f"the bench failed: {why}")
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if words.json:
        print(json.dumps(figures, indent=2))
    else:
        _show(figures, Console())
    return 0


def _show(figures: dict, console: Console) -> None:  # type: ignore[type-arg]
    table = Table(title=f"{figures['turns']} turns each, ms", title_justify="left")
    table.add_column("by")
    for column in ("ready → INVITE", "p95", "longest", "pause → CANCEL", "p95", "longest"):
        table.add_column(column, justify="right")
    for name, one in figures["ways"].items():
        shown = [f"{one[what][key]:g}" for what in ("ready", "pause") for key in ("median", "p95", "longest")]
        table.add_row(name, *shown)
    console.print(table)
    worst = max(one[what]["p95"] for one in figures["ways"].values() for what in ("ready", "pause"))
    console.print(
        f"The goal of p95 under {figures['goal_ms']} ms is {'met' if worst < figures['goal_ms'] else 'MISSED'}."
        f" Our phones' loop: p99 {figures['phones_loop_lag_p99_ms']} ms late. Load {figures['load']},"
        f" {figures['took_s']} s.",
        highlight=False,
    )


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.states", description=__doc__)
    parser.add_argument("--turns", type=int, default=100, help="in each way (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--port-offset", type=int, default=900, help="added to ports (default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
