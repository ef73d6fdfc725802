"""The engine: the process that runs the calls. One loop, one writer.

Everything that happens comes in as an event and is carried out at once by the switchboard; this file only connects it
to the world: the journal, Asterisk, the door, the database, time, and the guardian that watches it.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from acd.rules import QueueRules
from acd.sites import Held
from agents import pins
from agents.state import AfterReset, Wish
from agents.supervisors import How
from asterisk.ami import AmiLine
from asterisk.port import PhoneEvent
from asterisk.talk_recording import ROOM_AT_START_BYTES, TalkRecorder, finish, is_written
from asterisk.telephony import AsteriskTelephony
from cases.proof import Proofs, proves
from centralino import events as ev
from centralino import personal_data, recovery, voices
from centralino.alarm_clock import AlarmClock
from centralino.book import Book
from centralino.call_backs import Wanted
from centralino.call_states import CallState
from centralino.clock import Clock, RunningClock
from centralino.disk_watch import DiskWatch
from centralino.dispositions import topic_of
from centralino.door import CommandRefused, DoorServer, door_path
from centralino.effects import new_day
from centralino.emergencies import Emergencies
from centralino.instance import Instance
from centralino.journal import Journal, JournalError
from centralino.keeping import Keeping, Record
from centralino.open_cases import OpenCases
from centralino.people import People, is_withheld
from centralino.releases import Releases
from centralino.reloading import Reloading
from centralino.sealing import Closing, OnRecord, Sealing
from centralino.settings import Configuration, examine_yaml
from centralino.signing import Refused
from centralino.state import House
from centralino.switchboard import Surroundings, Switchboard
from ivr.situation import CaseStanding
from recordings import files
from supervision.live import LiveView

if TYPE_CHECKING:
    from cases.store import Case
    from centralino.database import Database
    from supervision.projector import Projector

log = logging.getLogger(__name__)

HEARTBEAT_EVERY_S = 0.25
TELL_EVERY_S = 0.05
SEGMENT_AGAIN_S = 60.0
CAUGHT_UP_WITHIN_S = 5.0
CASES_AT_ONCE_MAX = 20  # that callers ask for; more are told that nobody can say
NO_RECORD = 74  # as sysexits.h says of an error of input or output


@dataclass(frozen=True, slots=True)
class Life:
    """How this engine was started.

    `clock_offset_s`: how far our clock is ahead of the machine's, in tests; it is the same in the next life.
    `heartbeat_fd`: the guardian's pipe, -1 where nobody watches.
    """

    clock_offset_s: float = 0.0
    heartbeat_fd: int = -1


class PeopleOrEnd(People):
    """People, for an engine that will not take a call that it cannot put on record."""

    def key_for(self, number: str, name: str, now_s: float) -> str:
        try:
            return super().key_for(number, name, now_s)
        except OSError as refused:
            end_at_once(f"a caller cannot be written down: {refused}")

    def keep_answer(self, answer: str, person: str, now_s: float) -> str:
        try:
            return super().keep_answer(answer, person, now_s)
        except OSError as refused:
            end_at_once(f"what a caller keyed in cannot be written down: {refused}")


def end_at_once(why: str) -> NoReturn:
    """End as if killed: nothing half done. Calls go on in Asterisk; the next life begins from what is on record."""
    log.critical("the engine ends: %s", why)
    logging.shutdown()
    os._exit(NO_RECORD)


class Engine:
    """One life of the engine. `run` it until told to stop."""

    def __init__(self, configuration: Configuration, instance: Instance, life: Life) -> None:
        self.configuration, self.instance, self._life = configuration, instance, life
        self.name = secrets.token_hex(3)
        self.clock: Clock = RunningClock(life.clock_offset_s)
        self.house = House()
        self._began_s = self.clock.now_s()
        self._segment_again_s = 0.0
        self._alarm_clock = AlarmClock(self.clock, self._due)
        self._telling: asyncio.TimerHandle | None = None
        self._lag_s = 0.0
        self._projector: asyncio.Future[Projector]
        self._database: asyncio.Future[Database]
        self._finding: set[asyncio.Task[None]] = set()  # cases that callers ask for
        self._proofs = Proofs()
        self._case_codes = instance.secrets(frozenset()).case_codes

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set. Calls go on in Asterisk; the next life takes them up."""
        instance = self.instance
        self._projector = asyncio.get_running_loop().create_future()
        self._database = asyncio.get_running_loop().create_future()
        self.journal = Journal.open(instance.journal, self.clock)
        self.people = PeopleOrEnd(instance.people)
        tasks = []
        try:
            tasks = [asyncio.create_task(self._beat())]  # first: a long journal and new prompts take their time
            self._remember()
            await self._open_switchboard()
            await self._open_doors()
            tasks.append(asyncio.create_task(self._project()))
            tasks.append(asyncio.create_task(self._keeping().run()))
            tasks.append(asyncio.create_task(self._sealing.run()))
            tasks.append(asyncio.create_task(self._disk.run()))
            tasks.append(asyncio.create_task(self._open_cases.run(asyncio.shield(self._database))))
            await stop.wait()
        finally:
            await self._close(tasks)

    # --- beginning

    def _remember(self) -> None:
        self.house = recovery.read_back(self.journal)
        new_day(self.house, self._today())
        self.journal.start_segment(recovery.checkpoint_of(self.house))

    async def _open_switchboard(self) -> None:
        node = self.instance.node(self.configuration)
        spoken = await voices.prepare(self.configuration, self.instance.config, self.instance.prompts)
        for problem in spoken.problems:
            log.warning("prompt: %s", problem)
        self._ami = AmiLine(frozenset(self.configuration.roster.phones), self.on_phone_event)
        recorder = TalkRecorder(self._ami, node.recordings, self.on_phone_event)
        self.telephony = AsteriskTelephony(node, self.on_phone_event, recorder)
        self._speaker = voices.Speaker(spoken, self.configuration, self.instance, self._after)
        self._reloading = Reloading(self.instance, self._speaker.learn)
        self._open_cases = OpenCases(self._queues_in_force)
        book = Book(self.house, self._on_record)
        self._disk = DiskWatch(self.instance.recordings, ROOM_AT_START_BYTES, self._on_disk)
        around = Surroundings(
            self.telephony,
            self.clock,
            self.people,
            self._speaker.voice(),
            self._open_cases.has,
            self._find_case,
            lambda name: files.length_s(self.instance.recordings, name),
            self._disk.has_room,
            self._check_pin,
        )
        shelf = files.Shelf(self.instance.recordings, self.instance.recording_keys)
        on_record = OnRecord(self._recordings_in_use, lambda: self.house.discarded, book.write)
        self._sealing = Sealing(shelf, on_record, Closing(is_written, finish))
        book.watchers.append(self._sealing.entry)
        book.write(ev.EngineStarted(instance=self.name, open_calls=len(self.house.calls)))
        self.switchboard = Switchboard(self.configuration, book, around, self._releases())
        self._emergencies = Emergencies(self.switchboard, self._speaker, self.instance.notices)
        await self._emergencies.speak_again(self.configuration)
        self.live = LiveView(
            self.house, self.switchboard.floor, dict(self.configuration.roster.agents), self._number_and_name
        )
        book.watchers.append(self.live.entry)

    async def _open_doors(self) -> None:
        node = self.instance.node(self.configuration)
        self.door = DoorServer(door_path(self.instance.state), self.snapshot, self.command)
        await self.door.start()
        await self.telephony.line.listen("127.0.0.1", self.instance.engine_port(self.configuration))
        self._ami.connect(node.ami_host, node.ami_port, node.ami_user, node.ami_password)
        self._plan()
        log.info("the engine is ready", extra={"instance": self.name, "open_calls": len(self.house.calls)})

    async def _close(self, tasks: list[asyncio.Task[None]]) -> None:
        self._alarm_clock.stop()
        if self._telling:
            self._telling.cancel()
        if hasattr(self, "door"):
            self._ami.close()
            await self.door.close()
            await self.telephony.line.close()
        with suppress(TimeoutError):
            projector = await asyncio.wait_for(self._projector, CAUGHT_UP_WITHIN_S)
            await projector.caught_up(CAUGHT_UP_WITHIN_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.people.close()
        self.journal.close()

    def _on_record(self, event: ev.AnyEvent) -> ev.Entry:
        try:
            return self.journal.append(event)
        except JournalError as refused:
            end_at_once(str(refused))

    # --- what happens

    def on_phone_event(self, event: PhoneEvent) -> None:
        self.switchboard.handle(event)
        self._after()

    def _on_disk(self, event: ev.AnyEvent) -> None:
        """It fills up, or has room again: of no call, but pages and `status` show it."""
        self.switchboard.book.write(event)
        self._telling = self._telling or asyncio.get_running_loop().call_later(TELL_EVERY_S, self._tell)

    def _due(self) -> None:
        try:
            self.switchboard.due()
        except Exception:  # ours, and loud; but the next deadline must still come
            log.exception("what was due could not be carried out")
        self._after()

    def _after(self) -> None:
        """After each thing that happened: the next deadline, the pages, the journal's next segment."""
        self._plan()
        if self._telling is None and self.live.has_changed:
            self._telling = asyncio.get_running_loop().call_later(TELL_EVERY_S, self._tell)
        if new_day(self.house, self._today()):
            self._proofs.new_day()
            self.switchboard.floor.new_day()
        if self.journal.is_segment_over() and self.clock.now_s() >= self._segment_again_s:
            self._start_segment()

    def _start_segment(self) -> None:
        """Where there is no room for it, the old one goes on, and it is tried again later."""
        try:
            self.journal.start_segment(recovery.checkpoint_of(self.house))
        except JournalError as refused:
            log.error("the journal goes on in its old segment: %s", refused)
            self._segment_again_s = self.clock.now_s() + SEGMENT_AGAIN_S

    def _plan(self) -> None:
        self._alarm_clock.set(self.switchboard.next_deadline())

    # --- for people: the door

    def snapshot(self) -> dict[str, Any]:
        return {
            "at_s": self.clock.now_s(),
            "instance": self.name,
            "configuration_at_s": self._began_s,
            "emergencies": msgspec.to_builtins(self.house.emergencies),
            **self._health(),
            **self.live.everything(),
        }

    def command(self, name: str, args: dict[str, Any]) -> dict[str, Any] | Awaitable[dict[str, Any]]:
        """Carry out a command of the door. Raises CommandRefused with a sentence for the person who asked."""
        area, _, what = name.partition(".")
        if area == "configuration":
            return self._change_configuration(what, args)
        if area == "emergency":
            return self._change_emergency(what, args)
        if name == "calls.dispose":
            return self._dispose(args)
        commands: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "agents": lambda args: self._about_agents(what, args),
            "calls": lambda args: self._about_calls(what, args),
            "sites": lambda args: self._hold_site(what, args),
            "call_backs": lambda args: self._call_backs(what, args),
            "people": lambda args: self._about_people(what, args),
            "cases": lambda args: self._about_cases(what, args),
        }
        if area not in commands:
            raise CommandRefused(f"there is no command `{name}`")
        result = commands[area](args)
        self._after()
        return result

    async def _change_configuration(self, what: str, args: dict[str, Any]) -> dict[str, Any]:
        """`load` what stands in a folder, or go `back` to a number (none: the one before)."""
        match what:
            case "load":
                folder = Path(str(args.get("folder") or ""))
            case "back":
                folder = self._reloading.folder_of(args.get("number"))
            case _:
                raise CommandRefused(f"there is no command `configuration.{what}`")
        by = str(args.get("by") or "")[:64]
        adopted = await self._reloading.prepare(folder, by, self.configuration)
        if adopted is None:
            return {"release": None, "difference": "", "talks_on": {}}
        gone = self.configuration.roster.phones.keys() - adopted.configuration.roster.phones.keys()
        talks_on = {phone: agent for phone in sorted(gone) if (agent := self.switchboard.who_has_a_call_at(phone))}
        number = adopted.release.number
        self.switchboard.book.write(ev.ConfigurationLoaded(release=number, by=by, files=adopted.files))
        self.configuration = adopted.configuration
        self._began_s = self.clock.now_s()
        self._speaker.adopt(adopted.configuration)
        self.switchboard.adopt(number, adopted.configuration)
        self.live.adopt(dict(adopted.configuration.roster.agents))
        self._ami.look_after(frozenset(adopted.configuration.roster.phones))
        self.telephony.outside.adopt(adopted.configuration.settings.carriers)
        self._after()
        return {"release": number, "difference": adopted.difference, "talks_on": talks_on}

    async def _change_emergency(self, what: str, args: dict[str, Any]) -> dict[str, Any]:
        by = str(args.get("by") or "")[:64]
        if what == "on":
            result = await self._emergencies.begin(args, self.configuration, by)
        elif what == "off":
            result = self._emergencies.end(args, self.configuration, by)
        else:
            raise CommandRefused(f"there is no command `emergency.{what}`")
        self._after()
        return result

    def _releases(self) -> dict[int, Configuration]:
        """The configurations that calls in progress began in, and the one in force."""
        releases = Releases(self.instance.configurations)
        current = releases.current
        if current is None:
            return {}
        found = {}
        for number in {call.release for call in self.house.calls.values()} - {0, current.number}:
            release = releases.get(number)
            configuration = examine_yaml(release.folder)[0] if release else None
            if configuration:
                found[number] = configuration
        return found | {current.number: self.configuration}

    def _about_agents(self, what: str, args: dict[str, Any]) -> dict[str, Any]:
        """What they choose; `extend` a wrap-up, `reset` an agent who is stuck, place a `call` for one."""
        match what:
            case "extend":
                return self._extend_wrap_up(args)
            case "reset":
                return self._reset(args)
            case "call":
                return self._place_call(args)
            case _:
                return self._choose(what, args)

    def _place_call(self, args: dict[str, Any]) -> dict[str, Any]:
        """Ring the phone of `agent`, then `number`, whom the one of `entity` is shown."""
        words = {key: str(args.get(key) or "")[:64] for key in ("agent", "number", "entity", "by")}
        try:
            call = self.switchboard.own_calls.place(
                words["agent"], words["number"], by=words["by"], entity=words["entity"]
            )
        except Refused as refused:
            raise CommandRefused(str(refused)) from refused
        return {"call": call.id, "agent": call.agent, "phone": call.phone, "number": words["number"]}

    def _reset(self, args: dict[str, Any]) -> dict[str, Any]:
        """Whatever holds `agent` ends; they are `then` ready, or out. `held`: what it was."""
        agent, by = str(args.get("agent") or ""), str(args.get("by") or "")[:64]
        try:
            then = AfterReset(args.get("then") or AfterReset.READY)
        except ValueError:
            raise CommandRefused(f"after a reset an agent is {' or '.join(AfterReset)}") from None
        try:
            held = self.switchboard.resetting.reset(agent, then, by=by)
        except Refused as refused:
            raise CommandRefused(str(refused)) from refused
        return {**self._agent_now(agent), "held": held}

    def _choose(self, what: str, args: dict[str, Any]) -> dict[str, Any]:
        words = {key: str(args.get(key) or "") for key in ("agent", "by", "phone", "reason")}
        try:
            wish = Wish(what)
        except ValueError:
            raise CommandRefused(f"agents cannot `{what}`; they can: {', '.join(Wish)}, extend, reset, call") from None
        try:
            self.switchboard.choose(
                words["agent"], wish, by=words["by"][:64], phone=words["phone"], reason=words["reason"][:100]
            )
        except Refused as refused:
            raise CommandRefused(str(refused)) from refused
        return self._agent_now(words["agent"])

    def _extend_wrap_up(self, args: dict[str, Any]) -> dict[str, Any]:
        agent, longer_s = str(args.get("agent") or ""), args.get("longer_s")
        if isinstance(longer_s, bool) or not isinstance(longer_s, int | float) or not 1 <= longer_s <= 3600:
            raise CommandRefused("a wrap-up is extended by 1s to 1h at a time")
        try:
            self.switchboard.signing.extend_wrap_up(agent, longer_s, by=str(args.get("by") or "")[:64])
        except Refused as refused:
            raise CommandRefused(str(refused)) from refused
        return self._agent_now(agent)

    def _agent_now(self, agent: str) -> dict[str, Any]:
        return {**self.live.agent(agent), "at_s": self.clock.now_s()}

    def _hold_site(self, what: str, args: dict[str, Any]) -> dict[str, Any]:
        """`open` or `close` a further site of a queue, or leave it `by_rule` again."""
        wishes = {"open": Held.OPEN, "close": Held.CLOSED, "by_rule": Held.BY_RULE}
        queue, site = (str(args.get(word) or "") for word in ("queue", "site"))
        if what not in wishes:
            raise CommandRefused(f"sites cannot `{what}`; they can: {', '.join(wishes)}")
        if queue not in self.switchboard.floor.rules:
            raise CommandRefused(f"there is no queue {queue}; there are {', '.join(self.switchboard.floor.rules)}")
        further = self.switchboard.floor.further_sites_of(queue)
        if site not in further:
            there_are = ", ".join(further) or "none"
            raise CommandRefused(f"{site} does not open and close for {queue} (queues.yaml says which do: {there_are})")
        self.switchboard.holds.hold(queue, site, wishes[what], str(args.get("by") or "")[:64])
        return {"queue": queue, **self.live.site(queue, site)}

    def _call_backs(self, what: str, args: dict[str, Any]) -> dict[str, Any]:
        """`list` what was promised and is not kept yet, `drop` one, or `ask` for one about a case."""
        call, by = str(args.get("call") or ""), str(args.get("by") or "")[:64]
        if what == "drop":
            if call not in self.house.call_backs:
                raise CommandRefused(
                    f"nothing is promised in {call}, or it was kept: `centralino call-backs` lists all"
                )
            if not self.switchboard.call_backs.drop(call, by):
                raise CommandRefused(f"too late: an agent is calling back for {call} just now")
        elif what == "ask":
            wanted = Wanted(*(str(args.get(name) or "") for name in ("person", "queue", "service", "entity")))
            try:
                self.switchboard.call_backs.ask(str(args.get("case") or ""), wanted, by)
            except Refused as refused:
                raise CommandRefused(str(refused)) from refused
        elif what != "list":
            raise CommandRefused(f"call-backs cannot `{what}`; they can: list, drop, ask")
        promises = sorted(self.house.call_backs.values(), key=lambda one: one.first_entered_s)
        numbers = {one.call: self._number_and_name(one.person)[0] for one in promises}
        return {"call_backs": [msgspec.to_builtins(one) | {"number": numbers[one.call]} for one in promises]}

    def _about_calls(self, what: str, args: dict[str, Any]) -> dict[str, Any]:
        """`end_all`, before Asterisk is stopped: on record, no riddle at the next start; `transfer`, `dispose` of, or
        `listen` to one.
        """
        match what:
            case "end_all":
                return {"ended": self.switchboard.end_all("the service was stopped")}
            case "transfer":
                return self._transfer(args)
            case "listen":
                return self._listen(args)
            case _:
                raise CommandRefused(f"there is no command `calls.{what}`")

    def _about_people(self, what: str, args: dict[str, Any]) -> dict[str, Any]:
        """`key`: what stands for whoever has this number, so that a letter and a call of theirs have one case. What is
        `held` in the people's file about whoever has it, or these keys; that it was `exported`; `erase` it.
        """
        number = str(args.get("number") or "")
        if what == "key" and not is_withheld(number):
            try:
                return {"key": self.people.key_for(number, str(args.get("name") or ""), self.clock.now_s())}
            except OSError as refused:
                raise CommandRefused(f"it cannot be written down: {refused.strerror}") from refused
        try:
            return personal_data.carry_out(what, args, self.people, self.switchboard.book)
        except OSError as refused:
            raise CommandRefused(f"the file of people cannot be read or written: {refused.strerror}") from refused

    def _about_cases(self, what: str, args: dict[str, Any]) -> dict[str, Any]:
        """`prove`: whether who gave a proof on the page, right or not (`proven`), is told of `case`."""
        case, proven = args.get("case"), args.get("proven")
        if what != "prove" or not isinstance(case, str) or not isinstance(proven, bool):
            raise CommandRefused("there is only `cases.prove`, of a case")
        return {"is_let_in": self._proofs.is_let_in(case, proven=proven)}

    def _listen(self, args: dict[str, Any]) -> dict[str, Any]:
        """Ring the phone of supervisor `as`, who then hears the talk of `call`, and is with it as `how` says."""
        words = {key: str(args.get(key) or "") for key in ("call", "as", "how", "by", "phone")}
        try:
            how = How(words["how"] or How.LISTEN)
        except ValueError:
            raise CommandRefused(f"supervisors cannot `{words['how'][:40]}`; they can: {', '.join(How)}") from None
        try:
            phone = self.switchboard.listening.ring(
                words["call"], words["as"], how, by=words["by"][:64], phone=words["phone"]
            )
        except Refused as refused:
            raise CommandRefused(str(refused)) from refused
        return {"call": words["call"], "supervisor": words["as"], "how": how, "phone": phone}

    def _transfer(self, args: dict[str, Any]) -> dict[str, Any]:
        """The agent who talks in `call` hands it on `to` an office or a queue, with a `note`."""
        words = {key: str(args.get(key) or "") for key in ("call", "to", "by", "note")}
        try:
            self.switchboard.hand_on(words["call"], words["to"], by=words["by"][:64], note=words["note"])
        except Refused as refused:
            raise CommandRefused(str(refused)) from refused
        return {"call": words["call"], "to": words["to"]}

    async def _dispose(self, args: dict[str, Any]) -> dict[str, Any]:
        """What somebody says of a call, one that ended long ago too."""
        words = {key: str(args.get(key) or "") for key in ("call", "agent", "kind", "level", "by", "topic")}
        words |= {"by": words["by"][:64], "topic": topic_of(words["topic"])}
        said = ev.CallDisposed(**words)
        if said.call not in self.house.calls and said.call not in self.house.ended:
            await self._look_for_call(said.call)
        try:
            self.switchboard.dispositions.dispose(said)
        except Refused as refused:
            raise CommandRefused(str(refused)) from refused
        self._after()
        return {key: words[key] for key in ("call", "kind", "topic", "level", "agent")}

    async def _look_for_call(self, call: str) -> None:
        """Raises CommandRefused where there is no such call, or nobody can tell."""
        if not self._database.done():  # before its library is asked for: calls must not wait until that is loaded
            raise CommandRefused(f"the database cannot be asked for {call} yet; try again in a moment")
        from centralino.database import DatabaseAway
        from supervision import store

        try:
            found = await store.call(self._database.result(), call)
        except DatabaseAway as away:
            raise CommandRefused(f"the database cannot be asked for {call}; try again later") from away
        if found is None:
            raise CommandRefused(f"there is no call {call}; `centralino calls` lists them")

    def _tell(self) -> None:
        self._telling = None
        self.door.publish({"at_s": self.clock.now_s(), **self._health(), **self.live.changes()})

    def _health(self) -> dict[str, Any]:
        connected = self.switchboard.connected
        counts = self.telephony.line.counts
        return {
            "nodes": {
                name: {"connected": up, "since_s": self.switchboard.connected_since_s[name]}
                for name, up in connected.items()
            },
            "can_answer": all(connected.values()),
            "why_not": "" if all(connected.values()) else "Asterisk is not connected",
            "can_record": self._disk.has_room(),
            "totals": {
                "queues": {
                    name: {
                        "offered": count.offered,
                        "answered": count.answered,
                        "abandoned": count.abandoned,
                        "answered_in_time": count.in_time,
                    }
                    for name, count in self.house.totals.items()
                },
                "calls_by_outcome": dict(self.house.outcomes),
                "requests": counts.requests,
                "events": counts.events,
                "loop_lag_s": self._lag_s,
            },
        }

    # --- beside the calls

    async def _beat(self) -> None:
        """Tell the guardian that the loop turns. It kills us where this stops."""
        loop = asyncio.get_running_loop()
        while True:
            if self._life.heartbeat_fd >= 0:
                with suppress(BlockingIOError):
                    os.write(self._life.heartbeat_fd, b".")
            began_s = loop.time()
            await asyncio.sleep(HEARTBEAT_EVERY_S)
            self._lag_s = max(0.0, loop.time() - began_s - HEARTBEAT_EVERY_S)

    async def _project(self) -> None:
        """The database follows the journal, as soon as it is there. Its libraries are loaded last, and not in the loop:
        calls do not wait.
        """
        for library in ("supervision.projector", "alembic.command", "alembic.config"):
            await asyncio.to_thread(importlib.import_module, library)
        from centralino.database import database_url, open_database
        from supervision.projector import Projector

        url = database_url(self.configuration.settings.database, self.instance.state.absolute())
        if url.startswith("sqlite"):
            (self.instance.state / "centralino.db").touch(mode=0o600)  # numbers and names stand in it
        database = await asyncio.to_thread(open_database, url)  # which loads what speaks to this kind of database
        projector = Projector(
            self.journal,
            self.people,
            database,
            self._reopening_s,
        )
        self._projector.set_result(projector)
        self._database.set_result(database)
        gc.collect()
        gc.freeze()  # what is loaded stays: no later collection walks through it in the middle of a call
        try:
            await projector.run()
        finally:
            await database.close()

    def _reopening_s(self, entity: str, service: str) -> float:
        return self.configuration.entities.reopening_s(entity, service)

    def _queues_in_force(self) -> Iterable[QueueRules]:
        return self.configuration.rules.queues.values()

    def _keeping(self) -> Keeping:
        def rules() -> Mapping[str, QueueRules]:
            return self.configuration.rules.queues

        record = Record(rules, self._boxes, self.switchboard.book.write)
        return Keeping(self.instance.recordings, self.clock, record)

    async def _boxes(self, calls: Collection[str]) -> Mapping[str, tuple[str, bool]]:
        """Of messages. Raises ConnectionError while nobody can say."""
        if not self._database.done():
            raise ConnectionError("the database is not there yet")
        from cases import voicemails
        from centralino.database import DatabaseAway

        try:
            return await voicemails.boxes(self._database.result(), calls)
        except DatabaseAway as away:
            raise ConnectionError(f"the database is away: {away}") from away

    def _recordings_in_use(self) -> set[str]:
        """Those whose end is not on record yet."""
        messages = {call.recording for call in self.house.calls.values() if call.state is CallState.VOICEMAIL}
        return messages | self.house.recordings.keys()

    def _find_case(self, number: str, proof: str, found: Callable[[CaseStanding | None], None]) -> None:
        """Beside the calls: the caller waits, at most as long as the attendant does."""
        if len(self._finding) < CASES_AT_ONCE_MAX:
            task = asyncio.create_task(self._find_case_now(number, proof, found))
            self._finding.add(task)
            task.add_done_callback(self._finding.discard)

    async def _find_case_now(self, number: str, proof: str, found: Callable[[CaseStanding | None], None]) -> None:
        if not self._database.done():  # before its library is asked for: calls must not wait until that is loaded
            return  # the attendant goes on without
        from cases import store
        from centralino.database import DatabaseAway

        try:
            case = await store.case(self._database.result(), number)
        except DatabaseAway as away:
            log.warning("a caller's case could not be looked up: %s", away)
            return
        found(self._standing(case, proof) if case else None)
        self._after()

    def _check_pin(self, hashed: str, pin: str, told: Callable[[bool], None]) -> None:
        """In a thread: the hash is made to be slow."""

        def checked(checking: asyncio.Future[bool]) -> None:
            told(checking.exception() is None and checking.result())
            self._after()

        checking = asyncio.get_running_loop().run_in_executor(None, pins.fits, hashed, pin)
        checking.add_done_callback(checked)

    def _standing(self, case: Case, proof: str) -> CaseStanding | None:
        """How the case stands; None where the proof is wrong, or there were too many wrong ones today."""
        if not self._proofs.is_let_in(case.id, proven=proves(proof, case.id, case.number, self._case_codes)):
            return None
        zone = self.configuration.settings.time_zone
        return CaseStanding(case.closed_at is None, case.opened_at.astimezone(zone).date())

    def _number_and_name(self, person: str) -> tuple[str, str]:
        who = self.people.who(person)
        return who.number, who.name

    def _today(self) -> str:
        zone = self.configuration.settings.time_zone
        return datetime.fromtimestamp(self.clock.now_s(), zone).date().isoformat()
