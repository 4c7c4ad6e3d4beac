"""An operator lets somebody enrol: a link without a secret, and a code that is told apart from it.

A link is kept by histories, proxies and previews of messages, so it may not open anything
(`docs/decisions/0020-a-link-and-a-code.md`).
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from identity import clock, settings, trail
from identity.database import new_id, transaction
from identity.entry import Who
from identity.factors import printed_code
from identity.staff import accounts, change
from identity.staff import records as staff
from identity.staff.accounts import NO_FACTOR
from identity.staff.add import NewStaff, account, known_form, put
from identity.staff_enrolment import records

LIFETIME = timedelta(hours=72)
PURPOSE = "staff-enrolment"


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the operator hands over."""

    username: str
    link: str
    code: str = field(repr=False)
    ends_at: datetime


def invite(new: NewStaff) -> Invitation:
    """The account exists without a password, and its owner may enrol within 72 hours.

    Raises:
        add.UnfitAccount: the account cannot be made as it was told.
        add.ExcludedRole: the person has a role that excludes this one.
    """
    row = account(new)
    with transaction():
        return _open(put(row), known_form(new.username))


def reset(username: str) -> Invitation:
    """Password, second factor and sessions have ended at once; the owner may enrol anew.

    Raises:
        change.NoSuchStaff: nobody works here under this name.
    """
    row, at = change.member(username), clock.now()
    with transaction():
        void = accounts.sealed_factor(row, NO_FACTOR)
        if not staff.change(row.id, password_hash="", sealed_factor=void, changed_at=at):
            raise change.NoSuchStaff("nobody works here under this name any more")
        staff.replace_recovery_codes(row.id, (), at=at)
        staff.end_sessions(row.id, at=at)
        records.end(row.id, at=at)
        invitation = _open(row.id, row.username)
        trail.record("staff:reset", Who(), subject=change.about(row))
    return invitation


def digests(enrolment_id: uuid.UUID, code: str) -> tuple[bytes, ...]:
    """Under which digests the code of this link may stand; nobody tries codes without our key."""
    return printed_code.digests(enrolment_id, code, purpose=PURPOSE)


def _open(staff_id: uuid.UUID, username: str) -> Invitation:
    enrolment_id, at, code = new_id(), clock.now(), printed_code.new()
    records.add(
        {
            "id": enrolment_id,
            "staff_id": staff_id,
            "code_digest": digests(enrolment_id, code)[0],
            "created_at": at,
            "expires_at": at + LIFETIME,
        }
    )
    link = f"{settings.current().issuer}/staff/enrol/{enrolment_id}"
    return Invitation(username, link, code, at + LIFETIME)
