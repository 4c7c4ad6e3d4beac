"""The error page says in the person's language what they can do; developers' words stay away."""

import pytest
from flask import Flask

from identity import errors
from identity.browser import CrossSite
from identity.errors import Refusal
from identity.staff.guard import AnotherRole

FOR_DEVELOPERS = "a developer's word"
SENTENCES = {
    CrossSite: ("Hãy mở lại trang rồi gửi lại.", "Open the page again"),
    AnotherRole: ("cán bộ giám sát truy cập", "security officers"),
    errors.LogUnavailable: ("Chưa có gì được thực hiện.", "Nothing was done."),
    errors.ServerError: ("Lỗi này là của hệ thống.", "The mistake is ours."),
}


@pytest.mark.parametrize("kind", SENTENCES)
@pytest.mark.parametrize(("place", "language"), [(0, "vi"), (1, "en")])
def test_a_person_reads_what_to_do(app: Flask, kind: type[Refusal], place: int, language: str):
    """Design §2.6: an error says what to do."""
    with app.test_request_context("/my", headers={"Accept-Language": language}):
        page = errors.show(kind(FOR_DEVELOPERS)).get_data(as_text=True)

    assert SENTENCES[kind][place] in page
    assert FOR_DEVELOPERS not in page
    assert 'id="error"' in page
