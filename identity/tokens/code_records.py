"""Clauses over authorization codes: one statement issues, one redeems (RFC 6749 §4.1)."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from identity.granted.grant_records import decisions
from identity.together import Clause

_CODE = """INSERT INTO authorization_code (citizen_id, digest, grant_id, public_service_id,
    session_id, redirect_uri, code_challenge, sub, scope, claims, created_at, expires_at,
    family_id, sender_key)"""
_CODE_VALUES = """:code_citizen, :code_digest, :code_grant, :code_service, :code_session,
    :code_redirect_uri, :code_challenge, :code_sub, :code_scope, :code_claims, :code_now,
    :code_until, :code_family, :code_sender_key"""


def issuing(params: Mapping[str, Any], after: tuple[str, ...]) -> Clause:
    """The code is on record, provided that each condition of `after` found a row.

    Without `code_sub` among the parameters it is what the condition `subject` found.
    """
    postgres, sqlite = _issuing(after, is_told="code_sub" in params)
    return Clause("code", postgres, sqlite, params, _ISSUED)


_ISSUED: dict[str, type] = {"expires_at": datetime}


@lru_cache(maxsize=16)
def _issuing(after: tuple[str, ...], *, is_told: bool) -> tuple[str, str]:
    origin = f" FROM {', '.join(after)}" if after else ""
    sub = (":code_sub", ":code_sub") if is_told else ("subject.sub", ":subject_sub")
    postgres, sqlite = (_CODE_VALUES.replace(":code_sub", one) for one in sub)
    return (
        f"{_CODE} SELECT {postgres}{origin} RETURNING expires_at",
        f"{_CODE} VALUES ({sqlite}) RETURNING expires_at",
    )


_GRANT = """SELECT g.id AS grant_id, g.version FROM authorization_code c
    JOIN service_grant g ON g.citizen_id = c.citizen_id AND g.id = c.grant_id
    WHERE c.citizen_id = :code_citizen AND c.digest = :code_digest AND g.state = 'active'
    AND EXISTS (SELECT 1 FROM public_service s WHERE s.id = :code_service
        AND s.version = :code_service_version AND s.is_active)"""
_SIGNED_IN = """SELECT 1 AS ok FROM authorization_code c
    JOIN citizen_session s ON s.citizen_id = c.citizen_id AND s.id = c.session_id
    WHERE c.citizen_id = :code_citizen AND c.digest = :code_digest AND s.ended_at IS NULL"""
# Everything that must match stands here, so that a wrong try spends nothing (design §3).
_SPEND = """UPDATE authorization_code AS c SET spent_at = :code_now{source}
    WHERE c.citizen_id = :code_citizen AND c.digest = :code_digest AND c.spent_at IS NULL
    AND c.expires_at > :code_now AND c.public_service_id = :code_service
    AND c.redirect_uri = :code_redirect_uri AND {is_proved}
    AND (c.sender_key IS NULL OR c.sender_key = :code_proof)
    RETURNING {returning}"""
_FAMILY = """INSERT INTO token_family (citizen_id, id, grant_id, public_service_id, session_id,
    sub, scope, claims, created_at, sender_key, expires_at)
    SELECT :code_citizen, c.family_id, c.grant_id, :code_service,
    CASE WHEN {is_offline} THEN NULL ELSE c.session_id END, c.sub, c.scope, c.claims, :code_now,
    :family_key, CASE WHEN {is_offline} THEN {offline_end} ELSE :online_end END FROM {source}"""
_IS_OFFLINE = "' ' || c.scope || ' ' LIKE '% offline_access %'"
_REFRESH = """INSERT INTO refresh_token (citizen_id, digest, family_id, created_at, expires_at)
    SELECT :code_citizen, :refresh_digest, f.id, :code_now, {until} FROM {source}
    RETURNING 1 AS ok"""
_OK: dict[str, type] = {"ok": int}


def redeeming(params: Mapping[str, Any], *, with_refresh: bool) -> tuple[Clause, ...]:
    """The code is spent, and the family it buys exists, with its first refresh token if any."""
    head = Clause("head", f"{_GRANT} FOR SHARE OF g", _GRANT, params, _HEAD)
    bought = (_FAMILY_BEGUN, _REFRESHING) if with_refresh else (_FAMILY_BEGUN,)
    return (head, _SEEN, _STILL_SIGNED_IN, _SPENT, *bought, _GRANTED)


_HEAD: dict[str, type] = {"grant_id": uuid.UUID, "version": int}
_GRANTED = decisions("head", citizen="code_citizen", now="code_now")
# The locked row may be newer than this statement's snapshot, from which the decisions are read:
# then the versions differ, nothing happens, and the caller asks again.
_SEEN = Clause(
    "seen",
    postgres="SELECT g.version FROM service_grant g, head h WHERE g.citizen_id = :code_citizen"
    " AND g.id = h.grant_id AND g.version = h.version",
    sqlite="SELECT :head_version",
    returns={"version": int},
)

# A sign-out changes this row first. So either it waits for us, and then sees the family; or we
# wait for it, and then find the session ended. Before the code, which a sign-out takes second.
_STILL_SIGNED_IN = Clause(
    "signed_in", postgres=f"{_SIGNED_IN} FOR SHARE OF s", sqlite=_SIGNED_IN, returns=_OK
)
_TOLD = "c.family_id, c.sub, c.scope, c.claims"
_SPENT = Clause(
    "spent",
    postgres=_SPEND.format(
        source=" FROM head, seen, signed_in",
        is_proved="c.code_challenge IS NOT DISTINCT FROM CAST(:code_challenge AS text)",
        returning=f"{_TOLD}, c.grant_id, c.session_id",
    ),
    sqlite=_SPEND.format(
        source="",
        is_proved="c.code_challenge IS :code_challenge",
        returning=_TOLD.replace("c.", ""),  # SQLite knows no other name there
    ),
    returns={"family_id": uuid.UUID, "sub": str, "scope": str, "claims": dict},
)
_OF_CODE = "authorization_code c WHERE c.citizen_id = :code_citizen AND c.digest = :code_digest"
_FAMILY_BEGUN = Clause(
    "family",
    postgres=_FAMILY.format(
        is_offline=_IS_OFFLINE,
        offline_end="CAST(:offline_end AS timestamptz)",
        source="spent c RETURNING id, expires_at, 1 AS ok",
    ),
    sqlite=_FAMILY.format(
        is_offline=_IS_OFFLINE,
        offline_end=":offline_end",
        source=f"{_OF_CODE} RETURNING 1 AS ok",
    ),
    returns=_OK,
)
_REFRESHING = Clause(
    "refresh",
    postgres=_REFRESH.format(until="LEAST(f.expires_at, :idle_end)", source="family f"),
    sqlite=_REFRESH.format(
        until="min(f.expires_at, :idle_end)",
        source="token_family f WHERE f.citizen_id = :code_citizen AND f.id = :spent_family_id",
    ),
    returns=_OK,
)

_FOUND = """SELECT public_service_id, redirect_uri, code_challenge, sender_key, grant_id, claims,
    family_id, spent_at, expires_at, EXISTS (SELECT 1 FROM citizen_session s
        WHERE s.citizen_id = c.citizen_id AND s.id = c.session_id AND s.ended_at IS NULL)
    AS is_signed_in FROM authorization_code c
    WHERE citizen_id = :code_citizen AND digest = :code_digest"""


def found(citizen_id: uuid.UUID, digest: bytes) -> Clause:
    """The code as it is, to tell why it could not be redeemed."""
    return Clause(
        "code",
        postgres=_FOUND,
        sqlite=_FOUND,
        params={"code_citizen": citizen_id, "code_digest": digest},
        returns={
            "public_service_id": uuid.UUID,
            "redirect_uri": str,
            "code_challenge": str,
            "sender_key": str,
            "grant_id": uuid.UUID,
            "claims": dict,
            "family_id": uuid.UUID,
            "spent_at": datetime,
            "expires_at": datetime,
            "is_signed_in": bool,
        },
    )
