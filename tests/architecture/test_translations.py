"""Vietnamese is the source, English is complete, and no sentence of a page escapes either."""

import ast
import io
import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from tests.databases import ROOT

ENGLISH = ROOT / "identity/translations/en/LC_MESSAGES/messages.po"
PACKAGES = ("identity", "consent")
TEMPLATES = [path for package in PACKAGES for path in (ROOT / package).rglob("templates/**/*.*")]
MAPPING = [("**.py", "python"), ("templates/**.html", "jinja2"), ("templates/**.txt", "jinja2")]
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "MenuEntry": (2,), "Waiting": (2,)}
VIETNAMESE = re.compile(
    r"[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệịỉĩọỏốồổỗộớờởỡợụủũứừửữựỵỷỹàáãèéìíòóõùúýỳ]", re.IGNORECASE
)
# Said as they are in every language: names of products, and a language's own name for itself.
NAMES = ("Một Lần", "Tiếng Việt", "Cốc Cốc")
# Not texts of pages: how dates and money are written, answers that a form may bring, code lists.
NO_PAGES = {
    "identity/presentation.py",
    "identity/serve.py",
    "identity/openapi.py",
    "consent/attributes/types.py",
    "consent/attributes/written.py",
    "consent/procedures/publish.py",
    "consent/places/files.py",
    "consent/places/plain.py",
    "consent/places/words.py",
}
# Text in a template outside tags, comments and expressions.
MARKUP = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<style.*?</style>", re.DOTALL)


@cache
def english() -> Catalog:
    with ENGLISH.open("rb") as file:
        return read_po(file, locale="en")


@cache
def said() -> frozenset[str]:
    """Every sentence that the pages say, as the message id."""
    found = set()
    for package in PACKAGES:
        for _file, _line, message, _comments, _context in extract_from_dir(
            ROOT / package, MAPPING, keywords=KEYWORDS
        ):
            found.add(message[0] if isinstance(message, tuple) else message)
    return frozenset(found)


def texts(entry) -> tuple[str, ...]:
    return entry.string if isinstance(entry.string, tuple) else (entry.string,)


def test_the_pages_say_something():
    """Otherwise everything below would hold of nothing."""
    assert len(said()) > 150
    assert "Đăng nhập" in said()
    assert "Ai đang được dùng dữ liệu của tôi" in said()  # from a menu entry


def test_english_has_every_sentence():
    """`make translations` collects them; whoever writes a sentence writes its English."""
    known = {
        entry.id[0] if isinstance(entry.id, tuple) else entry.id
        for entry in english()
        if entry.id and all(texts(entry)) and not entry.fuzzy
    }

    assert said() - known == frozenset()


def test_english_has_no_sentence_that_nobody_says():
    """What was reworded leaves no ghost."""
    known = {e.id[0] if isinstance(e.id, tuple) else e.id for e in english() if e.id}

    assert known - said() == frozenset()
    assert not english().obsolete


def test_english_is_not_vietnamese_again():
    """A copied message id looks translated and is not."""
    left = [
        text for e in english() if e.id for text in texts(e) if VIETNAMESE.search(without(text))
    ]

    assert left == []


def test_both_languages_fill_in_the_same():
    """A placeholder that one of them lacks breaks the page or hides a fact."""
    for entry in english():
        if not entry.id:
            continue
        ids = entry.id if isinstance(entry.id, tuple) else (entry.id,)
        wanted = {name for text in ids for name in re.findall(r"%\(\w+\)[sd]", text)}
        for text in texts(entry):
            assert set(re.findall(r"%\(\w+\)[sd]", text)) == wanted, entry.id


def test_what_is_read_is_what_was_written():
    """The compiled file comes from this very text: `make translations`."""
    compiled = io.BytesIO()
    write_mo(compiled, english())

    assert ENGLISH.with_suffix(".mo").read_bytes() == compiled.getvalue()


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_says_a_bare_sentence(template: Path):
    """Every Vietnamese word of a page stands inside `_()`."""
    bare = MARKUP.sub("", template.read_text(encoding="utf-8"))

    assert [line.strip() for line in bare.splitlines() if VIETNAMESE.search(without(line))] == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_expression_of_a_template_says_one(template: Path):
    """Nor does a string in a tag or an expression, unless `_()` takes it."""
    for markup in re.findall(
        r"\{%.*?%\}|\{\{.*?\}\}", template.read_text(encoding="utf-8"), re.DOTALL
    ):
        unmarked = re.sub(r"""_\(\s*("[^"]*"|'[^']*')""", "", markup)
        assert not VIETNAMESE.search(without(unmarked)), markup


def test_no_python_file_says_a_bare_sentence():
    """A Vietnamese string goes through gettext or names a menu entry."""
    bare = []
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            name = str(file.relative_to(ROOT))
            if name not in NO_PAGES:
                bare += [f"{name}: {text}" for text in unmarked_strings(file)]

    assert bare == []


def unmarked_strings(file: Path) -> list[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    marked = {
        id(argument)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in KEYWORDS
        for argument in call.args
    }
    documents = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in marked | documents
        and VIETNAMESE.search(without(node.value))
    ]


def without(text: str) -> str:
    """The text without the names that no language translates."""
    for name in NAMES:
        text = text.replace(name, "")
    return text
