"""The number of a case: digits, the last a check digit, so that a wrong key or two swapped ones are noticed.

It is made from where the case came from (one digit) and a number that is unique there; for a call, the number of its
arrival in the journal. So replaying the journal gives every case the number that its citizen was told.
"""

FROM_CALL, FROM_DESK, FROM_SPLIT = 1, 2, 3  # the second: letters, faxes, forms, mails; the third: of other cases
SEQUENCE_DIGITS_MIN = 6

# Damm's quasigroup: every single wrong digit and every swap of two neighbours changes the check digit.
_DAMM = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)


def case_number(source: int, sequence: int) -> str:
    """The number of case `sequence` (over 0) from `source` (1 to 9): 8 digits or more."""
    if not 1 <= source <= 9 or sequence < 1:
        raise ValueError(f"no case number can be made from {source}, {sequence}")
    digits = f"{source}{sequence:0{SEQUENCE_DIGITS_MIN}d}"
    return digits + str(_check(digits))


def is_case_number(text: str) -> bool:
    """Whether `text` can be the number of a case; blanks, dots and dashes between the digits do not matter."""
    digits = keyed(text)
    return len(digits) >= SEQUENCE_DIGITS_MIN + 2 and _is_digits(digits) and digits[0] != "0" and _check(digits) == 0


def keyed(text: str) -> str:
    """`text` as it is keyed in and stored: without blanks, dots and dashes."""
    return "".join(letter for letter in text if letter not in " .-\u00a0")


def in_groups(number: str) -> str:
    """`number` as it is printed and said, in groups of four: `1000 0426`."""
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _check(digits: str) -> int:
    check = 0
    for digit in digits:
        check = int(_DAMM[check][int(digit)])
    return check
