"""Where help is: the counters that `MOTLAN_COUNTERS` lists, and what is said without a list."""

import dataclasses

import pytest

from identity import settings as settings_module
from identity.counter import counters
from tests.databases import ROOT
from tests.markup import Markup

HELP = "/sign-in/help"
FIRST = "province,name,address,hours,phone\n"
ROW = "Tỉnh {n},Quầy phường {n},12 phố Sen,Thứ hai đến thứ sáu 07:30–11:30,0999 000 081\n"


@pytest.fixture
def write(settings, tmp_path):
    """The file of counters holds this from now on."""
    path = tmp_path / "counters.csv"
    settings_module.install(dataclasses.replace(settings, counters=path))

    def hold(text):
        path.write_text(text, encoding="utf-8")

    yield hold
    settings_module.install(settings)


def test_without_a_list_the_page_says_what_is_true(client):
    page = client.get(HELP)

    assert "chưa có danh sách quầy" in Markup(page.text).by_id("no-list").words
    assert counters.look() is None


def test_a_short_list_is_shown_whole(client, write):
    write(FIRST + ROW.format(n="A") + "Tỉnh B,Quầy B,Bến tàu,Cả tuần 08:00–16:00,\n")

    page = Markup(client.get(HELP).text)

    listed = page.by_id("counters").words
    assert "Quầy phường A" in listed
    assert "12 phố Sen" in listed
    assert "07:30–11:30" in listed
    assert "0999 000 081" in listed
    assert list(page.all("select")) == []


def test_provinces_stand_in_the_order_of_the_dictionary(client, write):
    """Đ follows D; by code points it would follow everything."""
    names = ["Vĩnh Long", "Đồng Nai", "Cà Mau", "Điện Biên"]
    write(FIRST + "".join(ROW.format(n=n) for n in names * 8))

    page = Markup(client.get(HELP).text)

    told = [option.words for option in page.all("option")]
    assert told == ["Tỉnh Cà Mau", "Tỉnh Điện Biên", "Tỉnh Đồng Nai", "Tỉnh Vĩnh Long"]


def test_of_a_long_list_one_chooses_the_province(client, write):
    """No script and no person in the address; a province that there is not shows none."""
    write(FIRST + "".join(ROW.format(n=n) for n in range(30)))

    first, chosen = client.get(HELP), client.get(f"{HELP}?province=Tỉnh 7")
    strange = client.get(f"{HELP}?province=<script>")

    assert 'id="counters"' not in first.text + strange.text
    assert len(list(Markup(first.text).all("option"))) == 30
    assert "Quầy phường 7" in chosen.text
    assert "Quầy phường 8" not in chosen.text
    assert "<script>" not in strange.text


def test_a_change_of_the_file_is_seen_without_a_restart(client, write):
    write(FIRST + ROW.format(n="A"))
    client.get(HELP)

    write(FIRST + ROW.format(n="Mới"))

    assert "Quầy phường Mới" in client.get(HELP).text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name,address\n", "first line"),
        (FIRST + "Tỉnh A,Quầy A,,sáng,\n", "line 2, address"),
        (FIRST + "Tỉnh A,Quầy A,phố,sáng\n", "line 2"),
        (FIRST + "Tỉnh A,Quầy A,phố,sáng,1,2\n", "line 2"),
        (FIRST + "Tỉnh A,Quầy \x1b[31m,phố,sáng,\n", "line 2, name"),
        (FIRST + "Tỉnh A," + "x" * 301 + ",phố,sáng,\n", "line 2, name"),
    ],
)
def test_a_broken_file_is_told_to_the_operator_and_shown_to_nobody(client, write, text, fault):
    """`motlan doctor` says the line; the page says what holds without a list."""
    write(text)

    said = counters.look()

    assert said is not None
    assert said.startswith("MOTLAN_COUNTERS: ")
    assert fault in said
    assert 'id="no-list"' in client.get(HELP).text


def test_a_file_that_is_gone_is_told(settings, tmp_path):
    settings_module.install(dataclasses.replace(settings, counters=tmp_path / "none.csv"))
    try:
        assert "No such file" in (counters.look() or "")
    finally:
        settings_module.install(settings)


def test_the_demo_has_counters():
    assert len(counters.read(ROOT / "examples" / "demo" / "counters.csv")) >= 3
