"""What no single value shows of carriers and calls outside: what goes with what, and the files of TLS."""

import ipaddress
import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

from asterisk.carrier import EMERGENCY_NUMBERS
from centralino.deployment import ANY, ENTITIES, SETTINGS, Deployment, found, table, twice, words
from centralino.forms.settings import CARRIER, OutgoingForm
from centralino.located import Located, Path, Problem, did_you_mean, shown
from centralino.outgoing import HOME, NotCalled, Outgoing, Refused, may_call

WAYS_OUT = ("send_to", "register")
TWICE: tuple[tuple[Path, str], ...] = (
    (("carrier", "peers", ANY), "address"),
    (("carrier", "codecs", ANY), "codec"),
    (("carriers", ANY, "peers", ANY), "address"),
    (("carriers", ANY, "codecs", ANY), "codec"),
    (("outgoing", "allow", ANY), "beginning"),
    (("outgoing", "deny", ANY), "beginning"),
    (("outgoing", "through", ANY, ANY), "carrier"),
)
PEM_BEGINS = "-----BEGIN"


def problems_of_carriers(deployment: Deployment) -> Iterator[Problem]:
    """All that is wrong with carriers, TLS and calls outside."""
    settings = deployment.files[SETTINGS]
    if not settings.readable:
        return
    carriers = dict(carriers_of(settings.data))
    if not carriers and not {"carrier", "carriers"} & settings.data.keys():
        yield settings.at((), "there is no carrier", 'write who calls us: `carriers: {NAME: {peers: ["192.0.2.1"]}}`')
    for path, carrier in carriers.items():
        yield from _one_carrier(settings, path, carrier)
    yield from _one_peer_twice(settings, carriers)
    for pattern, what in TWICE:
        yield from twice(settings, pattern, what)
    yield from _one_name_twice(settings)
    yield from _tls(settings, carriers)
    yield from _through(settings, carriers)
    yield from _caller_ids(deployment)
    yield from _offices_not_called(deployment)


def carriers_of(data: object) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Each carrier that stands in centralino.yaml, with its path, in their order."""
    for path, carrier in (*found(data, (CARRIER,)), *found(data, ("carriers", ANY))):
        if isinstance(carrier, dict):
            yield path, carrier


def takes_calls(data: object) -> bool:
    """Whether some carrier takes calls outside."""
    return any(key in carrier for _, carrier in carriers_of(data) for key in WAYS_OUT)


def _one_carrier(settings: Located, path: Path, carrier: dict[str, Any]) -> Iterator[Problem]:
    if not {"peers", *WAYS_OUT} & carrier.keys():
        hint = "add `peers` (who calls us), `send_to` (who takes our calls) or `register`"
        yield settings.at_key(path, f"carrier {shown(path[-1])} neither brings calls nor takes any", hint)
    if "dialled_in" in carrier and not {"peers", "register"} & carrier.keys():
        yield settings.at_key((*path, "dialled_in"), "this carrier brings no calls", "remove it, or add `peers`")
    if carrier.get("transport", "udp") == "udp":
        return
    for index, peer in words(carrier, ("peers", ANY)):
        if ":" in peer:
            what = f"by {carrier['transport']} nobody calls from port {shown(peer.rpartition(':')[2])} each time"
            yield settings.at((*path, *index), what, f'write the address alone: `"{peer.rpartition(":")[0]}"`')


def _one_peer_twice(settings: Located, carriers: dict[Path, dict[str, Any]]) -> Iterator[Problem]:
    """Of a call it must be clear which carrier brings it."""
    known: list[tuple[ipaddress.IPv4Network, str, str, Path]] = []
    for path, carrier in carriers.items():
        for index, peer in words(carrier, ("peers", ANY)):
            address, _, port = peer.partition(":")
            with suppress(ValueError):
                network = ipaddress.IPv4Network(address)
                for other, its_port, written, other_path in known:
                    if (path, peer) == (other_path, written):
                        break  # told as what stands here twice
                    if network.overlaps(other) and (port == its_port or "" in (port, its_port)):
                        what = f"{shown(peer)} is an address of carrier {shown(other_path[-1])} already"
                        yield settings.at((*path, *index), what, "a call must be known by its address: remove one")
                        break
                known.append((network, port, peer, path))


def _one_name_twice(settings: Located) -> Iterator[Problem]:
    if CARRIER in settings.data and CARRIER in table(settings.data, "carriers"):
        yield settings.at_key(("carriers", CARRIER), "carrier `carrier` stands above already", "choose another name")


def _tls(settings: Located, carriers: dict[Path, dict[str, Any]]) -> Iterator[Problem]:
    tls, spoken = table(settings.data, "tls"), [path for path, one in carriers.items() if one.get("transport") == "tls"]
    if "tls" in settings.data and not spoken:
        yield settings.at_key(("tls",), "no carrier speaks TLS", "write `transport: tls` at one, or remove this")
    if "certificate" not in tls:
        for path in spoken:
            if "peers" in carriers[path]:
                hint = 'add `tls: {certificate: "/etc/…/cert.pem", key: "/etc/…/key.pem"}`'
                what = "by TLS this carrier can call us only if we have a certificate"
                yield settings.at((*path, "peers"), what, hint)
    for one, other in (("certificate", "key"), ("key", "certificate")):
        if one in tls and other not in tls:
            yield settings.at_key(("tls", one), f"`{one}` is nothing without `{other}`", f"add `{other}`")
    yield from _tls_files(settings, tls)


def _tls_files(settings: Located, tls: dict[str, Any]) -> Iterator[Problem]:
    unread = []
    for path, file in words(tls, (ANY,)):
        if file.startswith("/") and not _is_pem(FilePath(file)):
            unread.append(path)
            yield settings.at(("tls", *path), f"{shown(file)} is no PEM file that can be read", "see `ls -l` of it")
    certificate, key = tls.get("certificate"), tls.get("key")
    if not unread and isinstance(certificate, str) and isinstance(key, str) and key.startswith("/"):
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=str)
        except (ssl.SSLError, OSError, ValueError):
            what = "this key does not belong to the certificate"
            yield settings.at(("tls", "key"), what, "both must be PEM, and the key without a password")


def _is_pem(file: FilePath) -> bool:
    try:
        return file.is_file() and PEM_BEGINS in file.read_text(errors="replace")
    except OSError:
        return False


def _through(settings: Located, carriers: dict[Path, dict[str, Any]]) -> Iterator[Problem]:
    names = {str(path[-1]): carrier for path, carrier in carriers.items()}
    for path, name in words(settings.data, ("outgoing", "through", ANY, ANY)):
        if name not in names:
            yield settings.at(path, f"carrier {shown(name)} is not in `carriers`", did_you_mean(name, names))
        elif not any(key in names[name] for key in WAYS_OUT):
            yield settings.at(path, f"carrier {shown(name)} takes no calls", "add its `send_to`, or remove it here")


def _caller_ids(deployment: Deployment) -> Iterator[Problem]:
    """Each is a number of that entity's, today's or an old one."""
    settings = deployment.files[SETTINGS]
    entities = table(deployment.files[ENTITIES].data, "entities")
    old = {
        str(plan.data.get("number")): [number for _, number in words(plan.data, ("old_numbers", ANY))]
        for plan in deployment.dialplans
    }
    for path, number in words(settings.data, ("outgoing", "caller_id", ANY)):
        entity = str(path[-1])
        if entity not in entities:
            if deployment.files[ENTITIES].readable:
                what = f"entity {shown(entity)} is not in {ENTITIES}"
                yield settings.at_key(path, what, did_you_mean(entity, entities))
            continue
        own = [one for _, one in words(entities[entity], ("numbers", ANY))]
        own += [one for number_now in own for one in old.get(number_now, ())]
        if number not in own and all(plan.readable for plan in deployment.dialplans):
            yield settings.at(path, f"{shown(number)} is no number of {shown(entity)}", did_you_mean(number, own))


def doubts_of_carriers(deployment: Deployment) -> Iterator[Problem]:
    """What can be loaded, and is dangerous. Of the short `carrier` alone `run` says it: it never needed a way out."""
    settings = deployment.files[SETTINGS]
    if "carriers" in settings.data and not takes_calls(settings.data):
        what = f"no carrier takes calls: phones cannot even call {EMERGENCY_NUMBERS[0]}"
        doubt = settings.at_key(("carriers",), what, 'write where they go: `send_to: "ADDRESS:PORT"` at one of them')
        yield replace(doubt, is_warning=True)


def _offices_not_called(deployment: Deployment) -> Iterator[Problem]:
    """Telephones of offices that `outgoing` would refuse."""
    said = table(deployment.files[SETTINGS].data, "outgoing")
    try:
        form = OutgoingForm.model_validate(said)
    except ValueError:
        return  # its mistakes are told already
    rules = Outgoing(("any",), tuple(form.allow), tuple(form.deny))
    entities = deployment.files[ENTITIES]
    for path, phone in words(entities.data, ("entities", ANY, "offices", ANY, "phone")):
        decided = may_call(phone, rules)
        if isinstance(decided, Refused) and decided.why is not NotCalled.NO_NUMBER:
            hint = f'allow it in {SETTINGS}: `outgoing: {{allow: ["{HOME}", "{phone}"]}}`'
            yield entities.at(path, f"{shown(phone)} may not be called: {decided.why}", hint)
