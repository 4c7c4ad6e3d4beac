"""The words of the pages (contract, *Words*): short, polite without a pronoun, useful on errors."""

import ast
import csv
import re
from functools import cache

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from tests.databases import ROOT

ENGLISH = ROOT / "identity/translations/en/LC_MESSAGES/messages.po"
PACKAGES = ("identity", "consent")
MAPPING = [("**.py", "python"), ("templates/**.html", "jinja2"), ("templates/**.txt", "jinja2")]
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "MenuEntry": (2,)}
# Columns of the catalogues that pages show.
SHOWN = {
    "consent/procedures/catalogue.csv": ("short_name_vi", "name_en", "purpose_vi", "purpose_en"),
    "consent/attributes/catalogue.csv": ("label_vi", "label_en"),
    "consent/attributes/registers.csv": ("name_vi", "name_en"),
    "consent/attributes/codes.csv": ("label_vi", "label_en"),
}
MOST_WORDS = 30
FILLED_IN = re.compile(r"%\(\w+\)[sd]")
WORD = re.compile(r"(?<![\w-])[^\W\d_]{2,}(?![\w-])")
# Dates, sums and numbers as nobody in Vietnam writes them.
OTHERWISE = re.compile(r"\d{4}-\d{2}-\d{2}|(?<![\d/])\d/\d{1,2}/\d{4}|\d,\d{3}(?!\d)|\bVN[ĐD]\b")
SENTENCE_ENDS = re.compile(r"(?<=[.!?:;…])\s+")
# No page calls anybody anything: nobody is called wrongly, neither a child nor an old man.
PRONOUNS = re.compile(
    r"(?<!\w)(bạn|ông|bà|anh|chị|em|cậu|quý vị|quý khách|quý ông|quý bà|mày|cháu)(?!\w)"
)
OTHER_NAMES = re.compile(
    r"(?<!\w)(CMND|CCCD|CMT|chứng minh thư|chứng minh nhân dân|căn cước công dân|số căn cước"
    r"|mã định danh|số định danh(?! cá nhân))(?!\w)",
    re.IGNORECASE,
)
ABBREVIATIONS = {"API", "BHXH", "BHYT", "CSV", "ID", "JWT", "OIDC", "PDF", "QR", "SHA", "SMS"}
# What a person can do, at the head of a sentence or of a part of one.
ACTS = re.compile(
    r"(hãy|bấm|báo|bỏ|chọn|có thể|dùng|đăng nhập|đặt|điền|đợi|gọi|gửi|hỏi|kiểm tra|không cần"
    r"|làm lại|liên hệ|mang|mở|nhập|nhờ|quay lại|rút gọn|tải|thêm|thử|tìm|viết|về|xem|xóa"
    r"|yêu cầu)(?!\w)",
    re.IGNORECASE,
)
HEADS = re.compile(r"[.;:,]\s+|\s(?:rồi|hoặc|và)\s")
# Beside these stands a link that leads on.
BESIDE_A_LINK = {"Trang này chỉ dành cho: %(roles)s."}


@cache
def vietnamese() -> frozenset[str]:
    """Every sentence of templates and modules."""
    found: set[str] = set()
    for package in PACKAGES:
        for told in extract_from_dir(ROOT / package, MAPPING, keywords=KEYWORDS):
            message = told[2]
            found.update(message if isinstance(message, tuple) else (message,))
    return frozenset(found)


@cache
def english() -> frozenset[str]:
    """The same in English."""
    with ENGLISH.open("rb") as file:
        entries = [entry for entry in read_po(file, locale="en") if entry.id]
    return frozenset(
        text for e in entries for text in (e.string if isinstance(e.string, tuple) else (e.string,))
    )


@cache
def catalogues(language: str) -> frozenset[str]:
    """What the catalogues bring to the pages."""
    found = set()
    for file, columns in SHOWN.items():
        for row in csv.DictReader((ROOT / file).read_text(encoding="utf-8").splitlines()):
            found.update(row[name] for name in columns if name.endswith(f"_{language}"))
    return frozenset(found)


def every(language: str) -> frozenset[str]:
    return (vietnamese() if language == "vi" else english()) | catalogues(language)


def sentences(text: str) -> list[str]:
    """A text's sentences, with one word for each thing that is filled in."""
    return SENTENCE_ENDS.split(FILLED_IN.sub("X", text))


def test_there_is_something_to_read():
    """Otherwise everything below would hold of nothing."""
    assert len(vietnamese()) > 300
    assert len(english()) > 300
    assert len(errors()) > 25
    assert "Họ, chữ đệm và tên" in every("vi")


@pytest.mark.parametrize("language", ["vi", "en"])
def test_no_sentence_is_longer_than_thirty_words(language):
    """Issue 3, item 7: who reads slowly, or listens, gets to its end."""
    long = [
        sentence
        for text in every(language)
        for sentence in sentences(text)
        if len(sentence.split()) > MOST_WORDS
    ]

    assert long == []


def test_nobody_is_called_by_a_pronoun():
    """Contract: no pronoun where possible; so no *bạn*, and a child is never called ông/bà."""
    called = {text for text in vietnamese() if PRONOUNS.search(text.replace("tiếng Anh", ""))}

    assert called == set()


def test_the_personal_number_has_one_name():
    """Contract: số định danh cá nhân, never CMND."""
    wrong = {text for text in every("vi") if OTHER_NAMES.search(text)}

    assert wrong == set()


@pytest.mark.parametrize("language", ["vi", "en"])
def test_nothing_is_shouted(language):
    """Capitals lose their marks, and readers."""
    shouted = {
        word
        for text in every(language)
        for word in WORD.findall(FILLED_IN.sub("", text))
        if word.isupper()
    }

    assert shouted - ABBREVIATIONS == set()


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_sentence_is_tidy(language):
    """NFC, no doubled space, no three dots for an ellipsis, no exclamation mark."""
    untidy = {text for text in every(language) if re.search(r"  |\.\.\.|!", text.strip())}

    assert untidy == set()


def test_dates_times_and_sums_in_a_sentence_are_written_as_people_write_them():
    """Contract: 09/03/1952 and 2.000; never 1952-03-09, 9/3 or 2,000 in Vietnamese."""
    wrong = {text for text in every("vi") if OTHERWISE.search(text)}

    assert wrong == set()


COUNTED = re.compile(
    r"\d[\d.,]*\s+(thủ tục|cơ sở dữ liệu|tỉnh|xã|phường|dịch vụ công|procedures|databases|provinces"
    r"|communes|wards)",
    re.IGNORECASE,
)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_no_sentence_counts_what_the_law_changes(language):
    """Law §1.5 and §1.6: such a number would need its day and its source."""
    assert {text for text in every(language) if COUNTED.search(text)} == set()


@pytest.mark.parametrize("language", ["vi", "en"])
def test_no_sentence_promises_72_hours(language):
    """Law §1.1: they are the term of a breach notice, and a withdrawal holds at once."""
    assert {text for text in every(language) if re.search(r"\b72\b", text)} == set()


@cache
def errors() -> frozenset[str]:
    """Sentences that a refusal or a field's error says: by where they stand in the code."""
    found: set[str] = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                for place in _places(node):
                    found.update(_said(place))
    return frozenset(found)


def _places(node: ast.AST) -> list[ast.AST]:
    """What of this node says what went wrong: a refusal's sentence, a table of them, a field's."""
    if isinstance(node, ast.Assign):
        names = {ast.unparse(target) for target in node.targets}
        if any(name.endswith(".sentence") or name == "_SENTENCES" for name in names):
            return [node.value]
    if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "_SENTENCES" and node.value:
        return [node.value]
    if isinstance(node, ast.FunctionDef) and node.name in {"_sentences", "_told_problems"}:
        return [node]
    is_pair = isinstance(node, ast.Tuple) and len(node.elts) == 2  # a field and its sentence
    if is_pair and isinstance(node.elts[0], ast.Constant | ast.JoinedStr):
        return [node.elts[1]]
    return []


def _said(place: ast.AST) -> set[str]:
    return {
        call.args[0].value
        for call in ast.walk(place)
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) in {"_", "gettext"}
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }


def test_an_error_says_what_to_do():
    """Issue 3, item 7; WCAG 3.3.3."""
    helpless = {text for text in errors() if not any(map(ACTS.match, HEADS.split(text)))}

    assert helpless - BESIDE_A_LINK == set()


def test_no_template_writes_a_date_or_a_sum_by_itself():
    """All of them go through `identity.presentation`, so that one place decides how."""
    own = [
        f"{path.name}: {found[0]}"
        for package in PACKAGES
        for path in (ROOT / package).rglob("templates/**/*.*")
        for found in re.finditer(r"strftime|isoformat|\|\s*round|format\(", path.read_text("utf-8"))
    ]

    assert own == []
