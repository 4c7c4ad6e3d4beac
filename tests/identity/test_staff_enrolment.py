"""Staff enrol: a link without a secret, a code told apart, password, app, ten printed codes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyotp
import pytest
import time_machine

from identity import clock, database
from identity.citizens import people
from identity.entry import NOBODY
from identity.staff import accounts, records, sessions
from identity.staff.add import find_staff
from identity.staff.records import Role
from identity.staff_enrolment.invite import reset
from identity.staff_enrolment.records import StaffEnrolment
from tests.enrolling import CHOSEN, OTHER, Newcomer, enrolled, invited, path_of
from tests.exchange import entries
from tests.people import (
    a_security_officer,
    form_token,
    hidden,
    lan,
    same_browser,
    sign_in,
    sign_in_officer,
    submit,
)

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def hanh(client):
    return Newcomer(client, invited())


def told_of(username, entry_type):
    """The entries of one type about an account."""
    staff_id = records.find_ever(username).id.hex
    found = [e for e in entries(NOBODY) if e.type == entry_type]
    return [e for e in found if e.subject.get("staff") == staff_id]


def rows():
    return database.rows(StaffEnrolment.__table__.select())


def test_from_the_link_to_the_first_sign_in(hanh):
    opened = hanh.opens()
    chosen = hanh.chooses()
    shown = hanh.shows()
    done = hanh.keeps_codes()

    assert [a.location for a in (opened, chosen, shown)] == [
        "/staff/enrol/password",
        "/staff/enrol/app",
        "/staff/enrol/codes",
    ]
    assert (done.location, len(set(hanh.codes))) == ("/staff/sign-in?enrolled=1", 10)
    assert 'id="enrolled"' in hanh.client.get(done.location).text
    with time_machine.travel(clock.now() + timedelta(seconds=40), tick=True):
        assert hanh.signs_in(hanh.phone.now()).location == "/audit"


def test_the_enrolment_stands_in_the_log_by_id(client):
    """`staff:added` by the operator, `staff:enrolled` by the person; no name in either."""
    one = enrolled(client, unit="Đội 9")
    name = one.invitation.username

    (added,) = told_of(name, "staff:added")
    (done,) = told_of(name, "staff:enrolled")

    staff_id = find_staff(name).hex
    facts = {"staff": staff_id, "role": "security-officer", "unit": "Đội 9"}
    assert (added.subject, done.subject) == (facts, facts)
    assert done.acting["actor"] == staff_id


def test_each_printed_code_signs_in_once(app, client):
    one = enrolled(client)
    first = one.signs_in(one.codes[0])
    again = Newcomer(app.test_client(), one.invitation).signs_in(one.codes[0])
    typed_badly = one.codes[1].replace(" ", "-")
    other = Newcomer(app.test_client(), one.invitation).signs_in(typed_badly)

    assert [a.status_code for a in (first, again, other)] == [303, 403, 303]
    assert records.recovery_codes_left(find_staff(one.invitation.username)) == 8


def test_the_code_that_proved_the_app_signs_nobody_in(hanh):
    """It was used."""
    with time_machine.travel(clock.now(), tick=False):
        hanh.enrols()

        assert hanh.signs_in(hanh.phone.now()).status_code == 403


def test_nothing_counts_before_the_last_page(hanh):
    hanh.opens()
    hanh.chooses()
    hanh.shows()

    row = records.find_by_username(hanh.invitation.username)
    assert (row.password_hash, accounts.factor_of(row).kind) == ("", "none")
    assert hanh.signs_in(hanh.phone.now()).status_code == 403


def test_a_page_can_be_opened_again_and_gone_back_to(hanh):
    hanh.opens()
    hanh.chooses()
    hanh.scans()
    first = hanh.phone.secret
    hanh.scans()
    assert hanh.phone.secret == first

    back = hanh.chooses(OTHER)
    hanh.scans()

    assert (back.location, hanh.phone.secret == first) == ("/staff/enrol/app", True)
    assert (hanh.shows().status_code, hanh.keeps_codes().status_code) == (303, 303)
    assert hanh.signs_in(hanh.codes[0], password=CHOSEN).status_code == 403
    assert hanh.signs_in(hanh.codes[0], password=OTHER).status_code == 303


def test_a_password_sent_twice_at_once_makes_one_set_of_codes(app, hanh):
    hanh.opens()
    form = hidden(hanh.client.get("/staff/enrol/password"))
    form |= {"new_password": CHOSEN, "repeated": CHOSEN}

    def send(client):
        one = Newcomer(client, hanh.invitation)
        client.post("/staff/enrol/password", data=form)
        one.scans()
        return one.phone.secret

    with ThreadPoolExecutor(4) as pool:
        seen = list(pool.map(send, [same_browser(app, hanh.client) for _ in range(4)]))

    assert len(set(seen)) == 1


def test_codes_of_another_page_are_not_confirmed(hanh):
    pages = []
    for _ in range(2):  # the link is opened again in a second window
        hanh.phone = None
        for step in (hanh.opens, hanh.chooses, hanh.shows):
            step()
        pages.append(hanh.client.get("/staff/enrol/codes"))

    refused = hanh.client.post("/staff/enrol/codes", data=hidden(pages[0]))

    assert refused.status_code == 409
    assert not told_of(hanh.invitation.username, "staff:enrolled")
    assert hanh.keeps_codes().status_code == 303


def test_the_last_form_sent_twice_does_no_harm(hanh):
    hanh.opens()
    hanh.chooses()
    hanh.shows()
    form = hidden(hanh.client.get("/staff/enrol/codes"))
    sent = [hanh.client.post("/staff/enrol/codes", data=form) for _ in range(2)]

    assert [a.location for a in sent] == ["/staff/sign-in?enrolled=1"] * 2
    assert len(told_of(hanh.invitation.username, "staff:enrolled")) == 1


@pytest.mark.parametrize("page", ["password", "app", "codes"])
def test_a_page_out_of_turn_leads_to_the_one_in_turn(hanh, page):
    hanh.opens()

    answer = hanh.client.get(f"/staff/enrol/{page}")

    places = {"password": None, "app": "/staff/enrol/password", "codes": "/staff/enrol/app"}
    assert answer.location == places[page]


@pytest.mark.parametrize(
    "weak", ["ngắn quá", "mật khẩu 123", "vu thi hanh 2026", "anhyeuem123", "aaaaaaaaaaaa"]
)
def test_a_password_that_would_be_guessed_is_not_taken(hanh, weak):
    hanh.opens()

    answer = hanh.chooses(weak)

    assert (answer.status_code, 'href="#new-password"' in answer.text) == (400, True)
    assert weak not in answer.text


def test_the_picture_is_the_text(hanh):
    """Who cannot scan types; neither stands in a link."""
    hanh.opens()
    hanh.chooses()

    page = hanh.client.get("/staff/enrol/app").text

    assert "<svg" in page
    assert 'role="img"' in page
    assert "otpauth:" not in page
    assert "style=" not in page
    assert "<script" not in page


def test_what_is_chosen_is_sealed_and_forgotten(hanh):
    hanh.opens()
    hanh.chooses()
    hanh.shows()
    (row,) = [r for r in rows() if r.id.hex in path_of(hanh.invitation).replace("-", "")]
    assert hanh.phone.secret.encode() not in bytes(row.sealed_setup)
    assert row.expires_at - row.created_at == timedelta(hours=72)

    hanh.keeps_codes()

    (row,) = [r for r in rows() if r.id.hex in path_of(hanh.invitation).replace("-", "")]
    assert (row.new_hash, row.sealed_setup, row.spent_at is None) == (None, None, False)
    held = b"".join(
        bytes(r.digest) for r in database.rows(records.StaffRecoveryCode.__table__.select())
    )
    assert not [code for code in hanh.codes if code.replace(" ", "").encode() in held]


def test_the_right_code_does_not_count_as_a_try(hanh):
    assert [hanh.opens().status_code for _ in range(6)] == [303] * 6


def test_the_link_holds_no_secret(hanh):
    """Histories, proxies and previews of messages keep links."""
    digits = hanh.invitation.code.replace(" ", "")
    assert len(digits) == 16
    assert digits not in hanh.invitation.link
    assert hanh.invitation.code not in repr(hanh.invitation)


class TestAttacker:
    def test_a_wrong_code_an_unknown_link_and_a_late_one_look_the_same(self, app, hanh):
        unknown, late = invited(), invited()
        unknown_path = path_of(unknown)[:-4] + "0000"
        answers = []
        for path in (path_of(hanh.invitation), unknown_path, path_of(late)):
            at = clock.now() + timedelta(hours=73 if path == path_of(late) else 0)
            code = late.code if path == path_of(late) else "0000 0000 0000 0000"
            with time_machine.travel(at, tick=True):
                page = submit(app.test_client(), path, code=code)
            answers.append((page.status_code, page.text.replace(form_token(page), "")))

        strip = [(status, text.split("<main")[1]) for status, text in answers]
        assert strip[0] == strip[1] == strip[2]
        assert strip[0][0] == 403

    def test_five_tries_are_all_there_are(self, hanh):
        statuses = [hanh.opens("1111 2222 3333 4444").status_code for _ in range(6)]

        assert statuses == [403] * 5 + [429]
        assert told_of(hanh.invitation.username, "staff:refused")

    def test_the_code_of_another_link_opens_nothing(self, hanh):
        assert hanh.opens(invited().code).status_code == 403

    def test_a_used_link_is_used(self, app, client):
        one = enrolled(client)

        assert Newcomer(app.test_client(), one.invitation).opens().status_code == 403

    def test_whoever_opens_it_last_goes_on_alone(self, app, hanh):
        """The cookie of a browser that was left behind is worth nothing."""
        hanh.opens()
        hanh.chooses()
        other = Newcomer(app.test_client(), hanh.invitation)
        other.opens()

        behind = hanh.client.get("/staff/enrol/app")

        assert (behind.status_code, 'id="error"' in behind.text) == (403, True)
        assert other.client.get("/staff/enrol/app").location == "/staff/enrol/password"

    def test_the_step_belongs_to_its_browser(self, app, hanh):
        hanh.opens()
        stolen = hanh.client.get_cookie("motlan-staff-enrolment").value
        thief = app.test_client()
        thief.set_cookie("motlan-staff-enrolment", stolen)

        assert thief.get("/staff/enrol/password").status_code == 403

    def test_a_quarter_of_an_hour_ends_the_step_and_not_the_link(self, hanh):
        hanh.opens()
        with time_machine.travel(clock.now() + timedelta(minutes=16), tick=True):
            assert hanh.client.get("/staff/enrol/password").status_code == 403
            assert hanh.opens().status_code == 303

    def test_a_new_link_ends_the_old_one(self, app, hanh):
        hanh.opens()
        hanh.chooses()
        hanh.shows()
        form = hidden(hanh.client.get("/staff/enrol/codes"))

        renewed = reset(hanh.invitation.username)

        late = hanh.client.post("/staff/enrol/codes", data=form)
        assert late.status_code == 403
        assert Newcomer(app.test_client(), hanh.invitation).opens().status_code == 403
        assert Newcomer(app.test_client(), renewed).enrols().codes

    def test_of_many_last_forms_at_once_one_counts(self, app, hanh):
        hanh.opens()
        hanh.chooses()
        hanh.shows()
        form = hidden(hanh.client.get("/staff/enrol/codes"))
        cookies = {
            f"motlan-{name}": hanh.client.get_cookie(f"motlan-{name}").value
            for name in ("browser", "staff-enrolment")
        }

        def send(_):
            client = app.test_client()
            for name, value in cookies.items():
                client.set_cookie(name, value)
            return client.post("/staff/enrol/codes", data=form).status_code

        with ThreadPoolExecutor(4) as pool:
            statuses = list(pool.map(send, range(4)))

        assert statuses.count(303) >= 1
        assert set(statuses) <= {303, 403}
        assert len(told_of(hanh.invitation.username, "staff:enrolled")) == 1

    def test_an_account_without_password_lets_nobody_in(self, app, hanh):
        """Not with an empty password, nor with the one that hides who exists."""
        for password in ("", "nobody", " "):
            client = app.test_client()
            name = hanh.invitation.username
            answer = submit(client, "/staff/sign-in", username=name, password=password)
            assert answer.status_code in {400, 403}

    def test_enrolling_signs_nobody_in_by_itself(self, hanh):
        """Nor does the proof of the code count as a password."""
        hanh.opens()
        step = hanh.client.get_cookie("motlan-staff-enrolment").value
        hanh.client.set_cookie("motlan-staff-step", step)
        hanh.client.set_cookie("motlan-staff", step)

        answer = submit(hanh.client, "/staff/sign-in/code", one_time_code="000000")

        assert answer.status_code == 403
        assert hanh.client.get("/staff/security").location == "/staff/sign-in"

    def test_neither_a_citizen_nor_a_colleague_goes_on_for_them(self, app, hanh):
        hanh.opens()
        for who in (app.test_client(), app.test_client()):
            sign_in(who, lan())
            sign_in_officer(who, a_security_officer(role=Role.OPERATOR))
            assert who.get("/staff/enrol/password").status_code == 403

    def test_the_phones_code_must_be_the_pages(self, hanh):
        hanh.opens()
        hanh.chooses()
        other = pyotp.TOTP(pyotp.random_base32())
        hanh.scans()

        answer = hanh.shows(other.now())

        assert (answer.status_code, 'href="#one-time-code"' in answer.text) == (403, True)
        assert hanh.client.get("/staff/enrol/codes").location == "/staff/enrol/app"


def test_the_sessions_of_before_end_with_a_new_enrolment(app, client):
    one = enrolled(client)
    one.signs_in(one.codes[0])
    cookie = one.client.get_cookie("motlan-staff").value
    assert sessions.find(cookie) is not None

    renewed = reset(one.invitation.username)

    assert sessions.find(cookie) is None
    assert Newcomer(app.test_client(), one.invitation).signs_in(one.codes[1]).status_code == 403
    again = Newcomer(app.test_client(), renewed).enrols()
    assert again.signs_in(one.codes[2]).status_code == 403  # a code of before
    assert again.signs_in(again.codes[0]).status_code == 303
    assert len(told_of(one.invitation.username, "staff:reset")) == 1


def test_a_number_ties_the_account_to_its_owner(client):
    """So that nobody opens entries about themselves."""
    her = lan()
    one = enrolled(client, own_citizen_id=her.citizen_id)

    assert records.find_by_username(one.invitation.username).own_citizen_id == her.citizen_id
    assert people.person(her.citizen_id) is not None
