"""What an account has to prove itself with, as its owner's page shows it."""

import uuid
from typing import Any

from sqlalchemy import Row, func, select

from identity import database
from identity.citizens.people import TOTP
from identity.citizens.records import CitizenPassword, SecondFactor


def password(citizen_id: uuid.UUID) -> Row[Any] | None:
    """The password's hash and its age; null: the account has none."""
    kept = select(CitizenPassword.hash, CitizenPassword.changed_at)
    return database.row(kept.where(CitizenPassword.citizen_id == citizen_id))


def app_since(citizen_id: uuid.UUID) -> Any:  # noqa: ANN401 - a moment or null, as the type says
    """Since when the person's authenticator app is the one of now; null: there is none."""
    app = (
        SecondFactor.citizen_id == citizen_id,
        SecondFactor.kind == TOTP,
        SecondFactor.ended_at.is_(None),
    )
    row = database.row(select(func.max(SecondFactor.created_at).label("since")).where(*app))
    return None if row is None else row.since
