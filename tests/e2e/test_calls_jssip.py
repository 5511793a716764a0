"""JsSIP in Chromium: a browser's phone whose signalling others wrote, over WebSocket."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.e2e.centre import Centre
from tests.support.chromium import hears
from tests.support.web_phone import web_page

_WEB = Path(__file__).parents[2] / "web"
_PHONE = Path(__file__).parents[1] / "support" / "jssip_phone.js"


async def bundled(folder: Path) -> Path:
    """The library as one script for a page: it comes as modules."""
    script = folder / "jssip.js"
    process = await asyncio.create_subprocess_exec(
        str(_WEB / "node_modules" / ".bin" / "rolldown"),
        *("node_modules/jssip/lib/JsSIP.js", "--format", "iife", "--name", "JsSIP", "--file", str(script)),
        cwd=_WEB,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return script


async def test_jssip_registers_calls_and_hears_itself(centre: Centre, tmp_path: Path) -> None:
    host, _ = centre.sip
    library = await bundled(tmp_path)
    async with web_page() as page:
        await page.add_script_tag(path=library)
        await page.add_script_tag(path=_PHONE)
        account = [f"ws://{host}:{centre.platform.sip_ws_port}", f"sip:8010@{host}", "demo-8010"]
        registered = await page.evaluate("([server, uri, password]) => register(server, uri, password)", account)
        assert registered == "registered"

        async def transports() -> list[str]:
            seats = await centre.items("seats", user="admin")
            (seat,) = [row for row in seats if row["id"] == "seat-10"]
            return [contact["transport"].lower() for contact in seat["contacts"]]

        await centre.eventually(transports, lambda seen: seen == ["ws"])
        assert await page.evaluate("target => dial(target, 700)", centre.number("95002")) == "confirmed"
        await hears(page, 700)
        assert await page.evaluate("hangUp()") == "local"
        assert await page.evaluate("unregister()") == "unregistered"
    await centre.nothing_left()
