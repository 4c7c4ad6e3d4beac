"""What a public service asks of a person's browser, in the country's words (OIDC Core §3.1.2.1)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from identity.errors import InvalidRequest, Refusal
from identity.granted import details, resources
from identity.granted.approval import Detail
from identity.granted.claims import CLAIM, CLAIMS_OF, claims_of
from identity.granted.details import SHORTHAND
from identity.managed import asking
from identity.once import once
from identity.parameters import Parameter
from identity.polled.ways import Polled
from identity.public_services.registered import Registered
from identity.requested import acr
from identity.signing import tokens
from identity.tokens import pkce

MODES = ("query", "form_post", "jwt", "query.jwt", "form_post.jwt")
_SHORT = {"jwt": "query.jwt"}  # JARM §2.3.4: of a code
THUMBPRINT = r"[A-Za-z0-9_-]{43}"  # RFC 7638, of SHA-256
# What is read, and how long each may be; every other parameter is ignored (RFC 6749 §3.1).
PARAMETERS = (
    Parameter(name="client_id", meaning="who asks", is_required=True, longest=200),
    Parameter(
        name="redirect_uri",
        meaning="where the answer goes; registered, letter for letter",
        is_required=True,
        longest=2000,
        example="https://service.example/callback",
    ),
    Parameter(
        name="response_type", meaning="code", is_required=True, longest=100, one_of=("code",)
    ),
    Parameter(name="response_mode", meaning="how the answer travels", longest=50, one_of=MODES),
    Parameter(
        name="scope",
        meaning="openid and what else is wished; procedure:CODE where the basis is consent",
        is_required=True,
        longest=2000,
        example="openid profile",
    ),
    Parameter(name="state", meaning="given back unchanged", longest=1024),
    Parameter(name="nonce", meaning="given back in the ID token", longest=512),
    Parameter(
        name="code_challenge",
        meaning="RFC 7636; required unless registered without it",
        longest=128,
        pattern=f"^{pkce.CHALLENGE}$",
        example="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    ),
    Parameter(
        name="code_challenge_method",
        meaning="stands with code_challenge",
        longest=20,
        one_of=pkce.METHODS,
    ),
    Parameter(
        name="dpop_jkt",
        meaning="thumbprint of the key that will redeem the code (RFC 9449 section 10)",
        longest=64,
        pattern=f"^{THUMBPRINT}$",
    ),
    Parameter(
        name="authorization_details",
        meaning="a JSON array of type vn_procedure: procedure, attributes, case (RFC 9396)",
        longest=8192,
        example='[{"type": "vn_procedure", "procedure": "1.004222", "case": "HS-1"}]',
    ),
    resources.PARAMETER,
    Parameter(name="claims", meaning="JSON (OIDC Core section 5.5)", longest=4096),
    Parameter(name="prompt", meaning="none, or of login, consent, select_account", longest=100),
    Parameter(name="max_age", meaning="seconds since the sign-in", longest=10, pattern="^[0-9]+$"),
    Parameter(
        name="acr_values", meaning="levels wished, best first", longest=500, example="vn:auth:2"
    ),
    Parameter(name="login_hint", meaning="only whether it is the one signed in", longest=500),
    Parameter(name="id_token_hint", meaning="who has to be signed in", longest=8192),
    Parameter(name="ui_locales", meaning="languages, best first", longest=200, example="vi en"),
    Parameter(
        name="claims_locales", meaning="has no effect: values are as registered", longest=200
    ),
    Parameter(name="display", meaning="has no effect: pages fit any window", longest=20),
    Parameter(
        name="request",
        meaning="all of these signed by the service, beside client_id (RFC 9101)",
        longest=8192,
    ),
    Parameter(
        name="request_uri",
        meaning="beside client_id: from /par (RFC 9126), or a registered address (RFC 9101)",
        longest=2000,
    ),
    Parameter(name="registration", meaning="refused: registration_not_supported", longest=2000),
    *asking.PARAMETERS,
)
# What the browser brings of them: after a push only the first and `request_uri`.
OF_BROWSERS = tuple(replace(row, is_required=row.name == "client_id") for row in PARAMETERS)
LIMITS: Mapping[str, int] = {row.name: row.longest or 0 for row in PARAMETERS}
OFFERED_SCOPES = ("openid", "profile", "email", "phone", "address", "offline_access")
MOST_SCOPES = 50


@dataclass(frozen=True, eq=False)
class Wish:
    """One authorization request whose sender and way back are certain.

    `said` is what was sent, each name once; the properties read it, and raise what the rule
    table (`rules`) lets go back to the sender.
    """

    public_service: Registered
    redirect_uri: str
    said: Mapping[str, str]
    repeated: tuple[str, ...] = ()  # sent more than once, so that neither value counts
    pushed: bytes | None = None  # digest of the pushed request; null: the browser brought it
    in_object: bool = False  # all of `said` was signed by the service (RFC 9101)
    fault: Refusal | None = None  # what is wrong with its object; null: nothing, or it has none
    polled: Polled | None = None  # null: a browser brought it, and takes the answer back

    @once
    def state(self) -> str | None:
        """Theirs, given back unchanged; null: none was sent, or more than an answer carries."""
        state = self.said.get("state")
        return state if state is None or len(state) <= LIMITS["state"] else None

    @once
    def response_mode(self) -> str:
        """How the answer travels; what nobody knows travels as if nothing was said."""
        mode = self.said.get("response_mode", MODES[0])
        return _SHORT.get(mode, mode) if mode in MODES else MODES[0]

    @once
    def scope_values(self) -> tuple[str, ...]:
        """Every scope that was sent, in order, each once."""
        return tuple(dict.fromkeys(self.said.get("scope", "").split(" ")))

    @once
    def scopes(self) -> frozenset[str]:
        """The scopes that we offer and this public service registered; others are ignored."""
        return self._sent | self._single_claims

    @once
    def _sent(self) -> frozenset[str]:
        sent = {"openid", *self.public_service.scopes}.intersection(self.scope_values)
        if "refresh_token" not in self.public_service.grant_types:
            sent.discard("offline_access")  # OIDC Core §11: ignored where it can have no effect
        return frozenset(sent.intersection(OFFERED_SCOPES))

    @once
    def _single_claims(self) -> frozenset[str]:
        """Claims of userinfo asked for by name, of scopes registered and not asked for (§5.5).

        Raises:
            InvalidRequest: the `claims` parameter is not of its shape.
        """
        wanted = self._claims("userinfo")
        if not wanted:
            return frozenset()
        left = (self.public_service.scopes & CLAIMS_OF.keys()) - self._sent
        return frozenset(CLAIM + c for c in claims_of(left) if c in wanted)

    @property
    def asks_for_data(self) -> bool:
        """Whether there is more than who signed in, so that somebody has to decide."""
        return bool(self.details) or bool(self.scopes - {"openid", "offline_access"})

    @once
    def scope(self) -> str:
        """The scopes as they go into the grant: offered ones, shorthand ones, single claims."""
        kept = [s for s in self.scope_values if s in self._sent or s.startswith(SHORTHAND)]
        return " ".join([*kept, *sorted(self._single_claims)])

    @once
    def details(self) -> tuple[Detail, ...]:
        """The procedures asked for, by parameter or shorthand scope."""
        return details.read(self.said.get("authorization_details"), self.scope_values)

    @once
    def resources(self) -> tuple[str, ...]:
        """What the tokens will be for (RFC 8707 §2.1); empty: it was not said.

        Raises:
            InvalidTarget: something that is not ours.
        """
        told = self.said.get("resource")
        return () if told is None else resources.read(told)

    @once
    def prompts(self) -> frozenset[str]:
        """What the person is to be asked in any case; `none`: nothing at all."""
        return frozenset(self.said.get("prompt", "").split())

    @property
    def is_silent(self) -> bool:
        """Whether no page may be shown (`prompt=none`)."""
        return "none" in self.prompts

    @once
    def max_age_seconds(self) -> int | None:
        """How old the sign-in may be; null: any age.

        Raises:
            InvalidRequest: it is not a whole number of seconds.
        """
        text = self.said.get("max_age")
        if text is None:
            return self.public_service.default_max_age  # OIDC Registration §2
        if not (text.isascii() and text.isdecimal()):
            raise InvalidRequest("max_age is a whole number of seconds")
        return int(text)

    @property
    def nonce(self) -> str | None:
        """Given back in the ID token; null: none was sent."""
        return self.said.get("nonce")

    @property
    def code_challenge(self) -> str | None:
        """The S256 challenge; null: a confidential service registered without PKCE."""
        return self.said.get("code_challenge")

    @property
    def sender_key(self) -> str | None:
        """Thumbprint of the key that has to redeem the code; null: it was not said."""
        return self.said.get("dpop_jkt")

    @property
    def ui_locales(self) -> tuple[str, ...]:
        """The languages that the pages should try, best first."""
        return tuple(self.said.get("ui_locales", "").split())

    @once
    def acr(self) -> acr.Wanted:
        """The authentication level wanted: of the `claims` parameter, or else of `acr_values`.

        Raises:
            InvalidRequest: the `claims` parameter is not of its shape (OIDC Core §5.5).
        """
        told = self._claims("id_token").get("acr")
        if told is None:
            return acr.Wanted(acr.known(self.said.get("acr_values", "").split()))
        values = _values(told)
        return acr.Wanted(acr.known(values), told.get("essential") is True, bool(values))

    @once
    def subject(self) -> str | None:
        """The `sub` that has to be the one signed in; null: whoever it is.

        Raises:
            InvalidRequest: the hint is not ours or not for this service, or two say different.
        """
        hinted = self.said.get("id_token_hint")
        named = {self._hinted(hinted)} if hinted is not None else set()
        named |= set(_values(self._claims("id_token").get("sub") or {}))
        if self.is_silent and not named and "login_hint" in self.said:
            # A name that we do not compare: the answer would tell the service whose it is.
            named.add(self.said["login_hint"])
        if len(named) > 1:
            raise InvalidRequest("the hints name different people")
        return next(iter(named), None)

    def _hinted(self, text: str) -> str:
        hint = tokens.read_id_token_hint(text)
        if hint.public_service != self.public_service.client_id:
            raise InvalidRequest("id_token_hint was issued to another public service")
        return hint.subject

    def _claims(self, where: str) -> Mapping[str, Any]:
        told = self._claims_told.get(where)
        return {name: value or {} for name, value in told.items()} if told else {}

    @once
    def _claims_told(self) -> Mapping[str, Any]:
        try:
            told = json.loads(self.said["claims"]) if "claims" in self.said else {}
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict) or not all(
            _is_wanted(told.get(name)) for name in ("id_token", "userinfo")
        ):
            raise InvalidRequest("claims is not as OIDC Core section 5.5 says")
        return told


def _is_wanted(told: object) -> bool:
    """Null, or claims that are each asked for by null or an object."""
    if told is None:
        return True
    return isinstance(told, dict) and all(v is None or isinstance(v, dict) for v in told.values())


def _values(told: Mapping[str, Any]) -> tuple[str, ...]:
    values = told.get("values", [told["value"]] if "value" in told else [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise InvalidRequest("the values of a claim are a list of texts")
    return tuple(values)
