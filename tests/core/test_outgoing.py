"""Whom we call outside, through which carriers, as whom: decided without a phone system."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk.carrier import EMERGENCY_NUMBERS, Allowed
from centralino.outgoing import COSTLY, NotCalled, Outgoing, Refused, may_call

RULES = Outgoing(("first", "second"))


@pytest.mark.parametrize(
    ("dialled", "number"),
    [
        ("055 27 68", "+390552768"),
        ("0039 055-2768", "+390552768"),
        ("+39 055 2768", "+390552768"),
        ("333.123.4567", "+393331234567"),
        ("391 1234567", "+393911234567"),  # a mobile, no country
        ("800840840", "+39800840840"),
        ("089 2424", "+390892424"),  # Salerno, no premium number
    ],
)
def test_a_number_at_home_is_called_however_it_is_written(dialled: str, number: str) -> None:
    assert may_call(dialled, RULES) == Allowed(number, ("first", "second"))


@pytest.mark.parametrize(
    "dialled",
    [
        "892424",
        "+39899123456",
        "0039 899 123456",
        "144123456",
        "166 112233",
        "199123123",
        "1781234567",
        "0878123456",
        "0549886543",
    ],
)
@pytest.mark.parametrize("allow", [("+39",), ("+3",), ()])
def test_premium_numbers_are_refused_whatever_is_allowed_around_them(dialled: str, allow: tuple[str, ...]) -> None:
    decided = may_call(dialled, Outgoing(("first",), allow))
    assert isinstance(decided, Refused)
    assert decided.why is NotCalled.COSTLY


def test_a_premium_number_is_called_only_where_it_is_allowed_by_name() -> None:
    rules = Outgoing(("first",), ("+39", "+39199"))
    assert may_call("199123123", rules) == Allowed("+39199123123", ("first",))
    assert isinstance(may_call("166123123", rules), Refused)


def test_who_allows_a_costly_beginning_by_name_means_it() -> None:
    rules = Outgoing(("first",), ("+3989",))
    assert may_call("89912345", rules) == Allowed("+3989912345", ("first",))
    assert isinstance(may_call("144123", rules), Refused)


def test_numbers_abroad_are_refused_until_they_are_allowed() -> None:
    assert may_call("+41791234567", RULES) == Refused("+41791234567", NotCalled.FOREIGN)
    assert may_call("0041 79 123 45 67", Outgoing(("a",), ("+39", "+41"))) == Allowed("+41791234567", ("a",))


def test_the_longest_beginning_decides_and_a_denial_goes_first() -> None:
    rules = Outgoing(("a",), ("+39055", "+390553"), ("+3905532", "+39055"))
    assert may_call("0551000", rules) == Refused("+390551000", NotCalled.DENIED)
    assert may_call("0553100", rules) == Allowed("+390553100", ("a",))
    assert may_call("0553200", rules) == Refused("+390553200", NotCalled.DENIED)
    assert may_call("022100", rules) == Refused("+39022100", NotCalled.NOT_ALLOWED)


@pytest.mark.parametrize("dialled", [*EMERGENCY_NUMBERS, "1 1 2", "+39112", "0039118"])
def test_emergency_numbers_are_called_whatever_the_rules_are(dialled: str) -> None:
    rules = Outgoing(("first", "second"), (), ("+39", "+391"), {"+391": ("second",)})
    number = dialled.replace(" ", "").removeprefix("+39").removeprefix("0039")
    assert may_call(dialled, rules) == Allowed(number, ("first", "second"))


@pytest.mark.parametrize(
    "dialled", ["", "+", "abc", "sip:112@evil", "+39055;ext=1", "055x2", "０５５２７６８", "9" * 30]
)
def test_what_is_no_number_is_not_called(dialled: str) -> None:
    assert may_call(dialled, RULES) == Refused(dialled, NotCalled.NO_NUMBER)


def test_the_carriers_may_depend_on_the_number() -> None:
    rules = Outgoing(("first", "second"), through={"+393": ("second",), "+39335": ("second", "first")})
    assert may_call("3331234567", rules) == Allowed("+393331234567", ("second",))
    assert may_call("3351234567", rules) == Allowed("+393351234567", ("second", "first"))
    assert may_call("0552768", rules) == Allowed("+390552768", ("first", "second"))


def test_without_a_carrier_nobody_is_called() -> None:
    assert may_call("0552768", Outgoing()) == Refused("+390552768", NotCalled.NO_CARRIER)
    assert may_call("112", Outgoing()) == Refused("112", NotCalled.NO_CARRIER)


def test_an_entity_shows_its_own_number_or_that_which_was_called() -> None:
    rules = Outgoing(caller_ids={"florence": "0552768"})
    assert rules.shown_for("florence", "055055") == "0552768"
    assert rules.shown_for("siena", "055055") == "055055"


@pytest.mark.parametrize("dialled", ["7", "77", "0551", "0" + "5" * 14])
def test_what_nobody_can_have_is_not_called(dialled: str) -> None:
    decided = may_call(dialled, RULES)
    assert isinstance(decided, Refused)
    assert decided.why is NotCalled.NO_NUMBER


@given(st.text("0123456789+ .-/()", max_size=20))
def test_nothing_costly_or_abroad_slips_through(dialled: str) -> None:
    decided = may_call(dialled, RULES)
    if isinstance(decided, Allowed) and decided.number not in EMERGENCY_NUMBERS:
        assert decided.number.startswith("+39")
        assert not decided.number.startswith(COSTLY)
