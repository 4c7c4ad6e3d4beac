"""Put public services on record, or bring what is on record up to date (RFC 7591 §3)."""

import json
import secrets
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from marshmallow import ValidationError

from identity import database, trail
from identity.database import transaction
from identity.entry import Who
from identity.public_services import credentials, records, registered
from identity.public_services.records import Block, Level
from identity.registration import sectors
from identity.registration.wire import ServiceSchema

# Not part of the stored registration: columns of their own, or secret.
APART = ("client_id", "client_secret", "organisation")
OPERATOR, ITSELF = "operator", "registration"  # who put it on record, as the entry says


class BadRegistrationError(ValueError):
    """One registration cannot be taken, and so none of them; the text names the member."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one registration."""

    id: uuid.UUID
    client_id: str
    organisation: str
    outcome: str  # registered | updated | unchanged
    client_secret: str | None = field(repr=False)  # null: none was made now

    def as_json(self) -> dict[str, str]:
        """As `services import` prints it; the secret only here, only once."""
        told = {
            "client_id": self.client_id,
            "organisation": self.organisation,
            "outcome": self.outcome,
        }
        return told if self.client_secret is None else told | {"client_secret": self.client_secret}


def register(documents: Iterable[object]) -> list[Outcome]:
    """Every service is on record as told, in one transaction, or none of them is.

    A service that is known by its `client_id` is brought up to date and keeps its secret, its id
    and its sector, so that its people keep their `sub`.

    Raises:
        BadRegistrationError: a member is unknown, missing, wrong or contradicts another.
    """
    checked = [_checked(document, at) for at, document in enumerate(documents, start=1)]
    _check_apart(checked)
    with transaction():
        outcomes = [_with_organisation(told) for told in checked]
    registered.forget()
    return outcomes


def _checked(document: object, at: int) -> dict[str, Any]:
    try:
        told: dict[str, Any] = ServiceSchema().load(document)  # type: ignore[arg-type] # it checks that
        sectors.check_document(told)
    except ValidationError as fault:
        raise BadRegistrationError(f"service {at}: {'; '.join(complaints(fault))}") from None
    return told


def complaints(fault: ValidationError) -> Iterator[str]:
    """Every complaint with the member it is about, such as `redirect_uris[0]`; never its value."""
    is_whole = isinstance(fault.messages, Mapping)
    return _complaints(fault.messages if is_whole else {fault.field_name: fault.messages})


def _complaints(messages: object, path: str = "") -> Iterator[str]:
    if not isinstance(messages, Mapping):
        texts = messages if isinstance(messages, list) else [messages]
        yield from (f"{path}: {text}".removeprefix(": ").rstrip(".") for text in texts)
        return
    for name, inner in messages.items():
        member = f"{path}[{name}]" if isinstance(name, int) else f"{path}.{name}".lstrip(".")
        yield from _complaints(inner, path if name == "_schema" else member)


def _check_apart(checked: list[dict[str, Any]]) -> None:
    """One file must not say two things about one service or one organisation."""
    ids = [told["client_id"] for told in checked if "client_id" in told]
    if len(set(ids)) != len(ids):
        raise BadRegistrationError("client_id: two services of the file have the same")
    told_of: dict[str, Any] = {}
    for told in checked:
        organisation = told["organisation"]
        if told_of.setdefault(organisation["code"], organisation) != organisation:
            raise BadRegistrationError(
                f"organisation: {organisation['code']} is described in two ways"
            )


def _with_organisation(told: dict[str, Any]) -> Outcome:
    organisation = told["organisation"]
    organisation_id, is_changed = records.keep_organisation(
        organisation["code"],
        name=organisation["name"],
        level=Level(organisation["level"]),
        block=Block(organisation["block"]),
    )
    if is_changed:
        records.raise_versions(organisation_id)
    outcome = keep(told, organisation_id=organisation_id, by=OPERATOR)
    if not is_changed or outcome.outcome != "unchanged":
        return outcome
    _record(outcome.id, outcome.client_id, outcome="updated", by=OPERATOR)
    return replace(outcome, outcome="updated")


def keep(
    told: dict[str, Any],
    *,
    organisation_id: uuid.UUID,
    by: str,
    instead_of: Mapping[str, Any] | None = None,
) -> Outcome:
    """What a checked registration says is on record, in the running transaction.

    Whoever remembers services has to `registered.forget()` after it. `instead_of` is what its
    author read there: something else is somebody else's change.

    Raises:
        BadRegistrationError: somebody else changed the service meanwhile, or it has ended.
    """
    client_id = told.get("client_id") or "svc-" + secrets.token_hex(12)
    row = records.find(client_id)
    if row is not None and not row.is_active:
        raise BadRegistrationError(f"client_id: {client_id} has ended; register another")
    if row is not None and instead_of is not None and row.registration != instead_of:
        raise BadRegistrationError(f"client_id: {client_id} was changed meanwhile; run again")
    public_service_id = database.new_id() if row is None else row.id
    secret = _secret(told, None if row is None else row.secret_digest)
    columns = {
        "organisation_id": organisation_id,
        "registration": stored(told),
        "secret_digest": secret.digest(public_service_id),
        "sector": sectors.sector(
            told, None if row is None else row.sector, may_share=by == OPERATOR
        ),
    }
    if row is None:
        records.add({"id": public_service_id, "client_id": client_id, **columns})
        outcome = "registered"
    else:
        outcome = "updated" if _update(row, columns) else "unchanged"
    if outcome != "unchanged":
        _record(public_service_id, client_id, outcome=outcome, by=by)
    code = told["organisation"]["code"]
    return Outcome(public_service_id, client_id, code, outcome, secret.made)


def stored(told: Mapping[str, Any]) -> dict[str, Any]:
    """What of a registration is kept as it is."""
    return {name: value for name, value in told.items() if name not in APART}


def end(client_id: str) -> None:
    """The service is ended for good, and with it its secret, its tokens and what they allow.

    Every statement that a code, token or release rests on has the service's life as a condition.

    Raises:
        BadRegistrationError: there is no such service, or it had ended.
    """
    with transaction():
        public_service_id = records.end(client_id)
        if public_service_id is None:
            raise BadRegistrationError("no such service, or it has ended before")
        trail.record(
            "service:ended",
            Who(public_service=public_service_id),
            subject={"result": "ended"},
            acting={"public_service": client_id, "actor": OPERATOR},
        )
    registered.forget()


@dataclass(frozen=True, slots=True)
class _Secret:
    """The secret of a registration: told, made now, kept from before, or none."""

    told: str | None = field(default=None, repr=False)
    made: str | None = field(default=None, repr=False)
    kept: bytes | None = field(default=None, repr=False)

    def digest(self, public_service_id: uuid.UUID) -> bytes | None:
        fresh = self.told or self.made
        return self.kept if fresh is None else credentials.secret_digest(public_service_id, fresh)


def _secret(told: Mapping[str, Any], kept: bytes | None) -> _Secret:
    if told["token_endpoint_auth_method"] not in credentials.WITH_SECRET:
        return _Secret()
    if "client_secret" in told:
        return _Secret(told=told["client_secret"])
    return _Secret(kept=kept) if kept is not None else _Secret(made=credentials.new_secret())


def _update(row: Any, columns: dict[str, Any]) -> bool:  # noqa: ANN401 - a database row
    """Whether anything had to be changed."""
    if all(getattr(row, name) == value for name, value in columns.items()):
        return False
    if not records.change(row.id, columns, version=row.version):
        raise BadRegistrationError(f"client_id: {row.client_id} was changed meanwhile; run again")
    return True


def _record(public_service_id: uuid.UUID, client_id: str, *, outcome: str, by: str) -> None:
    trail.record(
        "service:registered",
        Who(public_service=public_service_id),
        subject={"result": outcome},
        acting={"public_service": client_id, "actor": by},
    )


def documents(text: str) -> list[object]:
    """The registrations of a file: one JSON object, or an array of them.

    Raises:
        BadRegistrationError: it is not JSON, or neither of the two.
    """
    try:
        told = json.loads(text, object_pairs_hook=_once_each)
    except (ValueError, RecursionError) as fault:
        raise BadRegistrationError(f"not JSON: {fault}") from None
    if isinstance(told, list) and told:
        return told
    if isinstance(told, dict):
        return [told]
    raise BadRegistrationError("must be one JSON object, or an array of them")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice in one object")
    return members
