"""The longest decision page there can be: three grounds, forty items, the longest names."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

import time_machine
from flask import Flask
from sqlalchemy import update

from consent.attributes import catalogue as attributes
from consent.attributes.records import AttributeHead
from consent.procedures import catalogue
from identity import clock, database
from identity.database import transaction
from tests import exchange
from tests.deciding import CONSENT, LAW, PROCEDURE, Citizen, Page, detail, signed_in
from tests.exchange import fill_register, told
from tests.people import lan
from tests.public_services import Played, a_service

HARD = "ỨNG DỤNG Nguyễn Thị Ngọc Huyền ẶỮỘ"
NAME = "Công Tằng Tôn Nữ Hoàng Diễm Huyền Trân Nguyễn Phước Ẩn Ữ Quỳnh Nghi"
OFFICE = (
    "Trung tâm Phục vụ hành chính công và Kiểm soát thủ tục hành chính thuộc Văn phòng Ủy ban nhân"
    " dân tỉnh Thừa Thiên Huế, Chi nhánh khu vực số 12"
)
# Three hundred characters of what a catalogue may hold; one word of it breaks nowhere.
TITLE = (
    "Thủ tục cấp, cấp đổi, cấp lại Giấy chứng nhận quyền sử dụng đất, quyền sở hữu nhà ở và tài sản"
    " khác gắn liền với đất đối với hộ gia đình, cá nhân, cộng đồng dân cư đang sử dụng đất có nhu"
    " cầu bán, chuyển nhượng hoặc góp vốn bằng một phần thửa đất Ẵ"
)
TITLE += " " + "Ữ" * (299 - len(TITLE))
OPTIONAL = ("temporary_address", "current_address", "contact_email")
ADDRESS = f"Số 1234/56/78 đường Nguyễn Thị Minh Khai, tổ dân phố số 12, {HARD}, tỉnh Thừa Thiên Huế"
VALUES = {
    "population": {"nationality": ["VN"], "ethnicity": "01", "contact_email": f"{'a' * 60}@x.vn"},
    "civil_status": {
        "father_full_name": NAME,
        "mother_full_name": NAME,
        "marital_status": "single",
    },
    "residence": {
        "permanent_address": {"text": ADDRESS, "code": None, "valid_from": None},
        "household_size": 7,
        "relationship_to_household_head": "child",
    },
    "land": {"owns_dwelling": True, "land_certificate_number": "DĐ " + "0" * 60},
    "tax": {"average_monthly_income": 123_456_789_000},
}
OLD, WRONG = "land_certificate_number", "household_size"


def everything() -> tuple[str, ...]:
    """Every attribute that a procedure may ask for."""
    return tuple(a.name for a in attributes.attributes().values() if not a.is_asked_by_none)


@contextmanager
def the_longest_procedures() -> Iterator[None]:
    """One of each ground, with the longest name; the first one asks for everything."""
    exchange.publish_catalogues()
    names = [name for name in everything() if name not in OPTIONAL]
    wanted = {PROCEDURE: (names, OPTIONAL), CONSENT: (["full_name"], ()), LAW: (["full_name"], ())}
    known = dict(catalogue.procedures())
    for code, (required, optional) in wanted.items():
        known[code] = replace(
            known[code],
            short_name_vi=TITLE,
            name_en=TITLE,
            attributes_required=tuple(required),
            attributes_optional=tuple(optional),
        )
    with patch.object(catalogue, "procedures", lambda: known):
        yield


def somebody(app: Flask) -> Citizen:
    """A person of whom much is known, some of it old or in dispute."""
    person = lan(full_name=NAME)
    long_ago = (clock.today() - timedelta(days=400)).isoformat()
    for register, values in VALUES.items():
        days = {name: long_ago if name == OLD else clock.today().isoformat() for name in values}
        lines = [told(person, n, value, as_of=days[n]) for n, value in values.items()]
        filled, faults = fill_register(register, *lines)
        assert (filled.bad, faults) == (0, []), faults
    of_hers = (AttributeHead.citizen_id == person.citizen_id, AttributeHead.attribute == WRONG)
    with transaction():
        database.write(update(AttributeHead).where(*of_hers).values(is_disputed=True))
    return signed_in(app.test_client(), person)


def an_office() -> Played:
    """A service whose every name is long."""
    organisation = {"name": OFFICE, "code": "H57.12", "level": "province", "block": "government"}
    names = {"client_name": OFFICE, "client_name#vi": OFFICE}
    return a_service(procedures=[PROCEDURE, CONSENT, LAW], organisation=organisation, **names)


def the_longest_page(app: Flask) -> Page:
    """What she is asked, forty items on three grounds; she allowed some of it twenty days ago."""
    with time_machine.travel(clock.now() - timedelta(days=20), tick=True):
        her = somebody(app)
        office = an_office()
        first = detail("full_name", "owns_dwelling", "land_certificate_number", case="H-1")
        assert her.is_asked(office, first).allow().status_code == 303
    fill_register("land", told(her.person, "owns_dwelling", value=False))
    her = signed_in(app.test_client(), her.person)
    return her.is_asked(
        office,
        detail(*everything(), case="H57.12-2026-0000000000000117"),
        detail("full_name", procedure=CONSENT, case=None),
        detail("full_name", procedure=LAW),
        scope="openid profile email phone address",
    )
