"""From what an admin wrote (forms, checked) to what it means in each room's own words."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from acd.goto import Goto, ToVoicemail
from acd.rules import QueueRules, Rules
from agents.roster import Agent, PhoneSeat, Roster, Site
from cases.entities import Entities, Entity
from centralino.forms import (
    DialplanForm,
    EntitiesForm,
    QueueForm,
    QueuesForm,
    RosterForm,
    SettingsForm,
    StepForm,
    split_address,
)
from ivr.hours import read_hours
from ivr.menu import Dialplan, HangUp, Key, Menu, Queue, Say, Step, Voicemail


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
class Settings:
    """What centralino.yaml says. `time_zone` is that of all times in YAML; `testing` allows `--clock`.

    `carrier_peers`: addresses, or address:port, that may send us calls; `carrier_channels`: how many at once.
    `database`: `sqlite`, or `postgresql://…` (may hold a password: never log it).
    """

    time_zone: ZoneInfo
    nodes: dict[str, NodeSettings]
    carrier_peers: tuple[str, ...]
    carrier_channels: int = 180
    testing: bool = False
    database: str = "sqlite"
    web_host: str = "127.0.0.1"
    web_port: int = 8055
    rtp: PortRange = PortRange(10_000, 20_000)
    ports: Ports = Ports()


def settings(form: SettingsForm) -> Settings:
    web_host, web_port = _host_and_port(form.web.listen)
    first, last = (int(port) for port in form.rtp.split("-"))
    return Settings(
        time_zone=ZoneInfo(form.time_zone),
        nodes={name: NodeSettings(name, node.manage, *_host_and_port(node.sip)) for name, node in form.nodes.items()},
        carrier_peers=tuple(form.carrier.peers),
        carrier_channels=form.carrier.channels,
        testing=form.testing,
        database=form.database,
        web_host=web_host,
        web_port=web_port,
        rtp=PortRange(first, last),
        ports=Ports(form.ports.http, form.ports.ami, form.ports.engine),
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
        ring_s=form.ring,
        wrap_up_s=form.wrap_up,
        target_answer=form.target.answer,
        target_within_s=form.target.within,
        sites=tuple(form.sites or all_sites),
        longest_wait_s=form.longest_wait.after if form.longest_wait else None,
        longest_wait_then=_own_box(form.longest_wait.then, name) if form.longest_wait else None,
        full_waiting=form.full.waiting if form.full else None,
        full_then=_own_box(form.full.then, name) if form.full else None,
        voicemail_say=form.voicemail.say if form.voicemail else {},
    )


def _own_box(goto: Goto, queue: str) -> Goto:
    """A queue's `voicemail` is its own."""
    return ToVoicemail(queue) if isinstance(goto, ToVoicemail) else goto


def dialplan(form: DialplanForm) -> Dialplan:
    return Dialplan(
        number=form.number,
        name=form.name,
        languages=tuple(form.languages),
        start=form.start,
        steps={name: _step(name, step) for name, step in form.steps.items()},
        old_numbers=tuple(form.old_numbers),
        hours=read_hours(form.hours)[0] if form.hours is not None else None,
        closed=form.closed,
    )


def _step(name: str, form: StepForm) -> Step:
    if form.say and form.then:
        return Say(name, form.say, form.then)
    if form.menu:
        keys = {key: Key(chosen.go, chosen.language) for key, chosen in form.menu.keys.items()}
        return Menu(name, form.menu.say, keys, form.menu.otherwise, form.menu.wait, form.menu.tries)
    if form.queue:
        return Queue(name, form.queue)
    if form.voicemail:
        return Voicemail(name, form.voicemail.box, form.voicemail.say or {}, form.voicemail.longest)
    assert form.hang_up, f"step {name} is of no kind; the cross-checks let none pass"
    return HangUp(name, form.hang_up.say or {})


def roster(form: RosterForm) -> Roster:
    return Roster(
        sites={name: Site(name, site.name, site.node, site.seats) for name, site in form.sites.items()},
        phones={name: PhoneSeat(name, phone.site) for name, phone in form.phones.items()},
        agents={
            name: Agent(name, agent.name, agent.site, agent.phone, agent.skills, agent.languages)
            for name, agent in form.agents.items()
        },
    )


def entities(form: EntitiesForm) -> Entities:
    return Entities({name: Entity(name, entity.name, tuple(entity.numbers)) for name, entity in form.entities.items()})
