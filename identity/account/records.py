"""What an account has to prove itself with, as its owner's page shows it."""

import uuid
from typing import Any

from sqlalchemy import Row, func, select

from identity import database
from identity.activation.records import ActivationLetter
from identity.citizens.people import TOTP
from identity.citizens.records import CitizenPassword, SecondFactor


def password(citizen_id: uuid.UUID) -> Row[Any] | None:
    """The password's hash and its age; null: the account has none."""
    kept = select(CitizenPassword.hash, CitizenPassword.changed_at)
    return database.row(kept.where(CitizenPassword.citizen_id == citizen_id))


def standing(citizen_id: uuid.UUID) -> Row[Any] | None:
    """How old password and authenticator app are, and the newest letter; null: there is none."""
    app = (
        SecondFactor.citizen_id == citizen_id,
        SecondFactor.kind == TOTP,
        SecondFactor.ended_at.is_(None),
    )
    since = select(func.max(SecondFactor.created_at)).where(*app).scalar_subquery()
    letter, password = ActivationLetter, CitizenPassword
    told = (letter.unit, letter.issued_at, letter.expires_at, letter.spent_at, letter.recovers_from)
    found = select(password.changed_at, since.label("app_since"), *told)
    mine = letter.citizen_id == password.citizen_id
    return database.row(found.outerjoin(letter, mine).where(password.citizen_id == citizen_id))
