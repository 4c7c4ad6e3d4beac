"""A first token with Authlib: send a citizen to sign in, check who it was, fetch what was decided.

python examples/first_token.py http://localhost:8000 CLIENT_SECRET
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

CLIENT = "first-service"
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


def verified(id_token: str, provider: dict[str, Any], *, nonce: str) -> dict[str, Any]:
    """What the ID token claims: the provider signed it, for us, for this sign-in, and it is fresh.

    Raises:
        JoseError: it is not so; then nobody has signed in.
    """
    keys = KeySet.import_key_set(requests.get(provider["jwks_uri"], timeout=10).json())
    claims = jwt.decode(id_token, keys, algorithms=["ES256"]).claims
    must = {"iss": provider["issuer"], "aud": CLIENT, "nonce": nonce}
    rules: dict[str, Any] = {name: {"essential": True, "value": must[name]} for name in must}
    jwt.JWTClaimsRegistry(exp={"essential": True}, **rules).validate(claims)
    return claims


def first_token(issuer: str, secret: str, *, port: int = 9000) -> dict[str, Any]:
    """Who signed in, and what `POST /api/attributes` answers after they decided."""
    provider = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=10).json()
    client = OAuth2Session(
        CLIENT,
        secret,
        token_endpoint_auth_method="client_secret_basic",
        scope="openid",
        redirect_uri=f"http://localhost:{port}/callback",
        code_challenge_method="S256",
    )
    verifier, nonce = generate_token(48), generate_token(20)
    address, state = client.create_authorization_url(
        provider["authorization_endpoint"],
        code_verifier=verifier,
        nonce=nonce,
        authorization_details=json.dumps(ASKED),
    )
    with HTTPServer(("localhost", port), Callback) as server:
        sys.stdout.write(f"Open this and sign in as one of the demo people:\n{address}\n")
        sys.stdout.flush()
        server.handle_request()
    tokens = client.fetch_token(
        provider["token_endpoint"],
        authorization_response=f"http://localhost:{port}{Callback.came_back}",
        state=state,
        code_verifier=verifier,
    )
    claims = verified(tokens["id_token"], provider, nonce=nonce)
    return {"id_token": claims, **client.post(f"{issuer}/api/attributes", json={}).json()}


if __name__ == "__main__":
    told = first_token(sys.argv[1], sys.argv[2], port=int((*sys.argv, "9000")[3]))
    sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
