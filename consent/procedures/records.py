"""The table of the catalogue of administrative procedures, and its queries."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import PrimaryKeyConstraint, Row, func, insert, select
from sqlalchemy.orm import Mapped, aliased

from identity import database
from identity.columns import Base


class Procedure(Base):
    """One version of one procedure: what it needs, why, on what basis. Appended, never edited."""

    __tablename__ = "procedure"
    __table_args__ = (PrimaryKeyConstraint("code", "version"),)

    code: Mapped[str]  # the national code, e.g. 1.004222
    version: Mapped[int]
    short_name_vi: Mapped[str]
    name_vi: Mapped[str]
    name_en: Mapped[str]
    organisation: Mapped[str]  # who handles it, as the portal words it
    level: Mapped[str]
    basis: Mapped[str]  # request | consent | law
    min_account_level: Mapped[int]
    min_auth_level: Mapped[int]
    legal_basis: Mapped[list[str]]
    purpose_vi: Mapped[str]
    purpose_en: Mapped[str]
    attributes_required: Mapped[list[str]]
    attributes_optional: Mapped[list[str]]
    retention: Mapped[str]  # ISO 8601 duration at the recipient
    verified: Mapped[list[str]]  # which fields were seen in public copies
    source: Mapped[str]  # the file it was imported from
    recorded_at: Mapped[datetime]
    max_auth_age_seconds: Mapped[int | None]  # of the sign-in, at a release; null: any


def newest() -> Sequence[Row[Any]]:
    """The newest version of every procedure."""
    other = aliased(Procedure)
    last = select(func.max(other.version)).where(other.code == Procedure.code).scalar_subquery()
    table = Procedure.__table__
    return database.rows(select(table).where(Procedure.version == last).order_by(Procedure.code))


def version(code: str, number: int) -> Row[Any] | None:
    """One version of one procedure; null: there is none."""
    table = Procedure.__table__
    return database.row(select(table).where(table.c.code == code, table.c.version == number))


def append(version: Mapping[str, Any]) -> None:
    """Add one version of one procedure."""
    database.write(insert(Procedure).values(version))
