"""What is read in a mail: sender, words, attachments; whatever charset, HTML or junk it is made of."""

from email.message import EmailMessage
from email.policy import SMTP

import pytest

from cases.incoming_mails import ATTACHMENTS_MAX, LEFT_TO_THE_MAIL, read_mail
from cases.joining import Join, JoinWhy, OpenNew, Reopen
from cases.mail_rules import AckFacts, AckWhy, Claim, Claimed, acknowledge, case_for_mail, claims_of
from cases.mail_texts import decoded, text_of_html
from cases.state import WORDS_MAX


def raw(body: bytes, *headers: str) -> bytes:
    said = ("From: Ana <ana@example.org>", "Subject: TARI", "Message-ID: <1@example.org>", *headers)
    return "\r\n".join(said).encode() + b"\r\n\r\n" + body


def test_plain_words_are_taken_before_html_and_html_where_there_are_no_others() -> None:
    both = EmailMessage()
    both.set_content("Plain words.")
    both.add_alternative("<p>Rich words.</p>", subtype="html")
    assert read_mail(both.as_bytes(policy=SMTP)).words == "Plain words."
    empty = EmailMessage()
    empty.set_content(" \n")
    empty.add_alternative("<p>Rich words.</p>", subtype="html")
    assert read_mail(empty.as_bytes(policy=SMTP)).words == "Rich words."


def test_html_is_read_as_text_without_scripts_styles_and_tags() -> None:
    html = (
        "<html><head><title>t</title><style>p {}</style></head><body onload='x()'><p>Gentile\n ufficio,</p>"
        "<script>alert(1)</script><div>la <b>TARI</b> &egrave; <i>troppo</i> cara&nbsp;&lt;ciao&gt;<br>Grazie"
        "<img src='https://example.org/pixel'></div><ul><li>uno<li>due</ul></body></html>"
    )
    assert text_of_html(html) == "Gentile ufficio,\nla TARI è troppo cara <ciao>\nGrazie\nuno\ndue"
    assert text_of_html("") == ""


def test_html_that_is_made_to_take_long_is_left_to_the_mail() -> None:
    assert text_of_html("<div>" * 2_000) is None
    assert text_of_html("<p>a</p>" * 100_000) is None
    assert text_of_html("<div>" * 900 + "deep") == "deep"
    for ends_nothing in ("<div></x>" * 2000, "</a>" * 2000 + "<div>" * 2000, "<b></i>" * 2000):
        assert text_of_html(ends_nothing) is None, "it is as deep to a parser"
    assert text_of_html("<br><img><p>a</p>" * 2000) is not None
    assert read_mail(raw(b"<div>" * 2_000, "Content-Type: text/html")).words == LEFT_TO_THE_MAIL


@pytest.mark.parametrize(
    ("content", "charset", "text"),
    [
        ("città".encode(), "utf-8", "città"),
        ("città".encode(), "us-ascii", "città"),
        ("città".encode(), "klingon", "città"),
        ("città €".encode("cp1252"), "utf-8", "città €"),
        ("città".encode("latin-1"), "", "città"),
        ("你好".encode("gb18030"), "gb18030", "你好"),
        ("città".encode("utf-16"), "utf-16", "città"),
        (b"xn--a", "idna", "xn--a"),
        (b"\\u0041", "unicode_escape", "\\u0041"),
        (b"QUJD", "base64", "QUJD"),
        (b"+2AA-", "utf-7", "?"),
    ],
)
def test_a_charset_that_is_wrong_or_unknown_costs_no_letter(content: bytes, charset: str, text: str) -> None:
    assert decoded(content, charset) == text


def test_files_are_attachments_whatever_they_are_named_and_are_never_opened() -> None:
    mail = EmailMessage()
    mail.set_content("See the files.")
    bomb = b"PK\x03\x04" + b"\0" * 1_000
    mail.add_attachment(bomb, maintype="application", subtype="zip", filename="../../etc/passwd\u202e.zip")
    mail.add_attachment("<script>", subtype="html", filename="page.html")
    inner = EmailMessage()
    inner["Subject"] = "Inner"
    inner.set_content("Inner words.")
    mail.add_attachment(inner)
    read = read_mail(mail.as_bytes(policy=SMTP))
    assert read.words == "See the files."
    assert [(one.name, one.content_type) for one in read.attachments] == [
        ("../../etc/passwd.zip", "application/zip"),
        ("page.html", "text/html"),
        ("mail.eml", "message/rfc822"),
    ]
    assert read.attachments[0].content == bomb
    assert b"Inner words." in read.attachments[2].content


def test_too_many_attachments_are_left_to_the_mail_and_it_says_so() -> None:
    mail = EmailMessage()
    mail.set_content("Many.")
    for n in range(ATTACHMENTS_MAX + 5):
        mail.add_attachment(b"x", maintype="image", subtype="png", filename=f"{n}.png")
    read = read_mail(mail.as_bytes(policy=SMTP))
    assert len(read.attachments) == ATTACHMENTS_MAX
    assert read.words == f"Many.\n\n{LEFT_TO_THE_MAIL}"


def test_longer_words_than_a_case_holds_are_whole_in_an_attachment() -> None:
    long = "parola " * WORDS_MAX
    read = read_mail(raw(long.encode()))
    assert len(read.words) <= WORDS_MAX
    [whole] = read.attachments
    assert (whole.name, whole.content.decode()) == ("text.txt", long)


def test_a_mail_that_is_made_to_be_hard_to_read_is_left_whole_to_the_mail_but_for_its_headers() -> None:
    part = 'Content-Type: multipart/mixed; boundary="b{0}"\r\n\r\n--b{0}\r\n'
    deep = "".join(part.format(n) for n in range(200)) + "\r\n" + "x\r\n" * 50_000
    many = 'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + "--b\r\n\r\nx\r\n" * 5_000
    for body in (deep, many):
        read = read_mail(b"From: ana@example.org\r\nSubject: TARI\r\n" + body.encode())
        assert (read.words, read.attachments, read.sender, read.subject) == (
            LEFT_TO_THE_MAIL,
            (),
            "ana@example.org",
            "TARI",
        )


@pytest.mark.parametrize(
    ("said", "sender", "name"),
    [
        ("Ana <ana@example.org>", "ana@example.org", "Ana"),
        ("=?utf-8?q?Rossi=2C_Ana?= <ana@example.org>", "ana@example.org", "Rossi, Ana"),
        ("ana@example.org", "ana@example.org", ""),
        ("Ana <ana@example.org>, Eve <eve@example.org>", "ana@example.org", "Ana"),
        ("<<ana@example.org>", "ana@example.org", "<<ana@example.org>"),
        ("undisclosed", "", "undisclosed"),
        ("Ana ana@example.org", "ana@example.org", "Ana ana@example.org"),
        ("(" * 5_000, "", "(" * 200),
        ("Ana <ana@>", "", "Ana <ana@>"),
        ("", "", ""),
    ],
)
def test_the_sender_is_the_address_in_from(said: str, sender: str, name: str) -> None:
    mail = read_mail(f"From: {said}\r\n\r\nHello".encode())
    assert (mail.sender, mail.name) == (sender, name)


def test_a_mail_brought_twice_has_one_fingerprint_and_any_other_has_another() -> None:
    once = read_mail(raw(b"Hello")).fingerprint
    assert read_mail(b"Received: x\r\n" + raw(b"Hello")).fingerprint == once
    assert read_mail(raw(b"Hello!")).fingerprint != once
    assert read_mail(raw(b"Hello").replace(b"TARI", b"IMU")).fingerprint != once
    nameless = raw(b"Hello").replace(b"Message-ID", b"X-Id")
    assert read_mail(nameless).fingerprint != read_mail(b"Received: x\r\n" + nameless).fingerprint


# --- the rules


@pytest.mark.parametrize(
    ("subject", "cases"),
    [
        ("[#10000426] TARI", []),  # a wrong check digit
        ("[#20000011] TARI", ["20000011"]),
        ("R: pratica 2000 0011", ["20000011"]),
        ("2000-0011 e 2000.0022", ["20000011", "20000022"]),
        ("120000011", []),
        ("due: 20000011, 20000011", ["20000011"]),
        ("20000011 " * 50, ["20000011"]),
        ("niente", []),
    ],
)
def test_case_numbers_are_found_in_the_subject_by_their_check_digit(subject: str, cases: list[str]) -> None:
    assert [claim.case for claim in claims_of(read_mail(f"Subject: {subject}\r\n\r\nx".encode()))] == cases


def test_a_message_id_of_ours_names_its_case_the_one_that_is_answered_first() -> None:
    ours = "<case.{}.7.20261125120000@comune.example>"
    headers = f"In-Reply-To: {ours.format('20000011')}\r\nReferences: {ours.format('20000022')} <a@b>\r\n"
    claims = claims_of(read_mail(f"{headers}\r\nx".encode()))
    assert claims == (Claim("20000011", JoinWhy.BY_THREAD), Claim("20000022", JoinWhy.BY_THREAD))


ANA, EVE = "Ana@example.org", "eve@example.org"
CLAIM = Claim("20000011", JoinWhy.BY_NUMBER)


@pytest.mark.parametrize(
    ("claimed", "sender", "by_machine", "decision"),
    [
        (("open", True, False), ANA, False, Join("20000011", JoinWhy.BY_NUMBER)),
        (("open", True, False), EVE, False, OpenNew(JoinWhy.NOT_THEIRS)),
        (("open", True, False), "", False, OpenNew(JoinWhy.NOT_THEIRS)),
        (("lately", False, True), ANA, False, Reopen("20000011", JoinWhy.BY_NUMBER)),
        (("lately", False, True), ANA, True, Join("20000011", JoinWhy.BY_NUMBER)),
        (("closed", False, False), ANA, False, OpenNew(JoinWhy.CLOSED_BEFORE)),
        (("closed", False, False), EVE, True, OpenNew(JoinWhy.NOT_THEIRS)),
    ],
)
def test_a_mail_joins_a_case_only_if_its_sender_is_on_it(
    claimed: tuple[str, bool, bool], sender: str, by_machine: bool, decision: object
) -> None:
    there = {"20000011": Claimed("20000011", claimed[1], claimed[2], frozenset({"ana@example.org"}))}
    assert case_for_mail([CLAIM], there, sender, by_machine=by_machine).decision == decision
    assert case_for_mail([CLAIM], {}, sender, by_machine=by_machine).decision == OpenNew(JoinWhy.NO_CASE_NAMED)


@pytest.mark.parametrize(
    ("headers", "facts", "why"),
    [
        ((), {}, AckWhy.TOLD),
        ((), {"envelope": ""}, AckWhy.NULL_SENDER),
        ((), {"sender": ""}, AckWhy.NO_ADDRESS),
        (("Auto-Submitted: auto-notified",), {}, AckWhy.MACHINE),
        (("List-Unsubscribe: <x>",), {}, AckWhy.MACHINE),
        ((), {"sender": "Do-Not-Reply@example.org"}, AckWhy.MACHINE),
        ((), {"sender": "Us@example.org"}, AckWhy.OURS),
        ((), {"told_of_case": True}, AckWhy.TOLD_LATELY),
        ((), {"told_within_the_hour": 5}, AckWhy.TOO_MANY),
        ((), {"told_within_the_hour": 4}, AckWhy.TOLD),
    ],
)
def test_who_is_told_and_why_not(headers: tuple[str, ...], facts: dict[str, object], why: AckWhy) -> None:
    usual = {
        "sender": ANA,
        "envelope": ANA,
        "ours": frozenset({"us@example.org"}),
        "told_within_the_hour": 0,
        "told_of_case": False,
    }
    assert acknowledge(read_mail(raw(b"x", *headers)), AckFacts(**{**usual, **facts})) is why  # type: ignore[arg-type]
