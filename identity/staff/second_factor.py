"""What staff prove beside the password: an authenticator's code, or one of ten printed codes."""

import uuid
from typing import Any

from identity import clock
from identity.authentication import second_factor
from identity.authentication.second_factor import WrongCode
from identity.citizens.people import DEMO, TOTP
from identity.factors import printed_code
from identity.staff import accounts, records

COUNT = 10
FEW = 3  # so few are left that the person should make new ones
PURPOSE = "staff-recovery"


def recovery_codes() -> tuple[str, ...]:
    """Ten new ones, to be shown once."""
    return tuple(printed_code.new() for _ in range(COUNT))


def keep_recovery_codes(staff_id: uuid.UUID, codes: tuple[str, ...]) -> None:
    """These codes are good from now on, and no others; in the running transaction."""
    digests = [printed_code.digests(staff_id, code, purpose=PURPOSE)[0] for code in codes]
    records.replace_recovery_codes(staff_id, digests, at=clock.now())


def spend(row: Any, code: str) -> None:  # noqa: ANN401 - a row of the staff table, held
    """The code proved the second factor and is used up; a fixed demo code is not.

    Raises:
        WrongCode: no factor of this account shows it now, or it was used already.
    """
    factor, typed = accounts.factor_of(row), second_factor.typed(code)
    if factor.kind == DEMO and second_factor.is_fixed_code(factor.secret, typed):
        return
    if factor.kind == TOTP:
        shown = second_factor.matching_step(factor.secret, typed, at=clock.now())
        if shown is not None and records.spend_step(row.id, step=shown):
            return
    if not _is_recovery_code(row.id, code):
        raise WrongCode("this code is wrong or was used already")


def _is_recovery_code(staff_id: uuid.UUID, code: str) -> bool:
    """Whether it was a good one, which is spent now."""
    digits = printed_code.typed(code)
    if digits is None:
        return False
    digests = printed_code.digests(staff_id, digits, purpose=PURPOSE)
    at = clock.now()
    return any(records.spend_recovery_code(staff_id, each, at=at) for each in digests)
