"""Device authorization grant, RFC 8628 §5: who has half of it, or talks to somebody who has."""

import pytest
import time_machine

from identity import clock
from identity.device import device_authorization, requests
from identity.polled import pace
from tests.at_once import at_once
from tests.devices import Television, a_television
from tests.people import form_token, minh, same_browser, sign_in

pytestmark = pytest.mark.usefixtures("app")


class TestAttacker:
    """Who has half of it: a code seen over a shoulder, or a phone that somebody talked to."""

    def test_a_device_code_is_good_once(self, television, phone):
        """And its second use ends what the first has bought."""
        television.begin()
        television.allowed_by(phone)
        bought = television.poll().json["access_token"]

        assert television.error() == "invalid_grant"
        bearer = {"Authorization": f"Bearer {bought}"}
        assert phone.get("/userinfo", headers=bearer).status_code == 401

    def test_of_many_polls_at_once_one_is_served(self, app, television, phone):
        """Single use is one UPDATE: each request has its own connection."""
        television.begin()
        television.allowed_by(phone)
        others = [Television(app.test_client(), television.played, television.told) for _ in "1234"]

        answers = at_once(lambda one: one.poll().status_code, others)

        assert sorted(answers) == [200, 400, 400, 400]

    def test_another_service_gets_nothing_for_it(self, app, television, phone):
        """RFC 8628 §3.4: the code is bound to whom it was given to; the try costs nothing."""
        television.begin()
        television.allowed_by(phone)
        other = Television(app.test_client(), a_television(app).played, television.told)

        assert other.error() == "invalid_grant"
        assert television.poll().status_code == 200

    @pytest.mark.parametrize("answered", [None, "deny"])
    def test_another_service_does_not_hear_how_it_stands(self, app, television, phone, answered):
        """RFC 8628 §5.2: for a stranger there is no such code, waiting or refused."""
        television.begin()
        if answered is not None:
            television.answered_by(phone, answered)

        other = Television(app.test_client(), a_television(app).played, television.told)

        assert [other.error(), other.error()] == ["invalid_grant"] * 2
        assert television.interval == pace.INTERVAL

    @pytest.mark.parametrize(("chosen", "heard"), [("allow", 200), ("deny", 400)])
    def test_an_answer_is_for_one_device(self, app, television, phone, chosen, heard):
        """RFC 8628 §5.4: what waits beside it, of the same app too, goes on waiting."""
        television.begin()
        beside = Television(app.test_client(), television.played)
        beside.begin()

        moved = television.answered_by(phone, chosen)
        assert phone.get(moved.location).status_code in {200, 303}

        assert television.poll().status_code == heard
        assert beside.error() == "authorization_pending"

    @pytest.mark.sqlite
    def test_a_device_code_is_no_authorization_code(self, television, phone):
        """Nor a refresh token; and an invented one is as unknown as any."""
        television.begin()
        television.allowed_by(phone)
        code = television.told["device_code"]

        for form in (
            {"grant_type": "authorization_code", "code": code, "redirect_uri": "x"},
            {"grant_type": "refresh_token", "refresh_token": code},
        ):
            assert television.post(**form).json["error"] in {"invalid_grant", "unauthorized_client"}
        assert television.error(device_code="x" * 43) == "invalid_grant"
        assert television.error(device_code=None) == "invalid_request"

    def test_guesses_are_few(self, television, phone):
        """RFC 8628 §5.1: five for a person in a browser, and then the right one waits too."""
        code = television.begin().json["user_code"]
        for _ in range(5):
            assert television.typed_in(phone, "BBBB-BBBB").status_code == 400

        assert television.typed_in(phone, code).status_code == 429

    @pytest.mark.sqlite
    def test_a_code_made_of_markup_is_text(self, television, phone):
        """Security case 61: in the field again, and in the address that fills it in."""
        markup = '"><script>alert(7)</script>{{7*7}}'

        for page in (
            television.typed_in(phone, markup),
            phone.get("/device", query_string={"user_code": markup}),
        ):
            assert "<script" not in page.text
            assert "49" not in page.text

    @pytest.mark.sqlite
    def test_right_codes_are_no_guesses(self, television, phone):
        for _ in range(7):
            code = television.begin().json["user_code"]
            assert television.typed_in(phone, code).status_code == 303

    def test_the_page_of_a_device_opens_in_one_browser(self, app, television, phone):
        """A link that somebody sends shows nothing: the code has to be typed."""
        code = television.begin().json["user_code"]
        place = television.typed_in(phone, code).location
        other = app.test_client()
        sign_in(other, minh())

        assert other.get(place).status_code == 404
        assert phone.get("/device/nonsense").status_code == 404

    def test_what_was_answered_is_not_answered_again(self, app, television, phone):
        """Two phones with one code: the first answer counts."""
        code = television.begin().json["user_code"]
        second = app.test_client()
        sign_in(second, minh())
        place = television.typed_in(second, code).location
        late = {"csrf_token": form_token(second.get(place)), "answer": "allow"}
        waits = second.post(place, data=late)
        assert television.allowed_by(phone).location == "/device/allowed"

        assert second.get(waits.location).status_code == 409
        assert second.post(place, data=late).status_code == 404
        assert television.poll().status_code == 200

    def test_what_is_over_is_not_answered(self, television, phone):
        """RFC 8628 §3.5: neither from its page, nor from what was begun there in time."""
        television.begin()
        place = television.typed_in(phone, television.told["user_code"]).location
        told = {"csrf_token": form_token(phone.get(place)), "answer": "allow"}
        begun = clock.now()
        with time_machine.travel(begun + requests.LIFETIME * 0.9, tick=True):
            waits = phone.post(place, data=told)

        with time_machine.travel(begun + requests.LIFETIME, tick=True):
            assert phone.get(place).status_code == 404
            assert phone.post(place, data=told).status_code == 404
            assert phone.get(waits.location).status_code == 409
            assert television.error() == "expired_token"

    def test_who_presses_twice_is_told_so(self, app, television, phone):
        """The same answer in two windows of one browser: one of them is the answer."""
        television.begin()
        place = television.typed_in(phone, television.told["user_code"]).location
        token = {"csrf_token": form_token(phone.get(place)), "answer": "allow"}
        first, second = phone.post(place, data=token), phone.post(place, data=token)

        assert phone.get(first.location).location == "/device/allowed"
        assert same_browser(app, phone).get(second.location).status_code == 409

    def test_who_names_an_app_fills_no_table(self, app, monkeypatch):
        """Bounded by the neighbourhood: the app goes on everywhere else."""
        monkeypatch.setattr(device_authorization, "MOST_NEARBY", 2)
        known = a_television(app, token_endpoint_auth_method="none")
        elsewhere = Television(app.test_client(), known.played)
        elsewhere.client.environ_base["REMOTE_ADDR"] = "192.0.2.77"

        told = [known.begin().status_code for _ in range(3)]

        assert told == [200, 200, 429]
        assert elsewhere.begin().status_code == 200

    def test_who_keeps_polling_makes_no_more_work(self, television, monkeypatch):
        """At the longest interval a hasty poll changes nothing, so it writes nothing."""
        television.begin()
        errors = [television.error() for _ in range(13)]

        monkeypatch.setattr(requests, "slow_down", lambda *_: pytest.fail("written again"))

        assert (errors[-1], television.interval) == ("slow_down", pace.LONGEST)
        assert television.error() == "slow_down"

    def test_a_sign_out_ends_what_was_not_fetched(self, television, phone):
        """As with any code: who is not signed in any more gives nothing."""
        television.begin()
        television.allowed_by(phone)
        token = {"csrf_token": form_token(phone.get("/sign-out"))}
        phone.post("/sign-out", data=token)

        assert television.error() == "invalid_grant"
