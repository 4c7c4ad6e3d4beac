"""Initial access tokens, RFC 7591 §3: `motlan services token`."""

import json
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from identity import clock, database, sealing
from identity.self_registration import invitations
from identity.self_registration.records import ServiceInvitation
from identity.trail import AccessEntry
from tests.exchange import find_entries
from tests.registering import an_invitation, bearer, metadata

pytestmark = pytest.mark.usefixtures("app")


class TestTokens:
    """Initial access tokens: `motlan services token`."""

    def run(self, app, *words):
        return app.test_cli_runner().invoke(args=["services", *words])

    def test_one_is_printed_once_and_registers(self, app, client):
        """The contract of the command; only a digest of it is kept."""
        words = ["--organisation", "H99.CLI", "--name", "Sở A", "--level", "province"]

        done = self.run(app, "token", *words, "--block", "government", "--procedure", "1.004222")

        token = json.loads(done.stdout)["token"]
        kept = database.rows(select(ServiceInvitation.digest))
        assert sealing.digest(token) in {row.digest for row in kept}
        answer = client.post(
            "/register", json=metadata(procedures=["1.004222"]), headers=bearer(token)
        )
        assert answer.json["organisation"]["code"] == "H99.CLI"
        listed = self.run(app, "tokens").stdout
        assert token not in listed
        (line,) = [one for one in listed.splitlines() if json.loads(done.stdout)["id"] in one]
        assert ("used up" in line, line.endswith("Sở A")) == (True, True)
        again = self.run(app, "token", "--organisation", "H99.CLI")
        assert again.exit_code == 0

    def test_scopes_of_a_service_for_itself_are_given_by_name_only(self, app, client):
        """Grant Management §6: who looks at grants was let by an operator, who said so."""
        told = ["--organisation", "H99.GM", "--name", "Sở G", "--level", "province"]
        self.run(app, "token", *told, "--block", "government")
        wish = metadata(scope="openid grant_management_query")
        answers = []

        for words in ([], ["--scope", "openid", "--scope", "grant_management_query"]):
            done = self.run(app, "token", "--organisation", "H99.GM", *words)
            head = bearer(json.loads(done.stdout)["token"])
            answers.append(client.post("/register", json=wish, headers=head))

        refused, taken = answers
        assert (refused.status_code, taken.status_code) == (400, 201)
        assert refused.json["error_description"].startswith("scope: asks for more")
        assert taken.json["scope"] == "openid grant_management_query"

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (["--organisation", "NOBODY"], "no such organisation"),
            (["--organisation", "lower"], "code: must be"),
            (["--organisation", "A", "--name", "Sở B"], "level: Missing data"),
            (["--organisation", "A", "--procedure", "all"], "procedures[0]"),
            (["--organisation", "A", "--scope", "all"], "Invalid value"),
            (["--organisation", "A", "--uses", "0"], "Invalid value"),
        ],
    )
    def test_what_cannot_be_allowed_is_said_in_one_line(self, app, words, says):
        """And nobody is invited."""
        done = self.run(app, "token", *words)

        assert (done.exit_code > 0, says in done.stderr) == (True, True)

    def test_an_organisation_on_record_is_not_described_anew(self, app):
        """Or its other services would be shown under a name that nobody knows them by."""
        told = ["--organisation", "H99.TWICE", "--level", "province", "--block", "government"]
        self.run(app, "token", *told, "--name", "Sở C")

        done = self.run(app, "token", *told, "--name", "Sở D")

        assert (done.exit_code > 0, "another description" in done.stderr) == (True, True)
        token = json.loads(self.run(app, "token", "--organisation", "H99.TWICE").stdout)["token"]
        assert invitations.find(token).organisation["name"] == "Sở C"

    def test_one_that_is_taken_back_registers_nothing(self, app, client):
        """Revocable, and listed so; both are in the log."""
        token, name = an_invitation()

        done = self.run(app, "end-token", str(name))

        again = self.run(app, "end-token", str(name))
        answer = client.post("/register", json=metadata(), headers=bearer(token))
        assert (done.exit_code, again.exit_code, answer.status_code) == (0, 1, 401)
        assert "the token has ended" in done.stdout
        (line,) = [one for one in self.run(app, "tokens").stdout.splitlines() if str(name) in one]
        assert "ended" in line
        types = ["invitation:made", "invitation:ended"]
        found = find_entries(AccessEntry.type.in_(types))
        assert [one.type for one in found if one.subject["invitation"] == name.hex] == types

    def test_one_that_is_taken_back_takes_no_other_with_it(self, client):
        (gone, gone_id), (stays, _) = an_invitation(), an_invitation()
        invitations.end(gone_id)

        told = [client.post("/register", json=metadata(), headers=bearer(t)) for t in (gone, stays)]

        assert [answer.status_code for answer in told] == [401, 201]

    def test_one_is_over_after_its_days(self, client):
        """With one sentence for every token that is not good."""
        token, _ = an_invitation(days=2)

        with time_machine.travel(clock.now() + timedelta(days=2, seconds=1), tick=False):
            answer = client.post("/register", json=metadata(), headers=bearer(token))

        assert answer.status_code == 401
