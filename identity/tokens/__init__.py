"""Codes, refresh tokens and the families they start: what a grant is carried by."""

from datetime import timedelta

from flask import Flask

from identity.authentication import sessions
from identity.joining import Purge, joined
from identity.tokens import families

# A spent code or token is kept a while, so that its replay is still recognised; a family longer
# than its refresh tokens, which name it.
PURGES = (
    Purge("authorization_code", "expires_at", timedelta(days=1)),
    Purge("refresh_token", "expires_at", timedelta(days=1)),
    Purge("token_family", "expires_at", timedelta(days=2)),
    Purge("revoked_token", "expires_at", timedelta(hours=1)),
)


def join(app: Flask) -> None:
    """Bring this area's purges, and end a session's tokens with it."""
    _ = app
    sessions.on_end(families.end_with_session)
    joined().purges.extend(PURGES)
