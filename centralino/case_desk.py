"""Cases, as commands and the API ask for them: looked at with their history and clock, and worked on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cases import deadlines, store
from cases.deadlines import Rule, Seen
from cases.history import Classified, Work, work_on
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
    or else as a supervisor.
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
        act, worker = _act(asked, configuration), worker_of(asked.by, asked.agent, asked.office, configuration)
        work = Work(number, act, worker, self._now(), asked.words, asked.to, asked.into, asked.classified)
        await work_on(self._database, work, configuration.entities.offices())
        seen = await self.case(number)
        assert seen, "cases are never removed"
        return seen

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


def worker_of(by: str, agent: str, office: str, configuration: Configuration) -> Worker:
    """Who works, and as what: as `agent`, as somebody of `office`, or else as a supervisor. Raises CaseRefused."""
    agents, offices = configuration.roster.agents, configuration.entities.offices()
    if agent and office:
        raise CaseRefused("either as an agent, or as somebody of an office")
    if agent and agent not in agents:
        raise CaseRefused(f"there is no agent {shown(agent)}; {did_you_mean(agent, agents)}")
    if office and office not in offices:
        raise CaseRefused(f"there is no office {shown(office)}; {did_you_mean(office, offices)}")
    if agent:
        return Worker(agent, Role.AGENT)
    return Worker(by, Role.OFFICE if office else Role.SUPERVISOR, office)
