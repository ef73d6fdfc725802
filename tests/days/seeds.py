"""Which seeds are tried: a few in every run, others by `CENTRALINO_SEEDS=17-316`."""

import os


def seeds(usual: range) -> range:
    first, _, last = os.environ.get("CENTRALINO_SEEDS", "").partition("-")
    return range(int(first), int(last or first) + 1) if first else usual
