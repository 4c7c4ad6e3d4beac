"""Clauses over refresh tokens and their families: rotate, answer again, explain, end."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from identity.granted.grant_records import decisions
from identity.together import Clause

# ruff: noqa: S608 - texts are put together from texts of this file; values are parameters

_FAMILY = "g.id AS grant_id, g.version, f.id AS family_id, f.sub, f.scope, f.claims"
_FROM = """FROM refresh_token r
    JOIN token_family f ON f.citizen_id = r.citizen_id AND f.id = r.family_id
    JOIN service_grant g ON g.citizen_id = f.citizen_id AND g.id = f.grant_id"""
_MATCHES = """WHERE r.citizen_id = :refresh_citizen AND r.digest = :refresh_digest
    AND f.public_service_id = :refresh_service AND f.ended_at IS NULL
    AND f.expires_at > :refresh_now AND g.state = 'active'
    AND (f.sender_key IS NULL OR f.sender_key = :refresh_proof)
    AND EXISTS (SELECT 1 FROM public_service s WHERE s.id = :refresh_service
        AND s.version = :refresh_service_version AND s.is_active)"""
# A narrower scope may be asked for, never a wider one (RFC 6749 §6).
_COVERS = " AND string_to_array(f.scope, ' ') @> CAST(:refresh_scope AS text[])"
_COVERS_SQLITE = """ AND NOT EXISTS (SELECT 1 FROM json_each(:refresh_scope) a
    WHERE instr(' ' || f.scope || ' ', ' ' || a.value || ' ') = 0)"""
_UNSPENT = " AND r.spent_at IS NULL AND r.expires_at > :refresh_now"
_RETURNS: dict[str, type] = {
    "grant_id": uuid.UUID,
    "version": int,
    "family_id": uuid.UUID,
    "sub": str,
    "scope": str,
    "claims": dict,
}
_OK: dict[str, type] = {"ok": int}
_GRANTED = decisions("head", citizen="refresh_citizen", now="refresh_now")


def rotating(params: Mapping[str, Any]) -> tuple[Clause, ...]:
    """The token is spent for its successor, which is written beside it, sealed under it."""
    return _head(params), _SEEN, _CONSUMED, _SUCCESSOR, _GRANTED


def _head(params: Mapping[str, Any]) -> Clause:
    return Clause("head", *_LIVE["refresh_scope" in params], params, _RETURNS)


# Until when the family lives is read in the database alone.
_LIVE_POSTGRES = f"SELECT {_FAMILY}, f.expires_at AS ends_at {_FROM} {_MATCHES}{_UNSPENT}"
_LIVE_SQLITE = f"SELECT {_FAMILY} {_FROM} {_MATCHES}{_UNSPENT}"
# By whether less scope than all is asked for.
_LIVE = {
    False: (f"{_LIVE_POSTGRES} FOR SHARE OF g", _LIVE_SQLITE),
    True: (f"{_LIVE_POSTGRES}{_COVERS} FOR SHARE OF g", f"{_LIVE_SQLITE}{_COVERS_SQLITE}"),
}
# As in code_records: the locked head must be the one that the snapshot's decisions belong to.
_SEEN = Clause(
    "seen",
    postgres="SELECT g.version FROM service_grant g, head h"
    " WHERE g.citizen_id = :refresh_citizen AND g.id = h.grant_id AND g.version = h.version",
    sqlite="SELECT :head_version",
    returns={"version": int},
)
_CONSUME = """UPDATE refresh_token AS r SET spent_at = :refresh_now,
    successor_sealed = :successor_sealed, successor_digest = :successor_digest{source}
    WHERE r.citizen_id = :refresh_citizen AND r.digest = :refresh_digest
    AND r.spent_at IS NULL RETURNING 1 AS ok"""
_CONSUMED = Clause(
    "consumed",
    postgres=_CONSUME.format(source=" FROM head, seen"),
    sqlite=_CONSUME.format(source=""),
    returns=_OK,
)
_INSERT = "INSERT INTO refresh_token (citizen_id, digest, family_id, created_at, expires_at)"
_ENDS_SQLITE = """min((SELECT f.expires_at FROM token_family f
    WHERE f.citizen_id = :refresh_citizen AND f.id = :head_family_id), :idle_end)"""
_SUCCESSOR = Clause(
    "successor",
    postgres=f"{_INSERT} SELECT :refresh_citizen, :successor_digest, h.family_id, :refresh_now,"
    " LEAST(h.ends_at, :idle_end) FROM consumed c, head h RETURNING 1 AS ok",
    sqlite=f"{_INSERT} VALUES (:refresh_citizen, :successor_digest, :head_family_id,"
    f" :refresh_now, {_ENDS_SQLITE}) RETURNING 1 AS ok",
    returns=_OK,
)


_STAY = """UPDATE refresh_token AS r SET expires_at = {end}{source}
    WHERE r.citizen_id = :refresh_citizen AND r.digest = :refresh_digest
    AND r.spent_at IS NULL RETURNING 1 AS ok"""
_STAYING = Clause(
    "stayed",
    postgres=_STAY.format(end="LEAST(h.ends_at, :idle_end)", source=" FROM head h, seen"),
    sqlite=_STAY.format(end=_ENDS_SQLITE, source=""),
    returns=_OK,
)


def staying(params: Mapping[str, Any]) -> tuple[Clause, ...]:
    """The token is used and stays; from now on it may lie unused as long as a new one."""
    return _head(params), _SEEN, _STAYING, _GRANTED


def answering_again(params: Mapping[str, Any]) -> tuple[Clause, ...]:
    """The grace answer: the same successor, while it is unused and the spending is fresh."""
    head = Clause(
        "head",
        *_AGAIN["refresh_scope" in params],
        params,
        {**_RETURNS, "successor_sealed": bytes},
    )
    return head, _GRANTED


_SPENT = f"""SELECT {_FAMILY}, r.successor_sealed {_FROM}
    JOIN refresh_token n ON n.citizen_id = r.citizen_id AND n.digest = r.successor_digest
    {_MATCHES} AND r.spent_at > :refresh_grace AND n.spent_at IS NULL"""
_AGAIN = {False: (_SPENT, _SPENT), True: (f"{_SPENT}{_COVERS}", f"{_SPENT}{_COVERS_SQLITE}")}
_FOUND = f"""SELECT g.id AS grant_id, g.version, f.id AS family_id, f.public_service_id, f.sub,
    f.scope, f.claims, f.sender_key, f.ended_at, g.state, r.spent_at, r.created_at, r.expires_at
    {_FROM} WHERE r.citizen_id = :refresh_citizen AND r.digest = :refresh_digest"""


def found(citizen_id: uuid.UUID, digest: bytes) -> Clause:
    """The token, its family and grant as they are: for introspection, and to tell why not."""
    return Clause(
        "token",
        postgres=_FOUND,
        sqlite=_FOUND,
        params={"refresh_citizen": citizen_id, "refresh_digest": digest},
        returns={
            "grant_id": uuid.UUID,
            "version": int,
            "family_id": uuid.UUID,
            "public_service_id": uuid.UUID,
            "sub": str,
            "scope": str,
            "claims": dict,
            "sender_key": str,
            "ended_at": datetime,
            "state": str,
            "spent_at": datetime,
            "created_at": datetime,
            "expires_at": datetime,
        },
    )


# Whoever asks may be remembered as it was: nothing is ended for a service of another version.
_ASKER = """EXISTS (SELECT 1 FROM public_service s WHERE s.id = :end_service
    AND s.version = :end_service_version AND s.is_active)"""
_END = f"""UPDATE token_family SET ended_at = :end_now, ended_by = :end_by
    WHERE citizen_id = :end_citizen AND public_service_id = :end_service AND ended_at IS NULL
    AND {_ASKER} AND id = {{family}} RETURNING id"""
_OF_TOKEN = """(SELECT r.family_id FROM refresh_token r
    WHERE r.citizen_id = :end_citizen AND r.digest = :end_digest)"""


def ending(params: Mapping[str, Any]) -> Clause:
    """The family is ended if it is that service's: by its id, or by any refresh token of it."""
    text = _END.format(family=":end_family" if "end_family" in params else _OF_TOKEN)
    return Clause("ended", text, text, params, {"id": uuid.UUID})


_REVOKE = f"""INSERT INTO revoked_token (jti, expires_at)
    SELECT :revoked_jti, :revoked_until WHERE {_ASKER}
    ON CONFLICT DO NOTHING RETURNING jti"""


def revoking(token_key: uuid.UUID, until: datetime, *, asker: Mapping[str, Any]) -> Clause:
    """One access token is dead; the row may go when it would have ended anyway.

    `asker` says `end_service` and `end_service_version`: who asks, as it was authenticated.
    """
    params = {"revoked_jti": token_key, "revoked_until": until, **asker}
    return Clause("revoked", _REVOKE, _REVOKE, params, {"jti": uuid.UUID})


def is_revoked(token_key: uuid.UUID | None) -> Clause:
    """Whether that very token was revoked, as `revoked.count`."""
    text = "SELECT count(*) AS count FROM revoked_token WHERE jti = :revoked_jti"
    return Clause("revoked", text, text, {"revoked_jti": token_key}, {"count": int})
