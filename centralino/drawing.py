"""The picture of a menu as an SVG: what graphviz's `dot`, a program of its own, makes of it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

from acd.goto import Goto, ToQueue, ToStep
from acd.rules import Rules
from centralino.options import Stop
from ivr.menu import Dialplan
from ivr.picture import picture_of

DRAWN_WITHIN_S = 30.0  # dot needs a tenth of a second for the menus that ship


def drawn(plan: Dialplan, language: str, rules: Rules) -> bytes:
    """The SVG. Raises Stop where `dot` is missing or cannot draw it."""
    picture = picture_of(plan, language, tuple(sent_on(rules)))
    try:
        dot = _run_dot(picture.encode())
    except OSError as missing:
        raise Stop("dot, which draws the picture, is missing: install the package graphviz") from missing
    except subprocess.TimeoutExpired as late:
        raise Stop(f"dot has not drawn the picture within {DRAWN_WITHIN_S:g} s") from late
    if dot.returncode:
        said = " ".join(dot.stderr.decode("utf-8", "replace").split())[-200:]
        raise Stop(f"dot cannot draw the picture (it ended with {dot.returncode}): {said}")
    return dot.stdout


def _run_dot(picture: bytes) -> subprocess.CompletedProcess[bytes]:
    command = ["dot", "-Tsvg"]
    return subprocess.run(command, input=picture, capture_output=True, timeout=DRAWN_WITHIN_S, check=False)  # noqa: S603


def write(file: Path, picture: bytes) -> None:
    """Raises Stop where the file cannot be written."""
    try:
        file.write_bytes(picture)
    except OSError as error:
        raise Stop(f"{file}: {error.strerror}") from error


def sent_on(rules: Rules) -> Iterator[tuple[str, str]]:
    """Each queue, with each step of the dialplan to which it sends a call, by another queue or not."""
    for queue in rules.queues:
        for there in _after(queue, rules):
            if isinstance(there, ToStep):
                yield queue, there.step


def _after(queue: str, rules: Rules) -> list[Goto]:
    """Where calls may come to from `queue`, each once."""
    found: list[Goto] = []
    todo = [queue]
    while todo:
        one = rules.queues[todo.pop()]
        new = [there for there in (one.full_then, one.longest_wait_then) if there and there not in found]
        found += dict.fromkeys(new)
        todo += [there.queue for there in new if isinstance(there, ToQueue)]
    return found
