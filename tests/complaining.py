"""Somebody does not recognise a look at their data."""

from typing import Any

from consent.complaints import complain as complaints
from consent.complaints import mine, records
from identity import trail
from identity.entry import Who
from identity.public_services import registered
from identity.trail import EntryRef
from tests.deciding import Citizen
from tests.people import Somebody
from tests.public_services import Played

TEXT = "Lúc đó tôi không nộp hồ sơ nào"


def a_look(person: Somebody, service: Played, **subject: Any) -> EntryRef:
    """An entry as a release leaves it, without a value of anybody."""
    told = {"attributes": ["full_name"], "basis": "request", "result": "released"}
    return trail.record(
        "attributes:released",
        Who(person.citizen_id, person.citizen_id, registered.find(service.client_id).id),
        subject=told | subject,
    )


def complains(citizen: Citizen, look: Any) -> Any:
    """A complaint about an entry; its row."""
    found = mine.entry(citizen.person.citizen_id, str(look.id), language="vi")
    complaints.complain(found, TEXT, by=citizen.session)
    return records.of_person(citizen.person.citizen_id, limit=1)[0]
