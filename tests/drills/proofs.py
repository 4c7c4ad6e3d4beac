"""Proofs of a key and pushed requests: once over all processes, and not again after a kill."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.drills.racing import Crowd
from tests.drills.town import Town
from tests.drills.wire import FORM, Answer, Office
from tests.proving import new_key, proof_of

ITS_OWN = {"grant_type": "client_credentials"}
GIVEN, USED = 200, "invalid_dpop_proof"


@dataclass
class Prover:
    """The service with a key of its own, and the nonce that it was told."""

    town: Town
    nonce: str | None = None

    def __post_init__(self) -> None:
        self._key = new_key()
        self.nonce = self.show(self.town.office(), self.proof()).headers["dpop-nonce"]

    def proof(self) -> str:
        """One for a request of `/token`."""
        address = self.town.serving.issuer + "/token"
        return proof_of(self._key, method="POST", address=address, nonce=self.nonce)

    def show(self, office: Office, proof: str) -> Answer:
        """The proof, for a token of the service itself."""
        body = urlencode(ITS_OWN).encode()
        headers = office.played.basic() | {"DPoP": proof}
        return office.wire.send("POST", "/token", body=body, Content_Type=FORM, **headers)


def pushed(town: Town) -> str:
    """Where a browser opens a pushed request that nobody who is not signed in may answer."""
    said = dict(parse_qsl(urlsplit(town.question(prompt="none")).query))
    office = town.office()
    answer = office.wire.send(
        "POST",
        "/par",
        body=urlencode(said).encode(),
        Content_Type=FORM,
        **office.played.basic(),
    )
    assert answer.status == 201, answer.body
    told = {"client_id": said["client_id"], "request_uri": answer.json["request_uri"]}
    return "/authorize?" + urlencode(told)


def check_proof(crowd: Crowd, prover: Prover) -> None:
    """Of all who show the same proof, it is taken from one."""
    proof = prover.proof()
    shown = crowd.at_once(lambda office: prover.show(office, proof))
    refused = [answer.json["error"] for answer in shown if answer.status != GIVEN]

    assert refused == [USED] * (len(shown) - 1)


def check_pushed(crowd: Crowd) -> None:
    """Of all who open the same request, one carries its answer away."""
    path = pushed(crowd.town)
    seen = [a.status for a in crowd.at_once(lambda office: office.wire.send("GET", path))]

    assert seen.count(303) == 1
    assert set(seen) <= {303, 400, 409}


def are_replayed(town: Town, count: int) -> None:
    """By a crowd over all processes, and right after everything was killed."""
    crowd, prover = Crowd(town), Prover(town)
    for _ in range(count):
        crowd.spread()
        check_proof(crowd, prover)
        check_pushed(crowd)
    proof, path = prover.proof(), pushed(town)
    assert prover.show(town.office(), proof).status == GIVEN
    assert town.wire().send("GET", path).status == 303

    town.serving.kill_group()
    town.serving.start()

    assert prover.show(town.office(), proof).json["error"] == USED
    assert town.wire().send("GET", path).status == 400
