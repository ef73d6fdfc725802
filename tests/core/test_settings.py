"""The deployment that ships, and every mistake an admin can make in it."""

import os
import shutil
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from acd.goto import HangUp as HangUpNext
from acd.goto import ToQueue, ToStep, ToVoicemail
from acd.rules import SiteRules
from cases.clocks import InDays
from centralino.forms.dialplans import STEP_KINDS
from centralino.settings import BrokenConfiguration, Ports, examine, load
from ivr.menu import HangUp, Key, Menu, Queue, Say, Voicemail
from ivr.prompts import words

SHIPPED = Path(__file__).parents[2]
FILES = ("queues.yaml", "agents.yaml", "entities.yaml", "centralino.yaml")

SMALL = {
    "centralino.yaml": """\
time_zone: Europe/Rome
nodes: {main: {manage: true, sip: "127.0.0.1:5060"}}
carrier: {peers: ["127.0.0.1", "192.0.2.7:5080"], channels: 30}
database: sqlite
web: {listen: "127.0.0.1:8055"}
""",
    "agents.yaml": """\
sites:
  laquila: {name: L'Aquila, node: main, seats: 15}
  roma: {name: Roma, node: main, seats: 15}
phones: {p101: {site: laquila}, p201: {site: roma}}
agents:
  a1001: {name: Operatore 1001, site: laquila, phone: p101, skills: {tributi: 3}, languages: {it: 5, en: 3}}
  a2001: {name: Operatore 2001, site: roma, skills: {tributi: 5, fax: 1}, languages: {it: 5, en: 1}}
""",
    "queues.yaml": """\
queues:
  tributi:
    needs: {tributi: 3}
    target: {answer: 80%, within: 20s}
    ring: 20s
    wrap_up: 30s
    sites: [laquila, roma]
    full: {waiting: 50, then: hang_up}
    longest_wait: {after: 15m, then: voicemail}
  fax: {needs: {fax: 1}, full: {waiting: 5, then: {queue: tributi}}, longest_wait: {after: 60s, then: {step: bye}}}
""",
    "entities.yaml": """\
entities:
  comune-firenze: {name: Comune di Firenze, numbers: ["055055"]}
""",
    "dialplans/055055.yaml": """\
number: "055055"
old_numbers: ["0552768"]
name: Linea Comune
languages: [it, en]
hours: {mon-sat: "08:00-20:00", holidays: [IT, 06-24]}
closed: night
start: welcome
steps:
  welcome: {say: {it: "Benvenuti.", en: "Welcome."}, then: main}
  main:
    menu:
      say: {it: "Premi 1.", en: "Press 1."}
      keys: {"1": taxes, "2": fax, "9": {language: en, go: main}, "#": bye}
      wait: 5s
      tries: 3
      otherwise: taxes
  taxes: {queue: tributi}
  fax: {queue: fax}
  night: {voicemail: {for: tributi, say: {it: "Chiuso.", en: "Closed."}, longest: 3m}}
  bye: {hang_up: {}}
""",
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "dialplans").mkdir()
    for name, text in SMALL.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def change(folder, file, old, new):
    text = (folder / file).read_text()
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
    (folder / file).write_text(text.replace(old, new))


def said(folder):
    return [str(problem) for problem in examine(folder)[1]]


# --- what is right


def test_the_deployment_that_ships_is_right():
    shipped = load(SHIPPED)
    assert list(shipped.dialplans) == ["020202", "055055", "060606", "800840840"]
    assert len(shipped.entities.served_by("055055")) == 9
    assert not shipped.settings.testing
    assert shipped.dialplans["055055"].hours is not None
    assert shipped.dialplans["060606"].hours is None
    assert [site.name for site in shipped.rules.queues["protezione-civile"].sites] == ["laquila", "roma"]
    terms = [promise.term for promise in shipped.entities.entities["protezione-civile"].promises]
    assert terms == [InDays(40), InDays(40), InDays(7), InDays(0)]
    assert shipped.entities.entities["comune-fiesole"].promises == ()
    assert list(shipped.roster.phones) == [f"p{number}" for number in (*range(101, 116), *range(201, 216))]


@pytest.mark.parametrize("agent", [f"a{number}" for number in range(1001, 1007)])
def test_the_six_agents_of_the_demo_can_serve_all_queues_of_055055(agent):
    shipped = load(SHIPPED)
    who = shipped.roster.agents[agent]
    assert (who.site, who.phone) == ("laquila", f"p10{agent[-1]}")
    for queue in ("tributi", "anagrafe", "centralino"):
        assert all(who.skills[skill] >= level for skill, level in shipped.rules.queues[queue].needs.items())


def test_a_deployment_is_loaded_as_it_is_written(folder):
    loaded = load(folder)
    settings, plan, tributi = loaded.settings, loaded.dialplans["055055"], loaded.rules.queues["tributi"]
    assert settings.time_zone == ZoneInfo("Europe/Rome")
    assert settings.nodes["main"].sip_port == 5060
    assert settings.carriers[0].peers == ("127.0.0.1", "192.0.2.7:5080")
    assert (settings.ports, settings.web_port, settings.rtp.first) == (Ports(8088, 5038, 8090), 8055, 10_000)
    assert (tributi.target_answer, tributi.target_within_s, tributi.longest_wait_s) == (0.8, 20, 900)
    assert (tributi.longest_wait_then, tributi.full_then) == (ToVoicemail("tributi"), HangUpNext())
    assert loaded.rules.queues["fax"].full_then == ToQueue("tributi")
    assert loaded.rules.queues["fax"].longest_wait_then == ToStep("bye")
    assert loaded.rules.queues["fax"].sites == (SiteRules("laquila"), SiteRules("roma"))  # none given: all
    assert loaded.roster.agents["a2001"].phone is None
    assert plan.steps["welcome"] == Say("welcome", words({"it": "Benvenuti.", "en": "Welcome."}), "main")
    assert plan.steps["taxes"] == Queue("taxes", "tributi")
    assert plan.steps["night"] == Voicemail("night", "tributi", words({"it": "Chiuso.", "en": "Closed."}), 180)
    assert plan.steps["bye"] == HangUp("bye", words({}))
    menu = plan.steps["main"]
    assert isinstance(menu, Menu)
    assert (menu.keys["1"], menu.keys["9"], menu.wait_s, menu.tries) == (Key("taxes"), Key("main", "en"), 5, 3)


@pytest.mark.parametrize(
    "dialled", ["055055", "+39055055", "0039055055", "39055055", "055 055", "+39 055-055", "0552768", "+390552768"]
)
def test_a_number_is_known_however_the_carrier_writes_it(folder, dialled):
    service = load(folder).service_of(dialled)
    assert service is not None
    assert service.number == "055055"


@pytest.mark.parametrize("dialled", ["", "+39", "0550556", "055055x", "٠٥٥٠٥٥", "0" * 5000, "055055;drop", "+49055055"])
def test_an_unknown_number_has_no_service(folder, dialled):
    assert load(folder).service_of(dialled) is None


@pytest.mark.parametrize(("id", "number"), [("a2001", "2001"), ("a112", ""), ("a118", "")])
def test_an_agent_is_dialled_by_the_digits_of_their_id_unless_these_call_for_help(folder, id, number):
    agents = folder / "agents.yaml"
    agents.write_text(agents.read_text().replace("a2001", id))
    assert load(folder).roster.agents[id].number == number


# --- what is wrong

P, Q, A, E, C = "dialplans/055055.yaml", "queues.yaml", "agents.yaml", "entities.yaml", "centralino.yaml"
RING = "taxes: {say: {it: A, en: A}, then: b}\n  b: {say: {it: B, en: B}, then: taxes}"
MISTAKES = [
    # names that do not exist
    (
        Q,
        "[laquila, roma]",
        "[laquilla, roma]",
        "7:13: site `laquilla` is not in agents.yaml",
        "did you mean `laquila`?",
    ),
    (
        Q,
        "{queue: tributi}",
        "{queue: tribute}",
        "10:59: queue `tribute` is not in queues.yaml",
        "did you mean `tributi`?",
    ),
    (
        Q,
        "{step: bye}",
        "{step: by}",
        "10:110: step `by` is not in dialplans/055055.yaml, whose calls come to this queue",
        "did you mean `bye`?",
    ),
    (A, "Roma, node: main", "Roma, node: mian", "3:28: node `mian` is not in centralino.yaml", "did you mean `main`?"),
    (A, "{site: roma}", "{site: rome}", "4:46: site `rome` is not in agents.yaml", "did you mean `roma`?"),
    (A, "phone: p101", "phone: p110", "6:55: phone `p110` is not in agents.yaml", "did you mean `p101`?"),
    (E, "055055", "055505", "2:55: number `055505` is not in any dialplan", "did you mean `055055`?"),
    (
        P,
        "taxes: {queue: tributi}",
        "taxes: {queue: tributo}",
        "17:18: queue `tributo` is not in queues.yaml",
        "did you mean `tributi`?",
    ),
    (P, "for: tributi", "for: trbuti", "19:28: queue `trbuti` is not in queues.yaml", "did you mean `tributi`?"),
    (P, "start: welcome", "start: welcom", "7:8: step `welcom` is not in this dialplan", "did you mean `welcome`?"),
    (P, "closed: night", "closed: nigth", "6:9: step `nigth` is not in this dialplan", "did you mean `night`?"),
    (P, "then: main", "then: mian", "9:60: step `mian` is not in this dialplan", "did you mean `main`?"),
    (P, "otherwise: taxes", "otherwise: tax", "16:18: step `tax` is not in this dialplan", "did you mean `taxes`?"),
    (P, '"2": fax', '"2": faxx', "13:31: step `faxx` is not in this dialplan", "did you mean `fax`?"),
    (P, "go: main", "go: mian", "13:60: step `mian` is not in this dialplan", "did you mean `main`?"),
    (P, "language: en", "language: de", "13:52: language `de` is not in the languages of this number", "known: it, en"),
    # keys
    (Q, "ring: 20s", "ring_timout: 20s", "5:5: unknown key `ring_timout`", None),
    (Q, "wrap_up:", "wrapup:", "6:5: unknown key `wrapup`", "did you mean `wrap_up`?"),
    (
        Q,
        "wrap_up:",
        "longest_wrap_up: 20s\n    wrap_up:",
        "6:22: this is shorter than `wrap_up`, so that it could never be",
        "write a longer one, or leave it out",
    ),
    # sites and relaxing
    (Q, "[laquila, roma]", "[{roma: {after: 5s}}]", "7:12: no site is open from the start", None),
    (Q, "[laquila, roma]", "[laquila, {roma: {after: 5}}]", "7:37: `5` has no unit", "write `5s` for seconds"),
    (
        Q,
        "[laquila, roma]",
        "[laquila, {rome: {after: 5s}}]",
        "7:23: site `rome` is not in agents.yaml",
        "did you mean `roma`?",
    ),
    (Q, "[laquila, roma]", "[laquila, {roma: {afer: 5s}}]", "7:30: unknown key `afer`", "did you mean `after`?"),
    (
        Q,
        "[laquila, roma]",
        "[laquila, {roma: {or_when_nobody_at: rome}}]",
        "7:49: site `rome` is not in agents.yaml",
        "did you mean `roma`?",
    ),
    (Q, "[laquila, roma]", "[laquila, {roma: {or_when_nobody_at: roma}}]", "7:49: a site cannot wait for itself", None),
    (
        Q,
        "[laquila, roma]",
        "[{laquila: {keep_free: 1}, roma: {after: 5s}}]",
        "7:13: this has too many entries",
        "write at most 1",
    ),
    (Q, "[laquila, roma]", "[laquila, {laquila: {after: 5s}}]", "7:23: site `laquila` stands here twice", None),
    (
        Q,
        "{tributi: 3}",
        "{tributi: 3}\n    relax: [{after: 9s, needs: {tributi: 4}}]",
        "4:42: `tributi 4` is more than was needed before",
        None,
    ),
    (
        Q,
        "{tributi: 3}",
        "{tributi: 3}\n    relax: [{after: 9s, needs: {}}, {after: 8s, needs: {}}]",
        "4:45: this step comes no later than the one before",
        None,
    ),
    (
        Q,
        "{tributi: 3}",
        "{tributi: 3}\n    relax: [{after: 9s, needs: {tribute: 1}}]",
        "4:33: nobody in agents.yaml has skill `tribute`",
        "did you mean `tributi`?",
    ),
    (
        Q,
        "{tributi: 3}",
        "{tributi: 3}\n    pick: best",
        "4:11: unknown way to pick `best`",
        None,
    ),
    (Q, "{tributi: 3}", "{tributi: 3}\n    head_start: [{by: 9s}]", "4:18: this would hold for every caller", None),
    (
        Q,
        "{tributi: 3}",
        '{tributi: 3}\n    head_start: [{by: 9s, number: "11"}]',
        "4:35: number `11` is not in any dialplan",
        None,
    ),
    (
        Q,
        "{tributi: 3}",
        "{tributi: 3}\n    head_start: [{by: 9s, entity: x}]",
        "4:35: entity `x` is not in entities.yaml",
        None,
    ),
    (
        Q,
        "{tributi: 3}",
        "{tributi: 3}\n    head_start: [{by: 9s, step: x}]",
        "4:33: step `x` is in no dialplan whose calls come to this queue",
        None,
    ),
    (
        Q,
        "{tributi: 3}",
        "{tributi: 3}\n    while_waiting: {expected_wait: true}",
        "4:36: the expected wait is told together with the position",
        None,
    ),
    (
        Q,
        "{tributi: 3}",
        "{tributi: 3}\n    while_waiting: {voicemail_key: '1', callback: {key: '1'}}",
        "4:36: key `1` is that of the call-back too",
        None,
    ),
    (Q, "{tributi: 3}", '{tributi: 3}\n    recording: {refuse_key: "3"}', "4:5: `keep` is missing", None),
    (
        Q,
        "{tributi: 3}",
        '{tributi: 3}\n    recording: {refuse_key: "3", keep: 30}',
        "4:40: `30` has no unit",
        "write `30s` for seconds",
    ),
    (
        Q,
        "{tributi: 3}",
        '{tributi: 3}\n    recording: {refuse_key: "3", keep: 2h}',
        "4:40: `2h` is too short",
        "from 1d to 3650d",
    ),
    (
        Q,
        "{tributi: 3}",
        '{tributi: 3}\n    recording: {refuse_key: "3", keep: 30d}\n    while_waiting: {voicemail_key: "3"}',
        "4:29: key `3` is that of the voicemail too",
        "choose another",
    ),
    (
        Q,
        "{tributi: 3}",
        '{tributi: 3}\n    recording: {refuse_key: "3", keep: 30d}\n    while_waiting: {callback: {key: "3"}}',
        "4:29: key `3` is that of the call-back too",
        "choose another",
    ),
    (Q, "{tributi: 3}", "{tributi: 3}\n    relaxx: []", "4:5: unknown key `relaxx`", None),
    (A, "agents:\n", "shifts: {day: {mon-fri: x}}\nagents:\n", "5:25: `x` are no hours", None),
    (E, "Firenze, ", "Firenze, ofices: {}, ", "2:45: unknown key `ofices`", "did you mean `offices`?"),
    (
        E,
        "entities:\n",
        "promises: [{within: a week}]\nentities:\n",
        "1:21: `a week` is no time to answer in",
        "write `same day`, `7 days`, `5 working days` or `4h`",
    ),
    (
        E,
        "entities:\n",
        "topics: [tari]\npromises: [{within: 7 days, topics: [imu]}]\nentities:\n",
        "2:38: topic `imu` is not among `topics`",
        "known: tari",
    ),
    (
        E,
        "Firenze, ",
        "Firenze, working_days: {sun: closed}, ",
        "2:59: no day of the week is a working day",
        'write `mon-fri: "08:00-18:00"`',
    ),
    (E, "Firenze, ", "Firenze, working_days: {lun: closed}, ", "2:60: unknown day `lun`", "did you mean `mon`?"),
    (C, "database", "databse", "4:1: unknown key `databse`", "did you mean `database`?"),
    (P, "wait: 5s", "wiat: 5s", "14:7: unknown key `wiat`", "did you mean `wait`?"),
    (P, "{language: en,", "{langage: en,", "13:42: unknown key `langage`", "did you mean `language`?"),
    (P, "name: Linea Comune\n", "", "1:1: `name` is missing", None),
    (P, "      otherwise: taxes\n", "", "11:5: `otherwise` is missing", None),
    (P, '"2": fax', "2: fax", "13:26: key `2` is not in quotes", 'write `"2"`'),
    (P, '"2": fax', '"22": fax', "13:26: `22` is not a key of a phone", "one of 0 1 2 3 4 5 6 7 8 9 * #, in quotes"),
    (P, '"2": fax', '"2": fax, "2": fax', "13:36: `2` stands here twice", "the first is in line 13"),
    (
        P,
        '"2": fax',
        "*: fax",
        "13:26: did not find expected alphabetic or numeric character",
        'write `*` in quotes: `"*"`',
    ),
    # values
    (Q, "ring: 20s", "ring: 20", "5:11: `20` has no unit", "write `20s` for seconds"),
    (Q, "ring: 20s", "ring: 2s", "5:11: `2s` is too short", "from 5s to 2m"),
    (Q, "answer: 80%", "answer: 80", "4:22: `80` is not a percentage", "write `80%`"),
    (Q, "answer: 80%", "answer: 0.8", "4:22: `0.8` is not a percentage", "write `80%`"),
    (Q, "answer: 80%", "answer: 180%", "4:22: `180%` is out of range", "over 0% and up to 100%"),
    (Q, "needs: {tributi: 3}", "needs: {tributi: 6}", "3:22: `6` is too high", "at most 5"),
    (Q, "then: voicemail", "then: voicmail", "9:38: `voicmail` is no place to go", "did you mean `voicemail`?"),
    (Q, "waiting: 50", 'waiting: "50"', "8:21: `50` is not a whole number", "write digits without quotes"),
    (Q, "then: {queue: tributi}", "then: {queue: [fax]}", "10:59: this must be a text", None),
    (Q, "then: {queue: tributi}", "then: {quue: tributi}", "10:52: unknown key `quue`", "did you mean `queue`?"),
    (Q, "then: {queue: tributi}", "then: {queue: tributi, step: main}", "10:51: this is no place to go", None),
    (Q, "then: {queue: tributi}", "then: {queue: fax}", "10:59: a queue cannot lead to itself", "name another queue"),
    (Q, "[laquila, roma]", "[laquila, laquila]", "7:22: site `laquila` stands here twice", "remove it"),
    (P, '["0552768"]', '["+390552768"]', "2:15: `+390552768` is not a number", None),
    (P, '"08:00-20:00"', '"8-20"', "5:18: `8-20` are no hours", None),
    (P, "mon-sat", "mon-sab", "5:9: unknown day `sab`", None),
    (P, "06-24", "06-31", "5:48: `06-31` is no day of the calendar", None),
    (P, '"Benvenuti."', '""', "9:23: `` cannot be said", "1 to 4000 characters"),
    (P, "tries: 3", "tries: 0", "15:14: `0` is too low", "at least 1"),
    (A, "Operatore 1001", '"Op\\r\\nAction: x"', "6:17: `Op Action: x` cannot be shown as a name", None),
    (A, "p201", '"p 201]"', "4:33: `p 201]` is no name that Asterisk can use", None),
    (C, "Europe/Rome", "Europe/Roma", "1:12: unknown time zone `Europe/Roma`", "did you mean `Europe/Rome`?"),
    (C, "127.0.0.1:5060", "127.0.0.1:70000", "2:35: port `70000` is out of range", "from 1 to 65535"),
    (C, "127.0.0.1:5060", "127.0.0.1", "2:35: `127.0.0.1` has no port", None),
    (C, '"192.0.2.7:5080"', '"carrier.example"', "3:32: `carrier.example` is not an address", None),
    (C, "127.0.0.1:8055", "127.0.0.1:5060", "5:15: port `5060` of the web is the port of SIP too", "choose another"),
    (
        C,
        'web: {listen: "127.0.0.1:8055"}',
        'web: {listen: "127.0.0.1:8055"}\nconsole: {listen: "127.0.0.1:8055"}',
        "6:19: port `8055` of the console is the port of the web too",
        "choose another",
    ),
    (
        C,
        "127.0.0.1:8055",
        "127.0.0.1:5022",
        "5:15: port `5022` of the web is the port of the console too",
        "choose another",
    ),
    (C, "manage: true", "manage: false", "2:24: a node that we do not manage", "for now only `manage: true`"),
    (C, "manage: true", "manage: yes", "2:24: `yes` is neither true nor false", "write `true` or `false`"),
    (C, "database: sqlite", 'database: sqlite\nrtp: "2-1"', "5:6: `2-1` is an empty range of ports", None),
    # between places
    *(
        (A, "agents:\n", f"supervisors:\n  capo: {{name: Capo, {rest}}}\nagents:\n", what, hint)
        for rest, what, hint in (
            ("site: roma, phone: p101", "6:22: unknown key `site`", "did you mean `sites`?"),
            ("phone: p110", "6:29: phone `p110` is not in agents.yaml", "did you mean `p101`?"),
            ("phone: p101, sites: [rome]", "6:43: site `rome` is not in agents.yaml", "did you mean `roma`?"),
            ("phone: p101, sites: [roma, roma]", "6:49: site `roma` stands here twice", "remove it"),
            (
                "phone: p101, queues: [tributo]",
                "6:44: queue `tributo` is not in queues.yaml",
                "did you mean `tributi`?",
            ),
            ('number: "9001"', "6:3: nothing tells at a phone that it is `capo`", "add `phone`, or `number` and `pin`"),
            ('phone: p101, number: "9001"', "6:35: `number` is of no use without `pin`", "add `pin`"),
        )
    ),
    (
        Q,
        "{tributi: 3}",
        "{tributi: 3, fax: 2}",
        "3:12: nobody at laquila or roma has `tributi 3, fax 2`",
        "lower a level, or train somebody",
    ),
    (
        P,
        'hours: {mon-sat: "08:00-20:00", holidays: [IT, 06-24]}\n',
        "",
        "5:1: without `hours` this number is never closed",
        None,
    ),
    (P, "closed: night\n", "", "5:1: `closed` is missing", "write where calls go outside hours: `closed: STEP`"),
    (P, ', en: "Welcome."', "", "9:18: the text in `en` is missing", 'add `en: "…"`'),
    (
        P,
        'en: "Press 1."',
        'en: "Press 1.", de: "Eins."',
        "12:45: language `de` is not in the languages of this number",
        None,
    ),
    (P, "taxes: {queue: tributi}", RING, "17:3: a call would go round for ever: `taxes` → `b` → `taxes`", None),
    (P, '"2": fax, ', "", "18:3: warning: no call comes to step `fax`", "lead to it, or remove it"),
    (
        P,
        "taxes: {queue: tributi}",
        "taxes: {queue: tributi, hang_up: {}}",
        "17:3: step `taxes` is queue and hang_up",
        None,
    ),
    (
        P,
        "taxes: {queue: tributi}",
        "taxes: {queue: tributi, then: fax}",
        "17:27: `then` means nothing with `queue`",
        "remove it",
    ),
    (
        P,
        "taxes: {queue: tributi}",
        "taxes: {}",
        "17:3: step `taxes` is nothing",
        f"one of {', '.join(STEP_KINDS)}",
    ),
    (P, "[it, en]", "[it, en, it]", "4:21: language `it` stands here twice", "remove it"),
    (
        P,
        '["0552768"]',
        '["055055"]',
        "2:15: number `055055` is claimed twice",
        "it stands in dialplans/055055.yaml:1 too",
    ),
    (
        A,
        "site: roma, skills",
        "site: roma, phone: p101, skills",
        "7:52: phone `p101` is the fixed phone of `a1001` too",
        None,
    ),
    (
        A,
        "p101: {site: laquila}",
        'p101: {site: laquila, mac: "00:15:65:12:34"}',
        "4:37: `00:15:65:12:34` is no MAC address",
        'twelve hex digits, as on the phone\'s label: `"80:5e:c0:12:34:56"`',
    ),
    (
        A,
        "p101: {site: laquila}",
        "p101: {site: laquila, mac: 01:15:65:12:34:56}",
        "4:37: `01:15:65:12:34:56` is the MAC address of no phone",
        None,
    ),
    (
        A,
        "p101: {site: laquila}",
        "p101: {site: laquila, mac: 000000000000}",
        "4:37: `000000000000` is the MAC address of no phone",
        None,
    ),
    (
        A,
        "p101: {site: laquila}",
        "p101: {site: laquila, mac: 805123456789}",
        "4:37: `805123456789` is not in quotes",
        None,
    ),
    (
        A,
        "p101: {site: laquila}",
        "p101: {site: laquila, make: Snom}",
        "4:38: unknown make `Snom`",
        "did you mean `snom`?",
    ),
    (
        A,
        "p101: {site: laquila}",
        "p101: {site: laquila, mac: 001565123456}, p7: {site: laquila, mac: 00-15-65-12-34-56}",
        "4:77: MAC address `00-15-65-12-34-56` is that of phone `p101` too",
        "copy the one on this phone's label",
    ),
    (
        Q,
        "needs: {tributi: 3}",
        "needs: {tributo: 3}",
        "3:13: nobody in agents.yaml has skill `tributo`",
        "did you mean `tributi`?",
    ),
    # what contradicts itself, or speaks of a moment that never comes
    (
        Q,
        "[laquila, roma]",
        "[laquila, {roma: {back_after: 9m}}]",
        "7:30: this site is open from the start and never closes",
        "say when it opens, such as `after: 30s`, or remove it",
    ),
    (
        Q,
        "[laquila, roma]",
        "[laquila, {roma: {after: 9s, by_hand: true}}]",
        "7:41: by hand only, or `after`: it cannot be both",
        "remove one; any further site can be opened by hand too",
    ),
    (Q, "[laquila, roma]", "[laquila, {roma: {by_hand: false}}]", "7:39: `false` is not `true`", None),
    (
        Q,
        "[laquila, roma]",
        "[laquila, {roma: {after: 15m}}]",
        "7:30: warning: nobody waits so long: after 15m they go elsewhere",
        "write a shorter time",
    ),
    (
        Q,
        "ring: 20s",
        "relax: [{after: 20m, needs: {tributi: 1}}]",
        "5:14: warning: nobody waits so long: after 15m they go elsewhere",
        None,
    ),
    (
        Q,
        "ring: 20s",
        'while_waiting: {callback: {key: "1", after: 15m}}',
        "5:42: warning: nobody waits so long: after 15m they go elsewhere",
        None,
    ),
    (
        Q,
        "[laquila, roma]",
        "[laquila, {roma: {or_waiting_over: 50}}]",
        "7:30: warning: no more than 50 wait: the queue is full then",
        "write a smaller number",
    ),
    (
        Q,
        "[laquila, roma]",
        "[laquila, {roma: {keep_free: 1}}]",
        "7:30: warning: nobody of `roma` is ever lent: 1 of agents.yaml sit there",
        "keep fewer, or remove the site",
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_names_its_place_and_its_cure_and_no_other_place(folder, mistake):
    file, old, new, place, hint = mistake
    change(folder, file, old, new)
    problems = said(folder)
    assert len(problems) == 1
    line, _, cure = problems[0].partition("\n    hint: ")
    assert line == f"{file}:{place}"
    assert cure == hint if hint else cure


@pytest.mark.parametrize("mistake", [mistake for mistake in MISTAKES if "` is not in" in mistake[3]])
def test_the_place_is_where_the_unknown_name_stands(folder, mistake):
    file, old, new, _, _ = mistake
    change(folder, file, old, new)
    problem = examine(folder)[1][0]
    name = problem.what.split("`")[1]
    line = (folder / file).read_text().splitlines()[problem.line - 1]
    assert line[problem.col - 1 :].lstrip('"').startswith(name)


def test_all_problems_are_said_at_once_sorted_by_file_and_line(folder):
    change(folder, Q, "ring: 20s", "ring: 20")
    change(folder, Q, "wrap_up:", "wrapp_up:")
    change(folder, Q, "[laquila, roma]", "[laquilla, roma]")
    change(folder, A, "site: roma, skills", "site: roam, skills")
    change(folder, P, "otherwise: taxes", "otherwise: texas")
    with pytest.raises(BrokenConfiguration) as broken:
        load(folder)
    assert (
        str(broken.value)
        == """\
agents.yaml:7:39: site `roam` is not in agents.yaml
    hint: did you mean `roma`?
dialplans/055055.yaml:16:18: step `texas` is not in this dialplan
    hint: did you mean `taxes`?
queues.yaml:5:11: `20` has no unit
    hint: write `20s` for seconds
queues.yaml:6:5: unknown key `wrapp_up`
    hint: did you mean `wrap_up`?
queues.yaml:7:13: site `laquilla` is not in agents.yaml
    hint: did you mean `laquila`?
5 problems. Nothing was loaded."""
    )


def test_a_queue_s_greeting_is_said_in_each_language_of_its_callers(folder):
    change(folder, Q, "    ring: 20s", '    voicemail: {say: {it: "Lasci un messaggio."}}\n    ring: 20s')
    assert said(folder) == [
        'queues.yaml:5:22: the text in `en` is missing (dialplans/055055.yaml speaks it)\n    hint: add `en: "…"`'
    ]


def test_queues_that_are_full_cannot_send_a_call_round_for_ever(folder):
    change(folder, Q, "then: hang_up", "then: {queue: fax}")
    assert [problem.what for problem in examine(folder)[1]] == [
        "a call would go round for ever: `tributi` → `fax` → `tributi`"
    ]


def test_a_site_cannot_wait_for_one_that_the_queue_does_not_have(folder):
    change(folder, "agents.yaml", "phones:", "  bari: {name: Bari, node: main, seats: 5}\nphones:")
    change(folder, "queues.yaml", "[laquila, roma]", "[laquila, {roma: {or_when_nobody_at: bari}}]")
    assert said(folder) == [
        "queues.yaml:7:49: site `bari` is none of this queue's, so nobody there ever counts\n"
        "    hint: name one of its `sites`"
    ]


def test_a_head_start_s_step_is_not_looked_for_in_a_dialplan_that_cannot_be_read(folder):
    change(folder, "queues.yaml", "{tributi: 3}", "{tributi: 3}\n    head_start: [{by: 9s, step: taxes}]")
    (folder / "dialplans" / "055055.yaml").write_text("steps: {")
    assert [one for one in said(folder) if one.startswith("queues.yaml")] == []


def test_a_number_that_is_not_in_quotes_is_told_so(folder):
    change(folder, P, 'number: "055055"', "number: 800840840")
    assert said(folder)[0] == f'{P}:1:9: `800840840` is not in quotes\n    hint: write `"800840840"`'


def test_two_dialplans_cannot_claim_one_number(folder):
    other = SMALL[P].replace('"055055"', '"0552768"').replace('["0552768"]', "[]")
    (folder / "dialplans/other.yaml").write_text(other)
    assert said(folder) == [
        "dialplans/other.yaml:1:9: number `0552768` is claimed twice\n"
        "    hint: it stands in dialplans/055055.yaml:2 too"
    ]


def test_longest_waits_that_lead_to_each_other_are_told_once(folder):
    change(folder, Q, "longest_wait: {after: 15m, then: voicemail}", "longest_wait: {after: 15m, then: {queue: fax}}")
    change(folder, Q, "full: {waiting: 5, then: {queue: tributi}}, ", "")
    change(folder, Q, "then: {step: bye}", "then: {queue: tributi}")
    [told] = said(folder)
    assert "warning: who has waited too long goes round and round: `fax` → `tributi` → `fax`" in told


def test_only_one_node_is_allowed_for_now(folder):
    change(folder, C, "nodes: {", 'nodes: {second: {manage: true, sip: "127.0.0.2:5062"}, ')
    assert said(folder) == ["centralino.yaml:2:56: a second node, `main`\n    hint: one node for now: remove it"]


@pytest.mark.parametrize("file", [*FILES, P])
@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "1:1: the file is empty"),
        (b"\n\xfe\xff", "2:1: the file is not UTF-8"),
        (b"a: [\n", None),
        (b"- a\n", "1:1: the file must be a table of keys"),
        (b"12\n", "1:1: the file must be a table of keys"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_problem(folder, file, content, what):
    (folder / file).write_bytes(content)
    problems = said(folder)
    assert len(problems) == 1
    assert problems[0].startswith(f"{file}:{what or ''}")


@pytest.mark.parametrize("file", FILES)
def test_a_missing_file_is_one_problem(folder, file):
    (folder / file).unlink()
    assert said(folder) == [f"{file}:1:1: the file is missing\n    hint: each deployment has one"]


def test_a_folder_in_place_of_a_file_is_a_problem(folder):
    (folder / Q).unlink()
    (folder / Q).mkdir()
    assert said(folder) == ["queues.yaml:1:1: the file cannot be read: Is a directory"]


def test_a_deployment_without_dialplans_is_told_to_write_one(folder):
    shutil.rmtree(folder / "dialplans")
    assert [problem.what for problem in examine(folder)[1]] == ["there is no dialplan"]


def test_a_dialplan_that_would_be_passed_over_is_a_problem(folder):
    (folder / "dialplans/060606.yml").write_text(SMALL[P])
    assert said(folder) == ["dialplans/060606.yml:1:1: this file is not read\n    hint: name it `.yaml`"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("060606.YAML", "name it `.yaml`"), ("roma/060606.yaml", "put it into dialplans/ or dialplans/shared/")],
)
def test_so_is_one_with_another_ending_or_in_a_folder_of_its_own(folder, name, hint):
    (folder / "dialplans" / "roma").mkdir()
    (folder / "dialplans" / name).write_text(SMALL[P])
    assert said(folder) == [f"dialplans/{name}:1:1: this file is not read\n    hint: {hint}"]


def test_where_all_dialplans_have_another_ending_that_is_what_is_said(folder):
    (folder / P).rename(folder / "dialplans/055055.yml")
    assert said(folder) == ["dialplans/055055.yml:1:1: this file is not read\n    hint: name it `.yaml`"]


def test_a_missing_file_is_looked_for_under_another_ending(folder):
    (folder / Q).rename(folder / "queues.yml")
    assert said(folder) == ["queues.yaml:1:1: the file is missing\n    hint: rename queues.yml"]


def test_nobody_waits_for_what_comes_out_of_a_pipe(folder):
    os.mkfifo(folder / "dialplans/060606.yaml")
    (folder / "prompts/it").mkdir(parents=True)
    os.mkfifo(folder / "prompts/it/ciao.wav")
    assert [problem.splitlines()[0] for problem in said(folder)] == [
        "dialplans/060606.yaml:1:1: this is no file that can be read",
        "prompts/it/ciao.wav:1:1: this is no WAV file",
    ]


def test_a_recording_that_callers_could_not_hear_is_a_problem(folder):
    (folder / "prompts/it").mkdir(parents=True)
    (folder / "prompts/it/ciao.wav").write_text("version https://git-lfs.github.com/spec/v1")
    assert said(folder) == [
        "prompts/it/ciao.wav:1:1: this is no WAV file\n    hint: save it as WAV (PCM), or remove it"
    ]


def test_a_folder_that_is_not_there_is_a_problem(tmp_path):
    assert examine(tmp_path / "away")[1][0].what == "there is no such folder"


def test_the_password_of_a_database_is_never_shown(folder):
    change(folder, C, "database: sqlite", "database: postgres://centralino:secret@db/centralino")
    assert len(said(folder)) == 1
    assert "secret" not in said(folder)[0]


def wrecked(text):
    """The text without one of its lines, or with one cut short, one emptied, one turned into something else."""
    lines = text.splitlines()
    for n, line in enumerate(lines):
        for new in (
            [],
            [line[: len(line) // 2]],
            [line.split(":")[0] + ": 7"],
            [line.split(":")[0] + ": [x]"],
            [line.replace(": l", ": [[], {}], z: l")],
            ["- x"],
        ):
            yield "\n".join([*lines[:n], *new, *lines[n + 1 :]])


@pytest.mark.parametrize("file", SMALL)
def test_no_wrecked_file_ends_in_a_traceback(folder, file):
    for text in wrecked(SMALL[file]):
        (folder / file).write_text(text)
        for problem in examine(folder)[1]:
            assert problem.line >= 1
            assert problem.col >= 1
            assert problem.what
