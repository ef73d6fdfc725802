"""How a citizen shows that a case is theirs: the last digits of the telephone on it, or the case's code."""

import hashlib
import hmac

PROOF_DIGITS = 4
WRONG_PROOFS_MAX = 10  # a day and case: of ten thousand codes, a guesser may try a thousandth


def code_of(case: str, secret: str) -> str:
    """The code of a case, four digits, made from its number and the installation's secret; so it is kept nowhere."""
    digest = hmac.new(secret.encode(), case.encode(), hashlib.sha256).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 10**PROOF_DIGITS:0{PROOF_DIGITS}d}"


class Proofs:
    """Today's wrong proofs, those by phone and those on the page together."""

    def __init__(self) -> None:
        self._wrong: dict[str, int] = {}

    def is_let_in(self, case: str, *, proven: bool) -> bool:
        """Whether somebody is told of `case`: not by a wrong proof, nor by a right one after too many wrong ones."""
        if not proven or self._wrong.get(case, 0) >= WRONG_PROOFS_MAX:
            self._wrong[case] = self._wrong.get(case, 0) + 1
            return False
        return True

    def new_day(self) -> None:
        self._wrong.clear()


def proves(proof: str, case: str, number: str, secret: str) -> bool:
    """Whether `proof` shows that `case`, opened from telephone `number` (may be empty), is theirs."""
    if len(proof) != PROOF_DIGITS or not (proof.isascii() and proof.isdigit()):
        return False
    ends = number[-PROOF_DIGITS:] if len(number) > PROOF_DIGITS else ""
    return hmac.compare_digest(proof, ends) or hmac.compare_digest(proof, code_of(case, secret))
