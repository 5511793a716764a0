"""How the built pages are served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from ccplatform.app.http import build_http


async def _ready() -> dict[str, Any]:
    return {"ready": True}


def client(pages: Path | None) -> httpx.AsyncClient:
    app = build_http(routers=[], root_routers=[], readiness=_ready, pages=pages, max_body_bytes=1000)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://centre")


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    for part in ("assets", "swagger"):
        (tmp_path / part).mkdir()
    (tmp_path / "index.html").write_text("<title>pages</title>")
    (tmp_path / "assets" / "index-abc123.js").write_text("console.log(1);" * 200)
    (tmp_path / "swagger" / "swagger-ui.css").write_text("a{}" * 1000)
    return tmp_path


async def test_assets_are_compressed_and_kept_for_good(pages: Path) -> None:
    async with client(pages) as centre:
        answer = await centre.get("/assets/index-abc123.js", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.text.startswith("console.log(1);")


@pytest.mark.parametrize("path", ["/", "/wallboard", "/admin/contacts", "/login"])
async def test_every_page_is_the_same_document_and_is_asked_for_again(pages: Path, path: str) -> None:
    async with client(pages) as centre:
        answer = await centre.get(path)
    assert "<title>pages</title>" in answer.text
    assert answer.headers["cache-control"] == "no-cache"


async def test_the_description_page_loads_nothing_from_elsewhere(pages: Path) -> None:
    async with client(pages) as centre:
        answer = await centre.get("/docs")
    assert "/swagger/swagger-ui-bundle.js" in answer.text
    assert "https://" not in answer.text


async def test_without_built_pages_the_way_to_build_them_is_told() -> None:
    async with client(None) as centre:
        answer = await centre.get("/")
    assert "make run" in answer.text
