"""Finding and hearing recordings over REST: who may, ranges, and the trace of every listening."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.app.http import build_http
from ccplatform.contracts.words import AgentId, QueueId, RecordingId, RecordingMode, Role, SeatId
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.ids import Ids
from ccplatform.security.access import Access
from ccplatform.security.audit import Audit
from ccplatform.security.errors import NotAuthenticated
from ccplatform.security.model import Principal, Session
from ccplatform.security.tokens import Tokens
from recording.errors import NoRecording, RangeNotSatisfiable
from recording.files import RecordingFiles, started_at_of
from recording.model import Pause, Recording, RecordingFilter
from recording.ranges import PIECE_BYTES, wanted_span
from recording.routes import build_router
from recording.sealed import Sounds
from recording.store import Catalogue
from recording.wave import wave_header
from tests.recording.kit import CONTACT
from tests.support.sealed import RING, write_sealed

MAY = {Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN}
#: An id that nothing has.
NOBODY = "ee14ca60-ab0d-4f01-81ab-e1acf7799b14"
#: Two pieces and a bit, no two seconds alike.
SAMPLES = bytes(range(256)) * (2 * PIECE_BYTES // 256) + bytes(400)
AUDIO = wave_header(len(SAMPLES), 8000) + SAMPLES


class FakeTokens:
    """The token is a role's name; ``red`` is a supervisor of the agents of that team."""

    async def session(self, token: str) -> Session:
        if token not in {*Role, "red"}:
            raise NotAuthenticated
        role = Role.SUPERVISOR if token == "red" else Role(token)
        teams = frozenset({"red"} if token == "red" else ())
        principal = Principal(user=f"the {token}", roles=frozenset({role}), agent=None, teams=teams)
        return Session(principal=principal, must_change=False, expires_at=datetime(2027, 1, 1, tzinfo=UTC))


@dataclass
class FakeCatalogue:
    rows: dict[RecordingId, Recording] = field(default_factory=dict)
    asked: list[tuple[RecordingFilter, int]] = field(default_factory=list)

    async def get(self, recording: RecordingId) -> Recording:
        if recording not in self.rows:
            raise NoRecording(recording)
        return self.rows[recording]

    async def pauses(self, recording: RecordingId) -> list[Pause]:
        at = self.rows[recording].started_at
        return [Pause(at=at, by="1004", reason="card", resumed_at=None, resumed_by="")]

    async def set_hold(self, recording: RecordingId, *, held: bool, reason: str, by: str, audit: Audit) -> None:
        row = await self.get(recording)
        self.rows[recording] = replace(row, held=held, hold_reason=reason, held_by=by)

    async def page(self, wanted: RecordingFilter, limit: int) -> list[Recording]:
        self.asked.append((wanted, limit))
        rows = sorted(self.rows.values(), key=lambda row: row.id, reverse=True)
        return [row for row in rows if wanted.before is None or row.id < wanted.before][:limit]


def of_red(principal: Principal) -> frozenset[AgentId] | None:
    """1005 is in the red team."""
    return frozenset({AgentId("1005")}) if principal.teams else None


@dataclass
class FakeAudit:
    entries: list[dict[str, Any]] = field(default_factory=list)
    away: bool = False

    async def record(self, **entry: Any) -> None:
        if self.away:
            raise Unavailable("the database is away")
        self.entries.append(entry)


async def _callers(contacts: Sequence[str]) -> dict[str, str]:
    return dict.fromkeys(contacts, "13800000001")


class Room:
    """The routes over a real directory with one recording."""

    def __init__(self, directory: Path) -> None:
        clock = VirtualClock()
        self.ids = Ids(clock)
        self.files = RecordingFiles(directory)
        self.catalogue = FakeCatalogue()
        self.audit = FakeAudit()
        self.recording = self.add()
        router = build_router(
            access=Access(tokens=cast(Tokens, FakeTokens())),
            catalogue=cast(Catalogue, self.catalogue),
            sounds=Sounds(files=self.files, keys=RING),
            audit=cast(Audit, self.audit),
            overseen=of_red,
            digest=lambda number: f"digest of {number}".encode(),
            callers=_callers,
        )
        self.app = build_http(
            routers=[router], root_routers=[], readiness=_ready, pages=None, max_body_bytes=100_000
        )

    def add(self) -> RecordingId:
        recording = RecordingId(self.ids.new())
        self.files.prepare(recording)
        write_sealed(self.files.path_of(recording), recording, SAMPLES)
        self.catalogue.rows[recording] = Recording(
            id=recording,
            contact=CONTACT,
            mode=RecordingMode.FULL,
            queue=QueueId("support"),
            agent=AgentId("1004"),
            seat=SeatId("seat-04"),
            started_at=started_at_of(recording),
            ended_at=started_at_of(recording),
            seconds=32.8,
            size_bytes=len(AUDIO),
            complete=True,
            reason="",
            held=False,
            deleted_at=None,
        )
        return recording

    @asynccontextmanager
    async def http(self, who: str | None = "supervisor") -> AsyncIterator[httpx.AsyncClient]:
        headers = {"Authorization": f"Bearer {who}"} if who is not None else {}
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://centre.test/api/v1", headers=headers
        ) as client:
            yield client

    async def audio(self, **headers: str) -> httpx.Response:
        async with self.http() as http:
            return await http.get(f"/recordings/{self.recording}/audio", headers=headers)


async def _ready() -> dict[str, bool]:
    return {"ready": True}


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


@pytest.mark.parametrize("path", ["", "/{id}", "/{id}/audio"])
async def test_every_route_answers_every_role_as_it_should(room: Room, path: str) -> None:
    answers: dict[str | None, int] = {}
    for who in (None, "nobody", *Role):
        room.audit.entries.clear()
        async with room.http(who) as http:
            response = await http.get("/recordings" + path.format(id=room.recording))
        answers[who] = response.status_code
        assert response.status_code == 200 or room.audit.entries == []
    roles = {role: 200 if role in MAY else 403 for role in Role}
    assert answers == {None: 401, "nobody": 401} | roles


@pytest.mark.parametrize("who", [None, *Role])
async def test_only_auditors_and_administrators_hold_recordings_with_a_reason(room: Room, who: str | None) -> None:
    async with room.http(who) as http:
        answer = await http.put(f"/recordings/{room.recording}/hold", json={"held": True, "reason": "case 4711"})
        wrong = await http.put(f"/recordings/{room.recording}/hold", json={"held": True})
    may = who in (Role.AUDITOR, Role.ADMIN)
    assert answer.status_code == (200 if may else 401 if who is None else 403)
    assert room.catalogue.rows[room.recording].held is may
    assert wrong.status_code != 200


async def test_a_supervisor_of_teams_hears_their_agents_and_finds_no_others(room: Room) -> None:
    their = room.add()
    room.catalogue.rows[their] = replace(room.catalogue.rows[their], agent=AgentId("1005"))
    nobodys = room.add()
    room.catalogue.rows[nobodys] = replace(room.catalogue.rows[nobodys], agent=None)
    async with room.http("red") as http:
        await http.get("/recordings")
        for recording, status in ((room.recording, 404), (their, 200), (nobodys, 200)):
            assert (await http.get(f"/recordings/{recording}")).status_code == status
            assert (await http.get(f"/recordings/{recording}/audio")).status_code == status
    assert room.catalogue.asked[0][0].agents == frozenset({AgentId("1005")})
    assert len(room.audit.entries) == 2


async def test_the_whole_is_sent_and_the_listening_audited(room: Room) -> None:
    response = await room.audio()
    assert (response.status_code, response.content) == (200, AUDIO)
    assert response.headers["content-type"] == "audio/wav"
    assert response.headers["content-length"] == str(len(AUDIO))
    assert response.headers["accept-ranges"] == "bytes"
    assert response.headers["cache-control"] == "no-store"
    [entry] = room.audit.entries
    assert (entry["subject"], entry["action"], entry["object"]) == (
        "the supervisor",
        "recording.listen",
        room.recording,
    )


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=44-1043", 44, 1043),
        ("bytes=100-", 100, len(AUDIO) - 1),
        ("bytes=-500", len(AUDIO) - 500, len(AUDIO) - 1),
        (f"bytes=10-{10**12}", 10, len(AUDIO) - 1),
        (f"bytes=-{10**12}", 0, len(AUDIO) - 1),
        (f"bytes={PIECE_BYTES - 1}-{PIECE_BYTES}", PIECE_BYTES - 1, PIECE_BYTES),
    ],
)
async def test_one_range_is_answered_with_206(room: Room, asked: str, first: int, last: int) -> None:
    response = await room.audio(Range=asked)
    assert response.status_code == 206
    assert response.headers["content-range"] == f"bytes {first}-{last}/{len(AUDIO)}"
    assert response.content == AUDIO[first : last + 1]
    assert room.audit.entries[0]["detail"]["range"] == asked


@pytest.mark.parametrize("asked", [f"bytes={len(AUDIO)}-", "bytes=-0", "bytes=0-1,5-6", "bytes=0-,"])
async def test_a_range_that_is_not_there_or_several_are_refused_with_416(room: Room, asked: str) -> None:
    response = await room.audio(Range=asked)
    assert response.status_code == 416
    assert response.headers["content-range"] == f"bytes */{len(AUDIO)}"
    assert response.json()["code"] == "range_not_satisfiable"
    assert room.audit.entries == []


@pytest.mark.parametrize("asked", ["bytes=5-3", "bytes=-", "bytes=a-b", "items=0-1", "bytes 0-1"])
async def test_what_is_no_range_is_ignored(room: Room, asked: str) -> None:
    assert (await room.audio(Range=asked)).status_code == 200


async def test_if_range_of_another_file_gets_the_whole(room: Room) -> None:
    tag = (await room.audio()).headers["etag"]
    assert (await room.audio(**{"Range": "bytes=0-1", "If-Range": tag})).status_code == 206
    assert (await room.audio(**{"Range": "bytes=0-1", "If-Range": '"other"'})).status_code == 200


@given(st.text(max_size=30) | st.from_regex(r"bytes=[0-9]{0,4}-[0-9]{0,4}", fullmatch=True), st.integers(0, 2000))
def test_any_header_gives_a_span_inside_the_file_or_a_refusal(header: str, size: int) -> None:
    try:
        span = wanted_span(header, size)
    except RangeNotSatisfiable:
        return
    assert span is None or 0 <= span.first <= span.last < size


async def test_without_the_audit_nobody_listens(room: Room) -> None:
    room.audit.away = True
    assert (await room.audio()).status_code == 503


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"ended_at": None}, 409, "still_recording"),
        ({"deleted_at": datetime(2026, 3, 1, tzinfo=UTC)}, 404, "recording_gone"),
    ],
)
async def test_what_cannot_be_played_says_why(room: Room, change: dict[str, Any], status: int, code: str) -> None:
    room.catalogue.rows[room.recording] = replace(room.catalogue.rows[room.recording], **change)
    response = await room.audio()
    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_a_file_that_is_missing_or_a_link_is_not_played(room: Room, tmp_path: Path) -> None:
    path = room.files.path_of(room.recording)
    path.unlink()
    assert (await room.audio()).json()["code"] == "recording_gone"
    (tmp_path / "elsewhere").write_bytes(AUDIO)
    path.symlink_to(tmp_path / "elsewhere")
    assert (await room.audio()).json()["code"] == "recording_gone"


@pytest.mark.parametrize("name", ["..%2f..%2fetc%2fpasswd", "a", NOBODY, "%00"])
async def test_no_name_but_a_recording_id_reaches_a_file(room: Room, name: str) -> None:
    async with room.http() as http:
        response = await http.get(f"/recordings/{name}/audio")
    assert response.status_code in (404, 422)
    assert room.audit.entries == []


async def test_lists_pass_their_filters_on_and_are_paged(room: Room) -> None:
    newer = room.add()
    async with room.http() as http:
        query = {"from": "2026-01-01T00:00:00+08:00", "agent": "1004", "queue": "support", "limit": "1"}
        page = (await http.get("/recordings", params=query)).json()
        rest = (await http.get("/recordings", params={"cursor": page["next_cursor"]})).json()
    assert [row["id"] for row in page["items"]] == [newer]
    assert [row["id"] for row in rest["items"]] == [room.recording]
    assert rest["next_cursor"] is None
    wanted, limit = room.catalogue.asked[0]
    assert (wanted.agent, wanted.queue, limit) == ("1004", "support", 2)
    assert wanted.start == datetime(2025, 12, 31, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"cursor": "x"}, 400),
        ({"cursor": NOBODY}, 400),
        ({"limit": "0"}, 422),
        ({"limit": "501"}, 422),
        ({"from": "yesterday"}, 422),
        ({"from": "2026-01-01T00:00:00"}, 422),
        ({"contact": "x"}, 422),
        ({"agent": "x" * 65}, 422),
    ],
)
async def test_wrong_queries_are_refused(room: Room, query: dict[str, str], status: int) -> None:
    async with room.http() as http:
        assert (await http.get("/recordings", params=query)).status_code == status
