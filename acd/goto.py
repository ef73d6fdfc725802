"""Where a call may go next when it leaves a queue, or a menu: one of four."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ToVoicemail:
    """Let the caller leave a message for the people of queue `box`."""

    box: str


@dataclass(frozen=True, slots=True)
class ToQueue:
    queue: str


@dataclass(frozen=True, slots=True)
class ToStep:
    """Back to a step of the dialplan that the call came by."""

    step: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""


Goto = ToVoicemail | ToQueue | ToStep | HangUp
