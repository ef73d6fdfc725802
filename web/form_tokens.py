"""What each form that we hand out bears: signed by us, for a day. So a form comes from our page, and is known again."""

import hmac
import secrets
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

VALID_S = 24 * 3600.0
FASTEST_S = 3.0  # no person reads and fills in the form within that


class Doubt(StrEnum):
    """Why a form is handed back, to be sent again."""

    NOT_OURS = "not ours"
    TOO_OLD = "too old"
    TOO_FAST = "too fast"


@dataclass(frozen=True, slots=True)
class Token:
    """`nonce`: no other form has it. `issued_s`: since 1970."""

    nonce: str
    issued_s: int


class FormTokens:
    """`secret`: the installation's."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.new(secret.encode(), b"forms on the public pages", sha256).digest()

    def made(self, now_s: float) -> str:
        return self._signed(f"{int(now_s)}.{secrets.token_hex(16)}")

    def read(self, text: str, now_s: float) -> Token | Doubt:
        written, _, _ = text.rpartition(".")
        if not hmac.compare_digest(self._signed(written).encode(), text.encode()):
            return Doubt.NOT_OURS
        issued, _, nonce = written.partition(".")
        age_s = now_s - int(issued)
        if age_s > VALID_S:
            return Doubt.TOO_OLD
        return Token(nonce, int(issued)) if age_s >= FASTEST_S else Doubt.TOO_FAST

    def _signed(self, written: str) -> str:
        return f"{written}.{hmac.new(self._key, written.encode(), sha256).hexdigest()}"
