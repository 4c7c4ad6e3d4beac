"""The client configuration endpoint, RFC 7592 §2: read, change, end what one registered."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from identity import sealing, trail
from identity.database import transaction
from identity.described import Answer
from identity.doors import Door, Request
from identity.entry import Who
from identity.errors import AccessDenied, tell
from identity.messages import NO_STORE, Response
from identity.public_services import credentials, registered
from identity.registration.register import ITSELF, BadRegistrationError, keep
from identity.self_registration import invitations, records
from identity.self_registration.client_registration import (
    METADATA_REFUSED,
    PATH,
    InvalidClientMetadata,
    Told,
    bearer,
    document,
    information,
    kept_digest,
    metadata,
    new_token,
    unauthorized,
)
from identity.self_registration.invitations import Invitation
from identity.self_registration.wire import INFORMATION, RegistrationSchema

# §2.2: what the answer says of the registration, and a change must not.
_OURS = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Managed:
    """A service, and the proof that whoever calls registered it."""

    id: UUID
    client_id: str
    registration: Mapping[str, Any]
    organisation: Mapping[str, Any]  # whose it is now
    secret_digest: bytes | None  # null: it has no secret
    issued_at: datetime
    invitation: Invitation
    is_as_kept: bool  # what is on record is what it put there last, or nobody knows
    token: str = field(repr=False)

    @property
    def digest(self) -> bytes:
        """How the token is stored."""
        return sealing.digest(self.token)

    @property
    def who(self) -> Who:
        """Whom entries are of."""
        return Who(public_service=self.id)


def manager(request: Request) -> Managed:
    """Who holds the registration access token of the service in the path.

    Raises:
        InvalidToken: it is another's, or there is no such service: they look the same (§2).
        TooManyRequests: from this address, too often.
    """
    token = bearer(request)
    client_id = request.params["client_id"]
    row = records.find_registration(client_id, sealing.digest(token))
    if row is None:
        raise unauthorized("manages no such service")
    return Managed(
        id=row.public_service_id,
        client_id=row.client_id,
        registration=row.registration,
        organisation=invitations.organisation(row, whose="owner_"),
        secret_digest=row.secret_digest,
        issued_at=row.registered_at,
        invitation=invitations.read(row),
        is_as_kept=_is_as_kept(row),
        token=token,
    )


def _is_as_kept(row: Any) -> bool:  # noqa: ANN401 - a database row
    if row.owner_id != row.organisation_id:  # an operator gave it to another organisation
        return False
    return row.kept_digest in {None, kept_digest(row.registration)}


def read(_request: Request, managed: Managed) -> Response:
    """What is on record, but for the secret, which nobody can read any more (§2.1)."""
    told = {**managed.registration, "organisation": dict(managed.organisation)}
    return information(Told(managed.client_id, managed.issued_at, managed.token, None), told)


def update(request: Request, managed: Managed) -> Response:
    """What is sent takes the place of everything on record, and a new token that of the old (§2.2).

    Raises:
        AccessDenied: an operator took back what it was registered with, or has changed it since.
        InvalidClientMetadata, InvalidRedirectUri: the description names the member.
        InvalidToken: another request was faster, so this token is not good any more.
    """
    _require_its_own(managed)
    sent = document(request)
    _check_same(sent, managed)
    told = metadata(sent, managed.invitation) | {"client_id": managed.client_id}
    token, _ = new_token()
    fresh = sealing.digest(token)
    with transaction():
        kept = kept_digest(told)
        if not records.change(managed.id, old=managed.digest, new=fresh, kept=kept):
            raise unauthorized("changed meanwhile")
        try:
            organisation_id = managed.invitation.organisation_id
            outcome = keep(
                told,
                organisation_id=organisation_id,
                by=ITSELF,
                instead_of=managed.registration,
            )
        except BadRegistrationError:
            raise unauthorized("changed meanwhile") from None
    registered.forget()
    known = Told(managed.client_id, managed.issued_at, token, outcome.client_secret)
    return information(known, told)


def _require_its_own(managed: Managed) -> None:
    if managed.invitation.ended_at is not None:
        raise AccessDenied("the initial access token was taken back: ask the operator")
    # Else its next change would undo what the operator narrowed.
    if not managed.is_as_kept:
        raise AccessDenied("an operator has changed this registration: ask the operator")


def _check_same(sent: Mapping[str, Any], managed: Managed) -> None:
    """§2.2: a service says who it is, and chooses neither its id nor its secret."""
    for name in _OURS:
        if name in sent:
            raise InvalidClientMetadata(f"{name}: must not be sent")
    if sent.get("client_id") != managed.client_id:
        raise InvalidClientMetadata("client_id: must be the one of this address")
    if "client_secret" in sent and not _is_own(sent["client_secret"], managed):
        raise InvalidClientMetadata("client_secret: must be the one that was issued, or left out")


def _is_own(secret: object, managed: Managed) -> bool:
    if not isinstance(secret, str) or managed.secret_digest is None:
        return False
    return hmac.compare_digest(credentials.secret_digest(managed.id, secret), managed.secret_digest)


def delete(_request: Request, managed: Managed) -> Response:
    """The service is ended, and with it its secret, its tokens and what they allow (§2.3).

    Every statement that a code, token or release rests on has the service's life as a condition.

    Raises:
        AccessDenied: an operator took back what it was registered with, or has changed it since.
        InvalidToken: another request was faster.
    """
    _require_its_own(managed)
    with transaction():
        if not records.end_service(managed.id, managed.digest):
            raise unauthorized("ended meanwhile")
        acting = {"public_service": managed.client_id, "actor": ITSELF}
        trail.record("service:ended", managed.who, subject={"result": "ended"}, acting=acting)
    registered.forget()
    return Response(204, b"", NO_STORE)


_ONE = PATH + "/<client_id>"
_TOLD = Answer("what is on record: RFC 7592 section 3", INFORMATION)
DOORS = (
    Door(
        method="GET",
        path=_ONE,
        function=read,
        guard=manager,
        refusals=tell,
        summary="What a service registered of itself",
        answers={200: _TOLD},
    ),
    Door(
        method="PUT",
        path=_ONE,
        function=update,
        guard=manager,
        refusals=tell,
        summary="Change all of it",
        body=RegistrationSchema,
        answers={200: _TOLD},
        refuses=(*METADATA_REFUSED, AccessDenied),
    ),
    Door(
        method="DELETE",
        path=_ONE,
        function=delete,
        guard=manager,
        refusals=tell,
        summary="End the service",
        answers={204: Answer("it is ended")},
        refuses=(AccessDenied,),
    ),
)
