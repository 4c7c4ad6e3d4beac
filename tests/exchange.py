"""What a release stands on: catalogues, filled registers, a grant with a decision, a token."""

import json
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import insert, select
from werkzeug.test import TestResponse

from consent.attributes import publish as attributes_file
from consent.procedures import publish as procedures_file
from consent.registers.fill import Filled, fill
from identity import clock, database, sealing, settings
from identity.database import new_id, transaction
from identity.entry import open_part
from identity.granted import grants
from identity.granted.approval import Carried
from identity.granted.claims import details
from identity.granted.gate import TokenRef, seal_ref
from identity.granted.records import TokenFamily
from identity.public_services import registered
from identity.signing import tokens
from identity.trail import AccessEntry, EntryKey
from tests.people import Somebody
from tests.public_services import Played

PROCEDURE, CASE = "1.004222", "HS-2026-000117"


def publish_catalogues() -> None:
    """The packaged catalogues stand; again, nothing changes."""
    attributes_file.publish_registers(attributes_file.packaged("registers.csv"))
    attributes_file.publish(attributes_file.packaged("catalogue.csv"))
    procedures_file.publish(procedures_file.packaged(), askable=attributes_file.askable())


def told(person: Somebody, attribute: str, value: Any, **more: Any) -> dict[str, Any]:
    """A line of a register's file."""
    line = {"national_id": person.national_id, "attribute": attribute, "value": value}
    return line | {"as_of": clock.today().isoformat()} | more


def fill_register(register: str, *lines: Any) -> tuple[Filled, list[str]]:
    """What the import did, and what it said of bad lines."""
    said: list[str] = []
    raw = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    filled = fill(
        register,
        raw,
        tell=lambda number, fault: said.append(f"line {number}, {fault}"),
        advance=lambda _read: None,
    )
    return filled, said


@dataclass(frozen=True, kw_only=True)
class Given:
    """A decision that a person gave one public service, and a token for it."""

    person: Somebody
    service: Played
    carried: tuple[Carried, ...]
    grant_id: uuid.UUID
    family_id: uuid.UUID
    token: str = field(repr=False)

    @property
    def decision_id(self) -> uuid.UUID:
        """The first decision."""
        return self.carried[0].decision_id


def decision(*attributes: str, **told: Any) -> Carried:
    """A decision of the kind *request*, for thirty days."""
    columns = {
        "decision_id": new_id(),
        "procedure": PROCEDURE,
        "case": CASE,
        "basis": "request",
        "purposes": ("procedure",),
        "attributes": attributes,
        "until": clock.now() + timedelta(days=30),
        "uses_left": None,
    }
    return Carried(**columns | told)


def give(person: Somebody, service: Played, *carried: Carried) -> Given:
    """The person let the service have these; it holds a token."""
    known = registered.find(service.client_id)
    with transaction():
        grant_id = grants.open_grant(
            citizen_id=person.citizen_id,
            actor_id=person.citizen_id,
            mandate_id=None,
            public_service_id=known.id,
            scope="openid",
            decisions=carried,
        )
        family_id = new_id()
        database.write(insert(TokenFamily), _family(person, known.id, grant_id, family_id))
    ref = TokenRef(person.citizen_id, grant_id, 1, family_id)
    return Given(
        person=person,
        service=service,
        carried=carried,
        grant_id=grant_id,
        family_id=family_id,
        token=sign(service, ref, carried),
    )


def sign(service: Played, ref: TokenRef, carried: tuple[Carried, ...], **members: Any) -> str:
    """A token for those decisions."""
    token = {
        "audience": settings.current().api_audience,
        "subject": "pairwise",
        "public_service": service.client_id,
        "reference": seal_ref(ref),
        "details": details(carried),
        "assurance": "vn:auth:2",
        "authenticated_at": clock.now(),
    }
    return tokens.sign_access_token(tokens.AccessToken(**token | members))


def _family(person: Somebody, service_id: Any, grant_id: Any, family_id: Any) -> dict[str, Any]:
    return {
        "citizen_id": person.citizen_id,
        "id": family_id,
        "grant_id": grant_id,
        "public_service_id": service_id,
        "session_id": None,
        "sub": "pairwise",
        "scope": "openid",
        "claims": {},
        "created_at": clock.now(),
        "expires_at": clock.now() + timedelta(hours=1),
        "ended_at": None,
        "ended_by": None,
    }


def ask(client: FlaskClient, given: Given, **body: Any) -> TestResponse:
    """`POST /api/attributes` with the token."""
    headers = {"Authorization": f"Bearer {given.token}"}
    return client.post("/api/attributes", json=body, headers=headers)


@dataclass(frozen=True)
class Written:
    """One entry of the log, both parts opened."""

    id: int
    type: str
    subject: dict[str, Any]
    acting: dict[str, Any]


def entries(citizen_id: uuid.UUID) -> list[Written]:
    """What the log says about a person, oldest first."""
    return find_entries(AccessEntry.citizen_id == citizen_id)


def find_entries(*where: Any) -> list[Written]:
    """The entries of which that is true, oldest first."""
    joined = (EntryKey.citizen_id == AccessEntry.citizen_id) & (EntryKey.entry_id == AccessEntry.id)
    found = database.rows(
        select(
            AccessEntry.__table__, EntryKey.subject_wrapped, EntryKey.actor_wrapped, EntryKey.kek_id
        )
        .join(EntryKey, joined)
        .where(*where)
        .order_by(AccessEntry.id)
    )
    return [
        Written(
            row.id,
            row.type,
            _part(row.sealed_subject, row.subject_wrapped, row, commit=row.c_subject),
            _part(row.sealed_actor, row.actor_wrapped, row, commit=row.c_actor),
        )
        for row in found
    ]


def _part(sealed: bytes, wrapped: bytes, row: Any, *, commit: bytes) -> dict[str, Any]:
    key = sealing.ring().unwrap(wrapped, row.kek_id)
    is_subject = commit == row.c_subject
    return told_by_callers(open_part(sealed, key, commit=commit, is_subject=is_subject))


def told_by_callers(stored: bytes) -> dict[str, Any]:
    """A part without what every entry says of its columns: `consent/test_tampering.py` has that."""
    bound = {"citizen_id", "actor_id", "public_service_id"}
    return {name: told for name, told in json.loads(stored).items() if name not in bound}
