"""The mail server as settings name it: usable, or refused with the remedy and without the password."""

from pathlib import Path

import pytest

from shared.mail.settings import MailUnusable, server_of
from tests.kit.suite import mail_settings
from tests.kit.suite import test_settings as settings_with


def test_without_a_setting_there_is_no_server():
    assert server_of(settings_with()) is None


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("smtps://smtp.example.com", ("smtp.example.com", 465, True, False)),
        ("smtps://smtp.example.com:4650/", ("smtp.example.com", 4650, True, False)),
        ("smtp://smtp.example.com", ("smtp.example.com", 587, False, True)),
        ("smtp://smtp.example.com:25?starttls=required", ("smtp.example.com", 25, False, True)),
        ("smtp://localhost:1025?starttls=off", ("localhost", 1025, False, False)),
    ],
)
def test_a_server_is_reached_by_tls_unless_said_otherwise(url: str, found: tuple[str, int, bool, bool]):
    server = server_of(mail_settings(url))

    assert server is not None
    assert (server.host, server.port, server.tls, server.start_tls) == found
    assert (server.trust is not None) == (server.tls or server.start_tls)


def test_name_and_password_may_have_any_letters():
    server = server_of(mail_settings("smtps://jo%40example.org:p%3Aa%2Fss@smtp.example.com"))

    assert server is not None
    assert (server.user, server.password) == ("jo@example.org", "p:a/ss")
    assert "p:a/ss" not in repr(server)


@pytest.mark.parametrize(
    "url",
    [
        "smtp.example.com",
        "http://smtp.example.com",
        "smtp://",
        "smtp://smtp.example.com:port",
        "smtp://smtp.example.com?starttls=maybe",
        "smtp://smtp.example.com?tls=1",
        "smtp://smtp.example.com/path",
        "smtp://jo:canary@smtp.example.com?starttls=off",
    ],
)
def test_an_address_that_cannot_be_meant_is_refused_without_telling_it(url: str):
    with pytest.raises(MailUnusable) as refused:
        server_of(mail_settings(url))

    assert "BACKOFFICE_SMTP_URL" in str(refused.value)
    assert "canary" not in str(refused.value)


def test_a_server_without_an_address_of_ours_is_refused():
    with pytest.raises(MailUnusable, match="BACKOFFICE_MAIL_FROM"):
        server_of(mail_settings("smtps://smtp.example.com", mail_from=""))


def test_authorities_that_are_not_there_are_refused(tmp_path: Path):
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")

    for file in (tmp_path / "none.pem", empty):
        with pytest.raises(MailUnusable, match="BACKOFFICE_SMTP_CA_FILE"):
            server_of(mail_settings("smtps://smtp.example.com", smtp_ca_file=str(file)))
