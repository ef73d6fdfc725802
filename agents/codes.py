"""The codes that agents dial, and what each asks for; those that FreePBX has too are dialled as there.

Pure. What they do is carried out in centralino/phone_codes.py.
"""

from dataclasses import dataclass
from enum import StrEnum

from agents.supervisors import How


class Code(StrEnum):
    """By how it is dialled; digits may follow."""

    SIGN = "*45"  # in or out; with an agent's number: that agent
    PAUSE = "*46"  # or ready again; with the digits of a reason
    WAITING = "*47"  # who waits
    WRAP_UP = "*48"  # done; with a number: so many minutes more
    DISPOSE = "*49"  # of the last call: its kind, and whether it was solved or handed on
    LISTEN = "*90"  # and the three after it: a supervisor is with the talk of the agent whose number follows
    WHISPER = "*91"
    BARGE = "*92"
    TAKE_OVER = "*93"
    RESET = "*95"  # a supervisor lets the agent go whose number follows


HOW_OF = {
    Code.LISTEN: How.LISTEN,
    Code.WHISPER: How.WHISPER,
    Code.BARGE: How.BARGE,
    Code.TAKE_OVER: How.TAKE_OVER,
}


@dataclass(frozen=True, slots=True)
class Dialled:
    code: Code
    digits: str


def read_code(number: str) -> Dialled | None:
    """What was dialled, where it is a code of ours; None: it is not."""
    try:
        code, digits = Code(number[:3]), number[3:].removesuffix("#").removeprefix("*")
    except ValueError:
        return None
    return Dialled(code, digits) if not digits or digits.isdecimal() else None
