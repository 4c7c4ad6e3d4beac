"""What a sign-in leaves in the person's access log, and what it does not."""

import pytest
from sqlalchemy import select

from identity import database, entry, sealing
from identity.entry import NOBODY
from identity.trail import AccessEntry, EntryKey, RefusalTally
from tests.exchange import told_by_callers
from tests.people import a_security_officer, lan, new_number, sign_in, sign_in_officer, submit


def told_about(citizen_id, **actor):
    """Type, subject part and actor part of each entry about somebody, or by somebody."""
    wanted = [AccessEntry.citizen_id == citizen_id]
    wanted += [AccessEntry.actor_id == actor_id for actor_id in actor.values()]
    joined = (EntryKey.citizen_id == AccessEntry.citizen_id) & (EntryKey.entry_id == AccessEntry.id)
    found = database.rows(
        select(AccessEntry, EntryKey.subject_wrapped, EntryKey.actor_wrapped, EntryKey.kek_id)
        .join(EntryKey, joined)
        .where(*wanted)
        .order_by(AccessEntry.id)
    )
    return [
        (row.type, opened(row, is_subject=True), opened(row, is_subject=False)) for row in found
    ]


def opened(row, *, is_subject):
    wrapped = row.subject_wrapped if is_subject else row.actor_wrapped
    sealed = row.sealed_subject if is_subject else row.sealed_actor
    commit = row.c_subject if is_subject else row.c_actor
    key = sealing.ring().unwrap(wrapped, row.kek_id)
    return told_by_callers(entry.open_part(sealed, key=key, commit=commit, is_subject=is_subject))


def try_password(client, person, password):
    return submit(client, "/sign-in", national_id=person.national_id, password=password)


def test_a_sign_in_is_one_entry_about_the_person(client, person):
    sign_in(client, person)

    ((kind, subject, acting),) = told_about(person.citizen_id)
    assert (kind, subject) == ("sign_in:succeeded", {"result": "succeeded"})
    assert acting["actor"] == person.citizen_id.hex


@pytest.mark.parametrize(
    ("status", "password", "reason"),
    [("active", "wrong", "password"), ("locked", None, "locked"), ("deceased", None, "deceased")],
)
def test_a_refused_password_is_an_entry_with_its_reason(client, status, password, reason):
    person = lan(status=status)

    try_password(client, person, password or person.password)

    ((kind, subject, acting),) = told_about(person.citizen_id)
    assert (kind, subject) == ("sign_in:refused", {"result": "refused", "reason": reason})
    assert "actor" not in acting  # whoever it was, they did not prove to be this person


def test_a_refused_code_is_an_entry_with_its_reason(client, person):
    try_password(client, person, person.password)

    submit(client, "/sign-in/code", one_time_code="000000")

    assert [subject["reason"] for _, subject, _ in told_about(person.citizen_id)] == ["code"]


def test_repeats_within_a_minute_are_counted_and_not_appended(client, person):
    for _ in range(4):
        try_password(client, person, "wrong")

    # The minute may turn once while the test runs.
    assert len(told_about(person.citizen_id)) in {1, 2}


def test_being_throttled_is_told_once(client, person):
    for _ in range(7):
        try_password(client, person, "wrong")

    reasons = {subject["reason"] for _, subject, _ in told_about(person.citizen_id)}
    assert reasons == {"password", "throttled"}


def test_a_staff_sign_in_names_who_acted_and_is_about_nobody(app):
    officer = a_security_officer()
    sign_in_officer(app.test_client(), officer)
    submit(app.test_client(), "/staff/sign-in", username=officer.username, password="wrong")

    entries = told_about(NOBODY, actor=officer.id)
    assert [kind for kind, _, _ in entries] == ["sign_in:succeeded", "sign_in:refused"]
    assert all(acting["actor"] == officer.id.hex for _, _, acting in entries)


class TestAttacker:
    def test_guessing_at_nobody_writes_no_entry(self, client, person):
        """Nobody can fill a log that cannot be emptied (design §2)."""
        counted = select(AccessEntry.id).union_all(select(RefusalTally.repeats))
        before = len(database.rows(counted))

        for _ in range(3):
            answer = submit(client, "/sign-in", national_id=new_number(), password="x")

        assert answer.status_code == 403
        assert len(database.rows(counted)) == before
        assert told_about(person.citizen_id) == []
