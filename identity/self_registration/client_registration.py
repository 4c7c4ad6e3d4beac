"""The client registration endpoint, RFC 7591 §3 and OpenID Connect Dynamic Registration §3."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from marshmallow import ValidationError

from identity import clock, rate, sealing, settings
from identity.database import transaction
from identity.described import Answer
from identity.doors import Door, Request
from identity.errors import InvalidRequest, InvalidToken, Refusal, tell
from identity.messages import NO_STORE, Response, json_response
from identity.public_services import registered
from identity.registration import sectors
from identity.registration.register import ITSELF, complaints, keep, stored
from identity.self_registration import invitations, records
from identity.self_registration.invitations import Invitation
from identity.self_registration.wire import INFORMATION, RegistrationSchema
from identity.written import sorted_json

PATH = "/register"
# One address at once, and for ever after; whoever has no token is looked up that often at most.
strangers = rate.Limit(per_second=10, burst=1_000)
NOT_VALID = "the token is missing, unknown, used up or over"


class InvalidRedirectUri(Refusal):
    """An address that nobody may be sent to (RFC 7591 §3.2.2)."""

    code, slug = "invalid_redirect_uri", "invalid-redirect-uri"
    title = "A redirect URI is not valid"


class InvalidClientMetadata(Refusal):
    """Another member cannot be as it was sent (RFC 7591 §3.2.2)."""

    code, slug = "invalid_client_metadata", "invalid-client-metadata"
    title = "A member of the registration is not valid"


class UnapprovedSoftwareStatement(Refusal):
    """Nobody's software statements are believed here (RFC 7591 §3.2.2)."""

    code, slug = "unapproved_software_statement", "unapproved-software-statement"
    title = "Software statements are not taken"


@dataclass(frozen=True, slots=True)
class Told:
    """What is answered about a registration, beside its metadata."""

    client_id: str
    issued_at: datetime
    token: str = field(repr=False)
    secret: str | None = field(repr=False)  # null: none was made now


def register(request: Request, invited: Invitation) -> Response:
    """The service is on record, as far as the initial access token allows.

    Raises:
        InvalidRedirectUri, InvalidClientMetadata: the description names the member.
        UnapprovedSoftwareStatement: one was sent.
        InvalidToken: the token was used up or taken back meanwhile.
    """
    told = metadata(document(request), invited)
    token, at = new_token()
    with transaction():
        if not records.spend_invitation(invited.id):
            raise unauthorized("used up meanwhile")
        outcome = keep(told, organisation_id=invited.organisation_id, by=ITSELF)
        records.add_registration(
            {
                "public_service_id": outcome.id,
                "invitation_id": invited.id,
                "digest": sealing.digest(token),
                "kept_digest": kept_digest(told),
                "created_at": at,
                "changed_at": at,
            }
        )
    registered.forget()
    known = Told(outcome.client_id, at, token, outcome.client_secret)
    return information(known, told, status=201)


def kept_digest(told: Mapping[str, Any]) -> bytes:
    """By what a registration is known again: what a service put on record, or an operator since."""
    return hashlib.sha256(sorted_json(stored(told)).encode()).digest()


def new_token() -> tuple[str, datetime]:
    """A fresh registration access token, and when it was made."""
    return secrets.token_urlsafe(32), clock.now()


def document(request: Request) -> dict[str, Any]:
    """The members that were sent; one that is null was not (RFC 7592 §2.2)."""
    read = request.json()
    if not isinstance(read, dict):
        raise InvalidRequest("send one JSON object")
    return {name: value for name, value in read.items() if value is not None}


def metadata(sent: Mapping[str, Any], invited: Invitation) -> dict[str, Any]:
    """The metadata to keep: what was sent and is known, with defaults, within the policy.

    Raises:
        InvalidRedirectUri, InvalidClientMetadata: the description names the member.
        UnapprovedSoftwareStatement: one was sent.
    """
    if "software_statement" in sent:
        raise UnapprovedSoftwareStatement("no software statement is believed here: send members")
    name = invited.organisation["name"]
    try:
        completed = {"client_name": name, **invited.policy.defaults(sent), **sent}
        told: dict[str, Any] = RegistrationSchema().load(completed)
        invited.policy.check(told)
        told["organisation"] = dict(invited.organisation)
        sectors.check_document(told)
    except ValidationError as fault:
        raise _refusal(list(complaints(fault))) from None
    return told


def _refusal(found: list[str]) -> Refusal:
    is_address = any(complaint.startswith("redirect_uris") for complaint in found)
    kind = InvalidRedirectUri if is_address else InvalidClientMetadata
    return kind(_sayable("; ".join(found)))


def _sayable(text: str) -> str:
    """In the characters that a description may have (RFC 6749 §5.2)."""
    plain = text.replace('"', "'").replace("\\", "/").replace("§", "section ").replace("…", "...")
    return plain.encode("ascii", "replace").decode()[:1_000]


def information(known: Told, told: Mapping[str, Any], *, status: int = 200) -> Response:
    """Everything on record of the service (RFC 7591 §3.2.1, RFC 7592 §3)."""
    here = settings.current().issuer
    said: dict[str, Any] = {
        "client_id": known.client_id,
        "client_id_issued_at": int(known.issued_at.timestamp()),
        "registration_access_token": known.token,
        "registration_client_uri": f"{here}{PATH}/{known.client_id}",
    }
    if known.secret is not None:
        said |= {"client_secret": known.secret, "client_secret_expires_at": 0}  # 0: never
    kept = stored(told)
    organisation = {"organisation": told["organisation"]}
    return json_response(said | kept | organisation, status, headers=NO_STORE)


def bearer(request: Request) -> str:
    """The token of a request, which comes in its header alone (RFC 6750 §2.1).

    Raises:
        InvalidToken: none was sent; RFC 6750 §3.1: then no error is named.
    """
    strangers.take(request.remote)
    scheme, _, text = (request.header("Authorization") or "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        challenge = f'Bearer realm="{settings.current().host}"'
        raise InvalidToken(NOT_VALID, headers=(("WWW-Authenticate", challenge),))
    return text.strip()


def unauthorized(note: str) -> InvalidToken:
    """The one refusal of every token that is not good here, whatever it lacks."""
    said = f'error="invalid_token", error_description="{NOT_VALID}"'
    challenge = f'Bearer realm="{settings.current().host}", {said}'
    headers = (("WWW-Authenticate", challenge),)
    return InvalidToken(NOT_VALID, note=f"registration: {note}", headers=headers)


def invited(request: Request) -> Invitation:
    """Who holds an initial access token that is good.

    Raises:
        InvalidToken: none, or one that is unknown, used up, over or taken back: they look the same.
        TooManyRequests: from this address, too often.
    """
    found = invitations.find(bearer(request))
    if found is None:
        raise unauthorized("no such invitation")
    return found


METADATA_REFUSED = (InvalidRedirectUri, InvalidClientMetadata, UnapprovedSoftwareStatement)
DOORS = (
    Door(
        method="POST",
        path=PATH,
        function=register,
        guard=invited,
        refusals=tell,
        summary="Register a public service with an initial access token",
        body=RegistrationSchema,
        answers={201: Answer("what is on record: RFC 7591 section 3.2.1", INFORMATION)},
        refuses=METADATA_REFUSED,
    ),
)
