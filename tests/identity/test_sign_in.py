"""Signing in and out through the pages: number and password, then a one-time code."""

import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

import pytest
import time_machine
from sqlalchemy import select

from identity import clock, database
from identity.authentication import sessions
from identity.authentication.records import KnownDevice
from identity.citizens.records import CitizenPassword
from tests.people import form_token, give_authenticator, lan, minh, sign_in, submit

HOME = "localhost:8000"
BUSY_FIELDS = ("Content-Length", "X-Request-Id", "Set-Cookie")


def password_of(person):
    mine = CitizenPassword.citizen_id == person.citizen_id
    return database.row(select(CitizenPassword.hash, CitizenPassword.changed_at).where(mine))


def is_signed_in(client):
    return 'id="confirm-sign-out"' in client.get("/sign-out").text


def test_the_code_sent_twice_signs_in_once_and_goes_on(client, person):
    """A second window, an impatient finger: not told that it took too long."""
    submit(client, "/sign-in", national_id=person.national_id, password=person.password)
    form = {
        "csrf_token": form_token(client.get("/sign-in/code")),
        "one_time_code": person.one_time_code,
    }

    first, second = (client.post("/sign-in/code?next=/my/access", data=form) for _ in range(2))

    assert first.location == second.location == "/my/access"
    assert is_signed_in(client)


def test_number_password_and_code_open_a_session(client, person):
    onward = sign_in(client, person)

    assert onward.location == "/my"
    assert is_signed_in(client)
    found = sessions.find(client.get_cookie("motlan-citizen").value)
    assert (found.acr, found.amr) == (2, ("pwd", "otp", "mfa"))  # RFC 8176 §2


def test_the_password_alone_opens_nothing(client, person):
    """Two different factors, or no session."""
    submit(client, "/sign-in", national_id=person.national_id, password=person.password)

    assert not is_signed_in(client)


def test_the_pages_carry_the_promised_ids_and_hints(client, person):
    """The contract, WCAG 2.2 §1.3.5 and §3.3.8."""
    first = client.get("/sign-in").text
    submit(client, "/sign-in", national_id=person.national_id, password=person.password)
    second = client.get("/sign-in/code").text

    assert all(f'id="{name}"' in first for name in ("national-id", "password", "submit-sign-in"))
    assert 'inputmode="numeric" autocomplete="username"' in first
    assert 'autocomplete="current-password"' in first
    assert all(f'id="{name}"' in second for name in ("one-time-code", "submit-code"))
    assert 'autocomplete="one-time-code"' in second
    assert "<script" not in first + second


@pytest.mark.parametrize("between", [" ", ".", "-", "\u00a0", "\u202f", "\u2013"])
def test_a_number_may_be_typed_in_groups(client, person, between):
    digits = person.national_id
    typed = between.join((digits[:3], digits[3:6], digits[6:9], digits[9:]))

    answer = submit(client, "/sign-in", national_id=typed, password=person.password)

    assert answer.status_code == 303


@pytest.mark.parametrize("typed", ["", "12345", "09718800421x", "０９７１８８００４２１７"])
def test_what_is_no_number_is_told_beside_its_field(client, typed):
    answer = submit(client, "/sign-in", national_id=typed, password="x")

    assert answer.status_code == 400
    assert '<a href="#national-id">' in answer.text


def test_a_missing_password_is_told_beside_its_field(client, person):
    answer = submit(client, "/sign-in", national_id=person.national_id)

    assert (answer.status_code, '<a href="#password">' in answer.text) == (400, True)


def test_a_code_may_be_typed_in_groups(client, person):
    submit(client, "/sign-in", national_id=person.national_id, password=person.password)

    answer = submit(client, "/sign-in/code", one_time_code="246 810")

    assert answer.status_code == 303


def test_a_wrong_code_can_be_corrected_on_the_same_page(client, person):
    submit(client, "/sign-in", national_id=person.national_id, password=person.password)

    wrong = submit(client, "/sign-in/code", one_time_code="111111")
    right = client.post(
        "/sign-in/code", data={"csrf_token": form_token(wrong), "one_time_code": "246810"}
    )

    assert (wrong.status_code, right.status_code) == (403, 303)


def test_the_page_of_the_code_needs_a_password_first(client):
    assert client.get("/sign-in/code").location == "/sign-in"


def test_a_password_proved_too_long_ago_must_be_proved_again(client, person):
    submit(client, "/sign-in", national_id=person.national_id, password=person.password)

    with time_machine.travel(clock.now() + timedelta(minutes=11)):
        answer = submit(client, "/sign-in/code", one_time_code=person.one_time_code)

    assert answer.status_code == 403
    assert 'id="submit-sign-in"' in answer.text
    assert not is_signed_in(client)


def test_a_request_of_a_service_comes_back_to_it(client, person):
    onward = sign_in(client, person, query="?request=0198aa-x_Y")

    assert onward.location == "/authorize?request=0198aa-x_Y"


def test_a_page_of_ours_comes_back_to_it(client, person):
    onward = sign_in(client, person, query="?next=/my/consents/4%3Fpage%3D2")

    assert onward.location == "/my/consents/4?page=2"


def test_who_is_signed_in_is_not_asked_again_without_a_request(client, person):
    sign_in(client, person)

    assert client.get("/sign-in?next=/my/data").location == "/my/data"
    assert 'id="national-id"' in client.get("/sign-in?request=abc").text


def test_the_first_page_is_ones_own(client):
    assert client.get("/").location == "/my"


@pytest.mark.parametrize("status", ["locked", "deceased"])
def test_a_barred_account_is_told_only_to_who_knows_the_password(client, status):
    barred = lan(status=status)

    guess = submit(client, "/sign-in", national_id=barred.national_id, password="wrong")
    known = submit(client, "/sign-in", national_id=barred.national_id, password=barred.password)

    assert "không đúng" in guess.text
    assert "hiện không đăng nhập được" in known.text
    assert (guess.status_code, known.status_code) == (403, 403)


def test_an_account_locked_between_password_and_code_opens_nothing(client, person):
    submit(client, "/sign-in", national_id=person.national_id, password=person.password)
    lan(national_id=person.national_id, status="locked")

    answer = submit(client, "/sign-in/code", one_time_code=person.one_time_code)

    assert answer.status_code == 403
    assert "hiện không đăng nhập được" in answer.text
    assert client.get_cookie("motlan-citizen") is None


def test_a_password_changed_between_password_and_code_must_be_proved(client, person):
    """Perhaps because somebody else knew the one of before; no code is asked for with that."""
    submit(client, "/sign-in", national_id=person.national_id, password=person.password)
    lan(national_id=person.national_id, password="một mật khẩu khác hẳn")

    answer = submit(client, "/sign-in/code", one_time_code=person.one_time_code)

    assert answer.status_code == 403
    assert 'id="submit-sign-in"' in answer.text
    assert not is_signed_in(client)


def test_a_machine_where_somebody_else_was_signed_in_is_known_to_both(client, person):
    """Otherwise strangers' guesses would lock the second one out of it."""
    sign_in(client, minh())
    sign_in(client, person, query="?request=a")

    known = database.rows(select(KnownDevice).where(KnownDevice.citizen_id == person.citizen_id))

    assert len(known) == 1


def test_a_renewed_hash_is_no_new_password(app, another_app, settings, person):
    """It is as old as it was, and who was halfway in with it goes on."""
    there = app.test_client()
    submit(there, "/sign-in", national_id=person.national_id, password=person.password)
    before = password_of(person)

    sign_in(another_app(replace(settings, argon2_time=2)).test_client(), person)
    done = submit(there, "/sign-in/code", one_time_code=person.one_time_code)

    after = password_of(person)
    sign_in(another_app(replace(settings, argon2_time=2)).test_client(), person)
    assert password_of(person) == after  # which is as it should be now
    assert "t=1" in before.hash
    assert "t=2" in after.hash
    assert (after.changed_at, done.status_code) == (before.changed_at, 303)


def test_the_language_of_the_page_is_vietnamese_unless_asked(client):
    assert '<html lang="vi">' in client.get("/sign-in").text


def test_signing_out_is_confirmed_and_final(client, person):
    sign_in(client, person)
    page = client.get("/sign-out")
    assert 'id="confirm-sign-out"' in page.text
    assert 'id="stay-signed-in"' in page.text
    assert is_signed_in(client)

    done = client.post("/sign-out", data={"csrf_token": form_token(page)})

    assert done.status_code == 303
    assert not is_signed_in(client)


def test_signing_out_everywhere_ends_the_other_browsers_too(app, person):
    here, there, elsewhere = (app.test_client() for _ in range(3))
    for browser in (here, there):
        sign_in(browser, person)
    sign_in(elsewhere, minh())

    submit(here, "/sign-out", everywhere="1")

    assert [is_signed_in(b) for b in (here, there, elsewhere)] == [False, False, True]


def test_signing_out_here_leaves_the_other_browser_alone(app, person):
    here, there = app.test_client(), app.test_client()
    for browser in (here, there):
        sign_in(browser, person)

    submit(here, "/sign-out")

    assert (is_signed_in(here), is_signed_in(there)) == (False, True)


class TestAttacker:
    def test_unknown_and_wrong_look_the_same(self, app, person):
        """Security case 16: same status, body and headers."""
        answers = []
        for number in (person.national_id, "097188999999"):
            page = submit(app.test_client(), "/sign-in", national_id=number, password="wrong")
            headers = {k: v for k, v in page.headers if k not in BUSY_FIELDS}
            answers.append((page.status_code, headers, steady(page.text)))

        assert answers[0] == answers[1]

    @pytest.mark.parametrize(
        "place",
        [
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "/%09/evil.example",
            "javascript:alert(1)",
            "/my\r\nSet-Cookie: a=b",
            "\\\\evil.example",
            "my",
        ],
    )
    def test_no_next_leads_off_this_site(self, client, person, place):
        """Open redirect, RFC 9700 §4.11."""
        client.get("/sign-in")
        page = client.get("/sign-in", query_string={"next": place})
        fields = {"national_id": person.national_id, "password": person.password}
        client.post(
            "/sign-in",
            query_string={"next": place},
            data={"csrf_token": form_token(page)} | fields,
        )
        code = client.get("/sign-in/code", query_string={"next": place})

        onward = client.post(
            "/sign-in/code",
            query_string={"next": place},
            data={"csrf_token": form_token(code), "one_time_code": person.one_time_code},
        )

        assert onward.status_code == 303
        assert urlsplit(urljoin("http://localhost:8000/", onward.location)).netloc == HOME
        assert "\\" not in onward.location

    @pytest.mark.parametrize("request_id", ["../my", "a b", "x&next=//evil", "%0d%0a", "a" * 201])
    def test_a_forged_request_id_goes_nowhere(self, client, person, request_id):
        page = client.get("/sign-in", query_string={"request": request_id})
        fields = {"national_id": person.national_id, "password": person.password}

        answer = client.post(
            "/sign-in",
            query_string={"request": request_id},
            data={"csrf_token": form_token(page)} | fields,
        )

        assert answer.location == "/sign-in/code"

    @pytest.mark.parametrize(
        "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
    )
    @pytest.mark.parametrize("path", ["/sign-in", "/sign-in/code", "/sign-out"])
    def test_a_form_of_another_site_is_refused(self, client, person, path, headers):
        """Security case 13."""
        sign_in(client, person)
        token = form_token(client.get("/sign-out"))

        answer = client.post(path, data={"csrf_token": token}, headers=headers)

        assert answer.status_code == 403
        assert is_signed_in(client)

    def test_a_form_without_our_token_is_refused(self, client, person):
        sign_in(client, person)

        assert client.post("/sign-out").status_code == 403
        assert is_signed_in(client)

    def test_the_step_of_one_browser_is_worth_nothing_in_another(self, app, person):
        mine, thief = app.test_client(), app.test_client()
        submit(mine, "/sign-in", national_id=person.national_id, password=person.password)
        stolen = mine.get_cookie("motlan-step")
        thief.get("/sign-in")
        thief.set_cookie("motlan-step", stolen.value)

        answer = submit(thief, "/sign-in/code", one_time_code=person.one_time_code)

        assert answer.status_code == 403
        assert not is_signed_in(thief)

    def test_a_code_of_an_authenticator_works_once(self, app, person):
        """RFC 6238 §5.2."""
        shown = give_authenticator(person).now()
        first, second = app.test_client(), app.test_client()
        for browser in (first, second):
            submit(browser, "/sign-in", national_id=person.national_id, password=person.password)

        answers = [submit(b, "/sign-in/code", one_time_code=shown) for b in (first, second)]

        assert [answer.status_code for answer in answers] == [303, 403]

    def test_nothing_typed_comes_back_in_the_page(self, client, person):
        answer = submit(
            client, "/sign-in", national_id=person.national_id, password="<b>bí mật</b>"
        )

        assert person.national_id not in answer.text
        assert "bí mật" not in answer.text


def steady(text):
    """The page without what is fresh in each: the form token."""
    return re.sub(r'name="csrf_token" value="[^"]+"', "", text)
