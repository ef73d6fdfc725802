"""One installation on one machine: its folders, its ports, its secrets, and what its Asterisk is told."""

import base64
import fcntl
import os
import secrets as random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import yaml

from asterisk.configuration import Node, PhoneAccount
from centralino import lamps
from centralino.settings import Configuration
from recordings.sealed import KEY_BYTES, Keys


class CannotKeep(Exception):
    """The state folder cannot be used; the text says why."""


class MissingSecret(CannotKeep):
    """A password of a carrier or a service is nowhere; the text says where to write it."""


class RecordingKeys(msgspec.Struct):
    """By their ids, as base64. `in_use` seals; the others open what was sealed before they were replaced."""

    in_use: str
    keys: dict[str, str]


class Secrets(msgspec.Struct):
    """Made at the first start, kept in STATE/secrets.yaml (mode 600). Only `carriers` and `services` (mail relay, SMS
    gateway) are written by people.
    """

    ari: str
    ami: str
    case_codes: str
    phones: dict[str, str] = {}
    carriers: dict[str, str] = {}
    recordings: RecordingKeys | None = None
    services: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Instance:
    """Where everything of one installation stands. `port_offset` is added to every port."""

    config: Path
    state: Path
    port_offset: int = 0

    @property
    def recordings(self) -> Path:
        return self.state / "recordings"

    @property
    def prompts(self) -> Path:
        return self.state / "prompts"

    @property
    def configurations(self) -> Path:
        return self.state / "configurations"

    @property
    def notices(self) -> Path:
        """Recordings of emergencies' notices."""
        return self.state / "notices"

    @property
    def journal(self) -> Path:
        return self.state / "journal"

    @property
    def people(self) -> Path:
        return self.state / "people.jsonl"

    @property
    def secrets_file(self) -> Path:
        return self.state / "secrets.yaml"

    @property
    def asterisk(self) -> Path:
        return self.state / "asterisk"

    def make_folders(self) -> None:
        """Raises CannotKeep where there is no room for us."""
        kept = (self.recordings, self.prompts, self.journal, self.configurations, self.state / "run")
        for folder in (self.state, *kept):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as refused:
                raise CannotKeep(f"nothing can be kept in {self.state}: {refused.strerror} ({folder})") from refused

    def secrets(self, phones: frozenset[str]) -> Secrets:
        """The installation's secrets; those that are missing are made and kept, by one process at a time.

        Raises CannotKeep.
        """
        with _alone(self.secrets_file.with_suffix(".lock")):
            return self._secrets(phones)

    def recording_keys(self) -> Keys:
        """What recordings are sealed with. Raises CannotKeep."""
        kept = self.secrets(frozenset()).recordings
        assert kept, "they were made"
        try:
            known = {name: base64.b64decode(key, validate=True) for name, key in kept.keys.items()}
        except ValueError as odd:
            raise CannotKeep(f"{self.secrets_file}: a key of `recordings` is no base64: {odd}") from odd
        if any(len(key) != KEY_BYTES for key in known.values()) or kept.in_use not in known:
            raise CannotKeep(f"{self.secrets_file}: `recordings` needs keys of {KEY_BYTES} bytes, and that in use")
        return Keys(kept.in_use, known)

    def new_recording_key(self) -> str:
        """Make one, in use from now on; the old ones stay for what they have sealed. Its id. Raises CannotKeep."""
        with _alone(self.secrets_file.with_suffix(".lock")):
            kept = self._secrets(frozenset())
            assert kept.recordings, "they were made"
            made = _made_keys()
            kept.recordings = RecordingKeys(made.in_use, kept.recordings.keys | made.keys)
            _write_private(self.secrets_file, yaml.safe_dump(msgspec.to_builtins(kept)))
        return made.in_use

    def _secrets(self, phones: frozenset[str]) -> Secrets:
        path = self.secrets_file
        kept = yaml.safe_load(path.read_text()) if path.exists() else {}
        try:
            known = msgspec.convert({"ari": _made(), "ami": _made(), "case_codes": _made()} | (kept or {}), Secrets)
        except msgspec.ValidationError as odd:
            raise CannotKeep(f"{path}: {odd}; put each secret in quotes") from odd
        for phone in sorted(phones - known.phones.keys()):
            known.phones[phone] = _made()
        known.recordings = known.recordings or _made_keys()
        now = msgspec.to_builtins(known)
        if now != kept:
            _write_private(path, yaml.safe_dump(now))
        return known

    def secret_of_service(self, name: str) -> str:
        """What people wrote under `name`; the environment goes first. Raises MissingSecret."""
        secret = os.environ.get(name) or self.secrets(frozenset()).services.get(name)
        if not secret:
            where = f"write it into STATE/secrets.yaml (`services: {{{name}: …}}`), or into the environment as {name}"
            raise MissingSecret(f"secret {name} is nowhere: {where}")
        return secret

    def node(self, configuration: Configuration) -> Node:
        """What our Asterisk is told. Raises MissingSecret."""
        settings = configuration.settings
        node = next(iter(settings.nodes.values()))
        secrets = self.secrets(frozenset(configuration.roster.phones))
        return Node(
            name=node.name,
            sip_host=node.sip_host,
            sip_port=node.sip_port + self.port_offset,
            rtp_first=settings.rtp.first + self.port_offset,
            rtp_last=settings.rtp.last + self.port_offset,
            http_port=settings.ports.http + self.port_offset,
            engine_url=f"ws://127.0.0.1:{self.engine_port(configuration)}/ari",
            ari_password=secrets.ari,
            ami_port=settings.ports.ami + self.port_offset,
            ami_password=secrets.ami,
            phones=tuple(
                PhoneAccount(phone.id, secrets.phones[phone.id], configuration.roster.sites[phone.site].phone)
                for phone in configuration.roster.phones.values()
            ),
            lamps=lamps.names(configuration),
            service_numbers=tuple(n for d in configuration.dialplans.values() for n in (d.number, *d.old_numbers)),
            carriers=settings.carriers,
            carrier_secrets={
                carrier.name: _secret_of(carrier.name, carrier.registration.secret, secrets)
                for carrier in settings.carriers
                if carrier.registration
            },
            tls=replace(settings.tls, port=settings.tls.port + self.port_offset) if settings.tls else None,
            state=self.state.absolute(),
            prompts=self.prompts.absolute(),
            recordings=self.recordings.absolute(),
        )

    def engine_port(self, configuration: Configuration) -> int:
        return configuration.settings.ports.engine + self.port_offset

    def web_port(self, configuration: Configuration) -> int:
        return configuration.settings.web_port + self.port_offset

    def mail_port(self, configuration: Configuration) -> int:
        return configuration.settings.mail_port + self.port_offset

    def console_port(self, configuration: Configuration) -> int:
        return configuration.settings.console_port + self.port_offset


def _secret_of(carrier: str, name: str, secrets: Secrets) -> str:
    """A carrier's password: the environment goes first, so that a vault can give it. Raises MissingSecret."""
    secret = os.environ.get(name) or secrets.carriers.get(name)
    if not secret:
        where = f"write it into STATE/secrets.yaml (`carriers: {{{name}: …}}`), or into the environment as {name}"
        raise MissingSecret(f"secret {name} of carrier {carrier} is nowhere: {where}")
    return secret


def _made() -> str:
    return random.token_urlsafe(18)


def _made_keys() -> RecordingKeys:
    """One. why its id is random: secrets.yaml made anew must not bear the name of a key that was lost."""
    id = random.token_hex(4)
    return RecordingKeys(id, {id: base64.b64encode(random.token_bytes(KEY_BYTES)).decode()})


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Why: two that made a new phone's secret at once would each tell another one."""
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)  # for us alone: who could hold it could stop a reload
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write_private(path: Path, text: str) -> None:
    """Never readable by others, not even for a moment; never half written."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(text)
    new.replace(path)
