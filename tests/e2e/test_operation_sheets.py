"""Settings of every kind as CSV: what is read back changes nothing, what is new is looked at before it is done."""

from __future__ import annotations

from typing import Any, Final

from tests.e2e.centre import Centre

KINDS: Final = (
    "customers",
    "trunks",
    "configuration/agents",
    "configuration/teams",
    "configuration/skills",
    "configuration/queues",
    "configuration/calendars",
    "configuration/reasons",
    "configuration/dispositions",
    "configuration/articles",
    "configuration/shifts",
    "configuration/crm-links",
    "configuration/scripts",
    "configuration/numbers",
    "configuration/number-classes",
    "configuration/call-permissions",
    "configuration/recording-rules",
    "configuration/seats",
    "configuration/users",
)
#: What only people set: single days, an empty list that is not "all", servers and registration of a trunk.
MADE: Final[dict[str, dict[str, Any]]] = {
    "configuration/calendars/sheet": {
        "week": {"0": [{"start": "09:00:00", "end": "18:00:00"}]},
        "days": {"2026-05-01": []},
        "make_up_days": {"2026-05-09": 4},
    },
    "configuration/call-permissions/1003": {"may": []},
    "configuration/recording-rules/sheet": {
        "mode": "scheduled",
        "queues": ["support"],
        "windows": [{"days": [1], "start": "09:00", "end": "12:00"}],
    },
    "configuration/shifts/sheet": {
        "agent": "1003",
        "day": "2030-01-31",
        "start": "22:00",
        "end": "06:00",
        "activities": [{"reason": "lunch", "start": "01:00", "end": "01:30"}],
    },
    "configuration/scripts/sheet": {"name": "=1", "steps": [{"title": "Greeting", "text": "Good day."}]},
    "trunks/sheet": {
        "host": "192.0.2.9",
        "account": "sheet",
        "password": "secret",
        "registration": {"seconds": 600},
        "numbers_in": [{"prefix": "0", "strip": 1}],
    },
}


async def test_every_sheet_that_is_read_back_changes_nothing(centre: Centre) -> None:
    try:
        for path, document in MADE.items():
            answer = await centre.ask("PUT", path, user="admin", json=document)
            assert answer.status_code == 200, f"{path}: {answer.text}"
        for path in KINDS:
            sheet = await centre.ask("GET", f"{path}.csv", user="admin")
            assert sheet.status_code == 200, f"{path}: {sheet.text}"
            plan = await centre.ask("POST", f"{path}.csv", user="admin", content=sheet.content)
            assert plan.status_code == 200, f"{path}: {plan.text}"
            verdicts = {line["id"]: line["verdict"] for line in plan.json()["lines"]}
            assert set(verdicts.values()) <= {"same"}, plan.text
            own = {made.removeprefix(f"{path}/") for made in MADE if made.startswith(f"{path}/")}
            assert own <= verdicts.keys()
    finally:
        for path in MADE:
            await centre.ask("DELETE", path, user="admin")


async def test_a_trunk_and_opening_hours_come_by_a_sheet_that_is_looked_at_first(centre: Centre) -> None:
    week = '"{""0"": [{""start"": ""09:00"", ""end"": ""12:00""}]}"'
    sheets = {
        "trunks": "id,host,capacity,registration\r\nsheet,192.0.2.9,4,\r\n",
        "configuration/calendars": f"id,zone,week\r\nsheet,Asia/Shanghai,{week}\r\n",
    }
    try:
        for path, sheet in sheets.items():
            plan = (await centre.ask("POST", f"{path}.csv", user="admin", content=sheet)).json()
            assert [line["verdict"] for line in plan["lines"]] == ["add"], plan
            assert (await centre.ask("GET", f"{path}/sheet", user="admin")).status_code == 404
            done = await centre.ask("POST", f"{path}.csv?plan={plan['plan']}", user="admin", content=sheet)
            assert done.json()["applied"] is True, done.text
            assert (await centre.ask("GET", f"{path}/sheet", user="admin")).status_code == 200
        unsecured = "id,account\r\nsheet,somebody\r\n"
        (line,) = (await centre.ask("POST", "trunks.csv", user="admin", content=unsecured)).json()["lines"]
        assert (line["verdict"], line["problems"][0]["where"]) == ("refused", "password")
    finally:
        for path in sheets:
            await centre.ask("DELETE", f"{path}/sheet", user="admin")


async def test_customers_come_by_sheet_with_their_history_and_go_out_on_the_record(centre: Centre) -> None:
    sheet = "id,phone,name\r\nsheet-1,+86 139 0000 7001,王芳\r\n"
    plan = (await centre.ask("POST", "customers.csv", content=sheet.encode())).json()
    assert [line["verdict"] for line in plan["lines"]] == ["add"]
    assert (await centre.ask("GET", "customers/sheet-1")).status_code == 404
    done = await centre.ask("POST", f"customers.csv?plan={plan['plan']}", content=sheet.encode())
    assert done.json()["applied"] is True, done.text
    (found,) = await centre.items("customers", number="13900007001")
    assert (found["account"], found["name"]) == ("sheet-1", "王芳")
    (change,) = await centre.items("customers/sheet-1/history")
    assert (change["by"], change["before"]) == ("sup1", None)
    assert await centre.items("audit", user="auditor1", action="customer.save") == []

    wrong = "id,phone,name\r\nsheet-2,nobody,A\r\nno account,13900007002,B\r\n"
    lines = (await centre.ask("POST", "customers.csv", content=wrong)).json()["lines"]
    assert [line["problems"][0]["where"] for line in lines] == ["phone", "id"]

    assert "王芳" in (await centre.ask("GET", "customers.csv")).text
    taken = await centre.items("audit", user="auditor1", action="customer.export")
    assert (taken[0]["object"], taken[0]["subject"]) == ("customers", "sup1")


async def test_shifts_of_one_sheet_do_not_overlap_and_none_is_planned_where_one_does(centre: Centre) -> None:
    sheet = "\r\n".join(
        (
            "id,agent,day,start,end,zone",
            "one,1003,2030-02-01,09:00,12:00,",
            "two,1003,2030-02-01,11:59,14:00,",
            "three,1003,2030-02-01,14:00,15:00,",
            "four,1005,2030-02-01,09:00,12:00,",
            "five,1005,2030-02-02,01:00,02:00,Mars",
        )
    )
    plan = (await centre.ask("POST", "configuration/shifts.csv", user="admin", content=sheet)).json()
    refused = {line["id"]: line["problems"][0]["where"] for line in plan["lines"] if line["verdict"] == "refused"}
    assert refused == {"two": "start", "five": "zone"}
    told = await centre.ask("POST", f"configuration/shifts.csv?plan={plan['plan']}", user="admin", content=sheet)
    assert told.status_code == 409, told.text
    assert (await centre.ask("GET", "configuration/shifts/one", user="admin")).status_code == 404
