"""Who may do what: every route against every role, log-ins, tokens, health, alarms, and what the audit keeps."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any, Final
from uuid import UUID

import httpx
import pytest

from tests.e2e.centre import CALLER_HZ, Centre, Row
from tests.e2e.rig import Journal, centre_of
from tests.support import sources
from tests.support.fixtures import MakePhone
from tests.support.milestone import PATIENCE
from tests.support.platform import PlatformProcess, logged_in

#: One person of each role, and nobody.
PEOPLE: Final = {
    "agent": "1001",
    "supervisor": "sup1",
    "auditor": "auditor1",
    "maintainer": "tech1",
    "admin": "admin",
}
ALL: Final = frozenset(PEOPLE)
DESK: Final = frozenset({"agent"})
CALLS: Final = frozenset({"agent", "supervisor"})
LISTEN: Final = frozenset({"supervisor"})
LISTENERS: Final = frozenset({"supervisor", "auditor", "admin"})
MESSAGE_READERS: Final = LISTENERS | DESK
FIGURES: Final = ALL - {"agent"}
PLANNERS: Final = frozenset({"supervisor", "admin"})
WATCHERS: Final = frozenset({"supervisor", "maintainer", "admin"})
OPERATORS: Final = frozenset({"maintainer", "admin"})
NOTHING: Final = UUID(int=0)

PLANNED: Final = (
    "agents",
    "teams",
    "skills",
    "queues",
    "calendars",
    "reasons",
    "dispositions",
    "articles",
    "shifts",
)

#: Method and path → the roles that may; None: nobody has to say who he is.
MAY: Final[dict[tuple[str, str], frozenset[str] | None]] = {
    ("GET", "/healthz"): None,
    ("GET", "/readyz"): None,
    ("POST", "/api/v1/auth/login"): None,
    ("GET", "/api/v1/events"): None,  # a WebSocket: the token comes inside
    ("POST", "/api/v1/auth/logout"): ALL,
    ("GET", "/api/v1/me"): ALL,
    ("POST", "/api/v1/me/password"): ALL,
    ("GET", "/api/v1/me/pop"): DESK,
    ("GET", "/api/v1/me/day"): DESK,
    ("GET", "/api/v1/adherence"): LISTENERS,
    ("GET", "/api/v1/me/reasons"): ALL,
    ("POST", "/api/v1/me/softphone"): CALLS,
    ("GET", "/api/v1/customers/{account}"): CALLS,
    ("PUT", "/api/v1/customers/{account}"): CALLS,
    ("GET", "/api/v1/customers/{account}/history"): CALLS,
    ("GET", "/api/v1/me/contacts/{contact}/note"): DESK,
    ("PUT", "/api/v1/me/contacts/{contact}/note"): DESK,
    ("POST", "/api/v1/me/wrap-up/extend"): DESK,
    ("POST", "/api/v1/me/wrap-up/finish"): DESK,
    ("GET", "/api/v1/me/articles"): DESK,
    ("POST", "/api/v1/me/articles/{article_id}/read"): DESK,
    ("GET", "/api/v1/configuration/articles/{article_id}/readings"): PLANNERS | {"auditor"},
    ("GET", "/api/v1/agents"): ALL,
    ("GET", "/api/v1/agents/{agent_id}"): ALL,
    ("PUT", "/api/v1/agents/{agent_id}/state"): frozenset({"agent", "supervisor", "admin"}),
    ("GET", "/api/v1/queues"): ALL,
    ("GET", "/api/v1/queues/{queue_id}"): ALL,
    ("GET", "/api/v1/calls"): ALL,
    ("POST", "/api/v1/calls"): CALLS,
    ("DELETE", "/api/v1/calls/{call_id}"): CALLS,
    ("POST", "/api/v1/calls/{call_id}/hold"): CALLS,
    ("POST", "/api/v1/calls/{call_id}/retrieve"): CALLS,
    ("POST", "/api/v1/calls/{call_id}/dtmf"): CALLS,
    ("POST", "/api/v1/calls/{call_id}/hangup"): CALLS,
    ("POST", "/api/v1/calls/{call_id}/transfer"): CALLS,
    ("POST", "/api/v1/calls/{call_id}/consult"): CALLS,
    ("POST", "/api/v1/calls/{call_id}/complete"): CALLS,
    ("POST", "/api/v1/calls/{call_id}/cancel"): CALLS,
    ("POST", "/api/v1/calls/{call_id}/swap"): CALLS,
    ("POST", "/api/v1/calls/{call_id}/conference"): CALLS,
    ("DELETE", "/api/v1/calls/{call_id}/parties/{leg}"): CALLS,
    ("POST", "/api/v1/calls/{call_id}/monitor"): LISTEN,
    ("POST", "/api/v1/calls/{call_id}/whisper"): LISTEN,
    ("POST", "/api/v1/calls/{call_id}/barge"): LISTEN,
    ("POST", "/api/v1/calls/{call_id}/take-over"): LISTEN,
    ("POST", "/api/v1/calls/{call_id}/pickup"): LISTEN,
    ("POST", "/api/v1/calls/{call_id}/recording/pause"): CALLS,
    ("POST", "/api/v1/calls/{call_id}/recording/resume"): CALLS,
    ("POST", "/api/v1/calls/{call_id}/recording/stop"): CALLS,
    ("POST", "/api/v1/calls/{call_id}/recording/start"): CALLS,
    ("GET", "/api/v1/call-backs"): LISTENERS,
    ("POST", "/api/v1/call-backs"): PLANNERS | {"agent"},
    ("PUT", "/api/v1/call-backs/{call_back}"): PLANNERS,
    ("DELETE", "/api/v1/call-backs/{call_back}"): PLANNERS,
    ("GET", "/api/v1/customers"): CALLS,
    ("GET", "/api/v1/customers.csv"): PLANNERS,
    ("POST", "/api/v1/customers.csv"): PLANNERS,
    ("POST", "/api/v1/sip/ports/{transport}/reset"): OPERATORS,
    ("POST", "/api/v1/seats/{seat}/reset"): OPERATORS,
    **{
        ("GET", f"/api/v1/signalling{path}"): WATCHERS | {"auditor"}
        for path in ("", "/tail", "/capture", "/state")
    },
    ("GET", "/api/v1/contacts"): ALL - {"maintainer"},
    ("GET", "/api/v1/contacts/{contact}"): ALL - {"maintainer"},
    ("GET", "/api/v1/contacts/{contact}/events"): ALL - {"maintainer"},
    ("GET", "/api/v1/contacts/{contact}/trace"): ALL - {"agent"},
    ("GET", "/api/v1/recordings"): LISTENERS,
    ("GET", "/api/v1/recordings/{recording_id}"): LISTENERS,
    ("GET", "/api/v1/recordings/{recording_id}/audio"): LISTENERS,
    ("GET", "/api/v1/recordings/days"): LISTENERS - {"supervisor"},
    ("GET", "/api/v1/recordings/stores"): LISTENERS - {"supervisor"},
    ("GET", "/api/v1/recordings/{recording_id}/waveform"): LISTENERS,
    ("GET", "/api/v1/recordings/{recording_id}/comments"): LISTENERS,
    ("POST", "/api/v1/recordings/{recording_id}/comments"): LISTENERS,
    ("DELETE", "/api/v1/recordings/{recording_id}/comments/{comment_id}"): LISTENERS,
    ("POST", "/api/v1/recordings/{recording_id}/links"): LISTENERS,
    ("POST", "/api/v1/recordings/{recording_id}/exports"): LISTENERS - {"supervisor"},
    ("GET", "/api/v1/recordings/linked/{token}"): None,  # the link is the leave: one recording, a short time
    ("PUT", "/api/v1/recordings/{recording_id}/hold"): LISTENERS - {"supervisor"},
    ("GET", "/api/v1/compliance"): FIGURES,
    ("GET", "/api/v1/figures"): FIGURES,
    ("GET", "/api/v1/forecast"): FIGURES,
    ("GET", "/api/v1/reports/{name}"): FIGURES - {"maintainer"},
    ("GET", "/api/v1/report-schedules"): FIGURES - {"maintainer"},
    ("PUT", "/api/v1/report-schedules/{schedule_id}"): frozenset({"admin"}),
    ("DELETE", "/api/v1/report-schedules/{schedule_id}"): frozenset({"admin"}),
    ("GET", "/api/v1/mystery-calls"): ALL - {"agent"},
    ("POST", "/api/v1/mystery-calls"): frozenset({"supervisor", "maintainer", "admin"}),
    ("GET", "/api/v1/alarms"): ALL - {"agent"},
    ("POST", "/api/v1/alarms/{alarm}/acknowledge"): frozenset({"supervisor", "maintainer", "admin"}),
    ("GET", "/api/v1/audit"): frozenset({"auditor", "admin"}),
    ("GET", "/api/v1/audit/verification"): frozenset({"auditor", "admin"}),
    ("GET", "/api/v1/journal/days"): frozenset({"auditor", "admin"}),
    ("GET", "/api/v1/seats"): WATCHERS,
    ("GET", "/api/v1/trunks"): WATCHERS,
    ("GET", "/api/v1/trunks/{trunk}"): WATCHERS,
    ("PUT", "/api/v1/trunks/{name}"): OPERATORS,
    ("DELETE", "/api/v1/trunks/{name}"): OPERATORS,
    ("GET", "/api/v1/trunks/{name}/users"): WATCHERS,
    ("GET", "/api/v1/trunks/{name}/history"): WATCHERS,
    ("GET", "/api/v1/trunks.csv"): WATCHERS,
    ("POST", "/api/v1/trunks.csv"): OPERATORS,
    ("POST", "/api/v1/trunks/{trunk}/{action}"): OPERATORS,
    ("GET", "/api/v1/clock"): WATCHERS,
    ("GET", "/api/v1/isdn/spans"): WATCHERS,
    ("POST", "/api/v1/isdn/spans/{span}/{action}"): OPERATORS,
    ("POST", "/api/v1/isdn/spans/{span}/channels/{slot}/{action}"): OPERATORS,
    ("POST", "/api/v1/isdn/spans/{span}/channels/{slot}/loop-test"): OPERATORS,
    ("POST", "/api/v1/isdn/spans/{span}/timing/{source}"): OPERATORS,
    ("GET", "/api/v1/isdn/spans/{span}/trace"): WATCHERS,
    ("GET", "/api/v1/isdn/spans/{span}/capture"): WATCHERS,
    ("GET", "/api/v1/outbound-routes"): WATCHERS,
    ("PUT", "/api/v1/outbound-routes"): OPERATORS,
    ("GET", "/api/v1/sip/bans"): WATCHERS,
    ("DELETE", "/api/v1/sip/bans/{source}"): OPERATORS,
    ("GET", "/api/v1/sip/ports"): WATCHERS,
    **{
        ("GET", f"/api/v1/flows{path}"): FIGURES
        for path in (
            "",
            "/{name}",
            "/{name}/users",
            "/{name}/history",
            "/{name}/versions",
            "/{name}/versions/{number}",
            "/{name}/differences",
            "/{name}/export",
        )
    },
    ("GET", "/api/v1/flow-schema"): FIGURES,
    ("POST", "/api/v1/flows/validate"): FIGURES,
    ("GET", "/api/v1/flow-names"): FIGURES,
    ("POST", "/api/v1/flows/preview"): FIGURES,
    ("GET", "/api/v1/flows/{name}/heat"): FIGURES,
    **{("POST", f"/api/v1/flows/simulate{path}"): FIGURES for path in ("", "/trial", "/sound", "/speech")},
    ("GET", "/api/v1/flows/{name}/recordings"): FIGURES,
    ("GET", "/api/v1/flows/{name}/recordings/{recording}/{language}"): FIGURES,
    ("PUT", "/api/v1/flows/{name}/recordings/{recording}/{language}"): PLANNERS,
    ("DELETE", "/api/v1/flows/{name}/recordings/{recording}/{language}"): PLANNERS,
    ("POST", "/api/v1/flows/import"): PLANNERS,
    ("PUT", "/api/v1/flows/{name}"): PLANNERS,
    ("DELETE", "/api/v1/flows/{name}"): PLANNERS,
    ("POST", "/api/v1/flows/{name}/publish"): PLANNERS,
    ("POST", "/api/v1/flows/{name}/roll-back"): PLANNERS,
    ("POST", "/api/v1/configuration/numbers/answering"): PLANNERS | {"auditor", "maintainer"},
    ("GET", "/api/v1/configuration/holidays"): PLANNERS | {"auditor"},
    ("GET", "/api/v1/messages"): MESSAGE_READERS,
    ("GET", "/api/v1/messages/{message_id}"): MESSAGE_READERS,
    ("GET", "/api/v1/messages/{message_id}/audio"): MESSAGE_READERS,
    ("PUT", "/api/v1/messages/{message_id}/state"): CALLS,
    ("POST", "/api/v1/messages/{message_id}/hand-out"): CALLS,
    ("POST", "/api/v1/messages/{message_id}/call-back"): CALLS,
    ("DELETE", "/api/v1/messages/{message_id}"): CALLS,
    **{
        (method, f"/api/v1/configuration/{things}{one}"): readers if method == "GET" else changers
        for things, readers, changers in (
            *((things, PLANNERS | {"auditor"}, PLANNERS) for things in PLANNED),
            ("numbers", PLANNERS | {"auditor", "maintainer"}, PLANNERS),
            *(
                (things, PLANNERS | {"auditor", "maintainer"}, OPERATORS)
                for things in ("seats", "number-classes", "call-permissions")
            ),
            ("recording-rules", PLANNERS | {"auditor"}, frozenset({"admin"})),
            ("users", frozenset({"admin", "auditor"}), frozenset({"admin"})),
            ("crm-links", PLANNERS | {"auditor"}, frozenset({"admin"})),
            ("scripts", PLANNERS | {"auditor"}, frozenset({"admin"})),
        )
        for method, one in (
            ("GET", ""),
            ("GET", "/{name}"),
            ("GET", "/{name}/users"),
            ("GET", "/{name}/history"),
            ("PUT", "/{name}"),
            ("DELETE", "/{name}"),
            ("GET", ".csv"),
            ("POST", ".csv"),
        )
    },
}
#: Bodies and queries that are well formed, so that nothing but the role decides; what is missing is refused later.
BODIES: Final[dict[tuple[str, str], Any]] = {
    ("PUT", "/api/v1/customers/{account}"): {"phone": "none", "name": "nobody"},
    ("POST", "/api/v1/me/articles/{article_id}/read"): {"version": "x"},
    ("PUT", "/api/v1/flows/{name}"): {"document": {}},
    ("POST", "/api/v1/flows/preview"): {"language": "en", "prompt": "One"},
    ("POST", "/api/v1/configuration/numbers/answering"): {
        "number": {"flow": "main"},
        "at": "2026-01-05T10:00:00+08:00",
    },
    ("POST", "/api/v1/flows/simulate"): {"flow": "main", "version": "current"},
    ("POST", "/api/v1/flows/simulate/trial"): {"flow": "main", "version": "current"},
    ("POST", "/api/v1/flows/simulate/sound"): {"pieces": [{"seconds": 1}]},
    ("POST", "/api/v1/flows/simulate/speech"): {"language": "en", "audio": ""},
    ("POST", "/api/v1/flows/{name}/publish"): {},
    ("POST", "/api/v1/flows/{name}/roll-back"): {"version": 1},
    ("PUT", "/api/v1/messages/{message_id}/state"): {"state": "heard"},
    ("POST", "/api/v1/recordings/{recording_id}/comments"): {"at_seconds": 0, "text": "x"},
    ("POST", "/api/v1/recordings/{recording_id}/exports"): {"reason": "case 4711"},
    ("POST", "/api/v1/messages/{message_id}/hand-out"): {"to": "queue:sales"},
    ("POST", "/api/v1/messages/{message_id}/call-back"): {},
    ("PUT", "/api/v1/agents/{agent_id}/state"): {"state": "ready"},
    ("POST", "/api/v1/calls"): {"to": "no number"},
    ("POST", "/api/v1/calls/{call_id}/dtmf"): {"digits": "1"},
    ("POST", "/api/v1/calls/{call_id}/recording/pause"): {"reason": "card"},
    ("POST", "/api/v1/me/password"): {"old_password": "wrong", "new_password": "short"},
    ("POST", "/api/v1/me/softphone"): {"seat": "seat-01"},
    ("POST", "/api/v1/auth/login"): {"username": "nobody", "password": "x"},
}
VALUES: Final = {
    "account": "none",
    "agent_id": "1001",
    "article_id": "nothing",
    "queue_id": "sales",
    "call_id": str(NOTHING),
    "leg": str(NOTHING),
    "contact": str(NOTHING),
    "recording_id": str(NOTHING),
    "comment_id": str(NOTHING),
    "token": "nothing",
    "message_id": str(NOTHING),
    "alarm": str(NOTHING),
    "name": "daily",
    "number": "1",
    "recording": "welcome",
    "language": "en",
    "call_back": str(NOTHING),
    "schedule_id": str(NOTHING),
    "trunk": "nowhere",
    "transport": "SCTP",
    "seat": "nowhere",
    "action": "block",
    "span": "nowhere",
    "slot": "1",
    "source": "192.0.2.1",
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    """Log-ins end soon and are looked up at each request."""
    environment = {
        "CCP_SECURITY__TOKEN_CACHE_SECONDS": "0",
        "CCP_SECURITY__THROTTLE__FIRST_WAIT_SECONDS": "1",
    }
    with PlatformProcess(tmp_path_factory.mktemp("a"), environment=environment) as started:
        yield started


@pytest.fixture
async def centre(guarded: PlatformProcess, callers: Iterator[int]) -> AsyncIterator[Centre]:
    async with centre_of(guarded, callers) as made:
        yield made


async def described(centre: Centre) -> set[tuple[str, str]]:
    async with httpx.AsyncClient(base_url=centre.platform.http, timeout=PATIENCE) as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    return {(method.upper(), path) for path, methods in paths.items() for method in methods}


def filled(path: str) -> str:
    for name, value in VALUES.items():
        path = path.replace("{" + name + "}", value)
    assert "{" not in path, path
    return path + ("?number=13800000001" if path.endswith("/customers") else "")


async def test_every_route_says_who_may_use_it(centre: Centre) -> None:
    routes = await described(centre)
    assert routes - MAY.keys() == set(), "routes without an entry in MAY"
    assert MAY.keys() - routes == set(), "entries of MAY without a route"


async def test_every_role_may_what_the_table_says_and_nothing_else(centre: Centre) -> None:
    wrong = []
    async with (
        httpx.AsyncClient(base_url=centre.platform.http, timeout=PATIENCE) as client,
        AsyncExitStack() as stack,
    ):
        people = {
            role: await stack.enter_async_context(logged_in(centre.platform.http, user, f"demo-{user}"))
            for role, user in PEOPLE.items()
        }
        for (method, path), roles in MAY.items():
            if roles is None or path.endswith("/logout"):
                continue
            url, body = filled(path), BODIES.get((method, path))
            answer = await client.request(method, url, json=body)
            if (answer.status_code, answer.headers.get("www-authenticate")) != (401, "Bearer"):
                wrong.append(f"{method} {path}: nobody got {answer.status_code}")
            for role, person in people.items():
                answer = await person.request(method, centre.platform.http + url, json=body)
                if (answer.status_code != 403) is not (role in roles):
                    wrong.append(f"{method} {path}: {role} got {answer.status_code} {answer.text[:80]}")
                if answer.status_code >= 500 and answer.status_code != 501:
                    wrong.append(f"{method} {path}: {role} got {answer.status_code} {answer.text[:80]}")
    assert not wrong, "\n".join(wrong)


async def test_an_agent_sees_and_does_his_own_only(centre: Centre) -> None:
    answer = await centre.ask("PUT", "agents/1002/state", user="1001", json={"state": "ready"})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


async def test_a_token_is_worthless_after_log_out_and_when_made_up(centre: Centre) -> None:
    async with logged_in(centre.platform.http, "1001", "demo-1001") as person:
        assert (await person.get("me")).json()["user"] == "1001"
        assert (await person.post("auth/logout")).status_code == 204
        answer = await person.get("me")
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
        for token in ("x", "cct_" + "A" * 43, "cct_" + "A" * 5000):
            answer = await person.get("me", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 401, token[:20]


async def test_log_ins_that_guess_have_to_wait(centre: Centre) -> None:
    async with httpx.AsyncClient(base_url=f"{centre.platform.http}/api/v1/") as client:

        async def guess(password: str) -> httpx.Response:
            return await client.post("auth/login", json={"username": "1009", "password": password})

        seen = [(await guess("wrong")).status_code for _ in range(5)]
        assert seen == [401] * 5
        answer = await guess("demo-1009")
        assert (answer.status_code, answer.json()["code"]) == (429, "throttled")
        assert int(answer.headers["retry-after"]) >= 1

        async def now_right() -> httpx.Response:
            return await guess("demo-1009")

        await centre.eventually(now_right, lambda response: bool(response.status_code == 200))
    async with logged_in(centre.platform.http, "1008", "demo-1008") as other:  # nobody else has to wait
        assert (await other.get("me")).status_code == 200


async def test_the_audit_says_who_did_what(centre: Centre, phone: MakePhone) -> None:
    caller = await phone(centre.new_caller(), source=sources.tone(CALLER_HZ))
    async with centre.desk("1004", ready=False) as desk:
        await centre.set_state("1004", "ready", user="sup1")
        call = await caller.dial(centre.number("95001"))
        ringing = await desk.next_call()
        await ringing.answer()
        await call.heard()
        contact = await centre.contact(caller.user)
        await call.hang_up()
        recording = await centre.recording(contact["id"])
        audio = await centre.ask("GET", f"recordings/{recording['id']}/audio", user="sup1")
        assert audio.status_code == 200
    killed = centre.platform.kill("media")
    (alarm,) = await centre.eventually(lambda: _alarms(centre), lambda rows: len(rows) == 1)
    acknowledged = await centre.ask("POST", f"alarms/{alarm['id']}/acknowledge", user="tech1")
    await centre.platform.wait_ready_again("media", killed)
    assert acknowledged.status_code in (204, 404)  # 404: the worker was back before anybody could look
    done = {
        (row["subject"], row["action"], row["object"]): row["detail"]
        for row in await centre.items("audit", user="auditor1", limit=500)
    }
    assert ("sup1", "auth.login", "") in done
    assert done["sup1", "agent.state", "1004"]["state"] in ("ready", "signed_out")
    assert ("1004", "agent.state", "1004") not in done  # his own state: the journal has it
    assert ("sup1", "recording.listen", recording["id"]) in done
    assert (("tech1", "alarm.acknowledge", alarm["id"]) in done) is (acknowledged.status_code == 204)
    check = await centre.get("audit/verification", user="auditor1")
    assert check["intact"]
    assert check["rows"] == len(await Journal(centre.platform).rows("SELECT seq FROM audit"))


async def _alarms(centre: Centre) -> list[Row]:
    return [row for row in await centre.items("alarms") if row["kind"] == "media_worker_lost"]


async def test_the_history_of_alarms_is_paged_and_filtered(centre: Centre) -> None:
    rows = await centre.items("alarms")
    assert rows, "the test before made one"
    first = await centre.get("alarms", limit=1)
    assert [row["id"] for row in first["items"]] == [rows[0]["id"]]
    assert await centre.items("alarms", active=True) == [row for row in rows if row["cleared_at"] is None]
    cleared = await centre.items("alarms", active=False)
    assert all(row["lasted_seconds"] >= 0 for row in cleared)
    assert await centre.items("alarms", severity="urgent") == [row for row in rows if row["severity"] == "urgent"]
    assert await centre.items("alarms", **{"from": "2100-01-01T00:00:00Z"}) == []


async def test_health_says_what_is_wrong(centre: Centre) -> None:
    async with httpx.AsyncClient(base_url=centre.platform.http, timeout=PATIENCE) as client:
        assert (await client.get("/healthz")).json()["status"] == "ok"
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["ready"], ready.json()["reason"]) == (200, True, "")
        killed = await centre.kill_control()
        await centre.platform.wait_readyz(status=503)
        away = (await client.get("/readyz")).json()
        assert away["ready"] is False
        assert "control" in away["reason"], json.dumps(away)
        assert (await client.get("/healthz")).status_code == 200
        answer = await centre.ask("PUT", "agents/1005/state", json={"state": "not_ready", "seat": "seat-05"})
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert "control" in answer.json()["detail"]
        await centre.platform.wait_ready_again("control", killed)
