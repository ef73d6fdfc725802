"""`centralino agents provision`: what phones need, printed, or written as the files that phones fetch by HTTP."""

from __future__ import annotations

import io
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agents.roster import Make
from centralino import shown
from centralino.located import did_you_mean
from centralino.options import HERE, VAR, AsJson, Config, PortOffset, State, Stop

if TYPE_CHECKING:
    import segno

    from agents.provisioning import Account, Server
    from centralino.instance import Instance
    from centralino.settings import Configuration

NAMED_MAX = 5  # names that a note spells out

Phones = Annotated[list[str] | None, typer.Argument(metavar="PHONE", help="Phones of agents.yaml; none: all.")]
To = Annotated[Path | None, typer.Option("--to", metavar="DIR", help="Write one file per phone there.")]
AtServer = Annotated[
    str,
    typer.Option("--server", metavar="HOST[:PORT]", help="Where phones register; default: as centralino.yaml says."),
]
By = Annotated[str, typer.Option("--transport", metavar="udp|tcp|tls", help="How phones speak to the server.")]
OfMake = Annotated[
    str,
    typer.Option("--make", metavar="MAKE", help=f"{', '.join(Make)}: of those for which agents.yaml names none."),
]
Qr = Annotated[bool, typer.Option("--qr", help="Draw the QR that a softphone scans; with --to as pictures.")]
Url = Annotated[str, typer.Option("--url", metavar="URL", help="Where --to DIR is served; for Linphone's QR.")]
Replace = Annotated[bool, typer.Option("--replace", help="Replace files in DIR that are not ours.")]


def add_provision_command(app: typer.Typer) -> None:
    app.command("provision")(provision)


def provision(
    phones: Phones = None,
    to: To = None,
    server: AtServer = "",
    transport: By = "udp",
    make: OfMake = "",
    qr: Qr = False,
    url: Url = "",
    replace: Replace = False,
    config: Config = HERE,
    state: State = VAR,
    port_offset: PortOffset = 0,
    as_json: AsJson = False,
) -> None:
    """What phones need to register: printed, written for HTTP provisioning, or as a QR. It holds their secrets."""
    from agents.provisioning import CannotProvision
    from centralino.provisioning import CannotWriteFiles, NoSuchServer

    try:
        told, notes = _gather(phones or [], _Wish(server, transport, make, config, state, port_offset))
        if to is not None:
            _write(told, to, _Extent(not phones, replace, url if qr else None), as_json=as_json)
        elif qr:
            _draw(told, url, as_json=as_json)
        elif phones and len(told) == 1 and not as_json:
            shown.one({name: value for name, value in told[0].row.items() if value}, as_json=False)
        else:
            shown.phones([one.row for one in told], as_json=as_json)
        for note in notes:
            _note(note)
    except (CannotProvision, CannotWriteFiles, NoSuchServer) as mistake:
        raise Stop(str(mistake)) from mistake


# --- who is told what


@dataclass(frozen=True, slots=True)
class _Wish:
    """What was asked for on the command line."""

    server: str
    transport: str
    make: str
    config: Path
    state: Path
    port_offset: int


@dataclass(frozen=True, slots=True)
class _Told:
    """One phone, with all that it needs. `make`: None where nobody names it."""

    account: Account
    make: Make | None

    @property
    def file(self) -> str:
        from agents.provisioning import file_name

        return file_name(self.make, self.account) if self.make else ""

    @property
    def row(self) -> dict[str, Any]:
        account = self.account
        facts = {"user": account.user, "secret": account.secret, "server": str(account.server)}
        facts |= {"transport": str(account.server.transport), "name": account.name, "make": str(self.make or "")}
        return facts | {"mac": ":".join(re.findall("..", account.mac)), "file": self.file}


def _gather(names: Sequence[str], wish: _Wish) -> tuple[list[_Told], list[str]]:
    """The phones that were named, or all, in the order of agents.yaml; and what is to be noted of them. Raises Stop."""
    from centralino import settings
    from centralino.instance import Instance
    from centralino.provisioning import accounts

    if wish.make and wish.make not in set(Make):
        raise Stop(f"unknown make `{wish.make}`: {did_you_mean(wish.make, Make)}")
    configuration = settings.load(wish.config)
    known = configuration.roster.phones
    if stranger := next((name for name in names if name not in known), None):
        raise Stop(f"there is no phone `{stranger}` in agents.yaml: {did_you_mean(stranger, known)}")
    if not known:
        raise Stop("there is no phone in agents.yaml")
    server, note = _server(wish, configuration)
    instance = Instance(wish.config.absolute(), wish.state.absolute(), wish.port_offset)
    instance.make_folders()
    seats = [known[name] for name in known if name in names or not names]
    first = not instance.secrets_file.exists()
    told = [
        _Told(account, seat.make or (Make(wish.make) if wish.make else None))
        for seat, account in zip(seats, accounts(configuration, instance, seats, server), strict=True)
    ]
    made = f"The secrets were made just now: start centralino with --state {wish.state} too." if first else ""
    return told, [*filter(None, (note, made, _who_is_not_let_in(configuration, instance)))]


def _server(wish: _Wish, configuration: Configuration) -> tuple[Server, str]:
    """Where they register, and what is to be noted of it."""
    from agents.provisioning import Transport
    from centralino.provisioning import (
        TLS_PORT,
        is_nowhere,
        is_this_machine_only,
        named_server,
        named_transport,
        own_server,
    )

    transport = named_transport(wish.transport)
    own = own_server(configuration, wish.port_offset, transport)
    if wish.server:
        return named_server(wish.server, transport, TLS_PORT if transport is Transport.TLS else own.port), ""
    if transport is Transport.TLS:
        raise Stop("our own Asterisk speaks no TLS to phones yet: name by --server the proxy in front of it that does")
    if is_nowhere(own):
        raise Stop(f"nobody can register at {own.host}: name by --server the address that phones reach us at")
    if is_this_machine_only(own):
        return own, f"Only phones on this machine reach {own}: name by --server the address that others reach us at."
    return own, ""


def _who_is_not_let_in(configuration: Configuration, instance: Instance) -> str:
    """Phones that stand in the YAML, while what runs was loaded before; empty: none."""
    from centralino.releases import in_force

    running = in_force(instance.config, instance.configurations).roster.phones
    waiting = [name for name in configuration.roster.phones if name not in running]
    return f"Let in only after `centralino reload`: {_some(waiting)}." if waiting else ""


# --- the files


@dataclass(frozen=True, slots=True)
class _Extent:
    """`all_phones`: none were named. `url`: where QRs lead, of which pictures are wanted too; None: they are not."""

    all_phones: bool
    replace_foreign: bool
    url: str | None


def _write(told: Sequence[_Told], folder: Path, extent: _Extent, *, as_json: bool) -> None:
    from agents.provisioning import file_text, name_twice
    from centralino.provisioning import write

    writable = [(one, one.make) for one in told if one.make is not None]
    nameless = [one.account.user for one in told if one.make is None]
    if nameless and not (writable and extent.all_phones):
        raise Stop(f"nobody says who made {_some(nameless)}: write `make:` in agents.yaml, or --make")
    if twice := name_twice([one.file for one, _ in writable]):
        raise Stop(f"two phones would have the file {twice}: rename the one whose id it is")
    files = {one.file: file_text(make, one.account) for one, make in writable}
    pictures = _pictures(writable, extent.url) if extent.url is not None else {}
    written = write(
        folder,
        files | dict(pictures.values()),
        replace_foreign=extent.replace_foreign,
        all_phones=extent.all_phones and not nameless,
    )
    if as_json:
        shown.phones(
            [one.row | {"qr": pictures.get(one.account.user, ("", ""))[0]} for one, _ in writable], as_json=True
        )
    else:
        server = told[0].account.server
        typer.echo(f"{_count(len(files), 'file')} in {folder}, for its owner alone: they hold secrets.")
        if pictures:
            typer.echo(f"{_count(len(pictures), 'picture')} of a QR beside them.")
        typer.echo(f"Phones register at {server} by {server.transport}.")
    _note_on_files([one for one, _ in writable], nameless)
    if written.stale:
        _note(f"Of no phone any more, or of one with another MAC or make now; remove: {_some(written.stale)}.")
    if written.others_may_look:
        _note(f"Others can see the names in {folder}: chmod 700 {folder}")


def _note_on_files(told: Sequence[_Told], nameless: Sequence[str]) -> None:
    from agents.provisioning import ZONES

    if unasked := [one.file for one in told if one.make is not Make.LINPHONE and not one.account.mac]:
        _note(f"No phone asks for these by itself, for want of its `mac:` in agents.yaml: {_some(unasked)}.")
    if nameless:
        _note(f"Left out, for want of a `make:` in agents.yaml or --make: {_some(nameless)}.")
    if (zone := told[0].account.time_zone) not in ZONES:
        _note(f"The files say nothing of the time zone {zone}: set it at the phones.")


# --- QRs


def _pictures(told: Sequence[tuple[_Told, Make]], url: str) -> dict[str, tuple[str, str]]:
    """The name and text of each app's picture, by phone. Raises Stop where nobody here scans."""
    from agents.provisioning import OURS, picture_name, reads_qr

    apps = [(one, make) for one, make in told if reads_qr(make, one.account)]
    if not apps:
        raise Stop("none of these phones scans a QR: Linphone does, and Grandstream's app, which has no `mac:`")
    pictures = {}
    for one, make in apps:
        drawn = io.BytesIO()
        user = one.account.user
        _code(one, make, url).save(drawn, kind="svg", scale=6, light="white", title=user, desc=OURS)
        pictures[user] = (picture_name(one.account), drawn.getvalue().decode())
    _note_on_url(url)
    return pictures


def _draw(told: Sequence[_Told], url: str, *, as_json: bool) -> None:
    """On a terminal only: in a pipe, a log would keep the secret. Raises Stop."""
    if len(told) != 1:
        raise Stop("name one phone to have its QR drawn; --to DIR writes those of all as pictures")
    if as_json or not _is_terminal():
        raise Stop("a QR holds a secret and is drawn on a terminal only; --to DIR writes it as a picture")
    [one] = told
    if one.make is None:
        raise Stop(f"nobody says which app {one.account.user} is: --make linphone, or --make grandstream for Wave")
    code = _code(one, one.make, url)
    width, columns = code.symbol_size()[0], shutil.get_terminal_size().columns
    if width > columns:
        raise Stop(f"the QR is {width} columns wide, this terminal {columns}; --to DIR writes it as a picture")
    drawn = io.StringIO()
    code.terminal(drawn, compact=True)
    for line in drawn.getvalue().splitlines():
        sys.stdout.write(f"\x1b[97;40m{line}\x1b[0m\n")  # white on black, whatever the terminal's colours are
    sys.stdout.flush()
    _note_on_url(url)
    _note(f"Whoever photographs this can register as {one.account.user}.")


def _code(one: _Told, make: Make, url: str) -> segno.QRCode:
    import segno

    from agents.provisioning import qr_text

    if url and not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", url):
        raise Stop(f"`{url}` is no address of a folder on the web: write https://HOST/PATH")
    return segno.make(qr_text(make, one.account, url), error="l", micro=False)


def _note_on_url(url: str) -> None:
    if url.startswith("http:"):
        _note("By http: the secret crosses the network for all to read; serve the folder by https where you can.")


# --- words


def _is_terminal() -> bool:
    return sys.stdout.isatty()


def _note(text: str) -> None:
    typer.echo(text, err=True)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    return ", ".join(names[:NAMED_MAX]) + more


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
