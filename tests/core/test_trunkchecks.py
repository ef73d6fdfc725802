"""Mistakes in what centralino.yaml says of carriers and calls outside: each at its place, with its cure."""

import os
from pathlib import Path

import pytest

from asterisk.carrier import Carrier, Registration, Tls
from centralino.instance import CannotKeep, Instance, MissingSecret
from centralino.settings import examine, load
from tests.certificates import made_certificate
from tests.core.test_settings import SMALL

TOP = 'time_zone: Europe/Rome\nnodes: {main: {manage: true, sip: "127.0.0.1:5060"}}\n'
OFFICE = """\
entities:
  comune-firenze:
    name: Comune di Firenze
    numbers: ["055055"]
    offices: {anagrafe: {name: Anagrafe, phone: "PHONE"}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dialplans").mkdir()
    for name, text in SMALL.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def told(folder: Path, carriers: str) -> list[str]:
    """What is said of centralino.yaml with these lines from its third on, without the name of the file."""
    (folder / "centralino.yaml").write_text(TOP + carriers)
    return [f"{p.line}:{p.col}: {p.what}" for p in examine(folder)[1] if p.file == "centralino.yaml"]


def test_carriers_stand_in_the_order_of_preference_and_the_short_one_is_first(folder: Path) -> None:
    assert (
        told(
            folder,
            """\
carrier: {peers: ["192.0.2.1"], send_to: "192.0.2.1:5060"}
carriers:
  account:
    register: {server: sip.carrier.example, user: "390552768", secret: ACCOUNT}
    transport: tcp
    codecs: [g722, alaw]
    channels: 30
    caller_id: from
    dialled_in: to
  inward: {peers: ["198.51.100.0/28"]}
outgoing:
  allow: ["+39", "+41"]
  deny: ["+39055899"]
  through: {"+393": [account]}
  caller_id: {comune-firenze: "0552768"}
""",
        )
        == []
    )
    settings = load(folder).settings
    account = Registration("sip.carrier.example", "390552768", "ACCOUNT")
    assert settings.carriers == (
        Carrier("carrier", ("192.0.2.1",), "192.0.2.1:5060"),
        Carrier("account", (), "sip.carrier.example", 30, "tcp", account, ("g722", "alaw"), "from", "to"),
        Carrier("inward", ("198.51.100.0/28",)),
    )
    assert settings.outgoing.carriers == ("carrier", "account")
    assert settings.outgoing.through == {"+393": ("account",)}
    assert settings.outgoing.shown_for("comune-firenze", "055055") == "0552768"
    assert settings.tls is None


@pytest.mark.parametrize(
    ("carriers", "problem"),
    [
        ("testing: false", "1:1: there is no carrier"),
        ("carriers: {}", "3:11: this is empty"),
        ("carriers: {a: {channels: 3}}", "3:12: carrier `a` neither brings calls nor takes any"),
        ("carriers: {a-b: {send_to: x}}", "3:12: `a-b` is no name of a carrier"),
        ("carriers: {a: {peers: []}}", "3:23: this is empty"),
        ("carriers: {a: {peers: [192.0.2.1/28]}}", "3:24: `192.0.2.1/28` is not a network"),
        ("carriers: {a: {send_to: 192.0.2.1}}", "3:25: `192.0.2.1` has no port"),
        ("carriers: {a: {send_to: 'x:y'}}", "3:25: `y` is not a port"),
        ("carriers: {a: {send_to: 'sip:192.0.2.1:5060'}}", "3:25: `sip:192.0.2.1:5060` begins with `sip:`"),
        ("carriers: {a: {send_to: 'x y'}}", "3:25: `x y` is no server"),
        ("carriers: {a: {send_to: x, transport: sctp}}", "3:39: `sctp` is not `udp`, `tcp` or `tls`"),
        ("carriers: {a: {send_to: x, codecs: [g729]}}", "3:37: `g729` is not `alaw`, `ulaw`, `g722` or `opus`"),
        ("carriers: {a: {send_to: x, caller_id: any}}", "3:39: `any` is not `pai`, `rpid` or `from`"),
        ("carriers: {a: {send_to: x, dialled_in: to}}", "3:28: this carrier brings no calls"),
        (
            "carriers: {a: {register: {server: x, user: y, secret: 'p@ss word'}}}",
            "3:55: `p@ss word` is no name of a secret",
        ),
        (
            "carriers: {a: {register: {server: x, user: 'y@z', secret: A}}}",
            "3:44: `y@z` is no SIP user",
        ),
        (
            "carriers: {a: {peers: ['192.0.2.1:5060'], transport: tcp}}",
            "3:24: by tcp nobody calls from port `5060` each time",
        ),
        (
            "carriers: {a: {peers: [192.0.2.1]}, b: {peers: [192.0.2.0/24], send_to: x}}",
            "3:49: `192.0.2.0/24` is an address of carrier `a` already",
        ),
        (
            "carriers: {a: {peers: ['192.0.2.1:5060', '192.0.2.1:5061']}, b: {peers: ['192.0.2.1:5061'], send_to: x}}",
            "3:74: `192.0.2.1:5061` is an address of carrier `a` already",
        ),
        ("carriers: {a: {peers: [192.0.2.1, 192.0.2.1], send_to: x}}", "3:35: address `192.0.2.1` stands here twice"),
        ("carriers: {a: {codecs: [alaw, alaw], send_to: x}}", "3:31: codec `alaw` stands here twice"),
        (
            "carriers: {a: {send_to: x}}\noutgoing: {allow: ['+39', '+39']}",
            "4:27: beginning `+39` stands here twice",
        ),
        (
            "carrier: {send_to: x}\ncarriers: {carrier: {send_to: y}}",
            "4:12: carrier `carrier` stands above already",
        ),
        (
            "carriers: {a: {send_to: x, peers: [192.0.2.1], transport: tls}}",
            "3:35: by TLS this carrier can call us only if we have a certificate",
        ),
        ("carriers: {a: {send_to: x}}\ntls: {port: 5061}", "4:1: no carrier speaks TLS"),
        (
            "carriers: {a: {send_to: x, transport: tls}}\ntls: {port: 5060, authorities: CERT}",
            "4:13: port `5060` of SIP over TLS is the port of SIP too",
        ),
        (
            "carriers: {a: {send_to: x, transport: tls}}\ntls: {certificate: CERT, authorities: CERT}",
            "4:7: `certificate` is nothing without `key`",
        ),
        (
            "carriers: {a: {send_to: x, transport: tls}}\ntls: {key: KEY, authorities: CERT}",
            "4:7: `key` is nothing without `certificate`",
        ),
        (
            "carriers: {a: {send_to: x, transport: tls}}\ntls: {authorities: /nowhere/x.pem}",
            "4:20: `/nowhere/x.pem` is no PEM file that can be read",
        ),
        (
            "carriers: {a: {send_to: x, transport: tls}}\ntls: {authorities: x.pem}",
            "4:20: `x.pem` is no path of a file",
        ),
        (
            "carriers: {a: {send_to: x, transport: tls}}\ntls: {authorities: CERT, certificate: CERT, key: OTHER}",
            "4:",
        ),
        (
            "carriers: {a: {send_to: x}, b: {peers: [192.0.2.1]}}\noutgoing: {through: {'+39': [c]}}",
            "4:30: carrier `c` is not in `carriers`",
        ),
        (
            "carriers: {a: {send_to: x}, b: {peers: [192.0.2.1]}}\noutgoing: {through: {'+39': [b]}}",
            "4:30: carrier `b` takes no calls",
        ),
        ("carriers: {a: {send_to: x}}\noutgoing: {allow: ['39']}", "4:20: `39` is no beginning of a number"),
        (
            "carriers: {a: {send_to: x}}\noutgoing: {caller_id: {siena: '055055'}}",
            "4:24: entity `siena` is not in entities.yaml",
        ),
        (
            "carriers: {a: {send_to: x}}\noutgoing: {caller_id: {comune-firenze: '06123'}}",
            "4:40: `06123` is no number of `comune-firenze`",
        ),
        ("carriers: {a: {peers: [192.0.2.1]}}", "3:1: no carrier takes calls: phones cannot even call 112"),
    ],
)
def test_a_mistake_is_told_at_its_place(folder: Path, carriers: str, problem: str) -> None:
    certificate, key = made_certificate(folder / "tls")
    other = made_certificate(folder / "other")[1]
    text = carriers.replace("CERT", str(certificate)).replace("KEY", str(key)).replace("OTHER", str(other))
    problems = told(folder, text)
    assert [one for one in problems if one.startswith(problem)], problems
    assert len(problems) == 1


def test_what_an_office_or_a_carrier_could_never_do_is_told(folder: Path) -> None:
    (folder / "centralino.yaml").write_text(TOP + "carriers: {a: {send_to: x}}\n")
    for phone, why in (
        ("+39899123456", "it is a premium or special number"),
        ("+41791234567", "it is abroad, and nothing in `outgoing` allows that"),
    ):
        (folder / "entities.yaml").write_text(OFFICE.replace("PHONE", phone))
        [problem] = examine(folder)[1]
        assert problem.what == f"`{phone}` may not be called: {why}"
        assert (problem.file, problem.line) == ("entities.yaml", 5)
        assert phone in problem.hint
    (folder / "centralino.yaml").write_text(TOP + 'carriers: {a: {send_to: x}}\noutgoing: {allow: ["+39", "+41"]}\n')
    assert examine(folder)[1] == ()


def test_by_tls_alone_we_connect_and_believe_the_systems_authorities(folder: Path) -> None:
    (folder / "centralino.yaml").write_text(TOP + "carriers: {a: {send_to: x, transport: tls}}\n")
    assert load(folder).settings.tls == Tls(5061, Path("/etc/ssl/certs/ca-certificates.crt"))


# --- the secrets of accounts


def with_account(folder: Path) -> Instance:
    account = "carriers: {a: {register: {server: x, user: y, secret: ACCOUNT}}}\n"
    (folder / "centralino.yaml").write_text(TOP + account)
    (folder / "state").mkdir()
    return Instance(folder, folder / "state")


def test_an_accounts_password_comes_from_the_state_or_first_from_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = with_account(folder)
    (folder / "state" / "secrets.yaml").write_text("carriers: {ACCOUNT: kept}\n")
    assert instance.node(load(folder)).carrier_secrets == {"a": "kept"}
    monkeypatch.setenv("ACCOUNT", "given")
    node = instance.node(load(folder))
    assert node.carrier_secrets == {"a": "given"}
    assert "given" not in repr(node)
    assert "given" not in (folder / "state" / "secrets.yaml").read_text()


def test_a_missing_password_names_itself_and_where_to_write_it(folder: Path) -> None:
    assert "ACCOUNT" not in os.environ
    with pytest.raises(MissingSecret, match=r"secret ACCOUNT of carrier a is nowhere: .*secrets\.yaml"):
        with_account(folder).node(load(folder))


def test_a_password_without_quotes_that_is_a_number_is_refused_by_name(folder: Path) -> None:
    instance = with_account(folder)
    (folder / "state" / "secrets.yaml").write_text("carriers: {ACCOUNT: 12345}\n")
    with pytest.raises(CannotKeep, match="in quotes"):
        instance.node(load(folder))
