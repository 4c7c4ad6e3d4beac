"""`make check`: the migrations lead from nothing to exactly the tables that the code has."""

import sys
import tempfile
from pathlib import Path

from tests.databases import Databases


def main() -> int:
    """Migrate an empty SQLite file and ask Alembic what is missing; one line per difference."""
    with tempfile.TemporaryDirectory(prefix="motlan-") as folder:
        databases = Databases("sqlite", Path(folder), None, "check")
        database = databases.empty()
        try:
            databases.run("db", "upgrade", database=database)
            databases.run("db", "check", database=database)
        except RuntimeError as failure:
            sys.stderr.write(f"{str(failure)[:4000]}\n")
            return 1
    sys.stdout.write("migrations: the tables are those of the code\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
