"""A town for the drills: an installation with people and public services, served for real."""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from identity import clock
from identity.public_services import credentials
from identity.tokens import pkce
from tests import public_services
from tests.databases import ROOT, Database, Databases
from tests.drills.wire import Answer, Browser, NotGiven, Office, Wire, code_in, place
from tests.people import ONE_TIME_CODE, PASSWORD, a_line
from tests.public_services import Played
from tests.serving import Serving

PROCEDURE = "1.004222"
ATTRIBUTES = ["full_name", "personal_number", "owns_dwelling"]
SECRET = "the-drills-own-secret-that-nobody-else-has"
VERIFIER = "a-verifier-of-forty-three-characters-or-more"
SEVERAL = """import json, sys, wsgi
for words in json.loads(sys.argv[1]):
    wsgi.cli.main(words, standalone_mode=False)
"""
PROCESSES = {"postgresql": 4, "sqlite": 1}


@dataclass(frozen=True)
class Resident:
    """Somebody who lives in the town; everybody knows the same password by heart."""

    national_id: str


@dataclass
class Town:
    """One installation; what its people and services do goes over the wire."""

    kind: str
    database: Database
    serving: Serving
    home: Path
    people: list[Resident]
    guessed: list[Resident]
    played: Played
    signer: Played
    redirect_uri: str = ""
    registered: list[dict[str, Any]] = field(default_factory=list, repr=False)

    @property
    def processes(self) -> int:
        """How many web processes answer."""
        return int(self.serving.environ["MOTLAN_PROCESSES"])

    def wire(self) -> Wire:
        """A connection of one's own."""
        return Wire(self.serving)

    def office(self) -> Office:
        """The public service that asks for data, over a connection of its own."""
        return Office(self.wire(), self.played)

    def command(self, *words: str, may_fail: bool = False) -> str:
        """One command of ours on this installation; what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *words],
            cwd=ROOT,
            env=self.serving.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        assert may_fail or done.returncode == 0, f"{' '.join(words)}:\n{said}"
        return said

    def commands(self, *each: list[str]) -> None:
        """Several, in one process: starting one costs more than what it does."""
        done = subprocess.run(
            [sys.executable, "-c", SEVERAL, json.dumps(each)],
            cwd=ROOT,
            env=self.serving.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def question(self, case: str | None = None, **more: str) -> str:
        """Where the service sends a browser; without a case it only wants to know who."""
        told = {
            "client_id": self.played.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": "openid",
            "state": "s",
            "code_challenge": pkce.challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        } | more
        if case is not None:
            detail = {"type": "vn_procedure", "procedure": PROCEDURE, "case": case}
            told["authorization_details"] = json.dumps([detail | {"attributes": ATTRIBUTES}])
        return "/authorize?" + urlencode(told)

    def redeem(self, office: Office, code: str) -> Answer:
        """The code for tokens."""
        return office.token(
            grant_type="authorization_code",
            code=code,
            redirect_uri=self.redirect_uri,
            code_verifier=VERIFIER,
        )

    def assertion(self) -> dict[str, str]:
        """A signed request for a token of the other service's own (RFC 7523)."""
        now, name = int(time.time()), self.signer.client_id
        said = {"iss": name, "sub": name, "aud": self.serving.issuer, "iat": now, "exp": now + 60}
        signed = jwt.encode(
            said | {"jti": uuid.uuid4().hex},
            self.signer.key,
            algorithm="ES256",
            headers={"kid": self.signer.kid},
        )
        return {
            "grant_type": "client_credentials",
            "client_assertion_type": credentials.JWT_BEARER,
            "client_assertion": signed,
        }

    def until_answered(self, path: str = "/sign-in", seconds: float = 30) -> float:
        """How many seconds it took until that page was given."""
        began = time.monotonic()
        self.serving.until(lambda: self.serving.status(path) == 200, seconds)
        return time.monotonic() - began


def sign_in(browser: Browser, resident: Resident, path: str = "/sign-in") -> str:
    """Both factors, over the real pages; where that leads."""
    query = path.partition("?")[2]
    after = place(browser.fill(path, national_id=resident.national_id, password=PASSWORD))
    assert after.startswith("/sign-in/code"), "the password page leads to the page of the code"
    assert after.partition("?")[2] == query, "it carries the request on"
    return place(browser.fill(after, one_time_code=ONE_TIME_CODE))


def arrive(browser: Browser, resident: Resident, question: str) -> str:
    """Follow the service's question as far as the decision page, or back; who must, signs in.

    Raises:
        NotGiven: it led back with an error.
    """
    there = place(browser.get(question))
    if there.startswith("/sign-in"):
        there = sign_in(browser, resident, there)
    while there.startswith("/authorize?request="):
        there = place(browser.get(there))
    if "error=" in there:
        raise NotGiven(there.partition("error=")[2].partition("&")[0])
    return there


def allow(browser: Browser, page: str) -> str:
    """*Gửi*: where that leads."""
    seen = browser.get(page)
    fields = {name: seen.field(name) for name in ("csrf_token", "shown")}
    return place(browser.post(page, answer="allow", **fields))


def decide(browser: Browser, town: Town, resident: Resident, case: str) -> str:
    """The whole way of a decision, nothing going wrong; the code at its end."""
    page = arrive(browser, resident, town.question(case))
    return code_in(place(browser.get(allow(browser, page))))


@contextmanager
def a_town(
    databases: Databases,
    home: Path,
    *,
    people: int,
    database: Database | None = None,
    services: Sequence[dict[str, Any]] = (),
    **environ: str,
) -> Iterator[Town]:
    """A town that answers; with more services and settings if told. In the end nothing runs."""
    at = database or databases.copy()
    usual = {"MOTLAN_PROCESSES": str(PROCESSES[databases.kind])}
    serving = Serving(databases, at, home, **usual | environ)
    town = _registered(
        Town(
            kind=databases.kind,
            database=at,
            serving=serving,
            home=home,
            people=[],
            guessed=[],
            played=Played("", SECRET),
            signer=Played("", key=ec.generate_private_key(ec.SECP256R1())),
        )
    )
    town.registered += services
    _inhabit(town, people + 2)
    try:
        serving.start()
        yield town
    finally:
        serving.clear()


def _registered(town: Town) -> Town:
    """Two services: one that asks people's data, one that signs its own requests."""
    asking = public_services.registration(
        client_secret=SECRET,
        grant_types=["authorization_code", "refresh_token", "client_credentials"],
    )
    key = town.signer.key
    assert key is not None
    signing = public_services.registration(
        token_endpoint_auth_method="private_key_jwt",
        grant_types=["authorization_code", "client_credentials"],
        jwks={"keys": [public_services.public_jwk(key)]},
    )
    town.played.client_id, town.signer.client_id = asking["client_id"], signing["client_id"]
    town.redirect_uri = asking["redirect_uris"][0]
    town.registered = [asking, signing]
    return town


def _inhabit(town: Town, count: int) -> None:
    lines = [a_line(password=PASSWORD, one_time_code=ONE_TIME_CODE) for _ in range(count)]
    # The last two are guessed at: whoever else signed in as them would meet their empty budgets.
    *town.people, first, second = [Resident(line["national_id"]) for line in lines]
    town.guessed = [first, second]
    dwellings = [
        {
            "national_id": line["national_id"],
            "attribute": "owns_dwelling",
            "value": True,
            "as_of": clock.today().isoformat(),
        }
        for line in lines
    ]
    town.commands(
        ["attributes", "import"],
        ["procedures", "import"],
        ["services", "import", _file(town, "services.json", [town.registered])],
        ["citizens", "import", _file(town, "citizens.jsonl", lines)],
        ["registers", "import", "land", _file(town, "land.jsonl", dwellings)],
    )


def _file(town: Town, name: str, lines: list[Any]) -> str:
    path = town.home / name
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return str(path)
