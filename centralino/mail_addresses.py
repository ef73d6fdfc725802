"""What centralino.yaml says of mail that comes in."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class MailAddress:
    """Mail to it is for `number` of ours, and for `entity`; empty: it is not said for which."""

    number: str
    entity: str = ""


@dataclass(frozen=True, slots=True)
class MailIn:
    """Mail is taken in for `addresses` (in small letters), each at most `size_bytes_max`."""

    addresses: Mapping[str, MailAddress] = field(default_factory=dict)
    size_bytes_max: int = 25_000_000
