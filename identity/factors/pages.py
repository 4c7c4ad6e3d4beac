"""Parts of the pages on which a citizen chooses a password or a second factor."""

import uuid
from collections.abc import Iterable
from typing import Any

from flask_babel import gettext as _
from markupsafe import Markup

from identity import browser
from identity.errors import InvalidRequest
from identity.factors import authenticator, setups
from identity.factors.password_rules import SHORTEST, Fault
from identity.factors.setups import Kind, Setup

Errors = list[tuple[str, str]]  # the field's id, or "" for the whole form, and a sentence


def new_password() -> tuple[str, Errors]:
    """The password that was typed twice, and whether the two are one."""
    new, again = browser.field("new_password"), browser.field("repeated")
    if not new:
        return new, [("new-password", _("Nhập mật khẩu mới."))]
    if new != again:
        return new, [("repeated", _("Hai lần nhập không giống nhau. Nhập lại mật khẩu mới."))]
    return new, []


def weakness(fault: Fault) -> tuple[str, str]:
    """The field of the new password, and what to do about it."""
    sentences = {
        Fault.SHORT: _("Mật khẩu quá ngắn. Nhập ít nhất %(n)s ký tự.", n=SHORTEST),
        Fault.LONG: _("Mật khẩu quá dài. Nhập không quá 1.024 ký tự."),
        Fault.OWN: _("Mật khẩu có tên, ngày sinh hoặc số của chính mình. Chọn những từ khác."),
        Fault.COMMON: _("Mật khẩu này hay được dùng nên dễ đoán. Chọn vài từ không liên quan."),
        Fault.PATTERN: _("Mật khẩu theo một mẫu dễ đoán. Chọn vài từ không liên quan."),
        Fault.GUESSABLE: _("Mật khẩu còn dễ đoán. Viết dài hơn hoặc thêm một từ khác."),
    }
    return "new-password", str(sentences[fault])


def kind() -> Kind:
    """Which second factor a button says.

    Raises:
        InvalidRequest: no button of ours.
    """
    try:
        return Kind(browser.field("factor"))
    except ValueError:
        raise InvalidRequest("choose one of the two", note="no kind of factor") from None


def app_facts(chosen: Setup, *, number_ends: str) -> dict[str, Any]:
    """What the page of the app shows: the secret as a picture, as a link and as text."""
    told = authenticator.address(chosen.secret, label=f"…{number_ends}")
    picture = Markup(authenticator.picture(told))  # noqa: S704 - drawn here, of our own address
    secret = authenticator.grouped(chosen.secret)
    return {"picture": picture, "address": told, "secret": secret}


def are_shown(codes: Iterable[str], *, owner: uuid.UUID) -> bool:
    """Whether the page that was sent has shown these codes: others were written down by nobody."""
    return setups.is_mark(owner, codes, claimed=browser.field("shown"))


def other_codes() -> tuple[str, str]:
    """The page that was sent has shown other codes than will count."""
    text = _("Trang vừa gửi hiện các mã khác. Chỉ mười mã dưới đây dùng được: hãy cất mười mã này.")
    return "", text


def no_shown_code() -> tuple[str, str]:
    """The field of the app's code was left open."""
    return "one-time-code", _("Nhập mã gồm 6 chữ số đang hiện trong ứng dụng.")


def not_shown() -> tuple[str, str]:
    """The app shows another code."""
    text = _("Mã không khớp. Quét lại hình, kiểm tra giờ trên điện thoại rồi nhập mã mới.")
    return "one-time-code", text
