"""Pages of other origins, and what callers write: neither acts for who is logged in, nor runs in his page."""

from __future__ import annotations

from typing import Any, Final

import httpx
from playwright.async_api import BrowserContext, Route, expect

from tests.e2e.centre import CALLER_HZ, Centre
from tests.e2e.test_pages import OpenPage, browser, open_page  # noqa: F401
from tests.support import sources
from tests.support.milestone import PATIENCE
from tests.support.phone import AutoAnswer, SipPhone

EVIL: Final = "http://evil.example"
#: Puts a text into the page as if the page had forgotten that it is text, and a script beside it.
_GETS_IN: Final = """(html) => {
    const script = Object.assign(document.createElement("script"), { textContent: "window.ran = 1" });
    document.body.append(Object.assign(document.createElement("div"), { innerHTML: html }), script);
}"""
HOSTILE: Final = "<img src='data:,' onerror='window.ran = 1'><script>window.ran = 1</script>"


async def test_no_cookie_says_who_somebody_is_so_that_no_other_page_can_send_one(centre: Centre) -> None:
    """What another origin may send without asking first (WHATWG Fetch, CORS-safelisted) are nobody's."""
    async with httpx.AsyncClient(base_url=f"{centre.platform.http}/api/v1", timeout=PATIENCE) as client:
        log_in = await client.post("auth/login", json={"username": "1004", "password": "demo-1004"})
        token = log_in.json()["access_token"]
        assert "set-cookie" not in log_in.headers
        forged = {"Origin": EVIL, "Cookie": f"token={token}; session={token}; Authorization=Bearer {token}"}
        for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/json"):
            for method, path in (("POST", "auth/logout"), ("POST", "calls"), ("POST", "me/password")):
                headers = {**forged, "Content-Type": content_type}
                answer = await client.request(method, path, headers=headers, content="{}")
                assert answer.status_code == 401, (path, answer.text)
        asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization"}
        allowed = await client.options("agents/1004/state", headers={"Origin": EVIL, **asked})
        assert not [name for name in allowed.headers if name.startswith("access-control-")]
        assert (await client.get("me", headers={"Authorization": f"Bearer {token}"})).status_code == 200


async def hostile_page(context: BrowserContext) -> Any:
    """A page of another origin in the browser of somebody who is logged in."""

    async def serve(route: Route) -> None:
        await route.fulfill(content_type="text/html", body="<!doctype html><title>evil</title><body></body>")

    await context.route(f"{EVIL}/**", serve)
    page = await context.new_page()
    await page.goto(f"{EVIL}/")
    return page


async def test_a_page_of_another_origin_reads_sends_opens_and_frames_nothing(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
) -> None:
    own = await open_page("1004", "/", expected="")
    await expect(own.locator("#seat")).to_be_visible()
    http = centre.platform.http
    token = await own.evaluate("JSON.parse(sessionStorage.getItem('ccplatform.session')).token")
    assert await own.context.cookies() == []
    browser = own.context.browser  # noqa: F811
    assert browser is not None
    context = await browser.new_context()
    await context.add_cookies([{"name": "token", "value": token, "url": http}])
    evil = await hostile_page(context)
    # Even with the token in hand: the browser asks first, and is not allowed.
    read = """async ([url, token]) => {
        try { return await (await fetch(url, {headers: {Authorization: `Bearer ${token}`}})).text(); }
        catch (error) { return `refused: ${error.name}`; }
    }"""
    assert await evil.evaluate(read, [f"{http}/api/v1/me", token]) == "refused: TypeError"
    send = """async (url) => {
        await fetch(url, {method: "POST", mode: "no-cors", credentials: "include", body: "{}"}).catch(() => null);
        return true;
    }"""
    for path in ("auth/logout", "calls"):
        async with evil.expect_response(f"{http}/api/v1/{path}") as answered:
            assert await evil.evaluate(send, f"{http}/api/v1/{path}")
        assert (await answered.value).status == 401
    open_socket = """(url) => new Promise((done) => {
        const socket = new WebSocket(url);
        socket.onopen = () => done("open");
        socket.onerror = () => done("refused");
    })"""
    assert await evil.evaluate(open_socket, f"{http.replace('http', 'ws', 1)}/api/v1/events") == "refused"
    frame = """(url) => new Promise((done) => {
        const frame = document.createElement("iframe");
        frame.onload = () => done(frame.contentDocument?.body.innerText ?? "opaque");
        frame.src = url;
        document.body.append(frame);
    })"""
    assert await evil.evaluate(frame, f"{http}/") == "opaque"
    (_, framed) = evil.frames
    assert not framed.url.startswith(http)  # the browser's own page about what it refused
    still = await centre.ask("GET", "me", headers={"Authorization": f"Bearer {token}"})
    assert still.json()["user"] == "1004"
    await context.close()


async def test_what_a_caller_or_an_agent_writes_is_shown_and_never_run(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
) -> None:
    number = centre.new_caller()
    card = {"phone": number, "name": HOSTILE[:64], "note": HOSTILE, "city": HOSTILE[:64]}
    kept = await centre.ask("PUT", f"customers/{number}", user="1004", json=card)
    assert kept.status_code == 200, kept.text
    async with centre.desk("1004", incoming=AutoAnswer()):
        page = await open_page("1004", "/", expected="Content Security Policy")
        async with SipPhone(number, source=sources.tone(CALLER_HZ)) as phone:
            call = await phone.dial(centre.number("95001"))
            await expect(page.locator(".pop-name")).to_contain_text("<img src=")
            await expect(page.locator(".customer-card img, .customer-card script")).to_have_count(0)
            # And what got in some other way is not run either (CSP: no inline script, no handler in a tag).
            await page.evaluate(_GETS_IN, HOSTILE)
            await expect(page.locator("body > div > img")).to_have_count(1)
            assert await page.evaluate("window.ran ?? 0") == 0
            sent = "fetch('http://evil.example/', {mode: 'no-cors'}).then(() => 'sent', (error) => error.name)"
            assert await page.evaluate(sent) == "TypeError"
            await call.hang_up()
