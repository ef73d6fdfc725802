"""What no single value shows: names that must exist elsewhere, and things of which there can be only one."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from agents.places import PARK, PLACES
from asterisk.carrier import EMERGENCY_NUMBERS
from centralino.deployment import (
    AGENTS,
    ANY,
    ENTITIES,
    QUEUES,
    SETTINGS,
    Deployment,
    Use,
    found,
    sites_of,
    table,
    texts_problems,
    twice,
    unknown_names,
    words,
)
from centralino.durations import NotADuration, seconds
from centralino.forms.agents import bare_mac
from centralino.located import Located, Path, Problem, did_you_mean, shown
from centralino.mailchecks import problems_of_addresses, problems_of_mail
from centralino.stepchecks import hours_problems, no_call_comes, problems_in, reached_steps
from centralino.trunkchecks import problems_of_carriers, takes_calls
from ivr.hours import read_hours

USES = {
    QUEUES: (
        Use("site", ("queues", ANY, "sites", ANY)),
        Use("site", ("queues", ANY, "sites", ANY, ANY, "or_when_nobody_at")),
        Use("number", ("queues", ANY, "head_start", ANY, "number")),
        Use("entity", ("queues", ANY, "head_start", ANY, "entity")),
        Use("queue", ("queues", ANY, "longest_wait", "then", "queue")),
        Use("queue", ("queues", ANY, "full", "then", "queue")),
    ),
    AGENTS: (
        Use("node", ("sites", ANY, "node")),
        Use("site", ("phones", ANY, "site")),
        Use("site", ("agents", ANY, "site")),
        Use("phone", ("agents", ANY, "phone")),
        Use("shift", ("agents", ANY, "shift")),
        Use("phone", ("supervisors", ANY, "phone")),
        Use("site", ("supervisors", ANY, "sites", ANY)),
        Use("queue", ("supervisors", ANY, "queues", ANY)),
    ),
    ENTITIES: (
        Use("number", ("entities", ANY, "numbers", ANY)),
        Use("queue", ("entities", ANY, "offices", ANY, "queue")),
    ),
    SETTINGS: (
        Use("number", ("mail", "addresses", ANY, "number")),
        Use("entity", ("mail", "addresses", ANY, "entity")),
        Use("entity", ("public", "entities", ANY)),
    ),
}


def problems_across(deployment: Deployment) -> list[Problem]:
    """All that is wrong between the places of a deployment."""
    problems: list[Problem] = []
    for file, uses in USES.items():
        problems += unknown_names(deployment, deployment.files[file], uses)
    for dialplan in deployment.dialplans:
        problems += problems_in(deployment, dialplan)
    problems += _one_number_twice(deployment.dialplans)
    problems += _never_included(deployment)
    problems += hours_problems(deployment.files[ENTITIES], (*OFFICES, "hours"))
    problems += hours_problems(deployment.files[AGENTS], ("shifts", ANY))
    for days in (("working_days",), ("entities", ANY, "working_days")):
        problems += hours_problems(deployment.files[ENTITIES], days)
        problems += _no_working_day(deployment.files[ENTITIES], days)
    problems += _topics_of_promises(deployment.files[ENTITIES])
    problems += _offices(deployment.files[ENTITIES])
    problems += _in_queues(deployment)
    problems += twice(deployment.files[ENTITIES], ("entities", ANY, "numbers", ANY), "number")
    problems += _one_phone_twice(deployment.files[AGENTS], "agents")
    problems += _one_number_for_two(deployment)
    problems += _one_mac_twice(deployment.files[AGENTS])
    problems += _supervisors(deployment.files[AGENTS])
    problems += _in_settings(deployment.files[SETTINGS])
    problems += problems_of_carriers(deployment)
    problems += problems_of_mail(deployment.files[SETTINGS])
    problems += problems_of_addresses(deployment)
    problems += twice(deployment.files[SETTINGS], ("public", "entities", ANY), "entity")
    problems += _nobody_to_write_to(deployment)
    problems += _no_way_to_offices(deployment)
    return problems


# --- within entities.yaml


def _no_working_day(entities: Located, pattern: Path) -> Iterator[Problem]:
    """No term in working days would ever end."""
    for path, days in found(entities.data, pattern):
        if isinstance(days, dict):
            hours, mistakes = read_hours(days)
            if not mistakes and not any(hours.week):
                yield entities.at(path, "no day of the week is a working day", 'write `mon-fri: "08:00-18:00"`')


def _topics_of_promises(entities: Located) -> Iterator[Problem]:
    topics = [topic for _, topic in words(entities.data, ("topics", ANY))]
    for promises in (("promises", ANY), ("entities", ANY, "promises", ANY)):
        for path, topic in words(entities.data, (*promises, "topics", ANY)):
            if topics and topic not in topics:
                yield entities.at(path, f"topic {shown(topic)} is not among `topics`", did_you_mean(topic, topics))


# --- between files


def _one_number_twice(plans: Iterable[Located]) -> Iterator[Problem]:
    claimed: dict[str, str] = {}
    for plan in plans:
        for path, number in (*words(plan.data, ("number",)), *words(plan.data, ("old_numbers", ANY))):
            if number in claimed:
                yield plan.at(path, f"number {shown(number)} is claimed twice", f"it stands in {claimed[number]} too")
            claimed.setdefault(number, f"{plan.file}:{plan.at(path, '').line}")


def _never_included(deployment: Deployment) -> Iterator[Problem]:
    """Shared steps to which no call comes, by any dialplan; and files that none includes."""
    included = {name for plan in deployment.dialplans for _, name in words(plan.data, ("include", ANY))}
    reached: dict[str, set[str]] = {}
    for plan in deployment.dialplans:
        steps = reached_steps(deployment, plan) if plan.included else set()
        for step, located in plan.included.items():
            if steps is None or step in steps:
                reached.setdefault(located.file, set()).add(step)
    for name, located in deployment.shared.items():
        if name not in included and located.readable:
            problem = located.at((), "no dialplan includes this file", f"write `include: [{name}]`, or remove it")
            yield replace(problem, is_warning=True)
        elif name in included:
            unreached = table(located.data, "steps").keys() - reached.get(located.file, set())
            yield from (no_call_comes(located, step) for step in unreached)


def _in_queues(deployment: Deployment) -> Iterator[Problem]:
    queues, agents = deployment.files[QUEUES], deployment.files[AGENTS]
    everybody = [(str(agent.get("site")), table(agent, "skills")) for _, agent in _tables(agents.data, ("agents", ANY))]
    known = list(dict.fromkeys(skill for _, skills in everybody for skill in skills))
    for name, rules in table(queues.data, "queues").items():
        yield from _sites_of_queue(deployment, name, rules)
        yield from _relaxing(queues, name, rules, known)
        yield from _wrap_up(queues, name, rules)
        yield from _while_waiting(queues, name, rules)
        yield from _recording(queues, name, rules)
        yield from _head_starts(deployment, name, rules)
        yield from _steps_of_queue(deployment, name, rules)
        if isinstance(agents.data.get("agents"), dict):
            yield from _unknown_skills(queues, name, rules, known)
            yield from _needs(deployment, name, rules, everybody)
        for plan in deployment.leads_to(name):
            yield from texts_problems(deployment, queues, plan, [("queues", name, "voicemail", "say")])
        for why in ("longest_wait", "full"):
            for path, then in words(rules, (why, "then", "queue")):
                if then == name:
                    yield queues.at(("queues", name, *path), "a queue cannot lead to itself", "name another queue")


OFFICES = ("entities", ANY, "offices", ANY)
OPENINGS = ("after", "or_waiting_over", "or_when_nobody_at", "or_expected_wait_over", "by_hand")


def _sites_of_queue(deployment: Deployment, name: str, rules: object) -> Iterator[Problem]:
    queues, known = deployment.files[QUEUES], deployment.names("site")
    sites = list(sites_of(rules))
    names = {site for _, site, _ in sites}
    seen: set[str] = set()
    for path, site, opening in sites:
        at = ("queues", name, *path)
        if site in seen:
            yield queues.at_key(at, f"site {shown(site)} stands here twice", "remove it")
        seen.add(site)
        if known is not None and site not in known and path[-1] == site:
            yield queues.at_key(at, f"site {shown(site)} is not in {AGENTS}", did_you_mean(site, known))
        opens = [key for key in OPENINGS if key in opening]
        if "back_after" in opening and not opens:
            hint = "say when it opens, such as `after: 30s`, or remove it"
            yield queues.at_key((*at, "back_after"), "this site is open from the start and never closes", hint)
        if "by_hand" in opens and len(opens) > 1:
            what = f"by hand only, or {shown(opens[0])}: it cannot be both"
            yield queues.at_key((*at, "by_hand"), what, "remove one; any further site can be opened by hand too")
        first = opening.get("or_when_nobody_at")
        if first == site:
            yield queues.at((*at, "or_when_nobody_at"), "a site cannot wait for itself", "name an earlier one")
        elif known is not None and first in known and first not in names and names <= {*known}:
            what = f"site {shown(first)} is none of this queue's, so nobody there ever counts"
            yield queues.at((*at, "or_when_nobody_at"), what, "name one of its `sites`")
    if sites and all(any(key in opening for key in OPENINGS) for _, _, opening in sites):
        path, site, _ = sites[0]
        hint = f"write `- {site}` for one that is open from the start"
        yield queues.at(("queues", name, "sites"), "no site is open from the start", hint)


def _wrap_up(queues: Located, name: str, rules: object) -> Iterator[Problem]:
    rule = table(rules)
    usual_s, longest_s = _seconds(rule.get("wrap_up", "30s")), _seconds(rule.get("longest_wrap_up"))
    if usual_s is not None and longest_s is not None and longest_s < usual_s:
        path, what = ("queues", name, "longest_wrap_up"), "this is shorter than `wrap_up`, so that it could never be"
        yield queues.at(path, what, "write a longer one, or leave it out")


def _while_waiting(queues: Located, name: str, rules: object) -> Iterator[Problem]:
    waiting = table(rules, "while_waiting")
    path = ("queues", name, "while_waiting")
    key = waiting.get("voicemail_key")
    if key is not None and key == table(waiting, "callback").get("key"):
        yield queues.at((*path, "voicemail_key"), f"key {shown(key)} is that of the call-back too", "choose another")
    if waiting.get("expected_wait") is True and "position_every" not in waiting:
        what = "the expected wait is told together with the position"
        yield queues.at((*path, "expected_wait"), what, "add `position_every: 45s`")


def _recording(queues: Located, name: str, rules: object) -> Iterator[Problem]:
    """The key that refuses means nothing else in the line."""
    key, waiting = table(rules, "recording").get("refuse_key"), table(rules, "while_waiting")
    others = {"voicemail": waiting.get("voicemail_key"), "call-back": table(waiting, "callback").get("key")}
    for what, other in others.items():
        if key is not None and key == other:
            problem = f"key {shown(key)} is that of the {what} too"
            yield queues.at(("queues", name, "recording", "refuse_key"), problem, "choose another")


def _head_starts(deployment: Deployment, name: str, rules: object) -> Iterator[Problem]:
    queues = deployment.files[QUEUES]
    are_known = all(one.readable for one in (*deployment.dialplans, *deployment.shared.values()))
    steps = {step for plan in deployment.leads_to(name) for step in table(plan.data, "steps")} if are_known else set()
    for path, one in found(rules, ("head_start", ANY)):
        at = ("queues", name, *path)
        if isinstance(one, dict) and not one.keys() - {"by"}:
            hint = "add `number`, `entity`, `step`, `caller`, `nth_call_today` or `open_case`"
            yield queues.at(at, "this would hold for every caller", hint)
        for inner, step in words(one, ("step",)):
            if are_known and step not in steps:
                what = f"step {shown(step)} is in no dialplan whose calls come to this queue"
                yield queues.at((*at, *inner), what, did_you_mean(step, sorted(steps)))


def _relaxing(queues: Located, name: str, rules: object, known: list[str]) -> Iterator[Problem]:
    """Each step of `relax` comes after the one before, and asks for no more. `known`: the skills that somebody has."""
    before, longest_s = table(rules, "needs"), 0.0
    for path, step in found(rules, ("relax", ANY)):
        needs = table(step, "needs")
        for skill, level in needs.items():
            if (skill in known or not known) and _level(needs, skill) > _level(before, skill):
                what = f"{shown(f'{skill} {level}')} is more than was needed before"
                yield queues.at(("queues", name, *path, "needs", skill), what, "lower the level, or remove the step")
        after_s = _seconds(table(step).get("after"))
        if after_s is not None and after_s <= longest_s:
            what = "this step comes no later than the one before"
            yield queues.at(("queues", name, *path, "after"), what, "put the steps in the order of their times")
        before, longest_s = needs, max(longest_s, after_s or 0.0)


def _seconds(duration: object) -> float | None:
    """None where it is no duration: the form says so."""
    with suppress(NotADuration):
        return seconds(duration)
    return None


def _steps_of_queue(deployment: Deployment, name: str, rules: object) -> Iterator[Problem]:
    queues = deployment.files[QUEUES]
    for why in ("longest_wait", "full"):
        for path, step in words(rules, (why, "then", "step")):
            for plan in deployment.leads_to(name):
                steps = table(plan.data, "steps")
                if plan.readable and step not in steps:
                    what = f"step {shown(step)} is not in {plan.file}, whose calls come to this queue"
                    yield queues.at(("queues", name, *path), what, did_you_mean(step, steps))


def _unknown_skills(queues: Located, name: str, rules: object, known: list[str]) -> Iterator[Problem]:
    for pattern in (("needs", ANY), ("relax", ANY, "needs", ANY)):
        for path, _ in found(rules, pattern):
            if (skill := str(path[-1])) not in known:
                what = f"nobody in agents.yaml has skill {shown(skill)}"
                yield queues.at_key(("queues", name, *path), what, did_you_mean(skill, known))


def _needs(
    deployment: Deployment, name: str, rules: object, everybody: Iterable[tuple[str, dict[str, Any]]]
) -> Iterator[Problem]:
    """Somebody at the queue's sites must have each skill, and somebody all of them. `everybody`: site and skills."""
    queues, agents = deployment.files[QUEUES], deployment.files[AGENTS]
    needs = {skill: level for skill, level in table(rules, "needs").items() if level in (1, 2, 3, 4, 5)}
    if not all(any(skill in skills for _, skills in everybody) for skill in needs):
        return  # that is said already
    sites = {site for _, site, _ in sites_of(rules)}
    sites = sites if sites and sites <= set(table(agents.data, "sites")) else set()
    here = [skills for site, skills in everybody if site in sites or not sites]
    if needs and not any(all(_level(skills, skill) >= level for skill, level in needs.items()) for skills in here):
        asked = ", ".join(f"{skill} {level}" for skill, level in needs.items())
        where = f" at {' or '.join(sorted(sites))}" if sites else ""
        what = f"nobody{where} has {shown(asked)}"
        yield queues.at(("queues", name, "needs"), what, "lower a level, or train somebody")


def _level(skills: Mapping[str, object], skill: str) -> int:
    level = skills.get(skill)
    return level if isinstance(level, int) else 0


def _tables(data: object, pattern: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    return ((path, value) for path, value in found(data, pattern) if isinstance(value, dict))


def _one_number_for_two(deployment: Deployment) -> Iterator[Problem]:
    """What agents key in leads to one: an agent, a queue or an office."""
    whose: dict[str, str] = dict.fromkeys((PARK, *PLACES), "parked calls")
    whose |= dict.fromkeys(EMERGENCY_NUMBERS, "an emergency number")
    places = (
        (AGENTS, ("agents", ANY, "number")),
        (QUEUES, ("queues", ANY, "dialled")),
        (ENTITIES, ("entities", ANY, "offices", ANY, "dialled")),
    )
    for file, pattern in places:
        for path, number in words(deployment.files[file].data, pattern):
            name = str(path[-2])
            if number in whose:
                hint = "give each queue, office and agent a number of its own"
                yield deployment.files[file].at(path, f"{shown(number)} leads to {shown(whose[number])} already", hint)
            whose.setdefault(number, name)


def _one_phone_twice(agents: Located, of: str) -> Iterator[Problem]:
    """`of`: agents or supervisors; an agent and a supervisor may well share one, or be the same person."""
    whose: dict[str, str] = {}
    for path, phone in words(agents.data, (of, ANY, "phone")):
        if phone in whose:
            what = f"phone {shown(phone)} is the fixed phone of {shown(whose[phone])} too"
            yield agents.at(path, what, f"give each of the {of} a phone of their own, or none")
        whose.setdefault(phone, str(path[1]))


def _supervisors(agents: Located) -> Iterator[Problem]:
    """Who has no phone of their own is known by number and PIN, and each number is one person's."""
    yield from _one_phone_twice(agents, "supervisors")
    for kind in ("site", "queue"):
        yield from twice(agents, ("supervisors", ANY, f"{kind}s", ANY), kind)
    whose = {number: str(path[1]) for path, number in words(agents.data, ("agents", ANY, "number"))}
    for path, one in _tables(agents.data, ("supervisors", ANY)):
        if "phone" not in one and not {"number", "pin"} <= one.keys():
            what = f"nothing tells at a phone that it is {shown(path[-1])}"
            yield agents.at_key(path, what, "add `phone`, or `number` and `pin`")
        elif ("number" in one) != ("pin" in one):
            there, missing = ("number", "pin") if "number" in one else ("pin", "number")
            yield agents.at_key((*path, there), f"`{there}` is of no use without `{missing}`", f"add `{missing}`")
        for inner, number in words(one, ("number",)):
            if number in whose:
                what = f"number {shown(number)} stands here twice"
                yield agents.at((*path, *inner), what, f"it is that of {shown(whose[number])} too")
            whose.setdefault(number, str(path[-1]))


def _one_mac_twice(agents: Located) -> Iterator[Problem]:
    whose: dict[str, str] = {}
    for path, text in words(agents.data, ("phones", ANY, "mac")):
        mac = bare_mac(text)
        if mac in whose:
            what = f"MAC address {shown(text)} is that of phone {shown(whose[mac])} too"
            yield agents.at(path, what, "copy the one on this phone's label")
        whose.setdefault(mac, str(path[1]))


def _offices(entities: Located) -> Iterator[Problem]:
    for path, office in _tables(entities.data, OFFICES):
        if not {"queue", "phone"} & office.keys():
            hint = 'add the `queue` of its agents, or its telephone: `phone: "+39055123456"`'
            yield entities.at_key(path, f"office {shown(path[-1])} has nobody who answers", hint)
        if "answer_within" in office and "queue" not in office:
            what = "`answer_within` is for the agents of a `queue`"
            yield entities.at_key((*path, "answer_within"), what, "add `queue: NAME`, or remove it")


def _no_way_to_offices(deployment: Deployment) -> Iterator[Problem]:
    settings = deployment.files[SETTINGS]
    if not settings.readable or takes_calls(settings.data):
        return
    for plan in deployment.dialplans:
        for path, step in found(plan.data, ("steps", ANY, "transfer")):
            office = deployment.office(table(step).get("to"))
            if office and "phone" not in office:
                continue
            hint = 'write to whom calls outside are sent: `send_to: "ADDRESS:PORT"` at a carrier in centralino.yaml'
            yield plan.at_key(path, "an office cannot be rung without a carrier", hint)


# --- centralino.yaml


def _nobody_to_write_to(deployment: Deployment) -> Iterator[Problem]:
    if "public" in deployment.files[SETTINGS].data and deployment.names("entity") == []:
        hint = "write one into entities.yaml, or remove `public`"
        yield deployment.files[SETTINGS].at_key(("public",), "there is no entity that citizens could write to", hint)


def _in_settings(settings: Located) -> Iterator[Problem]:
    for index, name in enumerate(table(settings.data, "nodes")):
        if index:
            yield settings.at_key(("nodes", name), f"a second node, {shown(name)}", "one node for now: remove it")
    for path, manage in found(settings.data, ("nodes", ANY, "manage")):
        if manage is False:
            yield settings.at(path, "a node that we do not manage", "for now only `manage: true`")
    yield from _one_port_twice(settings)


def _one_port_twice(settings: Located) -> Iterator[Problem]:
    used: dict[int, str] = {}
    defaults_first = sorted(_ports(settings.data), key=lambda port: any(found(settings.data, port[0])))
    for path, port, what in defaults_first:  # so that a clash is told where somebody wrote something
        if port in used:
            yield settings.at(path, f"port `{port}` of {what} is the port of {used[port]} too", "choose another")
        used.setdefault(port, what)


def _ports(data: object) -> Iterator[tuple[Path, int, str]]:
    """All ports we would listen on by TCP, the given and the default ones."""
    ports = {"http": 8088, "ami": 5038, "engine": 8090} | table(data, "ports")
    tls = table(data, "tls").get("port", 5061)
    web = str(table(data, "web").get("listen", "127.0.0.1:8055"))
    console = str(table(data, "console").get("listen", "127.0.0.1:5022"))
    ours = ((("web", "listen"), web), (("console", "listen"), console))
    for path, address in (*words(data, ("nodes", ANY, "sip")), *ours):
        port = address.rpartition(":")[2]
        if port.isascii() and port.isdigit():
            yield path, int(port), "SIP" if path[0] == "nodes" else f"the {path[0]}"
    if "tls" in table(data) and type(tls) is int:
        yield ("tls", "port"), tls, "SIP over TLS"
    yield from ((("ports", name), port, f"`{name}`") for name, port in ports.items() if type(port) is int)
