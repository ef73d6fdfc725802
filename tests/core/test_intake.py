"""What citizens write stands with exactly one case, as their calls do."""

from dataclasses import replace
from pathlib import Path

import pytest

from cases.case_number import is_case_number
from cases.channels import Channel
from cases.joining import JoinWhy
from cases.state import WORDS_MAX, CaseRefused, State
from cases.store import cases
from centralino.case_desk import CaseDesk, Written
from centralino.clock import as_utc
from centralino.events import CallDisposed
from centralino.settings import Configuration, load
from tests.records import House, answered_call, arrival, desk_of, end

SHIPPED = Path(__file__).parents[2]
LETTER = Written(Channel.LETTER, "The lamp in via Roma is broken.", "a1001", entity="comune-scandicci", subject="Lamp")
ANAS = "+393331234567"


@pytest.fixture(scope="module")
def shipped() -> Configuration:
    return load(SHIPPED)


@pytest.fixture
def desk(house: House, shipped: Configuration) -> CaseDesk:
    return desk_of(house, lambda: shipped)


async def test_a_letter_opens_a_case_of_its_own_number_and_is_kept_word_for_word(house: House, desk: CaseDesk) -> None:
    await house.projected()
    taken, seen = await desk.take_in(replace(LETTER, name="Ana", mail="Ana@Example.org", kind="report"))
    assert is_case_number(taken.case)
    assert taken.case.startswith("2"), "calls' cases begin with 1"
    assert taken.why is JoinWhy.ANONYMOUS
    case = seen.case
    assert (case.state, case.entity, case.service, case.title) == ("open", "comune-scandicci", "055055", "Lamp")
    assert (case.kind, case.name, case.number, case.opened_by_call) == ("report", "Ana", "ana@example.org", None)
    assert [contact.kind for contact in case.contacts] == ["letter"]
    [kept] = seen.wrote
    assert (kept.words, kept.by, kept.mail) == (LETTER.words, "a1001", "ana@example.org")


async def test_two_of_whom_nobody_can_say_who_they_are_never_share_a_case(house: House, desk: CaseDesk) -> None:
    await house.projected()
    first, _ = await desk.take_in(LETTER)
    second, _ = await desk.take_in(LETTER)
    assert first.case != second.case


async def test_a_letter_and_a_call_of_the_same_telephone_have_one_case(house: House, desk: CaseDesk) -> None:
    await house.projected()
    letter, _ = await desk.take_in(replace(LETTER, phone="333 1234567"))
    assert letter.why is JoinWhy.FIRST_CONTACT
    answered_call(house, "c1", house.caller("3331234567"))
    await house.projected()
    fax, seen = await desk.take_in(replace(LETTER, channel=Channel.FAX, phone=ANAS, subject="Still broken"))
    assert (fax.case, fax.why) == (letter.case, JoinWhy.SAME_CALLER)
    assert [contact.kind for contact in seen.case.contacts] == ["letter", "call", "fax"]
    assert seen.case.state == State.OPEN, "the call's end did not close it"
    assert seen.case.title == "Lamp"
    assert len(await cases(house.database)) == 1


async def test_a_letter_joins_the_case_that_a_call_left_open(house: House, desk: CaseDesk) -> None:
    person = house.caller("3331234567")
    house.tell(arrival("c1", person), CallDisposed(call="c1", kind="report", level="handed on", by="a1"), end("c1"))
    await house.projected()
    letter, seen = await desk.take_in(replace(LETTER, phone=ANAS))
    assert letter.why is JoinWhy.SAME_CALLER
    assert (seen.case.opened_by_call, seen.case.number) == ("c1", ANAS)
    other, _ = await desk.take_in(replace(LETTER, phone=ANAS, entity="protezione-civile"))
    assert (other.why, other.case != letter.case) == (JoinWhy.NO_OPEN_CASE, True), "for another number of ours"


async def test_somebody_may_say_for_which_open_case_it_is(house: House, desk: CaseDesk) -> None:
    await house.projected()
    first, _ = await desk.take_in(LETTER)
    second, seen = await desk.take_in(replace(LETTER, into=first.case))
    assert (second.case, second.why, len(seen.wrote)) == (first.case, JoinWhy.BY_HAND, 2)


async def test_the_first_channel_says_by_when_it_is_answered(house: House, desk: CaseDesk) -> None:
    await house.projected()
    for channel, days in ((Channel.LETTER, 42), (Channel.FORM, 7)):  # the 40th is a Saturday
        _, seen = await desk.take_in(replace(LETTER, channel=channel, entity="protezione-civile"))
        assert seen.clock
        assert seen.clock.due_at
        assert (seen.clock.due_at - as_utc(house.clock.now_s())).days == days


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"channel": Channel.CALL}, "comes in by the engine"),
        ({"words": " \n"}, "no words"),
        ({"words": "x" * (WORDS_MAX + 1)}, "too many"),
        ({"entity": "comune-scandici"}, "did you mean `comune-scandicci`?"),
        ({"entity": "", "number": "055056"}, "there is no number `055056`"),
        ({"entity": ""}, "for whom is it?"),
        ({"number": "800840840"}, "800840840 is no number of comune-scandicci"),
        ({"phone": "call me"}, "`call me` is no telephone number"),
        ({"phone": "12"}, "is no telephone number"),
        ({"mail": "ana@"}, "`ana@` is no mail address"),
        ({"mail": "a@b.it\r\nBcc: c@d.it"}, "is no mail address"),
        ({"into": "10000016"}, "there is no case 1000 0016"),
    ],
)
async def test_what_cannot_be_taken_in_is_refused_and_nothing_is_kept(
    house: House, desk: CaseDesk, changed: dict[str, object], says: str
) -> None:
    await house.projected()
    with pytest.raises(CaseRefused) as refused:
        await desk.take_in(replace(LETTER, **changed))  # type: ignore[arg-type]
    assert says in str(refused.value)
    everything = await house.everything()
    assert everything["intakes"] == everything["cases"] == everything["contacts"] == []


async def test_a_letter_for_a_closed_case_is_refused_until_that_is_opened_again(house: House, desk: CaseDesk) -> None:
    answered_call(house, "c1", house.caller("3331234567"))
    await house.projected()
    [closed] = await cases(house.database)
    with pytest.raises(CaseRefused, match="open it again first"):
        await desk.take_in(replace(LETTER, into=closed.id))


async def test_hostile_words_are_kept_as_they_came(house: House, desk: CaseDesk) -> None:
    await house.projected()
    hostile = "a\"b',;\r\n<script>alert(1)</script>\u202e😀" + "x" * 10_000
    _, seen = await desk.take_in(replace(LETTER, words=hostile, subject="a\r\nb\u202ec", name="x" * 500))
    assert seen.wrote[0].words == hostile
    assert (seen.wrote[0].subject, len(seen.wrote[0].name)) == ("abc", 200)


async def test_what_was_taken_in_survives_that_the_calls_are_projected_anew(house: House, desk: CaseDesk) -> None:
    house.tell(arrival("c1", house.caller("3331234567")))
    await house.projected()
    await desk.take_in(replace(LETTER, phone=ANAS))
    before = await house.everything()
    await house.projector.rebuild()
    assert await house.everything() == before
