"""Clauses over pushed authorization requests (RFC 9126)."""

import uuid
from datetime import datetime
from typing import Any

from identity import clock
from identity.together import Clause

_STORE = """INSERT INTO pushed_request (digest, public_service_id, params, created_at, expires_at)
    SELECT :pushed_digest, :pushed_service, :pushed_params, :pushed_now, :pushed_expires
    WHERE EXISTS (SELECT 1 FROM public_service s WHERE s.id = :pushed_service
        AND s.version = :pushed_service_version AND s.is_active)
    RETURNING 1 AS ok"""
_FIND = """SELECT public_service_id, params, expires_at, spent_at FROM pushed_request
    WHERE digest = :pushed_digest"""
_SPEND = """UPDATE pushed_request SET spent_at = :pushed_now
    WHERE digest = :pushed_digest AND spent_at IS NULL RETURNING 1 AS ok"""


def store(row: dict[str, Any]) -> Clause:
    """A request is on record under the digest of its reference, if its service is as we know it."""
    params = {f"pushed_{name}": value for name, value in row.items()}
    return Clause("pushed", _STORE, _STORE, params, {"ok": int})


def find(digest: bytes) -> Clause:
    """A pushed request, in time and unspent or not."""
    returns = {
        "public_service_id": uuid.UUID,
        "params": dict,
        "expires_at": datetime,
        "spent_at": datetime,
    }
    return Clause("pushed", _FIND, _FIND, {"pushed_digest": digest}, returns)


def spend(digest: bytes) -> Clause:
    """A pushed request is answered once; no row: it was before."""
    params = {"pushed_digest": digest, "pushed_now": clock.now()}
    return Clause("pushed_spent", _SPEND, _SPEND, params, {"ok": int})
