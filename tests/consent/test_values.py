"""Which value stands, in which envelope, and how a page covers it (design §6)."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from consent.attributes import masking, values
from consent.attributes.catalogue import UnknownAttribute, attributes
from consent.attributes.records import AttributeValue, ValueTicket
from consent.attributes.types import BadValue
from identity import clock, database
from identity.citizens.people import NoSuchCitizen
from identity.database import transaction
from tests.exchange import fill_register, told
from tests.people import lan

pytestmark = pytest.mark.usefixtures("app", "catalogues")
PLACE = {"text": "Số 1, phường Hiệp Bình", "code": None, "valid_from": None}
OTHER = {"text": "Số 2, phường Tân Định", "code": None, "valid_from": None}


def days_ago(days):
    return (clock.today() - timedelta(days=days)).isoformat()


def declared(person, **said):
    with transaction():
        return values.declare(person.citizen_id, said)


def tickets(person):
    mine = ValueTicket.citizen_id == person.citizen_id
    return [row.kind for row in database.rows(select(ValueTicket.kind).where(mine))]


def test_identity_keeps_four_values_and_they_read_like_the_others():
    person = lan()

    found = values.current(person.citizen_id, ["full_name", "personal_number", "sex"])

    assert {name: value.value for name, value in found.items()} == {
        "full_name": person.full_name,
        "personal_number": person.national_id,
        "sex": "female",
    }
    assert {(v.source, v.register, v.row) for v in found.values()} == {(1, "population", None)}


def test_the_registers_own_value_wins_over_the_persons_word():
    person = lan()
    fill_register("residence", told(person, "current_address", PLACE))

    declared(person, current_address=OTHER)

    value = values.current(person.citizen_id, ["current_address"])["current_address"]
    assert (value.value, value.source, value.register) == (PLACE, 1, "residence")
    assert tickets(person) == ["declared_differs"]


def test_a_stale_register_yields_to_a_fresh_word():
    person = lan()
    fill_register("residence", told(person, "current_address", PLACE, as_of=days_ago(91)))

    declared(person, current_address=OTHER)

    value = values.current(person.citizen_id, ["current_address"])["current_address"]
    assert (value.value, value.source, value.is_stale) == (OTHER, 2, False)


def test_a_value_is_stale_one_day_after_its_freshness_and_not_before():
    fresh, stale = lan(), lan()
    fill_register(
        "residence",
        told(fresh, "household_size", 3, as_of=days_ago(90)),
        told(stale, "household_size", 3, as_of=days_ago(91)),
    )

    both = [values.current(who.citizen_id, ["household_size"]) for who in (fresh, stale)]

    assert [found["household_size"].is_stale for found in both] == [False, True]


def test_what_a_person_says_stands_as_their_own_word_of_today():
    person = lan()

    declared(person, contact_phone="+84912345678")

    value = values.current(person.citizen_id, ["contact_phone"])["contact_phone"]
    assert (value.equals_paper, value.source, value.register) == (False, 2, "declared")
    assert value.as_of == clock.today()


def test_a_word_said_again_is_appended_and_the_newest_stands():
    person = lan()
    first = declared(person, contact_email="lan@motlan.example")

    second = declared(person, contact_email="lan.moi@motlan.example")

    assert first != second
    value = values.current(person.citizen_id, ["contact_email"])["contact_email"]
    assert value.value == "lan.moi@motlan.example"
    of_hers = select(AttributeValue.id).where(AttributeValue.citizen_id == person.citizen_id)
    assert len(database.rows(of_hers)) == 2


@pytest.mark.parametrize("name", ["owns_dwelling", "full_name", "religion"])
def test_what_only_a_register_can_say_is_not_taken_from_the_person(name):
    person = lan()

    with pytest.raises(values.NotSupplied):
        declared(person, **{name: "x"})


def test_a_declared_value_must_be_in_its_stored_form():
    person = lan()

    with pytest.raises(BadValue):
        declared(person, contact_phone="0912 345 678")

    assert values.current(person.citizen_id, ["contact_phone"]) == {}


def test_an_unknown_attribute_and_an_unknown_person_are_refused():
    with pytest.raises(UnknownAttribute):
        values.current(lan().citizen_id, ["full_Name"])
    with pytest.raises(NoSuchCitizen):
        values.current(database.new_id(), ["full_name"])


def test_a_value_does_not_show_itself():
    """Invariant 8: no value in a log line or a traceback."""
    person = lan()

    value = values.current(person.citizen_id, ["personal_number"])["personal_number"]

    assert person.national_id not in repr(value)


def test_the_stored_row_does_not_contain_the_value():
    """Invariant 4: sealed at rest, for that row alone."""
    person = lan()
    declared(person, contact_email="lan@motlan.example")

    mine = AttributeValue.citizen_id == person.citizen_id
    row = database.row(select(AttributeValue.__table__).where(mine))

    assert all(b"motlan.example" not in str(column).encode() for column in row)
    assert b"motlan.example" not in bytes(row.sealed)


def test_numbers_are_covered_but_for_their_end_and_the_sensitive_wholly():
    person = lan()
    fill_register("tax", told(person, "tax_code", person.national_id))
    fill_register("tax", told(person, "average_monthly_income", 14_500_000))
    names = ["personal_number", "tax_code", "average_monthly_income", "full_name"]

    shown = {n: masking.masked(v) for n, v in values.current(person.citizen_id, names).items()}

    end = "•" * 9 + person.national_id[-3:]
    assert shown == {
        "personal_number": end,
        "tax_code": end,
        "average_monthly_income": "••••••",
        "full_name": person.full_name,
    }


@pytest.mark.parametrize(
    ("text", "covered"), [("", ""), ("123456", "••••••"), ("1234567", "••••567")]
)
def test_a_short_number_is_covered_whole(text, covered):
    assert masking.covered(text) == covered


def test_the_catalogue_marks_what_needs_care():
    """The notes of the packaged catalogue carry three marks; these are all that do."""
    known = attributes().values()

    assert {a.name for a in known if a.is_like_number} == {
        "household_business_code",
        "social_insurance_number",
        "health_insurance_number",
        "tax_code",
    }
    assert {a.name for a in known if a.is_about_another} == {
        "father_full_name",
        "mother_full_name",
        "spouse_full_name",
        "marriage_record_number",
        "relationship_to_household_head",
    }
    assert {a.name for a in known if a.is_asked_by_none} == {"religion"}
