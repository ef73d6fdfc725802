"""What phones are told: read back by parsers that are not ours, and written where only their owner reads it."""

import configparser
import json
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from agents.provisioning import (
    OURS,
    Account,
    CannotProvision,
    Server,
    Transport,
    file_name,
    file_text,
    picture_name,
    qr_text,
)
from agents.roster import Make
from centralino import provision_command
from centralino.cli import app
from centralino.instance import Instance
from centralino.provisioning import (
    CannotWriteFiles,
    NoSuchServer,
    is_nowhere,
    is_this_machine_only,
    named_server,
    named_transport,
    write,
)
from tests.core.test_docs import DEPLOYMENT, ROOT

SERVER = Server("192.0.2.10", 5070)
ACCOUNT = Account("p101", "q7-_~.Zs8Yb1", "Operatore 1001", SERVER, "805ec0123456")
SIGNS = st.text(st.characters(codec="utf-8").filter(str.isprintable), min_size=1).filter(
    lambda text: text.strip() == text
)
LINPHONE = "{http://www.linphone.org/xsds/lpconfig.xsd}"


# --- read back


def cfg(text: str) -> dict[str, str]:
    """What stands in a Yealink's file."""
    reader = configparser.RawConfigParser(delimiters=("=",), comment_prefixes=("#",), strict=True)
    reader.optionxform = str  # type: ignore[assignment, method-assign]
    reader.read_string("[all]\n" + text)
    return dict(reader["all"])


def elements(text: str) -> dict[str, str]:
    """What stands in a Snom's or a Grandstream's file, by the name of the element."""
    return {one.tag: one.text or "" for one in ElementTree.fromstring(text).iter()}


def linphone(text: str) -> dict[str, str]:
    sections = ElementTree.fromstring(text).iter(f"{LINPHONE}section")
    return {f"{one.get('name')}/{entry.get('name')}": entry.text or "" for one in sections for entry in one}


def told(make: Make, account: Account) -> tuple[str, str, str]:
    """User, secret and shown name, as the phone understands its file."""
    text = file_text(make, account)
    match make:
        case Make.YEALINK:
            said = cfg(text)
            return said["account.1.user_name"], said["account.1.password"], said["account.1.display_name"]
        case Make.SNOM:
            said = elements(text)
            return said["user_name"], said["user_pass"], said["user_realname"]
        case Make.GRANDSTREAM:
            said = elements(text)
            return said["P35"], said["P34"], said["P3"]
        case Make.LINPHONE:
            said = linphone(text)
            shown = said["proxy_0/reg_identity"].rpartition(" <")[0].removeprefix('"').removesuffix('"')
            name = shown.replace('\\"', '"').replace("\\\\", "\\")
            return said["auth_info_0/username"], said["auth_info_0/passwd"], name


@pytest.mark.parametrize("make", Make)
@given(secret=SIGNS, name=SIGNS)
def test_a_secret_and_a_name_with_odd_signs_are_read_as_they_are(make: Make, secret: str, name: str) -> None:
    account = replace(ACCOUNT, secret=secret, name=name)
    assert told(make, account) == ("p101", secret, name)


@given(secret=SIGNS, name=SIGNS)
def test_waves_qr_says_all_by_itself_whatever_signs_are_in_it(secret: str, name: str) -> None:
    said = elements(qr_text(Make.GRANDSTREAM, replace(ACCOUNT, mac="", secret=secret, name=name), ""))
    assert (said["UserID"], said["AuthID"], said["AuthPass"]) == ("p101", "p101", secret)
    assert (said["DisplayName"], said["RegisterServer"]) == (name, "192.0.2.10:5070")


@pytest.mark.parametrize("make", Make)
@pytest.mark.parametrize("secret", ["two\nlines", "tab\t", " edge", "edge ", "\x7f"])
def test_what_no_file_can_hold_is_refused_and_never_shown(make: Make, secret: str) -> None:
    with pytest.raises(CannotProvision) as refused:
        file_text(make, replace(ACCOUNT, secret=secret))
    assert secret.strip() not in str(refused.value)


@pytest.mark.parametrize("make", Make)
def test_a_name_with_signs_that_nobody_sees_is_shown_without_them(make: Make) -> None:
    assert told(make, replace(ACCOUNT, name="Ada\xa0Rossi\u200b")) == ("p101", ACCOUNT.secret, "Ada Rossi")


# --- what matters in a contact centre


def test_a_yealink_registers_there_and_takes_one_call_at_a_time() -> None:
    said = cfg(file_text(Make.YEALINK, replace(ACCOUNT, server=Server("pbx.example.it", 5061, Transport.TLS))))
    assert said["account.1.sip_server.1.address"] == "pbx.example.it"
    assert (said["account.1.sip_server.1.port"], said["account.1.sip_server.1.transport_type"]) == ("5061", "2")
    codecs = {name: said[f"account.1.codec.{name}.enable"] for name in ("pcma", "pcmu", "g722", "g729", "opus")}
    assert codecs == {"pcma": "1", "pcmu": "1", "g722": "1", "g729": "0", "opus": "0"}
    assert said["account.1.dtmf.type"] == "1"  # RFC 4733
    assert (said["call_waiting.enable"], said["features.dnd.allow"], said["features.fwd.allow"]) == ("0", "0", "0")
    assert [said[f"linekey.{n}.type"] for n in (1, 2, 3, 4)] == ["15", "15", "16", "16"]
    assert [said[f"linekey.{n}.value"] for n in (3, 4)] == ["*45p101", "*46p101"]  # signed in, paused
    assert (said["lang.gui"], said["local_time.time_zone_name"]) == ("Italian", "Italy(Rome)")


def test_a_snom_registers_there_and_takes_one_call_at_a_time() -> None:
    text = file_text(Make.SNOM, replace(ACCOUNT, server=Server("2001:db8::5", 5060, Transport.TCP)))
    said = elements(text)
    assert (said["user_host"], said["user_outbound"]) == ("[2001:db8::5]", "[2001:db8::5]:5060;transport=tcp")
    assert said["codec_priority_list"] == "pcma,pcmu,g722,telephone-event"
    assert (said["user_dtmf_info"], said["user_srtp"], said["call_waiting"], said["no_dnd"]) == (
        "off",
        "off",
        "off",
        "on",
    )
    assert [key.text for key in ElementTree.fromstring(text).iter("fkey")] == [
        *("line", "line"),
        *("blf *45p101", "blf *46p101"),
    ]
    assert (said["language"], said["timezone"]) == ("Italiano", "ITA+1")


def test_a_grandstream_registers_there_and_takes_one_call_at_a_time() -> None:
    said = elements(file_text(Make.GRANDSTREAM, ACCOUNT))
    assert (said["mac"], said["P47"], said["P130"]) == ("805ec0123456", "192.0.2.10:5070", "0")
    assert [said[choice] for choice in ("P57", "P58", "P59")] == ["8", "0", "9"]
    assert (said["P2301"], said["P2302"], said["P2303"]) == ("0", "1", "0")
    assert (said["P91"], said["P1362"], said["P64"]) == ("1", "it", "customize")
    assert said["P246"].startswith("CET-1CEST-2,")
    assert [said[mode] for mode in ("P1367", "P1369")] == ["11", "11"]  # keys with a lamp
    assert [said[value] for value in ("P1470", "P1472")] == ["*45p101", "*46p101"]
    assert "mac" not in elements(file_text(Make.GRANDSTREAM, replace(ACCOUNT, mac="")))


def test_linphone_registers_there_and_forgets_where_the_file_was() -> None:
    said = linphone(file_text(Make.LINPHONE, ACCOUNT))
    assert said["proxy_0/reg_proxy"] == "<sip:192.0.2.10:5070;transport=udp>"
    assert said["proxy_0/reg_identity"] == '"Operatore 1001" <sip:p101@192.0.2.10>'
    assert [said[f"audio_codec_{n}/mime"] for n in range(3)] == ["PCMA", "PCMU", "G722"]
    assert (said["misc/max_calls"], said["misc/transient_provisioning"]) == ("2", "1")


@pytest.mark.parametrize("make", Make)
def test_a_time_zone_that_we_cannot_name_is_left_to_the_phone(make: Make) -> None:
    text = file_text(make, replace(ACCOUNT, time_zone="America/New_York"))
    assert not any(word in text for word in ("Rome", "ITA+1", "CET-1", "time_zone", "timezone"))


# --- names


def test_each_make_asks_for_its_file_by_its_mac_and_without_one_it_is_named_by_the_phone() -> None:
    account = replace(ACCOUNT, mac="000b82abcdef")
    assert [file_name(make, account) for make in (Make.YEALINK, Make.SNOM, Make.GRANDSTREAM)] == [
        "000b82abcdef.cfg",
        "000B82ABCDEF.xml",
        "cfg000b82abcdef.xml",
    ]
    bare = replace(account, mac="")
    assert [file_name(make, bare) for make in (Make.YEALINK, Make.SNOM, Make.GRANDSTREAM)] == [
        "p101.cfg",
        "p101.xml",
        "p101.xml",
    ]


def test_a_softphones_file_cannot_be_found_by_guessing_and_keeps_its_name_while_the_secret_stays() -> None:
    name = file_name(Make.LINPHONE, ACCOUNT)
    assert name == file_name(Make.LINPHONE, replace(ACCOUNT, name="Ada", mac=""))
    assert name != file_name(Make.LINPHONE, replace(ACCOUNT, secret="another-one"))
    assert len(name.removeprefix("p101-").removesuffix(".xml")) == 20
    assert ACCOUNT.secret not in name
    assert picture_name(ACCOUNT) == name.replace(".xml", ".svg")


def test_linphones_qr_leads_to_its_file() -> None:
    name = file_name(Make.LINPHONE, ACCOUNT)
    assert qr_text(Make.LINPHONE, ACCOUNT, "https://phones.example.it/x/") == f"https://phones.example.it/x/{name}"
    with pytest.raises(CannotProvision, match="--url"):
        qr_text(Make.LINPHONE, ACCOUNT, "")


@pytest.mark.parametrize("make", [Make.YEALINK, Make.SNOM, Make.GRANDSTREAM])
def test_a_desk_phone_scans_no_qr(make: Make) -> None:
    with pytest.raises(CannotProvision, match="scans no QR"):
        qr_text(make, ACCOUNT, "https://x")


def test_waves_qr_is_for_udp_only() -> None:
    with pytest.raises(CannotProvision, match="UDP"):
        qr_text(Make.GRANDSTREAM, replace(ACCOUNT, mac="", server=Server("x", 1, Transport.TCP)), "")


# --- servers


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("192.0.2.10", "192.0.2.10", 5060),
        ("192.0.2.10:5070", "192.0.2.10", 5070),
        ("pbx.example.it", "pbx.example.it", 5060),
        ("pbx:65535", "pbx", 65535),
        ("[2001:db8::5]", "2001:db8::5", 5060),
        ("[2001:db8::5]:1", "2001:db8::5", 1),
        ("2001:db8::5", "2001:db8::5", 5060),
    ],
)
def test_a_server_is_a_name_or_an_address_with_or_without_a_port(text: str, host: str, port: int) -> None:
    assert named_server(text, Transport.UDP, 5060) == Server(host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        ":5060",
        "x:",
        "x:0",
        "x:65536",
        "x:sip",
        "a b",
        "1.2.3",
        "192.0.2.300",
        "sip:x:1",
        "::1:5060:x",
        "[x]",
        "-x",
        "x;y",
        "è.it",
    ],
)
def test_what_is_no_server_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(NoSuchServer):
        named_server(text, Transport.UDP, 5060)


def test_an_unknown_transport_is_refused() -> None:
    assert named_transport("tcp") is Transport.TCP
    with pytest.raises(NoSuchServer, match="did you mean `udp`"):
        named_transport("upd")


def test_servers_that_other_machines_cannot_reach_are_known() -> None:
    reach = {host: (is_this_machine_only(Server(host, 1)), is_nowhere(Server(host, 1))) for host in HOSTS}
    assert reach == HOSTS


HOSTS = {
    "127.0.0.1": (True, False),
    "::1": (True, False),
    "localhost": (True, False),
    "0.0.0.0": (False, True),
    "192.0.2.10": (False, False),
    "pbx.example.it": (False, False),
}


# --- files


def put(folder: Path, files: dict[str, str], *, replace_foreign: bool = False, all_phones: bool = True):
    return write(folder, files, replace_foreign=replace_foreign, all_phones=all_phones)


def modes(folder: Path) -> dict[str, str]:
    return {path.name: f"{stat.S_IMODE(path.stat().st_mode):o}" for path in (folder, *folder.iterdir())}


def test_files_are_for_their_owner_alone_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        written = put(tmp_path / "phones", {"a.cfg": OURS, "b.xml": OURS})
    finally:
        os.umask(before)
    assert modes(tmp_path / "phones") == {"phones": "700", "a.cfg": "600", "b.xml": "600"}
    assert written.others_may_look is False


def test_a_folder_that_others_may_look_into_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert put(tmp_path, {"a.cfg": OURS}).others_may_look is True
    assert modes(tmp_path) == {tmp_path.name: "755", "a.cfg": "600"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_gives_files_to_the_folders_owner_such_as_the_web_server(tmp_path: Path) -> None:
    os.chown(tmp_path, 33, 33)
    put(tmp_path, {"a.cfg": OURS})
    assert ((tmp_path / "a.cfg").stat().st_uid, (tmp_path / "a.cfg").stat().st_gid) == (33, 33)


def test_our_own_files_are_written_anew_and_those_that_are_of_no_phone_any_more_are_named(tmp_path: Path) -> None:
    put(tmp_path, {"a.cfg": f"{OURS} 1", "b.cfg": OURS})
    (tmp_path / "index.html").write_text("theirs")
    assert put(tmp_path, {"a.cfg": f"{OURS} 2"}).stale == ("b.cfg",)
    assert put(tmp_path, {"a.cfg": f"{OURS} 3"}, all_phones=False).stale == ()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "a.cfg": f"{OURS} 3",
        "b.cfg": OURS,
        "index.html": "theirs",
    }


def a_file(path: Path) -> None:
    path.write_text("theirs")


def a_folder(path: Path) -> None:
    path.mkdir()


def a_link_to_one_of_ours(path: Path) -> None:
    (path.parent / "ours").write_text(OURS)
    path.symlink_to("ours")


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("make_foreign", [a_file, a_folder, a_link_to_one_of_ours, a_pipe])
def test_what_is_not_ours_stops_all_of_it(tmp_path: Path, make_foreign: Callable[[Path], None]) -> None:
    make_foreign(tmp_path / "b.cfg")
    with pytest.raises(CannotWriteFiles, match=r"b\.cfg is there and not ours.*--replace.*Nothing was written"):
        put(tmp_path, {"a.cfg": OURS, "b.cfg": OURS})
    assert not (tmp_path / "a.cfg").exists()


def test_what_is_not_ours_is_replaced_when_asked_and_a_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("theirs")
    (tmp_path / "phones").mkdir()
    (tmp_path / "phones" / "a.cfg").symlink_to(elsewhere)
    put(tmp_path / "phones", {"a.cfg": OURS}, replace_foreign=True)
    assert elsewhere.read_text() == "theirs"
    assert (tmp_path / "phones" / "a.cfg").read_text() == OURS
    assert not (tmp_path / "phones" / "a.cfg").is_symlink()


def test_a_folder_in_place_of_a_file_is_told_also_when_replacing(tmp_path: Path) -> None:
    (tmp_path / "b.cfg").mkdir()
    with pytest.raises(CannotWriteFiles, match=r"b\.cfg cannot be written: Is a directory\. 1 of 2"):
        put(tmp_path, {"a.cfg": OURS, "b.cfg": OURS}, replace_foreign=True)
    assert {path.name for path in tmp_path.iterdir()} == {"a.cfg", "b.cfg"}  # and no half of one


def test_a_run_that_was_cut_off_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    (tmp_path / ".a.cfg.new").write_text("half")
    put(tmp_path, {"a.cfg": OURS})
    assert [path.name for path in tmp_path.iterdir()] == ["a.cfg"]


@pytest.mark.parametrize(
    ("where", "why"),
    [("file", "is not a folder"), ("link", "is a link"), ("nowhere/deep", "there is no folder"), ("gone", "is a link")],
)
def test_where_nothing_can_be_written_is_told_in_a_sentence(tmp_path: Path, where: str, why: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "gone").symlink_to("nobody-knows")
    with pytest.raises(CannotWriteFiles, match=why):
        put(tmp_path / where, {"a.cfg": OURS})
    assert list((tmp_path / "folder").iterdir()) == []


def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("centralino.provisioning.os.access", lambda *_: False)  # as for anybody but root
    with pytest.raises(CannotWriteFiles, match="cannot be written to: Permission denied"):
        put(tmp_path, {"a.cfg": OURS})


# --- the command


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A deployment of its own: p101 a Yealink, p102 a Snom, p103 Linphone, p104 without a make."""
    config = tmp_path / "config"
    shutil.copytree(ROOT / "dialplans", config / "dialplans")
    for file in DEPLOYMENT:
        shutil.copy(ROOT / file, config)
    agents = config / "agents.yaml"
    text = agents.read_text()
    for phone, more in PHONES.items():
        assert f"  {phone}: {{site: laquila}}" in text
        text = text.replace(f"  {phone}: {{site: laquila}}", f"  {phone}: {{site: laquila, {more}}}")
    agents.write_text(text)
    return tmp_path


PHONES = {
    "p101": 'mac: "80:5E:C0:12:34:56", make: yealink',
    "p102": "mac: 00-04-13-ab-cd-ef, make: snom",
    "p103": "make: linphone",
}


def provision(here: Path, *words: str) -> Result:
    where = ("--config", str(here / "config"), "--state", str(here / "state"))
    return CliRunner().invoke(app, ["agents", "provision", *words, *where])


def secret(here: Path, phone: str) -> str:
    return Instance(here / "config", here / "state").secrets(frozenset()).phones[phone]


def test_one_phone_is_printed_with_all_that_it_needs(here: Path) -> None:
    done = provision(here, "p101", "--server", "192.0.2.10")
    assert done.exit_code == 0, done.output
    said = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert said == {
        "user": "p101",
        "secret": secret(here, "p101"),
        "server": "192.0.2.10:5060",
        "transport": "udp",
        "name": "Operatore 1001",
        "make": "yealink",
        "mac": "80:5e:c0:12:34:56",
        "file": "805ec0123456.cfg",
    }


def test_what_is_printed_is_what_the_phone_command_says(here: Path) -> None:
    found = json.loads(provision(here, "p104", "--port-offset", "40", "--json").stdout)
    asked = CliRunner().invoke(
        app,
        [
            "phone",
            "p104",
            "--json",
            "--port-offset",
            "40",
            "--config",
            str(here / "config"),
            "--state",
            str(here / "state"),
        ],
    )
    of_phone = json.loads(asked.stdout)
    assert [found[0][key] for key in ("user", "secret", "server", "transport")] == [*of_phone.values()]
    assert (of_phone["registrar"], found[0]["make"], found[0]["file"]) == ("127.0.0.1:5100", "", "")


def test_the_table_of_all_fits_into_80_columns(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("centralino.printing.WIDTH_OF_A_FILE", 80)
    done = provision(here, "--server", "192.0.2.10")
    lines = done.stdout.splitlines()
    assert lines[0] == "Phones register at 192.0.2.10:5060 by udp, each with its own name as user."
    assert len(lines) >= 32
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("p101") and secret(here, "p101") in line for line in lines)


def test_each_phone_that_has_a_make_gets_its_file_and_the_others_are_told(here: Path) -> None:
    done = provision(here, "--to", str(here / "phones"), "--server", "192.0.2.10:5070")
    assert done.exit_code == 0, done.output
    linphones = file_name(Make.LINPHONE, replace(ACCOUNT, user="p103", secret=secret(here, "p103")))
    assert {path.name for path in (here / "phones").iterdir()} == {"805ec0123456.cfg", "000413ABCDEF.xml", linphones}
    said = cfg((here / "phones" / "805ec0123456.cfg").read_text())
    assert said["account.1.password"] == secret(here, "p101")
    assert "3 files in" in done.stdout
    assert (
        "Left out, for want of a `make:` in agents.yaml or --make: p104, p105, p106, p107, p108 and 22 more."
        in done.stderr
    )
    assert secret(here, "p101") not in done.output


def test_make_is_for_those_phones_only_that_have_none(here: Path) -> None:
    done = provision(here, "--to", str(here / "phones"), "--make", "grandstream", "--json")
    rows = json.loads(done.stdout)
    assert [row["make"] for row in rows[:4]] == ["yealink", "snom", "linphone", "grandstream"]
    assert rows[3]["file"] == "p104.xml"
    assert len(rows) == len(list((here / "phones").iterdir())) == 30
    assert "No phone asks for these by itself, for want of its `mac:` in agents.yaml: p104.xml," in done.stderr
    assert "Only phones on this machine reach 127.0.0.1:5060" in done.stderr


def test_a_phone_with_another_mac_leaves_a_file_that_is_named(here: Path) -> None:
    words = ("--to", str(here / "phones"), "--make", "snom")
    provision(here, *words)
    agents = here / "config" / "agents.yaml"
    agents.write_text(agents.read_text().replace("12:34:56", "12:34:58"))
    done = provision(here, *words)
    assert "remove: 805ec0123456.cfg." in done.stderr


def test_pictures_of_qrs_are_written_for_apps_only(here: Path) -> None:
    done = provision(here, "--to", str(here / "phones"), "--qr", "--url", "http://phones.example.it/x")
    assert done.exit_code == 0, done.output
    [picture] = (here / "phones").glob("*.svg")
    assert picture.name == picture_name(replace(ACCOUNT, user="p103", secret=secret(here, "p103")))
    assert modes(here / "phones")[picture.name] == "600"
    drawn = ElementTree.fromstring(picture.read_text())
    assert drawn.findtext("{http://www.w3.org/2000/svg}title") == "p103"
    assert "the secret crosses the network for all to read" in done.stderr
    again = provision(here, "--to", str(here / "phones"), "--qr", "--url", "https://phones.example.it/x")
    assert again.exit_code == 0, again.output  # the picture is known as ours
    assert "crosses" not in again.stderr


def draw(here: Path, monkeypatch: pytest.MonkeyPatch, columns: int, *words: str) -> Result:
    """As on a terminal."""
    monkeypatch.setattr(provision_command, "_is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    return provision(here, *words, "--qr")


def test_a_qr_is_drawn_on_a_terminal_with_a_warning(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = draw(here, monkeypatch, 80, "p104", "--make", "grandstream", "--server", "192.0.2.10")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert len(lines) > 20
    assert all(line.startswith("\x1b[97;40m") and line.endswith("\x1b[0m") for line in lines)
    assert "Whoever photographs this can register as p104." in done.stderr
    assert secret(here, "p104") not in done.output


def test_a_qr_that_a_terminal_is_too_narrow_for_is_not_drawn(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = draw(here, monkeypatch, 40, "p104", "--make", "grandstream")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "columns wide, this terminal 40" in str(done.exception)


def problems() -> Iterable[tuple[tuple[str, ...], str]]:
    yield ("p999",), "there is no phone `p999` in agents.yaml"
    yield ("p101", "--make", "yaelink"), "unknown make `yaelink`: did you mean `yealink`?"
    yield ("p101", "--transport", "sctp"), "unknown transport `sctp`"
    yield ("p101", "--transport", "tls"), "no TLS"
    yield ("p101", "--server", "1.2.3"), "`1.2.3` is no server"
    yield ("p104", "--to", "DIR"), "nobody says who made p104: write `make:` in agents.yaml, or --make"
    yield ("p101", "--to", "DIR/config/agents.yaml"), "is not a folder"
    yield ("p103", "--qr"), "on a terminal only"
    yield ("p101", "p103", "--qr"), "name one phone"
    yield ("p101", "--to", "DIR", "--qr"), "none of these phones scans a QR"
    yield ("p103", "--to", "DIR", "--qr"), "--url"
    yield ("p103", "--to", "DIR", "--qr", "--url", "phones.example.it"), "is no address of a folder on the web"
    yield ("p103", "--to", "DIR", "--qr", "--url", "https://x/?a=b"), "is no address of a folder on the web"


@pytest.mark.parametrize(("words", "why"), list(problems()))
def test_what_cannot_be_done_is_one_sentence_and_exit_1(
    here: Path, words: tuple[str, ...], why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from centralino.cli import main

    where = ("--config", str(here / "config"), "--state", str(here / "state"))
    placed = [word.replace("DIR", str(here)) for word in words]
    monkeypatch.setattr(sys, "argv", ["centralino", "agents", "provision", *placed, *where])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code == 1
    assert said.out == ""
    assert why in said.err
    assert said.err.count("\n") == 1


def test_an_asterisk_that_listens_everywhere_tells_no_phone_where_it_is(here: Path) -> None:
    settings = here / "config" / "centralino.yaml"
    settings.write_text(settings.read_text().replace('sip: "127.0.0.1:5060"', 'sip: "0.0.0.0:5060"'))
    assert "--server" in str(provision(here, "p101").exception)
    assert provision(here, "p101", "--server", "192.0.2.10").exit_code == 0


def test_secrets_that_are_made_just_now_are_told_once(here: Path) -> None:
    assert "made just now" in provision(here, "p101").stderr
    assert "made just now" not in provision(here, "p101").stderr
