"""Design §10: every table is ready to be spread by citizen, and keeps no person in plain text."""

import re

from sqlalchemy import Table

from identity.columns import Base
from tests.architecture.test_documents import load_everything

# Tables that lead from something else to a person: keyed by what one searches with.
LOOK_UPS = {
    "citizen_index": "blind index: found by digest before anybody is known",
    "device_request": "found by its codes; a person is known once somebody has allowed it",
    "log_position": "the tree of the log: found by position, one tree a database",
    "log_facet": "what a review finds entries by: drawn from that tree, in its order",
}


def tables() -> list[Table]:
    load_everything()
    return list(Base.metadata.sorted_tables)


def persons_tables() -> list[Table]:
    return [table for table in tables() if "citizen_id" in table.c and table.name not in LOOK_UPS]


def test_a_persons_table_has_the_citizen_first_in_its_primary_key():
    assert len(persons_tables()) > 10
    assert not [
        table.name
        for table in persons_tables()
        if next(iter(table.primary_key.columns)).name != "citizen_id"
    ]


def test_a_look_up_is_keyed_by_what_one_searches_with():
    by_name = {table.name: table for table in tables()}

    assert set(LOOK_UPS) <= set(by_name)
    for name in LOOK_UPS:
        assert next(iter(by_name[name].primary_key.columns)).name != "citizen_id"


def test_a_reference_between_a_persons_tables_carries_the_citizen_first():
    assert not [
        (table.name, key.column_keys)
        for table in tables()
        for key in table.foreign_key_constraints
        if "citizen_id" in key.referred_table.c
        and (not key.column_keys or not key.column_keys[0].endswith("citizen_id"))
    ]


def test_every_index_of_a_persons_table_begins_with_the_citizen_or_serves_a_walk():
    """A duty walks by the moment that ends a row, the sequencer and a review by the log's order.

    What a citizen or a service asks never walks.
    """
    loose = [
        (table.name, index.name)
        for table in persons_tables()
        if table.name != "access_entry"
        for index in table.indexes
        if (first := next(iter(index.columns)).name) != "citizen_id"
        and not first.endswith("_at")
        and first != "until"
    ]

    assert not loose


def test_no_table_keeps_a_person_in_plain_text():
    """Design §7: names, numbers and values are sealed; what says otherwise is refused by name."""
    personal = re.compile(r"(national_id|personal_number|full_name|date_of_birth|phone|email)$")

    assert not [
        f"{table.name}.{column.name}"
        for table in tables()
        for column in table.c
        if personal.search(column.name)
    ]
