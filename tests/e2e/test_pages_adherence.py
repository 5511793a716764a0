"""A shift that is planned: its agent sees how far he keeps to it, and so do his supervisors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.async_api import expect

from tests.e2e.centre import Centre, Row
from tests.e2e.test_pages import OpenPage, agent_row, browser, open_page  # noqa: F401


def around_now() -> Row:
    """Twenty-four hours that began an hour ago."""
    began = datetime.now(UTC).astimezone(ZoneInfo("Asia/Shanghai")) - timedelta(hours=1)
    clock = began.strftime("%H:%M:%S")
    return {"agent": "1004", "day": str(began.date()), "start": clock, "end": clock, "zone": "Asia/Shanghai"}


async def test_an_agent_and_his_supervisor_see_how_far_he_keeps_to_his_shift(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
) -> None:
    kept = await centre.ask("PUT", "configuration/shifts/now", user="sup1", json=around_now())
    assert kept.status_code == 200, kept.text
    try:
        await centre.set_state("1004", "ready", seat="seat-04", user="1004")

        async def own() -> Row:
            day: Row = await centre.get("me/day", user="1004")
            return day

        day = await centre.eventually(own, lambda day: day["kept_seconds"] > 0)
        assert day["planned_now"]["reason"] is None
        assert 0 < day["adherence"] <= 1
        desk = await open_page("1004", "/")
        await expect(desk.locator(".own-day div", has_text="Adherence").locator("dd")).to_contain_text("%")
        overview = await open_page("sup1", "/")
        await expect(overview.get_by_role("button", name="Adherence")).to_be_visible()
        await expect(agent_row(overview, "1004")).to_contain_text("%")
        await expect(agent_row(overview, "1005")).not_to_contain_text("%")

        await centre.set_state("1004", "not_ready", reason="lunch", user="1004")
        before = await own()
        later = await centre.eventually(own, lambda day: day["planned_seconds"] > before["planned_seconds"])
        assert later["kept_seconds"] == before["kept_seconds"]
    finally:
        await centre.sign_out("1004")
        assert (await centre.ask("DELETE", "configuration/shifts/now", user="sup1")).status_code == 200


async def test_what_breaks_a_rule_of_shifts_is_refused_at_its_field(centre: Centre) -> None:
    def pauses(*spans: tuple[str, str, str]) -> Row:
        rows = [{"start": start, "end": end, "reason": reason} for start, end, reason in spans]
        return {"day": "2030-02-01", "activities": rows}

    plan = {"agent": "1003", "day": "2030-01-31", "start": "09:00", "end": "17:00"}
    assert (await centre.ask("PUT", "configuration/shifts/day", user="sup1", json=plan)).status_code == 200
    try:
        for wrong, where in (
            ({"agent": "nobody", "day": "2030-02-01"}, "agent"),
            ({"zone": "Asia/Nowhere", "day": "2030-02-01"}, "zone"),
            ({"start": "16:59", "end": "23:00"}, "start"),
            (pauses(("08:00", "09:30", "")), "activities.0"),
            (pauses(("12:00", "13:00", ""), ("12:30", "14:00", "")), "activities.1.start"),
            (pauses(("12:00", "13:00", "nothing")), "activities.0.reason"),
            ({"day": "soon"}, "day"),
            ({"day": "2030-02-01", "start": "09:00Z"}, "start"),
        ):
            answer = await centre.ask("PUT", "configuration/shifts/more", user="sup1", json={**plan, **wrong})
            assert answer.status_code in (409, 422), answer.text
            assert [error["where"].endswith(where) for error in answer.json()["errors"]] == [True], answer.text
            assert (await centre.ask("GET", "configuration/shifts/more", user="sup1")).status_code == 404
        needed = await centre.get("configuration/agents/1003/users", user="sup1")
        assert "shift day" in needed["items"]
    finally:
        assert (await centre.ask("DELETE", "configuration/shifts/day", user="sup1")).status_code == 200
