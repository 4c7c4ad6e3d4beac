"""`citizens import`: strict lines, good ones kept, and a second run that changes nothing."""

import json
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from identity import clock, database, sealing, settings
from identity.citizens import people, records
from identity.citizens.birth_date import BirthDate
from identity.citizens.enrolment import Tally, enrol
from identity.citizens.national_id import NationalId, Sex
from identity.citizens.people import NoSuchCitizen
from identity.citizens.records import Status
from identity.citizens.wire import BadLine, read_line
from tests.people import PASSWORD, a_line, lan, new_number

IDENTITY = {"national_id", "full_name", "date_of_birth", "sex"}


def told(**members):
    return read_line(json.dumps(a_line(**members)).encode(), is_demo=True)


def person_of(line):
    return people.person(people.find_by_number(line.identity.national_id))


def rows_of(table, citizen_id):
    return database.rows(select(table).where(table.citizen_id == citizen_id))


@pytest.fixture
def imports(app, tmp_path):
    """Runs `citizens import` on lines of text and answers its result."""

    def run(*lines):
        file = tmp_path / "people.jsonl"
        file.write_bytes(b"\n".join(each.encode() for each in lines) + b"\n")
        return app.test_cli_runner().invoke(args=["citizens", "import", str(file)])

    return run


def test_a_person_is_known_by_their_number(app):  # noqa: ARG001 - the database is the app's
    line = told(date_of_birth="1988-04")

    tally = enrol([line])

    found = person_of(line)
    assert tally == Tally(added=1)
    assert found.full_name == "Nguyễn Thị Lan"
    assert found.date_of_birth == BirthDate(1988, 4)
    assert (found.sex, found.status, found.account_level) == (Sex.FEMALE, Status.ACTIVE, 2)
    assert found.as_of == clock.today()


def test_nobody_is_found_under_a_number_that_nobody_has(app):  # noqa: ARG001 - as above
    assert people.find_by_number(NationalId.strict(new_number())) is None
    with pytest.raises(NoSuchCitizen):
        people.person(database.new_id())
    with pytest.raises(NoSuchCitizen):
        people.citizen_key(database.new_id())


def test_the_same_lines_again_change_nothing(app):  # noqa: ARG001 - as above
    lines = [told(password=PASSWORD, one_time_code="123456"), told(status="locked")]
    enrol(lines)

    with database.counted() as asked:
        again = enrol(lines)

    assert again == Tally(unchanged=2)
    citizen_id = people.find_by_number(lines[0].identity.national_id)
    assert len(rows_of(records.CitizenIdentity, citizen_id)) == 1
    assert len(rows_of(records.SecondFactor, citizen_id)) == 1
    assert asked.round_trips < 10


def test_a_corrected_name_is_a_new_version_beside_the_old_one(app):  # noqa: ARG001 - as above
    number = new_number()
    enrol([told(national_id=number)])

    tally = enrol([told(national_id=number, full_name="Nguyễn Thị Lan Anh")])

    citizen_id = people.find_by_number(NationalId.strict(number))
    assert tally == Tally(changed=1)
    assert people.person(citizen_id).full_name == "Nguyễn Thị Lan Anh"
    versions = [row.version for row in rows_of(records.CitizenIdentity, citizen_id)]
    assert sorted(versions) == [1, 2]


def test_a_status_and_a_level_can_change_without_a_new_identity(app):  # noqa: ARG001 - as above
    number = new_number()
    enrol([told(national_id=number, account_level=1)])

    enrol([told(national_id=number, status="deceased", deceased_on="2026-11-01")])

    found = people.person(people.find_by_number(NationalId.strict(number)))
    assert (found.status, found.account_level) == (Status.DECEASED, 2)
    assert len(rows_of(records.CitizenIdentity, found.citizen_id)) == 1


def test_what_a_line_leaves_out_stays_as_it_was(app):  # noqa: ARG001 - as above
    """Nobody is unlocked, or comes to life, by the correction of a name."""
    locked = a_line(status="locked")
    dead = a_line(status="deceased", deceased_on="2020-01-02")
    enrol([told(**locked), told(**dead)])

    for line in (locked, dead):
        less = {k: v for k, v in line.items() if k in IDENTITY} | {"full_name": "Nguyễn Thị Lam"}
        assert enrol([read_line(json.dumps(less).encode(), is_demo=True)]) == Tally(changed=1)

    first, second = person_of(told(**locked)), person_of(told(**dead))
    assert (first.full_name, first.status, first.account_level) == (
        "Nguyễn Thị Lam",
        Status.LOCKED,
        2,
    )
    assert second.status == Status.DECEASED
    (row,) = rows_of(records.Citizen, people.find_by_number(told(**dead).identity.national_id))
    assert row.deceased_on == date(2020, 1, 2)


def test_a_newcomer_is_active_at_the_lowest_level_unless_told(app):  # noqa: ARG001 - as above
    less = {k: v for k, v in a_line().items() if k in IDENTITY}
    line = read_line(json.dumps(less).encode(), is_demo=True)

    enrol([line])

    assert (person_of(line).status, person_of(line).account_level) == (Status.ACTIVE, 1)


def test_a_disagreement_opens_one_ticket_and_an_agreement_closes_it(app):  # noqa: ARG001 - as above
    """A warning, never a refusal: registers contain corrections, numbers never do."""
    number = new_number(born=1988)
    enrol([told(national_id=number, date_of_birth="1987", sex="male")])
    citizen_id = people.find_by_number(NationalId.strict(number))
    assert records.open_tickets(citizen_id) == {"birth_year", "sex"}

    enrol([told(national_id=number, date_of_birth="1987", sex="female")])
    assert records.open_tickets(citizen_id) == {"birth_year"}

    enrol([told(national_id=number, date_of_birth="1988", sex="female")])
    assert records.open_tickets(citizen_id) == set()
    assert len(rows_of(records.CitizenTicket, citizen_id)) == 2


def test_the_table_holds_neither_number_nor_name(app):  # noqa: ARG001 - as above
    person = lan()

    stored = [
        value
        for table in (records.CitizenIdentity, records.CitizenIndex, records.SecondFactor)
        for row in rows_of(table, person.citizen_id)
        for value in row
        if isinstance(value, bytes)
    ]

    assert len(stored) == 3
    for secret in (person.national_id, person.full_name, person.one_time_code):
        assert all(secret.encode() not in value for value in stored)


def test_a_new_index_key_finds_people_after_the_next_import(app, monkeypatch):  # noqa: ARG001 - as above
    """Several active index keys: a rotation adds rows under the new key."""
    line = told()
    enrol([line])
    ring = sealing.ring()
    newer = {"index-new": bytes(32)} | ring.families["index"]
    rotated = replace(ring, families=ring.families | {"index": newer})
    monkeypatch.setattr(sealing, "ring", lambda: rotated)
    citizen_id = people.find_by_number(line.identity.national_id)

    enrol([line])

    key_ids = {row.key_id for row in rows_of(records.CitizenIndex, citizen_id)}
    assert key_ids == set(newer)


def test_another_persons_sealed_identity_cannot_be_read(app):  # noqa: ARG001 - as above
    mine, theirs = lan(), lan()
    key = people.citizen_key(mine.citizen_id)
    (row,) = rows_of(records.CitizenIdentity, mine.citizen_id)

    with pytest.raises(sealing.Unreadable):
        people.open_identity(row.sealed, key, row=(theirs.citizen_id, 1))
    with pytest.raises(sealing.Unreadable):
        people.open_identity(row.sealed, key, row=(mine.citizen_id, 2))


@pytest.mark.parametrize(
    ("members", "told_name"),
    [
        ({"national_id": "09718800421"}, "national_id"),
        ({"national_id": "097 188 004 217"}, "national_id"),
        ({"national_id": 97188004217}, "national_id"),
        ({"full_name": ""}, "full_name"),
        ({"full_name": "Lan\u0000"}, "full_name"),
        ({"date_of_birth": "12/04/1988"}, "date_of_birth"),
        ({"date_of_birth": "1988-02-30"}, "date_of_birth"),
        ({"date_of_birth": "2999"}, "date_of_birth"),
        ({"sex": "f"}, "sex"),
        ({"account_level": 3}, "account_level"),
        ({"account_level": True}, "account_level"),
        ({"account_level": "2"}, "account_level"),
        ({"account_level": 1.0}, "account_level"),
        ({"status": "asleep"}, "status"),
        ({"deceased_on": "2026-11-01"}, "deceased_on"),
        ({"status": "deceased", "deceased_on": "2999-01-01"}, "deceased_on"),
        ({"status": "deceased", "deceased_on": "1950-01-01"}, "deceased_on"),
        ({"status": "deceased", "deceased_on": "20261101"}, "deceased_on"),
        ({"one_time_code": "12345"}, "one_time_code"),
        ({"password": " "}, "password"),
        ({"phone": "x"}, "phone"),
        ({"097188004217": "x"}, "a member"),
        ({"national_id": None}, "national_id"),
    ],
)
def test_a_bad_line_names_the_field_and_never_the_value(members, told_name):
    with pytest.raises(BadLine) as refused:
        told(**members)

    assert str(refused.value).startswith(told_name + ": ")
    for value in (*members, *members.values()):
        if isinstance(value, str) and len(value) > 4 and value[-1].isdigit():
            assert value not in str(refused.value)


@pytest.mark.parametrize(
    "raw", [b"{", b"[]", b'"x"', b"\xff{}", b'{"sex": "male", "sex": "female"}', b"[" * 100_000]
)
def test_what_is_no_object_is_a_bad_line(raw):
    with pytest.raises(BadLine, match=r"^line: "):
        read_line(raw, is_demo=True)


@pytest.mark.parametrize("name", ["password", "one_time_code"])
def test_credentials_are_taken_only_in_the_demo(name):
    line = json.dumps(a_line(**{name: "123456"})).encode()

    with pytest.raises(BadLine, match=f"^{name}: .*MOTLAN_DEMO"):
        read_line(line, is_demo=False)


def test_the_command_keeps_the_good_lines_and_names_the_bad_ones(imports):
    good, twice = a_line(), a_line()
    bad = a_line(national_id="123")

    result = imports(
        json.dumps(good), "", json.dumps(bad), json.dumps(twice), json.dumps(twice), "{"
    )

    assert result.exit_code == 1
    assert "line 3: national_id: not a personal number: length" in result.output
    assert "line 6: line: must be one JSON object" in result.output
    assert "2 added, 0 changed, 1 unchanged, 2 bad" in result.output
    assert people.find_by_number(NationalId.strict(good["national_id"])) is not None


def test_a_file_may_come_as_windows_writes_it(imports):
    """RFC 8259 §8.1: a byte order mark is passed over; so is the return before the line's end."""
    result = imports(f"\ufeff{json.dumps(a_line())}\r", "\r", f"{json.dumps(a_line())}\r")

    assert result.exit_code == 0
    assert "2 added, 0 changed, 0 unchanged, 0 bad" in result.output


def test_the_command_run_again_changes_nothing(imports):
    lines = [json.dumps(a_line()) for _ in range(3)]
    imports(*lines)

    result = imports(*lines)

    assert result.exit_code == 0
    assert "0 added, 0 changed, 3 unchanged, 0 bad" in result.output


def test_the_command_commits_in_batches(imports):
    """Contract: imports commit at least once a second."""
    with database.counted() as asked:
        result = imports(*(json.dumps(a_line()) for _ in range(450)))

    assert "450 added" in result.output
    assert asked.commits == 3


def test_the_command_shows_no_number_and_no_name(imports):
    lines = [a_line(), a_line(full_name="Lan 2"), a_line(sex="Nữ")]

    result = imports(*(json.dumps(line) for line in lines))

    for line in lines:
        assert line["national_id"] not in result.output
        assert line["full_name"] not in result.output
    assert "Nữ" not in result.output


def test_outside_the_demo_the_command_takes_no_credentials(imports, monkeypatch):
    monkeypatch.setattr(settings, "_installed", replace(settings.current(), demo=False))

    result = imports(json.dumps(a_line(password="x")))

    assert "line 1: password: is taken only where MOTLAN_DEMO=1" in result.output
