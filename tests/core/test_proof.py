"""How a citizen shows that a case is theirs."""

import pytest

from cases.proof import WRONG_PROOFS_MAX, Proofs, code_of, proves

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
        (".org", "ana@example.org", False),
        ("٣٤٥٦", "+39055123456", False),
        ("é456", "+39055123456", False),
    ],
)
def test_the_last_digits_of_the_telephone_or_the_code_prove_it(proof: str, number: str, is_theirs: bool) -> None:
    assert proves(proof, "10000426", number, "secret") is is_theirs


def test_after_too_many_wrong_proofs_a_case_is_told_to_nobody_until_the_next_day() -> None:
    proofs = Proofs()
    for _ in range(WRONG_PROOFS_MAX):
        assert proofs.is_let_in("1", proven=True)
        assert not proofs.is_let_in("1", proven=False)
    assert not proofs.is_let_in("1", proven=True)
    assert proofs.is_let_in("2", proven=True)
    proofs.new_day()
    assert proofs.is_let_in("1", proven=True)
