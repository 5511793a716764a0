"""sipvicious (svmap, svwar, svcrack) against a running centre: it finds nothing, and nobody else notices."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.trunk_schema import TrunkDefinition
from tests.e2e.centre import Centre, Row
from tests.e2e.rig import centre_of
from tests.support.phone import SipPhone
from tests.support.platform import PlatformProcess

#: The tools scan from the first loopback address; whoever is honest has another.
SCANNER, HONEST = "127.0.0.1", "127.0.0.77"


@pytest.fixture(scope="module")
def open_to_the_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    with PlatformProcess(tmp_path_factory.mktemp("scanned")) as started:
        yield started


@pytest.fixture
async def centre(open_to_the_world: PlatformProcess, callers: Iterator[int]) -> AsyncIterator[Centre]:
    async with centre_of(open_to_the_world, callers) as made:
        for name, change in (("pstn", {"peers": [f"{HONEST}/32"]}), ("lab", {"host": HONEST})):
            trunk = await made.get(f"trunks/{name}")
            kept = {field: trunk[field] for field in TrunkDefinition.model_fields}
            assert (await made.ask("PUT", f"trunks/{name}", user="admin", json=kept | change)).status_code == 200
        yield made


async def tool(name: str, *options: str, port: int, home: Path) -> str:
    """What a tool says; it is stopped after its own time at the latest."""
    program = shutil.which(name)
    assert program is not None, f"{name} is missing: apt-get install sipvicious"
    process = await asyncio.create_subprocess_exec(
        *(program, "-p", str(port), *options, SCANNER),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=home,
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
    )
    try:
        async with asyncio.timeout(40):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return said.decode(errors="replace")


async def alarms_of(centre: Centre) -> list[Row]:
    """What is up because somebody is banned."""
    rows = await centre.items("alarms")
    return [row for row in rows if row["kind"] == "source_banned" and row["cleared_at"] is None]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("svmap", ()),
        ("svwar", ("-e8001-8010", "-mREGISTER", "--force", "--maximumtime=5")),
        ("svcrack", ("-u8001", "-dwords", "--maximumtime=5")),
    ],
)
async def test_a_scanner_finds_nothing_and_is_banned_while_calls_go_on(
    centre: Centre, tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    (tmp_path / "words").write_text("1234\ndemo-8001\nsecret\n")
    last = (await centre.get("signalling", limit=1))["last"]
    caller = SipPhone(centre.new_caller(), host=HONEST)
    async with caller, SipPhone("8002", password="demo-8002", host=HONEST) as seat, lifting(centre):
        call = await caller.dial(centre.number("95002"))
        await call.answered.wait()
        said = await tool(name, *options, port=centre.sip[1], home=tmp_path)
        assert not any(word in said for word in ("8003", "demo-8001", "ccplatform", "401")), said
        (ban,) = await centre.items("sip/bans")
        assert (ban["source"], ban["fault"]) == (SCANNER, "scanner")
        assert [row["severity"] for row in await alarms_of(centre)] == ["non_urgent"]
        told = await centre.get("signalling/tail", after=last, address=SCANNER)
        assert {item["outgoing"] for item in told["items"]} == {False}, "it got no answer at all"
        await seat.register(centre.sip)
        another = await caller.dial(centre.number("95002"))
        await another.answered.wait()
        await another.hang_up()
        await call.hang_up()
    await centre.eventually(lambda: alarms_of(centre), lambda rows: rows == [])


@asynccontextmanager
async def lifting(centre: Centre) -> AsyncIterator[None]:
    """The scanner's ban ends with the test."""
    try:
        yield
    finally:
        assert (await centre.ask("DELETE", f"sip/bans/{SCANNER}", user="admin")).status_code == 204
