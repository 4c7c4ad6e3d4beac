"""`compose.yml` fits what it starts: settings, commands, places, users, files and passwords."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from identity import settings
from tests.databases import ROOT

ISSUER = "https://id.example.vn"
LASTING = {"database", "web", "worker", "tls"}
OURS = {"migrate", "web", "worker", "tools"}
_VARIABLE = re.compile(r"\$\{(\w+)(?::([?-])([^}]*))?\}")


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """The file, its variables filled as an operator would."""
    text = (ROOT / "compose.yml").read_text()

    def value(match: re.Match[str]) -> str:
        return ISSUER if match[1] == "MOTLAN_ISSUER" else match[3]

    return yaml.safe_load(_VARIABLE.sub(value, text))


@pytest.fixture(scope="module")
def image() -> str:
    return (ROOT / "Dockerfile").read_text()


def mounts(service: dict[str, Any]) -> dict[str, str]:
    """Where in the container, and what is put there."""
    pairs = [each.split(":") for each in service.get("volumes", [])]
    return {place: source for source, place, *_ in pairs}


def test_every_service_that_is_there(told):
    assert set(told["services"]) == LASTING | OURS
    assert told["services"]["tls"]["profiles"] == ["tls"]
    assert "profiles" not in told["services"]["worker"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_settings_are_ours_and_fit_together(told, name):
    """As the process reads them at its start, image and file together."""
    service = told["services"][name]
    given = {k: str(v) for k, v in service["environment"].items() if k.startswith("MOTLAN_")}

    chosen = settings.read({"MOTLAN_HOME": "/var/lib/motlan"} | given)

    assert chosen.issuer == ISSUER
    assert chosen.is_postgresql
    assert chosen.app_role == "motlan_app"
    assert [str(network) for network in chosen.trusted_proxies] == [
        told["services"]["tls"]["networks"]["outside"]["ipv4_address"] + "/32"
    ]


@pytest.mark.parametrize("name", sorted(OURS))
def test_what_it_starts_is_a_command_of_ours(app, told, name):
    words, command = told["services"][name]["command"], app.cli
    while words and not words[0].startswith("--"):
        command = command.get_command(None, words[0])
        assert command is not None
        words = words[1:]
    assert set(words) <= {option for each in command.params for option in each.opts}


def test_only_who_acts_as_owner_has_the_owners_password(told):
    """A web process that is taken over cannot rewrite history."""
    services = told["services"].items()
    holds = {name for name, each in services if "owner-passfile" in each.get("secrets", [])}

    assert holds == {"migrate", "tools"}
    for name in ("web", "worker"):
        service = told["services"][name]
        assert service["environment"]["PGPASSFILE"] == "/run/secrets/app-passfile"
        assert service["secrets"] == ["app-passfile"]


def test_keys_and_second_store_are_apart_and_everybody_means_the_same(told, image):
    """Volumes of their own; the folders are made in the image for the user that runs."""
    for name in ("web", "worker", "tools"):
        service = told["services"][name]
        places, given = mounts(service), service["environment"]
        assert places[given["MOTLAN_SECRETS"]] == "secrets"
        assert places[str(Path(given["MOTLAN_LOG_HEAD"]).parent)] == "head"
        for place in places:
            assert place in image or place == "/backups"
    assert "USER 10001" in image
    assert "--uid 10001" in image


def test_every_volume_secret_and_file_is_declared_and_there(told):
    services = told["services"].values()
    sources = {source for each in services for source in mounts(each).values()}
    named = {source for source in sources if not source.startswith(".")}
    files = {source for source in sources if source.startswith("./compose")}

    assert named == set(told["volumes"])
    assert all((ROOT / file).is_file() for file in files)
    assert {name for each in services for name in each.get("secrets", [])} == set(told["secrets"])
    assert {net for each in services for net in each["networks"]} == set(told["networks"])


def test_who_is_asked_whether_they_are_well(told, image):
    for name in LASTING - {"web"}:
        assert told["services"][name]["healthcheck"]["test"][0] == "CMD"
    assert "HEALTHCHECK" in image  # of `web`
    assert "GET /healthz" in image


def test_nothing_is_open_to_the_outside_but_tls(told):
    """The web port and the metrics are for this machine, the database for nobody."""
    ports = {name: each.get("ports", []) for name, each in told["services"].items()}

    assert all(port.startswith("127.0.0.1:") for port in ports["web"])
    assert ports["tls"] == ["80:80", "443:443"]
    assert not [name for name in ports if ports[name] and name not in {"web", "tls"}]
    assert told["networks"]["inside"]["internal"] is True
    assert told["services"]["database"]["networks"] == ["inside"]


def test_the_dump_is_made_by_a_program_of_the_servers_version(told, image):
    (version,) = re.findall(r"postgres:(\d+)", told["services"]["database"]["image"])

    assert f"postgresql-client-{version}" in image


def test_the_proxy_takes_away_what_only_it_may_say(told):
    """A certificate that a client writes into a header would be believed (RFC 9440 §4)."""
    said = (ROOT / "compose" / "Caddyfile").read_text()
    port = settings.read({}).bind.rpartition(":")[2]

    assert f"reverse_proxy web:{port}" in said
    assert {"-Client-Cert", "-Client-Cert-Chain", "-Forwarded"} <= set(said.split())
    assert "./compose/Caddyfile" in mounts(told["services"]["tls"]).values()


def test_passwords_are_made_once_and_for_us_alone(tmp_path):
    """`compose/prepare` in a copy of its folder, as somebody who is not root may try it."""
    script = tmp_path / "compose" / "prepare"
    script.parent.mkdir()
    script.write_bytes((ROOT / "compose" / "prepare").read_bytes().replace(b'"$(id -u)"', b"1"))

    first = subprocess.run(["sh", script], capture_output=True, text=True, check=False)
    made = {path.name: path.read_text() for path in (script.parent / "secrets").iterdir()}
    again = subprocess.run(["sh", script], capture_output=True, text=True, check=False)

    assert (first.returncode, again.returncode) == (0, 1)
    assert set(made) == {
        *("superuser-password", "owner-password", "app-password"),
        *("owner-passfile", "app-passfile"),
    }
    assert len({made[f"{role}-password"] for role in ("superuser", "owner", "app")}) == 3
    assert made["app-passfile"] == f"*:*:*:motlan_app:{made['app-password']}\n"
    assert made["app-passfile"] in made["owner-passfile"]
    assert {path.stat().st_mode & 0o777 for path in (script.parent / "secrets").iterdir()} == {
        0o600
    }
