"""Guessing through the pages, as a robot does it: budgets that hold and lock nobody out."""

import pytest

from identity.authentication import second_factor
from identity.citizens import passwords
from tests.forms import a_visitor
from tests.people import form_token, new_number, sign_in, submit


def a_browser(app):
    """Somebody's browser, in a neighbourhood that no other test's tries have used up."""
    return a_visitor(app.test_client(), "vi")


@pytest.fixture
def evaluated(monkeypatch):
    """How many passwords were really compared."""
    seen, compare = [], passwords.is_right

    def watched(password, kept):
        seen.append(kept)
        return compare(password, kept)

    monkeypatch.setattr(passwords, "is_right", watched)
    return seen


class TestAttacker:
    @pytest.mark.slow
    def test_one_password_over_many_numbers_is_compared_a_hundred_times(
        self, app, person, evaluated
    ):
        """Security case 17: one address, whatever others it claims; elsewhere nobody notices."""
        robot = a_browser(app)
        told = {"csrf_token": form_token(robot.get("/sign-in")), "password": "Matkhau1"}

        statuses = [
            robot.post(
                "/sign-in",
                data=told | {"national_id": new_number()},
                headers={"X-Forwarded-For": f"192.0.{n}.1", "Forwarded": f"for=192.0.{n}.1"},
            ).status_code
            for n in range(110)
        ]

        assert statuses == [403] * 100 + [429] * 10
        assert len(evaluated) == 100
        assert sign_in(a_browser(app), person).location == "/my"

    def test_ten_wrong_passwords_leave_the_owner_alone(self, app, person, evaluated):
        """Security case 17: five are compared, and a sign-in from elsewhere works."""
        robot = a_browser(app)
        wrong = {"national_id": person.national_id, "password": "wrong"}

        statuses = [submit(robot, "/sign-in", **wrong).status_code for _ in range(10)]

        assert (statuses, len(evaluated)) == ([403] * 5 + [429] * 5, 5)
        assert sign_in(a_browser(app), person).location == "/my"

    @pytest.mark.slow
    def test_who_knows_the_password_has_twenty_codes_an_hour_over_all_browsers(
        self, app, person, monkeypatch
    ):
        """Security case 17: however many wrong codes; a new sign-in is no new budget."""
        own = a_browser(app)
        sign_in(own, person)
        seen, compare = [], second_factor.shown

        def watched(*who, code):
            seen.append(code)
            return compare(*who, code=code)

        monkeypatch.setattr(second_factor, "shown", watched)
        for _ in range(6):
            robot = a_browser(app)
            submit(robot, "/sign-in", national_id=person.national_id, password=person.password)
            token = form_token(robot.get("/sign-in/code"))
            for code in range(6):
                told = {"csrf_token": token, "one_time_code": f"{code:06}"}
                robot.post("/sign-in/code", data=told)

        assert len(seen) == 20
        assert sign_in(own, person, query="?request=a").status_code == 303

    @pytest.mark.parametrize("tries", [1, 5, 6])
    def test_the_pages_tell_nobody_who_exists(self, app, person, tries):
        """Security case 16: status, body, headers and cookies, before and after the throttle."""
        told = []
        for number in (person.national_id, new_number()):
            robot = a_browser(app)
            for _ in range(tries):
                page = robot.get("/sign-in")
                fields = {"national_id": number, "password": "wrong"}
                answer = robot.post("/sign-in", data={"csrf_token": form_token(page)} | fields)
            text = answer.text.replace(form_token(answer), "")
            headers = {k: v for k, v in answer.headers if k not in {"X-Request-Id", "Retry-After"}}
            cookies = sorted(cookie.key for cookie in robot._cookies.values())
            told.append(
                (answer.status_code, text, headers, cookies, "Retry-After" in answer.headers)
            )

        assert told[0] == told[1]
