"""Signing in, staying signed in, and signing out."""

from datetime import timedelta

from flask import Flask

from identity.authentication import asking, pages, sessions
from identity.citizens import enrolment
from identity.joining import Purge, joined


def join(app: Flask) -> None:
    """Bring this area's pages and purges, and end sessions where an account is barred."""
    sessions.begin()
    asking.join(None)
    enrolment.on_barred(sessions.end_all)
    app.register_blueprint(pages.pages)
    joined().purges.extend(
        (
            Purge("citizen_session", "expires_at", timedelta(days=30)),
            Purge("sign_in_step", "expires_at", timedelta(0)),
            Purge("attempt_budget", "expires_at", timedelta(0)),
            Purge("known_device", "last_at", timedelta(days=365)),
        )
    )
