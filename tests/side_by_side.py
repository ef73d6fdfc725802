"""All tests in three pytest processes side by side: real calls on an Asterisk mostly wait, all other tests mostly work.

Each prints all that it said when it ends; the last line sums them up, as pytest closes. PYTEST_ADDOPTS is for each.
"""

import re
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed

CALLS = "tests/asterisk"  # most visit one house
APART = [f"{CALLS}/test_{name}.py" for name in ("asterisk_process", "broken_worlds", "recording", "reload", "trunks")]
PARTS = {
    "real calls in one house": [CALLS, *(f"--ignore={file}" for file in APART)],
    "real calls elsewhere": APART,
    "all other tests": ["tests", f"--ignore={CALLS}"],
}
CLOSING = re.compile(r"^=* ?(\d+ \w+(?:, \d+ \w+)*) in \d", re.MULTILINE)
NO_TEST_WANTED = 5  # by PYTEST_ADDOPTS
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def run(part: str) -> tuple[str, int, str]:
    """Which part, its exit code, and what it said."""
    words = [sys.executable, "-m", "pytest", *PARTS[part]]
    ended = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return part, ended.returncode, ended.stdout


def counted(said: str, code: int) -> Counter[str]:
    """How many tests passed, failed and so on; an error where pytest did not come to its end."""
    closings = CLOSING.findall(COLOUR.sub("", said))
    if not closings:
        return Counter(error=int(code not in (0, NO_TEST_WANTED)))
    found = re.findall(r"(\d+) (\w+)", closings[-1])
    return Counter({"error" if what == "errors" else what: int(number) for number, what in found})


def main() -> int:
    begun, codes, total = time.monotonic(), set[int](), Counter[str]()
    with ThreadPoolExecutor(len(PARTS)) as side_by_side:
        for ended in as_completed(side_by_side.submit(run, part) for part in PARTS):
            part, code, said = ended.result()
            print(f"--- {part}, after {time.monotonic() - begun:.0f} s\n{said}", flush=True)
            codes.add(code)
            total += counted(said, code)
    codes = codes - {NO_TEST_WANTED} or {NO_TEST_WANTED}
    kinds = sorted(total, key=lambda what: (what not in ("failed", "passed"), what))
    print(", ".join(f"{total[what]} {what}" for what in kinds) or "no tests ran", f"in {time.monotonic() - begun:.2f}s")
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main())
