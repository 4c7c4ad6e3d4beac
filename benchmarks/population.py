"""Fill a place: people through the real enrolment, two registers, services, open sessions.

One thing is cheaper than life: everybody has the same password, and it is hashed only once.
"""

import json
import secrets
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import consent
from benchmarks import proofs
from consent.attributes import publish as attributes_file
from consent.procedures import publish as procedures_file
from consent.registers.fill import fill
from identity import clock, create_app, database, sealing, settings
from identity.authentication import sessions
from identity.citizens import passwords, people
from identity.citizens.enrolment import enrol
from identity.citizens.national_id import NationalId
from identity.citizens.wire import read_line
from identity.registration.register import register

BATCH = 500
SIGNED_IN, SERVICES = 320, 8
PASSWORD, ONE_TIME_CODE = "Sen nở tháng sáu", "246810"
ADDRESS = {
    "text": "112/5 đường Hiệp Bình, phường Hiệp Bình, Thành phố Hồ Chí Minh",
    "code": "26809",
    "valid_from": "2025-07-01",
}


def main(count: int, file: Path) -> None:
    """The place is full; how to sign in stands in the file."""
    create_app(settings.read(), joins=[consent])
    passwords.hash_password = lru_cache(passwords.hash_password)
    numbers = [f"0971{88:02d}{n:06d}" for n in range(count)]
    for start in range(0, count, BATCH):
        enrol([_line(number) for number in numbers[start : start + BATCH]])
    _publish()
    for name, attribute, value in (
        ("population", "nationality", ["VN"]),
        ("residence", "permanent_address", ADDRESS),
    ):
        lines = _values(numbers, attribute, value=value)
        fill(name, lines, tell=_refuse, advance=lambda _read: None)
    strangers = [_known(number) for number in numbers]
    signed_in = [told | {"cookies": _signed_in(told)} for told in strangers[:SIGNED_IN]]
    services = list(_services())
    told = {
        "issuer": settings.current().issuer,
        "strangers": strangers,
        "signed_in": signed_in,
        "services": {"usual": services, "readable": services, "asserting": list(_asserting())},
    }
    file.write_text(json.dumps(told), encoding="utf-8")
    database.close()


def _line(number: str) -> Any:  # noqa: ANN401 - a Line
    told = {
        "national_id": number,
        "full_name": "Nguyễn Thị Lan",
        "date_of_birth": "1988-04-12",
        "sex": "female",
        "account_level": 2,
        "password": PASSWORD,
        "one_time_code": ONE_TIME_CODE,
    }
    return read_line(json.dumps(told).encode(), is_demo=True)


def _publish() -> None:
    attributes_file.publish_registers(attributes_file.packaged("registers.csv"))
    attributes_file.publish(attributes_file.packaged("catalogue.csv"))
    procedures_file.publish(procedures_file.packaged(), askable=attributes_file.askable())


def _values(numbers: list[str], attribute: str, *, value: object) -> Iterator[bytes]:
    as_of = clock.today().isoformat()
    for number in numbers:
        told = {"national_id": number, "attribute": attribute, "value": value, "as_of": as_of}
        yield json.dumps(told).encode()


def _refuse(number: int, fault: str) -> None:
    raise ValueError(f"line {number}, {fault}")


def _known(number: str) -> dict[str, str]:
    return {"national_id": number, "password": PASSWORD, "one_time_code": ONE_TIME_CODE}


def _signed_in(told: dict[str, str]) -> dict[str, str]:
    """The cookies of a browser in which the person has signed in."""
    citizen_id = people.find_by_number(NationalId.strict(told["national_id"]))
    assert citizen_id is not None
    browser = secrets.token_urlsafe(32)
    proof = sessions.Proof(citizen_id, sealing.digest(browser), 2, ("pwd", "otp", "mfa"))
    with database.transaction():
        started = sessions.start(proof)
    return {"motlan-browser": browser, "motlan-citizen": started.cookie}


def _services() -> Iterator[dict[str, str]]:
    for n in range(SERVICES):
        told = _service(f"service-{n}", n)
        (outcome,) = register([told])
        assert outcome.client_secret is not None
        yield {
            "client_id": told["client_id"],
            "client_secret": outcome.client_secret,
            "redirect_uri": told["redirect_uris"][0],
        }


def _asserting() -> Iterator[dict[str, Any]]:
    """Services that prove themselves with a key."""
    for n in range(SERVICES):
        key = proofs.new_key()
        told = _service(f"asserting-{n}", n) | {
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": "ES256",
            "jwks": {"keys": [proofs.public(key)]},
        }
        register([told])
        yield {"client_id": told["client_id"], "key": key}


def _service(client_id: str, n: int) -> dict[str, Any]:
    return {
        "client_id": client_id,
        "client_name": f"Traffic police {n}",
        "client_name#vi": f"Cảnh sát giao thông {n}",
        "redirect_uris": [f"https://{client_id}.motlan.test/callback"],
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "organisation": {
            "name": f"Phòng Cảnh sát giao thông {n}",
            "code": f"000.{n:02d}.79.X01",
            "level": "province",
            "block": "government",
        },
        "procedures": ["3.000347"],
    }


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
