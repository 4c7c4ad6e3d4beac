"""Who may enter the pages about an account: its owner, never who acts for them."""

from identity.authentication import guard
from identity.authentication.sessions import CitizenSession
from identity.errors import AccessDenied
from identity.guards import Guard


class NotTheOwner(AccessDenied):
    """Signed in for somebody else: what proves a person is nobody else's to see or change."""

    slug = "not-the-owner"
    title = "Only the owner may do this"


def _admit() -> CitizenSession:
    session: CitizenSession = guard.citizen.admit()
    if session.actor_id != session.citizen_id:
        raise NotTheOwner("sign in for yourself", note="acts for another")
    return session


owner = Guard("owner", _admit)
