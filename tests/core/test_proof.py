"""How a citizen shows that a case is theirs."""

import pytest

from cases.proof import code_of, proves

CODE = code_of("10000426", "secret")


def test_a_code_is_always_the_same_four_digits_and_differs_by_case_and_installation() -> None:
    assert code_of("10000426", "secret") == CODE
    assert len(CODE) == 4
    assert CODE.isdecimal()
    codes = {code_of(str(case), "secret") for case in range(10_000_000, 10_001_000)}
    assert len(codes) > 900
    assert code_of("10000426", "another") != CODE


@pytest.mark.parametrize(
    ("proof", "number", "is_theirs"),
    [
        ("3456", "+39055123456", True),
        ("3457", "+39055123456", False),
        (CODE, "+39055123456", True),
        (CODE, "", True),
        ("", "", False),
        ("6", "6", False),
        ("3456", "3456", False),
    ],
)
def test_the_last_digits_of_the_telephone_or_the_code_prove_it(proof: str, number: str, is_theirs: bool) -> None:
    assert proves(proof, "10000426", number, "secret") is is_theirs
