"""People who have not begun yet: a printed letter, and the way through the pages of activation."""

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyotp
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from identity.activation import letters
from identity.citizens.national_id import NationalId
from tests.people import Somebody, lan, submit

if TYPE_CHECKING:
    from identity.activation.letters import Letter

CHOSEN = "Mưa rơi trên mái tôn"
START = "/sign-in/activate"
CODE = re.compile(r"(?<![0-9])[0-9]{4}(?: [0-9]{4}){3}(?![0-9])")


@dataclass(frozen=True)
class Newcomer:
    """Somebody without a password, and the code of their letter."""

    person: Somebody
    code: str

    @property
    def number(self) -> str:
        """The personal number."""
        return self.person.national_id


def a_letter(person: Somebody) -> str:
    """The code of a new letter to this person."""
    taken: list[Letter] = []
    letters.issue(taken.extend, only=[NationalId.strict(person.national_id)])
    return taken[0].code


def a_newcomer(**told: Any) -> Newcomer:
    """Lan before she has a password, with a letter in her hand."""
    person = replace(lan(password=None, one_time_code=None, **told), password=CHOSEN)
    return Newcomer(person, a_letter(person))


def proves_letter(client: FlaskClient, one: Newcomer, query: str = "") -> TestResponse:
    """Number and code."""
    return submit(client, START + query, national_id=one.number, letter_code=one.code)


def chooses_password(client: FlaskClient, new: str = CHOSEN, query: str = "") -> TestResponse:
    """The same password twice."""
    return submit(client, f"{START}/password{query}", new_password=new, repeated=new)


def chooses(client: FlaskClient, factor: str, query: str = "") -> TestResponse:
    """One of the two buttons; the page it leads to."""
    answer = submit(client, f"{START}/second-factor{query}", factor=factor)
    assert answer.status_code == 303, answer.text
    return client.get(answer.location)


def comes_to(client: FlaskClient, one: Newcomer, factor: str, query: str = "") -> TestResponse:
    """The page on which the second factor is shown."""
    assert proves_letter(client, one, query).status_code == 303
    assert chooses_password(client, query=query).status_code == 303
    return chooses(client, factor, query)


def app_of(page: TestResponse) -> pyotp.TOTP:
    """The app that has taken the secret from the page."""
    found = re.search(r'id="app-secret">([A-Z2-7 ]+)<', page.text)
    assert found is not None
    return pyotp.TOTP(found[1].replace(" ", ""))


def codes_of(page: TestResponse) -> list[str]:
    """The printed codes on the page."""
    return CODE.findall(page.text)


def activates(client: FlaskClient, one: Newcomer, query: str = "") -> list[str]:
    """All of it, with codes on paper; the codes."""
    codes = codes_of(comes_to(client, one, "recovery-codes", query))
    done = submit(client, f"{START}/recovery-codes{query}")
    assert done.status_code == 303, done.text
    return codes
