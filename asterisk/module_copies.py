"""The folder from which Asterisk loads its modules: links to its own, and a copy of one that is mended.

Until 22.11, a phone whose channel is `ari-only` kills Asterisk by a REFER with `Refer-Sub: false`: no subscription is
made, and `refer_incoming_ari_request` writes into it (asterisk/asterisk, issue 2021). No setting keeps such a REFER
away: `norefersub = no` only keeps well-bred phones from sending it. So in our copy of res_pjsip_refer the header that
it looks for has a name which no phone sends. Asterisk then does what RFC 4488 wants of those who do not know the
header: it makes the subscription, and the phone hears what came of its transfer.
"""

from collections.abc import Iterable
from pathlib import Path

REFER = "res_pjsip_refer.so"
KNOWN, UNKNOWN = b"\0Refer-Sub\0", b"\0Refer-Nil\0"  # of one length: nothing in the file moves


def mended(module: bytes) -> bytes | None:
    """The module as we load it; None: it is not built as we know it, and nobody may use it."""
    return module.replace(KNOWN, UNKNOWN) if module.count(KNOWN) == 1 else None


def is_mendable(modules: Path) -> bool:
    """Whether the phones' own transfers can be let through to `res_pjsip_refer` in this folder."""
    file = modules / REFER
    return file.is_file() and mended(file.read_bytes()) is not None


def wanted(modules: Path, names: Iterable[str]) -> dict[str, Path | bytes]:
    """What stands in the folder, by file name: where a link leads, or what is in a copy."""
    there: dict[str, Path | bytes] = {f"{name}.so": modules / f"{name}.so" for name in names}
    file = modules / REFER
    copy = mended(file.read_bytes()) if REFER in there and file.is_file() else None
    return there | ({REFER: copy} if copy is not None else {})
