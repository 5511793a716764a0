"""The web process's HTTP: routers under /api/v1, problem details (RFC 9457), health, pages, limits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from ccplatform import __version__
from ccplatform.app.content_policy import PhoneServer
from ccplatform.app.http_limits import LargeBody, RequestLimits
from ccplatform.kernel.errors import NotFound, PlatformError, Refusal, RemoteViolation, Unavailable

#: Status of refusals with a code of their own; every other refusal is 409.
_STATUS_OF_CODE = {
    "not_available": 501,
    "not_authenticated": 401,
    "not_allowed": 403,
    "password_change_required": 403,
    "throttled": 429,
    "password_refused": 422,
    "bad_request": 400,
    "range_not_satisfiable": 416,
    "changed_meanwhile": 412,
    "flow_invalid": 422,
    "unreadable_document": 422,
    "bad_recording": 422,
    "too_long": 422,
}
_CODE_OF_STATUS = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: "too_large",
}
_NO_PAGES = """<!doctype html><meta charset="utf-8"><title>ccplatform</title>
<p>The pages are not built. Run <code>make run</code>, or in web/:
<code>npm ci</code> and <code>npm run build</code>.</p>"""

Health = Callable[[], Awaitable[dict[str, Any]]]


def build_http(
    *,
    routers: Sequence[APIRouter],
    root_routers: Sequence[APIRouter],
    readiness: Health,
    pages: Path | None,
    max_body_bytes: int,
    large_bodies: Sequence[LargeBody] = (),
    phone: PhoneServer = lambda host: None,
) -> FastAPI:
    """The application. ``readiness`` answers /readyz: its ``ready`` decides between 200 and 503. ``phone`` says
    where the telephones in pages find SIP over WebSocket."""
    app = FastAPI(
        title="ccplatform",
        version=__version__,
        description="Contact-centre platform: agents, queues, calls, recordings, compliance.",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    for router in routers:
        app.include_router(router, prefix="/api/v1")
    for router in root_routers:
        app.include_router(router)
    _add_errors(app)
    app.add_middleware(RequestLimits, max_body_bytes=max_body_bytes, large_bodies=large_bodies, phone=phone)
    _add_health(app, readiness)
    _add_pages(app, pages)
    _prepare(app)
    return app


def _prepare(app: FastAPI) -> None:
    """Have every route made ready now; FastAPI would do it at the first request, for more than half a second."""
    for route in app.router.routes:
        route.matches({"type": "http", "method": "GET", "path": "/-", "root_path": "", "headers": []})


def problem(status: int, code: str, detail: str, **more: Any) -> JSONResponse:
    """An RFC 9457 problem document; ``code`` is for programs, ``detail`` for people."""
    headers = {"Retry-After": str(more["retry_after"])} if "retry_after" in more else None
    if status == 401:
        headers = {"WWW-Authenticate": "Bearer"}
    body = {
        "type": "about:blank",
        "title": code.replace("_", " "),
        "status": status,
        "code": code,
        "detail": detail,
    }
    return JSONResponse({**body, **more}, status, headers, media_type="application/problem+json")


def status_of(error: PlatformError) -> tuple[int, str]:
    """HTTP status and code word of one of our errors."""
    match error:
        case NotFound():
            return 404, error.code
        case Refusal():
            return _STATUS_OF_CODE.get(error.code, 409), error.code
        case Unavailable():
            return 503, "unavailable"
        case RemoteViolation():
            return 400, "bad_request"
        case _:
            return 500, "internal_error"


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(PlatformError)
    async def platform_error(_request: Request, error: PlatformError) -> JSONResponse:
        status, code = status_of(error)
        retry_after = getattr(error, "retry_after", None)
        if retry_after is None and status == 503:
            retry_after = 2
        more: dict[str, Any] = {} if retry_after is None else {"retry_after": max(1, round(retry_after))}
        where = getattr(error, "where", "")
        found = getattr(error, "errors", None) or ([(where, str(error))] if where else [])
        if found:
            more["errors"] = [{"where": path, "why": why} for path, why in found]
        return problem(status, code, str(error), **more)

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        problems = [
            {"where": ".".join(str(part) for part in item["loc"]), "why": item["msg"]}
            for item in error.errors()[:20]
        ]
        detail = "; ".join(f"{item['where']}: {item['why']}" for item in problems)
        return problem(422, "invalid", detail, errors=problems)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> JSONResponse:
        detail = f"{request.method} {request.url.path}: {error.detail}"
        answer = problem(error.status_code, _CODE_OF_STATUS.get(error.status_code, "refused"), detail)
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(Exception)
    async def unexpected(_request: Request, _error: Exception) -> JSONResponse:
        # The server logs it; whoever asked learns nothing of the inside.
        return problem(500, "internal_error", "the request failed for a reason of our own; the log has more")


def _add_health(app: FastAPI, readiness: Health) -> None:
    @app.get("/healthz", tags=["health"])
    async def alive() -> dict[str, str]:
        """The web process is alive."""
        return {"status": "ok", "version": __version__}

    @app.get("/readyz", tags=["health"])
    async def ready() -> JSONResponse:
        """The centre takes calls (200) or does not (503), and why."""
        state = await readiness()
        return JSONResponse(state, 200 if state.get("ready") else 503)


class _NamedByContent(StaticFiles):
    """Files whose names carry a hash of what is in them: browsers keep them for good."""

    def file_response(self, *args: Any, **more: Any) -> Response:
        response = super().file_response(*args, **more)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def _add_pages(app: FastAPI, pages: Path | None) -> None:
    index = pages / "index.html" if pages is not None else None
    if index is None or not index.is_file():

        @app.get("/", include_in_schema=False)
        async def no_pages() -> HTMLResponse:
            return HTMLResponse(_NO_PAGES)

        return
    assert pages is not None
    if (pages / "assets").is_dir():
        app.mount("/assets", GZipMiddleware(_NamedByContent(directory=pages / "assets")), name="assets")
    if (pages / "swagger").is_dir():
        app.mount("/swagger", GZipMiddleware(StaticFiles(directory=pages / "swagger")), name="swagger")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="ccplatform REST",
            swagger_js_url="/swagger/swagger-ui-bundle.js",
            swagger_css_url="/swagger/swagger-ui.css",
            swagger_favicon_url="data:,",
        )

    async def page() -> FileResponse:
        return FileResponse(index, headers={"Cache-Control": "no-cache"})

    for path in ("/", "/wallboard", "/admin", "/login"):
        app.add_api_route(path, page, include_in_schema=False)
        if path != "/":
            app.add_api_route(path + "/{rest:path}", page, include_in_schema=False)
