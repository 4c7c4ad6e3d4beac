"""The ledger: what citizens decided about their data, and the pages where they do."""

from datetime import timedelta

from flask import Flask

from consent.ledger import events, pages, withdraw
from consent.ledger.answer import Ledger
from identity import outbox
from identity.granted import approval
from identity.joining import Duty, joined
from identity.managed import rewriting

EXPIRY_EVERY = timedelta(minutes=1)


def join(app: Flask) -> None:
    """Bring the pages, the answer to approval, and what the worker has to do."""
    app.register_blueprint(pages.pages)
    approval.join(Ledger())
    rewriting.on_let_go(withdraw.give_back)
    outbox.carry(withdraw.KIND, events.send)
    joined().duties.append(Duty("expiry", EXPIRY_EVERY, withdraw.expire))
