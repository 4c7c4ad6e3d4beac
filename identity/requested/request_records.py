"""Clauses over authorization requests, waiting (design §4) and pushed (RFC 9126)."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from identity import clock
from identity.together import Clause, Json

# A request that came by a cross-site POST has seen no cookie yet; the browser that opens it
# first becomes its own.
NOBODY = b""
LONGEST = timedelta(hours=1)  # that any request waits, however often somebody begins anew

_STORE = """INSERT INTO authorization_request (id, browser_digest, public_service_id, params,
    created_at, expires_at, pushed_digest, polled) VALUES (:pending_id, :pending_browser,
    :pending_service, :pending_params, :pending_now, :pending_expires, :pending_pushed,
    :pending_polled)"""
_FIND = """SELECT public_service_id, params, created_at, expires_at, answered_at, outcome,
    pushed_digest, polled
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

# Whoever first has to activate an account is let to end it; nobody waits for longer than an hour.
_WAIT = """UPDATE authorization_request SET expires_at = :pending_until
    WHERE id = :pending_id AND browser_digest = :pending_browser AND answered_at IS NULL
    AND expires_at > :pending_now AND expires_at < :pending_until
    AND created_at > :pending_oldest"""

_PUSH = """INSERT INTO pushed_request (digest, public_service_id, params, created_at, expires_at)
    SELECT :pushed_digest, :pushed_service, :pushed_params, :pushed_now, :pushed_expires
    WHERE EXISTS (SELECT 1 FROM public_service s WHERE s.id = :pushed_service
        AND s.version = :pushed_service_version AND s.is_active)
    RETURNING 1 AS ok"""
_FIND_PUSHED = """SELECT public_service_id, params, expires_at, spent_at FROM pushed_request
    WHERE digest = :pushed_digest"""
_SPEND_PUSHED = """UPDATE pushed_request SET spent_at = :pushed_now
    WHERE digest = :pushed_digest AND spent_at IS NULL RETURNING 1 AS ok"""


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
        "pushed_digest": bytes,
        "polled": dict,
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


def wait(request_id: uuid.UUID, browser_digest: bytes, *, until: datetime) -> Clause:
    """A request of this browser waits longer, within the hour; no row: it does not."""
    params = {
        "pending_id": request_id,
        "pending_browser": browser_digest,
        "pending_now": clock.now(),
        "pending_until": until,
        "pending_oldest": until - LONGEST,
    }
    return _one("waits", _WAIT, params=params)


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


def push(row: dict[str, Any]) -> Clause:
    """A request is on record under the digest of its reference, if its service is as we know it."""
    params = {f"pushed_{name}": value for name, value in row.items()}
    return Clause("pushed", _PUSH, _PUSH, params, {"ok": int})


def find_pushed(digest: bytes) -> Clause:
    """A pushed request, in time and unspent or not."""
    returns = {
        "public_service_id": uuid.UUID,
        "params": dict,
        "expires_at": datetime,
        "spent_at": datetime,
    }
    return Clause("pushed", _FIND_PUSHED, _FIND_PUSHED, {"pushed_digest": digest}, returns)


def spend_pushed(digest: bytes) -> Clause:
    """A pushed request is answered once; no row: it was before."""
    params = {"pushed_digest": digest, "pushed_now": clock.now()}
    return Clause("pushed_spent", _SPEND_PUSHED, _SPEND_PUSHED, params, {"ok": int})
