"""Sound as telephones know it: 8,000 samples a second, G.711, WAV files, and a voice to fill a line with.

PCM is `bytes` of signed 16-bit samples, lowest byte first, one channel.
"""

import math
import random
import wave
from array import array
from functools import lru_cache
from pathlib import Path

RATE_HZ = 8000
FRAME_SAMPLES = 160  # 20 ms, what every telephone sends at once
PCMU, PCMA = 0, 8  # payload types, which name the codecs too (RFC 3551)

Sound = bytes | bytearray | memoryview | str | Path


def _alaw_level(code: int) -> int:
    code ^= 0x55
    exponent, mantissa = (code & 0x70) >> 4, code & 15
    level = (mantissa << 4) + 8 if exponent == 0 else ((mantissa << 4) + 0x108) << (exponent - 1)
    return level if code & 0x80 else -level


def _ulaw_level(code: int) -> int:
    code ^= 0xFF
    level = ((((code & 15) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
    return -level if code & 0x80 else level


LEVELS = {PCMA: [_alaw_level(code) for code in range(256)], PCMU: [_ulaw_level(code) for code in range(256)]}
_LOW = {codec: bytes(level & 0xFF for level in levels) for codec, levels in LEVELS.items()}
_HIGH = {codec: bytes(level >> 8 & 0xFF for level in levels) for codec, levels in LEVELS.items()}


def _nearest(codec: int, sample: int) -> int:
    levels = LEVELS[codec]
    return min(range(256), key=lambda code: abs(levels[code] - sample))


ALAW_TO_ULAW = bytes(_nearest(PCMU, level) for level in LEVELS[PCMA])


@lru_cache(maxsize=1)
def _alaw_codes() -> bytes:
    """The A-law code of each of the 65,536 samples; negative ones in the upper half, as in two's complement."""
    by_level = sorted(range(256), key=lambda code: LEVELS[PCMA][code])
    codes, at = bytearray(65536), 0
    for sample in range(-32768, 32768):
        while at < 255 and LEVELS[PCMA][by_level[at + 1]] - sample <= sample - LEVELS[PCMA][by_level[at]]:
            at += 1
        codes[sample & 0xFFFF] = by_level[at]
    return bytes(codes)


def decoded(payload: bytes, codec: int) -> bytes:
    """PCM of a G.711 payload. `codec` is PCMA or PCMU."""
    pcm = bytearray(2 * len(payload))
    pcm[0::2], pcm[1::2] = payload.translate(_LOW[codec]), payload.translate(_HIGH[codec])
    return bytes(pcm)


def alaw(pcm: bytes) -> bytes:
    """The A-law form of PCM. Raises ValueError for half a sample."""
    codes, samples = _alaw_codes(), array("H")
    samples.frombytes(pcm)
    return bytes(codes[sample] for sample in samples)


def read_wav(path: str | Path) -> bytes:
    """PCM of a WAV file. Raises ValueError unless it is 8 kHz, 16 bit, one channel."""
    with wave.open(str(path), "rb") as file:
        if (file.getframerate(), file.getsampwidth(), file.getnchannels()) != (RATE_HZ, 2, 1):
            raise ValueError(f"{path} is not 8 kHz, 16 bit, one channel")
        return file.readframes(file.getnframes())


def pcm_of(sound: Sound) -> bytes:
    """PCM of samples or of the WAV file at a path."""
    return read_wav(sound) if isinstance(sound, str | Path) else bytes(sound)


@lru_cache(maxsize=64)
def _alaw_of(sound: bytes | str | Path) -> bytes:
    return alaw(pcm_of(sound))


def frames_of(sound: Sound) -> tuple[bytes, ...]:
    """A-law frames of 20 ms; the last one is filled up with silence. Kept, so that many calls may play one sound."""
    codes = _alaw_of(sound if isinstance(sound, str | Path) else bytes(sound))
    silence = b"\xd5" * (-len(codes) % FRAME_SAMPLES)
    padded = codes + silence
    return tuple(padded[at : at + FRAME_SAMPLES] for at in range(0, len(padded), FRAME_SAMPLES))


@lru_cache(maxsize=64)
def voice(seed: int, duration_s: float = 2.0) -> bytes:
    """Something like speech, as PCM: syllables of changing pitch. Each `seed` sounds unlike every other."""
    chance = random.Random(seed)
    samples = array("h")
    while len(samples) < duration_s * RATE_HZ:
        samples.extend(_syllable(chance))
    return samples[: round(duration_s * RATE_HZ)].tobytes()


def _syllable(chance: random.Random) -> list[int]:
    length = chance.randrange(RATE_HZ // 10, RATE_HZ // 4)
    pitches = [(chance.uniform(150, 3000), chance.uniform(-400, 400), chance.uniform(0, math.tau)) for _ in range(4)]
    return [_sample(pitches, at / RATE_HZ, math.sin(math.pi * at / length)) for at in range(length)]


def _sample(pitches: list[tuple[float, float, float]], at_s: float, loudness: float) -> int:
    waves = (math.sin(phase + math.tau * (pitch + glide * at_s) * at_s) for pitch, glide, phase in pitches)
    return round(2500 * loudness * sum(waves))
