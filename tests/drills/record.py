"""What the database holds, read past the product, and the tree recomputed from its public side."""

import base64
import hashlib
import json
import sqlite3
import uuid
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import jwt
import psycopg

from tests.databases import Database
from tests.drills.memory import Promised
from tests.drills.town import Town

ISSUED = "motlan-promise+jwt"


def rows(database: Database, query: str) -> Sequence[tuple[Any, ...]]:
    """What a query without parameters finds, as the owner sees it."""
    if database.url.startswith("sqlite"):
        with closing(sqlite3.connect(database.url.removeprefix("sqlite:///"))) as connection:
            return connection.execute(query).fetchall()
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


def as_uuid(stored: object) -> uuid.UUID:
    """An id, from either database's column."""
    return stored if isinstance(stored, uuid.UUID) else uuid.UUID(str(stored))


def until_sequenced(town: Town) -> None:
    """Every entry has its position, and the head over all of them is signed."""
    query = "SELECT (SELECT count(*) FROM access_entry), (SELECT max(size) FROM log_head)"

    def is_done() -> bool:
        ((entries, signed),) = rows(town.database, query)
        return bool(entries == signed)

    town.serving.until(is_done, seconds=60)


def leaves(town: Town, folder: Path) -> list[bytes]:
    """Every leaf as `motlan log export` publishes it; they give the signed root."""
    town.command("log", "export", str(folder))
    told, found = (folder / "leaves").read_bytes(), []
    while told:
        length = int.from_bytes(told[:2])
        found.append(told[2 : 2 + length])
        told = told[2 + length :]
    _origin, size, root = (folder / "checkpoint").read_text().split("\n")[:3]
    assert len(found) == int(size)
    assert tree(found) == base64.b64decode(root)
    return found


def tree(entries: Sequence[bytes]) -> bytes:
    """The Merkle tree hash, written down anew from RFC 6962 §2.1."""
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    half = 1 << ((len(entries) - 1).bit_length() - 1)
    left, right = tree(entries[:half]), tree(entries[half:])
    return hashlib.sha256(b"\1" + left + right).digest()


def check_promises(town: Town, promised: Sequence[Promised], folder: Path) -> None:
    """Each is signed by the log, names a stored entry, and its leaf stands in the signed tree."""
    key = jwt.PyJWK(json.loads(town.wire().send("GET", "/log/keys").body)["keys"][0])
    known = rows(town.database, "SELECT id, leaf FROM access_entry")
    stored = {entry_id: bytes(leaf) for entry_id, leaf in known}
    published = set(leaves(town, folder))
    for one in promised:
        said = jwt.decode(one.promise, key, algorithms=["EdDSA"], issuer=town.serving.issuer)
        assert jwt.get_unverified_header(one.promise)["typ"] == ISSUED
        lines = ("motlan-entry/v1", said["type"], said["minute"], said["body_commit"], "")
        leaf = "\n".join(lines).encode()
        assert (said["entry"], said["type"]) == (str(one.entry_id), "attributes:released")
        assert stored.get(one.entry_id) == leaf
        assert leaf in published


def decided_cases(town: Town) -> set[str]:
    """The case of every decision that was given, whatever became of it."""
    query = """SELECT "case" FROM decision WHERE state = 'given'"""
    return {row[0] for row in rows(town.database, query)}


def decision_ids(town: Town, state: str) -> set[uuid.UUID]:
    """The decisions that reached that state."""
    query = f"SELECT decision_id FROM decision WHERE state = '{state}'"  # noqa: S608 - our own words
    return {as_uuid(row[0]) for row in rows(town.database, query)}


def late_looks(town: Town) -> list[tuple[Any, ...]]:
    """People who withdrew their only decision, and a release that stands after it in the log."""
    query = """
        SELECT released.citizen_id, released.position, withdrawn.position
        FROM (SELECT p.citizen_id, p.position FROM log_position p JOIN access_entry e
              ON e.citizen_id = p.citizen_id AND e.id = p.entry_id
              WHERE e.type = 'attributes:released') AS released
        JOIN (SELECT p.citizen_id, p.position FROM log_position p JOIN access_entry e
              ON e.citizen_id = p.citizen_id AND e.id = p.entry_id
              WHERE e.type = 'decision:withdrawn') AS withdrawn
        ON withdrawn.citizen_id = released.citizen_id
        WHERE released.position > withdrawn.position"""
    return list(rows(town.database, query))
