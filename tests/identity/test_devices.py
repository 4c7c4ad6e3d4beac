"""What a browser calls itself, in words of our own table."""

import pytest

from identity.devices import Device, read

KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KIT} Chrome/131.0 Safari/537.36",
            "Chrome, Windows",
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0) {KIT} Chrome/131.0 Safari/537.36 Edg/131.0",
            "Edge, Windows",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
            "Firefox, Linux",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Safari/604.1",
            "Safari, iPhone",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 14) {KIT} Chrome/130 Mobile Safari/537.36 Zalo/1.0",
            "Zalo, Android",
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0) {KIT} coc_coc_browser/120 Chrome/114 Safari/537.36",
            "Cốc Cốc, Windows",
        ),
        ("curl/8.0", ""),
        ("", ""),
    ],
)
def test_people_recognise_their_devices(told, words):
    assert read(told).words == words


def test_a_long_header_is_not_read_to_its_end():
    assert read("x" * 100_000 + "Firefox/1") == Device()
