"""Who looked: entries of the log, opened to be read, and the security officers' review of it."""

from typing import TYPE_CHECKING

from consent.looks import pages, security
from identity.account import events

if TYPE_CHECKING:
    from flask import Flask


def join(app: "Flask") -> None:
    """Bring the officers' pages; the citizens' are those of `consent.my`."""
    app.register_blueprint(pages.pages)
    events.join(security.latest)
