"""The pages for citizens: what they write becomes a case, and number and code tell them how that stands."""

import asyncio
import re
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from cases.case_number import in_groups, is_case_number, keyed
from cases.outbox import Way, waiting
from cases.proof import WRONG_PROOFS_MAX, Proofs, code_of
from cases.requester import Region, Requester
from cases.standing import Stage
from cases.state import WORDS_MAX
from cases.store import case, cases
from centralino import desk as desk_process
from centralino.case_desk import Asked, CaseDesk
from centralino.clock import as_utc
from centralino.desk import DatabaseCases, web_server
from centralino.events import CallDisposed
from centralino.meanings import PublicPages
from centralino.public_desk import PublicDesk
from centralino.settings import Configuration, load
from tests.records import CODES, House, answered_call, arrival, desk_of, end
from web import public as pages
from web.api import Sources
from web.app import create_app
from web.form_tokens import FASTEST_S, VALID_S, Doubt, FormTokens, Token
from web.limits import ADDRESSES_MAX, Limit
from web.live import Live
from web.public_form import FIELDS, Site, read
from web.public_texts import PUBLIC_TEXTS

SHIPPED = Path(__file__).parents[2]
HOST = "contatti.comune.example"
CITIZEN = ("203.0.113.7", 40000)
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
ANAS = "+393331234567"
GOOD = {
    "entity": "comune-scandicci",
    "topic": "",
    "subject": "Lampione",
    "words": "Il lampione di via Roma è spento.",
    "name": "Ana",
    "phone": "333 1234567",
    "mail": "ana@example.org",
    "requester": "business",
    "region": "Toscana",
    "consent": "yes",
    "website": "",
}
SITE = Site(HOST, "https://www.comune.example/privacy", {"city": "City", "town": "Town"}, ("tari",))


@pytest.fixture(scope="module")
def shipped() -> Configuration:
    loaded = load(SHIPPED)
    public = PublicPages(HOST, "https://www.comune.example/privacy")
    entities = replace(loaded.entities, topics=("tari", "strade"))
    return replace(loaded, settings=replace(loaded.settings, public=public), entities=entities)


class Desk(PublicDesk):
    """With a clock that we set, and an engine that we can take away."""

    at_s = 1_000_000.0


@dataclass
class Office:
    """The web on the cases of `house`, as a citizen reaches it."""

    house: House
    desk: CaseDesk
    public: Desk
    web: httpx.AsyncClient
    proofs: Proofs
    away: bool = False
    token: str = field(default="")

    async def form(self, path: str = "/public/write?lang=en", **headers: str) -> str:
        page = await self.web.get(path, headers=headers)
        self.token = _token(page.text)
        self.public.at_s += 60
        return page.text

    async def send(self, changed: Mapping[str, str] | None = None, lang: str = "en", **headers: str) -> httpx.Response:
        data = {**GOOD, "token": self.token, **(changed or {})}
        return await self.web.post(f"/public/write?lang={lang}", data=data, headers=headers)

    async def ask(self, number: str, proof: str) -> httpx.Response:
        return await self.web.post("/public/case?lang=en", data={"number": number, "proof": proof})


@pytest.fixture
async def office(house: House, shipped: Configuration, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    monkeypatch.setattr(pages, "ANSWER_AFTER_S", 0.0)
    await house.projected()
    async with opened(house, lambda: shipped) as office:
        yield office


@asynccontextmanager
async def opened(house: House, configuration: Any) -> AsyncIterator[Office]:
    proofs = Proofs()
    desk = desk_of(house, configuration)

    async def prove(case: str, proven: bool) -> bool:
        if office.away:
            raise ConnectionError("the engine is away")
        return proofs.is_let_in(case, proven=proven)

    ask_engine = desk._engine

    async def engine(name: str, args: dict[str, str]) -> dict[str, Any]:
        if office.away:
            raise ConnectionError("the engine is away")
        return await ask_engine(name, args)

    desk._engine = engine
    public = Desk(DatabaseCases(desk, cast(Any, None)), configuration, prove, CODES, lambda: as_utc(public.at_s))
    transport = httpx.ASGITransport(create_app(sources(public)), client=CITIZEN)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers={"host": HOST}) as web:
        office = Office(house, desk, public, web, proofs)
        yield office


def sources(public: Any) -> Sources:
    nothing = cast(Any, None)
    return Sources(Live(), *5 * [nothing], public, *4 * [nothing])


def _token(page: str) -> str:
    return re.search('name="token" value="([^"]+)"', page)[1]


def number_and_code(page: str) -> tuple[str, str]:
    number, code = re.findall('<dd class="figure">([^<]+)</dd>', page)
    return keyed(number), code


class Fields(HTMLParser):
    """Every field of a page by its name, and all that is said of it; every label by what it is for."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, dict[str, str | None]] = {}
        self.ids: set[str] = set()
        self.labels: list[str] = []
        self.all: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.all.append((tag, given))
        self.ids |= {given["id"]} if given.get("id") else set()
        if tag in ("input", "select", "textarea") and given.get("type") != "hidden":
            self.fields[given["name"] or ""] = given
        if tag == "label":
            self.labels.append(given["for"] or "")


# what they write


async def test_what_a_citizen_writes_becomes_a_case_with_number_and_code(office: Office) -> None:
    page = await office.form()
    assert '<option value="comune-scandicci">Comune di Scandicci</option>' in page
    answer = await office.send()
    assert answer.status_code == 200
    number, code = number_and_code(answer.text)
    assert is_case_number(number)
    assert code == code_of(number, CODES)
    seen = await office.desk.case(number)
    assert seen
    found, [wrote] = seen.case, seen.wrote
    assert (found.entity, found.service, found.title, found.state) == ("comune-scandicci", "055055", "Lampione", "open")
    assert (found.requester, found.region, found.name) == (Requester.BUSINESS, Region.TOSCANA, "Ana")
    assert (wrote.channel, wrote.words, wrote.phone, wrote.mail) == ("form", GOOD["words"], ANAS, "ana@example.org")
    assert wrote.by == "web form"


async def test_a_call_of_the_telephone_that_a_form_names_has_a_case_of_its_own(office: Office) -> None:
    """Else whoever wrote the form, in another's name, would be told what comes of their calls."""
    await office.form()
    number, _ = number_and_code((await office.send()).text)
    answered_call(office.house, "c1", office.house.caller("3331234567"))
    await office.house.projected()
    found = await case(office.house.database, number)
    assert found
    assert [contact.kind for contact in found.contacts] == ["form"]


async def test_whoever_names_anothers_telephone_learns_nothing_of_their_case_and_changes_no_name(
    office: Office,
) -> None:
    person = office.house.caller("3331234567", "Ana")
    office.house.tell(
        arrival("c1", person), CallDisposed(call="c1", kind="report", level="handed on", by="a1"), end("c1")
    )
    await office.house.projected()
    [theirs] = await cases(office.house.database)
    await office.form()
    number, _ = number_and_code((await office.send({"name": "Mallory"})).text)
    assert number != theirs.id
    assert office.house.people.who(person).name == "Ana"


@pytest.mark.parametrize("changed", [{}, {"phone": "", "mail": "", "name": ""}])
async def test_the_same_form_sent_twice_is_one_case(office: Office, changed: dict[str, str]) -> None:
    await office.form()
    both = await asyncio.gather(*(office.send(changed) for _ in range(2)))
    first = number_and_code(both[0].text)
    assert number_and_code(both[1].text) == first
    office.public.at_s += 3600
    assert number_and_code((await office.send(changed)).text) == first
    assert len((await office.house.everything())["intakes"]) == 1


async def test_what_is_written_anew_into_the_same_form_is_not_lost(office: Office) -> None:
    await office.form()
    first, second = (
        number_and_code((await office.send()).text),
        number_and_code((await office.send({"words": "x"})).text),
    )
    assert first != second


async def test_a_form_that_was_sent_is_the_same_case_also_after_that_was_merged(office: Office) -> None:
    await office.form()
    first = number_and_code((await office.send()).text)
    other, _ = number_and_code((await office.send({"words": "x"})).text)
    await office.desk.work(first[0], Asked("merge", "ana", "", into=other))
    assert number_and_code((await office.send()).text) == first


@pytest.mark.parametrize(
    ("changed", "name", "says"),
    [
        ({"entity": ""}, "entity", "Choose to whom you write."),
        ({"entity": "comune-x"}, "entity", "Choose to whom you write."),
        ({"topic": "x"}, "topic", "Choose one of the list."),
        ({"subject": "x" * 201}, "subject", "Use at most 200 characters."),
        ({"words": " \r\n "}, "words", "Write your message."),
        ({"words": "x" * 100_000}, "words", f"100000 characters: shorten it to {WORDS_MAX}"),
        ({"words": "😀" * 100_000}, "words", "100000 characters"),
        ({"name": "a\nb"}, "name", "Write on one line."),
        ({"phone": "call me"}, "phone", "no telephone number"),
        ({"phone": "+abc"}, "phone", "no telephone number"),
        ({"mail": "ana@"}, "mail", "no email address"),
        ({"mail": "ana@example.org\r\nBcc: b@example.org"}, "mail", "no email address"),
        ({"mail": "a" * 90_000 + "@example.org"}, "mail", "no email address"),
        ({"requester": "king"}, "requester", "Choose one of the list."),
        ({"region": "Padania"}, "region", "Choose one of the list."),
        ({"consent": ""}, "consent", "Read the privacy notice"),
    ],
)
async def test_what_is_wrong_is_said_beside_its_field_and_what_was_written_stays(
    office: Office, changed: dict[str, str], name: str, says: str
) -> None:
    await office.form()
    answer = await office.send(changed)
    assert answer.status_code == 422
    page, found = unescape(answer.text), Fields(answer.text)
    assert f'href="#{name}"' in page
    assert says in page[page.index(f'id="{name}-error"') :].partition("</p>")[0]
    assert f"{name}-error" in (found.fields[name]["aria-describedby"] or "")
    assert found.fields[name]["aria-invalid"] == "true"
    assert "<title>Error: " in page
    for other in FIELDS:
        value = {**GOOD, **changed}[other].replace("\r\n", "\n").strip()
        if other not in changed or other in ("subject", "words", "phone"):
            assert value in page
    assert (await office.house.everything())["intakes"] == []
    assert (await office.send()).status_code == 200, "the form that came back can be sent"


async def test_all_that_is_wrong_is_said_at_once_and_has_the_focus(office: Office) -> None:
    await office.form()
    answer = await office.send({"words": "", "phone": "x", "consent": ""})
    page = Fields(answer.text)
    [summary] = [given for _, given in page.all if given.get("id") == "errors"]
    assert ("autofocus" in summary, summary["tabindex"]) == (True, "-1")
    links = [given["href"] for tag, given in page.all if tag == "a" and (given["href"] or "").startswith("#")]
    assert links == ["#content", "#words", "#phone", "#consent"]


async def test_hostile_words_are_shown_as_text_and_kept_as_they_came(office: Office) -> None:
    await office.form()
    wrong = await office.send({"words": HOSTILE, "subject": HOSTILE, "name": HOSTILE, "mail": HOSTILE, "consent": ""})
    assert "<script" not in wrong.text
    assert "<img" not in wrong.text
    number, _ = number_and_code((await office.send({"words": HOSTILE + "\0\x1b[2J"})).text)
    seen = await office.desk.case(number)
    assert seen
    assert seen.wrote[0].words == HOSTILE + "[2J"


async def test_while_the_engine_is_away_the_citizen_is_told_and_their_words_stay(office: Office) -> None:
    await office.form()
    office.away = True
    answer = await office.send()
    assert (answer.status_code, "try again in some minutes" in answer.text) == (503, True)
    assert GOOD["words"] in answer.text
    assert _token(answer.text) == office.token
    office.away = False
    assert (await office.send()).status_code == 200
    assert len((await office.house.everything())["intakes"]) == 1


async def test_while_the_database_is_away_the_citizen_is_told_and_their_words_stay(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.form()

    async def away(asking: Coroutine[Any, Any, Any]) -> None:
        asking.close()
        raise ConnectionError("the database cannot be asked now")

    monkeypatch.setattr(desk_process, "_asked", away)
    answer = await office.send()
    assert (answer.status_code, GOOD["words"] in answer.text) == (503, True)


async def test_robots_are_told_from_people_and_a_person_taken_for_one_loses_nothing(office: Office) -> None:
    await office.form()
    for changed in (
        {"website": "https://spam.example"},
        {"token": ""},
        {"token": office.token + "0"},
        {"token": "à.è.ù"},
    ):
        answer = await office.send(changed)
        assert (answer.status_code, GOOD["words"] in answer.text) == (422, True)
        assert Fields(answer.text).fields["website"].get("value") is None
    assert (await office.send({"token": _token(answer.text)})).status_code == 422, "so fast is nobody"
    office.public.at_s += FASTEST_S
    assert (await office.send({"token": _token(answer.text)})).status_code == 200


async def test_another_sites_page_cannot_send_the_form(office: Office) -> None:
    await office.form()
    answer = await office.send({}, **{"sec-fetch-site": "cross-site"})
    assert (answer.status_code, "send it again from this page" in answer.text) == (422, True)
    assert (await office.house.everything())["intakes"] == []


async def test_a_page_that_was_open_for_days_gives_back_what_was_written(office: Office) -> None:
    await office.form()
    office.public.at_s += VALID_S + 1
    answer = await office.send()
    assert (answer.status_code, GOOD["words"] in answer.text, _token(answer.text) != office.token) == (422, True, True)


async def test_of_one_address_so_many_forms_an_hour_are_taken_in(office: Office) -> None:
    await office.form()
    for n in range(pages.FORMS_MAX):
        assert (await office.send({"words": f"{n}"})).status_code == 200
    answer = await office.send({"words": "one more"})
    assert (answer.status_code, "one more" in answer.text) == (429, True)
    office.public.at_s += pages.FORMS_WITHIN_S
    assert (await office.send({"words": "one more"})).status_code == 200


async def test_more_than_a_page_can_show_is_refused_in_a_sentence(office: Office) -> None:
    await office.form()
    answer = await office.send({"words": "😀" * 200_000})
    assert (answer.status_code, "Go back in your browser" in answer.text) == (413, True)


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "application/json"}, b"{}", 415),
        ({"content-type": "application/x-www-form-urlencoded"}, b"&".join([b"a=b"] * 100), 400),
        ({"content-type": "application/x-www-form-urlencoded"}, b"\xff%ff=%00%", 422),
        ({"content-type": "application/x-www-form-urlencoded"}, b"", 422),
    ],
)
async def test_what_no_browser_sends_is_refused(
    office: Office, headers: dict[str, str], body: bytes, status: int
) -> None:
    assert (await office.web.post("/public/write", content=body, headers=headers)).status_code == status
    assert (await office.web.post("/public/case", content=body, headers=headers)).status_code == status


async def test_who_left_an_address_has_number_and_code_by_mail_once_in_the_language_of_the_page(office: Office) -> None:
    await office.form()
    for _ in range(2):
        number, code = number_and_code((await office.send()).text)
    [sent] = await waiting(office.house.database)
    assert (sent.channel, sent.to, sent.subject) == (Way.MAIL, "ana@example.org", "We have received your request")
    assert in_groups(number) in sent.words
    assert code in sent.words
    assert GOOD["words"] not in sent.words, "anybody may name any address"
    await office.send({"mail": "", "words": "x"})
    assert len(await waiting(office.house.database)) == 1, "no SMS to whoever is named"


# how their case stands


async def written(office: Office, **changed: str) -> tuple[str, str]:
    await office.form()
    return number_and_code((await office.send(changed)).text)


async def test_number_and_code_tell_how_a_case_stands_and_nothing_of_whom_or_what(office: Office) -> None:
    number, code = await written(office, entity="protezione-civile")
    at = as_utc(office.house.clock.now_s())
    for proof in (code, ANAS[-4:], f" {code} "):
        answer = await office.ask(f"{number[:4]} {number[4:]}", proof)
        assert answer.status_code == 200
        assert "We are looking into it." in answer.text
        assert f"<dd>{at:%d/%m/%Y}</dd>" in answer.text
        assert "<dd>30/11/2026</dd>" in answer.text, "promised within 7 days"
        for word in ("Ana", "Lampione", "Roma", "ana@example.org", "1234567", "Protezione"):
            assert word not in answer.text


async def test_each_state_is_told_in_a_citizens_words(office: Office) -> None:
    number, code = await written(office, entity="protezione-civile")
    for act, words, said in (
        ("stop", "x", "It is on hold"),
        ("go-on", "", "We are looking into it"),
        ("hand-over", "", "It is with the office in charge"),
        ("answer", "x", "It is closed."),
        ("reopen", "x", "We are looking into it"),
    ):
        office.house.clock.advance(86_400)
        to = "protezione-civile/esperti" if act == "hand-over" else ""
        await office.desk.work(number, Asked(act, "ana", words, to=to))
        page = (await office.ask(number, code)).text
        assert said in page
        if act != "go-on":
            assert f"<dd>{as_utc(office.house.clock.now_s()):%d/%m/%Y}</dd>" in page


async def test_a_merged_case_is_told_as_the_one_in_which_it_goes_on(office: Office) -> None:
    number, code = await written(office)
    other, _ = await written(office, words="x")
    await office.desk.work(number, Asked("merge", "ana", "", into=other))
    page = (await office.ask(number, code)).text
    assert "We are looking into it." in page
    assert other not in page


async def test_a_wrong_number_and_a_wrong_code_sound_the_same(office: Office) -> None:
    number, code = await written(office)
    wrong = f"{(int(code) + 1) % 10_000:04d}"
    answers = [
        await office.ask(*asked) for asked in ((number, wrong), ("10000426", code), ("1", code), ("x'\0", ".org"))
    ]
    assert {answer.status_code for answer in answers} == {404}
    pages = {re.sub('value="[^"]*"', "", answer.text) for answer in answers}
    assert len(pages) == 1


async def test_a_wrong_number_takes_as_long_as_a_wrong_code(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    async def sleep(seconds: float) -> None:
        asked.append(seconds)

    monkeypatch.setattr(pages, "ANSWER_AFTER_S", 0.4)
    monkeypatch.setattr(pages.asyncio, "sleep", sleep)
    number, _ = await written(office)
    for given in (number, "10000426", "x"):
        await office.ask(given, "0000")
    assert asked == [0.4] * 3


async def test_who_guesses_sees_no_case_any_more_even_by_the_right_code(office: Office) -> None:
    number, code = await written(office)
    for _ in range(WRONG_PROOFS_MAX):
        await office.ask(number, "abcd")
    assert (await office.ask(number, code)).status_code == 404
    office.proofs.new_day()
    assert (await office.ask(number, code)).status_code == 200


async def test_who_guesses_many_cases_at_once_from_one_address_has_no_more_tries(office: Office) -> None:
    await written(office)
    answers = await asyncio.gather(*(office.ask(f"{n}", "0000") for n in range(pages.WRONG_MAX + 10)))
    assert sorted(answer.status_code for answer in answers) == [404] * pages.WRONG_MAX + [429] * 10


async def test_who_looks_at_their_own_case_is_not_counted(office: Office) -> None:
    number, code = await written(office)
    for _ in range(pages.WRONG_MAX + 1):
        assert (await office.ask(number, code)).status_code == 200


async def test_who_guesses_many_cases_from_one_address_is_stopped(office: Office) -> None:
    number, code = await written(office)
    for n in range(pages.WRONG_MAX):
        assert (await office.ask(f"{n}", "0000")).status_code == 404
    answer = await office.ask(number, code)
    assert (answer.status_code, "Too many wrong tries" in answer.text) == (429, True)
    office.public.at_s += pages.WRONG_WITHIN_S
    assert (await office.ask(number, code)).status_code == 200


async def test_what_is_missing_is_said_beside_its_field(office: Office) -> None:
    answer = await office.ask("", " ")
    assert answer.status_code == 422
    found = Fields(answer.text)
    for name in ("number", "proof"):
        assert f"{name}-error" in found.ids
        assert found.fields[name]["aria-describedby"] == f"{name}-error"


async def test_while_nobody_can_look_the_citizen_is_told_so(office: Office) -> None:
    number, code = await written(office)
    office.away = True
    answer = await office.ask(number, code)
    assert (answer.status_code, "We cannot look just now" in answer.text) == (503, True)


# what is open to the outside, and what is not


async def test_under_the_public_name_there_are_the_public_pages_and_nothing_else(office: Office) -> None:
    begun = await office.web.get("/")
    assert (begun.status_code, begun.headers["location"]) == (303, "/public/")
    for path in ("/live", "/api/v1/queues", "/api/openapi.json", "/metrics", "/healthz", "/static/now.js", "/public"):
        assert (await office.web.get(path)).status_code == 404
    assert (await office.web.get("/public/write", headers={"host": "evil.example"})).status_code == 421


async def test_the_page_of_now_is_not_shown_to_who_comes_through_the_proxy(office: Office) -> None:
    answer = await office.web.get("/", headers={"host": "127.0.0.1:8055"})
    assert answer.status_code == 403


async def test_where_nothing_is_configured_there_are_no_public_pages(house: House) -> None:
    await house.projected()
    plain = load(SHIPPED)
    async with opened(house, lambda: plain) as office:
        assert (await office.web.get("/public/write")).status_code == 421
        answer = await office.web.get("/public/write", headers={"host": "localhost"})
        assert answer.status_code == 404
        assert (await office.web.post("/public/case", headers={"host": "localhost"})).status_code == 404


async def test_the_pages_have_no_script_no_cookie_and_send_forms_only_home(office: Office) -> None:
    number, code = await written(office)
    answers = [await office.web.get(f"/public/{path}") for path in ("write", "case")]
    answers += [await office.send(), await office.ask(number, code), await office.ask("1", "1")]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "form-action 'self'" in policy
        assert "script" not in policy
        assert "set-cookie" not in answer.headers
        assert "<script" not in answer.text
        assert " style=" not in answer.text
        assert answer.headers["cache-control"] == "no-store"
    assert (
        "form-action 'none'"
        in (await office.web.get("/", headers={"host": "localhost"})).headers["content-security-policy"]
    )


async def test_what_the_pages_need_is_served_under_the_public_name(office: Office) -> None:
    page = (await office.web.get("/public/write")).text
    for name in ("public.css", "mark.svg"):
        address = page[page.index(f"/public/static/{name}") :].partition('"')[0]
        assert (await office.web.get(address)).status_code == 200


@pytest.mark.parametrize("path", ["/public/write", "/public/case"])
@pytest.mark.parametrize("language", ["it", "en"])
async def test_every_field_has_a_label_and_every_hint_is_there(office: Office, path: str, language: str) -> None:
    answer = await office.web.get(path, params={"lang": language})
    found = Fields(answer.text)
    assert f'<html lang="{language}">' in answer.text
    assert sorted(found.labels) == sorted(found.fields)
    for name, given in found.fields.items():
        assert given["id"] == name
        assert set((given.get("aria-describedby") or "").split()) <= found.ids
    order = [tag for tag, _ in found.all if tag in ("h1", "main", "header", "form")]
    assert order == ["header", "main", "h1", "form"]


async def test_the_language_is_kept_from_page_to_page_and_offered_where_nothing_is_lost_by_it(office: Office) -> None:
    page = await office.form("/public/write", **{"accept-language": "it"})
    assert 'action="/public/write?lang=it"' in page
    assert "English" in page
    wrong, sent = (await office.send({"consent": ""}, lang="it")).text, (await office.send(lang="it")).text
    assert "Abbiamo ricevuto" in sent
    assert "English" not in wrong + sent


def test_every_text_is_there_in_both_languages_with_the_same_in_braces() -> None:
    for name, (italian, english) in PUBLIC_TEXTS.items():
        assert italian, name
        assert sorted(re.findall(r"{\w+}", italian)) == sorted(re.findall(r"{\w+}", english)), name
    assert {f"stage.{stage}" for stage in Stage} <= PUBLIC_TEXTS.keys()
    assert {f"doubt.{doubt}" for doubt in Doubt} <= PUBLIC_TEXTS.keys()


async def test_the_address_that_counts_is_the_one_that_the_proxy_on_this_machine_names(
    house: House, shipped: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "ANSWER_AFTER_S", 0.0)
    await house.projected()
    asked: list[str] = []
    monkeypatch.setattr(Limit, "is_reached", lambda _self, address, _now_s: asked.append(address))
    async with opened(house, lambda: shipped) as office:
        server, listener = web_server(sources(office.public)), desk_process.listen_at("127.0.0.1", 0)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=address) as web:
            for forwarded in ("198.51.100.1", "203.0.113.9, 198.51.100.1"):
                of = {"x-forwarded-for": forwarded, "host": HOST}
                assert (
                    await web.post("/public/case", data={"number": "1", "proof": "1"}, headers=of)
                ).status_code == 404
        server.should_exit = True
        await serving
    assert asked == ["198.51.100.1"] * 2, "not what a citizen could write before it"


# the parts


def test_a_token_is_ours_for_a_day_and_no_other_installations() -> None:
    tokens = FormTokens("secret")
    text = tokens.made(1000.0)
    token = tokens.read(text, 1000.0 + FASTEST_S)
    assert isinstance(token, Token)
    assert tokens.read(text, 1000.0) is Doubt.TOO_FAST
    assert tokens.read(text, 1000.0 + VALID_S + 1) is Doubt.TOO_OLD
    assert FormTokens("another").read(text, 1010.0) is Doubt.NOT_OURS
    issued, nonce, mark = text.split(".")
    for odd in ("", ".", "..", f"1001.{nonce}.{mark}", f"{issued}.0{nonce}.{mark}", text.upper()):
        assert tokens.read(odd, 1010.0) is Doubt.NOT_OURS
    assert tokens.made(1000.0) != text


def test_a_limit_is_one_for_all_addresses_of_a_household_and_forgets_the_oldest_of_many() -> None:
    limit = Limit(2, 60.0)
    for address in ("2001:db8::1", "2001:db8::2"):
        assert not limit.is_reached(address, 0.0)
        limit.count(address, 0.0)
    assert limit.is_reached("2001:db8::ffff", 1.0)
    assert not limit.is_reached("2001:db8:1::1", 1.0)
    assert not limit.is_reached("2001:db8::1", 61.0)
    for n in range(ADDRESSES_MAX + 10):
        limit.count(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", 100.0)
    assert len(limit._times) == ADDRESSES_MAX


def test_a_form_for_one_entity_needs_no_choice() -> None:
    one = replace(SITE, entities={"city": "City"})
    sent = {"words": "x", "consent": "yes", "entity": "elsewhere"}
    assert read(sent, one).errors == {}
    assert read(sent, one).values["entity"] == "city"
    assert read(sent, SITE).errors == {"entity": "error_entity"}
