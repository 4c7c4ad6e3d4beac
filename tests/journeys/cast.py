"""Who plays in the journeys beside the demo's own people: how many, at which office."""

from collections.abc import Iterable
from typing import Any

from identity.polled.ways import CIBA, DEVICE

HOUSING, INSURANCE, BUSINESS = "1.115150", "1.002759", "1.001612"
OFFICES = {
    "Công ty Nhà Xanh": (HOUSING, INSURANCE, BUSINESS),
    "Phòng Kinh tế": (BUSINESS,),
    "Phòng thử nghiệm": (BUSINESS,),
}
# Each journey uses up somebody with the papers of one of the demo's people, whom nobody has met.
NAMESAKES = {"Nguyễn Thị Lan": 30, "Đặng Ngọc Huyền": 12}
NEWCOMERS = 12  # without a password, with a letter
INVITED = 3  # newcomers of each role, with a link
UNITS = ("Đội giám sát Bến Nghé", "Đội giám sát Tân Định")
OFFICERS = 4  # in each unit
LARGE = 100  # entries that one officer may take out alone
TOLD = "journeys.json"  # in the home of the country: how all of them sign in


def document(client_id: str, name: str, procedures: Iterable[str], *, to: str) -> dict[str, Any]:
    """An office as `services import` takes it; its secret guards nothing, so it is no secret."""
    return {
        "client_id": client_id,
        "client_secret": f"no-secret-of-{client_id}",
        "client_name": name,
        "client_name#vi": name,
        "redirect_uris": [to],
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code", DEVICE, CIBA],
        "backchannel_token_delivery_mode": "poll",
        "organisation": {
            "name": name,
            "code": f"T{client_id.upper().replace('-', '.')}",
            "level": "other",
            "block": "other",
        },
        "procedures": list(procedures),
    }
