"""Places: found by code and day, followed through what became of them, worded for a page."""

from datetime import date

import pytest

from consent import places
from consent.places import units
from identity import database

pytestmark = pytest.mark.usefixtures("country")

EVE, MERGER = date(2025, 6, 30), date(2025, 7, 1)
BEFORE_CITY, CITY = date(2026, 4, 29), date(2026, 4, 30)
TODAY = date(2026, 11, 22)


def names(found):
    return [unit.written for unit in found]


def line(code, on):
    return names(places.above(places.find(code, on), on))


def worded(text, code, since, *, on=TODAY, language="vi"):
    value = {"text": text, "code": code, "valid_from": since}
    return places.words(value, on, language=language)


def test_a_code_means_nothing_without_its_day():
    """Once-only §4: 00070 was Hàng Trống and is Hoàn Kiếm."""
    assert line("00070", EVE) == ["phường Hàng Trống", "quận Hoàn Kiếm", "thành phố Hà Nội"]
    assert line("00070", MERGER) == ["phường Hoàn Kiếm", "thành phố Hà Nội"]
    assert line("00097", EVE)[0] == "phường Tứ Liên"
    assert line("00097", MERGER)[0] == "phường Hồng Hà"


def test_what_does_not_stand_on_a_day_is_not_found():
    assert places.find("00001", EVE) is not None
    assert places.find("00001", MERGER) is None
    assert places.find("001", MERGER) is None
    assert places.find("26732", EVE) is None
    assert places.find("26732", MERGER).name == "Côn Đảo"
    assert places.find("99999", TODAY) is None
    assert places.find("", TODAY) is None


def test_there_is_no_district_from_the_merger_on():
    assert len(line("27577", EVE)) == 3
    assert len(line("27577", MERGER)) == 2
    assert places.find("784", EVE).level == "district"
    assert places.successors("784", EVE, until=TODAY) == ()


def test_three_provinces_became_one():
    became = {names(places.successors(code, EVE, until=TODAY))[0] for code in ("77", "74", "79")}

    assert became == {"Thành phố Hồ Chí Minh"}
    assert names(places.origins(places.find("79", TODAY))) == [
        "tỉnh Bình Dương", "tỉnh Bà Rịa - Vũng Tàu", "Thành phố Hồ Chí Minh",
    ]  # fmt: skip


def test_a_province_that_stayed_was_not_made_of_anything():
    hanoi = places.find("01", TODAY)

    assert places.find("01", EVE) == hanoi
    assert places.successors("01", EVE, until=TODAY) == (hanoi,)
    assert places.origins(hanoi) == ()


def test_a_ward_that_was_split_has_several_successors_the_likely_one_first():
    """Once-only §4: Điện Biên of Ba Đình went four ways."""
    became = places.successors("00019", EVE, until=TODAY)

    assert [unit.code for unit in became] == ["00004", "00070", "00190", "00226"]
    assert became[0].name == "Ba Đình"


def test_a_commune_of_the_outskirts_lies_in_a_ward_or_a_commune():
    """Once-only §4: An Phú Tây of Bình Chánh."""
    old = next(unit for unit in places.search("xã An Phú Tây", on=EVE))

    assert names(places.above(old, EVE))[1:] == ["huyện Bình Chánh", "Thành phố Hồ Chí Minh"]
    assert names(places.successors(old.code, EVE, until=TODAY)) == [
        "phường Bình Đông", "xã Bình Chánh",
    ]  # fmt: skip


def test_an_island_district_became_a_special_zone():
    assert names(places.successors("755", EVE, until=TODAY)) == ["đặc khu Côn Đảo"]


def test_what_changed_twice_is_followed_twice():
    """30/2026/QH16 and 237/NQ-UBTVQH16: Đồng Nai is a city, Trảng Bom a ward in it."""
    (old,) = (u for u in places.search("thị trấn Trảng Bom", on=EVE) if u.name == "Trảng Bom")

    assert line(old.code, BEFORE_CITY) == ["xã Trảng Bom", "tỉnh Đồng Nai"]
    assert names(places.successors(old.code, EVE, until=BEFORE_CITY)) == ["xã Trảng Bom"]
    assert names(places.successors(old.code, EVE, until=CITY)) == ["phường Trảng Bom"]
    assert line(old.code, CITY) == ["phường Trảng Bom", "thành phố Đồng Nai"]


def test_kind_and_name_are_written_as_decree_30_wants():
    """Decree 30/2020, Appendix II: a capital before a number, and for one city."""
    assert line("26740", EVE)[1:] == ["Quận 1", "Thành phố Hồ Chí Minh"]
    assert line("26971", EVE) == ["Phường 12", "quận Tân Bình", "Thành phố Hồ Chí Minh"]


@pytest.mark.parametrize(
    "typed", ["phuong ben nghe", "Bến Nghé", "BEN  NGHE", "phường Bến Nghé", "ben-nghe"]
)
def test_a_place_is_found_without_accents(typed):
    found = places.search(typed)

    assert found[0].written == "phường Bến Nghé"
    assert names(places.successors(found[0].code, EVE, until=TODAY))[0] == "phường Sài Gòn"


def test_those_that_stand_are_found_first_and_those_of_a_day_alone():
    found = places.search("tan dinh")

    assert (found[0].written, found[0].valid_to) == ("phường Tân Định", None)
    assert any(unit.valid_to == EVE for unit in found)
    assert all(unit.stands_on(TODAY) for unit in places.search("tan dinh", on=TODAY))
    assert names(places.search("phường hoà hưng", on=TODAY)) == ["phường Hòa Hưng"]


def test_a_search_takes_whole_words_and_ends_somewhere():
    assert not places.search("ben ngh")
    assert not places.search("")
    assert not places.search("  ...  ")
    assert len(places.search("phuong", limit=10_000)) == units.MOST_FOUND
    assert len(places.search("phuong", limit=3)) == 3
    assert places.search("phuong", limit=-1) == ()


OLD = "45 đường Cộng Hòa, phường 12, quận Tân Bình, Thành phố Hồ Chí Minh"
OLD_NAMES = "Phường 12, quận Tân Bình"


def test_an_old_address_is_worded_as_of_today_with_its_old_names():
    """Contract, "Words": phường mới (trước 01/07/2025: phường cũ, quận cũ)."""
    today = "45 đường Cộng Hòa, phường Bảy Hiền, Thành phố Hồ Chí Minh"
    became = names(places.successors("26971", EVE, until=TODAY))
    assert became == ["phường Bảy Hiền"]

    assert worded(OLD, "26971", "2019-04-02") == f"{today} (trước 01/07/2025: {OLD_NAMES})"
    assert worded(OLD, "26971", "2019-04-02", language="en") == (
        f"{today} (before 01/07/2025: {OLD_NAMES})"
    )


def test_an_address_read_before_the_change_is_as_it_was():
    assert worded(OLD, "26971", "2019-04-02", on=EVE) == OLD


@pytest.mark.parametrize(
    "text",
    [
        "45 Cộng Hòa, P.12, Q. Tân Bình, TP. Hồ Chí Minh",
        "45 Cộng Hòa, P12, quận Tân Bình, Hồ Chí Minh",
        "45 Cộng Hòa, phường 12, quận Tân Bình",
        "45 Cộng Hòa, PHƯỜNG 12, Tân Bình",
        "45 Cộng Hòa , phường 12",
    ],
)
def test_an_address_ends_with_its_unit_in_many_spellings(text):
    assert worded(text, "26971", "2019-04-02") == (
        f"45 Cộng Hòa, phường Bảy Hiền, Thành phố Hồ Chí Minh (trước 01/07/2025: {OLD_NAMES})"
    )


@pytest.mark.parametrize("text", ["45 Cộng Hòa, Sài Gòn", "Nhà cũ", "12", "45 Cộng Hòa, 12"])
def test_words_that_do_not_name_the_unit_stay_whole(text):
    assert worded(text, "26971", "2019-04-02") == (
        f"phường Bảy Hiền, Thành phố Hồ Chí Minh (trước 01/07/2025: {text})"
    )


def test_the_old_province_is_told_where_its_name_went():
    assert worded("Ấp 3, xã Tân Thạch, huyện Châu Thành, tỉnh Bến Tre", "28804", "2020-01-01") == (
        "Ấp 3, xã Phú Túc, tỉnh Vĩnh Long"
        " (trước 01/07/2025: xã Tân Thạch, huyện Châu Thành, tỉnh Bến Tre)"
    )
    assert worded("tỉnh Bình Dương", "74", "2020-01-01") == (
        "Thành phố Hồ Chí Minh (trước 01/07/2025: tỉnh Bình Dương)"
    )
    assert worded("Thành phố Hồ Chí Minh", "79", "2020-01-01") == "Thành phố Hồ Chí Minh"


def test_a_split_is_told_and_not_decided():
    """Nobody is put into a ward that the code does not tell."""
    text = "2 Điện Biên Phủ, phường Điện Biên, quận Ba Đình, thành phố Hà Nội"
    among = [unit.written for unit in places.successors("00019", EVE, until=TODAY)]

    shown = worded(text, "00019", "2024-01-01")

    assert shown == (
        f"{text} (từ 01/07/2025 thuộc {', '.join(among[:-1])} hoặc {among[-1]}; chưa xác định)"
    )
    assert worded(text, "00019", "2024-01-01", language="en") == (
        f"{text} (since 01/07/2025 in {', '.join(among[:-1])} or {among[-1]}; not determined)"
    )


def test_a_split_in_a_province_of_another_name_says_that_too():
    text = "phường Hiệp Thành, thành phố Thủ Dầu Một, tỉnh Bình Dương"

    shown = worded(text, "25741", "2020-01-01")

    assert shown.startswith(f"{text} (từ 01/07/2025 thuộc phường ")
    assert shown.endswith(", Thành phố Hồ Chí Minh; chưa xác định)")


def test_an_address_of_today_tells_its_origin_only_where_there_is_one():
    """An Hội Tây was made of two wards, Thuận Hòa of one commune."""
    many = "7 Phạm Văn Chiêu, phường An Hội Tây, Thành phố Hồ Chí Minh"
    one = "Thôn 3, xã Thuận Hòa, tỉnh Tuyên Quang"

    assert worded(many, "26882", "2025-07-01") == many
    assert worded(one, "00922", "2025-07-01") == (
        f"{one} (trước 01/07/2025: xã Thuận Hòa, huyện Vị Xuyên, tỉnh Hà Giang)"
    )


def test_what_the_register_wrote_itself_is_not_written_twice():
    text = "Thôn 3, xã Thuận Hòa, tỉnh Tuyên Quang (trước 01/07/2025: xã Thuận Hòa, huyện Vị Xuyên)"

    assert worded(text, "00922", "2025-07-01") == text


def test_a_province_that_became_a_city_changes_the_addresses_in_it():
    """Only the name above the commune is another: the day is that of 30/2026/QH16."""
    text = "Ấp 1, xã Phú Hòa, tỉnh Đồng Nai"
    registered = f"{text} (trước 01/07/2025: xã Phú Điền, huyện Tân Phú)"
    now = "Ấp 1, xã Phú Hòa, thành phố Đồng Nai"
    formerly = "trước 30/04/2026: xã Phú Hòa, tỉnh Đồng Nai"

    assert worded(text, "26221", "2025-07-01", on=CITY) == f"{now} ({formerly})"
    assert worded(registered, "26221", "2025-07-01", on=CITY) == (
        f"{now} ({formerly}; trước 01/07/2025: xã Phú Điền, huyện Tân Phú)"
    )
    assert worded(registered, "26221", "2025-07-01", on=BEFORE_CITY) == registered


@pytest.mark.parametrize(("code", "since"), [(None, None), ("26971", None), (None, "2019-04-02")])
def test_without_code_and_day_the_words_stay(code, since):
    assert worded(OLD, code, since) == OLD


class TestAttacker:
    @pytest.mark.parametrize("code", ["99999", "00", "0' OR '1'='1", "%", "", "0" * 500])
    def test_a_code_of_nowhere(self, code):
        assert worded(OLD, code, "2019-04-02") == OLD

    def test_the_first_and_the_last_day_of_the_calendar(self):
        assert "Bảy Hiền" in worded(OLD, "26971", "0001-01-01")
        assert worded(OLD, "26971", "9999-12-31") == OLD
        assert worded(OLD, "26971", "2019-04-02", on=date.max).startswith("45")
        assert worded(OLD, "26971", "2019-04-02", on=date.min) == OLD

    @pytest.mark.parametrize(
        "typed", ["%", "_", "' OR 1=1 --", "\\", "x" * 100_000, "\x00", "ả" * 999]
    )
    def test_a_search_that_is_none(self, typed):
        assert places.search(typed) == ()

    def test_any_number_of_codes_fills_no_memory(self):
        for cache in (units._called, units._became, units._came):
            assert 0 < cache.cache_info().maxsize <= 5000

    def test_an_address_without_end_is_read_at_once(self):
        text = ", ".join(["phường 12"] * 20_000)

        assert worded(text, "26971", "2019-04-02").endswith(")")


def test_a_second_look_asks_no_database():
    worded(OLD, "26971", "2019-04-02")

    with database.counted() as tally:
        worded(OLD, "26971", "2019-04-02")

    assert tally.round_trips == 0
