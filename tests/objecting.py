"""Somebody objects to a reuse."""

import uuid
from typing import Any

from consent.ledger import records
from consent.objections import object as objections
from identity.public_services import registered
from tests.deciding import Citizen
from tests.public_services import Played

REASON = "Tôi không hề nộp hồ sơ này"


def objects(citizen: Citizen, service: Played) -> Any:
    """An objection to what the law lets the service have; its row."""
    about = objections.About(
        public_service_id=registered.find(service.client_id).id,
        procedure="1.002759",
        case="H-1",
        reason=REASON,
    )
    objections.raise_objection(about, by=citizen.session, form=uuid.uuid4())
    return records.objections_of(citizen.person.citizen_id)[0]
