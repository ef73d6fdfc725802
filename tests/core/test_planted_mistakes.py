"""Mistakes planted by machine into the deployment that ships: each is told at its place, and none ends in a traceback.

A kind of mistake is a function from a place to the text with the mistake in it, and to where and how it must be told;
None where it would be none. Each kind is planted at places that the forms say different things of, drawn by a seed.
"""

import json
import re
import shutil
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from pydantic import ValidationError

from agents.pins import hash_of
from centralino import settings
from centralino.forms.dialplans import DialplanForm, SharedForm
from centralino.forms.fields import Form
from centralino.forms.files import FORMS, form_of
from centralino.located import DEPTH_MAX, SIZE_BYTES_MAX, TAG, Problem, read
from tests.certificates import made_certificate
from tests.planting import ANYTHING, LineAndColumn, Place, place_of, places

SHIPPED = Path(__file__).parents[2]
SEED = 7
PLACES_OF_EACH_KIND = 3
TRIED_OF_ONE_KIND = 40  # places, until one is found where the mistake would be one
KINDS_LEAST = 90
PLANTED_LEAST = 250

MAIL = """
mail:
  relay: "relay.example:587"
  tls: starttls
  user: posta
  secret: RELAY
  largest: 20MB
"""

# What the deployment that ships has no use for stands here, so that each key of each form is looked at.
MORE = {
    "centralino.yaml": """\
testing: false
rtp: "10000-20000"
ports: {http: 8088, ami: 5038, engine: 8090}
voices: {it: {piper: prompts/voices/it_IT-ada-medium.onnx}}
carriers:
  second:
    register: {server: sip.carrier.example, user: "+390552768", secret: SECOND_CARRIER}
    transport: tls
    codecs: [alaw, g722]
    channels: 30
    caller_id: rpid
    dialled_in: to
  third: {peers: ["192.0.2.7:5070", "198.51.100.0/28"], send_to: "192.0.2.7:5070", caller_id: from}
tls: {certificate: /etc/c/cert.pem, key: /etc/c/key.pem, authorities: /etc/c/cert.pem, port: 5061}
outgoing:
  allow: ["+39", "+39199"]
  deny: ["+39055899"]
  through: {"+393": [second, carrier]}
  caller_id: {comune-scandicci: "055055"}
public:
  address: "https://contatti.comune.example"
  privacy_notice: "https://www.comune.example/privacy"
  entities: [comune-scandicci, comune-firenze]
sms: {url: "https://gateway.example/sms", secret: SMS_TOKEN}
""",
    "queues.yaml": """\
  prova:
    needs: {tributi: 3, centralino: 2}
    relax: [{after: 30s, needs: {tributi: 2, centralino: 2}}, {after: 60s, needs: {tributi: 1}}]
    pick: longest_idle
    longest_wrap_up: 10m
    whisper: true
    voicemail: {say: {it: Dica., en: Speak.}, mail: prova@example.org, keep: 90d}
    dialled: "812"
    unanswered: {most: 2, pause: 10m}
    recording: {refuse_key: "7", keep: 30d, longest_pause: 2m}
    call_backs: {ring: 20s, again_after: [10m, 1h], hours: "09:00-20:00"}
    sites:
      - laquila
      - roma: {or_expected_wait_over: 10m, or_when_nobody_at: laquila, keep_free: 2, agents_at_most: 5}
    head_start:
      - {number: "055099", step: office, by: 1m}
      - {entity: comune-scandicci, caller: "+39055", nth_call_today: 2, by: 30s}
      - {open_case: true, by: 2m}
    full: {waiting: 5, then: {step: office}}
    longest_wait: {after: 10m, then: {queue: centralino}}
  a-mano: {needs: {tributi: 1}, sites: [laquila, {roma: {by_hand: true}}]}
""",
    "entities.yaml": """\
topics: [tari, imu]
reopen_within: 7d
tell: [taken in, handed over]
promises:
  - {within: 40 days, channels: [letter, fax], warn: 5d}
  - {within: 5 working days, kinds: [complaint], topics: [tari], complex: true}
working_days: {mon-fri: "08:30-17:30", holidays: [IT]}
""",
    "agents.yaml": """\
longest_pause: 90m
second_sign_in: move
shifts:
  day: {mon-sun: "00:00-24:00", holidays: [12-25]}
supervisors:
  capo: {name: Responsabile, phone: p101, sites: [laquila, roma], queues: [tributi, anagrafe]}
  capa: {name: Responsabile, SUPERVISORS_NUMBER_AND_PIN}
""",
    "dialplans/055099.yaml": """\
number: "055099"
name: Prova
languages: [it, en]
time_zone: Europe/Rome
hours: {mon-fri: "09:00-13:00, 14:00-18:00", holidays: [IT, 06-24, 2026-12-24]}
closed: goodbye
other_hours: {mornings: {mon-fri: "09:00-12:00"}}
start: strike
steps:
  strike:
    notice: {say: [{file: chime}, {it: Sciopero., en: Strike.}], from: 2026-12-01 08:00, until: 2026-12-24}
    then: who
  who:
    choose:
      - {open: mornings, language: en, caller: ["+39055", withheld], day: [sat, 12-24], go: own}
      - {language: [it, en], caller: "+39055", day: sun, go: own}
      - {queue: centralino, waiting_over: 5, expected_wait_over: 5m, go: back}
      - {go: own}
  own:
    case_status: {say: {it: "Premi 1.", en: "Press 1."}, otherwise: back, wait: 5s, tries: 2}
    then: back
  back:
    callback: {queue: centralino, say: {it: Aspetti., en: Wait.}, otherwise: office, wait: 5s, tries: 2}
    then: goodbye
  office:
    transfer: {to: comune-scandicci/anagrafe, say: {file: chime}, ring: 30s, otherwise: digits}
  digits:
    ask: {say: {it: Digiti., en: Key in.}, note: codice, digits: 5, otherwise: line, wait: 5s, tries: 2, confirm: true}
    then: line
  line: {queue: prova}
  goodbye: {hang_up: {say: {it: Arrivederci., en: Goodbye.}}}
tests:
  - at: 2026-11-23 10:00
    press: ["10000426#", wait]
    from: "+39055123456"
    queues: {centralino: {waiting: 3, signed_in: 2, expected_wait: 12m}}
    cases: {"10000426": {proof: "1234", open: true, opened: 2026-11-03}}
    offices_away: [comune-scandicci/anagrafe]
    says: [Sciopero., "Premi 1."]
    language: it
    entity: comune-firenze
    ends: queue prova
""",
}


NUMBER_AND_PIN = f'number: "61", pin: "{hash_of("4711")}"'
SITE = 'seats: 15, phone: "+390862000"'


# --- the deployment


class Deployment:
    """A legal deployment in a folder, in which one file at a time may be another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in [*FORMS, "dialplans"]:
            copy = shutil.copytree if (SHIPPED / name).is_dir() else shutil.copyfile
            copy(SHIPPED / name, folder / name)
        made_certificate(folder / "tls")
        for name, more in MORE.items():
            text = more.replace("/etc/c/", f"{folder}/tls/")
            before = (folder / name).read_text() if (folder / name).exists() else ""
            text = text.replace("SUPERVISORS_NUMBER_AND_PIN", NUMBER_AND_PIN.replace("61", "62", 1))
            before = before.replace("phone: p101,", f"phone: p101, shift: day, {NUMBER_AND_PIN},")
            before = before.replace("seats: 15", SITE, 1)
            before = before.replace(
                "p101: {site: laquila}", "p101: {site: laquila, mac: 80-5e-c0-12-34-56, make: snom}"
            )
            before = before.replace("p102: {site: laquila}", 'p102: {site: laquila, mac: "80:5E:C0:12:34:57"}')
            before = before.replace("\nmail:\n", MAIL, 1)
            (folder / name).write_text(before + text)
        for language in ("it", "en"):
            (folder / "prompts" / language).mkdir(parents=True)
            with wave.open(str(folder / "prompts" / language / "chime.wav"), "wb") as sound:
                sound.setparams((1, 2, 8000, 0, "NONE", ""))
                sound.writeframes(bytes(8000))
        (folder / "prompts" / "voices").mkdir()
        for ending in ("onnx", "onnx.json"):
            (folder / "prompts" / "voices" / f"it_IT-ada-medium.{ending}").write_text("{}")
        self.texts = {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.glob("**/*.yaml"))}
        self.places = [place for file in self.texts for place in places(file, self.texts[file], form_of(file))]

    def problems_with(self, file: str, content: bytes) -> tuple[settings.Configuration | None, tuple[Problem, ...]]:
        """What is said of the deployment where `file` holds `content`."""
        path = self.folder / file
        try:
            path.write_bytes(content)
            return settings.examine(self.folder)
        finally:
            path.write_text(self.texts[file])


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "read", lru_cache(64)(read))  # what did not change is read once
        patch.setattr("centralino.piper.shutil.which", lambda name: f"/usr/bin/{name}")  # a machine with piper
        yield Deployment(tmp_path_factory.mktemp("deployment"))


# --- names: who defines them, and who uses them

DEFINING = {
    "DialplanForm.steps.*",
    "SharedForm.steps.*",
    "QueuesForm.queues.*",
    "RosterForm.sites.*",
    "RosterForm.phones.*",
    "RosterForm.shifts.*",
    "RosterForm.agents.*.skills.*",
    "RosterForm.agents.*.languages.*",
    "SettingsForm.nodes.*",
    "SettingsForm.carriers.*",
    "EntitiesForm.entities.*",
    "EntitiesForm.entities.*.offices.*",
    "DialplanForm.other_hours.*",
    "DialplanForm.number",
    "DialplanForm.languages.[]",
}
WORD = re.compile(r"[\w-]+")


@lru_cache(1)
def defined_names(deployment: Deployment) -> frozenset[str]:
    names = {place.name for place in deployment.places if place.kind in DEFINING}
    return frozenset(names | {Path(file).stem for file in deployment.texts if file.startswith("dialplans/shared/")})


def is_accepted(place: Place, value: object) -> bool:
    """Whether the form lets `value` stand there."""
    data = _data(place.text)
    inner: Any = data
    for part in place.path[:-1]:
        inner = inner[part]
    before = inner[place.path[-1]]
    inner[place.path[-1]] = value
    try:
        form_of(place.file).model_validate(data)
    except ValidationError as error:
        paths = [tuple(part for part in one["loc"] if not str(part).startswith(TAG)) for one in error.errors()]
        return not any(path[: len(place.path)] == place.path for path in paths)
    finally:
        inner[place.path[-1]] = before
    return True


@lru_cache(None)
def _data(text: str) -> dict[str, Any]:
    return read("", text.encode()).data


@lru_cache(None)
def is_free_text(place: Place) -> bool:
    return is_accepted(place, "anything, at all")


# --- kinds of mistakes


@dataclass(frozen=True, slots=True)
class Planted:
    """The file with the mistake; where it must be told (from `at`, up to `until` where only a reader's eye could tell
    better); and what must be said.
    """

    text: str | bytes
    at: LineAndColumn
    names: str = ""
    hint: str = ""
    until: LineAndColumn | None = None
    file: str = ""
    is_doubt: bool = False  # it is legal, and hardly meant


Kind = Callable[[Place, Deployment], Planted | None]
KINDS: list[Kind] = []


def kind(plant: Kind) -> Kind:
    KINDS.append(plant)
    return plant


def is_own_key(place: Place) -> bool:
    """Whether the key is a word of ours, not a name of theirs."""
    if not (place.key and place.around) or place.around.limit("additionalProperties"):
        return False
    return any(place.name in form["properties"] for form in place.around.tables)


def is_scalar(place: Place) -> bool:
    return place.around is not None and not place.inner and place.raw not in ("{}", "[]")


# keys


@kind
def a_required_key_is_missing(place: Place, _: Deployment) -> Planted | None:
    if not (is_own_key(place) and place.around):
        return None
    if not any(place.name in form.get("required", ()) for form in place.around.tables):
        return None
    return Planted(place.without(), place.around.at_key, f"`{place.name}` is missing")


@kind
def a_key_is_misspelt(place: Place, _: Deployment) -> Planted | None:
    if not is_own_key(place):
        return None
    wrong = place.name + place.name[-1]
    return Planted(place.with_key(wrong), place.at_key, f"unknown key `{wrong}`", f"did you mean `{place.name}`?")


@kind
def a_key_is_in_capitals(place: Place, _: Deployment) -> Planted | None:
    if not is_own_key(place):
        return None
    wrong = place.name.upper()
    return Planted(place.with_key(wrong), place.at_key, f"unknown key `{wrong}`", f"did you mean `{place.name}`?")


@kind
def a_key_stands_twice(place: Place, _: Deployment) -> Planted | None:
    if not place.key:
        return None
    text, at = place.with_entry_after(place.text[place.key.start_mark.index : place.span[1]])
    return Planted(text, at, f"`{place.name}` stands here twice", f"in line {place.at_key[0]}")


@kind
def a_key_is_added(place: Place, _: Deployment) -> Planted | None:
    if not is_own_key(place):
        return None
    text, at = place.with_entry_after("hello: 1")
    return Planted(text, at, "unknown key `hello`")


@kind
def a_key_that_looks_like_a_number_is_not_in_quotes(place: Place, _: Deployment) -> Planted | None:
    if not (place.key and re.fullmatch("0|[1-9][0-9]*", place.name)):
        return None
    return Planted(
        place.with_key(place.name), place.at_key, f"key `{place.name}` is not in quotes", f'write `"{place.name}"`'
    )


@kind
def a_key_is_a_bare_star(place: Place, _: Deployment) -> Planted | None:
    return Planted(place.with_key("*"), place.at_key, hint='`"*"`') if place.key else None


@kind
def a_key_is_nothing(place: Place, _: Deployment) -> Planted | None:
    return Planted(place.with_key("~"), place.at_key, "key `~` is not in quotes") if place.key else None


@kind
def a_key_is_a_list(place: Place, _: Deployment) -> Planted | None:
    return Planted(place.with_key("[x]"), place.at_key, "a key must be a word") if place.key else None


@kind
def a_table_is_merged(place: Place, _: Deployment) -> Planted | None:
    if not place.key:
        return None
    text, at = place.with_entry_after("<<: {x: y}")
    return Planted(text, at, "merge keys (`<<`)")


@kind
def no_space_follows_the_colon(place: Place, _: Deployment) -> Planted | None:
    if not (place.key and not place.key.style and is_scalar(place)):
        return None
    text = place.text[: place.key.end_mark.index] + ":" + place.text[place.span[0] :]
    return Planted(text, place.at_key)


@kind
def a_line_is_indented_too_far(place: Place, _: Deployment) -> Planted | None:
    if not (place.key and place.around and not place.around.is_flow and place is not place.around.inner[0]):
        return None
    line, col = place.at_key
    return Planted(place.with_key(" " + place.text[slice(*_key_span(place))]), (line, col + 1))


def _key_span(place: Place) -> tuple[int, int]:
    assert place.key
    return place.key.start_mark.index, place.key.end_mark.index


@kind
def a_tab_indents(place: Place, _: Deployment) -> Planted | None:
    if not (place.key and place.around and not place.around.is_flow and place.at_key[1] > 1):
        return None
    begin = _key_span(place)[0]
    line_begin = place.text.rfind("\n", 0, begin) + 1
    if place.text[line_begin:begin].strip():
        return None
    return Planted(place.text[:line_begin] + "\t" + place.text[begin:], (place.at_key[0], 1), hint="tab")


# values of another shape


def _of_another_shape(place: Place, new: str, *types: str) -> Planted | None:
    if place.around is None or place.may_be(*types):
        return None
    return Planted(place.with_value(new), place.at)


@kind
def a_list_for_a_value(place: Place, _: Deployment) -> Planted | None:
    return _of_another_shape(place, "[x]", "array") if is_scalar(place) else None


@kind
def a_table_for_a_value(place: Place, _: Deployment) -> Planted | None:
    return _of_another_shape(place, "{x: y}", "object") if is_scalar(place) else None


@kind
def a_value_for_a_list(place: Place, _: Deployment) -> Planted | None:
    return _of_another_shape(place, "7", "string", "integer") if place.raw.startswith(("[", "- ")) else None


@kind
def a_table_for_a_list(place: Place, _: Deployment) -> Planted | None:
    return _of_another_shape(place, "{x: y}", "object") if place.raw.startswith(("[", "- ")) else None


@kind
def a_value_for_a_table(place: Place, _: Deployment) -> Planted | None:
    return None if is_scalar(place) else _of_another_shape(place, "7", "string", "integer")


@kind
def a_list_for_a_table(place: Place, _: Deployment) -> Planted | None:
    return None if is_scalar(place) else _of_another_shape(place, "[x]", "array")


@kind
def nothing_for_a_value(place: Place, _: Deployment) -> Planted | None:
    return Planted(place.with_value("~"), place.at, "the value is missing") if is_scalar(place) else None


@kind
def no_value(place: Place, _: Deployment) -> Planted | None:
    if not (is_scalar(place) and place.key):
        return None
    after = _key_span(place)[1] + 1
    text = f"{place.text[:after]} {place.text[place.span[1] :]}"
    return Planted(text, place_of(text, after), "the value is missing", until=place_of(text, after, 1))


@kind
def an_empty_table_or_list(place: Place, _: Deployment) -> Planted | None:
    if place.around is None or not (place.limit("minProperties") or place.limit("minItems")):
        return None
    empty = "{}" if place.limit("minProperties") else "[]"
    return Planted(place.with_value(empty), place.at, "empty")


@kind
def an_entry_too_many(place: Place, _: Deployment) -> Planted | None:
    most = place.limit("maxProperties")
    if not most or len(place.inner) < most:
        return None
    return Planted(place.inner[-1].with_entry_after("more: {}")[0], place.at, "too many entries", f"{most}")


@kind
def an_empty_text(place: Place, _: Deployment) -> Planted | None:
    if not is_scalar(place) or is_accepted(place, ""):
        return None
    return Planted(place.with_value('""'), place.at)


@kind
def a_text_is_not_in_quotes_and_reads_as_a_number(place: Place, _: Deployment) -> Planted | None:
    if not is_scalar(place) or not place.may_be("string") or is_accepted(place, 12):
        return None
    return Planted(place.with_value("12"), place.at, "" if place.may_be("object") else "`12`")


@kind
def a_text_is_not_in_quotes_and_reads_as_a_truth(place: Place, _: Deployment) -> Planted | None:
    if not is_scalar(place) or is_accepted(place, True):
        return None
    return Planted(place.with_value("true"), place.at)


@kind
def a_number_in_quotes(place: Place, _: Deployment) -> Planted | None:
    if place.may_be("string") or not place.may_be("integer", "number"):
        return None
    return Planted(place.with_value('"3"'), place.at, "`3` is not a whole number")


@kind
def a_number_with_a_fraction(place: Place, _: Deployment) -> Planted | None:
    if not is_scalar(place) or is_accepted(place, 2.5):
        return None
    return Planted(place.with_value("2.5"), place.at, "" if place.may_be("object") else "`2.5`")


@kind
def a_number_too_high(place: Place, _: Deployment) -> Planted | None:
    most = place.limit("maximum")
    return Planted(place.with_value(f"{most + 1}"), place.at, f"`{most + 1}`", f"{most}") if most else None


@kind
def a_number_too_low(place: Place, _: Deployment) -> Planted | None:
    least = place.limit("minimum")
    if least is None:
        return None
    return Planted(place.with_value(f"{least - 1}"), place.at, f"`{least - 1}`", f"{least}")


# what YAML 1.1 would read otherwise


def _trap(word: str) -> Kind:
    def plant(place: Place, deployment: Deployment) -> Planted | None:
        value = read("x", f"x: {word}".encode()).data["x"]
        if not is_scalar(place) or (is_accepted(place, value) and not is_reference(place, deployment)):
            return None
        return Planted(place.with_value(word), place.at, "" if place.name == "database" else f"`{word}`")  # a secret

    plant.__name__ = f"the_word_{word}"
    return plant


for trap in ("0123", "12:30", "no", "0x1F", "1_000", "2026-13-40", ".inf", "0o17", "1e3", "=", "2026-02-30"):
    kind(_trap(trap))


# durations, shares, addresses, hours


def is_duration(place: Place) -> bool:
    return "[dhms]" in str(place.limit("pattern"))


@kind
def a_duration_without_a_unit(place: Place, _: Deployment) -> Planted | None:
    if not is_duration(place):
        return None
    count = re.sub("[a-z]", "", place.raw)
    return Planted(place.with_value(count), place.at, f"`{count}` has no unit", f"write `{count}s`")


@kind
def a_duration_of_another_unit(place: Place, _: Deployment) -> Planted | None:
    return Planted(place.with_value("20x"), place.at, "`20x` is not a duration") if is_duration(place) else None


@kind
def a_duration_too_long(place: Place, _: Deployment) -> Planted | None:
    return Planted(place.with_value("9999d"), place.at, "`9999d` is too long", "from") if is_duration(place) else None


@kind
def a_duration_too_short(place: Place, _: Deployment) -> Planted | None:
    if not is_duration(place) or is_accepted(place, "0.1s"):
        return None
    return Planted(place.with_value("0.1s"), place.at, "`0.1s` is too short", "from")


def _instead(name: str, pattern: str, new: str, but: str = "") -> Kind:
    """A value that looks like `pattern` becomes `new`, of the same look and wrong; not where `but` stands."""

    def plant(place: Place, _: Deployment) -> Planted | None:
        if not is_scalar(place) or not re.fullmatch(pattern, place.raw) or re.fullmatch(but, place.kind):
            return None
        return Planted(place.with_value(new), place.at, new.strip('"').rpartition(":")[2])

    plant.__name__ = name
    return plant


for one in (
    _instead("a_share_over_all", "[0-9]+%", "101%"),
    _instead("a_share_of_nothing", "[0-9]+%", "0%"),
    _instead("a_share_without_its_sign", "[0-9]+%", "80"),
    _instead("an_address_of_a_strange_port", '"[0-9.]+:[0-9]+"', '"127.0.0.1:70000"'),
    _instead("an_address_without_its_port", '"[0-9.]+:[0-9]+"', '"127.0.0.1"'),
    _instead("an_address_by_name", '"[0-9.]+(:[0-9]+)?"', '"carrier.example:5060"', but="SettingsForm.*send_to"),
    _instead("a_range_of_ports_backwards", '"[0-9]+-[0-9]{4,}"', '"20000-10000"'),
    _instead("hours_beyond_the_day", '"([0-9:]+-[0-9:]+(, )?)+"', '"09:00-25:00"'),
    _instead("hours_without_minutes", '"([0-9]+:[0-9:]+-[0-9:]+(, )?)+"', '"9-18"'),
    _instead("hours_of_no_length", '"([0-9:]+-[0-9:]+(, )?)+"', '"09:00-09:00"'),
    _instead("a_day_that_is_none", "[0-9]{2}-[0-9]{2}", "02-30"),
    _instead("an_instant_that_is_none", "[0-9]{4}-[0-9]{2}-[0-9]{2}( .*)?", "2026-02-30"),
    _instead("an_instant_at_no_hour", "[0-9]{4}-[0-9]{2}-[0-9]{2} .*", "2026-02-03 24:01"),
    _instead("a_telephone_number_without_its_country", r'"\+39[0-9]+"', '"055759"'),
    _instead("a_mac_address_cut_short", "([0-9a-f]{2}-){5}[0-9a-f]{2}", "80-5e-c0-12-34"),
    _instead("the_mac_address_of_another_phone", '"([0-9A-F]{2}:){5}[0-9A-F]{2}"', '"80:5e:c0:12:34:56"'),
    _instead("a_make_that_we_do_not_know", "snom", "snon"),
):
    kind(one)


# names


def is_reference(place: Place, deployment: Deployment) -> bool:
    """Whether a name that is defined elsewhere is used here."""
    if not is_scalar(place) or place.kind in DEFINING:
        return False
    return bool(set(WORD.findall(str(place.node.value))) & defined_names(deployment)) and not is_free_text(place)


def _another(place: Place, names: frozenset[str], *endings: str) -> tuple[str, str] | None:
    """The value with its last name changed, as its form still accepts it; and the changed name."""
    value = str(place.node.value)
    found = [match for match in WORD.finditer(value) if match.group() in names][-1]
    for ending in endings:
        new = ending if len(found.group()) == 2 else found.group() + ending
        changed = value[: found.start()] + new + value[found.end() :]
        if is_accepted(place, changed):
            return changed, new
    return None


@kind
def a_name_is_misspelt(place: Place, deployment: Deployment) -> Planted | None:
    if not is_reference(place, deployment):
        return None
    wrong = _another(place, defined_names(deployment), "x", "9", "qq")
    if not wrong:
        return None
    raw = f'"{wrong[0]}"' if place.raw[0] in "\"'" else wrong[0]
    hint = "" if len(wrong[1]) == 2 else "did you mean `"
    return Planted(place.with_value(raw), place.at, wrong[1], hint)


@kind
def a_key_names_nothing(place: Place, deployment: Deployment) -> Planted | None:
    """Skills that a queue needs, queues of a scenario."""
    if not place.kind.endswith(".*") or place.kind in DEFINING or place.name not in defined_names(deployment):
        return None
    if ".say." in place.kind or ".pauses.*.name." in place.kind:  # languages
        return None
    wrong = f"{place.name}x"
    return Planted(place.with_key(wrong), place.at_key, f"`{wrong}`", "did you mean `")


@kind
def a_text_in_a_language_that_nobody_speaks(place: Place, _: Deployment) -> Planted | None:
    if ".say" not in place.kind or not place.key or len(place.name) != 2 or place.kind.startswith("Queues"):
        return None
    is_for_others = ".also." in place.kind  # needs only a voice
    what = "no voice for language `qq`" if is_for_others else "language `qq` is not in the languages of this number"
    return Planted(place.with_key("qq"), place.at_key, what)


@kind
def a_language_is_missing_in_a_text(place: Place, _: Deployment) -> Planted | None:
    if ".say" not in place.kind or not place.key or len(place.name) != 2 or not place.around:
        return None
    if len(place.around.inner) == 1 or ".also." in place.kind:
        return None  # what is for others may be in any languages
    return Planted(place.without(), place.around.at, f"the text in `{place.name}` is missing")


@kind
def a_definition_is_renamed(place: Place, deployment: Deployment) -> Planted | None:
    if place.kind not in DEFINING or not place.key or len(place.name) < 3:
        return None
    if len({one.kind for one in deployment.places if one.kind in DEFINING and one.name == place.name}) > 1:
        return None  # whose name is it?
    using = [one for one in deployment.places if is_reference(one, deployment) and place.name == one.node.value]
    fit = [one for one in using if one.file == place.file or not place.kind.startswith("DialplanForm")]
    if not fit:
        return None
    wrong = place.name[:-1] + "Q"
    return Planted(place.with_key(wrong), fit[0].at, f"`{place.name}`", file=fit[0].file)


@kind
def an_entry_stands_twice(place: Place, deployment: Deployment) -> Planted | None:
    if place.key or place.around is None or not place.around.is_flow:
        return None
    if not is_reference(place, deployment) and place.kind not in DEFINING:
        return None
    text, at = place.with_entry_after(place.raw)
    return Planted(text, at, "twice")


# what is no YAML, or not the YAML that we read


def is_quoted(place: Place) -> bool:
    return isinstance(place.node, yaml.ScalarNode) and place.node.style == '"'


@kind
def a_quote_is_not_closed(place: Place, _: Deployment) -> Planted | None:
    return Planted(place.with_value(place.raw[:-1]), place.at) if is_quoted(place) else None


@kind
def a_quote_is_not_opened(place: Place, _: Deployment) -> Planted | None:
    if not is_quoted(place):
        return None
    line, col = place.at
    return Planted(
        place.with_value(place.raw[1:]), place.at, until=(line, col + len(place.raw)), is_doubt=is_doubtful(place)
    )


def is_doubtful(place: Place) -> bool:
    is_cut = ": " in place.raw or bool(place.around and place.around.is_flow and "," in place.raw)
    return not is_cut and place.forms != [ANYTHING] and is_accepted(place, place.raw[1:])


def outermost_flow(place: Place) -> Place:
    """The outermost bracket around."""
    while place.around and place.around.is_flow:
        place = place.around
    return place


@kind
def a_bracket_is_not_closed(place: Place, _: Deployment) -> Planted | None:
    if not place.is_flow or place.around is None:
        return None
    outer = outermost_flow(place)
    return Planted(place.with_value(place.raw[:-1]), outer.at, until=place_of(place.text, outer.span[1]))


@kind
def a_bracket_too_many(place: Place, _: Deployment) -> Planted | None:
    if not place.is_flow or place.around is None or place.around.is_flow:
        return None
    return Planted(place.with_value(place.raw + "}"), place_of(place.text, place.span[1]))


@kind
def a_comma_is_missing(place: Place, _: Deployment) -> Planted | None:
    if not (place.key and place.around and place.around.is_flow and place is not place.around.inner[0]):
        return None
    before = place.text.rindex(",", 0, _key_span(place)[0])
    text = place.text[:before] + place.text[before + 1 :]
    return Planted(text, place_of(place.text, before), until=place_of(place.text, _key_span(place)[1]))


def is_outermost_key(place: Place) -> bool:
    return bool(place.around and not place.around.around and place is not place.around.inner[0])


@kind
def a_second_document(place: Place, _: Deployment) -> Planted | None:
    if not is_outermost_key(place):
        return None
    return Planted(place.with_key("---\n" + place.name), place.at_key, "another document", "without `---`")


@kind
def a_line_that_is_no_key(place: Place, _: Deployment) -> Planted | None:
    if not is_outermost_key(place):
        return None
    return Planted(place.with_key("hello\n" + place.name), place.at_key)


@kind
def a_word_that_yaml_keeps_for_itself(place: Place, _: Deployment) -> Planted | None:
    return Planted(place.with_value("@x"), place.at, hint="in quotes") if is_scalar(place) else None


@kind
def an_alias_of_nothing(place: Place, _: Deployment) -> Planted | None:
    return Planted(place.with_value("*nowhere"), place.at, "undefined alias") if is_scalar(place) else None


@kind
def an_alias_within_what_it_repeats(place: Place, _: Deployment) -> Planted | None:
    if place.around is None:
        return None
    line, col = place.at
    return Planted(place.with_value("&x [*x]"), (line, col), until=(line, col + 4))


@kind
def an_alias_of_a_value_that_is_wrong_here(place: Place, _: Deployment) -> Planted | None:
    begin = place
    while begin.around:
        begin = begin.around
    while begin.inner:
        begin = begin.inner[0]
    value = read("x", f"x: {begin.raw}".encode()).data["x"]
    if not is_scalar(place) or begin.at[0] == place.at[0] or begin is place or is_accepted(place, value):
        return None
    text = place.with_value("*first")
    return Planted(text[: begin.span[0]] + "&first " + text[begin.span[0] :], place.at)


@kind
def a_tag_of_their_own(place: Place, _: Deployment) -> Planted | None:
    return Planted(place.with_value(f"!mine {place.raw}"), place.at, "tag `!mine`") if is_scalar(place) else None


@kind
def a_tag_that_would_run_something(place: Place, _: Deployment) -> Planted | None:
    if not is_scalar(place):
        return None
    return Planted(place.with_value(f"!!python/name:os.system {place.raw}"), place.at, "means nothing here")


@kind
def a_value_nested_too_deep(place: Place, _: Deployment) -> Planted | None:
    if not is_scalar(place):
        return None
    line, col = place.at
    around = len(place.path)
    return Planted(place.with_value("[" * 60 + "]" * 60), (line, col + DEPTH_MAX - around), "nested too deep")


def _character(character: str) -> Kind:
    def plant(place: Place, _: Deployment) -> Planted | None:
        if not is_scalar(place):
            return None
        middle = (place.span[0] + place.span[1]) // 2
        text = place.text[:middle] + character + place.text[middle:]
        return Planted(text, place_of(place.text, middle), f"character U+{ord(character):04X}")

    plant.__name__ = f"the_character_{ord(character):04X}"
    return plant


for character in "\x00\x07\x0c\x1b\x7f\x85\u2028\u2029\ufeff\uffff":
    kind(_character(character))


@kind
def bytes_that_are_no_utf_8(place: Place, _: Deployment) -> Planted | None:
    if not is_scalar(place):
        return None
    middle = (place.span[0] + place.span[1]) // 2
    content = place.text[:middle].encode() + b"\xe8" + place.text[middle:].encode()
    return Planted(content, place_of(place.text, middle), "not UTF-8")


@kind
def a_misspelt_key_after_a_byte_order_mark(place: Place, deployment: Deployment) -> Planted | None:
    if not (planted := a_key_is_misspelt(place, deployment)):
        return None
    return Planted(b"\xef\xbb\xbf" + str(planted.text).encode(), planted.at, planted.names, planted.hint)


@kind
def a_misspelt_key_where_lines_end_as_on_windows(place: Place, deployment: Deployment) -> Planted | None:
    if not (planted := a_key_is_misspelt(place, deployment)):
        return None
    return Planted(str(planted.text).replace("\n", "\r\n"), planted.at, planted.names, planted.hint)


@kind
def a_misspelt_key_after_signs_of_many_bytes(place: Place, deployment: Deployment) -> Planted | None:
    """In the same line, as many columns on as there are characters."""
    if not (planted := a_key_is_misspelt(place, deployment)) or not place.around or not place.around.is_flow:
        return None
    first = place.around.inner[0]
    if first is place or not first.key or first.at_key[0] != place.at_key[0]:
        return None
    begin = _key_span(first)[0]
    text = str(planted.text)
    line, col = planted.at
    return Planted(text[:begin] + '"è中😀": 1, ' + text[begin:], (line, col + 10), planted.names, planted.hint)


@kind
def a_key_that_reads_as_a_word_of_ours(place: Place, _: Deployment) -> Planted | None:
    """`[key]` is pydantic's word for a key that is wrong itself."""
    if not is_own_key(place):
        return None
    return Planted(place.with_key('"[key]"'), place.at_key, "unknown key `[key]`")


@kind
def a_key_with_a_character_that_nobody_sees(place: Place, _: Deployment) -> Planted | None:
    return Planted(place.with_key(r'"\0x"'), place.at_key, "a key must be a word") if place.key else None


# --- planting


def keys_of(form: type[Form]) -> Iterator[tuple[str, str]]:
    """Each key that `form` and the forms in it have, with the form's name."""
    schema = form.model_json_schema()
    for table in (schema, *schema.get("$defs", {}).values()):
        yield from ((table["title"], key) for key in table.get("properties", ()))


@lru_cache(None)
def drawn(plant: Kind, deployment: Deployment) -> list[tuple[Place, Planted]]:
    """What is planted: at one place of each of some kinds of places, the same in each run."""
    chance = Random(f"{SEED} {plant.__name__}")  # type: ignore[attr-defined]
    by_kind: dict[str, list[Place]] = {}
    for place in deployment.places:
        by_kind.setdefault(place.kind, []).append(place)
    found: list[tuple[Place, Planted]] = []
    for of_one_kind in chance.sample(list(by_kind.values()), len(by_kind)):
        if len(found) == PLACES_OF_EACH_KIND:
            break
        for place in chance.sample(of_one_kind, min(TRIED_OF_ONE_KIND, len(of_one_kind))):
            if planted := plant(place, deployment):
                found.append((place, planted))
                break
    return found


def complaint(place: Place, planted: Planted, deployment: Deployment) -> str:
    """What is wrong with what is told of a planted mistake; empty: nothing."""
    content = planted.text if isinstance(planted.text, bytes) else planted.text.encode()
    file = planted.file or place.file
    loaded, problems = deployment.problems_with(place.file, content)
    told = [one for one in problems if one.file == file and planted.names in one.what and planted.hint in one.hint]
    where = [one for one in told if planted.at <= (one.line, one.col) <= (planted.until or planted.at)]
    wrong = [
        "nothing is told at its place" if not any(one.is_warning <= planted.is_doubt for one in where) else "",
        "it is loaded" if loaded and not planted.is_doubt else "",
        "it is not loaded" if planted.is_doubt and not loaded else "",
        "pydantic's own words" if any(re.search("^[A-Z].* should ", one.what) for one in problems) else "",
        *(f"no such place: {one}" for one in problems if not is_a_place(one, place.file, content, deployment)),
    ]
    if not any(wrong):
        return ""
    expected = f"{file}:{planted.at[0]}:{planted.at[1]}: … {planted.names} … hint: … {planted.hint}"
    return "\n".join(
        [*filter(None, wrong), f"planted at {place.kind}, expected {expected}, told:", *map(str, problems)]
    )


def is_a_place(problem: Problem, changed: str, content: bytes, deployment: Deployment) -> bool:
    text = content.decode("utf-8-sig", "replace") if problem.file == changed else deployment.texts[problem.file]
    return stands_in(problem, text)


def stands_in(problem: Problem, text: str) -> bool:
    lines = [*re.split("\r\n?|\n", text), ""]  # the end is the line after the last
    return 1 <= problem.line <= len(lines) and 1 <= problem.col <= len(lines[problem.line - 1]) + 1


def test_the_deployment_in_which_mistakes_are_planted_is_right_and_uses_each_key_of_each_form(
    deployment: Deployment,
) -> None:
    loaded, problems = settings.examine(deployment.folder)
    assert loaded
    assert problems == ()
    used = {
        (form.get("title"), place.name) for place in deployment.places if place.around for form in place.around.tables
    }
    there_are = {key for form in (*FORMS.values(), DialplanForm, SharedForm) for key in keys_of(form)}
    assert there_are - used == set(), "add them to MORE"


@pytest.mark.parametrize("plant", KINDS, ids=[plant.__name__ for plant in KINDS])  # type: ignore[attr-defined]
def test_a_planted_mistake_is_told_at_its_place(plant: Kind, deployment: Deployment) -> None:
    planted = drawn(plant, deployment)
    assert planted, "it finds no place"
    complaints = [complaint(place, mistake, deployment) for place, mistake in planted]
    assert "\n\n".join(filter(None, complaints)) == ""


def test_many_kinds_of_mistakes_are_planted_at_many_kinds_of_places(deployment: Deployment) -> None:
    planted = {(plant.__name__, place.kind) for plant in KINDS for place, _ in drawn(plant, deployment)}  # type: ignore[attr-defined]
    assert len(KINDS) >= KINDS_LEAST
    assert len(planted) >= PLANTED_LEAST


def test_without_a_key_that_need_not_be_there_all_is_right_or_something_is_told(deployment: Deployment) -> None:
    optional = [
        place
        for place in deployment.places
        if is_own_key(place)
        and place.around
        and not any(place.name in form.get("required", ()) for form in place.around.tables)
    ]
    for place in Random(SEED).sample(optional, 12):
        assert_all_is_told(deployment, place.file, place.without().encode())


# --- files of which nothing is known


def assert_all_is_told(deployment: Deployment, file: str, content: bytes) -> None:
    """It is loaded, or a problem says why not; and each problem has a place that there is."""
    loaded, problems = deployment.problems_with(file, content)
    assert loaded or not all(problem.is_warning for problem in problems)
    assert [problem for problem in problems if not is_a_place(problem, file, content, deployment)] == []


FILES = [*FORMS, "dialplans/055055.yaml", "dialplans/055099.yaml", "dialplans/shared/practices.yaml"]
SIGNS = st.text(alphabet=":{}[]\"'-#&*!|>%@`,?~<= \n\r\tab10\0", max_size=60)
CUTS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 60), SIGNS.map(lambda text: text[:5])), min_size=1, max_size=4
)
SOME = settings_of_hypothesis(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(st.binary(max_size=300) | SIGNS.map(str.encode))
def test_no_bytes_at_all_end_in_a_traceback(content: bytes) -> None:
    located = read("f.yaml", content)
    text = content.decode("utf-8-sig", "replace")
    assert located.problems or located.data or "".join(text.split()) == "{}"
    assert [problem for problem in located.problems if not stands_in(problem, text)] == []


@SOME
@given(st.sampled_from(FILES), CUTS)
def test_no_wrecked_file_ends_in_a_traceback(
    deployment: Deployment, file: str, cuts: list[tuple[float, int, str]]
) -> None:
    text = deployment.texts[file]
    for where, length, new in cuts:
        begin = int(where * len(text))
        text = text[:begin] + new + text[begin + length :]
    assert_all_is_told(deployment, file, text.encode())


KEYS = sorted({key for form in (*FORMS.values(), DialplanForm) for _, key in keys_of(form)})
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["it", "tributi", "5s", "main"]) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=15,
)


@SOME
@given(st.sampled_from(FILES), st.data())
def test_no_value_in_place_of_another_ends_in_a_traceback(
    deployment: Deployment, file: str, data: st.DataObject
) -> None:
    places_here = [place for place in deployment.places if place.file == file]
    place = data.draw(st.sampled_from(places_here))
    value = json.dumps(data.draw(VALUES), ensure_ascii=data.draw(st.booleans()))
    assert_all_is_told(deployment, file, place.with_value(value).encode())


@pytest.mark.parametrize(
    "unit", ["[", "{a: ", "- ", "? ", "&a ", "!x ", "x", '"', "'", "*a ", "---\n", "\r", "é", "a, ", "\\", "# \n", "\t"]
)
@pytest.mark.parametrize("size_bytes", [SIZE_BYTES_MAX - 10, SIZE_BYTES_MAX + 1, 2 * SIZE_BYTES_MAX])
def test_a_huge_file_is_one_problem(deployment: Deployment, unit: str, size_bytes: int) -> None:
    content = (unit * (size_bytes // len(unit.encode()))).encode()
    content += b" " * (size_bytes - len(content))
    loaded, problems = deployment.problems_with("dialplans/055099.yaml", content)
    assert loaded is None
    assert [problem.file for problem in problems] == ["dialplans/055099.yaml"]
    assert ("too big" in problems[0].what) == (size_bytes > SIZE_BYTES_MAX)
