"""Cases, as commands and the API ask for them: looked at with their history and clock, and worked on."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from email_validator import EmailNotValidError, validate_email

from cases import deadlines, intake, store
from cases.attachments import attachments_of
from cases.channels import Channel
from cases.deadlines import Rule, Seen
from cases.history import Classified, Work, look_whether, work_on
from cases.intake import Intake, Sender, TakenIn
from cases.requester import Region, Requester
from cases.sheets import Sheet
from cases.sheets_store import sheet
from cases.state import WORDS_MAX, Act, CaseRefused, Role, State, Worker
from cases.telling import Service, Telling
from centralino import reports
from centralino.database import Database
from centralino.door import CommandRefused
from centralino.located import did_you_mean, shown
from centralino.people import cleaned, e164, normalised
from centralino.settings import Configuration
from supervision.case_report import CaseReport
from supervision.store import language_of

NOTHING_SAID = Classified()
CLASSIFIED = "kind, topic, title, whether it is complex, requester and region"
KNOWN_ACTS = {act.replace(" ", "-"): act for act in Act}
LINE_MAX = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases: the newest `limit` of all, or those in `state`, with `office`, or of who calls or writes from `of`
    (a telephone, or a mail address). `due`: instead, those overdue or soon due, with `office` or all, the first due
    first.
    """

    limit: int = 50
    state: State | None = None
    office: str | None = None
    of: str = ""
    due: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What `by` does, in words as people write them: `act` is one of KNOWN_ACTS; as `agent`, as somebody of `office`,
    or else as a supervisor. With `sheet`, `words` is the id of one. `contacts`: the places of those that `split` takes.
    """

    act: str
    by: str
    words: str = ""
    to: str = ""
    into: str = ""
    agent: str = ""
    office: str = ""
    contacts: frozenset[int] = frozenset()
    classified: Classified = NOTHING_SAID


@dataclass(frozen=True, slots=True)
class Written:
    """What a citizen wrote, as it is typed in or comes from a form; for `entity`, or for `number` of ours. Of `sender`,
    `once` and `language`, see cases/intake.py.
    """

    channel: Channel
    words: str
    by: str
    entity: str = ""
    number: str = ""
    subject: str = ""
    name: str = ""
    phone: str = ""
    mail: str = ""
    kind: str = ""
    topic: str = ""
    requester: Requester | None = None
    region: Region | None = None
    into: str = ""
    sender: Sender = Sender.KNOWN
    once: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Around:
    """What a CaseDesk looks at: the configuration in force, the instant, and the engine, which carries out a command of
    its door (raises CommandRefused; ConnectionError while it is away). `case_codes`: the secret that they are of.
    """

    configuration: Callable[[], Configuration]
    now: Callable[[], datetime]
    engine: Callable[[str, dict[str, str]], Awaitable[dict[str, Any]]]
    case_codes: str


class CaseDesk:
    """All raise DatabaseAway."""

    def __init__(self, database: Database, around: Around) -> None:
        self._database = database
        self._configuration, self._now, self._engine = around.configuration, around.now, around.engine
        self._case_codes = around.case_codes

    async def cases(self, wanted: Wanted) -> tuple[Seen, ...]:
        if wanted.due:
            return await deadlines.due(self._database, self._rule(), wanted.limit, wanted.office)
        of = wanted.of if "@" in wanted.of else normalised(wanted.of)
        return await self._see(await store.cases(self._database, wanted.limit, wanted.state, wanted.office, of))

    async def report(self, asked: reports.Asked) -> CaseReport:
        """Raises CaseRefused."""
        return await reports.report_of_cases(self._database, asked, self._configuration(), self._now())

    async def case(self, number: str) -> Seen | None:
        """None: there is no such case."""
        found = await store.case(self._database, number)
        if found is None:
            return None
        [seen] = await self._see([found])
        wrote, files = await intake.kept(self._database, found.id), await attachments_of(self._database, found.id)
        return replace(seen, wrote=wrote, attachments=files)

    async def work(self, number: str, asked: Asked) -> Seen:
        """Do it; the case as it is then. Raises CaseRefused."""
        configuration = self._configuration()
        act, worker = _act(asked, configuration), worker_of(asked.by, asked.agent, asked.office, configuration)
        words, to = asked.words, asked.to
        if act is Act.SHEET:
            used = await self._sheet(words.strip())
            words, to = used.title, used.id
        work = Work(number, act, worker, self._now(), words, to, asked.into, asked.contacts, asked.classified)
        if act is Act.CALL_BACK:
            work = await self._have_called_back(work, configuration)
        telling = telling_of(configuration, self._case_codes)
        await work_on(self._database, work, configuration.entities.offices(), telling)
        seen = await self.case(number)
        assert seen, "cases are never removed"
        return seen

    async def take_in(self, written: Written) -> tuple[TakenIn, Seen]:
        """Keep it with the sender's open case, or a new one. Raises CaseRefused, and ConnectionError where it names a
        telephone and the engine is away: who called before would not be known again.
        """
        configuration = self._configuration()
        piece = _piece(written, configuration)
        if piece.phone and not piece.into:
            name = piece.name if piece.sender is Sender.KNOWN else ""  # it would be everybody's name for that telephone
            told = await self._engine("people.key", {"number": piece.phone, "name": name})
            piece = replace(piece, person=str(told["key"]))
        reopening_s = configuration.entities.reopening_s(piece.entity, piece.service)
        telling = telling_of(configuration, self._case_codes)
        taken = await intake.take_in(self._database, piece, self._now(), reopening_s, telling)
        seen = await self.case(taken.case)
        assert seen, "it was kept a moment ago"
        return taken, seen

    async def _have_called_back(self, work: Work, configuration: Configuration) -> Work:
        """The engine promises it; the work, with the queue. why the engine first: it knows whether it can be kept."""
        await look_whether(self._database, work, configuration.entities.offices())
        its = await store.case(self._database, work.number)
        assert its, "it was looked at just now"
        office = configuration.entities.offices().get(its.office or "")
        queue = work.to or (office.queue if office else "")
        if not queue:
            raise CaseRefused("who calls back? Name the queue; it is known where an office with agents has the case")
        asked = {"case": its.id, "person": its.person, "queue": queue, "service": its.service, "by": work.worker.by}
        try:
            await self._engine("call_backs.ask", asked | {"entity": its.entity or ""})
        except CommandRefused as refused:
            raise CaseRefused(str(refused)) from refused
        return replace(work, to=queue)

    async def _sheet(self, id: str) -> Sheet:
        """Raises CaseRefused."""
        found = await sheet(self._database, id) if id else None
        if found is None:
            raise CaseRefused(f"there is no sheet {shown(id)}; `centralino knowledge search WORDS` finds them")
        return found

    async def _see(self, cases: list[store.Case] | tuple[store.Case, ...]) -> tuple[Seen, ...]:
        return await deadlines.see(self._database, cases, self._rule())

    def _rule(self) -> Rule:
        configuration = self._configuration()
        return Rule(configuration.entities, configuration.settings.time_zone, self._now())


def telling_of(configuration: Configuration, case_codes: str) -> Telling:
    """Who is told what. `case_codes`: the secret that the codes of cases are of."""
    numbers = configuration.dialplans.values()
    return Telling(
        configuration.entities,
        {number.number: Service(number.name, number.languages[0]) for number in numbers},
        case_codes,
        bool(configuration.settings.sms.url),
        language_of,
    )


def _act(asked: Asked, configuration: Configuration) -> Act:
    if asked.act not in KNOWN_ACTS:
        raise CaseRefused(f"nobody can {shown(asked.act)} a case; {did_you_mean(asked.act, KNOWN_ACTS)}")
    act, said = KNOWN_ACTS[asked.act], asked.classified
    if (act is Act.CLASSIFY) is (said == NOTHING_SAID):
        raise CaseRefused(f"{CLASSIFIED} are for `classify`, which needs one of them")
    if (act is Act.SPLIT) is (not asked.contacts):
        raise CaseRefused("contacts are for `split`, which needs their places in what the case shows")
    _known_topic(said.topic or "", configuration)
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


def _piece(written: Written, configuration: Configuration) -> Intake:
    """What is kept of it. Raises CaseRefused, with all that is wrong with it in a sentence."""
    if written.channel in intake.NOT_BY_US:
        raise CaseRefused(f"a {written.channel} comes in by the engine; people take in letters, faxes, forms and mails")
    if not written.words.strip():
        raise CaseRefused("there are no words in it")
    if len(written.words) > WORDS_MAX:
        raise CaseRefused(f"{len(written.words)} characters are too many; {WORDS_MAX} can be kept")
    _known_topic(written.topic, configuration)
    entity, number = _for_whom(written, configuration)
    words = written.words.replace("\0", "")  # PostgreSQL takes none
    as_it_came = ("channel", "by", "kind", "topic", "requester", "region", "into", "sender", "once", "language")
    piece = {name: getattr(written, name) for name in as_it_came}
    piece |= {name: cleaned(getattr(written, name), LINE_MAX) for name in ("subject", "name")}
    piece |= {"words": words, "phone": _phone(written.phone), "mail": _mail(written.mail)}
    return Intake(**piece, entity=entity, service=number)


def _for_whom(written: Written, configuration: Configuration) -> tuple[str, str]:
    """The entity, where it can be told, and the number of ours."""
    entities, numbers = configuration.entities, configuration.dialplans
    if written.entity and written.entity not in entities.entities:
        known = entities.entities
        raise CaseRefused(f"there is no entity {shown(written.entity)}; {did_you_mean(written.entity, known)}")
    if written.number and written.number not in numbers:
        raise CaseRefused(f"there is no number {shown(written.number)}; {did_you_mean(written.number, numbers)}")
    if not (written.entity or written.number):
        raise CaseRefused("for whom is it? Name the entity, or the number of ours")
    if not written.number:
        return written.entity, entities.entities[written.entity].numbers[0]
    of_number = entities.of_case(written.entity, written.number)
    if written.entity and written.number not in entities.entities[written.entity].numbers:
        raise CaseRefused(f"{written.number} is no number of {written.entity}")
    return (of_number.id if of_number else ""), written.number


def _phone(text: str) -> str:
    number = e164(text)
    if text.strip() and not number:
        raise CaseRefused(f"{shown(text)} is no telephone number")
    return number


def _mail(text: str) -> str:
    if not text.strip():
        return ""
    try:
        return validate_email(text.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError as wrong:
        raise CaseRefused(f"{shown(text)} is no mail address: {wrong}") from wrong


def _known_topic(topic: str, configuration: Configuration) -> None:
    topics = configuration.entities.topics
    if topic and topics and topic not in topics:
        raise CaseRefused(f"there is no topic {shown(topic)} in entities.yaml; {did_you_mean(topic, topics)}")
