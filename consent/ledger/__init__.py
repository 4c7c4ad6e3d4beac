"""The ledger: what citizens decided about their data, and the pages where they do."""

from datetime import timedelta

from flask import Flask

from consent.ledger import events, pages, withdraw
from consent.ledger.answer import Ledger
from identity.granted import approval
from identity.joining import Duty, joined

# Delivered to somebody within seconds (docs/retention.md has how long messages are kept).
EVERY = timedelta(seconds=1)
EXPIRY_EVERY = timedelta(minutes=1)


def join(app: Flask) -> None:
    """Bring the pages, the answer to approval, and what the worker has to do."""
    app.register_blueprint(pages.pages)
    approval.join(Ledger())
    joined().duties += [
        Duty("outbox", EVERY, events.deliver, waits_for_others=True),
        Duty("expiry", EXPIRY_EVERY, withdraw.expire),
    ]
