"""Comments, waveforms, links and exports over REST, on PostgreSQL."""

from __future__ import annotations

import io
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx
import numpy as np
import pytest
import soundfile

from ccplatform.app.http import build_http
from ccplatform.contracts.words import RecordingId, Role
from ccplatform.security.access import Access
from ccplatform.security.tokens import Tokens
from ccplatform.security.vault import Vault as SealingVault
from ccplatform.storage.database import Database
from recording.sharing.links import Links
from recording.sharing.routes import build_router
from recording.sharing.store import SharingStore
from recording.sharing.watermark import find
from recording.wave import WAVE_BYTES
from tests.recording.test_proof import Vault
from tests.recording.test_routes import FakeTokens, of_red
from tests.support.database import database, postgres_dsn  # noqa: F401
from tests.support.sealed import write_sealed
from tests.support.speech import speech_like

KEY = b"w" * 32


class Desk:
    """The routes over a vault with one recording: 20 seconds, the caller first, then the agent, louder."""

    def __init__(self, opened: Database, directory: Path) -> None:
        self.vault = Vault(opened, directory)
        self.store = SharingStore(
            database=opened,
            vault=SealingVault(b"s" * 32),
            audit=self.vault.audit,
            clock=self.vault.clock,
            ids=self.vault.ids,
        )
        router = build_router(
            access=Access(tokens=cast(Tokens, FakeTokens())),
            catalogue=self.vault.catalogue,
            sounds=self.vault.sounds,
            store=self.store,
            links=Links(key=b"l" * 32, clock=self.vault.clock, seconds=900),
            audit=self.vault.audit,
            overseen=of_red,
            mark_key=KEY,
            exporters=(Role.AUDITOR, Role.ADMIN),
        )
        self.app = build_http(
            routers=[router], root_routers=[], readiness=_ready, pages=None, max_body_bytes=100_000
        )

    async def add(self) -> RecordingId:
        recording = await self.vault.add()
        said = np.zeros((160_000, 2), dtype="<i2")
        said[:80_000, 0] = speech_like(10.0, seed=1)
        said[80_000:, 1] = speech_like(10.0, seed=2, dbm0=-14.0)
        write_sealed(self.vault.sounds.files.path_of(recording), recording, said.tobytes())
        await self.vault.sql("UPDATE recordings SET seconds = 20 WHERE id = $1", recording)
        return recording

    @asynccontextmanager
    async def http(self, who: str | None = "supervisor") -> AsyncIterator[httpx.AsyncClient]:
        headers = {"Authorization": f"Bearer {who}"} if who is not None else {}
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://centre.test", headers=headers
        ) as client:
            yield client

    async def ask(self, method: str, path: str, who: str | None = "supervisor", **more: Any) -> httpx.Response:
        async with self.http(who) as http:
            return await http.request(method, f"/api/v1/recordings/{path}", **more)

    async def audited(self, action: str) -> list[dict[str, Any]]:
        rows = await self.vault.audit.page(action=action)
        return [{"by": row.subject, "object": row.object, "detail": row.detail} for row in rows]


async def _ready() -> dict[str, bool]:
    return {"ready": True}


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:  # noqa: F811
    return Desk(database, tmp_path)


async def test_comments_stand_at_their_moments_with_who_made_them(desk: Desk) -> None:
    recording = await desk.add()
    for at, text, who in ((12.5, "angry here", "supervisor"), (3.0, "身份核实", "auditor")):
        body = {"at_seconds": at, "text": text}
        assert (await desk.ask("POST", f"{recording}/comments", who, json=body)).status_code == 201
    items = (await desk.ask("GET", f"{recording}/comments")).json()["items"]
    assert [(item["at_seconds"], item["text"], item["by"]) for item in items] == [
        (3.0, "身份核实", "the auditor"),
        (12.5, "angry here", "the supervisor"),
    ]
    audited = await desk.audited("recording.comment")
    assert {row["by"] for row in audited} == {"the supervisor", "the auditor"}
    assert "angry" not in str(audited)
    async with desk.vault.database.connection() as connection:
        rows = await connection.fetch("SELECT * FROM recording_comments")
    assert "angry" not in str(rows)


async def test_a_comment_that_is_sent_again_is_the_same(desk: Desk) -> None:
    recording = await desk.add()
    body = {"at_seconds": 1, "text": "once", "key": "k1"}
    first, second = [(await desk.ask("POST", f"{recording}/comments", json=body)).json() for _ in range(2)]
    assert first == second
    assert len((await desk.ask("GET", f"{recording}/comments")).json()["items"]) == 1
    other = await desk.ask("POST", f"{await desk.add()}/comments", json=body)
    assert other.status_code == 400


async def test_only_who_made_a_comment_takes_it_back_or_an_administrator(desk: Desk) -> None:
    recording = await desk.add()
    made = [
        (await desk.ask("POST", f"{recording}/comments", json={"at_seconds": 1, "text": "x"})).json()["id"]
        for _ in range(2)
    ]
    path = f"{recording}/comments/{made[0]}"
    assert (await desk.ask("DELETE", path, "auditor")).status_code == 403
    assert (await desk.ask("DELETE", path)).status_code == 204
    assert (await desk.ask("DELETE", path)).status_code == 404
    assert (await desk.ask("DELETE", f"{recording}/comments/{made[1]}", "admin")).status_code == 204
    assert len(await desk.audited("recording.remove_comment")) == 2


@pytest.mark.parametrize(
    "body",
    [
        {"at_seconds": 20.1, "text": "behind its end"},
        {"at_seconds": -1, "text": "x"},
        {"at_seconds": 1, "text": ""},
        {"at_seconds": 1, "text": "x" * 1001},
    ],
)
async def test_a_wrong_comment_is_refused_and_nothing_kept(desk: Desk, body: dict[str, Any]) -> None:
    recording = await desk.add()
    assert (await desk.ask("POST", f"{recording}/comments", json=body)).status_code in (400, 422)
    assert (await desk.ask("GET", f"{recording}/comments")).json()["items"] == []


async def test_the_waveform_shows_who_spoke_when_and_is_worked_out_once(desk: Desk) -> None:
    recording = await desk.add()
    shape = (await desk.ask("GET", f"{recording}/waveform")).json()
    left, right = np.array(shape["left"]), np.array(shape["right"])
    assert (len(left), len(right)) == (1000, 1000)
    assert left[:500].max() > 20
    assert not left[500:].any()
    assert not right[:500].any()
    assert right[500:].max() > left.max()
    desk.vault.sounds.files.path_of(recording).unlink()
    assert (await desk.ask("GET", f"{recording}/waveform")).json() == shape


async def test_a_link_plays_one_recording_without_a_log_in_until_it_is_over(desk: Desk) -> None:
    recording = await desk.add()
    made = (await desk.ask("POST", f"{recording}/links")).json()
    async with desk.http(None) as http:
        heard = await http.get(made["url"], headers={"Range": "bytes=100000-100099"})
        assert (heard.status_code, len(heard.content)) == (206, 100)
        assert heard.headers["Cache-Control"] == "no-store"
        [row] = await desk.audited("recording.listen")
        assert row["by"] == "the supervisor"
        assert "bytes=100000-100099" in row["detail"]
        assert (await http.get(made["url"][:-2])).status_code == 403
        desk.vault.clock.advance(901)
        assert (await http.get(made["url"])).status_code == 403
    assert len(await desk.audited("recording.link")) == 1
    assert len(await desk.audited("recording.listen")) == 1


async def test_a_link_to_what_was_deleted_meanwhile_plays_nothing(desk: Desk) -> None:
    recording = await desk.add()
    made = (await desk.ask("POST", f"{recording}/links")).json()
    await desk.ask("POST", f"{recording}/comments", json={"at_seconds": 1, "text": "x"})
    await desk.ask("GET", f"{recording}/waveform")
    async with desk.vault.database.transaction() as connection:
        await desk.vault.catalogue.mark_deleted(connection, [recording], desk.vault.clock.wall())
    async with desk.http(None) as http:
        assert (await http.get(made["url"])).status_code == 404
    async with desk.vault.database.connection() as connection:
        for table in ("recording_comments", "recording_waveforms"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_an_export_has_its_number_in_its_sound_and_its_reason_in_the_audit(desk: Desk) -> None:
    recording = await desk.add()
    refused = await desk.ask("POST", f"{recording}/exports", json={"reason": "case 4711"})
    assert refused.status_code == 403
    body = {"reason": "case 4711", "key": "k"}
    made, again = [(await desk.ask("POST", f"{recording}/exports", "auditor", json=body)).json() for _ in range(2)]
    assert made["number"] == again["number"]
    async with desk.http(None) as http:
        whole = await http.get(made["url"])
        part = await http.get(made["url"], headers={"Range": "bytes=50001-70000"})
    assert whole.headers["Content-Disposition"] == f'attachment; filename="{recording}-{made["number"]}.wav"'
    assert part.content == whole.content[50_001:70_001]
    assert struct.unpack_from("<I", whole.content, 40)[0] == len(whole.content) - WAVE_BYTES == 640_000
    sound, rate = soundfile.read(io.BytesIO(whole.content), dtype="int16")
    found = find(sound, KEY)
    assert found is not None
    assert (rate, found.number) == (8000, made["number"])
    known = await desk.store.export_of(found.number)
    assert known is not None
    assert (known.recording, known.by, known.reason) == (recording, "the auditor", "case 4711")
    [row] = await desk.audited("recording.export")
    assert "case 4711" in row["detail"]
    listened = await desk.audited("recording.listen")
    assert all(
        f'"export": {made["number"]}' in row["detail"].replace('":', '": ').replace("  ", " ") for row in listened
    )


async def test_an_export_without_a_reason_is_refused(desk: Desk) -> None:
    recording = await desk.add()
    for reason in ("", "x"):
        answer = await desk.ask("POST", f"{recording}/exports", "admin", json={"reason": reason})
        assert answer.status_code == 422
    assert await desk.audited("recording.export") == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/waveform", None),
        ("GET", "/comments", None),
        ("POST", "/comments", {"at_seconds": 0, "text": "x"}),
        ("POST", "/links", None),
    ],
)
async def test_a_supervisor_of_teams_sees_nothing_of_other_agents(
    desk: Desk, method: str, path: str, body: Any
) -> None:
    recording = await desk.add()
    assert (await desk.ask(method, f"{recording}{path}", "red", json=body)).status_code == 404
    assert (await desk.ask(method, f"{recording}{path}", "agent", json=body)).status_code == 403
