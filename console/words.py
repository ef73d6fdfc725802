"""What a line on the console means. Pure: text in, a decision out.

Only the commands that look or ask are let through, and none that starts something (`run`), makes a secret (`token`,
`phone`) or writes a file (`prompts`). There is no shell: quotes group words, and nothing else has a meaning.
"""

import difflib
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

LINE_LENGTH_MAX = 4096  # a notice in several languages fits
QUICK_S = 60.0
SLOW_S = 330.0  # longer than the engine has for speaking new texts (centralino.asking)

COMMANDS = {
    "status": "the house in a few lines",
    "queues": "the queues as they are now",
    "agents": "who is here and what they do; in, out, ready or pause ID signs them in and out; extend, reset ID",
    "calls": "the newest calls, those included that go on now",
    "cases": "the newest cases; --due lists those overdue or soon due, --of NUMBER a citizen's",
    "take-in": "a letter, a fax, a form or a mail: WORDS --channel letter --entity E",
    "case": "all that is on record about a case: NUMBER; with an act, such as note WORDS, something is done to it",
    "voicemails": "messages to be worked through, the longest waiting first; --box QUEUE chooses",
    "voicemail": "CALL claim, give-back, done --how HOW or undo: work through a message",
    "recordings": "recordings of talks and messages, and until when they are kept; --due, --deleted",
    "knowledge": "the sheets of the knowledge base: search WORDS, show ID, outdated",
    "outbox": "mail and SMS that are not sent yet, or could not be; again ID tries one again",
    "report": "what came of some days: cases --from DAY --to DAY",
    "why": "everything that was decided about a call, and why",
    "transfer": "hand a caller on from their agent to the second level: CALL --to OFFICE or QUEUE",
    "disposition": "what came of a call: CALL --kind KIND, --topic T, --solved or --handed-on, --by AGENT",
    "listen": "ring a supervisor's phone to listen to a talk: CALL --as SUPERVISOR --how whisper, barge, take-over",
    "call": "ring an agent's phone, then a number: NUMBER --agent ID",
    "audit": "Asterisk's own call records against ours",
    "check": "everything that is wrong with the YAML",
    "test": "the calls that `tests:` in the dialplans describe",
    "try": "walk a call through a dialplan as text",
    "reload": "put the YAML in force as it stands now",
    "rollback": "go back to an earlier configuration",
    "sites": "further sites, which are open for which queue: open, close, by-rule QUEUE SITE",
    "call-backs": "promised call-backs that are not kept yet; drop CALL takes one back",
    "emergency": "a notice before the menu of a number: on, off",
}
OURS = {"help": "this list; help COMMAND says more", "exit": "leave; so does Ctrl-D"}
FURTHER = {
    "agents": ("extend", "in", "out", "pause", "ready", "reset"),
    "emergency": ("off", "on"),
    "knowledge": ("outdated", "search", "show"),
    "outbox": ("again",),
    "report": ("cases",),
    "sites": ("open", "close", "by-rule"),
    "call-backs": ("drop",),
    "help": tuple(COMMANDS),
}
SLOW = frozenset({"reload", "rollback", "emergency"})
# where things stand is the desk's to say: nobody points a command at another folder, or at another engine's door
FIXED = ("--config", "--state")
OF_A_FOLDER = ("check", "test")
PRIVATE = ("--from", "--of", "--press", "--note")  # a caller's number, the code of a case, a name: not for the log
# Of these commands, all that stands after so many words is private, but for what follows the options named.
OF_CITIZENS = {"case": 3, "take-in": 1}
OF_THE_HOUSE = (
    "--to", "--into", "--agent", "--as", "--kind", "--topic", "--channel", "--entity", "--number", "--requester",
    "--region", "--contacts",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """A command for the command line, which has `within_s` for it."""

    words: tuple[str, ...]
    within_s: float


@dataclass(frozen=True, slots=True)
class Say:
    """An answer of our own."""

    text: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """It cannot be carried out; the text says why. Log the text only: what was typed may be a password."""

    text: str


@dataclass(frozen=True, slots=True)
class Leave:
    """The conversation ends."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """An empty line."""


Meaning = Run | Say | Refuse | Leave | Nothing


def meaning(line: str) -> Meaning:
    """What a line asks for."""
    if len(line) > LINE_LENGTH_MAX:
        return too_long()
    if any(not letter.isprintable() and letter != "\t" for letter in line):
        return Refuse("this line holds characters that nobody can type")
    try:
        words = tuple(shlex.split(line))
    except ValueError as error:
        open_quote = "quot" in str(error)
        return Refuse("a quote is not closed" if open_quote else "a backslash at the end means nothing")
    return _of(words)


def too_long() -> Refuse:
    return Refuse(f"a line holds at most {LINE_LENGTH_MAX} characters; nothing was done")


def _of(words: tuple[str, ...]) -> Meaning:
    match words:
        case ():
            return Nothing()
        case ("exit" | "quit" | "logout",):
            return Leave()
        case ("help",):
            return Say(overview())
        case ("help", name, *further) if name in COMMANDS:
            return _run((name, *further, "--help"))
        case ("help", name, *_) if name in OURS:
            return Say(f"{name}: {OURS[name]}")
        case ("help", *_):
            return _unknown(words[1])
        case (name, *_) if name in COMMANDS:
            return _run(words)
        case _:
            return _unknown(words[0])


def _run(words: tuple[str, ...]) -> Meaning:
    fixed = next((word for word in words if word.partition("=")[0] in FIXED), None)
    if words[0] in OF_A_FOLDER and any(not word.startswith("-") for word in words[1:]):
        return Refuse(f"{words[0]} names no folder here: it looks at this installation's")
    if words[0] == "voicemail" and any(word == "listen" or word.partition("=")[0] == "--to" for word in words[1:]):
        return Refuse("listen makes a file, and none is made from here; the command line and the API let you listen")
    if words[0] == "recordings" and "new-key" in words:
        return Refuse("no secret is made from here: the command line makes a new key")
    if words[0] == "case" and "attachment" in words[1:]:
        return Refuse("attachment makes a file, and none is made from here; the command line and the API give it out")
    if fixed:
        return Refuse(f"{fixed.partition('=')[0]} cannot be chosen here: the console is that of one installation")
    return Run(words, SLOW_S if words[0] in SLOW else QUICK_S)


def _unknown(name: str) -> Refuse:
    close = difflib.get_close_matches(name[:40], [*COMMANDS, *OURS], n=1)
    return Refuse(f"there is no such command{f'; did you mean {close[0]}?' if close else ''}; help lists them")


def overview() -> str:
    """The commands, a line each."""
    return "\n".join(f"{name:<10} {what}" for name, what in (COMMANDS | OURS).items())


def for_the_log(words: tuple[str, ...]) -> str:
    """The words of a command as the log may hold them."""
    public = OF_CITIZENS.get(words[0], len(words)) if words else 0
    words = (*words[:public], *_without_citizens(words[public:]))
    said, hide_next = [], False
    for word in words:
        option, is_joined, _ = word.partition("=")
        hidden = "…" if hide_next else f"{option}=…" if option in PRIVATE and is_joined else word
        said.append(hidden)
        hide_next = word in PRIVATE
    return shlex.join(said)


def _without_citizens(words: tuple[str, ...]) -> Iterator[str]:
    before = ""
    for word in words:
        option, is_joined, _ = word.partition("=")
        if option.startswith("--"):
            yield f"{option}=…" if is_joined and option not in OF_THE_HOUSE else word
        else:
            yield word if before in OF_THE_HOUSE else "…"
        before = word


@dataclass(frozen=True, slots=True)
class Completion:
    """What Tab adds to the line; or, where nothing can be added, what it could become."""

    added: str = ""
    choices: tuple[str, ...] = ()


def completion(before: str) -> Completion:
    """What Tab does with what stands before the cursor."""
    *whole, part = before.split(" ")
    words = [word for word in whole if word]
    known = FURTHER.get(words[0], ()) if len(words) == 1 else () if words else (*COMMANDS, *OURS)
    fits = tuple(sorted(name for name in known if name.startswith(part)))
    if len(fits) == 1:
        return Completion(fits[0][len(part) :] + " ")
    first, last = (fits[0], fits[-1]) if fits else ("", "")  # sorted: what these two share, all share
    shared = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    added = first[len(part) : shared]
    return Completion(added, () if added else fits)
