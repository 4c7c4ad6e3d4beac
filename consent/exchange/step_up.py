"""Whether the person signed in strongly and lately enough for a procedure: RFC 9470."""

from datetime import timedelta

from consent.exchange.coverage import Decided
from consent.procedures.catalogue import Procedure, procedure
from identity import clock, errors
from identity.requested import acr
from identity.signing.tokens import AccessToken


class StepUpNeeded(errors.InvalidToken):
    """The sign-in behind this token is too weak or too old for the procedure (RFC 9470 §3)."""

    code, slug = "insufficient_user_authentication", "step-up-needed"
    title = "The person has to sign in again, or more strongly"


def challenge(token: AccessToken, decided: Decided) -> str | None:
    """What the next sign-in has to be, as members of a challenge; null: this one will do.

    The level of a procedure may have been raised since the person was asked, and a refresh token
    brings the sign-in that it began with.
    """
    needed = procedure(decided.procedure)
    return _level(token, needed) + _age(token, needed) or None


def _level(token: AccessToken, needed: Procedure) -> str:
    if acr.level(token.assurance) >= needed.min_auth_level:
        return ""
    return f', acr_values="{acr.value(needed.min_auth_level)}"'


def _age(token: AccessToken, needed: Procedure) -> str:
    limit, at = needed.max_auth_age_seconds, token.authenticated_at
    if limit is None or (at is not None and clock.now() - at <= timedelta(seconds=limit)):
        return ""
    return f', max_age="{limit}"'
