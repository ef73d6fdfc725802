"""What centralino.yaml says of mail and SMS."""

from dataclasses import dataclass, field
from email.headerregistry import Address
from enum import StrEnum

NOBODY_YET = Address("Centralino", "centralino", "localhost")


class Tls(StrEnum):
    """How the connection to the relay is made safe."""

    STARTTLS = "starttls"
    FROM_THE_START = "from the start"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Mail:
    """`sender`: who writes, and whom answers and returned mail go to. `relay_host` empty: mail is kept in files.
    `user` empty: the relay asks for none; `secret`: the name of its password.
    """

    sender: Address = field(default_factory=lambda: NOBODY_YET)
    relay_host: str = ""
    relay_port: int = 587
    tls: Tls = Tls.STARTTLS
    user: str = ""
    secret: str = ""


@dataclass(frozen=True, slots=True)
class Sms:
    """`url` empty: no SMS is sent. `secret`: the name of the gateway's token, empty: it asks for none."""

    url: str = ""
    secret: str = ""
