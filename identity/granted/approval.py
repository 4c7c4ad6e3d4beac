"""Whether a citizen lets a public service have what it asks for: the one question to the ledger.

Identity never imports consent. It asks through this Protocol, and while nothing has joined the
answer is no.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from identity.errors import Refusal
from identity.together import Answer, Clause


@dataclass(frozen=True, slots=True)
class Detail:
    """One asked `vn_procedure` (RFC 9396 §2); attributes null means the required ones."""

    procedure: str
    attributes: tuple[str, ...] | None
    case: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What one authorization request wants, and from whom."""

    request_id: uuid.UUID | None  # null: not stored yet, nobody had to be asked so far
    citizen_id: uuid.UUID
    actor_id: uuid.UUID
    account_level: int
    auth_level: int
    public_service_id: uuid.UUID
    procedures: frozenset[str]  # the codes this public service may run
    scopes: frozenset[str]
    details: tuple[Detail, ...]
    must_ask: bool  # prompt=consent
    outcome: dict[str, Any] | None  # what the person has decided for this request; null: nothing


@dataclass(frozen=True, slots=True)
class Carried:
    """A decision as a grant carries it; `grant_decision` has the same columns."""

    decision_id: uuid.UUID
    procedure: str | None
    case: str | None
    basis: str
    purposes: tuple[str, ...]
    attributes: tuple[str, ...]
    until: datetime
    uses_left: int | None


@dataclass(frozen=True, slots=True)
class Approved:
    """Nothing is left to ask. A grant the person just made, or live decisions to take in."""

    grant_id: uuid.UUID | None  # null: the provider makes the grant
    decisions: tuple[Carried, ...]
    refused_scopes: frozenset[str] = frozenset()  # asked, and not given: no token names them


@dataclass(frozen=True, slots=True)
class Ask:
    """The person must see a page first: `/consent/<request id>`."""

    path: str


@dataclass(frozen=True, slots=True)
class StepUp:
    """A procedure needs more than this sign-in or this account has."""

    auth_level: int
    account_level: int


Verdict = Approved | Ask | StepUp


class Refused(Refusal):
    """The answer goes back to the public service as this error (RFC 6749 §4.1.2.1)."""

    code, slug = "access_denied", "access-denied"
    title = "The citizen did not allow it"


class Approval(Protocol):
    """What consent offers to identity."""

    def check(
        self, details: Iterable[Detail], scopes: frozenset[str], *, of: frozenset[str]
    ) -> None:
        """Refuse what no citizen should be asked.

        That is an unknown procedure or attribute, one that this public service may not run, or
        a missing case; `of` says who asks.

        Raises:
            Refusal: with code `invalid_authorization_details` or `invalid_scope`.
        """

    def review(self, asked: Asked) -> Verdict:
        """Whether everything asked is decided, or what has to happen first.

        Raises:
            Refused: the citizen said no, or nothing can be approved.
        """

    def userinfo(self, claims: frozenset[str]) -> tuple[Clause, ...]:
        """Clauses that read the values behind decided scopes; none where nothing is wanted.

        They are a condition too: each of these claims has a value that may be told. The statement
        they join has the parameter `citizen`.
        """

    def tellable(self, citizen_id: uuid.UUID, claims: frozenset[str]) -> frozenset[str]:
        """Those of the claims that have a value now, which may be told."""

    def claims(self, answer: Answer, key: bytes) -> dict[str, Any]:
        """The claims of OIDC Core §5.1 that those clauses returned, opened with this key."""


class RefuseAll:
    """The answer while nothing has joined: only a bare sign-in passes."""

    def check(
        self, details: Iterable[Detail], scopes: frozenset[str], *, of: frozenset[str]
    ) -> None:
        """Nothing is known, so nothing but `openid` can be asked for."""
        _ = of
        if tuple(details) or scopes - {"openid", "offline_access"}:
            raise Refused("nothing can be shared here", note="no approval has joined")

    def review(self, asked: Asked) -> Verdict:
        """Every approval is refused."""
        _ = asked
        raise Refused("nothing can be approved here", note="no approval has joined")

    def userinfo(self, claims: frozenset[str]) -> tuple[Clause, ...]:
        """There are no values."""
        _ = claims
        return ()

    def tellable(self, citizen_id: uuid.UUID, claims: frozenset[str]) -> frozenset[str]:
        """There are no values."""
        _ = citizen_id, claims
        return frozenset()

    def claims(self, answer: Answer, key: bytes) -> dict[str, Any]:
        """There are no claims."""
        _ = answer, key
        return {}


_joined: Approval = RefuseAll()


def join(approval: Approval | None) -> None:
    """From now on this one is asked; null: nobody is, and everything is refused."""
    global _joined  # noqa: PLW0603 - one process, one answer
    _joined = approval or RefuseAll()


def asked() -> Approval:
    """Whom to ask."""
    return _joined
