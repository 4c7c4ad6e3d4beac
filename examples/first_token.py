"""A first token with Authlib: send a citizen to sign in, redeem the code, fetch what was decided.

python examples/first_token.py http://localhost:8000 CLIENT_SECRET
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session

ASKED = [{"type": "vn_procedure", "procedure": "1.004222", "case": "HS-000001"}]


class Callback(BaseHTTPRequestHandler):
    """Where the browser comes back to, once."""

    came_back = ""

    def do_GET(self) -> None:
        """Keep the address, and let the person go."""
        Callback.came_back = self.path
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"Back to the terminal.\n")

    def log_message(self, *_: object) -> None:
        """The address has the code in it, so it is not logged."""


def first_token(issuer: str, secret: str, *, port: int = 9000) -> dict[str, Any]:
    """What `POST /api/attributes` answers, after somebody signed in and decided."""
    client = OAuth2Session(
        "first-service",
        secret,
        token_endpoint_auth_method="client_secret_basic",
        scope="openid",
        redirect_uri=f"http://localhost:{port}/callback",
        code_challenge_method="S256",
    )
    verifier = generate_token(48)
    address, state = client.create_authorization_url(
        issuer + "/authorize", code_verifier=verifier, authorization_details=json.dumps(ASKED)
    )
    with HTTPServer(("localhost", port), Callback) as server:
        sys.stdout.write(f"Open this and sign in as one of the demo people:\n{address}\n")
        sys.stdout.flush()
        server.handle_request()
    client.fetch_token(
        issuer + "/token",
        authorization_response=f"http://localhost:{port}{Callback.came_back}",
        state=state,
        code_verifier=verifier,
    )
    answer: dict[str, Any] = client.post(issuer + "/api/attributes", json={}).json()
    return answer


if __name__ == "__main__":
    told = first_token(sys.argv[1], sys.argv[2], port=int((*sys.argv, "9000")[3]))
    sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
