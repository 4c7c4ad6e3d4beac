"""What becomes of a staff account: units, roles that exclude each other, leaving; commands."""

import itertools
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from identity.entry import NOBODY
from identity.staff import change, records, sessions
from identity.staff.add import (
    ExcludedRole,
    NewStaff,
    UnfitAccount,
    add_staff,
    proposed_username,
    unit_name,
)
from identity.staff.change import NoSuchStaff, NothingChanges
from identity.staff.records import Role
from identity.staff.roles import excluded_by
from tests.enrolling import Newcomer, enrolled, invited
from tests.exchange import entries
from tests.people import a_security_officer, lan, minh, sign_in_officer

pytestmark = pytest.mark.usefixtures("app")

OFFICER, INSPECTOR = Role.SECURITY_OFFICER, Role.INSPECTOR
COUNTER, OPERATOR = Role.COUNTER_OFFICER, Role.OPERATOR


@pytest.fixture
def command(app):
    """Types a command, as `flask --app wsgi` takes it."""
    runner = app.test_cli_runner()
    return lambda *words, **told: runner.invoke(args=["staff", *words], **told)


def told_of(staff_id, entry_type):
    found = [e for e in entries(NOBODY) if e.type == entry_type]
    return [e.subject for e in found if e.subject.get("staff") == staff_id.hex]


def signed_in(app, officer):
    client = app.test_client()
    sign_in_officer(client, officer)
    return client.get_cookie("motlan-staff").value


def test_who_leaves_is_out_at_once_and_for_good(app):
    officer = a_security_officer()
    cookie = signed_in(app, officer)

    change.leave(officer.username)

    assert sessions.find(cookie) is None
    assert Newcomer(app.test_client(), officer).signs_in("246810", password="x").status_code == 403
    (told,) = told_of(officer.id, "staff:left")
    assert (told["role"], told["unit"]) == ("security-officer", "Đơn vị giám sát 1")
    row = records.find_ever(officer.username)
    assert (row.password_hash, row.ended_at is None) == ("", False)


def test_a_name_of_before_is_never_given_again():
    officer = a_security_officer()
    change.leave(officer.username)

    with pytest.raises(UnfitAccount, match="never given twice"):
        invited(username=officer.username)
    with pytest.raises(NoSuchStaff):
        change.leave(officer.username)


def test_leaving_ends_printed_codes_and_an_open_enrolment(app, client):
    one, waiting = enrolled(client), invited()
    opened = Newcomer(app.test_client(), waiting)
    opened.opens()

    change.leave(one.invitation.username)
    change.leave(waiting.username)

    assert one.signs_in(one.codes[0]).status_code == 403
    assert records.recovery_codes_left(records.find_ever(one.invitation.username).id) == 0
    assert opened.client.get("/staff/enrol/password").status_code == 403
    assert Newcomer(app.test_client(), waiting).opens().status_code == 403


def test_another_unit_ends_the_sessions_and_stands_in_the_log(app):
    officer = a_security_officer()
    cookie = signed_in(app, officer)

    change.move(officer.username, "  Đơn vị   giám sát 77 ")

    assert sessions.find(cookie) is None
    (told,) = told_of(officer.id, "staff:changed")
    assert (told["changed"], told["was"], told["unit"]) == (
        "unit",
        "Đơn vị giám sát 1",
        "Đơn vị giám sát 77",
    )
    with pytest.raises(NothingChanges):
        change.move(officer.username, "đơn vị giám sát 77")


def test_a_unit_is_the_same_in_any_case_of_letters():
    """A second spelling would be a second unit, and a unit must not confirm its own acts."""
    only = a_security_officer(unit="Phòng Kiểm Soát")

    assert unit_name("phòng  kiểm soát") == "Phòng Kiểm Soát"
    change.leave(only.username)
    assert unit_name("phòng  kiểm soát") == "phòng kiểm soát"  # where nobody works any more
    with pytest.raises(UnfitAccount):
        unit_name("  ")
    with pytest.raises(UnfitAccount):
        unit_name("x" * 201)
    with pytest.raises(UnfitAccount):
        unit_name("Phòng\x1b[31m")
    assert len(unit_name("x" * 200)) == 200


def test_a_role_changes_where_neither_excludes_the_other(app):
    clerk = a_security_officer(role=COUNTER)
    a_security_officer(role=OFFICER)  # whose number nobody knows either
    cookie = signed_in(app, clerk)

    change.change_role(clerk.username, OPERATOR)

    assert sessions.find(cookie) is None
    assert records.find_by_username(clerk.username).role is OPERATOR
    (told,) = told_of(clerk.id, "staff:changed")
    assert (told["changed"], told["was"], told["role"]) == ("role", "counter-officer", "operator")
    with pytest.raises(NothingChanges):
        change.change_role(clerk.username, OPERATOR)


EXCLUDING = {
    frozenset(pair)
    for pair in [
        (OPERATOR, OFFICER),
        (OPERATOR, INSPECTOR),
        (OFFICER, INSPECTOR),
        (OFFICER, COUNTER),
        (INSPECTOR, COUNTER),
    ]
}
PAIRS = list(itertools.permutations(Role, 2))


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_nobody_has_two_roles_that_exclude_each_other(first, second):
    """Contract: an operator is never a security officer; who is reviewed does not review."""
    person = lan().citizen_id
    a_security_officer(role=first, own_citizen_id=person)

    if {first, second} not in EXCLUDING:
        assert a_security_officer(role=second, own_citizen_id=person).id
        return
    with pytest.raises(ExcludedRole):
        a_security_officer(role=second, own_citizen_id=person)
    with pytest.raises(ExcludedRole):
        invited(role=second, own_citizen_id=person)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_an_account_never_crosses_to_a_role_that_excludes_its_own(first, second):
    account = a_security_officer(role=first)
    stays = {first, second} in EXCLUDING or first is OPERATOR

    if stays:
        with pytest.raises(ExcludedRole):
            change.change_role(account.username, second)
    else:
        change.change_role(account.username, second)
    assert records.find_by_username(account.username).role is (first if stays else second)


def test_no_role_in_between_hides_who_ran_the_machine():
    """Operator, then counter officer, then gone: reviewing stays barred."""
    person = lan().citizen_id
    account = a_security_officer(role=OPERATOR, own_citizen_id=person)
    with suppress(ExcludedRole):
        change.change_role(account.username, COUNTER)
    change.leave(account.username)

    with pytest.raises(ExcludedRole):
        a_security_officer(role=OFFICER, own_citizen_id=person)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_who_ran_the_machine_never_reviews_it_even_after_leaving(first, second):
    person = lan().citizen_id
    change.leave(a_security_officer(role=first, own_citizen_id=person).username)

    if OPERATOR in {first, second} and COUNTER not in {first, second}:
        with pytest.raises(ExcludedRole):
            a_security_officer(role=second, own_citizen_id=person)
    else:
        assert a_security_officer(role=second, own_citizen_id=person).id


def test_a_role_says_what_keeps_it_away():
    assert excluded_by(OFFICER, now=[OPERATOR]) is OPERATOR
    assert excluded_by(OFFICER, now=[], before=[COUNTER, OPERATOR]) is OPERATOR
    assert excluded_by(OFFICER, now=[OFFICER], before=[COUNTER]) is None


@pytest.mark.parametrize(
    ("name", "username"),
    [("Đỗ Thị Ngọc Ánh", "anhdtn"), ("Y Moan Ênuôl", "enuolym"), ("Ý", "y.1"), ("李", "staff")],
)
def test_a_username_is_made_of_a_name(name, username):
    assert re.fullmatch(rf"{re.escape(username)}\d*", proposed_username(name))


CHANGES = {
    "leave": change.leave,
    "unit": lambda name: change.move(name, "Đơn vị khác hẳn"),
    "role": lambda name: change.change_role(name, OPERATOR),
    "number": lambda name: change.identify(name, lan().citizen_id),
}


@pytest.mark.parametrize("made", CHANGES.values(), ids=CHANGES)
def test_nothing_is_changed_about_who_has_left_meanwhile(made, monkeypatch):
    """Two operators at once: the account is as the first one left it, and the log says so once."""
    clerk, real = a_security_officer(role=COUNTER), change.member

    def slow(name):
        monkeypatch.undo()
        found = real(name)
        change.leave(name)
        return found

    monkeypatch.setattr(change, "member", slow)
    with pytest.raises(NoSuchStaff):
        made(clerk.username)

    row = records.find_ever(clerk.username)
    assert (row.unit, row.role, row.own_citizen_id) == ("Đơn vị giám sát 1", COUNTER, None)
    assert told_of(clerk.id, "staff:changed") == []
    assert len(told_of(clerk.id, "staff:left")) == 1


@pytest.mark.parametrize("before", [OFFICER, INSPECTOR])
def test_no_change_of_role_forgets_what_the_person_was_under_another_name(before):
    """Reviewer, then gone, then counter officer under a new account: never the operator."""
    person = lan().citizen_id
    change.leave(a_security_officer(role=before, own_citizen_id=person).username)
    clerk = a_security_officer(role=COUNTER, own_citizen_id=person)

    with pytest.raises(ExcludedRole):
        change.change_role(clerk.username, OPERATOR)

    assert records.find_by_username(clerk.username).role is COUNTER


class TestAttacker:
    def test_two_operators_at_once_give_one_person_one_of_two_excluding_roles(self, app):
        person = lan().citizen_id
        sent = []

        def give(role):
            with app.app_context():
                try:
                    sent.append(a_security_officer(role=role, own_citizen_id=person))
                except ExcludedRole:
                    return "refused"
                return "given"

        with ThreadPoolExecutor(2) as pool:
            outcomes = sorted(pool.map(give, (OPERATOR, OFFICER)))

        assert outcomes == ["given", "refused"]

    def test_a_name_in_disguise_is_the_same_name(self):
        officer = a_security_officer()

        with pytest.raises(UnfitAccount):
            invited(username=officer.username.upper().replace("HA", "\uff28\uff21"))

    @pytest.mark.parametrize("name", ["", "  ", "Lan 7", "a\x1b[31m", "x" * 201])
    def test_what_is_no_name_is_refused(self, name):
        told = {"username": "moi.nguoi", "role": OPERATOR, "unit": "Phòng máy"}
        with pytest.raises(UnfitAccount):
            add_staff(NewStaff(name=name, **told))


def told(result):
    """What a command printed, by its first word."""
    pairs = [line.split(None, 1) for line in result.stdout.splitlines()]
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def test_the_commands_from_beginning_to_end(app, command):
    """Contract: `staff add --role ROLE --unit UNIT NAME`."""
    added = command("add", "--role", "inspector", "--unit", "Thanh tra 5", "Hồ Thị Kỷ")
    facts = told(added)
    assert added.exit_code == 0
    assert facts["username"].startswith("kyht")
    assert facts["link"].startswith("http://localhost:8000/staff/enrol/")
    assert "note: nobody worked in this unit before" in added.stdout

    name = facts["username"]
    row = next(line for line in command("list").stdout.splitlines() if line.startswith(name))
    assert all(word in row for word in ("inspector", "not enrolled yet", "Thanh tra 5", "Kỷ"))

    assert "Thanh tra 6" in command("unit", name, "Thanh tra 6").stdout
    again = told(command("reset", name))
    assert again["link"] != facts["link"]
    refused = command("role", name, "operator")
    assert (refused.exit_code, "never becomes" in refused.stderr) == (1, True)
    assert command("leave", name.upper()).exit_code == 0
    row = next(line for line in command("list").stdout.splitlines() if line.startswith(name))
    assert "left " in row
    gone = command("reset", name)
    assert (gone.exit_code, gone.stderr.count("\n")) == (1, 1)
    del app


def test_units_are_listed_in_the_order_of_the_dictionary(command):
    """Đ follows D; by code points it would follow everything."""
    for unit in ("Sở Tư pháp 9", "Đội Giám sát 9"):
        command("add", "--role", "inspector", "--unit", unit, "Hồ Thị Kỷ")

    listed = command("list").stdout

    assert 0 < listed.index("Đội Giám sát 9") < listed.index("Sở Tư pháp 9")


def test_a_personal_number_is_asked_for_and_never_shown(command):
    """A command line stays in the shell's history and in the list of processes."""
    her = lan()
    words = ("add", "--role", "operator", "--unit", "Phòng máy", "--number", "Nguyễn Lan")

    done = command(*words, input=her.national_id + "\n")

    assert done.exit_code == 0, done.output
    assert her.national_id not in done.output
    found = records.find_by_username(told(done)["username"])
    assert found.own_citizen_id == her.citizen_id
    other = ("add", "--role", "security-officer", "--unit", "Phòng 1", "--number", "Nguyễn Lan")
    refused = command(*other, input=her.national_id + "\n")
    assert (refused.exit_code, "is never security-officer" in refused.stderr) == (1, True)
    for number in ("097", "097000000000"):
        wrong = command(*words, input=number + "\n")
        assert (wrong.exit_code, number in wrong.output) == (1, False)


def test_a_personal_number_is_given_later_or_corrected(app, command):
    """`staff number`: the entry says that it changed, and not whose it is."""
    officer, her, him = a_security_officer(), lan(), minh()
    cookie = signed_in(app, officer)

    done = command("number", officer.username, input=her.national_id + "\n")

    assert done.exit_code == 0, done.output
    assert her.national_id not in done.output
    assert sessions.find(cookie) is None
    assert records.find_by_username(officer.username).own_citizen_id == her.citizen_id
    again = command("number", officer.username, input=her.national_id + "\n")
    assert (again.exit_code, "already" in again.stderr) == (1, True)
    assert command("number", officer.username, input=him.national_id + "\n").exit_code == 0
    told = told_of(officer.id, "staff:changed")
    assert [(one["changed"], one["was"]) for one in told] == [
        ("number", "unknown"),
        ("number", "another"),
    ]
    assert her.citizen_id.hex not in repr(told)


def test_a_number_given_later_keeps_roles_apart_too(command):
    her = lan()
    a_security_officer(role=OPERATOR, own_citizen_id=her.citizen_id)
    officer = a_security_officer()

    refused = command("number", officer.username, input=her.national_id + "\n")

    assert (refused.exit_code, "is never security-officer" in refused.stderr) == (1, True)
    assert records.find_by_username(officer.username).own_citizen_id is None
    assert command("number", "nobody.here", input="1\n").exit_code == 1


def test_who_is_added_without_a_number_is_named_as_a_risk(command):
    added = command("add", "--role", "counter-officer", "--unit", "Quầy 9", "Hồ Thị Kỷ")

    assert "note: without --number" in added.stdout
