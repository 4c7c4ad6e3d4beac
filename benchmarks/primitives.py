"""What everything rests on, measured on the core of the web process: read names, print rates.

Argon2id at the service's cost; one ES256 signature; on the same database, one row committed by
one statement and one row looked up, each by eight threads with prepared statements.
"""

import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from itertools import count
from urllib.parse import urlsplit

import psycopg
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

THREADS = 8
ROW = b"r" * 200
TABLE = "CREATE TABLE IF NOT EXISTS bench_row (id bigint PRIMARY KEY, body {bytes} NOT NULL)"

Act = Callable[[], object]
_keys = count(1)


def argon2id() -> Act:
    """One password checked."""
    hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
    kept = hasher.hash("Sen nở tháng sáu")
    return lambda: hasher.verify(kept, "Sen nở tháng sáu")


def es256() -> Act:
    """One signature over as many bytes as an access token has."""
    key, text = ec.generate_private_key(ec.SECP256R1()), b"t" * 700
    algorithm = ec.ECDSA(SHA256())
    return lambda: key.sign(text, algorithm)


def commit(url: str) -> Act:
    """One row, one statement, one commit."""
    if url.startswith("sqlite"):
        writer = _sqlite(url)
        return lambda: writer.execute("INSERT INTO bench_row VALUES (?, ?)", (next(_keys), ROW))
    connection = psycopg.connect(url, autocommit=True)
    insert = "INSERT INTO bench_row VALUES (%s, %s)"
    return lambda: connection.execute(insert, (next(_keys), ROW), prepare=True)


def look(url: str) -> Act:
    """One row by its key."""
    if url.startswith("sqlite"):
        reader = _sqlite(url)
        return lambda: reader.execute("SELECT body FROM bench_row WHERE id = 0").fetchone()
    connection = psycopg.connect(url, autocommit=True)
    select = "SELECT body FROM bench_row WHERE id = %s"
    return lambda: connection.execute(select, (0,), prepare=True).fetchone()


def _sqlite(url: str) -> sqlite3.Connection:
    path = urlsplit(url).path.removeprefix("/")
    connection = sqlite3.connect(path, isolation_level=None, timeout=15, check_same_thread=False)
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def prepare(url: str, app_url: str) -> None:
    """The table exists, with the row that is looked up."""
    if url.startswith("sqlite"):
        _fill(_sqlite(url).execute, kind="blob")
        return
    with psycopg.connect(url, autocommit=True) as owner:
        _fill(owner.execute, kind="bytea")
        app = urlsplit(app_url).username
        owner.execute(f"GRANT SELECT, INSERT ON bench_row TO {app}")


def _fill(execute: Callable[[str], object], *, kind: str) -> None:
    execute(TABLE.format(bytes=kind))
    execute("INSERT INTO bench_row VALUES (0, 'row')")


def rate(acts: list[Act], seconds: float) -> float:
    """How often a second, all threads together."""
    done = [0] * len(acts)
    until = time.perf_counter() + seconds

    def work(place: int) -> None:
        act = acts[place]
        while time.perf_counter() < until:
            act()
            done[place] += 1

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(acts))]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - started)


def main() -> None:
    """Answer one line for each line until there are no more."""
    url = os.environ["MOTLAN_DATABASE_URL"]
    prepare(os.environ.get("MOTLAN_DATABASE_OWNER_URL", url), url)
    writers = 1 if url.startswith("sqlite") else THREADS
    acts = {
        "Argon2id": [argon2id()],
        "ES256": [es256()],
        "commit": [commit(url) for _ in range(writers)],
        "look": [look(url) for _ in range(THREADS)],
    }
    for line in sys.stdin:
        name, seconds = line.rsplit(maxsplit=1)
        print(rate(acts[name], float(seconds)), flush=True)


if __name__ == "__main__":
    main()
