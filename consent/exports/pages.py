"""Pages of exports, for security officers: ask, confirm for another unit, fetch."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from consent.desk import filters as narrowing
from consent.desk.filters import NAMES, Choice, Filters
from consent.exports import ask, decide, make, records
from consent.exports.records import State
from consent.looks.entries import tag
from consent.looks.review import holds_a_number
from identity import browser, clock, language, sealing
from identity.edge import STREAMED
from identity.errors import InvalidRequest, Refusal
from identity.guards import enter
from identity.staff.guard import security_officer
from identity.staff.sessions import StaffMember

pages = Blueprint("exports", __name__, template_folder="../templates")


@pages.get("/audit/exports")
@enter(security_officer)
def listed(officer: StaffMember) -> str:
    """What one asked for, and what waits for an officer of another unit."""
    at, among = clock.now(), narrowing.choices()
    rows = records.shown(officer.id, at=at)
    return render_template(
        "exports/exports.html",
        officer=officer,
        mine=[_shown(row, officer) for row in rows if row.staff_id == officer.id],
        others=[_shown(row, officer) for row in rows if row.staff_id != officer.id],
        named=narrowing.named(among, str(get_locale() or "vi")),
        at=at,
        limit=ask.ALONE,
    )


@pages.get("/audit/exports/new")
@enter(security_officer)
def new(officer: StaffMember) -> AnyResponse:
    """The filters once more, and the reason that is asked for."""
    among = narrowing.choices()
    return _form(officer, _filters(request.args, among), among=among)


@pages.post("/audit/exports")
@enter(security_officer)
def request_one(officer: StaffMember) -> AnyResponse:
    """The list is counted; a short one can be fetched, a long one waits."""
    among = narrowing.choices()
    asked = _filters({name: browser.field(name) for name in NAMES}, among)
    reason = browser.text("reason")
    try:
        ask.ask(officer, asked, among=among, reason=reason, request_id=language.request_id())
    except ask.UnfitExport as unfit:
        field = "reason" if unfit.member == "reason" else ""
        kept = "" if holds_a_number(reason) else reason
        told = [(field, _unfit(unfit.member))]
        return _form(officer, asked, among=among, errors=told, reason=kept, status=400)
    return redirect("/audit/exports", 303)


@pages.post("/audit/exports/<uuid:export_id>/confirm")
@enter(security_officer)
def confirm(officer: StaffMember, export_id: uuid.UUID) -> AnyResponse:
    """An officer of another unit lets it pass."""
    decide.decide(officer, export_id, confirms=True, request_id=language.request_id())
    return redirect("/audit/exports", 303)


@pages.post("/audit/exports/<uuid:export_id>/decline")
@enter(security_officer)
def decline(officer: StaffMember, export_id: uuid.UUID) -> AnyResponse:
    """An officer of another unit does not."""
    decide.decide(officer, export_id, confirms=False, request_id=language.request_id())
    return redirect("/audit/exports", 303)


@pages.post("/audit/exports/<uuid:export_id>/file")
@enter(security_officer)
def fetch(officer: StaffMember, export_id: uuid.UUID) -> AnyResponse:
    """The file itself, sent piece by piece; its digest is in the log already."""
    file = make.make(
        officer,
        export_id,
        among=narrowing.choices(),
        header=_header(),
        request_id=language.request_id(),
    )
    request.environ[STREAMED] = True
    answer = Response(file.pieces, mimetype="text/csv", content_type="text/csv; charset=utf-8")
    answer.headers["Content-Length"] = str(file.length)
    answer.headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.errorhandler(Refusal)
def refused(refusal: Refusal) -> AnyResponse:
    """A refusal in the person's language."""
    refusal.sentence = refusal.sentence or _sentences().get(refusal.slug, "")
    return language.answer(refusal)


def _form(
    officer: StaffMember,
    asked: Filters,
    *,
    among: Sequence[Choice],
    status: int = 200,
    **told: Any,  # noqa: ANN401 - a template's
) -> Response:
    facts = {"errors": [], "reason": ""} | told
    page = render_template(
        "exports/new.html",
        officer=officer,
        asked=asked.settled().asked(),
        named=narrowing.named(among, str(get_locale() or "vi")),
        limit=ask.ALONE,
        **facts,
    )
    return make_response(page, status)


def _filters(told: Mapping[str, str], among: Sequence[Choice]) -> Filters:
    """The filters of a list of ours, which offers no others."""
    found = narrowing.read(told, among)
    if found.faults:
        refusal = InvalidRequest("the filters are not those of a list")
        refusal.sentence = _("Bộ lọc không đúng. Hãy mở lại danh sách và lọc lại.")
        raise refusal
    return found.filters


def _shown(row: Any, officer: StaffMember) -> dict[str, Any]:  # noqa: ANN401 - a row of the table
    reason = sealing.ring().open_token(ask.SEALED, row.reason).decode()
    is_over = row.expires_at <= clock.now()
    return {
        **row._mapping,  # noqa: SLF001 - SQLAlchemy's documented name for a row's columns
        "tag": tag("C", row.staff_id),
        "reason": reason,
        "is_waiting": row.state is State.WAITING and not is_over,
        "is_ready": row.state is State.READY and not is_over,
        "is_mine_to_decide": decide.may_decide(officer, row),
        "is_declined": row.state is State.DECLINED,
    }


def _header() -> list[str]:
    """The names of the columns, in the order of `sheet.COLUMNS`."""
    return [
        _("Mục nhật ký"),
        _("Vị trí"),
        _("Lúc"),
        _("Loại"),
        _("Về ai"),
        _("Ai làm"),
        _("Đơn vị"),
        _("Cơ quan"),
        _("Hệ thống khai thác"),
        _("Thủ tục"),
        _("Mã hồ sơ"),
        _("Căn cứ"),
        _("Kết quả"),
        _("Dữ liệu"),
        _("Lý do"),
    ]


def _unfit(member: str) -> str:
    if member == "empty":
        return str(_("Không có mục nào đã vào sổ khớp với bộ lọc. Chọn bộ lọc khác."))
    if member == "large":
        return str(_("Nhiều hơn %(n)s mục. Chọn khoảng thời gian ngắn hơn.", n=ask.MOST))
    return str(_("Nhập lý do, không quá 500 ký tự và không có số định danh cá nhân."))


def _sentences() -> Mapping[str, str]:
    return {
        decide.NoSuchExport.slug: _("Không có yêu cầu xuất này, hoặc đã hết hạn. Hãy lập lại."),
        decide.SameUnit.slug: _("Cán bộ của đơn vị khác mới được quyết định. Hãy nhờ đơn vị khác."),
        decide.ExportDecided.slug: _("Yêu cầu này đã có quyết định. Hãy xem trong danh sách."),
        make.NotReady.slug: _("Yêu cầu này chưa được xác nhận. Hãy đợi cán bộ đơn vị khác."),
        make.ExportChanged.slug: _(
            "Số mục không còn như lúc đếm. Hãy lập lại yêu cầu và báo kiểm tra nhật ký."
        ),
    }
