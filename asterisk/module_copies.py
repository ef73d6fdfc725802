"""The folder from which Asterisk loads its modules: links to its own, and copies of two that are mended.

Until 22.11, a phone whose channel is `ari-only` kills Asterisk by a REFER with `Refer-Sub: false`: no subscription is
made, and `refer_incoming_ari_request` writes into it (asterisk/asterisk, issue 2021). No setting keeps such a REFER
away: `norefersub = no` only keeps well-bred phones from sending it. So in our copy of res_pjsip_refer the header that
it looks for has a name which no phone sends. Asterisk then does what RFC 4488 wants of those who do not know the
header: it makes the subscription, and the phone hears what came of its transfer.

A phone that is rung and answers 302 ("ask there instead") makes Asterisk ring whatever it names, past every rule of
ours: by `redirect_method = user` also `PJSIP%2F899123456%40carrier-x`, any number through any carrier. There is no
method that follows nowhere, and ARI's originate cannot be told to. So phones and carriers have `uri_core`, which rings
`PJSIP/ENDPOINT/URI`; and in our copy of res_pjsip_session that is a technology which Asterisk does not have.
"""

from collections.abc import Iterable
from pathlib import Path

REFER, SESSION = "res_pjsip_refer.so", "res_pjsip_session.so"
# What stands in the module once, and what in our copy: of one length, so that nothing in the file moves.
IN_ITS_PLACE = {
    REFER: (b"\0Refer-Sub\0", b"\0Refer-Nil\0"),
    SESSION: (b"\0PJSIP/%s/%s\0", b"\0NOWAY/%s/%s\0"),
}


def mended(name: str, module: bytes) -> bytes | None:
    """The module as we load it; None: it is not built as we know it, and nobody may use it so."""
    known, ours = IN_ITS_PLACE[name]
    return module.replace(known, ours) if module.count(known) == 1 else None


def is_mendable(modules: Path, name: str) -> bool:
    """Whether the module of this name in the folder becomes what the configuration then counts on."""
    file = modules / name
    return file.is_file() and mended(name, file.read_bytes()) is not None


def wanted(modules: Path, names: Iterable[str]) -> dict[str, Path | bytes]:
    """What stands in the folder, by file name: where a link leads, or what is in a copy."""
    there: dict[str, Path | bytes] = {f"{name}.so": modules / f"{name}.so" for name in names}
    for name in IN_ITS_PLACE.keys() & there.keys():
        file = modules / name
        copy = mended(name, file.read_bytes()) if file.is_file() else None
        if copy is not None:
            there[name] = copy
    return there
