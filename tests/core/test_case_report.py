"""What came of a week and of a month, as the report has it, against counts made of the tables by themselves."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, count, repeat
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import text

from agents.disposition import Kind, Level
from cases.channels import Channel
from supervision.case_report import CaseReport, Counted, Days, Dimension, case_report
from tests.city import City, city_on, opened_city
from tests.records import KINDS

Value = TypeVar("Value")
HALL, ENTITY, OFFICE = "800840840", "protezione-civile", "protezione-civile/esperti"
# What Civil Protection told of its first week: 214 items, 50.9 % closed; over 75 % of phone requests solved; kinds.
ITEMS, CLOSED_SHARE, SOLVED_SHARE = 214, 0.509, 0.75
SHARES = {"information": 0.677, "report": 0.121, "intervention": 0.047, "complaint": 0.023, "compliment": 0.0093}
OTHER_SHARE = 0.123  # what they did not name
KINDS_SAID = {Kind.INFORMATION: 145, Kind.REPORT: 26, Kind.INTERVENTION: 10, Kind.COMPLAINT: 5, Kind.COMPLIMENT: 2}
TOPICS = ("rischio-sismico", "allerte", "volontariato")
SOLVED, HANDED_ON, MESSAGES, GIVEN_UP = 100, 18, 6, 6  # calls
WRITTEN = {Channel.MAIL: 40, Channel.FORM: 30, Channel.LETTER: 9, Channel.FAX: 5}
CLASSIFIED, ANSWERED = 70, 3  # of what was written
DAYS = ("2026-11-30", "2026-12-01", "2026-12-02", "2026-12-03", "2026-12-04")


@pytest.fixture(params=KINDS)
async def hall(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[City]:
    """Civil Protection, on a Monday morning before the first call."""
    async with city_on(request.param, request, tmp_path, f"{DAYS[0]} 08:00") as city:
        city.centre.agent("ana", skills={"protezione-civile": 5})
        yield city


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[City]:
    """055055, on the first of July before it opens, a Thursday."""
    async with opened_city(tmp_path, "sqlite", "2027-07-01 07:00") as city:
        city.centre.agent("ana", skills={"centralino": 3})
        yield city


def each_so_often(counts: Mapping[Value, int]) -> Iterator[Value]:
    return chain.from_iterable(repeat(value, times) for value, times in counts.items())


@dataclass
class Week:
    """What is still to come in."""

    hall: City
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    kinds: Iterator[Kind] = field(default_factory=lambda: each_so_often(KINDS_SAID))
    classified: int = 0
    answered: int = 0

    async def run(self) -> None:
        calls = ["solved"] * SOLVED + ["handed on"] * HANDED_ON + ["message"] * MESSAGES + ["given up"] * GIVEN_UP
        pieces = list(each_so_often(WRITTEN))
        for nth, day in enumerate(DAYS):
            self.hall.at(f"{day} 09:00")
            for outcome in calls[nth :: len(DAYS)]:
                await self.call(outcome, next(self.numbers))
            for channel in pieces[nth :: len(DAYS)]:
                await self.piece(channel, next(self.numbers))
            await self.hall.projected()

    async def call(self, outcome: str, n: int) -> None:
        call = f"c{n}"
        self.hall.call(call, HALL, f"+39333{n:07d}", "2" if outcome == "message" else "1")
        if outcome == "message":
            self.hall.leave_message(call, 12)
        elif outcome == "given up":
            self.hall.wait(1)
            self.hall.centre.hang_up(call)
        else:
            self.hall.talk("ana")
            level = Level.SOLVED if outcome == "solved" else Level.HANDED_ON
            await self.hall.dispose(call, next(self.kinds), level, TOPICS[n % len(TOPICS)])
        self.hall.wait(120)

    async def piece(self, channel: Channel, n: int) -> None:
        case = await self.hall.write(channel, f"Scrivo per la {n}a volta.", f"citizen{n}@example.org", ENTITY)
        if self.classified < CLASSIFIED:
            self.classified += 1
            await self.hall.work(case, "classify", kind=next(self.kinds), topic=TOPICS[n % len(TOPICS)])
        if self.answered < ANSWERED:
            self.answered += 1
            await self.hall.work(case, "hand-over", to=OFFICE)
            await self.hall.work(case, "answer", words="Ecco la risposta.", office=OFFICE)
        self.hall.wait(30)


async def test_the_first_week_of_civil_protection(hall: City) -> None:
    await Week(hall).run()
    days = Days(hall.local(f"{DAYS[0]} 00:00"), hall.local("2026-12-05 00:00"), HALL)
    report = await case_report(hall.database, days, hall.configuration.entities.id_of_case)
    assert report.total.opened == ITEMS
    assert report.total.closed / ITEMS == pytest.approx(CLOSED_SHARE, abs=0.001)
    by_phone = sum((report.by[Dimension.CHANNEL][name] for name in ("call", "voicemail")), Counted())
    assert by_phone.at_first_level / by_phone.opened > SOLVED_SHARE
    for kind, share in {**SHARES, "": OTHER_SHARE}.items():
        assert report.by[Dimension.KIND][kind].opened / ITEMS == pytest.approx(share, abs=0.002), kind
    assert set(report.by[Dimension.ENTITY]) == {ENTITY}
    assert figures(report) == await plainly_counted(hall)
    asked = {"first": DAYS[0], "last": DAYS[-1], "number": HALL}
    told = (await hall.web.get("/api/v1/reports/cases", params=asked)).json()
    assert told["total"] == {"opened": ITEMS, "closed": report.total.closed, "at_first_level": SOLVED}
    assert next(iter(told["by"]["kind"])) == "information", "the most first"


def figures(report: CaseReport) -> dict[str, int]:
    of_channels = {f"by {name}": one.opened for name, one in report.by[Dimension.CHANNEL].items()}
    of_topics = {f"about {name}": one.opened for name, one in report.by[Dimension.TOPIC].items() if name}
    total = {"opened": report.total.opened, "closed": report.total.closed, "first level": report.total.at_first_level}
    return total | of_channels | of_topics


async def plainly_counted(hall: City) -> dict[str, int]:
    """The same, by SQL that shares nothing with the report."""
    async with hall.database.reading() as connection:

        async def pairs(sql: str) -> dict[str, int]:
            return {str(name): int(n) for name, n in await connection.execute(text(sql))}

        total = await pairs("SELECT 'opened', count(*) FROM cases")
        total |= await pairs("SELECT 'closed', count(*) FROM cases WHERE state = 'closed'")
        total |= await pairs(
            "SELECT 'first level', count(DISTINCT c.id) FROM cases c JOIN calls k ON k.case_id = c.id "
            "WHERE c.state = 'closed' AND k.outcome = 'answered' AND c.level = 'solved'"
        )
        total |= await pairs(
            "SELECT 'by call', count(*) FROM calls WHERE outcome <> 'voicemail' UNION ALL "
            "SELECT 'by voicemail', count(*) FROM messages UNION ALL "
            "SELECT 'by ' || channel, count(*) FROM intakes GROUP BY channel"
        )
        return total | await pairs("SELECT 'about ' || topic, count(*) FROM cases WHERE topic <> '' GROUP BY topic")


# Scandicci's July, of Linea Comune's report: 2,099 cases, 1,479 of them solved at the first level.
CITY, SCANDICCI, REGISTRY = "055055", "comune-scandicci", "comune-scandicci/anagrafe"
CASES, FIRST_LEVEL = 2_099, 1_479
BY_PHONE, AT_OFFICE = {"solved": 1_300, "handed on": 250}, 150
IN_WRITING = {("solved", Channel.MAIL): 100, ("solved", Channel.FORM): 60, ("solved", Channel.LETTER): 19}
IN_WRITING |= {("handed over", Channel.MAIL): 150, ("handed over", Channel.FORM): 40, ("handed over", Channel.FAX): 30}
OF_OTHERS = {"4": "comune-fiesole", "7": "comune-sesto-fiorentino"}  # what they press
REGISTRY_PHONE = "+390557591"


@dataclass
class July:
    """What comes in. Who presses 9 is put through to the registry; where nobody is there, to the operator."""

    city: City
    n: int = 0

    async def run(self) -> None:
        by_phone, in_writing = (
            list(each_so_often(BY_PHONE | dict.fromkeys(OF_OTHERS, 20))),
            list(each_so_often(IN_WRITING)),
        )
        days = [day for day in range(1, 32) if day % 7 != 4]  # of 2027: the 4th is a Sunday
        mornings = [day for day in days if day % 7 != 3]  # the registry is there from Monday to Friday
        for nth, day in enumerate(days):
            self.city.at(f"2027-07-{day:02d} 08:35")
            if day in mornings:
                for _ in range(AT_OFFICE)[mornings.index(day) :: len(mornings)]:
                    await self.call("office")
            for outcome in by_phone[nth :: len(days)]:
                await self.call(outcome)
            for outcome, channel in in_writing[nth :: len(days)]:
                await self.piece(outcome, channel)
            await self.city.projected()

    async def call(self, outcome: str) -> None:
        self.n += 1
        city, call = self.city, f"c{self.n}"
        (city.centre.line.plug_in if outcome == "office" else city.centre.line.unplug)(REGISTRY_PHONE)
        city.call(call, CITY, f"+39333{self.n:07d}", "4" + (outcome if outcome in OF_OTHERS else "9"))
        city.wait(30)
        if outcome == "office":
            city.centre.line.pick_up(REGISTRY_PHONE)
            city.wait(60)
            city.centre.hang_up(call)
        else:
            city.talk("ana")
            level = Level.HANDED_ON if outcome == "handed on" else Level.SOLVED
            await city.dispose(call, Kind.INFORMATION, level)
        city.wait(60)

    async def piece(self, outcome: str, channel: Channel) -> None:
        self.n += 1
        case = await self.city.write(channel, "Una richiesta.", f"citizen{self.n}@example.org", SCANDICCI)
        if outcome == "solved":
            await self.city.work(case, "close", words="Risposto.", agent="a1001")
        else:
            await self.city.work(case, "hand-over", to=REGISTRY)
            await self.city.work(case, "answer", words="Ecco.", office=REGISTRY)
        self.city.wait(10)


async def test_scandiccis_july(city: City) -> None:
    await July(city).run()
    july = city.local("2027-07-01 00:00"), city.local("2027-08-01 00:00")
    report = await case_report(city.database, Days(*july, CITY), city.configuration.entities.id_of_case)
    by_entity = report.by[Dimension.ENTITY]
    assert (by_entity[SCANDICCI].opened, by_entity[SCANDICCI].at_first_level) == (CASES, FIRST_LEVEL)
    assert [by_entity[name].opened for name in OF_OTHERS.values()] == [20, 20]
    only = await case_report(city.database, Days(*july, entity=SCANDICCI), city.configuration.entities.id_of_case)
    assert only.total == by_entity[SCANDICCI]
    async with city.database.reading() as connection:
        plain = text(
            "SELECT (SELECT count(*) FROM cases WHERE entity = :e), "
            "(SELECT count(*) FROM cases c WHERE entity = :e AND state = 'closed' AND ("
            "  EXISTS (SELECT 1 FROM calls k WHERE k.case_id = c.id AND k.outcome = 'answered' AND k.level = 'solved')"
            "  OR (c.closed_by = 'a1001' AND NOT EXISTS (SELECT 1 FROM case_events e WHERE e.case_id = c.id"
            "      AND e.act = 'hand over'))))"
        )
        assert tuple((await connection.execute(plain, {"e": SCANDICCI})).one()) == (CASES, FIRST_LEVEL)
