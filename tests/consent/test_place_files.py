"""The files of places: what they count, how they hang together, how `places import` reads."""

import csv
import re
import shutil
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from consent import places
from consent.places import files, publish
from consent.places.files import CHANGES, COLUMNS, RESOLUTIONS, UNITS
from consent.places.plain import plain
from consent.sheets import BadSheet

HERE = files.packaged()
DEMO = Path(__file__).parents[2] / "examples" / "demo" / "registers"
EVE, MERGER, CITY = date(2025, 6, 30), date(2025, 7, 1), date(2026, 4, 30)


@pytest.fixture(scope="module")
def told():
    return files.read(HERE)


def standing(told, on):
    return [u for u in told.units if u["valid_from"] <= on <= (u["valid_to"] or date.max)]


@pytest.mark.parametrize(
    ("on", "counts"),
    [
        (EVE, {"province": 63, "district": 696, "commune": 10_035}),
        (MERGER, {"province": 34, "commune": 3321}),
        (CITY, {"province": 34, "commune": 3321}),
    ],
)
def test_as_many_units_stand_as_the_law_says(told, on, counts):
    """Once-only §4."""
    assert Counter(unit["level"] for unit in standing(told, on)) == counts


@pytest.mark.parametrize(
    ("on", "kinds"),
    [
        (EVE, {"xã": 7692, "phường": 1726, "thị trấn": 617}),
        (MERGER, {"xã": 2621, "phường": 687, "đặc khu": 13}),
        (CITY, {"xã": 2611, "phường": 697, "đặc khu": 13}),
    ],
)
def test_and_of_each_kind(told, on, kinds):
    communes = [unit for unit in standing(told, on) if unit["level"] == "commune"]

    assert Counter(unit["kind"] for unit in communes) == kinds
    in_city = [unit for unit in communes if unit["parent"] == "79"]
    assert len(in_city) == (0 if on == EVE else 168)


def test_every_old_unit_went_somewhere_and_every_new_one_came_from_somewhere(told):
    """Once-only §4: nothing is lost; a district alone has no heir, five islands do."""
    went = {change["old_code"] for change in told.changes if change["effective_on"] == MERGER}
    came = {change["new_code"] for change in told.changes if change["effective_on"] == MERGER}
    ended = [unit for unit in told.units if unit["valid_to"] == EVE]
    begun = {unit["code"] for unit in told.units if unit["valid_from"] == MERGER}

    assert {unit["code"] for unit in ended if unit["level"] != "district"} <= went
    assert begun == came
    assert len([unit for unit in ended if unit["level"] == "district"]) == 696
    assert len([code for code in went if len(code) == 3]) == 5


def test_471_communes_were_split_and_each_has_one_likely_share(told):
    parts = [change for change in told.changes if change["extent"] == "part"]

    assert len(parts) == 1033
    assert len({change["old_code"] for change in parts}) == 471
    assert len([change for change in parts if change["is_likely"]]) == 471


def test_more_than_half_of_the_codes_in_use_were_somebody_elses(told):
    """Once-only §4: the likeliest silent error after the merger."""
    old = {u["code"]: u["plain"] for u in standing(told, EVE) if u["level"] == "commune"}
    new = {u["code"]: u["plain"] for u in standing(told, MERGER) if u["level"] == "commune"}
    reused = old.keys() & new.keys()

    assert len(reused) == 3316
    bare = re.compile(r"(phuong|xa|thi tran|dac khu) ")
    renamed = [code for code in reused if bare.sub("", old[code]) != bare.sub("", new[code])]
    assert len(renamed) > len(new) / 2


def test_ten_communes_of_dong_nai_became_wards_in_2026(told):
    """237/NQ-UBTVQH16; and 30/2026/QH16 made the province a city."""
    changes = [change for change in told.changes if change["effective_on"] == CITY]
    kinds = {u["code"]: u["kind"] for u in told.units if u["valid_from"] == CITY}

    assert Counter(change["resolution"] for change in changes) == {
        "237/NQ-UBTVQH16": 10, "30/2026/QH16": 1,
    }  # fmt: skip
    assert Counter(kinds.values()) == {"phường": 10, "thành phố": 1}


def test_what_one_data_set_alone_tells_is_announced_and_stands_nowhere(told):
    """Law §1.6: Quảng Ninh and Bắc Ninh, August 2026, to confirm."""
    with (HERE / "announced.csv").open(encoding="utf-8", newline="") as sheet:
        announced = list(csv.DictReader(sheet))
    now = {unit["code"]: unit["kind"] for unit in standing(told, CITY)}

    assert Counter(row["parent"] for row in announced) == {"": 2, "24": 12}
    assert all(now[row["code"]] != row["kind"] for row in announced)
    with (HERE / RESOLUTIONS).open(encoding="utf-8", newline="") as sheet:
        known = {row["number"]: row["effective_on"] for row in csv.DictReader(sheet)}
    assert {known[row["resolution"]] for row in announced} == {""}
    assert [number for number, on in known.items() if not on] == sorted(
        {row["resolution"] for row in announced}, key=list(known).index
    )


def test_every_place_of_the_demo_stood_on_its_day(told):
    """One of its people has an address of before the merger, which pages word as of today."""
    named = re.compile(r'"code": "([0-9]+)", "valid_from": "([0-9-]+)"')
    text = "".join(path.read_text(encoding="utf-8") for path in DEMO.glob("*.jsonl"))
    found = {(code, date.fromisoformat(on)) for code, on in named.findall(text)}

    assert ("26971", date(2019, 4, 2)) in found
    for code, on in found:
        assert [unit for unit in standing(told, on) if unit["code"] == code], (code, on)


def test_the_readme_tells_each_column_and_the_license_is_there():
    readme = (HERE / "README.md").read_text(encoding="utf-8")

    assert [c for columns in COLUMNS.values() for c in columns if f"`{c}`" not in readme] == []
    assert "MIT License" in (HERE / "LICENSE.vietnamadminunits").read_text(encoding="utf-8")
    assert sum(path.stat().st_size for path in HERE.iterdir()) < 1_500_000


def test_a_name_is_plain_without_accents_and_marks():
    assert plain("Phường Hoà Hưng") == plain("PHƯỜNG  HÒA-HƯNG ") == "phuong hoa hung"
    assert plain("Đắk Lắk") == "dak lak"
    assert plain("Ea H'Leo") == plain("Ea H’Leo") == "ea hleo"
    assert plain("Bà Rịa - Vũng Tàu") == "ba ria vung tau"


@pytest.fixture
def small(tmp_path):
    """Two provinces that became one, two wards that did, one that was split: files to change."""
    (tmp_path / UNITS).write_text(
        "code,valid_from,valid_to,level,kind,name,parent\n"
        "01,,,province,tỉnh,Một,\n"
        "001,,2025-06-30,district,quận,Hai,01\n"
        "00001,,2025-06-30,commune,phường,Ba,001\n"
        "00004,,2025-06-30,commune,phường,Bốn,001\n"
        "00001,2025-07-01,,commune,phường,Năm,01\n"
        "00007,2025-07-01,,commune,xã,Sáu,01\n",
        encoding="utf-8",
    )
    (tmp_path / CHANGES).write_text(
        "old_code,new_code,effective_on,extent,likely,resolution\n"
        "00001,00001,2025-07-01,whole,yes,1/NQ\n"
        "00004,00001,2025-07-01,part,yes,1/NQ\n"
        "00004,00007,2025-07-01,part,no,1/NQ\n",
        encoding="utf-8",
    )
    (tmp_path / RESOLUTIONS).write_text(
        "number,issued_on,effective_on,seen_in\n"
        "1/NQ,2025-06-16,2025-07-01,a data set\n"
        "2/NQ,2025-06-16,,a data set\n",
        encoding="utf-8",
    )
    return tmp_path


def change(folder: Path, name: str, line: int, row: str) -> None:
    lines = (folder / name).read_text(encoding="utf-8").splitlines()
    lines[line - 1 :] = [*row.splitlines(), *lines[line:]]
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_a_folder_that_hangs_together_is_read(small):
    told = files.read(small)

    assert (len(told.units), len(told.changes)) == (6, 3)


BAD = [
    (UNITS, 3, "001,,2025-06-30,district,phường,Hai,01", "kind: expected"),
    (UNITS, 3, "001,,2025-06-30,town,quận,Hai,01", "level: expected one of"),
    (UNITS, 3, "0001,,2025-06-30,district,quận,Hai,01", "code: a district has"),
    (UNITS, 2, "01,,,province,tỉnh,,", "name: expected a text"),
    (UNITS, 2, "01,,,province,tỉnh,Một,02", "parent: no unit of a level above"),
    (UNITS, 4, "00001,,2025-06-30,commune,phường,Ba,", "parent: no unit"),
    (UNITS, 4, "00001,,2025-06-30,commune,phường,Ba,00004", "parent: no unit"),
    (UNITS, 6, "00001,2025-07-01,,commune,phường,Năm,001", "parent: no unit"),
    (UNITS, 6, "00001,2025-06-30,,commune,phường,Năm,01", "valid_from: another"),
    (UNITS, 7, "00007,2025-7-1,,commune,xã,Sáu,01", "valid_from: expected a day"),
    (UNITS, 7, "00007,2025-13-01,,commune,xã,Sáu,01", "valid_from: expected"),
    (UNITS, 7, "00007,0001-01-01,,commune,xã,Sáu,01", "valid_from: expected"),
    (UNITS, 7, "00007,2025-07-01,9999-12-31,commune,xã,Sáu,01", "valid_to:"),
    (UNITS, 7, "00007,2025-07-01,2025-06-01,commune,xã,Sáu,01", "valid_to: expected no day before"),
    (UNITS, 7, "00007,2025-07-01,2026-01-31,commune,xã,Sáu,01", "says what became of it"),
    (UNITS, 7, "00007,2025-07-01,,commune,xã,Sáu", "not as many cells"),
    (CHANGES, 2, "00009,00001,2025-07-01,whole,yes,1/NQ", "old_code: no"),
    (CHANGES, 2, "00001,00009,2025-07-01,whole,yes,1/NQ", "new_code: no"),
    (CHANGES, 2, "00001,00001,2025-07-01,whole,yes,2/NQ", "resolution:"),
    (CHANGES, 2, "00001,00001,2025-07-01,whole,yes,3/NQ", "resolution:"),
    (CHANGES, 2, "00001,00001,2025-07-01,part,yes,1/NQ", "extent:"),
    (CHANGES, 2, "00001,00001,2025-07-01,whole,no,1/NQ", "likely:"),
    (CHANGES, 3, "00004,00001,2025-07-01,part,no,1/NQ", "likely:"),
    (CHANGES, 4, "00004,00001,2025-07-01,part,no,1/NQ", "new_code: stands"),
    (CHANGES, 1, "old_code,new_code", "the column effective_on is missing"),
    (RESOLUTIONS, 2, "1/NQ,2025-06-16,2025-07-01,", "seen_in: expected"),
    (RESOLUTIONS, 3, "1/NQ,2025-06-16,,x", "number: stands in an earlier"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "line", "row", "fault"), BAD)
def test_a_bad_line_is_named_and_nothing_is_imported(small, name, line, row, fault):
    change(small, name, line, row)

    with pytest.raises(BadSheet) as bad:
        files.read(small)

    where = f"line {line} of {name}"
    told = [one for one in bad.value.faults if one.startswith(where) and fault in one]
    assert told, bad.value.faults


@pytest.mark.parametrize("name", COLUMNS)
def test_a_folder_without_one_of_the_files_is_refused(small, name):
    (small / name).unlink()

    with pytest.raises(BadSheet, match=f"{name}: no such file in the folder"):
        files.digest(small)


def test_a_file_that_is_no_text_is_refused(small):
    (small / CHANGES).write_bytes(b"\xff\xfe")

    with pytest.raises(BadSheet, match=r"unit_changes\.csv: the file is not UTF-8"):
        files.read(small)


class TestImport:
    """`places import`."""

    def test_the_same_files_again_change_nothing(self, country):
        told = country.test_cli_runner().invoke(args=["places", "import"])

        assert told.exit_code == 0, told.output
        assert told.output == "places: 0 new, 0 changed, 24814 unchanged\n"

    @pytest.mark.slow
    @pytest.mark.usefixtures("country")
    def test_a_changed_line_changes_its_row_and_the_others_stay(self, tmp_path):
        folder = tmp_path / "places"
        shutil.copytree(HERE, folder)
        sheet = (folder / UNITS).read_text(encoding="utf-8")
        changed = sheet.replace("commune,đặc khu,Thổ Châu,91", "commune,đặc khu,Thổ Chu,91")
        assert changed != sheet
        (folder / UNITS).write_text(changed, encoding="utf-8")

        found = [places.find("31105", CITY).name]
        there = publish.publish(folder)
        found.append(places.find("31105", CITY).name)
        back = publish.publish(HERE)
        found.append(places.find("31105", CITY).name)

        assert found == ["Thổ Châu", "Thổ Chu", "Thổ Châu"]
        for published in (there, back):
            assert (published.new, published.changed, published.unchanged) == (0, 1, 24_813)

    def test_a_bad_line_stops_the_command(self, country, small):
        change(small, CHANGES, 2, "00009,00001,2025-07-01,whole,yes,1/NQ")

        told = country.test_cli_runner().invoke(args=["places", "import", str(small)])

        assert told.exit_code == 1
        assert "line 2 of unit_changes.csv, old_code: no unit of this code" in told.output
