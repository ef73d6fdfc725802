"""Citizens are told of the progress of their case, where the deployment says so and they left an address."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from cases import outbox
from cases.case_number import in_groups
from cases.channels import Channel
from cases.intake import Sender
from cases.outbox import Sending, Way
from cases.progress import TEXTS, News, Progress, mail_of, sms_of
from cases.proof import code_of
from cases.state import CaseRefused
from cases.telling import is_mobile
from centralino.case_desk import Asked, CaseDesk, Written
from centralino.events import CallDisposed, LanguageChosen
from centralino.mail_settings import Sms
from centralino.settings import Configuration, load
from tests.core.test_settings import SMALL
from tests.records import CODES, House, arrival, desk_of, end

ROOT = Path(__file__).parents[2]
ALL = frozenset(Progress)
ANAGRAFE = "comune-scandicci/anagrafe"
LETTER = Written(
    Channel.LETTER, "Lamp broken.", "a1001", entity="comune-scandicci", name="Ana Bo", mail="ana@example.org"
)
GSM = set("@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà") | set(
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
SMS_LENGTH_MAX = 160
NEWS = News(Progress.ANSWERED, "10000426", "1234", "Comune di Prova", "055055", "It was {mended}.")


@pytest.fixture(scope="module")
def shipped() -> Configuration:
    return load(ROOT)


def telling(shipped: Configuration, told: frozenset[Progress] = ALL, gateway: str = "") -> Configuration:
    entities = {name: replace(entity, tell=told) for name, entity in shipped.entities.entities.items()}
    settings = replace(shipped.settings, sms=Sms(gateway))
    return replace(shipped, entities=replace(shipped.entities, entities=entities, tell=told), settings=settings)


def desk(house: House, configuration: Configuration) -> CaseDesk:
    return desk_of(house, lambda: configuration)


async def told(house: House) -> tuple[Sending, ...]:
    return tuple(sorted(await outbox.waiting(house.database), key=lambda sending: sending.id))


async def work(desk: CaseDesk, case: str, act: str, words: str = "because", *, to: str = "", office: str = "") -> None:
    await desk.work(case, Asked(act, "rita", words, to=to, office=office))


async def called_case(house: House, number: str = "3331234567", language: str = "it") -> str:
    """A case that a call opened and that is open; its number."""
    house.tell(arrival("c1", house.caller(number, "Ana Bo")), LanguageChosen(call="c1", language=language))
    house.tell(CallDisposed(call="c1", kind="report", level="handed on", by="a1"), end("c1"))
    await house.projected()
    [row] = (await house.everything())["cases"]
    return str(row[0])


async def test_who_wrote_is_told_by_mail_of_each_step_with_the_number_and_the_code(
    house: House, shipped: Configuration
) -> None:
    await house.projected()
    at_desk = desk(house, telling(shipped, gateway="https://gateway.example"))
    taken, _ = await at_desk.take_in(LETTER)
    await work(at_desk, taken.case, "hand-over", to=ANAGRAFE)
    await work(at_desk, taken.case, "answer", "It was mended.", office=ANAGRAFE)
    await work(at_desk, taken.case, "reopen")
    await work(at_desk, taken.case, "close")
    mails = await told(house)
    assert [mail.subject for mail in mails] == [TEXTS["it"].subjects[progress] for progress in (
        Progress.TAKEN_IN, Progress.HANDED_OVER, Progress.ANSWERED, Progress.REOPENED, Progress.CLOSED
    )]  # fmt: skip
    for mail in mails:
        assert (mail.channel, mail.to, mail.case, mail.in_reply_to) == (Way.MAIL, "ana@example.org", taken.case, "")
        for said in (in_groups(taken.case), f"Codice: {code_of(taken.case, CODES)}", "055055", "Comune di Scandicci"):
            assert said in mail.words
        assert "Ana Bo" not in mail.words
        assert ("It was mended." in mail.words) is (mail is mails[2]), "only the office's answer is for the citizen"
        assert "because" not in mail.words


async def test_nothing_is_told_unless_the_deployment_says_so(house: House, shipped: Configuration) -> None:
    await house.projected()
    silent = desk(house, telling(shipped, frozenset()))
    taken, _ = await silent.take_in(LETTER)
    await work(silent, taken.case, "hand-over", to=ANAGRAFE)
    choosy = desk(house, telling(shipped, frozenset({Progress.CLOSED})))
    await work(choosy, taken.case, "answer", "It was mended.", office=ANAGRAFE)
    [mail] = await told(house)
    assert mail.subject == TEXTS["it"].subjects[Progress.CLOSED]
    assert "mended" not in mail.words


async def test_what_is_refused_is_not_told(house: House, shipped: Configuration) -> None:
    case = await called_case(house)
    with pytest.raises(CaseRefused):
        await work(desk(house, telling(shipped, gateway="https://gateway.example")), case, "reopen")
    assert await told(house) == ()


async def test_who_called_from_a_mobile_telephone_is_told_by_sms_where_there_is_a_gateway(
    house: House, shipped: Configuration
) -> None:
    case = await called_case(house)
    await work(desk(house, telling(shipped)), case, "hand-over", to=ANAGRAFE)
    assert await told(house) == (), "there is no gateway"
    at_desk = desk(house, telling(shipped, gateway="https://gateway.example"))
    await work(at_desk, case, "answer", "It was mended.", office=ANAGRAFE)
    [sms] = await told(house)
    assert (sms.channel, sms.to, sms.case) == (Way.SMS, "+393331234567", case)
    assert in_groups(case) in sms.words
    assert "mended" not in sms.words


async def test_who_has_a_line_at_home_or_none_at_all_is_told_nothing(house: House, shipped: Configuration) -> None:
    at_desk = desk(house, telling(shipped, gateway="https://gateway.example"))
    case = await called_case(house, "0551234567")
    await work(at_desk, case, "hand-over", to=ANAGRAFE)
    anonymous, _ = await at_desk.take_in(replace(LETTER, mail=""))
    await work(at_desk, anonymous.case, "close")
    assert await told(house) == ()


async def test_a_telephone_that_was_typed_into_the_open_page_is_sent_no_sms(
    house: House, shipped: Configuration
) -> None:
    await house.projected()
    form = replace(LETTER, channel=Channel.FORM, phone="3331234567", sender=Sender.UNPROVEN)
    at_desk = desk(house, telling(shipped, gateway="https://gateway.example"))
    await at_desk.take_in(replace(form, mail=""))
    assert await told(house) == ()
    await at_desk.take_in(replace(form, sender=Sender.KNOWN, mail="", phone="3337654321"))
    await at_desk.take_in(form)
    assert [(each.channel, each.to) for each in await told(house)] == [
        (Way.SMS, "+393337654321"),
        (Way.MAIL, "ana@example.org"),
    ]


async def test_a_citizen_is_told_in_the_language_of_their_call(house: House, shipped: Configuration) -> None:
    case = await called_case(house, language="en")
    at_desk = desk(house, telling(shipped))
    await at_desk.take_in(replace(LETTER, into=case))
    await work(at_desk, case, "close")
    taken_in, closed = await told(house)
    assert taken_in.subject == "We have received your request"
    assert "your request has been closed." in closed.words


async def test_a_mail_is_acknowledged_by_who_takes_mails_in_and_not_told_twice(
    house: House, shipped: Configuration
) -> None:
    await house.projected()
    await desk(house, telling(shipped)).take_in(replace(LETTER, channel=Channel.MAIL))
    assert await told(house) == ()


async def test_who_writes_first_is_told_and_not_who_writes_later(house: House, shipped: Configuration) -> None:
    await house.projected()
    at_desk = desk(house, telling(shipped, frozenset({Progress.CLOSED})))
    taken, _ = await at_desk.take_in(LETTER)
    await at_desk.take_in(replace(LETTER, mail="other@example.org", into=taken.case))
    await work(at_desk, taken.case, "close")
    assert [mail.to for mail in await told(house)] == ["ana@example.org"]


@pytest.mark.parametrize(("progress", "language"), [*product(Progress, TEXTS)])
def test_an_sms_is_one_sms_and_says_nothing_of_the_matter(progress: Progress, language: str) -> None:
    long = replace(NEWS, progress=progress, case="200012345675", service="800840840", administration="Comune " * 20)
    sms = sms_of(long, language)
    assert len(sms) <= SMS_LENGTH_MAX
    assert set(sms) <= GSM
    assert "2000 1234 5675" in sms
    assert "1234" in sms
    assert "mended" not in sms


@pytest.mark.parametrize(("progress", "language"), [*product(Progress, TEXTS)])
def test_a_mail_says_the_number_the_code_and_who_writes(progress: Progress, language: str) -> None:
    subject, words = mail_of(replace(NEWS, progress=progress), language)
    assert subject
    for said in ("1000 0426", "1234", "055055", "Comune di Prova"):
        assert said in words
    assert ("It was {mended}." in words) is (progress is Progress.ANSWERED)


def test_who_speaks_another_language_is_told_in_italian() -> None:
    assert mail_of(NEWS, "zh") == mail_of(NEWS, "it")


@pytest.mark.parametrize(
    ("number", "mobile"),
    [("+393331234567", True), ("+390551234567", False), ("+41791234567", True), ("", False), ("anonymous", False)],
)
def test_only_a_mobile_telephone_is_sent_an_sms(number: str, mobile: bool) -> None:
    assert is_mobile(number) is mobile


def test_an_entity_tells_what_it_says_and_else_what_all_do(tmp_path: Path) -> None:
    (tmp_path / "dialplans").mkdir()
    for name, text in SMALL.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "entities.yaml").write_text(
        "tell: [taken in, answered]\nentities:\n"
        '  a: {name: A, numbers: ["055055"]}\n  b: {name: B, numbers: ["055055"], tell: []}\n'
    )
    entities = load(tmp_path).entities
    both = {Progress.TAKEN_IN, Progress.ANSWERED}
    assert [entities.told(entity, "055055") for entity in ("a", "b", None)] == [both, frozenset(), both]
