"""Two public services in one small program: sign a citizen in, ask for a procedure, fetch, show.

Run by `make run`, or: python examples/sample_service.py var/demo.json 127.0.0.1:8001
"""

import json
import secrets
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, render_template, request, session, url_for
from joserfc.errors import JoseError
from logout_token import Logouts, is_over
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

# Procedure: the client that may run it, and what is wanted beyond the required items.
ASKED = {
    "1.004222": ("commune-police", ["contact_phone"]),
    "3.000347": ("traffic-police", ["contact_phone"]),
}

Place = tuple[str, str]  # a person's session here, and the procedure


def initiate(code: str, *, issuer: str, show: Callable[..., str]) -> Response | tuple[str, int]:
    """Begin where Một Lần sends the person (OIDC Core §4): for it alone, and at our own page.

    `target_link_uri` is not read: who follows it anywhere is an open redirector.
    """
    if request.values.get("iss") != issuer:
        return show(note="Không rõ ai mở trang này."), 400
    return redirect(url_for("start", code=code), 303)


def create_app(demo: dict[str, Any]) -> Flask:
    """The services, registered as the clients that demo.json names."""
    app = Flask(__name__, template_folder=".")
    app.config.update(SECRET_KEY=secrets.token_hex(), SESSION_COOKIE_NAME="sample-service")
    oauth = OAuth(app)
    kept: dict[Place, Any] = {}  # tokens stay on the server, never in the browser
    registered = {service["client_id"]: service for service in demo["services"]}
    for client_id, _ in ASKED.values():
        told = ("client_id", "client_secret", "token_endpoint_auth_method")
        oauth.register(
            client_id,
            **{member: registered[client_id][member] for member in told},
            server_metadata_url=demo["issuer"] + "/.well-known/openid-configuration",
            client_kwargs={"scope": "openid", "code_challenge_method": "S256"},
        )

    names = {procedure["code"]: procedure["name"] for procedure in demo["procedures"]}
    show = partial(render_template, "sample_service.html", asked=ASKED, names=names)
    app.add_url_rule("/", view_func=show, endpoint="index")
    begin = partial(initiate, issuer=demo["issuer"], show=show)
    rule = partial(app.add_url_rule, view_func=begin, methods=["GET", "POST"])
    rule("/initiate", "initiate", defaults={"code": "1.004222"})
    rule("/initiate-2", "initiate", defaults={"code": "3.000347"})

    @app.get("/start/<any('1.004222', '3.000347'):code>")
    def start(code: str) -> Response:
        """Send the person to sign in, and say what is needed for which case."""
        client_id, more = ASKED[code]
        needed = next(p for p in demo["procedures"] if p["code"] == code)["attributes_required"]
        detail = {"type": "vn_procedure", "procedure": code, "attributes": needed + more}
        detail["case"] = f"HS-{secrets.randbelow(10**6):06}"
        send = oauth.create_client(client_id).authorize_redirect
        back = url_for("back", code=code, _external=True)
        return send(back, authorization_details=json.dumps([detail]))

    @app.get("/callback", endpoint="back", defaults={"code": "1.004222"})
    @app.get("/callback-2", endpoint="back", defaults={"code": "3.000347"})
    def come_back(code: str) -> Response | str:
        """Exchange the code; Authlib checks state, nonce, signature, issuer and audience."""
        if "error" in request.args:
            return show(note=request.args["error"])
        person = session.setdefault("person", secrets.token_hex())
        kept[person, code] = oauth.create_client(ASKED[code][0]).authorize_access_token()
        return redirect(url_for("fetch", code=code))

    @app.route("/fetch/<any('1.004222', '3.000347'):code>", methods=["GET", "POST"])
    def fetch(code: str) -> str:
        """Fetch what was decided, and say plainly when nothing may be fetched any more."""
        token = kept.get((session.get("person", ""), code))
        if not token or not token.get("authorization_details"):
            return show(code=token and code, note=why_nothing(token))
        client = oauth.create_client(ASKED[code][0])
        answer = client.post(demo["issuer"] + "/api/attributes", json={}, token=token)
        if answer.ok:
            return show(code=code, answer=answer.json())
        note = "Không lấy được dữ liệu nữa."
        return show(code=code, note=note, refused=answer.json()["detail"])

    add_sign_out(app, oauth, kept=kept, issuer=demo["issuer"])
    return app


def why_nothing(token: dict[str, Any] | None) -> str:
    """What the person reads where there is nothing to fetch."""
    if token is None:
        return "Chưa đăng nhập ở đây, hoặc đã đăng xuất."
    return "Người dân tự nộp giấy tờ."


def add_sign_out(app: Flask, oauth: OAuth, *, kept: dict[Place, Any], issuer: str) -> None:
    """A person signs out here, or Một Lần says that they have elsewhere: both forget them."""
    clients = {code: oauth.create_client(client_id) for code, (client_id, _) in ASKED.items()}
    logouts = {
        code: Logouts(issuer, one.client_id, fetch=partial(one.fetch_jwk_set, force=True))
        for code, one in clients.items()
    }

    @app.post("/sign-out/<any('1.004222', '3.000347'):code>")
    def sign_out(code: str) -> Response:
        """Forget the person here, and ask Một Lần to (RP-Initiated Logout §2)."""
        token = kept.pop((session.get("person", ""), code), None)
        if token is None:
            return redirect(url_for("index"), 303)
        home = url_for("index", _external=True)
        left = clients[code].create_logout_url(home, id_token_hint=token["id_token"])
        return redirect(left["url"], 303)

    @app.post("/back-channel-logout", endpoint="hear", defaults={"code": "1.004222"})
    @app.post("/back-channel-logout-2", endpoint="hear", defaults={"code": "3.000347"})
    def hear(code: str) -> tuple[dict[str, str], int, dict[str, str]]:
        """The provider speaks, without a browser (Back-Channel Logout §2.5 to 2.8)."""
        uncached = {"Cache-Control": "no-store"}
        try:
            claims = logouts[code].read(request.form.get("logout_token", ""))
        except (JoseError, ValueError):
            return {"error": "invalid_request"}, 400, uncached
        for place, token in [*kept.items()]:
            if place[1] == code and is_over(token["userinfo"], claims):
                kept.pop(place, None)
        return {}, 200, uncached


if __name__ == "__main__":
    host, _, port = sys.argv[2].rpartition(":")
    demo_json = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    make_server(host.strip("[]"), int(port), create_app(demo_json), threaded=True).serve_forever()
