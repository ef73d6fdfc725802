"""From what an admin wrote (forms, checked) to what it means in each room's own words."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from acd import goto
from acd.rules import (
    CallBackRules,
    HeadStart,
    Opening,
    Pick,
    QueueRules,
    Recording,
    Relax,
    Rules,
    SiteRules,
    WhileWaiting,
)
from agents.roster import Agent, Make, PauseReason, PhoneSeat, Roster, Site, digits_of
from agents.supervisors import Supervisor
from asterisk.carrier import EMERGENCY_NUMBERS, Carrier, Registration, Tls
from cases.clocks import Promise, read_term
from cases.entities import WORKING_DAYS, Entities, Entity, Office
from cases.progress import Progress
from centralino.forms.agents import PhoneForm, RosterForm, SupervisorForm
from centralino.forms.dialplans import (
    WITHHELD,
    AlsoForm,
    AskForm,
    BranchForm,
    DialplanForm,
    NoticeForm,
    RecordedForm,
    ScenarioForm,
    StepForm,
    TransferForm,
)
from centralino.forms.entities import EntitiesForm, EntityForm, OfficeForm, PromiseForm
from centralino.forms.queues import (
    CallBackRulesForm,
    QueueForm,
    QueuesForm,
    RecordingForm,
    SiteRulesForm,
    ThereForm,
    WhileWaitingForm,
)
from centralino.forms.settings import (
    CARRIER,
    CarrierForm,
    MailForm,
    PublicForm,
    SettingsForm,
    SmsForm,
    TlsForm,
    read_address,
    read_megabytes,
    read_sender,
    split_address,
)
from centralino.mail_addresses import MailAddress, MailIn
from centralino.mail_settings import Mail, Sms
from centralino.mail_settings import Tls as MailTls
from centralino.outgoing import Outgoing
from ivr.hours import DAYS, Hours, read_hours
from ivr.menu import (
    Ask,
    Branch,
    CallBack,
    CallsFrom,
    CaseStatus,
    Choose,
    Condition,
    Dialplan,
    ExpectedWaitOver,
    HangUp,
    IsOpen,
    Key,
    Menu,
    NobodySignedIn,
    Notice,
    OnDay,
    Queue,
    Say,
    SetLanguage,
    Speaks,
    Step,
    Transfer,
    Voicemail,
    WaitingOver,
)
from ivr.prompts import Prompt, Words, words
from ivr.rehearsal import Scenario, Script
from ivr.situation import CaseStanding, QueueNow

LONGEST_WRAP_UP_S = 300.0  # where the queue says nothing, and its own wrap-up is not longer


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """An Asterisk. `manage`: we install, configure and run it. It listens for SIP at `sip_host`:`sip_port`."""

    name: str
    manage: bool
    sip_host: str
    sip_port: int


@dataclass(frozen=True, slots=True)
class PortRange:
    """From `first` to `last`, both included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports on loopback: Asterisk's `http` (ARI, WSS) and `ami`; where the `engine` awaits Asterisk."""

    http: int = 8088
    ami: int = 5038
    engine: int = 8090


@dataclass(frozen=True, slots=True)
class PublicPages:
    """The pages for citizens: the host name under which they are asked for, where the privacy notice is, and for whom
    (ids; empty: all entities) citizens can write there.
    """

    host: str
    privacy_notice: str
    entities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """What centralino.yaml says. `time_zone` is that of all times in YAML; `testing` allows `--clock`.

    `carriers`: in the order in which calls outside are offered to them; `outgoing`: which such calls may be made.
    `piper_voices`: by language, the file of a voice in the deployment's folder.
    `database`: `sqlite`, or `postgresql://…` (may hold a password: never log it).
    """

    time_zone: ZoneInfo
    nodes: dict[str, NodeSettings]
    carriers: tuple[Carrier, ...] = ()
    tls: Tls | None = None
    outgoing: Outgoing = field(default_factory=Outgoing)
    testing: bool = False
    database: str = "sqlite"
    web_host: str = "127.0.0.1"
    web_port: int = 8055
    console_host: str = "127.0.0.1"
    console_port: int = 5022
    mail_host: str = "127.0.0.1"
    mail_port: int = 2525
    rtp: PortRange = PortRange(10_000, 20_000)
    ports: Ports = Ports()
    piper_voices: Mapping[str, str] = field(default_factory=dict)
    mail: Mail = field(default_factory=Mail)
    mail_in: MailIn = field(default_factory=MailIn)
    sms: Sms = field(default_factory=Sms)
    public: PublicPages | None = None


def settings(form: SettingsForm) -> Settings:
    web_host, web_port = _host_and_port(form.web.listen)
    console_host, console_port = _host_and_port(form.console.listen)
    mail_host, mail_port = _host_and_port(form.mail.listen)
    first, last = (int(port) for port in form.rtp.split("-"))
    carriers = tuple(_carrier(name, carrier) for name, carrier in _carriers(form).items())
    return Settings(
        time_zone=ZoneInfo(form.time_zone),
        nodes={name: NodeSettings(name, node.manage, *_host_and_port(node.sip)) for name, node in form.nodes.items()},
        carriers=carriers,
        tls=_tls(form),
        outgoing=_outgoing(form, carriers),
        testing=form.testing,
        database=form.database,
        web_host=web_host,
        web_port=web_port,
        console_host=console_host,
        console_port=console_port,
        mail_host=mail_host,
        mail_port=mail_port,
        rtp=PortRange(first, last),
        ports=Ports(form.ports.http, form.ports.ami, form.ports.engine),
        piper_voices={language: voice.piper for language, voice in form.voices.items()},
        mail=_mail(form.mail),
        mail_in=_mail_in(form.mail),
        sms=_sms(form.sms),
        public=_public(form.public) if form.public else None,
    )


def _mail(form: MailForm) -> Mail:
    host, _, port = (form.relay or ":0").rpartition(":")
    sender = read_sender(form.sender) if form.sender else Mail().sender
    tls = {"starttls": MailTls.STARTTLS, "from_the_start": MailTls.FROM_THE_START, "none": MailTls.NONE}[form.tls]
    return Mail(sender, host, int(port), tls, form.user or "", form.secret or "")


def _mail_in(form: MailForm) -> MailIn:
    said = {address.lower(): MailAddress(of.number, of.entity or "") for address, of in form.addresses.items()}
    return MailIn(said, read_megabytes(form.largest))


def _public(form: PublicForm) -> PublicPages:
    return PublicPages(read_address(form.address), form.privacy_notice, tuple(form.entities or ()))


def _sms(form: SmsForm | None) -> Sms:
    return Sms(form.url, form.secret or "") if form else Sms()


def _carriers(form: SettingsForm) -> dict[str, CarrierForm]:
    """The one under `carrier` is the first."""
    return {**({CARRIER: form.carrier} if form.carrier else {}), **(form.carriers or {})}


def _carrier(name: str, form: CarrierForm) -> Carrier:
    account = form.account
    return Carrier(
        name,
        tuple(form.peers or ()),
        form.send_to or (account.server if account else ""),
        form.channels,
        form.transport,
        Registration(account.server, account.user, account.secret) if account else None,
        tuple(form.codecs or ()),
        form.caller_id,
        form.dialled_in,
    )


def _tls(form: SettingsForm) -> Tls | None:
    """Where a carrier speaks it and nothing is said of it, only we connect."""
    if form.tls is None and all(carrier.transport != "tls" for carrier in _carriers(form).values()):
        return None
    tls = form.tls or TlsForm()
    certificate, key = (Path(file) if file else None for file in (tls.certificate, tls.key))
    return Tls(tls.port, Path(tls.authorities), certificate, key)


def _outgoing(form: SettingsForm, carriers: Iterable[Carrier]) -> Outgoing:
    said = form.outgoing
    return Outgoing(
        carriers=tuple(carrier.name for carrier in carriers if carrier.send_to),
        allow=tuple(said.allow),
        deny=tuple(said.deny),
        through={start: tuple(names) for start, names in said.through.items()},
        caller_ids=said.caller_id,
    )


def _host_and_port(address: str) -> tuple[str, int]:
    host, port = split_address(address)
    assert port is not None, "the form lets no address without a port pass"
    return host, port


def rules(form: QueuesForm, all_sites: tuple[str, ...]) -> Rules:
    """A queue without `sites` asks `all_sites`, in their order."""
    return Rules({name: _queue(name, queue, all_sites) for name, queue in form.queues.items()})


def _queue(name: str, form: QueueForm, all_sites: tuple[str, ...]) -> QueueRules:
    return QueueRules(
        name=name,
        needs=form.needs,
        relax=tuple(Relax(step.after, step.needs) for step in form.relax),
        pick=Pick(form.pick),
        ring_s=form.ring,
        wrap_up_s=form.wrap_up,
        longest_wrap_up_s=form.longest_wrap_up or max(LONGEST_WRAP_UP_S, form.wrap_up),
        target_answer=form.target.answer,
        target_within_s=form.target.within,
        sites=tuple(_site(site) for site in form.sites or all_sites),
        longest_wait_s=form.longest_wait.after if form.longest_wait else None,
        longest_wait_then=_way_on(form.longest_wait.then, name) if form.longest_wait else None,
        full_waiting=form.full.waiting if form.full else None,
        full_then=_way_on(form.full.then, name) if form.full else None,
        voicemail_say=(form.voicemail.say if form.voicemail else None) or {},
        voicemail_keep_s=(form.voicemail.keep if form.voicemail else None) or 0.0,
        voicemail_mail=(form.voicemail.mail if form.voicemail else None) or "",
        while_waiting=_while_waiting(form.while_waiting),
        call_backs=_call_backs(form.call_backs),
        recording=_recording(form.recording),
        dialled=form.dialled or "",
        unanswered_most=form.unanswered.most,
        unanswered_pause_s=form.unanswered.pause,
        whisper=form.whisper,
        head_starts=tuple(
            HeadStart(
                by_s=one.by,
                number=one.number or "",
                entity=one.entity or "",
                step=one.step or "",
                caller=one.caller or "",
                nth_call_today=one.nth_call_today or 0,
                open_case=bool(one.open_case),
            )
            for one in form.head_start
        ),
    )


def _call_backs(form: CallBackRulesForm) -> CallBackRules:
    [span] = read_hours({"mon-sun": form.hours})[0].week[0]
    return CallBackRules(form.ring, tuple(form.again_after), span.begin_minute, span.end_minute)


def _recording(form: RecordingForm | None) -> Recording | None:
    return Recording(form.refuse_key, form.keep, form.longest_pause) if form else None


def _while_waiting(form: WhileWaitingForm) -> WhileWaiting:
    back = form.callback
    return WhileWaiting(
        form.position_every,
        form.expected_wait,
        form.voicemail_key or "",
        back.key if back else "",
        back.after if back else 0.0,
    )


def _site(form: str | dict[str, SiteRulesForm]) -> SiteRules:
    """One that has no rule is open from the start."""
    if isinstance(form, str):
        return SiteRules(form)
    [(name, rules)] = form.items()
    conditions = (rules.after, rules.or_waiting_over, rules.or_expected_wait_over, rules.or_when_nobody_at)
    opens = rules.by_hand or any(condition is not None for condition in conditions)
    opening = Opening(*conditions, back_after_s=rules.back_after) if opens else None
    return SiteRules(name, opening, rules.agents_at_most, rules.keep_free)


def _way_on(form: str | ThereForm, queue: str) -> goto.Goto:
    """A queue's `voicemail` is its own."""
    if isinstance(form, ThereForm):
        return goto.ToQueue(form.queue) if form.queue else goto.ToStep(form.step or "")
    return goto.ToVoicemail(queue) if form == "voicemail" else goto.HangUp()


def dialplan(form: DialplanForm, offices: Mapping[str, Office], zone: ZoneInfo) -> Dialplan:
    """`offices` by `ENTITY/OFFICE`; `zone`: where the dialplan names none."""
    here = ZoneInfo(form.time_zone) if form.time_zone else zone
    reading = _StepReading(tuple(form.languages), _hours(form.other_hours), offices, here)
    return Dialplan(
        number=form.number,
        name=form.name,
        languages=tuple(form.languages),
        start=form.start,
        steps={name: reading.step(name, step) for name, step in form.steps.items()},
        old_numbers=tuple(form.old_numbers),
        hours=read_hours(form.hours)[0] if form.hours is not None else None,
        closed=form.closed,
        time_zone=here,
        entity=form.entity,
    )


def scenarios(form: DialplanForm, zone: ZoneInfo) -> tuple[Scenario, ...]:
    """What the admin wants to be true of calls to this number; `zone`: where the dialplan names none."""
    here = ZoneInfo(form.time_zone) if form.time_zone else zone
    return tuple(_scenario(one, here) for one in form.tests)


def _scenario(form: ScenarioForm, zone: ZoneInfo) -> Scenario:
    return Scenario(
        Script(
            at=form.at.replace(tzinfo=zone),
            presses=tuple(form.press),
            caller=form.caller if form.caller and form.caller != WITHHELD else "",
            queues={
                name: QueueNow(queue.waiting, queue.signed_in, queue.expected_wait)
                for name, queue in form.queues.items()
            },
            offices_away=frozenset(form.offices_away),
            cases={(number, case.proof): CaseStanding(case.open, case.opened) for number, case in form.cases.items()},
        ),
        ends=form.ends,
        says=tuple(form.says),
        language=form.language,
        entity=form.entity,
    )


def _hours(written: Mapping[str, dict[str, Any]]) -> dict[str, Hours]:
    return {name: read_hours(hours)[0] for name, hours in written.items()}


@dataclass(frozen=True, slots=True)
class _StepReading:
    """What the steps of one dialplan refer to."""

    languages: tuple[str, ...]
    hours: Mapping[str, Hours]
    offices: Mapping[str, Office]
    zone: ZoneInfo

    def step(self, name: str, form: StepForm) -> Step:
        then = form.then or ""  # the cross-checks let none pass that needs one
        if form.say:
            return Say(name, self.words(form.say), then)
        if form.menu:
            keys = {key: Key(chosen.go, chosen.language, chosen.entity) for key, chosen in form.menu.keys.items()}
            return Menu(name, self.words(form.menu.say), keys, form.menu.otherwise, form.menu.wait, form.menu.tries)
        if form.ask:
            return self._ask(name, form.ask, then)
        if form.queue:
            return Queue(name, form.queue)
        if form.transfer:
            return self._transfer(name, form.transfer)
        if form.voicemail:
            return Voicemail(name, form.voicemail.box, self.words(form.voicemail.say), form.voicemail.longest)
        if form.callback:
            back = form.callback
            return CallBack(name, back.queue, back.otherwise, self.words(back.say), form.then, back.wait, back.tries)
        if form.case_status:
            case = form.case_status
            return CaseStatus(name, self.words(case.say), form.then, case.otherwise, case.wait, case.tries)
        if form.choose:
            *branches, last = form.choose
            return Choose(name, tuple(Branch(one.go, self._conditions(one)) for one in branches), last.go)
        if form.language:
            return SetLanguage(name, form.language, then)
        if form.notice:
            return self._notice(name, form.notice, then)
        assert form.hang_up, f"step {name} is of no kind; the cross-checks let none pass"
        return HangUp(name, self.words(form.hang_up.say))

    def words(self, form: Any) -> Words:
        """What `say` means: a text per language, a recorded file, texts for others, or several of these in a row."""
        if form is None:
            return {}
        pieces = [self._piece(piece) for piece in (form if isinstance(form, list) else [form])]
        return {
            language: tuple(prompt for piece in pieces for prompt in piece.get(language, ()))
            for language in self.languages
        }

    def _piece(self, form: RecordedForm | AlsoForm | dict[str, str]) -> Words:
        if isinstance(form, RecordedForm):
            return {language: (Prompt("", language, form.file),) for language in self.languages}
        if isinstance(form, AlsoForm):
            foreign = [Prompt(text, language) for language, text in form.also.items()]
            return {own: tuple(prompt for prompt in foreign if prompt.language != own) for own in self.languages}
        return words(form)

    def _ask(self, name: str, form: AskForm, then: str) -> Ask:
        least, most = form.digits
        return Ask(
            name=name,
            words=self.words(form.say),
            note=form.note,
            least=least,
            most=most,
            then=then,
            otherwise=form.otherwise,
            confirm=form.confirm,
            wait_s=form.wait,
            tries=form.tries,
        )

    def _transfer(self, name: str, form: TransferForm) -> Transfer:
        office = self.offices[form.to]
        return Transfer(
            name,
            form.to,
            office.phone,
            form.otherwise,
            office.hours,
            self.words(form.say),
            ring_s=form.ring,
            queue=office.queue,
            answer_within_s=office.answer_within_s,
        )

    def _notice(self, name: str, form: NoticeForm, then: str) -> Notice:
        begins, ends = (at.replace(tzinfo=self.zone).astimezone(UTC) if at else None for at in (form.begins, form.ends))
        return Notice(name, self.words(form.say), then, begins, ends)

    def _conditions(self, form: BranchForm) -> tuple[Condition, ...]:
        conditions: list[Condition] = []
        if form.open:
            conditions.append(IsOpen(form.open, self.hours[form.open]))
        if form.language:
            conditions.append(Speaks(tuple(form.language)))
        if form.caller:
            numbers = tuple(prefix for prefix in form.caller if prefix != WITHHELD)
            conditions.append(CallsFrom(numbers, WITHHELD in form.caller))
        if form.day:
            conditions.append(read_days(form.day))
        if form.queue and form.waiting_over is not None:
            conditions.append(WaitingOver(form.queue, form.waiting_over))
        if form.queue and form.nobody_signed_in:
            conditions.append(NobodySignedIn(form.queue))
        if form.queue and form.expected_wait_over:
            conditions.append(ExpectedWaitOver(form.queue, form.expected_wait_over))
        return tuple(conditions)


def read_days(days: Iterable[str]) -> OnDay:
    """`sat`, `12-24` (each year), `2026-12-24`."""
    return OnDay(
        weekdays=frozenset(DAYS.index(day) for day in days if day in DAYS),
        yearly=frozenset((int(day[:2]), int(day[3:])) for day in days if len(day) == len("12-24")),
        dates=frozenset(date.fromisoformat(day) for day in days if len(day) == len("2026-12-24")),
    )


def roster(form: RosterForm) -> Roster:
    shifts = _hours(form.shifts)
    by_id = _numbers_by_id(form)
    return Roster(
        sites={
            name: Site(name, site.name, site.node, site.seats, site.phone or "") for name, site in form.sites.items()
        },
        phones={name: _phone(name, phone) for name, phone in form.phones.items()},
        agents={
            name: Agent(
                name,
                agent.name,
                agent.site,
                agent.phone,
                agent.skills,
                agent.languages,
                shifts.get(agent.shift or ""),
                rank,
                agent.number or by_id.get(name, ""),
                agent.pin or "",
            )
            for rank, (name, agent) in enumerate(form.agents.items())
        },
        longest_pause_s=form.longest_pause,
        pauses={keys: PauseReason(pause.name, pause.longest) for keys, pause in form.pauses.items()},
        moves=form.second_sign_in == "move",
        supervisors={name: _supervisor(name, one) for name, one in form.supervisors.items()},
    )


def _supervisor(name: str, form: SupervisorForm) -> Supervisor:
    sites, queues = tuple(form.sites or ()), tuple(form.queues or ())
    return Supervisor(name, form.name, form.phone, form.number or "", form.pin or "", sites, queues)


def _phone(name: str, form: PhoneForm) -> PhoneSeat:
    return PhoneSeat(name, form.site, form.mac or "", Make(form.make) if form.make else None)


def _numbers_by_id(form: RosterForm) -> dict[str, str]:
    """Who has no number of their own is dialled by the digits of their id, where these are nobody else's, nor 112's."""
    taken = Counter(agent.number or digits_of(name) for name, agent in form.agents.items())
    digits = {name: digits_of(name) for name in form.agents}
    return {name: own for name, own in digits.items() if own and taken[own] == 1 and own not in EMERGENCY_NUMBERS}


def entities(form: EntitiesForm) -> Entities:
    found = {name: _entity(name, entity, form) for name, entity in form.entities.items()}
    return Entities(found, tuple(form.topics), form.reopen_within, frozenset(map(Progress, form.tell)))


def _entity(name: str, form: EntityForm, of_all: EntitiesForm) -> Entity:
    offices = {office: _office(office, place) for office, place in form.offices.items()}
    promises = of_all.promises if form.promises is None else form.promises
    days = form.working_days or of_all.working_days
    return Entity(
        name,
        form.name,
        tuple(form.numbers),
        offices,
        promises=tuple(_promise(promise) for promise in promises),
        reopen_within_s=of_all.reopen_within if form.reopen_within is None else form.reopen_within,
        working_days=read_hours(days)[0] if days else WORKING_DAYS,
        tell=frozenset(map(Progress, of_all.tell if form.tell is None else form.tell)),
    )


def _promise(form: PromiseForm) -> Promise:
    term = read_term(form.within)
    assert term, "the form lets nothing else stand there"
    return Promise(
        term,
        kinds=frozenset(form.kinds),
        topics=frozenset(form.topics),
        channels=frozenset(form.channels),
        complex_only=bool(form.complex),
        warn_s=form.warn,
    )


def _office(name: str, form: OfficeForm) -> Office:
    hours = read_hours(form.hours)[0] if form.hours is not None else None
    dialled = form.dialled or ""
    return Office(name, form.name, form.phone or "", hours, form.queue or "", form.answer_within, dialled)
