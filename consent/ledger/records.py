"""Tables of the ledger: decisions, the texts people saw, receipts, objections; their queries."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Row,
    Select,
    exists,
    func,
    insert,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from identity import database
from identity.columns import Base
from identity.errors import Refusal
from identity.granted.records import GrantDecision
from identity.together import Clause, Json


class State(StrEnum):
    """Where a decision stands; `transitions.py` says what may follow what."""

    REQUESTED = "requested"
    GIVEN = "given"
    REFUSED = "refused"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    EXHAUSTED = "exhausted"
    SUPERSEDED = "superseded"
    RETURNED = "returned"


class DecisionText(Base):
    """A page text as people saw it, found by its hash: appended, never edited."""

    __tablename__ = "decision_text"

    hash: Mapped[str] = mapped_column(primary_key=True)  # SHA-256, hex
    template: Mapped[str]  # procedure code @ version / page text version
    language: Mapped[str]
    text: Mapped[str]
    recorded_at: Mapped[datetime]


class Decision(Base):
    """One decision about one reuse: appended, never edited.

    The rows that share a decision_id are its history; what may be released now stands in the
    grant's head row (design §4).
    """

    __tablename__ = "decision"
    __table_args__ = (
        PrimaryKeyConstraint("citizen_id", "decision_id", "version"),
        Index("ix_decision_public_service_id", "citizen_id", "public_service_id"),
    )

    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))
    decision_id: Mapped[uuid.UUID]
    version: Mapped[int]  # 1, 2, 3… within one decision; two racing writers collide here
    state: Mapped[State]
    decided_at: Mapped[datetime]
    actor_id: Mapped[uuid.UUID]
    mandate_id: Mapped[uuid.UUID | None]  # null: the citizen decided for themselves
    public_service_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("public_service.id"))
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"))
    procedure: Mapped[str | None]  # null: a decision about scopes
    case: Mapped[str | None]
    basis: Mapped[str]
    purposes: Mapped[list[str]]
    attributes: Mapped[list[str]]
    template: Mapped[str]
    text_hash: Mapped[str] = mapped_column(ForeignKey("decision_text.hash"))
    preview_digest: Mapped[bytes]  # of what the screen showed: values, text version, language
    from_at: Mapped[datetime]
    until: Mapped[datetime]
    use_budget: Mapped[int | None]  # null: no limit
    channel: Mapped[str]  # web
    evidence: Mapped[dict[str, Any]]  # {session, acr, amr}
    language: Mapped[str]


class Receipt(Base):
    """What a person holds in hand after a decision: appended, never edited."""

    __tablename__ = "receipt"
    __table_args__ = (PrimaryKeyConstraint("citizen_id", "decision_id", "version"),)

    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))
    decision_id: Mapped[uuid.UUID]
    version: Mapped[int]
    number: Mapped[str] = mapped_column(unique=True)
    entry_id: Mapped[int]
    body_commit: Mapped[bytes]
    promise: Mapped[str]
    issued_at: Mapped[datetime]


class Objection(Base):
    """A person objects to a reuse: numbered, seen by the security officers."""

    __tablename__ = "objection"
    __table_args__ = (PrimaryKeyConstraint("citizen_id", "id"),)

    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))
    id: Mapped[uuid.UUID]
    number: Mapped[str] = mapped_column(unique=True)
    public_service_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("public_service.id"))
    procedure: Mapped[str | None]
    case: Mapped[str | None]
    sealed_reason: Mapped[bytes]
    raised_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]  # null: not answered yet
    answered_by: Mapped[uuid.UUID | None]  # the security officer
    sealed_answer: Mapped[bytes | None]


_TABLE = Decision.__table__


class DecidedMeanwhile(Refusal):
    """Another request changed the decision first; what it did stands."""

    status, code, slug = 409, "invalid_request", "decided-meanwhile"
    title = "The decision was changed meanwhile"


def appending(entry: Mapping[str, Any]) -> Clause:
    """Adds one row to a decision's history: `appended`; no row where that version exists."""
    params = {f"row_{name}": _as_json(value) for name, value in entry.items()}
    written = f"{_APPEND} ON CONFLICT DO NOTHING RETURNING 1"
    return Clause("appended", f"{written} AS ok", written, params, {"ok": int})


def _as_json(value: Any) -> Any:  # noqa: ANN401 - a column's value
    return Json(value) if isinstance(value, list | dict) else value


_NAMES = tuple(_TABLE.columns.keys())
_APPEND = f"""INSERT INTO decision ({", ".join(f'"{name}"' for name in _NAMES)})
    VALUES ({", ".join(f":row_{name}" for name in _NAMES)})"""  # noqa: S608 - columns of ours


def keep_text(text: Mapping[str, Any]) -> None:
    """The text can be found by its hash; one that is kept already stays as it is."""
    kind = postgresql.insert if database.is_postgresql() else sqlite.insert
    database.write(kind(DecisionText).values(**text).on_conflict_do_nothing())


def text(text_hash: str) -> str:
    """The text as people saw it."""
    found = database.row(select(DecisionText.text).where(DecisionText.hash == text_hash))
    return str(found.text) if found else ""


def history(citizen_id: uuid.UUID, decision_id: uuid.UUID) -> Sequence[Row[Any]]:
    """Every row of one decision, the first one first; none where it is another's or unknown."""
    mine = _TABLE.c.citizen_id == citizen_id
    this = select(_TABLE).where(mine, _TABLE.c.decision_id == decision_id)
    return database.rows(this.order_by(_TABLE.c.version))


def find_newest(citizen_id: uuid.UUID, decision_id: uuid.UUID) -> Row[Any] | None:
    """Where one decision stands; null: unknown, or another citizen's."""
    mine = _TABLE.c.citizen_id == citizen_id
    this = select(_TABLE).where(mine, _TABLE.c.decision_id == decision_id)
    return database.row(this.order_by(_TABLE.c.version.desc()).limit(1))


def newest_of(citizen_id: uuid.UUID) -> Sequence[Row[Any]]:
    """Where each decision of a person stands, the latest first."""
    return database.rows(
        _newest()
        .where(_TABLE.c.citizen_id == citizen_id)
        .order_by(_TABLE.c.from_at.desc(), _TABLE.c.decision_id.desc())
    )


def given(
    citizen_id: uuid.UUID, public_service_id: uuid.UUID, *, procedures: Iterable[str | None]
) -> Sequence[Row[Any]]:
    """Every time a person allowed one public service one of these, the first one first.

    Null among the procedures: the scopes. The first row of each, whatever became of it since.
    """
    this, asked = _TABLE.c, set(procedures)
    wanted = this.procedure.in_([code for code in asked if code is not None])
    return database.rows(
        select(_TABLE)
        .where(
            this.citizen_id == citizen_id,
            this.public_service_id == public_service_id,
            or_(wanted, this.procedure.is_(None)) if None in asked else wanted,
            this.version == 1,
            this.state == State.GIVEN,
        )
        .order_by(this.from_at, this.decision_id)
    )


def live_for(
    citizen_id: uuid.UUID, public_service_id: uuid.UUID, *, at: datetime
) -> Sequence[Row[Any]]:
    """What a person has allowed one public service and still stands, the latest first.

    `uses_left` is what the grants still carry; null: no limit.
    """
    left = (
        select(func.min(GrantDecision.uses_left))
        .where(
            GrantDecision.citizen_id == _TABLE.c.citizen_id,
            GrantDecision.decision_id == _TABLE.c.decision_id,
        )
        .scalar_subquery()
    )
    return database.rows(
        _newest(left.label("uses_left"))
        .where(
            _TABLE.c.citizen_id == citizen_id,
            _TABLE.c.public_service_id == public_service_id,
            _TABLE.c.state == State.GIVEN,
            _TABLE.c.until > at,
        )
        .order_by(_TABLE.c.from_at.desc(), _TABLE.c.decision_id.desc())
    )


def _newest(*more: Any) -> Select[Any]:  # noqa: ANN401 - further columns
    later = _TABLE.alias()
    return select(_TABLE, *more).where(
        ~exists().where(
            later.c.citizen_id == _TABLE.c.citizen_id,
            later.c.decision_id == _TABLE.c.decision_id,
            later.c.version > _TABLE.c.version,
        )
    )


def past_their_time(at: datetime, *, at_most: int) -> Sequence[Row[Any]]:
    """Decisions that grants still carry though their time has passed: (citizen, decision)."""
    both = (GrantDecision.citizen_id, GrantDecision.decision_id)
    return database.rows(select(*both).where(GrantDecision.until <= at).distinct().limit(at_most))


def add_receipt(receipt: Mapping[str, Any]) -> None:
    """The person can hold this in hand from now on."""
    database.write(insert(Receipt).values(**receipt))


def receipts(citizen_id: uuid.UUID, decision_id: uuid.UUID) -> Mapping[int, Row[Any]]:
    """The receipts of one decision, by the version they are for."""
    table = Receipt.__table__
    mine = select(table).where(table.c.citizen_id == citizen_id, table.c.decision_id == decision_id)
    return {row.version: row for row in database.rows(mine)}


def objections_of(citizen_id: uuid.UUID) -> Sequence[Row[Any]]:
    """What a person has objected to, the latest first."""
    table = Objection.__table__
    mine = select(table).where(table.c.citizen_id == citizen_id)
    return database.rows(mine.order_by(table.c.raised_at.desc()))
