"""Mail: what a service sends to people outside, by the provider's SMTP server.

A request or event queues a row in its own transaction (`queue_mail`); a worker writes the letter of the rows it refers
to, sends it outside any transaction and keeps what came of it (docs/adr/0038-mail.md). Recipients and contents are in
that row and in the mail, and nowhere else.
"""
