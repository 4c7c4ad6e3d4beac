"""An approval goes into a grant that there is (Grant Management for OAuth 2.0 §5.2)."""

from dataclasses import replace

from identity.authentication.sessions import CitizenSession
from identity.granted import grants
from identity.granted.approval import Approved, Carried, Refused
from identity.managed import asking, rewriting
from identity.managed.rewriting import Change
from identity.requested.wish import Wish

OF_THE_SIGN_IN = frozenset({"openid", "offline_access"})


def changed(wish: Wish, session: CitizenSession, *, approved: Approved) -> Approved:
    """The approval as it stands in the grant that the request is about; any other as it was.

    In the transaction that answers the request.

    Raises:
        InvalidGrantId: the grant has ended.
        DecisionEnded: it has at this moment, or a decision has: look again.
        Refused: nothing was allowed, and replacing would leave nothing.
    """
    if not asking.is_change(wish.said):
        return approved
    found = asking.grant(wish.said, wish.public_service)
    taken = _taken(session, approved)
    is_replaced = asking.action(wish.said) == asking.REPLACE
    if is_replaced and not taken and (wish.details or wish.scopes - OF_THE_SIGN_IN):
        raise Refused("the citizen did not allow it; the grant stays as it was")
    rewriting.rewrite(
        Change(
            grant=found,
            scope=left(wish, approved),
            taken=tuple(decision.decision_id for decision in taken),
            is_replaced=is_replaced,
            spent=approved.grant_id,
        )
    )
    return replace(approved, grant_id=found.id)


def left(wish: Wish, approved: Approved) -> str:
    """The asked scopes without those that were refused (RFC 6749 §3.3)."""
    if not approved.refused_scopes:
        return wish.scope
    return " ".join(s for s in wish.scope.split() if s not in approved.refused_scopes)


def _taken(session: CitizenSession, approved: Approved) -> tuple[Carried, ...]:
    """What is to be carried: that of the grant which the page has made, or live decisions."""
    if approved.grant_id is None:
        return approved.decisions
    made = grants.find_grant(session.citizen_id, approved.grant_id)
    return made.in_force() if made else ()
