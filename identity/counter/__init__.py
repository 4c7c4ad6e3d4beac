"""The counter: an officer compares a person with their card, and hands them a new letter."""

from datetime import timedelta

from flask import Flask

from identity.counter import counters, pages
from identity.joining import Check, Purge, joined


def join(app: Flask) -> None:
    """Bring this area's pages and purge."""
    app.register_blueprint(pages.pages)
    app.register_blueprint(pages.help_pages)
    joined().checks.append(Check("counters", counters.look))
    joined().purges.append(Purge("counter_look", "expires_at", timedelta(0)))
