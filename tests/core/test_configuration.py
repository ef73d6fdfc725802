"""Asterisk's files as we write them, and where its packages come from. No Asterisk runs here."""

import configparser
import re
import socket
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk.account import Account
from asterisk.carrier import Carrier, Registration, Tls
from asterisk.configuration import CannotWrite, Folders, Node, PhoneAccount, check, render, write
from asterisk.installer import CannotInstall, Installation, cache_folder, debian_mirror, in_root
from asterisk.modules import NEEDED_MODULES
from asterisk.ports import PortBusy, Transport, Wanted, check_free
from tests.certificates import made_certificate

HOSTILE = [
    "a;b",
    "a\nb",
    "a\n#include x",
    "a\r[x]",
    "",
    "a b",
    "${X}",
    "a,b",
    "a]b",
    "x" * 200,
    "è",
    "a\\",
    "a|b",
    "-a",
]


def installation(folder: Path, *more_modules: str) -> Installation:
    for part in ("modules", "documentation", "moh", "it", "en"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for name in more_modules:
        (folder / "modules" / f"{name}.so").touch()
    sounds = {"it": folder / "it", "en": folder / "en"}
    return Installation("22.10.1", ("asterisk",), folder / "modules", folder / "documentation", folder / "moh", sounds)


def node(folder: Path = Path("/state")) -> Node:
    return Node(
        name="laquila",
        ari_password="ari-password",
        ami_password="ami-password",
        phones=(PhoneAccount("p101", "secret-101"), PhoneAccount("p102", "secret-102")),
        service_numbers=("055055",),
        carriers=(Carrier("main", ("192.0.2.1", "192.0.2.2:5070")),),
        state=folder,
        prompts=folder / "prompts",
        recordings=folder / "recordings",
    )


def files(changed: Node, *more_modules: str, folder: Path) -> dict[str, str]:
    return render(changed, installation(folder, *more_modules), Folders(Path("/state/asterisk")))


def section(text: str, name: str, kind: str) -> str:
    """The section `name` of pjsip.conf whose type, or template, is `kind`."""
    parts = re.findall(rf"^\[{re.escape(name)}\].*\n(?:[^\[\n].*\n)*", text, re.MULTILINE)
    return next(str(part) for part in parts if f"({kind})" in part or f"type = {kind}" in part)


def test_channels_bear_the_node_in_their_ids(tmp_path: Path) -> None:
    assert "systemname = laquila\n" in files(node(), folder=tmp_path)["asterisk.conf"]


def test_each_phone_has_an_account_with_its_secret(tmp_path: Path) -> None:
    pjsip = files(node(), folder=tmp_path)["pjsip.conf"]
    assert "password = secret-102" in section(pjsip, "p102-auth", "phone-auth")
    assert "auth = p102-auth" in section(pjsip, "p102", "phone")
    assert section(pjsip, "p102", "phone-aor")


def test_the_carrier_is_known_by_address_only(tmp_path: Path) -> None:
    pjsip = files(node(), folder=tmp_path)["pjsip.conf"]
    assert re.findall(r"^match = (.*)$", pjsip, re.MULTILINE) == ["192.0.2.1", "192.0.2.2:5070"]
    assert "identify_by = ip\n" in section(pjsip, "carrier", "!")


def test_without_peers_nobody_is_let_in_as_the_carrier(tmp_path: Path) -> None:
    out = replace(node(), carriers=(Carrier("main", send_to="192.0.2.1"),))
    assert "identify\n" not in files(out, folder=tmp_path)["pjsip.conf"]


def test_opus_is_offered_only_where_its_module_is_there(tmp_path: Path) -> None:
    assert "opus" not in files(node(), folder=tmp_path / "a")["pjsip.conf"]
    with_opus = files(node(), "codec_opus_open_source", folder=tmp_path / "b")
    assert "allow = alaw,ulaw,g722,opus\n" in with_opus["pjsip.conf"]
    assert "load = codec_opus_open_source.so\n" in with_opus["modules.conf"]


def test_no_module_loads_by_itself(tmp_path: Path) -> None:
    modules = files(node(), folder=tmp_path)["modules.conf"]
    assert "autoload = no\n" in modules
    assert modules.count("\nload = ") == len(NEEDED_MODULES)


REFER = b"\x7fELF\0Success\0Refer-Sub\0REFER accepted\0"


def with_refer(folder: Path, content: bytes) -> Installation:
    there = installation(folder, "res_pjsip_refer")
    (there.modules / "res_pjsip_refer.so").write_bytes(content)
    return there


@pytest.mark.parametrize(
    ("content", "allowed"), [(REFER, "yes"), (b"\x7fELF\0something new\0", "no"), (REFER + REFER, "no")]
)
def test_phones_transfer_only_where_none_can_end_asterisk_by_it(tmp_path: Path, content: bytes, allowed: str) -> None:
    pjsip = render(node(), with_refer(tmp_path, content), Folders(Path("/state/asterisk")))["pjsip.conf"]
    phones = section(pjsip, "phone", "!")
    assert f"allow_transfer = {allowed}\n" in phones
    assert "set_var = PJSIP_TRANSFER_HANDLING()=ari-only\n" in phones


def test_no_carrier_transfers_anybody(tmp_path: Path) -> None:
    pjsip = files(node(), folder=tmp_path)["pjsip.conf"]
    assert "allow_transfer = no\n" in section(pjsip, "carrier", "!")


SESSION = b"\x7fELF\0forward\0PJSIP/%s/%s\0"


@pytest.mark.parametrize(("content", "method"), [(SESSION, "uri_core"), (b"\x7fELF\0", "user"), (SESSION * 2, "user")])
def test_ask_there_instead_leads_nowhere_whoever_says_it(tmp_path: Path, content: bytes, method: str) -> None:
    there = installation(tmp_path / "asterisk-folder", "res_pjsip_session")
    (there.modules / "res_pjsip_session.so").write_bytes(content)
    write(node(tmp_path), there, tmp_path / "asterisk")
    loaded = (tmp_path / "asterisk" / "modules" / "res_pjsip_session.so").read_bytes()
    assert (b"\0NOWAY/%s/%s\0" in loaded) is (method == "uri_core")
    pjsip = (tmp_path / "asterisk" / "conf" / "pjsip.conf").read_text()
    for template in ("phone", "carrier"):
        assert f"redirect_method = {method}\nset_var = FORWARD_CONTEXT=nowhere\n" in section(pjsip, template, "!")


def test_asterisk_loads_its_own_modules_and_a_mended_copy_of_one(tmp_path: Path) -> None:
    there = with_refer(tmp_path / "asterisk-folder", REFER)
    for _ in range(2):
        write(node(tmp_path), there, tmp_path / "asterisk")
    modules = tmp_path / "asterisk" / "modules"
    assert (modules / "res_ari.so").readlink() == there.modules / "res_ari.so"
    copy = modules / "res_pjsip_refer.so"
    assert copy.read_bytes() == REFER.replace(b"Refer-Sub", b"Refer-Nil")
    assert (copy.is_symlink(), copy.stat().st_mode & 0o777) == (False, 0o644)
    assert f"astmoddir => {modules}\n" in (tmp_path / "asterisk" / "conf" / "asterisk.conf").read_text()


def test_no_caller_can_put_anything_into_the_dialplan_but_the_dialled_number(tmp_path: Path) -> None:
    extensions = files(node(), folder=tmp_path)["extensions.conf"]
    assert "CALLERID(name)" not in extensions
    uses = re.findall(r"\$\{EXTEN[^}]*\}", extensions)
    assert len(uses) == len(re.findall(r"\$\{FILTER\(0-9A-Za-z\+\*#,\$\{EXTEN:0:40\}\)\}", extensions))


def test_phones_dial_emergency_numbers_only_where_a_way_out_is_named(tmp_path: Path) -> None:
    assert "exten => 112" not in files(node(), folder=tmp_path)["extensions.conf"]
    out = files(replace(node(), carriers=(Carrier("main", send_to="192.0.2.1:5060"),)), folder=tmp_path)
    assert "n,Dial(PJSIP/112@carrier-main)" in out["extensions.conf"]
    assert "contact = sip:192.0.2.1:5060\n" in section(out["pjsip.conf"], "carrier-main", "aor")


def trunks(folder: Path, *carriers: Carrier, **more: object) -> dict[str, str]:
    changed = replace(node(), carriers=carriers, carrier_secrets={"b": "p#ss,w${x}"}, **more)  # type: ignore[arg-type]
    return files(changed, folder=folder)


def test_a_carrier_is_registered_at_with_its_secret_over_its_transport(tmp_path: Path) -> None:
    account = Registration("sip.carrier.example:5070", "390552768", "B")
    carrier = Carrier("b", send_to="sip.carrier.example:5070", transport="tcp", registration=account)
    pjsip = trunks(tmp_path, carrier)["pjsip.conf"]
    registration = section(pjsip, "carrier-b-registration", "registration")
    assert "server_uri = sip:sip.carrier.example:5070\\;transport=tcp\n" in registration
    assert "client_uri = sip:390552768@sip.carrier.example:5070\n" in registration
    assert "transport = transport-tcp\n" in registration
    assert "password = p#ss,w${x}\n" in section(pjsip, "carrier-b-auth", "auth")
    assert "contact = sip:sip.carrier.example:5070\\;transport=tcp\nqualify" in section(pjsip, "carrier-b", "aor")
    assert "transport = transport-tcp\n" in section(pjsip, "carrier-b", "carrier")


def test_a_carriers_codecs_stand_in_its_order_as_far_as_they_are_there(tmp_path: Path) -> None:
    pjsip = trunks(tmp_path, Carrier("a", ("192.0.2.1",), codecs=("opus", "g722", "alaw")))["pjsip.conf"]
    assert "allow = g722,alaw\n" in section(pjsip, "carrier-a", "carrier")


@pytest.mark.parametrize(
    ("header", "trusted", "sent"), [("pai", "yes", "pai"), ("rpid", "yes", "rpid"), ("from", "no", "")]
)
def test_only_the_header_that_is_trusted_says_who_calls(tmp_path: Path, header: str, trusted: str, sent: str) -> None:
    endpoint = section(
        trunks(tmp_path, Carrier("a", ("192.0.2.1",), caller_id=header))["pjsip.conf"], "carrier-a", "carrier"
    )
    assert f"trust_id_inbound = {trusted}\n" in endpoint
    assert f"CALLER_IN={header}\n" in endpoint
    assert [kind for kind in ("pai", "rpid") if f"send_{kind} = yes\n" in endpoint] == ([sent] if sent else [])


def test_no_carrier_is_told_in_a_call_whom_an_agents_display_shows(tmp_path: Path) -> None:
    pjsip = trunks(tmp_path, Carrier("a", ("192.0.2.1",)))["pjsip.conf"]
    assert "send_connected_line = no\n" in pjsip.partition("[carrier](!)")[2].partition("[carrier-a]")[0]


def test_tls_stands_in_the_files_only_where_it_is_spoken_and_its_files_are_copied(tmp_path: Path) -> None:
    assert "tls" not in trunks(tmp_path / "x", Carrier("a", ("192.0.2.1",)))["pjsip.conf"]
    certificate, key = made_certificate(tmp_path / "tls")
    carrier = Carrier("a", send_to="192.0.2.1:5061", transport="tls")
    changed = replace(node(tmp_path), carriers=(carrier,), tls=Tls(5061, certificate, certificate, key))
    write(changed, installation(tmp_path / "asterisk-folder"), tmp_path / "asterisk")
    conf = tmp_path / "asterisk" / "conf"
    assert f"priv_key_file = {conf}/sip-key.pem\n" in (conf / "pjsip.conf").read_text()
    assert (conf / "sip-key.pem").read_text() == key.read_text()
    write(node(tmp_path), installation(tmp_path / "asterisk-folder"), tmp_path / "asterisk")
    assert not (conf / "sip-key.pem").exists()
    with pytest.raises(CannotWrite, match="TLS"):
        check(replace(node(), carriers=(carrier,)))


def test_emergency_numbers_go_to_each_carrier_that_takes_calls_in_order_and_then_anyhow(tmp_path: Path) -> None:
    carriers = (Carrier("a", send_to="192.0.2.1:5060"), Carrier("in", ("192.0.2.3",)), Carrier("c", send_to="x:1"))
    extensions = trunks(tmp_path, *carriers)["extensions.conf"]
    assert re.findall(r"Dial\((PJSIP/[^)]*118[^)]*)\)", extensions) == [
        "PJSIP/118@carrier-a",
        "PJSIP/118@carrier-c",
        "PJSIP/carrier-a/sip:118@192.0.2.1:5060",
        "PJSIP/carrier-c/sip:118@x:1",
    ]


@pytest.mark.parametrize("value", [*HOSTILE, "a;b", "x\\"])
def test_a_carriers_hostile_words_are_refused(tmp_path: Path, value: str) -> None:
    account = Registration("x", "y", "B")
    good = Carrier("b", send_to="x", registration=account)
    hostile = [
        replace(good, name=value),
        replace(good, peers=(value,)),
        replace(good, transport=value),
        replace(good, caller_id=value),
        replace(good, registration=replace(account, user=value)),
        replace(good, registration=replace(account, server=value)),
    ]
    for carrier in hostile:
        if value not in ("-a", "x" * 200) or carrier.registration == account:
            with pytest.raises(CannotWrite):
                trunks(tmp_path, carrier)


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize(
    "field", ["name", "language", "sip_host", "ari_user", "ari_password", "ami_user", "ami_password", "engine_url"]
)
def test_a_value_that_could_change_a_files_meaning_is_refused(field: str, value: str) -> None:
    with pytest.raises(CannotWrite, match=field.replace("_", "[_ ]")):
        check(replace(node(), **{field: value}))  # type: ignore[arg-type]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_phone_number_or_peer_is_refused(value: str) -> None:
    for changed in (
        replace(node(), phones=(PhoneAccount(value, "secret-101"),)),
        replace(node(), phones=(PhoneAccount("p101", value),)),
        replace(node(), service_numbers=(value,)),
    ):
        with pytest.raises(CannotWrite):
            check(changed)


@pytest.mark.parametrize("phone_id", ["101", "+39055", "carrier", "carrier-main", "p101-auth", "transport-udp"])
def test_a_phone_id_that_is_a_number_or_taken_is_refused(phone_id: str) -> None:
    with pytest.raises(CannotWrite):
        check(replace(node(), phones=(PhoneAccount(phone_id, "secret-101"),)))


def test_a_refused_secret_is_not_shown() -> None:
    with pytest.raises(CannotWrite) as refused:
        check(replace(node(), phones=(PhoneAccount("p101", "my;secret"),)))
    assert "my;secret" not in str(refused.value)


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_whatever_stands_in_the_yaml_is_refused_or_harmless(secret: str, peer: str, number: str) -> None:
    changed = replace(
        node(),
        phones=(PhoneAccount("p101", secret),),
        carriers=(Carrier("main", (peer,)),),
        service_numbers=(number,),
    )
    try:
        check(changed)
    except CannotWrite:
        return
    assert not set(secret + peer + number) & set(";\n\r\\ ,()${}#\"'|")


def test_folders_with_signs_that_asterisk_would_read_otherwise_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite):
        render(node(), installation(tmp_path), Folders(Path("/state;x")))


def test_only_changed_files_are_written_again_and_stale_ones_go(tmp_path: Path) -> None:
    there = installation(tmp_path / "asterisk-folder")
    first = write(node(tmp_path), there, tmp_path / "asterisk")
    assert {"asterisk.conf", "pjsip.conf", "extensions.conf", "ari.conf"} <= first
    stale = tmp_path / "asterisk" / "conf" / "old.conf"
    stale.touch()
    assert write(node(tmp_path), there, tmp_path / "asterisk") == set()
    assert not stale.exists()
    assert write(replace(node(tmp_path), ami_port=5039), there, tmp_path / "asterisk") == {"manager.conf"}


def test_refused_values_leave_the_files_as_they_were(tmp_path: Path) -> None:
    there = installation(tmp_path / "asterisk-folder")
    write(node(tmp_path), there, tmp_path / "asterisk")
    before = (tmp_path / "asterisk" / "conf" / "pjsip.conf").read_text()
    with pytest.raises(CannotWrite):
        write(replace(node(tmp_path), carriers=(Carrier("main", ("a;b",)),)), there, tmp_path / "asterisk")
    assert (tmp_path / "asterisk" / "conf" / "pjsip.conf").read_text() == before


def test_files_with_secrets_are_not_for_everybody(tmp_path: Path) -> None:
    write(node(tmp_path), installation(tmp_path / "asterisk-folder"), tmp_path / "asterisk")
    assert {path.stat().st_mode & 0o007 for path in (tmp_path / "asterisk" / "conf").iterdir()} == {0}


def test_recordings_and_sounds_lead_to_the_real_folders(tmp_path: Path) -> None:
    there = installation(tmp_path / "asterisk-folder")
    write(node(tmp_path), there, tmp_path / "asterisk")
    folders = Folders(tmp_path / "asterisk")
    assert (folders.spool / "recording").resolve() == tmp_path / "recordings"
    assert (folders.data / "sounds" / "it").resolve() == there.sounds["it"]


def test_the_control_socket_of_a_deep_folder_has_a_short_path_of_its_own() -> None:
    deep, other = Folders(Path("/x" * 60)), Folders(Path("/y" * 60))
    assert len(str(deep.run)) < 80
    assert deep.run != other.run
    assert Folders(Path("/state/asterisk")).run == Path("/state/asterisk/run")


def test_each_file_can_be_read_as_sections_of_keys_and_values(tmp_path: Path) -> None:
    for name, text in files(node(), folder=tmp_path).items():
        reader = configparser.RawConfigParser(strict=False, delimiters=("=>", "="), comment_prefixes=(";",))
        reader.read_string(text.replace("\n same => n", "\nsame => n"), source=name)


DEB822 = """\
Types: deb
URIs: https://packages.example.org/apt
Suites: stable

# Types: deb
Types: deb deb-src
URIs:
 https://security.example.org/debian-security
 https://mirror.example.org/debian/
Suites: bookworm
"""
ONE_LINE = """\
# deb https://commented.example.org/debian bookworm main
deb-src https://source.example.org/debian bookworm main
deb [signed-by=/usr/share/keyrings/x.gpg arch=amd64] https://mirror.example.org/debian bookworm main
"""


@pytest.mark.parametrize(
    ("name", "text", "mirror"),
    [
        ("sources.list.d/debian.sources", DEB822, "https://mirror.example.org/debian/"),
        ("sources.list", ONE_LINE, "https://mirror.example.org/debian"),
        ("sources.list.d/a.list", ONE_LINE, "https://mirror.example.org/debian"),
    ],
)
def test_the_mirror_is_the_one_that_this_machine_uses(tmp_path: Path, name: str, text: str, mirror: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    assert debian_mirror(tmp_path) == mirror


def test_a_disabled_source_is_no_mirror(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "debian.sources").write_text("Enabled: no\n" + DEB822.partition("Types: deb deb")[2])
    with pytest.raises(CannotInstall, match="no Debian mirror"):
        debian_mirror(tmp_path)


def test_a_folder_without_asterisk_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CannotInstall, match="asterisk"):
        in_root(tmp_path)


def test_the_cache_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CENTRALINO_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path


def test_the_first_folder_that_another_user_may_not_enter_is_found() -> None:
    with tempfile.TemporaryDirectory() as ours:  # mode 700
        inner = Path(ours) / "inner"
        inner.mkdir()
        stranger = Account("stranger", 65533, 65533)
        assert stranger.first_barrier(inner) == Path(ours)
        Path(ours).chmod(0o711)
        assert stranger.first_barrier(inner) is None


def test_a_free_port_is_free() -> None:
    check_free([Wanted("a test", Transport.UDP, "127.0.0.1", 0)])


def test_all_busy_ports_are_named_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = [held.getsockname()[1] for held in (one, two)]
        with pytest.raises(PortBusy) as refused:
            check_free([Wanted("a test", Transport.TCP, "127.0.0.1", port) for port in ports])
    assert all(f"port {port}/tcp on 127.0.0.1 (a test)" in str(refused.value) for port in ports)
