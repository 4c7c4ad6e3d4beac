"""A lock, a death, a new password, a sign-out everywhere: all that dies with them."""

from dataclasses import dataclass

import pytest

from identity.citizens import passwords
from tests.asking import Sender, a_sender, answered, waiting
from tests.offices import GRANT_TYPES
from tests.people import Somebody, lan, minh, sign_in, submit

pytestmark = pytest.mark.usefixtures("app")

NEW_PASSWORD = "một mật khẩu khác"
CHANGES = [
    {"status": "locked"},
    {"status": "deceased", "deceased_on": "2026-11-01"},
    {"password": NEW_PASSWORD},
]


@dataclass
class Life:
    """All that a sign-in left standing: two browsers, tokens of both kinds, a code on its way."""

    office: Sender
    browsers: list
    online: dict
    offline: dict
    code: str

    def standing(self) -> list[str]:
        """What of it still opens anything."""
        told = {"browser": any(is_signed_in(browser) for browser in self.browsers)}
        for name, bought in (("online", self.online), ("offline", self.offline)):
            told |= {
                f"{name} access": self.reads(bought["access_token"]),
                f"{name} refresh": self.refreshes(bought["refresh_token"]),
            }
        told["code"] = self.office.redeem(self.code).status_code == 200
        told["silent"] = "code" in answered(self.office.ask(prompt="none"))
        return [name for name, stands in told.items() if stands]

    def reads(self, token: str) -> bool:
        headers = {"Authorization": f"Bearer {token}"}
        answer = self.office.client.get("/userinfo", headers=headers)
        is_active = self.machine("/introspect", token=token).json["active"]
        assert (answer.status_code == 200) is is_active
        return is_active

    def refreshes(self, token: str) -> bool:
        answer = self.machine("/token", grant_type="refresh_token", refresh_token=token)
        assert answer.status_code == 200 or answer.json["error"] == "invalid_grant"
        return answer.status_code == 200

    def machine(self, path: str, **form: str):
        return self.office.client.post(path, data=form, headers=self.office.played.basic())


def is_signed_in(browser) -> bool:
    return browser.get("/my").status_code == 200


def bought(office: Sender, **asked: str) -> dict:
    return office.redeem(answered(office.ask(**asked))["code"]).json


@pytest.fixture
def person() -> Somebody:
    return lan()


@pytest.fixture
def life(app, person) -> Life:
    here, there = app.test_client(), app.test_client()
    for browser in (here, there):
        sign_in(browser, person)
    office = a_sender(here, grant_types=GRANT_TYPES)
    return Life(
        office=office,
        browsers=[here, there],
        online=bought(office),
        offline=bought(office, scope="openid offline_access"),
        code=answered(office.ask())["code"],
    )


EVERYTHING = [
    *("browser", "online access", "online refresh", "offline access", "offline refresh"),
    *("code", "silent"),
]


def test_all_of_it_stands_while_nothing_happened(life):
    """What the tests below look at is there to die."""
    assert life.standing() == EVERYTHING


@pytest.mark.parametrize("change", CHANGES)
def test_a_lock_a_death_and_a_new_password_leave_nothing_standing(life, person, change):
    """Security case 22: at once, on the very next request."""
    lan(national_id=person.national_id, **change)

    assert life.standing() == []


def test_signing_out_everywhere_leaves_nothing_standing(life):
    """Security case 22; design §3: offline access too."""
    submit(life.browsers[1], "/sign-out", everywhere="1")

    assert life.standing() == []


def test_another_persons_end_is_nobody_elses(life):
    """What ends is one person's."""
    other = minh()
    lan(national_id=other.national_id, status="locked")

    assert life.standing() == EVERYTHING


class TestAttacker:
    @pytest.mark.parametrize("change", CHANGES)
    def test_a_password_proved_before_it_was_changed_opens_nothing_after(self, app, person, change):
        """Security case 22: half a sign-in dies as well."""
        thief = app.test_client()
        submit(thief, "/sign-in", national_id=person.national_id, password=person.password)
        lan(national_id=person.national_id, **change)

        answer = submit(thief, "/sign-in/code", one_time_code=person.one_time_code)

        assert answer.status_code == 403
        assert not is_signed_in(thief)

    @pytest.mark.parametrize("change", CHANGES)
    def test_a_request_that_waited_is_not_answered_for_who_was_locked_out(
        self, app, person, change
    ):
        """Security case 22: the session of before answers no stored request after."""
        thief = app.test_client()
        office = a_sender(thief)
        request_id = waiting(office.ask())
        place = sign_in(thief, person, query=f"?request={request_id}").location
        lan(national_id=person.national_id, **change)

        assert waiting(thief.get(place)) == request_id

    def test_a_password_changed_while_it_is_compared_opens_nothing(self, app, person, monkeypatch):
        """Security case 22: the comparison takes a while, and the change may be faster."""
        thief, compare = app.test_client(), passwords.is_right

        def slowly(password, kept):
            monkeypatch.setattr(passwords, "is_right", compare)
            lan(national_id=person.national_id, password=NEW_PASSWORD)
            return compare(password, kept)

        monkeypatch.setattr(passwords, "is_right", slowly)
        fields = {"national_id": person.national_id, "password": person.password}

        assert submit(thief, "/sign-in", **fields).status_code == 403
