"""The OpenID Provider."""

from datetime import timedelta

from flask import Flask

from identity import doors
from identity.authentication import asking, sessions
from identity.joining import Duty, Purge, joined
from identity.provider import (
    discovery,
    families,
    grants,
    introspection,
    pages,
    revocation,
    token,
    userinfo,
)

# A spent code or token is kept a while, so that its replay is still recognised; a family longer
# than its refresh tokens, which name it.
PURGES = (
    Purge("authorization_code", "expires_at", timedelta(days=1)),
    Purge("refresh_token", "expires_at", timedelta(days=1)),
    Purge("token_family", "expires_at", timedelta(days=2)),
    Purge("revoked_token", "expires_at", timedelta(hours=1)),
    Purge("authorization_request", "expires_at", timedelta(hours=1)),
)

SWEEP_EVERY = timedelta(seconds=10)


def join(app: Flask) -> None:
    """Bring this area's doors, pages, commands, duties and purges."""
    for endpoint in (discovery, token, userinfo, introspection, revocation):
        doors.add(app, endpoint.DOORS)
    doors.describe(app, pages.DESCRIBED)
    app.register_blueprint(pages.pages)
    asking.join(pages.find_asking)
    sessions.on_end(families.end_with_session)
    joined().purges.extend(PURGES)
    joined().duties.append(Duty("grants", SWEEP_EVERY, grants.sweep))
