"""What an authorization request asks of a person: one item for each decision (design §5)."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from consent.attributes import catalogue
from consent.ledger import records
from consent.procedures.catalogue import Basis, Procedure, procedure
from identity import clock
from identity.provider.approval import Carried, Detail

# The words of the page; a change of their meaning is a new version, and old decisions stay old.
TEXT_VERSION = "1"
SCOPES = "scopes"
# OIDC Core §5.4: which claims a scope asks for, and the attribute that each one tells.
SCOPE_CLAIMS: Mapping[str, Mapping[str, str]] = {
    "profile": {"name": "full_name", "birthdate": "date_of_birth", "gender": "sex"},
    "email": {"email": "contact_email"},
    "phone": {"phone_number": "contact_phone"},
    "address": {"address": "permanent_address"},
}
LIFETIME: Mapping[Basis, timedelta] = {
    Basis.REQUEST: timedelta(days=30),
    Basis.LAW: timedelta(days=30),
    Basis.CONSENT: timedelta(days=365),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing to decide: a procedure for one case, or the scopes together."""

    basis: Basis
    procedure: Procedure | None  # null: the scopes
    case: str | None
    scopes: tuple[str, ...] = ()
    required: tuple[str, ...]  # names of attributes, as in the catalogue
    optional: tuple[str, ...] = ()

    @property
    def attributes(self) -> tuple[str, ...]:
        """Every attribute it asks for."""
        return self.required + self.optional

    @property
    def code(self) -> str | None:
        """The procedure's code; null: the scopes."""
        return self.procedure.code if self.procedure else None

    @property
    def template(self) -> str:
        """Which version of which text a decision about it names."""
        return f"{self.procedure.template if self.procedure else SCOPES}/{TEXT_VERSION}"

    @property
    def purposes(self) -> tuple[str, ...]:
        """What it is for: the procedure's own purpose, or one for each scope."""
        return (self.procedure.code,) if self.procedure else self.scopes

    def written(self, attributes: Iterable[str]) -> tuple[str, ...]:
        """Names as the decision keeps them: those of claims where scopes are decided."""
        wanted = set(attributes)
        if self.procedure is not None:
            return tuple(name for name in self.attributes if name in wanted)
        told = [pair for scope in self.scopes for pair in SCOPE_CLAIMS[scope].items()]
        return tuple(claim for claim, name in told if name in wanted)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the person has to be asked, and what stands already."""

    open: tuple[Item, ...]
    taken: tuple[Carried, ...]
    earlier: frozenset[str]  # attributes that live decisions give this service already


def items(details: Iterable[Detail], scopes: frozenset[str]) -> tuple[Item, ...]:
    """Everything a request asks for, in its order; the scopes last."""
    listed = [_item(detail) for detail in details]
    told = tuple(scope for scope in SCOPE_CLAIMS if scope in scopes)
    if told:
        names = tuple(name for scope in told for name in SCOPE_CLAIMS[scope].values())
        scoped = Item(basis=Basis.CONSENT, procedure=None, case=None, scopes=told, required=names)
        listed.append(scoped)
    return tuple(listed)


def _item(detail: Detail) -> Item:
    asked = procedure(detail.procedure)
    wanted = set(asked.attributes_required if detail.attributes is None else detail.attributes)
    return Item(
        basis=asked.basis,
        procedure=asked,
        case=detail.case,
        required=tuple(name for name in asked.attributes_required if name in wanted),
        optional=tuple(name for name in asked.attributes_optional if name in wanted),
    )


def plan(
    citizen_id: uuid.UUID,
    public_service_id: uuid.UUID,
    *,
    asked: Iterable[Item],
    must_ask: bool = False,
) -> Plan:
    """Which items a live decision covers already, and which are open.

    `must_ask` (prompt=consent) leaves every item open.
    """
    wanted = tuple(asked)
    if not wanted:
        return Plan((), (), frozenset())
    live = records.live_for(citizen_id, public_service_id, at=clock.now())
    earlier = frozenset(name for row in live for name in _names(row))
    if must_ask:
        return Plan(wanted, (), earlier)
    found = [(item, next((row for row in live if covers(row, item)), None)) for item in wanted]
    taken = tuple(carried(row) for _, row in found if row is not None)
    return Plan(tuple(item for item, row in found if row is None), taken, earlier)


def _names(row: Any) -> Iterable[str]:  # noqa: ANN401 - a row of the table
    claims = {c: name for told in SCOPE_CLAIMS.values() for c, name in told.items()}
    return row.attributes if row.procedure else [claims[claim] for claim in row.attributes]


def covers(row: Any, item: Item) -> bool:  # noqa: ANN401 - a row of the table
    """Whether a live decision says exactly this, in words and meanings that have not changed."""
    same = (row.procedure, row.case, row.template) == (item.code, item.case, item.template)
    if not same or set(row.attributes) != set(item.written(item.attributes)):
        return False
    if row.use_budget is not None and not row.uses_left:
        return False
    # An attribute that means something else since then was not decided (security case 51).
    return all(catalogue.attribute(name).meant_since <= row.from_at for name in item.attributes)


def carried(row: Any) -> Carried:  # noqa: ANN401 - a row of the table
    """The decision as a grant carries it."""
    return Carried(
        decision_id=row.decision_id,
        procedure=row.procedure,
        case=row.case,
        basis=row.basis,
        purposes=tuple(row.purposes),
        attributes=tuple(row.attributes),
        until=row.until,
        uses_left=row.uses_left,
    )
