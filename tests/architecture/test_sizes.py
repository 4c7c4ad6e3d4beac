"""House style §7: the sizes that keep a reader's place. A decision record may raise a ceiling."""

import ast
import re
import statistics
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("identity", "consent", "migrations")
MODULE_LINES, TEST_LINES, TEMPLATE_LINES = 300, 400, 60
FUNCTION_LINES, MEDIAN_LINES, P90_LINES = 40, 8, 25
AREA_FILES = 10
# A module that may be longer, and the record that says why: {"identity/x.py": "0009-….md"}.
RAISED: dict[str, str] = {}


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


@cache
def functions() -> list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    return list(_functions())


def _functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    # A migration is a list of statements, read once and from top to bottom.
    for path in modules("identity", "consent"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Its lines after the docstring: telling more must not cost."""
    first, last = function.body[0], function.body[-1]
    has_docstring = ast.get_docstring(function) is not None
    start = (first.end_lineno or 0) if has_docstring else first.lineno - 1
    return (last.end_lineno or 0) - start


def test_no_module_is_longer_than_its_ceiling():
    too_long = {
        str(path.relative_to(ROOT)): lines(path)
        for path in modules(*PACKAGES)
        if lines(path) > MODULE_LINES and str(path.relative_to(ROOT)) not in RAISED
    }

    assert not too_long
    assert all((ROOT / "docs" / "decisions" / record).exists() for record in RAISED.values())


def test_no_test_module_is_longer_than_its_ceiling():
    too_long = {
        str(path.relative_to(ROOT)): lines(path)
        for path in modules("tests")
        if lines(path) > TEST_LINES
    }

    assert not too_long


def test_no_function_is_longer_than_its_ceiling():
    assert not [
        (where, body_lines(function))
        for where, function in functions()
        if body_lines(function) > FUNCTION_LINES
    ]


def test_functions_are_short_as_a_rule():
    sizes = sorted(body_lines(function) for _, function in functions())

    assert statistics.median(sizes) <= MEDIAN_LINES
    assert sizes[int(len(sizes) * 0.9)] <= P90_LINES


def test_whoever_breaks_a_rule_says_why_at_the_line():
    """Parameters, complexity and the rest are ruff's; what it lets pass has its reason."""
    silent = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in modules(*PACKAGES, "tests")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search(r"#\s*noqa(?!: [A-Z0-9, ]+ - \w)", line)
    ]

    assert not silent


def test_no_function_is_too_complex_by_permission():
    """A ceiling is raised by a decision record, never by a comment."""
    assert not [
        f"{path.relative_to(ROOT)}:{number}"
        for path in modules(*PACKAGES)
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search(r"noqa.*(C901|PLR0911|PLR0912|PLR0915)", line)
    ]


def test_areas_stay_small_enough_to_know():
    too_many = {}
    for half in ("identity", "consent"):
        for area in (path for path in (ROOT / half).iterdir() if (path / "__init__.py").exists()):
            name = f"{half}/{area.name}"
            found = [path for path in area.glob("*.py") if path.name != "__init__.py"]
            if len(found) > AREA_FILES:
                too_many[name] = len(found)

    assert not too_many


def test_templates_are_short_and_hold_no_logic_beyond_if_and_for():
    allowed = re.compile(
        r"{%-?\s*(if|elif|else|endif|for|endfor|block|endblock|extends|include|import|from|macro|"
        r"endmacro|set|trans|pluralize|endtrans|call|endcall|with|endwith|autoescape|endautoescape)\b"
    )
    breaches = []
    for path in sorted(ROOT.glob("*/templates/**/*.html")):
        text = path.read_text()
        if lines(path) > TEMPLATE_LINES:
            breaches.append(f"{path.relative_to(ROOT)}: {lines(path)} lines")
        breaches += [
            f"{path.relative_to(ROOT)}: {tag}"
            for tag in re.findall(r"{%.*?%}", text, re.DOTALL)
            if not allowed.match(tag)
        ]

    assert not breaches
