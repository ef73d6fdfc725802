"""Was it this prompt? Recognition by sound, for tests and demos. Needs numpy, which only developers install.

A prompt is compared second by second, because Asterisk may skip its RTP timestamp in the middle of one: compared as a
whole, a prompt heard right then scores 0.4; by the median over its seconds it scores 1.0, a wrong one 0.13 at most.
"""

import asyncio
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from demo.calls import Call
from demo.sounds import RATE_HZ, Sound, pcm_of

Samples = NDArray[np.float64]

SAME_SOUND = 0.5  # a score from here on means that it was the same sound
SILENT_BELOW = 100.0  # root mean square of 16-bit samples
LOOK_AGAIN_S = 0.25


@dataclass(frozen=True, slots=True)
class Match:
    """How alike (`score`, 0 to 1), and how many seconds into what was heard the reference begins.

    `at_s` means something only where `is_same`; it is below 0 where the beginning was not heard.
    """

    score: float
    at_s: float

    @property
    def is_same(self) -> bool:
        return self.score >= SAME_SOUND


def heard_at(heard: bytes, reference: Sound) -> Match:
    """Look for `reference` (samples, or the path of a WAV file) in `heard`. Raises ValueError if it is all silence."""
    windows = _windows(_samples(pcm_of(reference)))
    if not windows:
        raise ValueError("a silent reference cannot be recognised")
    longest = max(len(window) for _, window in windows)
    sound = _samples(heard)
    if len(sound) < longest:
        sound = np.pad(sound, (0, longest - len(sound)))
    spectrum, size = _spectrum(sound, longest)
    found = [(*_best(sound, spectrum, size, window), start) for start, window in windows]
    scores = sorted(score for score, _, _ in found)
    score = scores[(len(scores) - 1) // 2]  # the lower median: more than half of the seconds must be alike
    alike = [at - start for one, at, start in found if one >= min(score, SAME_SOUND)]
    return Match(max(0.0, min(1.0, score)), float(np.median(alike)) / RATE_HZ)


def _samples(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, "<i2").astype(np.float64)


def _windows(reference: Samples) -> list[tuple[int, Samples]]:
    """Seconds of the reference with their starts, silent ones dropped; a short rest belongs to the second before."""
    starts = list(range(0, max(1, len(reference) - RATE_HZ // 2), RATE_HZ))
    ends = [*starts[1:], len(reference)]
    windows = [(start, reference[start:end]) for start, end in zip(starts, ends, strict=True)]
    return [(start, window) for start, window in windows if len(window) and _loudness(window) >= SILENT_BELOW]


def _loudness(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples * samples)))


def _spectrum(sound: Samples, longest: int) -> tuple[NDArray[np.complex128], int]:
    size = 1 << (len(sound) + longest).bit_length()
    return np.fft.rfft(sound, size), size


def _best(sound: Samples, spectrum: NDArray[np.complex128], size: int, window: Samples) -> tuple[float, int]:
    """The highest normalised cross-correlation of `window` in `sound`, and where."""
    places = len(sound) - len(window) + 1
    product = np.fft.irfft(spectrum * np.conj(np.fft.rfft(window, size)), size)[:places]
    sums = np.concatenate([[0.0], np.cumsum(sound * sound)])
    energy = sums[len(window) :] - sums[: -len(window)]
    floor = SILENT_BELOW * SILENT_BELOW * len(window) / 4  # or silence would look like anything
    scores = product / np.sqrt(np.maximum(energy[:places], floor) * float(window @ window))
    at = int(np.argmax(scores))
    return float(scores[at]), at


async def hear(call: Call, reference: Sound, within_s: float) -> Match:
    """Wait until more than half of `reference` was heard in `call`.

    Where that never comes, or the call ends first, the match as it stands then.
    """
    deadline_s = time.monotonic() + within_s
    while True:
        match = await asyncio.to_thread(heard_at, call.heard(), reference)
        left_s = deadline_s - time.monotonic()
        if match.is_same or left_s <= 0 or not call.is_up:
            return match
        try:
            await call.wait_ended(min(LOOK_AGAIN_S, left_s))
        except TimeoutError:  # it is still up: look again
            continue


def longest_gap_s(call: Call) -> float:
    """The longest time without a packet since the call (or `forget_heard`) began, up to now or to the call's end."""
    return max(call.media.longest_gap_s, call.media.silent_for_s())
