"""A whole city but for its Asterisk: citizens call a fake one, and write through the real doors of a real desk.

The engine's decisions, journal and projector run in the test; the desk is a process of its own, on the deployment that
ships, on SQLite or PostgreSQL. Time is the test's: the desk follows the engine's clock, as it always does.
"""

import asyncio
import os
import re
import shutil
import smtplib
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from sqlalchemy import text

from agents.disposition import Level
from asterisk.port import CallerId
from cases.case_number import keyed
from cases.channels import Channel
from centralino import events as ev
from centralino.call_backs import Wanted
from centralino.database import Database, database_url, open_database
from centralino.door import CommandRefused, DoorServer, door_path
from centralino.journal import Journal
from centralino.settings import Configuration, load
from centralino.signing import Refused
from supervision.projector import Projector
from tests.contact_centre import ContactCentre
from tests.postgres import Postgres
from web.tokens import Role, make_token

SHIPPED = Path(__file__).parents[1]
FILES = ("agents.yaml", "queues.yaml", "entities.yaml")
OURS = "citta.example"
WITHIN_S = 30.0
READS_S = 120.0  # who fills in a form; the desk may be some seconds ahead of our clock, which stands still
TALK_S = 60.0


class City:
    """Made by `opened_city`."""

    def __init__(self, folder: Path, setting: str) -> None:
        self.state, self.deployment = folder / "var", folder / "deployment"
        self.port, self.mail_port, self._visitors = _free_port(), _free_port(), 0
        self.configuration = self._deploy(setting)
        self.centre = ContactCentre(folder)
        self._ship(self.configuration)
        self.clock = self.centre.clock
        self.journal = Journal.open(self.state / "journal", self.clock)
        self.journal.start_segment(None)
        self.centre.on_entry = lambda entry: self._keep(entry.event)
        self.database: Database = open_database(database_url(setting, self.state))
        self.projector = Projector(self.journal, self.centre.people, self.database)
        self.door = DoorServer(door_path(self.state), self._snapshot, self._command)
        self.web: httpx.AsyncClient

    # --- time

    def at(self, local: str) -> None:
        """Go on until `2026-11-23 09:00`, local time; the desk follows."""
        self.wait(self.local(local).timestamp() - self.clock.now_s())

    def local(self, text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=self.configuration.settings.time_zone)

    def wait(self, seconds: float) -> None:
        assert seconds >= 0, "time goes on only"
        self.clock.advance(seconds)
        self.door.publish({"at_s": self.clock.now_s()})

    async def followed(self) -> None:
        """Until the desk knows what time it is."""
        async with asyncio.timeout(WITHIN_S):
            while (await self.get("queues"))["at_s"] < self.clock.now_s():
                pass  # each turn is a request of its own

    # --- calls

    def call(self, call: str, number: str, caller: str, keys: str = "") -> None:
        """A citizen calls `number` and presses `keys`."""
        self.centre.line.truth.within_reach.add(caller)
        self.centre.call(call, number=number, caller=CallerId(caller, ""))
        self.centre.press(call, keys)

    def talk(self, agent: str) -> None:
        """The agent answers, they talk, and the agent hangs up."""
        self.centre.pick_up(agent)
        self.wait(TALK_S)
        self.centre.put_down(agent)

    def leave_message(self, call: str, seconds: float) -> None:
        """The caller, whom the voicemail greets, speaks so long and hangs up."""
        self.wait(self.centre.line.sound_s + seconds)
        self.centre.hang_up(call)

    async def dispose(self, call: str, kind: str, level: Level, topic: str = "") -> None:
        """Say what came of it, by the API."""
        said = {"kind": kind, "level": level, "topic": topic}
        await self.post(f"calls/{call}/disposition", said)

    # --- the desk

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask the API; it must not refuse."""
        answer = await self.web.post(f"/api/v1/{path}", json=body)
        assert answer.is_success, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def get(self, path: str) -> dict[str, Any]:
        answer = await self.web.get(f"/api/v1/{path}")
        assert answer.is_success, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def write(self, channel: Channel, words: str, sender: str, entity: str) -> str:
        """A citizen writes to `entity` from the mail address `sender`; their case. Letters and faxes are typed in."""
        if channel is Channel.MAIL:
            return await self.mail(words, sender, entity)
        if channel is Channel.FORM:
            return await self.send_form(words, sender, entity)
        told = await self.post("cases", {"channel": channel, "words": words, "mail": sender, "entity": entity})
        return str(told["id"])

    async def mail(self, words: str, sender: str, entity: str) -> str:
        await self.hand_in(letter(words, sender, entity))
        return str((await self.get(f"cases?of={sender}"))["cases"][0]["id"])

    async def hand_in(self, message: EmailMessage) -> None:
        """By SMTP. Raises SMTPException, OSError."""
        await asyncio.to_thread(self._by_smtp, message)

    async def send_form(self, words: str, sender: str, entity: str) -> str:
        form = await self.filled_form(words, sender, entity)
        self.wait(READS_S)
        await self.followed()
        answer = await self.hand_in_form(form)
        number = re.search('<dd class="figure">([^<]+)</dd>', answer.text)
        assert number, answer.text
        return keyed(number[1])

    async def filled_form(self, words: str, sender: str, entity: str) -> dict[str, str]:
        """The public page's form, as it is handed out, with these words in it."""
        page = (await self.web.get("/public/write", headers={"host": OURS})).text
        token = re.search('name="token" value="([^"]+)"', page)
        assert token, page
        return {"token": token[1], "entity": entity, "words": words, "mail": sender, "consent": "yes"}

    async def hand_in_form(self, form: dict[str, str]) -> httpx.Response:
        """As a browser at an address of its own does, behind the administration's proxy."""
        self._visitors += 1
        seen_by = {"host": OURS, "x-forwarded-for": f"198.51.{self._visitors // 250}.{self._visitors % 250}"}
        return await self.web.post("/public/write", data=form, headers=seen_by)

    async def work(self, case: str, act: str, **asked: str) -> None:
        """Somebody of ours works on the case, by the API."""
        await self.post(f"cases/{case}/{act}", asked)

    async def all(self, sql: str) -> list[Any]:
        """The rows of the database that this asks for."""
        async with self.database.reading() as connection:
            return [tuple(row) for row in await connection.execute(text(sql))]

    async def projected(self) -> None:
        await self.projector.caught_up(WITHIN_S)

    # --- within

    def _by_smtp(self, message: EmailMessage) -> None:
        with smtplib.SMTP("127.0.0.1", self.mail_port, timeout=WITHIN_S) as door:
            door.send_message(message)

    def _deploy(self, setting: str) -> Configuration:
        self.deployment.mkdir(parents=True)
        self.state.mkdir(mode=0o700)
        for name in FILES:
            shutil.copy(SHIPPED / name, self.deployment)
        shutil.copytree(SHIPPED / "dialplans", self.deployment / "dialplans")
        machine = yaml.safe_load((SHIPPED / "centralino.yaml").read_text())
        machine |= {"database": setting, "web": {"listen": f"127.0.0.1:{self.port}"}}
        entities = yaml.safe_load((SHIPPED / "entities.yaml").read_text())["entities"]
        boxes = {f"{name}@{OURS}": {"number": it["numbers"][0], "entity": name} for name, it in entities.items()}
        machine["mail"] = {"from": f"citta@{OURS}", "listen": f"127.0.0.1:{self.mail_port}", "addresses": boxes}
        machine["public"] = {"address": f"https://{OURS}", "privacy_notice": f"https://{OURS}/privacy"}
        del machine["console"]
        (self.deployment / "centralino.yaml").write_text(yaml.safe_dump(machine))
        return load(self.deployment)

    def _ship(self, configuration: Configuration) -> None:
        """Have the fake run what ships; agents come as tests ask for them."""
        centre = self.centre
        centre.queues.update(configuration.rules.queues)
        centre.dialplans.update(configuration.dialplans)
        centre.entities.update(configuration.entities.entities)
        roster = replace(centre.configuration.roster, sites=configuration.roster.sites)
        centre.configuration = replace(
            centre.configuration, settings=configuration.settings, roster=roster, entities=configuration.entities
        )
        centre.restart_engine()

    def _keep(self, event: ev.AnyEvent) -> None:
        self.journal.append(event)

    def _snapshot(self) -> dict[str, Any]:
        rooms = {name: {} for name in ("nodes", "queues", "agents", "calls", "totals", "emergencies")}
        told = {"at_s": self.clock.now_s(), "instance": "test", "configuration_at_s": 0.0, "can_answer": True}
        return {**told, "why_not": "", **rooms}

    def _command(self, name: str, args: dict[str, Any]) -> dict[str, Any]:
        if name == "people.key":
            return {"key": self.centre.people.key_for(args["number"], args["name"], self.clock.now_s())}
        if name == "call_backs.ask":
            return self._ask_for_call_back(args)
        assert name == "calls.dispose", name
        words = {key: str(args.get(key) or "") for key in ("call", "agent", "kind", "level", "by", "topic")}
        self.centre.switchboard.dispositions.dispose(ev.CallDisposed(**words))
        return {key: word for key, word in words.items() if key != "by"}

    def _ask_for_call_back(self, args: dict[str, Any]) -> dict[str, Any]:
        wanted = Wanted(args["person"], args["queue"], args["service"], args["entity"])
        try:
            self.centre.switchboard.call_backs.ask(args["case"], wanted, args["by"])
        except Refused as refused:
            raise CommandRefused(str(refused)) from refused
        self.centre.settle()
        return {}


def letter(words: str, sender: str, entity: str) -> EmailMessage:
    """A mail to the address of `entity`."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, f"{entity}@{OURS}", "Una richiesta"
    message["Message-ID"] = make_msgid(domain="example.org")
    message.set_content(words)
    return message


@asynccontextmanager
async def opened_city(folder: Path, setting: str, at: str) -> AsyncIterator[City]:
    """`setting`: the database, as an admin writes it; it is made ready. `at`: the local time that it begins at."""
    city = City(folder, setting)
    city.at(at)
    await city.database.upgrade()
    projecting = asyncio.create_task(city.projector.run())
    await city.door.start()
    try:
        async with _desk(city):
            yield city
    finally:
        projecting.cancel()
        await asyncio.wait([projecting])
        await city.door.close()
        city.journal.close()
        await city.database.close()


@asynccontextmanager
async def city_on(kind: str, request: pytest.FixtureRequest, folder: Path, at: str) -> AsyncIterator[City]:
    """On a database of one of tests.records.KINDS, that is its own."""
    if kind == "sqlite":
        async with opened_city(folder, "sqlite", at) as city:
            yield city
        return
    server: Postgres = request.getfixturevalue("postgres")
    async with server.fresh() as url, opened_city(folder, url, at) as city:
        yield city


@asynccontextmanager
async def _desk(city: City) -> AsyncIterator[None]:
    """The desk as a process of its own, and a client of its API."""
    folders = ("--config", str(city.deployment), "--state", str(city.state))
    log = (city.state / "desk.out").open("wb")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "centralino", "desk", *folders, stdout=log, stderr=subprocess.STDOUT, env=os.environ
    )
    headers = {"Authorization": f"Bearer {make_token(city.state, Role.SUPERVISOR)}"}
    address = f"http://127.0.0.1:{city.port}"
    try:
        async with httpx.AsyncClient(base_url=address, headers=headers, timeout=WITHIN_S) as city.web:
            await _answers(city, process)
            yield
    finally:
        log.close()
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), WITHIN_S)


async def _answers(city: City, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(WITHIN_S):
        while True:
            assert process.returncode is None, (city.state / "desk.out").read_text()
            try:
                if (await city.web.get("/healthz")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)  # it does not listen yet


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
