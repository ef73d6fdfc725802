"""The deployment that is measured: one number that leads straight to one queue, and its agents.

Written twice: as YAML, for our engine, and as Asterisk's own files, for app_queue.
"""

from collections.abc import Iterable
from pathlib import Path

import yaml

SERVICE = "055055"
QUEUE = "bench"
RING_S = 20
CALLS_MAX = 500  # at once, by the carrier

# Its best settings: every free agent is offered a call at once (autofill), and the next try comes after a second, the
# least that it takes. What it polls once a second cannot be set.
QUEUES_CONF = f"""\
[general]
persistentmembers = no
autofill = yes

[{QUEUE}]
strategy = rrmemory
autofill = yes
wrapuptime = 0
timeout = {RING_S}
retry = 1
ringinuse = no
musicclass = default
joinempty = yes
leavewhenempty = no
announce-frequency = 0
"""
EXTENSIONS_CONF = f"""\
[general]
static = yes
writeprotect = yes

[from-carrier]
exten => {SERVICE},1,Answer(,i)
 same => n,Queue({QUEUE})
 same => n,Hangup()

[from-phones]
"""
ARI_CONF = """\
[general]
enabled = no
"""


def agent_of(phone: str) -> str:
    return f"a-{phone}"


def write_yaml(folder: Path, phones: Iterable[str], rtp: str) -> None:
    """Write what `centralino run --config FOLDER` takes. `rtp`: its ports, such as `20000-22000`."""
    phones = list(phones)
    files = {
        "centralino.yaml": {
            "nodes": {"bench": {"manage": True, "sip": "127.0.0.1:5060"}},
            "carrier": {"peers": ["127.0.0.1"], "channels": CALLS_MAX},
            "rtp": rtp,
        },
        "queues.yaml": {"queues": {QUEUE: {"needs": {QUEUE: 1}, "ring": f"{RING_S}s", "wrap_up": "0s"}}},
        "agents.yaml": {
            "sites": {"here": {"name": "Here", "node": "bench", "seats": len(phones)}},
            "phones": {phone: {"site": "here"} for phone in phones},
            "agents": {agent_of(phone): _agent(phone) for phone in phones},
        },
        "entities.yaml": {"entities": {}},
        f"dialplans/{SERVICE}.yaml": {
            "number": SERVICE,
            "name": "Bench",
            "languages": ["it"],
            "start": "line",
            "steps": {"line": {"queue": QUEUE}},
        },
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content, sort_keys=False))


def _agent(phone: str) -> dict[str, object]:
    skills, languages = {QUEUE: 5}, {"it": 5}
    return {"name": f"Agent at {phone}", "site": "here", "phone": phone, "skills": skills, "languages": languages}


def write_app_queue(conf: Path, phones: Iterable[str]) -> None:
    """Put app_queue's files over those that lead to our engine. The phones and all else stay the same."""
    members = "".join(f"member => PJSIP/{phone}\n" for phone in phones)
    for name, text in (
        ("queues.conf", QUEUES_CONF + members),
        ("extensions.conf", EXTENSIONS_CONF),
        ("ari.conf", ARI_CONF),
    ):
        (conf / name).write_text(text)
