"""PINs of agents: kept as a hash that is slow to make, since four digits are soon tried."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

DIGITS_LEAST, DIGITS_MOST = 4, 8


def hash_of(pin: str) -> str:
    """What stands in agents.yaml. Raises ValueError where `pin` is not 4 to 8 digits."""
    if not (pin.isascii() and pin.isdecimal() and DIGITS_LEAST <= len(pin) <= DIGITS_MOST):
        raise ValueError(f"a PIN has {DIGITS_LEAST} to {DIGITS_MOST} digits: it is keyed in at a phone")
    return PasswordHasher().hash(pin)


def fits(hashed: str, pin: str) -> bool:
    """Whether `pin` is the one. Takes some 50 ms, whatever is asked."""
    try:
        return PasswordHasher().verify(hashed, pin)
    except (VerificationError, InvalidHashError):
        return False
