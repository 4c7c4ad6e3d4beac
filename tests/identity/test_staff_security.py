"""`/staff/security`: another password, another app; everything else of the account ends with it."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine

from identity import clock
from identity.citizens import passwords
from identity.entry import NOBODY
from identity.staff import change, records, sessions
from tests.enrolling import CHOSEN, OTHER, Newcomer, enrolled, invited
from tests.exchange import entries
from tests.markup import Markup
from tests.people import a_security_officer, form_token, sign_in_officer, submit

pytestmark = pytest.mark.usefixtures("app")

PASSWORD_PAGE, FACTOR_PAGE = "/staff/security/password", "/staff/security/factor"


@pytest.fixture
def hanh(client):
    """Enrolled, and signed in with her first printed code."""
    one = enrolled(client)
    assert one.signs_in(one.codes[0]).status_code == 303
    return one


def elsewhere(app, one, code):
    """The same person in another browser."""
    other = Newcomer(app.test_client(), one.invitation)
    assert other.signs_in(code).status_code == 303
    return other


def cookie_of(one):
    return one.client.get_cookie("motlan-staff").value


def new_password(one, old=CHOSEN, new=OTHER, **told):
    fields = {"password": old, "new_password": new, "repeated": new} | told
    return submit(one.client, PASSWORD_PAGE, **fields)


def told_of(one, entry_type):
    staff_id = records.find_ever(one.invitation.username).id.hex
    found = [e for e in entries(NOBODY) if e.type == entry_type]
    return [e.subject for e in found if e.subject.get("staff") == staff_id]


@pytest.mark.slow
def test_another_password_ends_every_other_session(app, hanh):
    other = elsewhere(app, hanh, hanh.codes[1])

    done = new_password(hanh)

    assert done.location == "/staff/security?done=password"
    assert 'id="done"' in hanh.client.get(done.location).text
    assert sessions.find(cookie_of(hanh)) is not None
    assert sessions.find(cookie_of(other)) is None
    fresh = Newcomer(app.test_client(), hanh.invitation)
    assert fresh.signs_in(hanh.codes[2], password=CHOSEN).status_code == 403
    assert fresh.signs_in(hanh.codes[2], password=OTHER).status_code == 303
    (told,) = told_of(hanh, "staff:changed")
    assert told["changed"] == "password"


def test_what_one_changes_leaves_everybody_else_as_they_were(app, hanh):
    """Sessions, printed codes and what somebody is about to set up are each person's own."""
    newcomer = Newcomer(app.test_client(), invited())
    newcomer.opens()
    other = enrolled(app.test_client())
    assert other.signs_in(other.codes[0]).status_code == 303

    new_password(hanh)
    submit(hanh.client, FACTOR_PAGE, password=OTHER, one_time_code=hanh.codes[2])
    hanh.phone = None
    assert (hanh.shows().status_code, hanh.keeps_codes().status_code) == (303, 303)

    assert sessions.find(cookie_of(other)) is not None
    assert elsewhere(app, other, other.codes[1])
    assert newcomer.chooses().status_code == 303
    assert (newcomer.shows().status_code, newcomer.keeps_codes().status_code) == (303, 303)


def test_another_app_and_other_codes_take_the_place_of_the_old_ones(app, hanh):
    other, old = elsewhere(app, hanh, hanh.codes[1]), hanh.codes

    begun = submit(hanh.client, FACTOR_PAGE, password=CHOSEN, one_time_code=old[2])
    assert begun.location == "/staff/enrol/app"
    assert hanh.client.get("/staff/enrol/password").location == "/staff/enrol/app"
    hanh.phone = None
    assert (hanh.shows().status_code, hanh.keeps_codes().status_code) == (303, 303)

    assert [sessions.find(cookie) for cookie in (cookie_of(other),)] == [None]
    assert hanh.client.get("/staff/security").location == "/staff/sign-in"
    assert hanh.signs_in(old[3]).status_code == 403
    assert hanh.signs_in(hanh.codes[0]).status_code == 303
    (told,) = told_of(hanh, "staff:changed")
    assert told["changed"] == "second factor"


def test_the_old_factor_counts_until_the_new_one_does(app, hanh):
    submit(hanh.client, FACTOR_PAGE, password=CHOSEN, one_time_code=hanh.codes[2])

    assert elsewhere(app, hanh, hanh.codes[3])


def test_the_right_password_does_not_count_as_a_try(hanh):
    known = (CHOSEN, OTHER) * 4

    for old, new in itertools.pairwise(known[:7]):
        assert new_password(hanh, old=old, new=new).status_code == 303


def test_nor_do_both_factors_when_an_app_is_made(hanh):
    for code in hanh.codes[1:7]:
        begun = submit(hanh.client, FACTOR_PAGE, password=CHOSEN, one_time_code=code)
        assert begun.location == "/staff/enrol/app"


def test_the_page_tells_how_many_codes_are_left(app, hanh):
    def left():
        page = Markup(hanh.client.get("/staff/security").text)
        return page.by_id("codes-left").words

    assert left() == "9"
    for code in hanh.codes[1:7]:
        elsewhere(app, hanh, code)
    assert (left(), "notice law" in hanh.client.get("/staff/security").text) == ("3", True)


def test_the_demo_s_officers_have_the_page_too(client):
    sign_in_officer(client, a_security_officer())

    page = client.get("/staff/security")

    assert (page.status_code, Markup(page.text).by_id("codes-left").words) == (200, "0")


class TestAttacker:
    @pytest.mark.parametrize("path", ["/staff/security", PASSWORD_PAGE, FACTOR_PAGE])
    def test_a_stranger_is_sent_to_sign_in(self, client, path):
        assert client.get(path).location == "/staff/sign-in"
        token = form_token(client.get("/sign-in"))
        if path != "/staff/security":
            assert client.post(path, data={"csrf_token": token}).location == "/staff/sign-in"

    def test_a_borrowed_screen_changes_no_password(self, hanh):
        answer = new_password(hanh, old="đoán mò thôi")

        assert (answer.status_code, 'href="#password"' in answer.text) == (403, True)
        assert [told["reason"] for told in told_of(hanh, "staff:refused")] == ["password"]

    def test_guessing_the_old_password_has_the_budget_of_signing_in(self, hanh):
        statuses = [new_password(hanh, old=f"thử lần {n}").status_code for n in range(6)]

        assert statuses == [403] * 5 + [429]
        assert new_password(hanh).status_code == 429
        assert {told["reason"] for told in told_of(hanh, "staff:refused")} == {
            "password",
            "throttled",
        }

    def test_guessing_the_code_has_its_budget_too_and_stands_in_the_log(self, hanh):
        fields = {"password": CHOSEN, "one_time_code": "000000"}

        statuses = [submit(hanh.client, FACTOR_PAGE, **fields).status_code for _ in range(6)]

        assert statuses == [403] * 5 + [429]
        reasons = {told["reason"] for told in told_of(hanh, "staff:refused")}
        assert reasons == {"code", "throttled"}

    def test_a_borrowed_screen_makes_no_app(self, hanh):
        wrong = submit(hanh.client, FACTOR_PAGE, password="x", one_time_code=hanh.codes[1])
        code = submit(hanh.client, FACTOR_PAGE, password=CHOSEN, one_time_code="000000")
        used = submit(hanh.client, FACTOR_PAGE, password=CHOSEN, one_time_code=hanh.codes[0])

        assert [a.status_code for a in (wrong, code, used)] == [403] * 3
        assert hanh.client.get("/staff/enrol/app").location in {None, "/staff/sign-in?enrolled=1"}

    def test_half_a_sign_in_from_before_opens_nothing_after(self, app, hanh):
        """Who knew the old password has to know the new one."""
        thief, name = app.test_client(), hanh.invitation.username
        submit(thief, "/staff/sign-in", username=name, password=CHOSEN)
        with time_machine.travel(clock.now() + timedelta(seconds=2), tick=True):
            new_password(hanh)

            answer = submit(thief, "/staff/sign-in/code", one_time_code=hanh.codes[4])

        assert (answer.status_code, thief.get_cookie("motlan-staff")) == (403, None)

    def test_of_two_changes_at_once_one_counts(self, app, hanh):
        cookies = {
            name: hanh.client.get_cookie(name).value for name in ("motlan-browser", "motlan-staff")
        }
        token = form_token(hanh.client.get(PASSWORD_PAGE))

        def send(new):
            client = app.test_client()
            for name, value in cookies.items():
                client.set_cookie(name, value)
            fields = {"password": CHOSEN, "new_password": new, "repeated": new}
            return client.post(PASSWORD_PAGE, data=fields | {"csrf_token": token}).location

        with ThreadPoolExecutor(2) as pool:
            places = list(pool.map(send, (OTHER, OTHER + " nữa")))

        assert places.count("/staff/security?done=password") == 1, places
        assert len(told_of(hanh, "staff:changed")) == 1

    def test_a_copied_cookie_dies_with_the_old_password(self, hanh):
        copied = cookie_of(hanh)

        new_password(hanh)

        assert sessions.find(copied) is None
        assert sessions.find(cookie_of(hanh)) is not None

    def test_an_app_begun_before_another_counts_is_worth_nothing_after_it(self, app, hanh):
        """Who had password and code a moment ago does not take the account back."""
        thief = elsewhere(app, hanh, hanh.codes[1])
        submit(thief.client, FACTOR_PAGE, password=CHOSEN, one_time_code=hanh.codes[2])
        thief.shows()
        submit(hanh.client, FACTOR_PAGE, password=CHOSEN, one_time_code=hanh.codes[3])
        hanh.phone = None
        hanh.shows()
        hanh.keeps_codes()

        assert thief.client.get("/staff/enrol/codes").status_code == 403
        assert len(told_of(hanh, "staff:changed")) == 1

    def test_a_password_that_changes_while_it_is_proved_makes_no_app(self, app, hanh, monkeypatch):
        owner, real = elsewhere(app, hanh, hanh.codes[1]), passwords.is_right

        def slow(password, kept):
            monkeypatch.setattr(passwords, "is_right", real)
            assert new_password(owner).status_code == 303
            return real(password, kept)

        monkeypatch.setattr(passwords, "is_right", slow)
        late = submit(hanh.client, FACTOR_PAGE, password=CHOSEN, one_time_code=hanh.codes[2])

        assert late.status_code == 403
        assert hanh.client.get("/staff/enrol/app").location in {None, "/staff/sign-in?enrolled=1"}

    def test_a_password_that_changes_while_a_new_one_is_made_is_not_changed_back(
        self, app, hanh, monkeypatch
    ):
        """Whoever changed it first, perhaps because it was known, has changed it."""
        owner, real = elsewhere(app, hanh, hanh.codes[1]), passwords.hash_password

        def slow(password):
            monkeypatch.setattr(passwords, "hash_password", real)
            assert new_password(owner).status_code == 303
            return real(password)

        monkeypatch.setattr(passwords, "hash_password", slow)
        late = new_password(hanh, new=OTHER + " của kẻ trộm")

        assert late.status_code == 403
        assert sessions.find(cookie_of(owner)) is not None
        assert len(told_of(hanh, "staff:changed")) == 1

    def test_a_session_that_ends_while_a_new_password_is_made_changes_nothing(
        self, app, hanh, monkeypatch
    ):
        """Who was signed out a moment ago does not come back in with a new cookie."""
        real, cookie = passwords.hash_password, cookie_of(hanh)

        def slow(password):
            sessions.end(sessions.find(cookie))
            return real(password)

        monkeypatch.setattr(passwords, "hash_password", slow)
        late = new_password(hanh)
        monkeypatch.undo()

        assert (late.status_code, told_of(hanh, "staff:changed")) == (403, [])
        assert sessions.find(cookie) is None
        assert elsewhere(app, hanh, hanh.codes[1])

    def test_who_leaves_while_the_password_is_proved_makes_no_app(self, hanh, monkeypatch):
        real = passwords.is_right

        def slow(password, kept):
            change.leave(hanh.invitation.username)
            return real(password, kept)

        monkeypatch.setattr(passwords, "is_right", slow)
        late = submit(hanh.client, FACTOR_PAGE, password=CHOSEN, one_time_code=hanh.codes[1])

        assert late.status_code == 403
        assert hanh.client.get("/staff/enrol/app").location in {None, "/staff/sign-in?enrolled=1"}

    def test_an_app_begun_before_a_new_password_is_worth_nothing_after_it(self, app, hanh):
        """Whoever changes the password because it was known is rid of who knew it."""
        thief = elsewhere(app, hanh, hanh.codes[1])
        submit(thief.client, FACTOR_PAGE, password=CHOSEN, one_time_code=hanh.codes[2])
        thief.shows()

        new_password(hanh)

        assert thief.client.get("/staff/enrol/codes").status_code == 403
        fresh = Newcomer(app.test_client(), hanh.invitation)
        assert fresh.signs_in(hanh.codes[3], password=OTHER).status_code == 303

    def test_a_weak_or_mistyped_password_is_not_taken(self, hanh):
        weak = new_password(hanh, new=hanh.invitation.username + "2026")
        typo = new_password(hanh, repeated=OTHER + "x")

        assert ('href="#new-password"' in weak.text, 'href="#repeated"' in typo.text) == (
            True,
            True,
        )
        assert (weak.status_code, typo.status_code) == (400, 400)
