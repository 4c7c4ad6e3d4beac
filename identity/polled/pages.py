"""The two buttons of whoever is asked for elsewhere: at a device (RFC 8628) or a counter (CIBA)."""

import uuid
from collections.abc import Callable

from flask import redirect
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from identity import browser
from identity.errors import InvalidRequest

ALLOW, DENY = "allow", "deny"


def answered(*, deny: Callable[[], None], refused: str, keep: Callable[[], uuid.UUID]) -> Response:
    """No: the end, at the page `refused`. Yes: the same way as any other request, kept from here.

    Raises:
        InvalidRequest: neither of the two was pressed.
    """
    chosen = browser.field("answer")
    if chosen == DENY:
        deny()
        return redirect(refused, 303)
    if chosen != ALLOW:
        refusal = InvalidRequest("choose one of the two", note="no button of ours")
        refusal.sentence = _("Chọn một trong hai nút trên trang. Mở lại trang rồi thử lại.")
        raise refusal
    return redirect(f"/authorize?request={keep().hex}", 303)
