"""House style §2: the import contracts hold, and what they forbid would be noticed."""

import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(
        "identity",
        "consent",
        include_external_packages=True,
        exclude_type_checking_imports=True,
        cache_dir=None,
    )


def importers(package: str) -> set[str]:
    return set(graph().find_modules_that_directly_import(package))


@pytest.mark.slow
def test_the_contracts_hold():
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


def test_the_contracts_look_at_both_halves_and_at_type_free_imports_only():
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]

    assert rules["root_packages"] == ["identity", "consent"]
    assert len(rules["contracts"]) >= 7


def test_identity_knows_nothing_of_consent():
    """Design §1: it asks through one Protocol."""
    below = {module for module in graph().modules if module.split(".")[0] == "consent"}
    asked = {
        importer
        for module in below
        for importer in graph().find_modules_that_directly_import(module)
        if importer.split(".")[0] == "identity"
    }

    assert below
    assert not asked


@pytest.mark.parametrize(
    ("package", "allowed"),
    [
        (
            "jwt",
            {
                "identity.signing.ring",
                "identity.binding.dpop",
                "identity.public_services.credentials",
                "identity.public_services.service_jws",
            },
        ),
        ("argon2", {"identity.citizens.passwords"}),
        (
            "psycopg",
            {
                "identity.database",
                "identity.lines",
                "identity.loop_line",
                "identity.postgresql",
                "identity.questions",
                "identity.together",
            },
        ),
        ("sqlite3", {"identity.sqlite", "identity.together"}),
    ],
)
def test_a_sharp_tool_lies_in_one_place(package, allowed):
    """Seen by another reader than the contracts, so that a slip in their wildcards shows."""
    assert importers(package) <= allowed


def test_sql_is_written_in_records_and_in_the_foundation():
    names = ("columns", "database", "trail", "outbox", "worker")
    foundation = {f"identity.{name}" for name in names}
    strangers = {
        module
        for module in importers("sqlalchemy")
        if not module.endswith("records") and module not in foundation
    }

    assert not strangers


def test_records_know_no_web():
    assert not [module for module in importers("flask") if module.endswith("records")]
