"""Mails as they go out: readable by anybody's program, and with no line that nobody wrote."""

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mail.letters import MOST_BYTES, Attachment, BadHeader, Letter, Mail, MailTooLarge, written
from shared.values.ids import new_id

MAIL = Mail(
    new_id(), datetime(2026, 11, 28, 12, 30, tzinfo=UTC), new_id(), "INV-1", "jane@example.org", (), ""
)
LETTER = Letter(subject="Invoice 1", text="Dear Jane", sender="Harbour Tea", language="en")
ADDRESS = "post@provider.example"


async def nothing() -> bytes:
    return b""


def read(content: bytes) -> EmailMessage:
    return cast(EmailMessage, message_from_bytes(content, policy=policy.default))


def test_a_mail_says_whom_it_is_from_and_where_answers_go():
    letter = replace(LETTER, reply_to="hello@harbour.example")
    mail = replace(MAIL, copies=("joe@example.org", "ann@example.org"))

    message = read(written(mail, letter, [], address=ADDRESS, name="Provider"))

    assert message["from"] == "Harbour Tea via Provider <post@provider.example>"
    assert message["reply-to"] == "Harbour Tea <hello@harbour.example>"
    assert (message["to"], message["cc"]) == ("jane@example.org", "joe@example.org, ann@example.org")
    assert message["message-id"] == f"<{mail.id}@provider.example>"
    assert message["date"].datetime == mail.created_at
    assert message["auto-submitted"] == "auto-generated"


@pytest.mark.parametrize(
    "name",
    [
        "Müller & Söhne GmbH, Köln",
        "株式会社 港の茶",
        'Smith "Tea", Sons <evil@example.org>',
        "Ünï, " * 38,
        "A, B; C: D " * 15,
        "=?utf-8?q?x?=",
    ],
)
def test_a_name_arrives_whole_and_stays_a_name(name: str):
    name = name.strip()
    content = written(MAIL, replace(LETTER, sender=name, subject=name), [], address=ADDRESS)

    message = read(content)

    (sender,) = message["from"].addresses
    # Python's own reader puts blanks between the encoded words of a name.
    assert (sender.addr_spec, sender.display_name.replace(" ", "")) == (ADDRESS, name.replace(" ", ""))
    assert message["subject"] == name
    encoded = [row for row in content.split(b"\r\n") if b"=?utf-8?b?" in row]
    assert max(map(len, encoded), default=0) <= 76
    assert max(map(len, content.split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    "bad", ["a\r\nBcc: evil@example.org", "a\nb", "a\rb", "a\x00b", "a\u2028b", "a\x85b"]
)
@pytest.mark.parametrize("field", ["subject", "sender", "language"])
def test_a_text_that_would_be_two_lines_of_the_head_is_refused(bad: str, field: str):
    with pytest.raises(BadHeader):
        written(MAIL, replace(LETTER, **{field: bad}), [], address=ADDRESS)


@pytest.mark.parametrize(
    "bad",
    ["a@b.example\r\nBcc: x@y.example", "a b@c.example", "a@b.example, c@d.example", "<a@b.example>", ""],
)
def test_what_is_no_address_is_refused(bad: str):
    for mail, letter in (
        (replace(MAIL, recipient=bad), LETTER),
        (replace(MAIL, copies=(bad,)), LETTER),
        (MAIL, replace(LETTER, reply_to=bad or "x")),
    ):
        with pytest.raises(BadHeader):
            written(mail, letter, [], address=ADDRESS)


@given(text=st.text(max_size=400), name=st.text(min_size=1, max_size=60))
def test_whatever_is_written_the_head_has_the_lines_we_wrote(text: str, name: str):
    try:
        content = written(MAIL, replace(LETTER, text=text, sender=name, subject=name), [], address=ADDRESS)
    except BadHeader:
        assert not name.isprintable()
        return
    message = read(content)
    assert {key.lower() for key in message} == {
        "content-type", "mime-version", "from", "to", "subject", "date", "message-id", "auto-submitted",
        "content-language",
    }  # fmt: skip
    assert len(message["from"].addresses) == 1


def test_files_arrive_byte_for_byte_under_their_names():
    paper, data = bytes(range(256)) * 400, "<x>é</x>".encode()
    files = [
        (Attachment("INV-1.pdf", "application/pdf", nothing), paper),
        (Attachment("INV-1.xml", "application/xml", nothing), data),
    ]

    message = read(written(MAIL, replace(LETTER, text="Grüße\n.\n.."), files, address=ADDRESS))

    body, *attached = message.iter_parts()
    assert body.get_content().replace("\r\n", "\n") == "Grüße\n.\n.."
    assert [(a.get_filename(), a.get_content_type()) for a in attached] == [
        ("INV-1.pdf", "application/pdf"),
        ("INV-1.xml", "application/xml"),
    ]
    assert [a.get_payload(decode=True) for a in attached] == [paper, data]


def test_a_mail_that_servers_do_not_take_is_refused_before():
    with pytest.raises(MailTooLarge):
        written(
            MAIL,
            LETTER,
            [(Attachment("a.pdf", "application/pdf", nothing), bytes(MOST_BYTES))],
            address=ADDRESS,
        )
