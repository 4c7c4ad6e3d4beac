"""A database copied while nobody uses it, and the copy put in its place later."""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests.databases import Database, Databases


def copy(databases: Databases, database: Database) -> str:
    """What it holds now is kept; the name of the copy."""
    name = _name(database) + "_kept"
    if databases.server is not None:
        databases.server.create(name, _name(database))
        return name
    _copy_file(_file(database), _file(database).with_name(name))
    return name


def put_back(databases: Databases, database: Database, name: str) -> None:
    """The database holds again what the copy kept; what came after it is gone."""
    if databases.server is None:
        for left in _file(database).parent.glob(f"{_file(database).name}*"):
            if left.name != name:
                left.unlink()
        _copy_file(_file(database).with_name(name), _file(database))
        return
    lost, kept = sql.Identifier(_name(database)), sql.Identifier(name)
    with psycopg.connect(databases.server.admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {}").format(lost))
        connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(kept, lost))


def _name(database: Database) -> str:
    return urlsplit(database.url).path.rpartition("/")[2]


def _file(database: Database) -> Path:
    return Path(database.url.removeprefix("sqlite:///"))


def _copy_file(old: Path, new: Path) -> None:
    # Through SQLite itself: what stands in the journal beside the file belongs to it.
    with closing(sqlite3.connect(old)) as source, closing(sqlite3.connect(new)) as copied:
        source.backup(copied)
