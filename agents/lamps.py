"""Lamps at phones, each named by what is dialled to change what it shows.

`*451001` is lit while agent 1001 is signed in, `*461001` while they are paused; `*45p101` and `*46p101` show the same
of whoever sits at phone p101; `*4781` is lit while somebody waits in the queue that is dialled as 81. Pure.
"""

from collections.abc import Iterable

from agents.codes import Code
from agents.roster import Roster


def names(roster: Roster, queue_numbers: Iterable[str]) -> tuple[str, ...]:
    """Every lamp that there is."""
    whose = (*(agent.number for agent in roster.agents.values() if agent.number), *roster.phones)
    of_people = (f"{code}{who}" for who in whose for code in (Code.SIGN, Code.PAUSE))
    return (*of_people, *(f"{Code.WAITING}{number}" for number in queue_numbers if number))
