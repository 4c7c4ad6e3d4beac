"""A letter that a counter gave out can be stopped by whose account it would open."""

from identity import clock, trail
from identity.account import prove
from identity.activation import records
from identity.authentication.lockout import Visit
from identity.authentication.sessions import CitizenSession
from identity.database import transaction


def void_letter(session: CitizenSession, *, visit: Visit) -> bool:
    """The letter opens nothing any more; whether there was one that still would."""
    with transaction():
        was_good = records.void_letter(session.citizen_id, at=clock.now())
        if was_good:
            told = {"subject": {"result": "changed"}, "acting": prove.by(session, visit)}
            trail.record("letter:voided", prove.owner(session), **told)
    return was_good
