"""People of the tests: builders with honest defaults; every call makes somebody new."""

import json
import re
import uuid
from dataclasses import dataclass
from itertools import count
from typing import Any

import pyotp
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from identity import clock
from identity.citizens import people as citizens
from identity.citizens import records
from identity.citizens.enrolment import enrol
from identity.citizens.national_id import NationalId
from identity.citizens.wire import read_line
from identity.database import transaction
from identity.staff.accounts import Factor
from identity.staff.add import NewStaff, add_staff
from identity.staff.records import Role

PASSWORD = "Sen nở tháng sáu"
ONE_TIME_CODE = "246810"

# A database belongs to one test process, so counting is enough to be new in it.
_numbers = count(1)


@dataclass(frozen=True, kw_only=True)
class Somebody:
    """A citizen of the tests, with what they know by heart."""

    citizen_id: uuid.UUID
    national_id: str
    full_name: str
    password: str
    one_time_code: str


@dataclass(frozen=True, kw_only=True)
class Officer:
    """A staff member of the tests."""

    id: uuid.UUID
    username: str
    password: str
    one_time_code: str


def new_number(*, born: int = 1988, is_female: bool = True) -> str:
    """A personal number nobody has; 097 is no province's."""
    century = (born // 100 - 19) * 2 + int(is_female)
    return f"097{century}{born % 100:02d}{next(_numbers):06d}"


def a_line(**told: Any) -> dict[str, Any]:
    """One line of `citizens import`, as the contract has it."""
    return {
        "national_id": new_number(),
        "full_name": "Nguyễn Thị Lan",
        "date_of_birth": "1988-04-12",
        "sex": "female",
        "account_level": 2,
        "status": "active",
        "deceased_on": None,
    } | told


def lan(**told: Any) -> Somebody:
    """Nguyễn Thị Lan, or whoever the arguments say, enrolled and able to sign in."""
    line = a_line(password=PASSWORD, one_time_code=ONE_TIME_CODE) | told
    enrol([read_line(json.dumps(line).encode(), is_demo=True)])
    found = citizens.find_by_number(NationalId.strict(line["national_id"]))
    assert found is not None
    return Somebody(
        citizen_id=found,
        national_id=line["national_id"],
        full_name=line["full_name"],
        password=line["password"],
        one_time_code=line["one_time_code"],
    )


def minh(**told: Any) -> Somebody:
    """Trần Văn Minh, a man who owes Lan nothing."""
    number = new_number(born=1979, is_female=False)
    him = {"full_name": "Trần Văn Minh", "date_of_birth": "1979", "sex": "male"}
    return lan(**({"national_id": number} | him | told))


def barred(person: Somebody, status: str) -> None:
    """The next import says that the account is locked, or that its owner has died."""
    died = clock.today().isoformat() if status == "deceased" else None
    line = a_line(national_id=person.national_id, status=status, deceased_on=died)
    enrol([read_line(json.dumps(line).encode(), is_demo=True)])


def give_authenticator(person: Somebody) -> pyotp.TOTP:
    """From now on the person's phone shows codes, and the fixed code is gone."""
    app = pyotp.TOTP(pyotp.random_base32())
    key = citizens.citizen_key(person.citizen_id)
    factor = citizens.seal_factor(person.citizen_id, key, kind=citizens.TOTP, secret=app.secret)
    with transaction():
        records.end_factors(person.citizen_id, citizens.DEMO, at=factor["created_at"])
        records.add(records.SecondFactor, [factor])
    return app


def a_security_officer(
    *, role: Role = Role.SECURITY_OFFICER, unit: str = "Đơn vị giám sát 1", **told: Any
) -> Officer:
    """Phạm Thu Hà, who reviews the log."""
    username = f"ha.{next(_numbers)}"
    new = NewStaff(
        username=username,
        name="Phạm Thu Hà",
        role=role,
        unit=unit,
        password=PASSWORD,
        factor=told.pop("factor", Factor("demo", ONE_TIME_CODE)),
        **told,
    )
    return Officer(
        id=add_staff(new), username=username, password=PASSWORD, one_time_code=ONE_TIME_CODE
    )


def form_token(page: TestResponse) -> str:
    """The CSRF token of a page's form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found is not None, f"no form on a page with status {page.status_code}"
    return found[1]


def hidden(page: TestResponse) -> dict[str, str]:
    """What a page's form sends along unseen: its token, and what it has shown."""
    shown = re.search(r'name="shown" value="([^"]+)"', page.text)
    return {"csrf_token": form_token(page)} | ({"shown": shown[1]} if shown else {})


def same_browser(app: Flask, client: FlaskClient) -> FlaskClient:
    """Another connection of this browser: its cookies of now, and from where it comes."""
    other = app.test_client()
    other.environ_base.update(client.environ_base)
    for cookie in client._cookies.values():
        other.set_cookie(cookie.key, cookie.value)
    return other


def submit(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    """Open a page and send its form, as a browser does."""
    return client.post(path, data=hidden(client.get(path)) | fields)


def sign_in(client: FlaskClient, person: Somebody, *, query: str = "") -> TestResponse:
    """Sign in with both factors; the answer is the redirect to where the person wanted to go."""
    first = submit(
        client, "/sign-in" + query, national_id=person.national_id, password=person.password
    )
    assert first.status_code == 303, first.text
    done = submit(client, "/sign-in/code" + query, one_time_code=person.one_time_code)
    assert done.status_code == 303, done.text
    return done


def sign_in_officer(client: FlaskClient, officer: Officer) -> TestResponse:
    """The same for a staff member; the answer leads to `/audit`."""
    name, password = officer.username, officer.password
    first = submit(client, "/staff/sign-in", username=name, password=password)
    assert first.status_code == 303, first.text
    done = submit(client, "/staff/sign-in/code", one_time_code=officer.one_time_code)
    assert done.status_code == 303, done.text
    return done
