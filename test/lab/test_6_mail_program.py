# SPDX-License-Identifier: ISC
"""The real Dovecot serves the Maildirs with the same passwords, so that people who use a mail
program read their letters there.
"""
import email
import imaplib

import pytest

from client import message
from dovecot import Imap
from peers import plain_server

ADA, ADA_ALIAS = "ada@example.test", "ada@secure.example.test"


@pytest.fixture
def imap(client, dovecot):
    connection = Imap(client, dovecot)
    yield connection
    connection.shutdown()


def test_a_mail_program_reads_the_letter_by_imap(siegel, imap, peer, sealed_canary):
    peer("no-starttls.test", plain_server)
    there = "dave@no-starttls.test"
    siegel.submit(ADA, ADA_ALIAS, there, message(ADA_ALIAS, there, sealed_canary))
    siegel.letter(ADA, sealed_canary)
    imap.login(ADA, siegel.password)
    imap.select("INBOX")
    _, (found,) = imap.search(None, "BODY", sealed_canary)
    assert found
    _, parts = imap.fetch(found.split()[-1], "(RFC822)")
    letter = email.message_from_bytes(parts[0][1])
    assert letter.get_content_type() == "multipart/report"
    assert "starttls-not-supported" in letter.as_string()


def test_a_wrong_password_does_not_open_the_mailbox(imap):
    with pytest.raises(imaplib.IMAP4.error):
        imap.login(ADA, "wrong")


def test_a_changed_password_counts_for_imap_too(siegel, imap):
    siegel.add_user("imap")
    siegel.ctl("user", "passwd", "imap@example.test", stdin="another password\n")
    with pytest.raises(imaplib.IMAP4.error):
        imap.login("imap@example.test", siegel.password)
    imap.login("imap@example.test", "another password")


def test_what_imap_has_read_is_not_delivered_again(siegel, imap, open_canary):
    """Dovecot moves a message from new to cur; a restart of the mailbox role must not mind."""
    siegel.submit(ADA, ADA, ADA, message(ADA, ADA, open_canary))
    siegel.receives(ADA, open_canary)
    imap.login(ADA, siegel.password)
    imap.select("INBOX")
    imap.search(None, "ALL")
    siegel.kill("mailbox")
    siegel.role("mailbox")
    siegel.is_done_with(open_canary)
    siegel.receives(ADA, open_canary)
