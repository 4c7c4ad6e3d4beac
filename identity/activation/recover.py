"""Beginning anew with a counter's letter: what proved the person before proves nobody any more."""

import uuid
from datetime import datetime

from identity import clock
from identity.authentication import records as sign_in_records
from identity.authentication import sessions
from identity.citizens import records as citizen_records
from identity.citizens.people import DEMO, TOTP
from identity.database import AnyRow
from identity.factors import recovery, setups

WHY = "recovery"


def may_begin_anew(letter: AnyRow, account: AnyRow, *, at: datetime) -> bool:
    """Whether a letter, just spent, opens an account that has a password."""
    is_late_enough = letter.recovers_from is not None and letter.recovers_from <= at
    return bool(is_late_enough and account.changed_at < letter.issued_at)


def end_everything(citizen_id: uuid.UUID) -> None:
    """Second factors, known devices, sessions and tokens have ended; inside a transaction.

    Whoever took the account over, and whoever kept the lost telephone, is out.
    """
    # In the order in which a sign-in takes these rows, so that neither waits for the other.
    for kind in (TOTP, DEMO):
        citizen_records.end_factors(citizen_id, kind, at=clock.now())
    recovery.forget(citizen_id)
    setups.end_all(citizen_id)
    sign_in_records.forget_devices(citizen_id)
    sessions.end_all(citizen_id, WHY)
