"""`python -m bench`: how soon a freed agent's phone rings again, ours beside app_queue. See bench/README.md."""

import argparse
import asyncio
import json
import math
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from rich.console import Console

from asterisk.installer import CannotInstall, Installation, find_or_make
from asterisk.ports import PortBusy
from asterisk.process import CannotStart
from bench import report
from bench.centres import AppQueueCentre, BenchFailed, Centre, OurCentre
from bench.cost import Spent
from bench.deployment import CALLS_MAX, write_yaml
from bench.handover import Block, Shift
from bench.parts import Trail
from centralino import settings
from centralino.door import CommandRefused, EngineAway
from centralino.instance import Instance
from demo.phone import Phone, RegistrationRefused

RTP = {"centralino": (20_000, 23_998), "app_queue": (24_000, 27_998)}  # under the ports that the kernel gives away
REGISTERED_S = 3600  # longer than any run
CALM_WITHIN_S, CALM_SHARE = 30.0, 0.05  # of one core: an engine goes on loading for a while after it answers


Blocks = Mapping[str, list[Block]]  # by the centre's name


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured. Each length of line is measured in `rounds` blocks of either centre, in turn."""

    hand_overs: int
    rounds: int
    idle_s: float
    agents: int
    seed: int
    port_offset: int
    waiting: tuple[int, ...] = (5, 50)


async def measure(plan: Plan, folder: Path, say: Console) -> report.Figures:
    """Start both centres in `folder`, measure, and stop them. Raises BenchFailed, and what starting can raise."""
    began_s, load_before = time.monotonic(), os.getloadavg()[0]
    installation = await asyncio.to_thread(find_or_make, None, say.print)
    ours, theirs = _centres(plan, folder, installation)
    async with AsyncExitStack() as opened:
        shifts = [await opened.enter_async_context(_shift(centre, say)) for centre in (ours, theirs)]
        idle = await _idle_and_calm(shifts, plan.idle_s)
        blocks = {waiting: await _blocks(plan, waiting, shifts, say) for waiting in plan.waiting}
        trail = Trail(ours.instance.journal)
    every_block = [block for level in blocks.values() for of_one in level.values() for block in of_one]
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "asterisk": installation.version,
        "cores": os.cpu_count(),
        "load": [round(load_before, 2), round(os.getloadavg()[0], 2)],
        "agents": plan.agents,
        "seed": plan.seed,
        "took_s": round(time.monotonic() - began_s, 1),
        "phones_loop_lag": report.of_lag(every_block),
        "idle": {name: report.of_idle(spent) for name, spent in idle.items()},
        "levels": [_level(waiting, of_both, idle, trail) for waiting, of_both in blocks.items()],
    }


def _centres(plan: Plan, folder: Path, installation: Installation) -> tuple[OurCentre, AppQueueCentre]:
    config, phones = folder / "config", [f"p{number}" for number in range(1, plan.agents + 1)]
    write_yaml(
        config, phones, rtp=f"{RTP['centralino'][0] - plan.port_offset}-{RTP['centralino'][1] - plan.port_offset}"
    )
    ours = OurCentre(config, folder / "centralino", plan.port_offset)
    other = Instance(config, folder / "app_queue", plan.port_offset + 1)
    other.make_folders()
    first, last = RTP["app_queue"]
    node = replace(other.node(settings.load(config)), rtp_first=first, rtp_last=last)
    return ours, AppQueueCentre(installation, node, other.asterisk)


@asynccontextmanager
async def _shift(centre: Centre, say: Console) -> AsyncIterator[Shift]:
    """The centre, started, with our phones at it; all of it is over afterwards."""
    say.print(f"starting {centre.name} at port {centre.node.sip_port}")
    async with AsyncExitStack() as opened:
        opened.push_async_callback(centre.stop)
        await centre.start()
        server = (centre.node.sip_host, centre.node.sip_port)
        agents = {}
        for account in centre.node.phones:
            phone = await opened.enter_async_context(Phone(server, account.id, account.secret, keep_audio=False))
            await phone.register(REGISTERED_S)
            agents[account.id] = phone
        callers = Phone(server, "callers", max_calls=CALLS_MAX, keep_audio=False)
        yield Shift(centre, agents, await opened.enter_async_context(callers))


async def _idle_and_calm(shifts: Sequence[Shift], idle_s: float) -> dict[str, Spent]:
    """What each centre spends in a second without calls, once its start is over. Raises BenchFailed."""
    until_s = time.monotonic() + CALM_WITHIN_S
    while time.monotonic() < until_s:
        idle = await _idle(shifts, idle_s)
        if all(max(spent.engine_s, spent.asterisk_s) < CALM_SHARE for spent in idle.values()):
            return idle
    raise BenchFailed(f"without a call, a centre is busy still after {CALM_WITHIN_S:g} s: {idle}")


async def _idle(shifts: Sequence[Shift], idle_s: float) -> dict[str, Spent]:
    before = {shift.centre.name: await shift.centre.spent() for shift in shifts}
    await asyncio.sleep(idle_s)
    after = {shift.centre.name: await shift.centre.spent() for shift in shifts}
    return {name: (after[name] - before[name]) * (1 / idle_s) for name in before}


async def _blocks(plan: Plan, waiting: int, shifts: Sequence[Shift], say: Console) -> Blocks:
    """The blocks of one length of line. The centres take turns, so that what disturbs this machine disturbs both."""
    blocks: dict[str, list[Block]] = {shift.centre.name: [] for shift in shifts}
    wanted = math.ceil(plan.hand_overs / plan.rounds)
    for number in range(plan.rounds):
        for shift in shifts:
            name = shift.centre.name
            say.print(f"{waiting} waiting, {name}: {wanted} hand-overs (block {number + 1} of {plan.rounds})")
            chance = Random(f"{plan.seed} {waiting} {number}")  # the same for both: same talks, same pauses
            blocks[name].append(await shift.block(waiting, wanted, chance))
    return blocks


def _level(waiting: int, blocks: Blocks, idle: Mapping[str, Spent], trail: Trail) -> report.Figures:
    both = {name: report.of_centre(blocks[name], idle[name]) for name in blocks}
    parts = trail.parts(one for block in blocks["centralino"] for one in block.hand_overs)
    return {
        "waiting": waiting,
        **both,
        "parts": report.of_parts(parts),
        **report.compared(waiting, both["centralino"], both["app_queue"]),
    }


# --- from the terminal


async def _until_told(plan: Plan, folder: Path, say: Console) -> report.Figures:
    """Measure; SIGINT and SIGTERM cancel it once, and a second one does not disturb the stopping."""
    measuring = asyncio.create_task(measure(plan, folder, say))
    told: list[int] = []

    def stop(signal_number: int) -> None:
        if not told:
            say.print("stopping")
            measuring.cancel()
        told.append(signal_number)

    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, stop, one)
    return await measuring


def main() -> int:
    words = _words()
    plan = Plan(words.hand_overs, 2, 4.0, words.agents, words.seed, words.port_offset)
    if words.quick:
        plan = replace(plan, hand_overs=6, rounds=1, idle_s=1.0)
    say = Console(stderr=True, highlight=False, soft_wrap=True)
    folder = Path(tempfile.mkdtemp(prefix="centralino-bench-"))
    folder.chmod(0o755)  # Asterisk runs as another user where we are root
    try:
        figures = asyncio.run(_until_told(plan, folder, say))
    except asyncio.CancelledError:
        return 130
    except (BenchFailed, PortBusy, CannotInstall, CannotStart, EngineAway, CommandRefused, RegistrationRefused) as why:
        kept = folder.rename(folder.with_name(f"{folder.name}-failed"))
        say.print(f"the bench failed: {why}\nWhat was logged is kept in {kept}")
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if words.json:
        print(json.dumps(figures, indent=2))
    else:
        report.show(figures, Console())
    return 0


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="6 hand-overs each: a look whether it works")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--hand-overs", type=int, default=100, help="how many each, at least (default: %(default)s)")
    parser.add_argument("--agents", type=int, default=2, help="how many work at a time (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of talk times and pauses (default: %(default)s)")
    parser.add_argument("--port-offset", type=int, default=900, help="N and N+1 are added to ports (default: 900)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
