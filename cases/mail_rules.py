"""Against which case a mail stands, and whether its sender is told that it came. Pure: kept by cases/mail_intake.py.

Anybody can write any case number into a subject, and any address behind From. So a mail joins a case only if its sender
is on that case already, what it joins goes on telling nobody but those who are on it, and machines are never answered.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from cases.case_number import is_case_number, keyed
from cases.incoming_mails import Mail
from cases.joining import Join, JoinWhy, OpenNew, Reopen
from cases.mail_reports import MACHINES, OUR_ID

CLAIMS_MAX = 8
ACKNOWLEDGED_PER_HOUR_MAX = 5  # to one address
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

_NUMBER = re.compile(r"(?<!\d)(?:\d{8,14}|\d{4}(?:[ .\-\u00a0]\d{1,4}){1,3})(?!\d)")
_NOBODY_READS = re.compile(r"(?i)(no|donot|do-not|non)[-_.]?(reply|rispondere)")


class AckWhy(StrEnum):
    """Why the sender is told that the mail came, or is not."""

    TOLD = "the sender was told"
    NO_ADDRESS = "there is no address to answer"
    NULL_SENDER = "it came without a sender, as machines' mails do"
    MACHINE = "a machine sent it, or it was sent to many"
    OURS = "it came from an address of ours"
    TOLD_LATELY = "the sender was told of this case within a day"
    TOO_MANY = "the sender was told too often within an hour"


@dataclass(frozen=True, slots=True)
class Claim:
    """A case that a mail says it is about: by its subject, or because it answers a mail of ours."""

    case: str
    why: JoinWhy


@dataclass(frozen=True, slots=True)
class Claimed:
    """The case of a claim, as it is. `addresses`: in small letters, of who is on it. `opens_again`: it is closed, and
    that not for too long.
    """

    id: str
    is_open: bool
    opens_again: bool
    addresses: frozenset[str]


@dataclass(frozen=True, slots=True)
class Stands:
    """`about`: a case that the mail named in vain; empty: none that there is."""

    decision: Join | Reopen | OpenNew
    about: str = ""


def claims_of(mail: Mail) -> tuple[Claim, ...]:
    """The cases that it may be about, the likeliest first."""
    by_subject = [found for found in map(keyed, _NUMBER.findall(mail.subject)) if is_case_number(found)]
    by_thread = [found[1] for answered in mail.answers for found in OUR_ID.finditer(answered)]
    claims = [Claim(case, JoinWhy.BY_NUMBER) for case in by_subject[:CLAIMS_MAX]]
    claims += [Claim(case, JoinWhy.BY_THREAD) for case in by_thread if is_case_number(case)]
    return tuple({claim.case: claim for claim in reversed(claims)}.values())[::-1][:CLAIMS_MAX]


def case_for_mail(claims: Sequence[Claim], there: Mapping[str, Claimed], sender: str, *, by_machine: bool) -> Stands:
    """`there`: the cases of the claims that there are, by the number that was claimed. What a machine sends opens no
    case again: it stands against the closed one.
    """
    in_vain, why = "", JoinWhy.NO_CASE_NAMED
    for claim in claims:
        found = there.get(claim.case)
        if found is None:
            continue
        if not sender or sender.lower() not in found.addresses:
            in_vain, why = found.id, JoinWhy.NOT_THEIRS
        elif found.is_open or by_machine:
            return Stands(Join(found.id, claim.why))
        elif found.opens_again:
            return Stands(Reopen(found.id, claim.why))
        else:
            in_vain, why = found.id, JoinWhy.CLOSED_BEFORE
    return Stands(OpenNew(why), in_vain)


@dataclass(frozen=True, slots=True)
class AckFacts:
    """`sender`: whom it would be told. `envelope`: the return path; empty: none. `told_within_the_hour`: how often;
    `told_of_case`: of this very case, within a day.
    """

    sender: str
    envelope: str
    ours: frozenset[str]
    told_within_the_hour: int
    told_of_case: bool


def acknowledge(mail: Mail, facts: AckFacts) -> AckWhy:
    """TOLD: tell the sender. Else why not."""
    if not facts.envelope:
        return AckWhy.NULL_SENDER
    if not facts.sender:
        return AckWhy.NO_ADDRESS
    mailbox = facts.sender.partition("@")[0].lower()
    if mail.machine or mail.report or mailbox in MACHINES or _NOBODY_READS.match(mailbox):
        return AckWhy.MACHINE
    if facts.sender.lower() in facts.ours:
        return AckWhy.OURS
    if facts.told_of_case:
        return AckWhy.TOLD_LATELY
    return AckWhy.TOO_MANY if facts.told_within_the_hour >= ACKNOWLEDGED_PER_HOUR_MAX else AckWhy.TOLD
