"""Who may call the endpoints that public services call about their own tokens."""

import os
from hashlib import blake2b

from identity import rate
from identity.doors import Request
from identity.errors import InvalidClient
from identity.public_services import credentials, registered
from identity.public_services.registered import Registered
from identity.together import look

# Headers that proved a service to this process, as digests under a key of its own.
MOST_PROVEN = 4096
_proven: dict[bytes, Registered] = {}
_KEY = os.urandom(32)
# What tells in a form of another way to authenticate, or of another service (RFC 6749 §2.3).
_OTHER_WAYS = frozenset({"client_id", "client_secret", "client_assertion", "client_assertion_type"})


def authenticated(request: Request) -> Registered:
    """The public service that proved itself, as often as one service may ask.

    Raises:
        InvalidClient: it did not prove itself.
        TooManyRequests: it asks too often.
    """
    service = _proved(request)
    rate.machines.take(service.client_id)
    return service


def _proved(request: Request) -> Registered:
    """By a header alone that proved it a moment ago, or by whatever it shows (decision 0047)."""
    header = request.header("Authorization")
    if header is None or request.query.names() or not _OTHER_WAYS.isdisjoint(request.form.names()):
        return credentials.authenticate(request)
    digest = blake2b(header.encode(), key=_KEY).digest()
    known = _proven.get(digest)
    # The very registration that it proved: read again, it is another, changed or not.
    if known is not None and registered.find(known.client_id) is known:
        return known
    service = credentials.authenticate(request)
    if len(_proven) >= MOST_PROVEN:
        _proven.clear()
    _proven[digest] = service
    return service


def present(request: Request) -> Registered:
    """The same as it is registered now: for what asks a person and stands in no later statement.

    Raises:
        InvalidClient: it did not prove itself, or what proved it was taken back a moment ago.
        TooManyRequests: it asks too often.
    """
    service = authenticated(request)
    if look(credentials.live_clause(service)) is not None:
        return service
    now = credentials.again(service, request_id=request.request_id)
    if now is None or not now.is_active:
        raise InvalidClient("this service may not ask any more", headers=credentials.CHALLENGE)
    return now
