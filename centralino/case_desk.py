"""Cases, as commands and the API ask for them: looked at with their history and clock, and worked on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cases import deadlines, store
from cases.deadlines import Rule, Seen
from cases.history import Classified, Work, work_on
from cases.sheets import Sheet
from cases.sheets_store import sheet
from cases.state import Act, CaseRefused, Role, State, Worker
from centralino.database import Database
from centralino.located import did_you_mean, shown
from centralino.settings import Configuration

NOTHING_SAID = Classified()
KNOWN_ACTS = {act.replace(" ", "-"): act for act in Act}
LOOKED_AT_MAX = 10_000  # for what is due


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases: the newest `limit` of all, or those in `state` or with `office`. `due`: those overdue or soon due,
    the first due first.
    """

    limit: int = 50
    state: State | None = None
    office: str | None = None
    due: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What `by` does, in words as people write them: `act` is one of KNOWN_ACTS; as `agent`, as somebody of `office`,
    or else as a supervisor. With `sheet`, `words` is the id of one.
    """

    act: str
    by: str
    words: str = ""
    to: str = ""
    into: str = ""
    agent: str = ""
    office: str = ""
    classified: Classified = NOTHING_SAID


class CaseDesk:
    """`configuration` gives the one in force, `now` the instant. All raise DatabaseAway."""

    def __init__(
        self, database: Database, configuration: Callable[[], Configuration], now: Callable[[], datetime]
    ) -> None:
        self._database, self._configuration, self._now = database, configuration, now

    async def cases(self, wanted: Wanted) -> tuple[Seen, ...]:
        limit = LOOKED_AT_MAX if wanted.due else wanted.limit
        found = await self._see(await store.cases(self._database, limit, wanted.state, wanted.office))
        return tuple(deadlines.due(found)[: wanted.limit]) if wanted.due else found

    async def case(self, number: str) -> Seen | None:
        """None: there is no such case."""
        found = await store.case(self._database, number)
        return (await self._see([found]))[0] if found else None

    async def work(self, number: str, asked: Asked) -> Seen:
        """Do it; the case as it is then. Raises CaseRefused."""
        configuration = self._configuration()
        act, worker = _act(asked, configuration), _worker(asked, configuration)
        words, to = asked.words, asked.to
        if act is Act.SHEET:
            used = await self._sheet(words.strip())
            words, to = used.title, used.id
        work = Work(number, act, worker, self._now(), words, to, asked.into, asked.classified)
        await work_on(self._database, work, configuration.entities.offices())
        seen = await self.case(number)
        assert seen, "cases are never removed"
        return seen

    async def _sheet(self, id: str) -> Sheet:
        """Raises CaseRefused."""
        found = await sheet(self._database, id) if id else None
        if found is None:
            raise CaseRefused(f"there is no sheet {shown(id)}; `centralino knowledge search WORDS` finds them")
        return found

    async def _see(self, cases: list[store.Case] | tuple[store.Case, ...]) -> tuple[Seen, ...]:
        configuration = self._configuration()
        rule = Rule(configuration.entities, configuration.settings.time_zone, self._now())
        return await deadlines.see(self._database, cases, rule)


def _act(asked: Asked, configuration: Configuration) -> Act:
    if asked.act not in KNOWN_ACTS:
        raise CaseRefused(f"nobody can {shown(asked.act)} a case; {did_you_mean(asked.act, KNOWN_ACTS)}")
    act, said, topics = KNOWN_ACTS[asked.act], asked.classified, configuration.entities.topics
    if (act is Act.CLASSIFY) is (said == NOTHING_SAID):
        raise CaseRefused("kind, topic, title and whether it is complex are for `classify`, which needs one of them")
    if said.topic and topics and said.topic not in topics:
        raise CaseRefused(f"there is no topic {shown(said.topic)} in entities.yaml; {did_you_mean(said.topic, topics)}")
    return act


def _worker(asked: Asked, configuration: Configuration) -> Worker:
    agents, offices = configuration.roster.agents, configuration.entities.offices()
    if asked.agent and asked.office:
        raise CaseRefused("either as an agent, or as somebody of an office")
    if asked.agent and asked.agent not in agents:
        raise CaseRefused(f"there is no agent {shown(asked.agent)}; {did_you_mean(asked.agent, agents)}")
    if asked.office and asked.office not in offices:
        raise CaseRefused(f"there is no office {shown(asked.office)}; {did_you_mean(asked.office, offices)}")
    if asked.agent:
        return Worker(asked.agent, Role.AGENT)
    return Worker(asked.by, Role.OFFICE if asked.office else Role.SUPERVISOR, asked.office)
