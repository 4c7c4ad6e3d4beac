"""`attributes import` and `procedures import`: versioned, whole, and refused line by line."""

import csv
import io

import pytest
from sqlalchemy import select

from consent.attributes import catalogue as attribute_catalogue
from consent.attributes import publish as attributes_file
from consent.procedures import catalogue
from consent.procedures import publish as procedures_file
from consent.procedures.catalogue import Basis, UnknownProcedure
from consent.procedures.records import Procedure
from consent.sheets import BadSheet
from identity import database

pytestmark = pytest.mark.usefixtures("app", "catalogues")


@pytest.fixture
def sheet(tmp_path):
    """Writes rows of one packaged file, changed, to a file of the test's own."""

    def write(packaged, *, of, **change):
        rows = csv.DictReader(io.StringIO(packaged.read_text(encoding="utf-8")))
        row = next(row for row in rows if row.get("code", row.get("name")) == of)
        return write_rows([row | change])

    def write_rows(rows):
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        file = tmp_path / "sheet.csv"
        file.write_text(text.getvalue(), encoding="utf-8")
        return file

    return write


def a_procedure(sheet, **change):
    return sheet(procedures_file.packaged(), **{"of": "1.004222"} | change)


def an_attribute(sheet, **change):
    packaged = attributes_file.packaged("catalogue.csv")
    return sheet(packaged, **{"of": "owns_dwelling"} | change)


def publish(file):
    return procedures_file.publish(file, askable=attributes_file.askable())


def test_the_packaged_procedures_stand_as_the_file_says():
    found = catalogue.procedure("1.004222")

    assert found.basis is Basis.REQUEST
    assert found.attributes_required[:2] == ("full_name", "personal_number")
    assert found.min_account_level == found.min_auth_level == 2
    assert found.needs_case
    assert not catalogue.procedure("1.115150").needs_case
    assert catalogue.procedure("1.002759").basis is Basis.LAW
    assert found.source == "catalogue.csv"
    packaged = procedures_file.packaged().read_text(encoding="utf-8")
    told = {row["code"] for row in csv.DictReader(io.StringIO(packaged))}
    assert len(told) == 8
    assert told <= catalogue.procedures().keys()


def test_an_unknown_code_is_refused():
    with pytest.raises(UnknownProcedure):
        catalogue.procedure("9.999999")


def test_an_equal_row_is_nothing_and_a_changed_one_a_new_version(sheet):
    code = "1.777001"
    new = publish(a_procedure(sheet, code=code))
    again = publish(a_procedure(sheet, code=code))
    changed = publish(a_procedure(sheet, code=code, purpose_en="For another purpose."))

    counted = [(p.new, p.changed, p.unchanged) for p in (new, again, changed)]
    assert counted == [(1, 0, 0), (0, 0, 1), (0, 1, 0)]
    assert catalogue.procedure(code).version == 2
    assert catalogue.procedure(code).template == f"{code}@2"
    # The first version stays: what was decided about it can be read for ever.
    versions = select(Procedure.purpose_en).where(Procedure.code == code)
    assert len(database.rows(versions.order_by(Procedure.version))) == 2


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"code": "1.4222"}, "line 2, code: expected a national procedure code"),
        ({"basis": "mandate"}, "line 2, basis: expected one of request, consent, law"),
        ({"level": "district"}, "line 2, level: expected one of"),
        ({"min_auth_level": "5"}, "line 2, min_auth_level: expected a whole number from 1 to 4"),
        ({"min_account_level": "hai"}, "line 2, min_account_level: expected"),
        ({"name_vi": " "}, "line 2, name_vi: expected a text"),
        ({"retention": "one year"}, "line 2, retention: expected a duration"),
        ({"retention": "P"}, "line 2, retention: expected a duration"),
        ({"legal_basis": ""}, "line 2, legal_basis: expected at least one entry"),
        ({"attributes_required": ""}, "line 2, attributes_required: expected at least one"),
        ({"attributes_required": "full_name|full_name"}, "expected each entry once"),
        ({"attributes_required": "full_name||sex"}, "expected entries apart by single bars"),
        ({"attributes_required": "full_name|shoe_size"}, "no attribute is called shoe_size"),
        ({"attributes_optional": "religion"}, "no procedure may ask for religion"),
        ({"attributes_optional": "full_name"}, "names what is required too"),
        (
            {"attributes_required": "full_name", "attributes_optional": "tax_code"},
            "tax_code may equal personal_number, which must be required beside it",
        ),
        ({"basis": "law", "legal_basis": "Luật Cư trú"}, "the basis law needs an article"),
    ],
)
def test_a_bad_cell_is_told_and_nothing_is_imported(sheet, change, complaint):
    before = dict(catalogue.procedures())

    with pytest.raises(BadSheet) as refused:
        publish(a_procedure(sheet, **change))

    assert complaint in "\n".join(refused.value.faults)
    catalogue.forget()
    assert dict(catalogue.procedures()) == before


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"", "line 1: the column code is missing"),
        (b"\xff\xfe", "the file is not UTF-8"),
        (b"code,code\n", "line 1: a column stands twice"),
        (b"code,colour\n", "line 1: no column is called colour"),
    ],
)
def test_a_file_that_is_no_such_sheet_is_refused_at_its_head(tmp_path, text, complaint):
    file = tmp_path / "sheet.csv"
    file.write_bytes(text)

    with pytest.raises(BadSheet) as refused:
        publish(file)

    assert complaint in refused.value.faults


def test_a_row_with_too_few_cells_and_one_that_stands_twice_are_told(tmp_path):
    head, row = procedures_file.packaged().read_text(encoding="utf-8").splitlines()[:2]
    file = tmp_path / "sheet.csv"
    file.write_text(f"{head}\n{row}\n{row}\n1.004222,short", encoding="utf-8")

    with pytest.raises(BadSheet) as refused:
        publish(file)

    assert refused.value.faults == [
        "line 4: not as many cells as columns",
        "line 3, code: stands in an earlier line too",
    ]


def test_an_attribute_changed_in_words_keeps_its_meaning_and_its_decisions(sheet):
    before = attribute_catalogue.attribute("owns_dwelling")

    published = attributes_file.publish(an_attribute(sheet, label_en="Has a home of one's own"))

    after = attribute_catalogue.attribute("owns_dwelling")
    assert (published.changed, after.version) == (1, before.version + 1)
    assert after.meant_since == before.meant_since < after.recorded_at


def test_an_attribute_of_another_sensitivity_means_something_else_from_now_on(sheet):
    """security-cases.md §7, case 51: an old decision does not cover it."""
    before = attribute_catalogue.attribute("native_place")

    attributes_file.publish(an_attribute(sheet, of="native_place", sensitivity="sensitive"))

    after = attribute_catalogue.attribute("native_place")
    assert after.meant_since == after.recorded_at > before.meant_since


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"name": "Owns-Dwelling"}, "line 2, name: expected a name of lower-case letters"),
        ({"register": "sea"}, "line 2, register: no register is called so"),
        ({"register": "tax"}, "line 2, register: cannot change"),
        ({"type": "yesno"}, "line 2, type: expected one of"),
        ({"type": "text"}, "line 2, type: cannot change"),
        ({"sensitivity": "secret"}, "line 2, sensitivity: expected one of basic, sensitive"),
        ({"freshness_days": "0"}, "line 2, freshness_days: expected a whole number"),
        ({"equals_paper": "ja"}, "line 2, equals_paper: expected yes or no"),
        (
            {"name": "shoe_size", "register": "declared"},
            "line 2, may_be_supplied: what no register holds, only the person can say",
        ),
        (
            {"of": "full_name", "may_be_supplied": "yes"},
            "line 2, register: identity keeps this value for the population register",
        ),
    ],
)
def test_a_bad_attribute_is_told_and_nothing_is_imported(sheet, change, complaint):
    before = dict(attribute_catalogue.attributes())

    with pytest.raises(BadSheet) as refused:
        attributes_file.publish(an_attribute(sheet, **change))

    assert complaint in "\n".join(refused.value.faults)
    attribute_catalogue.forget()
    assert dict(attribute_catalogue.attributes()) == before


def test_a_keeper_once_named_stays_when_the_packaged_file_comes_again():
    attributes_file.name_keepers({"land": "000.00.00.X13"})

    attributes_file.publish_registers(attributes_file.packaged("registers.csv"))

    assert attribute_catalogue.register("land").keeper_code == "000.00.00.X13"
    assert attribute_catalogue.register("declared").keeper is None


def test_a_keeper_of_no_register_is_refused_and_names_nobody():
    with pytest.raises(BadSheet):
        attributes_file.name_keepers({"tax": "000.00.00.X99", "sea": "000.00.00.X98"})

    assert attribute_catalogue.register("tax").keeper_code is None


@pytest.mark.parametrize("group", ["attributes", "procedures"])
def test_without_a_file_the_commands_publish_what_comes_with_the_software(app, group):
    done = app.test_cli_runner().invoke(args=[group, "import"])

    assert done.exit_code == 0, done.output
    assert " unchanged" in done.output


def test_the_command_says_every_fault_of_a_bad_file(app, sheet):
    file = a_procedure(sheet, basis="mandate", level="district")

    done = app.test_cli_runner().invoke(args=["procedures", "import", str(file)])

    assert done.exit_code == 1
    assert "nothing was imported" in done.output
    assert "line 2, basis" in done.output
    assert "line 2, level" in done.output
