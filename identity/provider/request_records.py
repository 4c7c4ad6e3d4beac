"""Clauses over stored authorization requests and pairwise subjects (design §4)."""

import uuid
from datetime import datetime
from typing import Any

from identity import clock
from identity.together import Clause, Json

# A request that came by a cross-site POST has seen no cookie yet; the browser that opens it
# first becomes its own.
NOBODY = b""

_STORE = """INSERT INTO authorization_request (id, browser_digest, public_service_id, params,
    created_at, expires_at) VALUES (:pending_id, :pending_browser, :pending_service,
    :pending_params, :pending_now, :pending_expires)"""
_FIND = """SELECT public_service_id, params, created_at, expires_at, answered_at, outcome
    FROM authorization_request WHERE id = :pending_id AND browser_digest = :pending_browser
    AND expires_at > :pending_now"""
_BIND = """UPDATE authorization_request SET browser_digest = :pending_browser
    WHERE id = :pending_id AND answered_at IS NULL AND expires_at > :pending_now
    AND browser_digest = :pending_nobody"""
_DECIDE = """UPDATE authorization_request SET outcome = :pending_outcome
    WHERE id = :pending_id AND answered_at IS NULL AND expires_at > :pending_now AND """
# A second click decides nothing; another person who signed in meanwhile decides for themselves.
_UNDECIDED_POSTGRES = "outcome->>'citizen' IS DISTINCT FROM CAST(:pending_citizen AS text)"
_UNDECIDED_SQLITE = "json_extract(outcome, '$.citizen') IS NOT :pending_citizen"
_ANSWER = """UPDATE authorization_request SET answered_at = :pending_now
    WHERE id = :pending_id AND answered_at IS NULL AND expires_at > :pending_now"""


def store(row: dict[str, Any]) -> Clause:
    """A request begins to wait."""
    params = {f"pending_{name}": value for name, value in row.items()}
    return _one("stored", _STORE, params=params)


def find(request_id: uuid.UUID, browser_digest: bytes) -> Clause:
    """A request of this browser that is in time, answered or not."""
    params = {
        "pending_id": request_id,
        "pending_browser": browser_digest,
        "pending_now": clock.now(),
    }
    returns = {
        "public_service_id": uuid.UUID,
        "params": dict,
        "created_at": datetime,
        "expires_at": datetime,
        "answered_at": datetime,
        "outcome": dict,
    }
    return Clause("pending", _FIND, _FIND, params, returns)


def bind(request_id: uuid.UUID, browser_digest: bytes) -> Clause:
    """The first browser that opens a request keeps it."""
    params = {
        "pending_id": request_id,
        "pending_browser": browser_digest,
        "pending_nobody": NOBODY,
        "pending_now": clock.now(),
    }
    return _one("bound", _BIND, params=params)


def decide(request_id: uuid.UUID, outcome: dict[str, Any]) -> Clause:
    """What the person decided stands beside a request that is not answered yet."""
    params = {
        "pending_id": request_id,
        "pending_outcome": Json(outcome),
        "pending_citizen": outcome.get("citizen"),
        "pending_now": clock.now(),
    }
    return Clause(
        "decided",
        postgres=f"{_DECIDE}{_UNDECIDED_POSTGRES} RETURNING 1 AS ok",
        sqlite=f"{_DECIDE}{_UNDECIDED_SQLITE} RETURNING 1 AS ok",
        params=params,
        returns={"ok": int},
    )


def answer(request_id: uuid.UUID) -> Clause:
    """A request is answered once; no row: it was before, or its time is over."""
    params = {"pending_id": request_id, "pending_now": clock.now()}
    return _one("answered", _ANSWER, params=params)


def _one(name: str, text: str, *, params: dict[str, Any]) -> Clause:
    told = text + " RETURNING 1 AS ok"
    return Clause(name, told, told, params, {"ok": int})


_KNOWN_SUBJECT = """SELECT sub FROM pairwise_subject
    WHERE citizen_id = :subject_citizen AND sector = :subject_sector"""
_MADE_SUBJECT = """SELECT sub FROM subject_made UNION ALL SELECT sub FROM pairwise_subject
    WHERE citizen_id = :subject_citizen AND sector = :subject_sector"""
_NEW_SUBJECT = """INSERT INTO pairwise_subject (citizen_id, sector, sub, created_at)
    VALUES (:subject_citizen, :subject_sector, :subject_new, :subject_now)
    ON CONFLICT (citizen_id, sector) DO NOTHING"""


def find_subject(citizen_id: uuid.UUID, sector: str) -> Clause:
    """The `sub` that this person has in this sector already."""
    params = {"subject_citizen": citizen_id, "subject_sector": sector}
    return Clause("subject", _KNOWN_SUBJECT, _KNOWN_SUBJECT, params, {"sub": str})


def subject(citizen_id: uuid.UUID, sector: str, *, new: str) -> tuple[Clause, ...]:
    """The `sub` of this person in this sector: the one there is, or `new` from now on.

    On PostgreSQL no row comes where another transaction has just made it: look again.
    """
    params = {
        "subject_citizen": citizen_id,
        "subject_sector": sector,
        "subject_new": new,
        "subject_now": clock.now(),
    }
    return (
        Clause("subject_made", _NEW_SUBJECT + " RETURNING sub", _NEW_SUBJECT, params),
        Clause(
            "subject",
            # The statement does not see its own INSERT but through this name.
            postgres=_MADE_SUBJECT,
            sqlite=_KNOWN_SUBJECT,
            params=params,
            returns={"sub": str},
        ),
    )
