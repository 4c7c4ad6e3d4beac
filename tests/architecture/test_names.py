"""House style §1 and §5: names of the domain, one sentence at the top of each module."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# A folder or file so named says nothing about the domain.
EMPTY_NAMES = re.compile(
    r"(util|helper|common|core|service|model|view|manager|misc|lib|base)(s|es)?"
)


def python_files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def test_no_file_or_folder_is_named_after_nothing():
    named = {
        str(path.relative_to(ROOT))
        for folder in ("identity", "consent", "migrations", "tests", "benchmarks")
        for path in (ROOT / folder).rglob("*")
        if (path.is_dir() or path.suffix == ".py") and EMPTY_NAMES.fullmatch(path.stem)
        # What npm fetched is named by others.
        if "node_modules" not in path.parts
    }

    assert not named


def test_every_module_says_in_its_first_line_what_it_is():
    silent = []
    for path in python_files("identity", "consent", "migrations", "tests"):
        docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
        first = docstring.partition("\n")[0]
        if not first.endswith((".", "?", "!", ":", "…")) or len(first) < len("Short one."):
            silent.append(str(path.relative_to(ROOT)))

    assert not silent


def test_a_promise_to_do_something_later_has_an_issue_number():
    words = ("TO" + "DO", "FIX" + "ME", "X" * 3)
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in python_files("identity", "consent", "migrations", "tests")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if any(word in line for word in words) and "#" not in line.partition("# ")[2]
    ]

    assert not found


def test_migrations_are_numbered_without_a_gap():
    numbers = [
        path.name.partition("_")[0]
        for path in sorted((ROOT / "migrations" / "versions").glob("*.py"))
        if path.name != "__init__.py"
    ]

    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
