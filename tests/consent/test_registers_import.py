"""`registers import`: good lines are kept, bad ones told by line and field, never by value."""

import json

import pytest
from sqlalchemy import func, select

from consent.attributes import values
from consent.attributes.records import AttributeValue, ValueTicket
from consent.registers.fill import BATCH
from identity import clock, database
from tests.exchange import fill_register, told
from tests.people import lan, minh, new_number

pytestmark = pytest.mark.usefixtures("app", "catalogues")


def stored(person):
    mine = AttributeValue.citizen_id == person.citizen_id
    return database.row(select(func.count()).select_from(AttributeValue).where(mine))[0]


def tickets(person):
    mine = ValueTicket.citizen_id == person.citizen_id
    return [row.kind for row in database.rows(select(ValueTicket.kind).where(mine))]


def size_of(person):
    found = values.current(person.citizen_id, ["household_size"])
    return found["household_size"].value


def test_every_good_line_stands_with_its_envelope():
    person = lan()

    filled, said = fill_register(
        "residence",
        told(person, "household_size", 4, valid_from="2026-01-01", record_id="CT-1"),
        b"",
        told(person, "temporary_address", {"text": "Số 7", "code": "26809", "valid_from": None}),
    )

    assert (filled.kept, filled.unchanged, filled.bad, said) == (2, 0, 0, [])
    value = values.current(person.citizen_id, ["household_size"])["household_size"]
    assert (value.value, value.valid_from, value.valid_to) == (4, "2026-01-01", None)


def test_a_file_may_begin_with_a_byte_order_mark_and_is_utf_8():
    """RFC 8259 §8.1: the mark is passed over, and JSON between systems is UTF-8."""
    person = lan()
    line = json.dumps(told(person, "household_size", 5))

    filled, _ = fill_register("residence", f"\ufeff{line}\r\n".encode())
    other, _ = fill_register("residence", line.encode("utf-16-le"))

    assert (filled.kept, filled.bad) == (1, 0)
    assert (other.unchanged, other.bad) == (0, 1)


def test_the_same_file_again_changes_nothing():
    person = lan()
    lines = [told(person, "household_size", 3), told(person, "household_size", 4)]
    fill_register("residence", *lines)
    before = stored(person), size_of(person), tickets(person)

    filled, _ = fill_register("residence", *lines)

    assert (filled.kept, filled.unchanged) == (0, 2)
    assert (stored(person), size_of(person), tickets(person)) == before


def test_a_later_day_may_bring_another_value_without_a_ticket():
    person = lan()
    fill_register("residence", told(person, "household_size", 3, as_of="2026-01-01"))

    fill_register("residence", told(person, "household_size", 4, as_of="2026-02-01"))

    assert (size_of(person), stored(person), tickets(person)) == (4, 2, [])


def test_an_earlier_day_told_later_opens_a_ticket_and_does_not_stand():
    person = lan()
    fill_register("residence", told(person, "household_size", 4, as_of="2026-02-01"))

    fill_register("residence", told(person, "household_size", 3, as_of="2026-01-01"))

    assert (size_of(person), stored(person)) == (4, 2)
    assert tickets(person) == ["register_disagrees"]


def test_two_values_of_one_day_open_a_ticket_and_the_later_line_stands():
    person = lan()

    fill_register("residence", told(person, "household_size", 3), told(person, "household_size", 4))

    assert (size_of(person), tickets(person)) == (4, ["register_disagrees"])


GOOD = {"attribute": "household_size", "value": 3, "as_of": "2026-11-01"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"attribute": "Household_size"}, "attribute"),
        ({"attribute": "owns_dwelling", "value": True}, "attribute"),
        ({"attribute": ["household_size"]}, "attribute"),
        ({"value": "3"}, "value"),
        ({"value": None}, "value"),
        ({"value": -1}, "value"),
        ({"as_of": "2026-02-30"}, "as_of"),
        ({"as_of": "2999-01-01"}, "as_of"),
        ({"as_of": None}, "as_of"),
        ({"valid_from": "yesterday"}, "valid_from"),
        ({"valid_from": "2026-02-01", "valid_to": "2026-01-01"}, "valid_to"),
        ({"record_id": 7}, "record_id"),
        ({"about": "097188000001"}, "about"),
        ({"national_id": "12345"}, "national_id"),
        ({"national_id": 97188000001}, "national_id"),
        ({"name": "x"}, "name"),
    ],
)
def test_a_bad_line_is_told_by_number_and_field_and_the_good_ones_stay(change, field):
    person = lan()
    bad = {"national_id": person.national_id} | GOOD | change

    filled, said = fill_register("residence", told(person, "household_size", 9), bad)

    assert (filled.kept, filled.bad) == (1, 1)
    assert said[0].startswith(f"line 2, {field}: ")
    assert size_of(person) == 9


@pytest.mark.parametrize(
    "line",
    [b"{", b"[]", b"3", b"\xff", b'{"value": 1, "value": 2}', b"[" * 5000, b" " * 70_000 + b"{}"],
    ids=["cut", "list", "number", "not UTF-8", "twice", "deep", "long"],
)
def test_a_line_that_is_no_object_is_told_as_such(line):
    _, said = fill_register("residence", line)

    assert said[0].startswith("line 1, line: ")


@pytest.mark.parametrize("name", ["personal_number", "full_name", "date_of_birth", "sex"])
def test_the_four_values_of_identity_are_bad_lines(name):
    _, said = fill_register("population", told(lan(), name, "x"))

    assert said == ["line 1, attribute: identity keeps it: use citizens import"]


def test_a_number_of_nobody_is_a_bad_line():
    nobody = {"national_id": new_number()} | GOOD

    _, said = fill_register("residence", nobody)

    assert said == ["line 1, national_id: nobody is enrolled with this number"]


def test_no_fault_repeats_what_stood_in_the_file():
    """Contract: line number and field, never the value."""
    number = new_number()
    lines = [
        {"national_id": number} | GOOD,
        {"national_id": number, number: number} | GOOD,
        {"national_id": lan().national_id} | GOOD | {"value": number},
    ]

    _, said = fill_register("residence", *lines)

    assert len(said) == 3
    assert number not in "\n".join(said)


def test_whom_a_value_is_about_is_known_where_the_register_says_so():
    wife, husband = lan(), minh()

    fill_register(
        "civil_status",
        told(wife, "spouse_full_name", husband.full_name, about=husband.national_id),
        told(wife, "father_full_name", "Nguyễn Văn Tư"),
    )

    found = values.current(wife.citizen_id, ["spouse_full_name", "father_full_name"])
    assert found["spouse_full_name"].about_id == husband.citizen_id
    assert found["father_full_name"].about_id is None


def test_a_value_is_about_nobody_but_another_person():
    person = lan()

    _, said = fill_register(
        "civil_status", told(person, "spouse_full_name", "Trần", about=person.national_id)
    )

    assert said == ["line 1, about: expected another person"]


def test_a_file_longer_than_one_batch_is_kept_whole_and_in_order():
    """The same person in two batches: the second sees what the first wrote."""
    person = lan()
    day = clock.today().isoformat()
    lines = [told(person, "household_size", n % 7 + 1, as_of=day) for n in range(BATCH + 3)]

    filled, _ = fill_register("residence", *lines)

    assert (filled.kept, filled.unchanged) == (7, BATCH + 3 - 7)


def test_the_command_shows_progress_counts_and_ends_with_1_where_lines_were_bad(app, tmp_path):
    person = lan()
    file = tmp_path / "residence.jsonl"
    good, bad = told(person, "household_size", 2), told(person, "household_size", "hai")
    file.write_text("\n".join(map(json.dumps, (good, bad))), encoding="utf-8")

    done = app.test_cli_runner().invoke(args=["registers", "import", "residence", str(file)])

    assert done.exit_code == 1
    assert "line 2, value: expected a whole number" in done.output
    assert "residence: 1 kept, 0 unchanged, 1 bad" in done.output


@pytest.mark.parametrize("register", ["declared", "nowhere"])
def test_only_a_register_of_the_state_can_be_filled(app, tmp_path, register):
    file = tmp_path / "x.jsonl"
    file.write_text("")

    done = app.test_cli_runner().invoke(args=["registers", "import", register, str(file)])

    assert done.exit_code == 1
    assert "no register that can be filled is called so" in done.output
