"""Inspectors review one in ten of the looks of reviewers: drawn by the log, said once, for good."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time, timedelta
from itertools import count

import pytest
import time_machine
from sqlalchemy import select

from consent.audit.records import LogPosition
from consent.inspection import sample
from consent.looks.entries import tag
from identity import clock, database, trail
from identity.entry import NOBODY, Who
from identity.staff import change
from identity.staff.records import Role
from tests.counter import a_clerk, posts
from tests.desks import at_the_desk, known
from tests.exchange import entries
from tests.markup import Markup
from tests.people import a_security_officer, form_token, lan, sign_in, submit

pytestmark = pytest.mark.usefixtures("app", "catalogues")
HOME = "/inspection"
# Each test has a day of its own, long before those on which tests of other files look.
_days = count(1000)


@pytest.fixture
def inspector():
    return a_security_officer(role=Role.INSPECTOR, unit="Thanh tra 1")


@pytest.fixture
def theirs(app, inspector):
    return at_the_desk(app, inspector)


@pytest.fixture
def on():
    """A day that is over."""
    return clock.today() - timedelta(days=next(_days))


def looks(officer, on, number, *, about=None, **told):
    """So many looks of an officer on that day, as the desk writes them; their ids."""
    noon = datetime.combine(on, time(), clock.VIETNAM)
    made = []
    with time_machine.travel(noon + timedelta(hours=12), tick=False):
        for n in range(number):
            ref = trail.record(
                "staff:looked",
                Who(citizen=about, actor=officer.id),
                subject={"result": "shown", "case": f"VV-{n}", "reason": "Đơn 7"} | told,
                acting={"actor": officer.id.hex, "role": "security-officer", "unit": "Đơn vị 4"},
            )
            made.append(ref.id)
    known()
    return made


def hashes(ids):
    rows = database.rows(
        select(LogPosition.entry_id, LogPosition.leaf_hash).where(LogPosition.entry_id.in_(ids))
    )
    return {row.entry_id: bytes(row.leaf_hash) for row in rows}


def shown(client, path):
    page = client.get(path)
    assert page.status_code == 200, page.text
    return Markup(page.text)


def day_path(on):
    return f"{HOME}/days/{on.isoformat()}"


def a_drawn_look(officer, on, **told):
    """One look alone on its day is the sample."""
    (made,) = looks(officer, on, 1, **told)
    return f"{HOME}/entries/{made}"


def mine(officer, kind, about=NOBODY):
    found = [entry for entry in entries(about) if entry.type == kind]
    return [entry for entry in found if entry.acting.get("actor") == officer.id.hex]


def test_the_log_draws_one_in_ten_of_a_day(theirs, officer):
    """Whoever holds the log's hashes draws the same sample, now and in ten years."""
    on = clock.today() - timedelta(days=1234)  # tests of other files look on the days just past
    made = looks(officer, on, 80)

    page = shown(theirs, day_path(on))

    found = [int(row["data-entry"]) for row in page.all("tr") if "data-entry" in row.attributes]
    again = {
        entry
        for entry, leaf in hashes(made).items()
        if int.from_bytes(hashlib.sha256(b"motlan-inspection/v1" + leaf).digest()[:8]) % 10 == 0
    }
    assert set(found) == (again or set(found[:1]))
    assert 1 <= len(found) < 30
    assert "80 lượt trong ngày" in page.by_id("drawn").words


def test_a_day_with_few_looks_has_one_in_its_sample(officer, on):
    made = looks(officer, on, 3)

    first, second = sample.day(on), sample.day(on)

    assert first == second
    assert len(first.sample) >= 1
    assert set(first.sample) <= set(made)


def test_of_a_day_that_is_not_over_nothing_is_drawn(theirs, officer):
    """Nobody could then still look beside it."""
    looks(officer, clock.today(), 1)

    assert sample.day(clock.today()).sample == []
    assert 'id="nothing"' in theirs.get(day_path(clock.today())).text


def test_the_inspector_sees_what_an_officer_did_and_nobody_s_values(theirs, officer, on):
    """A tag in the place of the person, the officer by the name of their account."""
    her = lan()
    path = a_drawn_look(officer, on, about=her.citizen_id, entry=17)

    said = shown(theirs, path).by_id("entry").words

    assert tag("N", her.citizen_id) in said
    assert officer.username in said
    assert "Đơn vị 4" in said
    assert "Đơn 7" in said
    assert "VV-0" in said
    assert her.full_name not in said
    assert her.national_id not in said


def test_what_an_inspector_looks_at_is_an_entry_too(theirs, inspector, officer, on):
    """For the person whom the look was about as well."""
    her = lan()
    path = a_drawn_look(officer, on, about=her.citizen_id)

    for place in (HOME, day_path(on), path):
        theirs.get(place)

    lists = [entry.subject.get("list") for entry in mine(inspector, "inspection:looked")]
    assert lists == ["days", on.isoformat()]
    (hers,) = mine(inspector, "inspection:looked", her.citizen_id)
    assert hers.acting["unit"] == "Thanh tra 1"


def test_a_look_is_reviewed_once_and_that_stands_in_the_log(theirs, inspector, officer, on):
    path = a_drawn_look(officer, on)

    done = submit(theirs, path, verdict="to_explain", note="Vì sao tìm trước khi có đơn?")
    again = posts(theirs, path, verdict="in_order", note="")

    assert (done.status_code, done.location) == (303, path)
    assert again.status_code == 409
    page = shown(theirs, path)
    assert page.by_id("said-note").words == "Vì sao tìm trước khi có đơn?"
    (told,) = mine(inspector, "inspection:reviewed")
    assert told.subject["result"] == "to_explain"
    assert told.subject["reason"] == "Vì sao tìm trước khi có đơn?"
    assert path in theirs.get(HOME).text


def test_days_say_how_much_is_done_and_who_looked_most(theirs, officer):
    on = clock.today() - timedelta(days=29)  # the list has thirty
    path = a_drawn_look(officer, on)
    submit(theirs, path, verdict="in_order", note="")

    page = shown(theirs, HOME)

    (row,) = [row for row in page.all("tr") if f"{on:%d/%m/%Y}" in row.words]
    assert row.words.split()[1:] == ["1", "1", "1", "Xong"]
    assert officer.username in page.by_id("members").words


def test_the_security_officer_reads_what_was_said(app, theirs, officer, on):
    path = a_drawn_look(officer, on)
    submit(theirs, path, verdict="to_explain", note="Thiếu mã hồ sơ")
    known()

    page = at_the_desk(app).get("/audit/entries?type=inspection:reviewed")

    assert "Thiếu mã hồ sơ" in page.text
    assert "Thanh tra viên kết luận" in page.text


def test_what_counters_do_belongs_to_it(app, theirs, on):
    """Officers at the counter are reviewed like those at the desk."""
    noon = datetime.combine(on, time(), clock.VIETNAM)
    with time_machine.travel(noon + timedelta(hours=9), tick=False):
        clerk = a_clerk(app)
        clerk.compares(lan())
    known()

    page = shown(theirs, day_path(on))

    assert "so họ tên, ngày sinh với giấy tờ" in page.by_id("sample").words


class TestAttacker:
    @pytest.mark.parametrize("role", [r for r in Role if r is not Role.INSPECTOR], ids=str)
    def test_no_other_role_reviews(self, app, officer, on, role):
        path = a_drawn_look(officer, on)
        client = at_the_desk(app, role=role)

        answers = [client.get(place) for place in (HOME, day_path(on), path)]
        answers.append(posts(client, path, verdict="in_order", note=""))

        assert {answer.status_code for answer in answers} == {403}

    def test_what_was_not_drawn_or_is_no_look_opens_nothing(self, theirs, inspector, officer, on):
        """An inspector has no way round the sample into the log."""
        made = looks(officer, on, 40)
        others = set(made) - set(sample.day(on).sample)
        no_look = mine(inspector, "sign_in:succeeded")[0].id
        paths = [f"{HOME}/entries/{n}" for n in (min(others), no_look, 10**12, 2**63, "x")]

        assert {theirs.get(path).status_code for path in paths} == {404}
        assert posts(theirs, paths[0], verdict="in_order").status_code == 404
        assert theirs.get(f"{HOME}/days/2026-99-99").status_code == 404

    def test_nobody_reviews_looks_at_themselves(self, app, officer, on):
        her = lan()
        inspector = a_security_officer(role=Role.INSPECTOR, own_citizen_id=her.citizen_id)
        client = at_the_desk(app, inspector)
        path = a_drawn_look(officer, on, about=her.citizen_id)

        listed = client.get(day_path(on))
        opened = client.get(path)

        assert "data-entry" not in listed.text
        assert opened.status_code == 403
        (told,) = mine(inspector, "inspection:looked", her.citizen_id)
        assert told.subject["result"] == "refused"

    def test_nobody_reviews_what_they_did_under_an_account_of_before(self, app, on):
        """Who leaves the counter may become an inspector, but not of what they did there."""
        her = lan()
        before = a_security_officer(role=Role.COUNTER_OFFICER, own_citizen_id=her.citizen_id)
        path = a_drawn_look(before, on)
        change.leave(before.username)
        inspector = a_security_officer(role=Role.INSPECTOR, own_citizen_id=her.citizen_id)
        client = at_the_desk(app, inspector)

        answers = [client.get(path), posts(client, path, verdict="in_order", note="")]

        assert [answer.status_code for answer in answers] == [403, 403]
        assert {one.subject["result"] for one in mine(inspector, "inspection:looked")} == {
            "refused"
        }
        assert mine(inspector, "inspection:reviewed") == []

    @pytest.mark.parametrize("day", ["9999-12-31", "2100-01-01", "0001-01-01", "1999-12-31"])
    def test_a_day_that_no_log_has_opens_nothing(self, theirs, day):
        assert theirs.get(f"{HOME}/days/{day}").status_code == 404

    def test_of_two_inspectors_at_once_one_is_believed(self, app, officer, on):
        """The first row stays: it is inserted, never replaced."""
        path = a_drawn_look(officer, on)
        clients = [at_the_desk(app, role=Role.INSPECTOR) for _ in range(2)]
        tokens = [form_token(client.get(path)) for client in clients]

        def say(client, token):
            form = {"csrf_token": token, "verdict": "in_order", "note": ""}
            return client.post(path, data=form).status_code

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(say, clients, tokens)) == [303, 409]

    @pytest.mark.parametrize("note", ["", "097188000001 hỏi", "x" * 1_001])
    def test_a_note_that_says_nothing_or_names_somebody_is_refused(self, theirs, officer, on, note):
        path = a_drawn_look(officer, on)

        answer = submit(theirs, path, verdict="to_explain", note=note)

        assert answer.status_code == 400
        assert '<a href="#note">' in answer.text
        assert "097188000001" not in answer.text

    def test_a_citizen_finds_no_way_in(self, app):
        client = app.test_client()
        sign_in(client, lan())

        assert client.get(HOME).location == "/staff/sign-in"
