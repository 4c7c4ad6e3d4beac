"""Pushed authorization requests, RFC 9126: sent by the service itself, good for one answer.

The person's browser carries nothing but a reference. It may load it again until there is an
answer (§2.2 lets a server allow that), so that a page read twice costs nothing.
"""

import secrets
from collections.abc import Mapping
from datetime import timedelta

from identity import clock, sealing
from identity.errors import InvalidClient
from identity.parameters import Parameters
from identity.public_services import credentials
from identity.public_services.registered import Registered
from identity.requested import pending, request_records, requests, rules
from identity.requested.pending import AlreadyAnswered
from identity.requested.requests import NotSentBack
from identity.requested.wish import Wish
from identity.together import look, together
from identity.tokens import families
from identity.tokens.families import Asker

PREFIX = "urn:ietf:params:oauth:request_uri:"  # RFC 9126 §2.2
LIFETIME = timedelta(seconds=60)
RANDOM_BYTES = 32
# One sentence, whatever was wrong: who tries references learns nothing from it.
REFUSED = "request_uri is unknown, late, answered, or was given to another public service"


class InvalidRequestUri(NotSentBack):
    """The reference leads to no request that could be answered now (RFC 9101 §7)."""

    code, slug = "invalid_request_uri", "invalid-request-uri"


def push(said: Mapping[str, str], asker: Asker, *, in_object: bool) -> str:
    """The request is checked and waits; its reference, which stands for it for a minute.

    Raises:
        Refusal: the first rule that does not hold, as `/authorize` would say it.
        InvalidClient: what proved the service was taken back a moment ago.
    """
    uri = _kept(said, asker.service, in_object=in_object)
    if uri is None:
        now = families.again(asker)
        uri = _kept(said, now, in_object=in_object) if now is not None else None
    if uri is None:
        raise InvalidClient("this service may not ask any more", headers=credentials.CHALLENGE)
    return uri


def _kept(said: Mapping[str, str], service: Registered, *, in_object: bool) -> str | None:
    """The reference; null: the service is no longer registered as we remember it."""
    uri = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    digest, at = sealing.digest(uri), clock.now()
    told = {**said, "client_id": service.client_id}
    wish = requests.reread(told, pushed=digest, in_object=in_object)
    rules.check(wish)
    row = {
        "digest": digest,
        "service": service.id,
        "service_version": service.version,
        "params": pending.kept(wish),
        "now": at,
        "expires": at + LIFETIME,
    }
    return None if together(request_records.push(row)) is None else uri


def find(parameters: Parameters) -> Wish | None:
    """The pushed request that a browser brings the reference of; null: it brings none of ours.

    Whatever else it brings is not looked at (RFC 9101 §5).

    Raises:
        InvalidRequestUri: there is nothing to answer under this reference, for this service.
        NotSentBack: its service or redirect URI is registered no longer.
    """
    if {"client_id", "request_uri"} & set(parameters.repeated()):
        return None
    uri = parameters.one("request_uri")
    if uri is None or not uri.startswith(PREFIX):
        return None
    digest = sealing.digest(uri)
    found = look(request_records.find_pushed(digest))
    if found is None:
        raise InvalidRequestUri(REFUSED, note="pushed: unknown")
    if found["pushed.spent_at"] is not None:
        raise InvalidRequestUri(REFUSED, note="pushed: answered")
    if found["pushed.expires_at"] <= clock.now():
        raise InvalidRequestUri(REFUSED, note="pushed: late")
    wish = pending.reread(found["pushed.params"], pushed=digest)
    if parameters.one("client_id") != wish.public_service.client_id:
        raise InvalidRequestUri(REFUSED, note="pushed: another public service")
    return wish


def spend(digest: bytes) -> None:
    """From now on the request has its answer, inside the transaction of that answer.

    Raises:
        AlreadyAnswered: it had one before, in this browser or another.
    """
    if together(request_records.spend_pushed(digest)) is None:
        raise AlreadyAnswered("this request has been answered already")
