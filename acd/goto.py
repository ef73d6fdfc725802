"""Where a call may go next when it leaves a queue: one of four that queues.yaml can say, or back."""

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


@dataclass(frozen=True, slots=True)
class Back:
    """Back to whoever led the call to this queue, which was to answer for an office: what queues.yaml says of it is
    for its own callers.
    """


Goto = ToVoicemail | ToQueue | ToStep | HangUp | Back
