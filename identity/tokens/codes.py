"""Authorization codes: issued for one grant, redeemed once, dead after 60 seconds (RFC 6749 §4.1).

There is no grace: of several redemptions at most one succeeds, and then its tokens die.
"""

import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from identity import clock, database, sealing
from identity.errors import InvalidGrant
from identity.granted import grants, resources
from identity.granted.claims import Earned
from identity.public_services.registered import Registered
from identity.together import Answer, Clause, look, together
from identity.tokens import code_records, families, pkce
from identity.tokens.families import Asker, Standing

PURPOSE = "code"
REFRESH_PURPOSE = "refresh"
LIFETIME = timedelta(seconds=60)
# One sentence, whatever was wrong: who tries codes learns nothing from it.
REFUSED = "the code is wrong, spent, late, or was given for another request"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCode:
    """What a code stands for, until it is redeemed."""

    citizen_id: uuid.UUID
    grant_id: uuid.UUID
    public_service_id: uuid.UUID
    session_id: uuid.UUID
    redirect_uri: str
    code_challenge: str | None  # null: a confidential service registered without PKCE
    sub: str | None  # null: what the condition `subject` of its statement finds
    scope: str
    earned: Earned
    sender_key: str | None = None  # null: whoever redeems it may do so with any key, or none
    # Of what a public service polls with, which is then the code, and how long; null: a new code.
    polled: tuple[bytes, datetime] | None = None


@dataclass(frozen=True, slots=True)
class Redemption:
    """What is sent to redeem a code (RFC 6749 §4.1.3, RFC 7636 §4.5, RFC 9449 §10)."""

    code: str = field(repr=False)
    redirect_uri: str
    verifier: str | None = field(repr=False)
    proof: str | None = None  # thumbprint of the key that proved itself; null: none did
    resources: tuple[str, ...] = ()  # what the access token is for; empty: as was authorized

    @property
    def challenge(self) -> str | None:
        """The challenge this verifier answers; null: none was sent."""
        return None if self.verifier is None else pkce.challenge_of(self.verifier)


@dataclass(frozen=True, slots=True)
class Bought:
    """What a redemption bought: the family, and its first refresh token if there is one."""

    standing: Standing
    refresh_token: str | None = field(repr=False)
    service: Registered  # as the statement found it, which may be newer than who asked

    def told(self, asker: Asker) -> Asker:
        """Whom the tokens are for: who asked, as it is registered now."""
        return asker if self.service is asker.service else replace(asker, service=self.service)


def issue(new: NewCode) -> str:
    """The code, on record: in the running transaction, or at once."""
    code, clause = issuing(new)
    together(clause)
    return code


def issuing(new: NewCode, *, after: tuple[str, ...] = ()) -> tuple[str, Clause]:
    """The code, and the clause that puts it on record once the conditions of `after` hold."""
    now = clock.now()
    code, digest, until = _new(new, now)
    params = {
        "code_citizen": new.citizen_id,
        "code_digest": digest,
        "code_grant": new.grant_id,
        "code_service": new.public_service_id,
        "code_session": new.session_id,
        "code_redirect_uri": new.redirect_uri,
        "code_challenge": new.code_challenge,
        "code_scope": new.scope,
        "code_claims": new.earned.stored(),
        "code_now": now,
        "code_until": until,
        "code_family": database.new_id(),
        "code_sender_key": new.sender_key,
    }
    if new.sub is not None:
        params["code_sub"] = new.sub
    return code, code_records.issuing(params, after)


def _new(new: NewCode, now: datetime) -> tuple[str, bytes, datetime]:
    """A code's text, empty where the service has it already; its digest, and until when."""
    if new.polled is not None:
        digest, until = new.polled
        return "", digest, max(until, now + LIFETIME)
    return *sealing.new_handle(new.citizen_id, PURPOSE), now + LIFETIME


def redeem(redemption: Redemption, asker: Asker) -> Bought:
    """The code is spent, and the family it bought lives.

    Raises:
        InvalidGrant: unknown, late, spent, another service's, another redirect URI's, not
            proved, or its grant has ended. A code used twice ends what it bought.
        InvalidClient: what proved the service was taken back a moment ago.
    """
    try:
        key = sealing.open_handle(redemption.code, PURPOSE)
    except (sealing.Unreadable, ValueError):
        raise InvalidGrant(REFUSED, note="code: not ours") from None
    return redeem_known(redemption, asker, key=key)


def redeem_known(redemption: Redemption, asker: Asker, *, key: tuple[uuid.UUID, bytes]) -> Bought:
    """The same of a code whose person and digest are known.

    Raises:
        InvalidGrant, InvalidClient: as for `redeem`.
        InvalidTarget: a resource that was not authorized; nothing is spent.
    """
    _require_target(redemption, asker, key=key)
    bought = _try(redemption, asker, key=key)
    if bought is None:
        asker.spend_proof()  # before anything is looked at: whoever repeats a proof ends nothing
        reason = _why_not(redemption, asker, key=key)
        service = families.again(asker) if reason == "changed" else None
        bought = _try(redemption, replace(asker, service=service), key=key) if service else None
        if bought is None:
            families.leave_mark(asker, key[0], reason=f"code: {reason}")
            raise InvalidGrant(REFUSED, note=f"code: {reason}")
    return bought


def _require_target(redemption: Redemption, asker: Asker, *, key: tuple[uuid.UUID, bytes]) -> None:
    """RFC 8707 §2.2. Who names no resource causes no look, and who may not redeem is told later."""
    if not redemption.resources:
        return
    asker.spend_proof()
    found = look(code_records.found(*key))
    if found is not None and _mismatch(found, redemption, asker=asker) is None:
        granted = Earned.read(found["code.claims"]).resources
        resources.require(redemption.resources, granted=granted)


def _try(redemption: Redemption, asker: Asker, *, key: tuple[uuid.UUID, bytes]) -> Bought | None:
    service = asker.service
    wants_refresh = "refresh_token" in service.grant_types
    refresh_token, params = None, _params(redemption, service, key=key)
    if wants_refresh:
        refresh_token, params["refresh_digest"] = sealing.new_handle(key[0], REFRESH_PURPOSE)
    clauses = code_records.redeeming(params, with_refresh=wants_refresh)
    answer = asker.buy(*clauses, after="family")
    return None if answer is None else Bought(_standing(answer, key[0]), refresh_token, service)


def _params(
    redemption: Redemption, service: Registered, *, key: tuple[uuid.UUID, bytes]
) -> dict[str, Any]:
    now = clock.now()
    # Without a refresh token nothing of the family is needed longer than its access tokens.
    return {
        "code_citizen": key[0],
        "code_digest": key[1],
        "code_service": service.id,
        "code_service_version": service.version,
        "code_redirect_uri": redemption.redirect_uri,
        "code_challenge": redemption.challenge,
        "code_proof": redemption.proof,
        # RFC 9449 §5: who has a credential proves itself by that at each refresh.
        "family_key": redemption.proof if service.is_public else None,
        "code_now": now,
        "online_end": now + families.ONLINE_LIFETIME,
        "offline_end": now + families.OFFLINE_LIFETIME,
        "idle_end": now + families.OFFLINE_IDLE,
    }


def _standing(answer: Answer, citizen_id: uuid.UUID) -> Standing:
    return Standing(
        citizen_id=citizen_id,
        grant_id=answer["head.grant_id"],
        version=answer["head.version"],
        family_id=answer["spent.family_id"],
        sub=answer["spent.sub"],
        scope=answer["spent.scope"],
        earned=Earned.read(answer["spent.claims"]),
        decisions=grants.carried(answer["granted.decisions"]),
    )


def _why_not(redemption: Redemption, asker: Asker, *, key: tuple[uuid.UUID, bytes]) -> str:
    """The reason; and if it is a replay, the family is ended, committed, when this returns."""
    found = look(code_records.found(*key))
    if found is None:
        return "unknown"
    mismatch = _mismatch(found, redemption, asker=asker)
    if mismatch is not None:
        return mismatch
    if found["code.spent_at"] is not None:
        was_alive = families.end_for_replay(key[0], found["code.family_id"])
        return "used again" if was_alive else "spent or ended"
    return _why_unspent(found)


def _mismatch(found: Answer, redemption: Redemption, *, asker: Asker) -> str | None:
    """What of the redemption is not as the code was given; null: all is."""
    if found["code.public_service_id"] != asker.service.id:
        return "another public service"
    if found["code.redirect_uri"] != redemption.redirect_uri:
        return "another redirect URI"
    if found["code.code_challenge"] != redemption.challenge:
        return "not proved"
    return None if found["code.sender_key"] in {None, redemption.proof} else "another key"


def _why_unspent(found: Answer) -> str:
    """Why a code that matches, and that nobody has redeemed, was refused."""
    if not found["code.is_signed_in"]:
        return "signed out"
    return "late" if found["code.expires_at"] <= clock.now() else "changed"
