"""The proof between password and code, and what each step of signing in asks in one statement."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Index, Row, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from identity import database
from identity.columns import Base
from identity.together import Clause

# ruff: noqa: S608 - texts are put together from texts of this file; values are parameters


class SignInStep(Base):
    """Between the password and the one-time code: proves the password to the next page only."""

    __tablename__ = "sign_in_step"
    __table_args__ = (Index("ix_sign_in_step_expires_at", "expires_at"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    browser_digest: Mapped[bytes]
    who: Mapped[uuid.UUID]  # citizen_id or staff id
    is_staff: Mapped[bool]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    spent_at: Mapped[datetime | None]  # null: the code is still awaited


def add(values: Mapping[str, Any]) -> None:
    """A password was right; a code is awaited."""
    database.write(insert(SignInStep), values)


def find(digest: bytes, browser_digest: bytes) -> Row[Any] | None:
    """The half sign-in of this browser, whatever has become of it."""
    return database.row(
        select(SignInStep).where(
            SignInStep.digest == digest, SignInStep.browser_digest == browser_digest
        )
    )


def spend(digest: bytes, *, at: datetime) -> bool:
    """Whether the half sign-in was still open; it is spent now."""
    is_open = (
        SignInStep.digest == digest,
        SignInStep.spent_at.is_(None),
        SignInStep.expires_at > at,
    )
    return database.write(update(SignInStep).where(*is_open).values(spent_at=at)) == 1


def account(indexes: Sequence[tuple[str, bytes]], browser_digest: bytes) -> Clause:
    """Whose a typed number is, with the hash of the password, and whether this browser is known.

    The number of nobody has a row too, all null and read in the same way.
    """
    params: dict[str, Any] = {"browser": browser_digest}
    for n, (key_id, digest) in enumerate(indexes):
        params |= {f"index_key_{n}": key_id, f"index_{n}": digest}
    text = _account(len(indexes))
    return Clause("account", text, text, params, _ACCOUNT_RETURNS)


@lru_cache(maxsize=8)
def _account(count: int) -> str:
    # Not a list of pairs, which only one of the two databases looks up by its index.
    pairs = (f"(i.key_id = :index_key_{n} AND i.digest = :index_{n})" for n in range(count))
    return f"""SELECT i.citizen_id, c.status, p.hash, p.changed_at, {_KNOWN} AS is_known
    FROM (SELECT 1) one
    LEFT JOIN citizen_index i ON {" OR ".join(pairs)}
    LEFT JOIN citizen c ON c.citizen_id = i.citizen_id
    LEFT JOIN citizen_password p ON p.citizen_id = i.citizen_id
    LEFT JOIN known_device k ON k.citizen_id = i.citizen_id AND k.browser_digest = :browser
    LIMIT 1"""


_KNOWN = "k.citizen_id IS NOT NULL"
_ACCOUNT_RETURNS: dict[str, type] = {
    "citizen_id": uuid.UUID,
    "status": str,
    "hash": str,
    "changed_at": datetime,
    "is_known": bool,
}


def opening(params: Mapping[str, Any]) -> tuple[Clause, Clause]:
    """The password is as it was when it was proved, so a code is awaited: `held`, `opened`.

    What else is written comes after `held`.
    """
    held = "SELECT 1 AS ok FROM citizen_password p, citizen c WHERE p.citizen_id = :step_who"
    held += " AND c.citizen_id = p.citizen_id AND p.changed_at = :step_password_at"
    step = "INSERT INTO sign_in_step"
    step += " (digest, browser_digest, who, is_staff, created_at, expires_at, spent_at)"
    values = ":step_digest, :browser, :step_who, false, :step_at, :step_end, NULL"
    return (
        Clause("held", f"{held} FOR SHARE", held, params, {"ok": int}),
        Clause("opened", f"{step} SELECT {values} FROM held", f"{step} VALUES ({values})"),
    )


_OPEN = """s.digest = :step_digest AND s.browser_digest = :browser AND s.who = :step_who
    AND NOT s.is_staff AND s.spent_at IS NULL AND s.expires_at > :step_at"""
_CODES = "SELECT {what} FROM recovery_code r WHERE r.citizen_id = s.who"
_LEFT = f"""SELECT ({_CODES.format(what="count(*)")}) AS made,
    ({_CODES.format(what="count(*)")} AND r.spent_at IS NULL) AS unspent,
    ({_CODES.format(what="max(r.made_at)")}) AS made_at FROM sign_in_step s WHERE {_OPEN}"""


def codes_left(params: Mapping[str, Any]) -> Clause:
    """The printed codes of whoever is between password and code; no row: nobody is."""
    returns: dict[str, type] = {"made": int, "unspent": int, "made_at": datetime}
    return Clause("codes", _LEFT, _LEFT, params, returns)


_OWED = """SELECT s.created_at, c.status, p.changed_at, {known} AS is_known, w.wrapped, w.kek_id,
    (SELECT {factors} FROM second_factor f
        WHERE f.citizen_id = s.who AND f.ended_at IS NULL) AS factors
    FROM sign_in_step s
    LEFT JOIN citizen c ON c.citizen_id = s.who
    LEFT JOIN citizen_password p ON p.citizen_id = s.who
    LEFT JOIN citizen_key w ON w.citizen_id = s.who
    LEFT JOIN known_device k ON k.citizen_id = s.who AND k.browser_digest = s.browser_digest
    WHERE {is_open}"""
_OWED_POSTGRES = _OWED.format(
    known=_KNOWN,
    is_open=_OPEN,
    factors="""coalesce(json_agg(json_build_array(f.id, f.kind, encode(f.sealed, 'hex'))
        ORDER BY f.created_at), '[]'::json)""",
)
_OWED_SQLITE = _OWED.format(
    known=_KNOWN,
    is_open=_OPEN,
    factors="json_group_array(json_array(f.id, f.kind, hex(f.sealed)))",
)


def owed(params: Mapping[str, Any]) -> Clause:
    """Who owes a code here, with all that can be proved and what may stand against it."""
    returns: dict[str, type] = {
        "created_at": datetime,
        "status": str,
        "changed_at": datetime,
        "is_known": bool,
        "wrapped": bytes,
        "kek_id": str,
        "factors": list,
    }
    return Clause("owed", _OWED_POSTGRES, _OWED_SQLITE, params, returns)


_APP = "JOIN second_factor f ON f.citizen_id = s.who AND f.id = :factor_id AND f.ended_at IS NULL"
_PRINTED = "JOIN recovery_code f ON f.citizen_id = s.who AND f.spent_at IS NULL AND f.digest IN"
_ADMITTED = f"""SELECT s.who FROM sign_in_step s
    JOIN citizen c ON c.citizen_id = s.who AND c.status = 'active'
    JOIN citizen_password p ON p.citizen_id = s.who AND p.changed_at <= s.created_at
    {{factor}} WHERE {_OPEN}"""
_SPENT_STEP = "UPDATE sign_in_step SET spent_at = :step_at{source} WHERE digest = :step_digest"
_SPENT_APP = """UPDATE second_factor SET last_step = :factor_step{source}
    WHERE citizen_id = :step_who AND id = :factor_id"""
_SPENT_PRINTED = """UPDATE recovery_code SET spent_at = :step_at{source}
    WHERE citizen_id = :step_who AND spent_at IS NULL AND digest IN """


def admitting(params: Mapping[str, Any], *, printed: Sequence[bytes] = ()) -> tuple[Clause, ...]:
    """The step and what proves the second factor are spent, if everything still holds: `admitted`.

    `factor_id` among the parameters: an app, whose code is of `factor_step`; null there: a fixed
    code, of which nothing is spent. `printed`: under which of these digests a printed code stands.
    Whatever is locked first is held to the end, so that what follows `admitted` cannot fail.
    """
    told, join, spent = dict(params), _APP, _SPENT_APP
    if printed:
        slots = ", ".join(f":printed_{n}" for n in range(len(printed)))
        join, spent = f"{_PRINTED} ({slots})", f"{_SPENT_PRINTED}({slots})"
        told |= {f"printed_{n}": digest for n, digest in enumerate(printed)}
    elif params["factor_step"] is not None:
        join = f"{_APP} AND f.last_step < :factor_step"
    else:
        spent = ""
    condition = _ADMITTED.format(factor=join)
    writes = [("spent_step", _SPENT_STEP), ("spent_factor", spent)]
    return (
        Clause(
            "admitted",
            # The account first, as whoever changes it does: so neither waits for the other.
            f"{condition} FOR SHARE OF c, p FOR UPDATE OF s, f",
            condition,
            told,
            {"who": uuid.UUID},
        ),
        *(
            Clause(name, text.format(source=" FROM admitted"), text.format(source=""))
            for name, text in writes
            if text
        ),
    )
