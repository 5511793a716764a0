"""The telephone in the browser when the network is cut in a talk: its signalling, its sound, one way or both."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import BrowserContext, Locator, Page, expect

from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre
from tests.e2e.rig import centre_of
from tests.e2e.test_pages_softphone import browser_of, desk, sign_in
from tests.support import sources
from tests.support.chromium import hears
from tests.support.media_relay import MediaRelay, media_relay
from tests.support.milestone import PATIENCE, until
from tests.support.phone import SipPhone
from tests.support.phone_call import PhoneCall
from tests.support.platform import PlatformProcess
from tests.support.relay import TcpRelay, relay

#: Longer than a browser takes to see that nothing arrives, with much to spare.
_SILENCE_SECONDS: Final = 20.0


@dataclass(frozen=True)
class Network:
    """All that an agent's browser and the platform say to each other goes through these."""

    context: BrowserContext
    pages: TcpRelay
    telephone: TcpRelay
    media: MediaRelay

    async def cut(self) -> None:
        self.media.cut()
        await self.pages.cut()
        await self.telephone.cut()

    async def mend(self) -> None:
        self.media.mend()
        await self.pages.mend()
        await self.telephone.mend()


@asynccontextmanager
async def network_of(centre: Centre, microphone: Path) -> AsyncIterator[Network]:
    """An agent's browser behind a network that can be cut."""
    platform = centre.platform
    async with AsyncExitStack() as stack:
        pages = await stack.enter_async_context(relay((platform.host, platform.http_port)))
        telephone = await stack.enter_async_context(relay((platform.host, platform.sip_ws_port)))
        options: dict[str, Any] = {
            "base_url": f"http://127.0.0.1:{pages.port}",
            "bypass_csp": True,  # it allows the port of the platform's telephone server, not that of the relay
        }
        browser = browser_of(centre, microphone, AGENT_HZ, expected="ERR_CONNECTION", **options)
        context = await stack.enter_async_context(browser)
        ports = f"[':{platform.sip_ws_port}', ':{telephone.port}']"
        await context.add_init_script(
            "window.WebSocket = class extends WebSocket {"
            f" constructor(url, protocols) {{ super(String(url).replace(...{ports}), protocols); }} }};"
        )
        media = await stack.enter_async_context(media_relay(context))
        yield Network(context, pages, telephone, media)


@dataclass(frozen=True)
class Talk:
    """Of an agent at his page with a caller, each saying his tone."""

    centre: Centre
    network: Network
    page: Page
    number: str
    caller: PhoneCall

    async def both_hear(self) -> None:
        """From now on."""
        now = time.monotonic()
        await hears(self.page, CALLER_HZ)
        await self.caller.heard(tone=AGENT_HZ, since=now)

    def problem(self, text: str) -> Locator:
        return self.page.locator(".phone-problem", has_text=text)

    @property
    def told(self) -> Locator:
        """That the network does not carry the sound."""
        return self.problem("The network does not carry your call")

    async def is_back(self) -> None:
        """As if nothing had been, and it is the call that it was."""
        await expect(self.told).to_have_count(0)
        await expect(self.page.locator(".phone-returning")).to_have_count(0)
        await expect(self.page.locator("[data-phone='ready']")).to_be_visible()
        await expect(self.page.locator(".bar.lost")).to_have_count(0)
        await expect(self.page.locator(".state-now")).to_have_attribute("data-state", "talking")
        await self.both_hear()

    async def agent_is_free(self) -> None:
        """In wrap-up, or ready since it is over."""
        await expect(self.page.locator(".state-now")).to_have_attribute(
            "data-state", re.compile("^(wrap_up|ready)$")
        )

    async def ends_well(self) -> None:
        """Its agent holds it, takes it back and ends it; there was one contact, and it was handled."""
        await self.page.get_by_role("button", name="Hold").click()
        await self.page.get_by_role("button", name="Retrieve").click()
        await expect(self.page.get_by_role("button", name="Hold")).to_be_visible()
        await self.both_hear()
        await self.page.get_by_role("button", name="Hang up").click()
        assert (await self.caller.ended.wait()).by == "peer"
        contact = await self.centre.ended(self.number)
        assert (contact["outcome"], contact["agent"]) == ("handled", "1004")
        assert len(await self.centre.items("contacts", caller=self.number)) == 1


@asynccontextmanager
async def talk_of(centre: Centre, microphone: Path) -> AsyncIterator[Talk]:
    """Sound goes both ways, through the relay."""
    number = centre.new_caller()
    async with network_of(centre, microphone) as network:
        page = await desk(network.context, "1004")
        try:
            await sign_in(page, "seat-04")
            async with SipPhone(number, source=sources.tone(CALLER_HZ)) as phone:
                call = await phone.dial(centre.number("95001"))
                await page.get_by_role("button", name="Answer").click()
                talk = Talk(centre, network, page, number, call)
                await talk.both_hear()
                assert network.media.paths == 1
                yield talk
        finally:
            await centre.sign_out("1004")
    await centre.nothing_left()


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    """A platform that gives up no call, however slow a browser is."""
    settings = {"CCP_MEDIA__RTP_TIMEOUT_SECONDS": "600"}
    with PlatformProcess(tmp_path_factory.mktemp("w"), environment=settings) as started:
        yield started


@pytest.fixture
async def lasting(patient: PlatformProcess, callers: Iterator[int]) -> AsyncIterator[Centre]:
    """Its centre."""
    async with centre_of(patient, callers) as centre:
        yield centre


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    """A platform that ends a call soon when nothing is heard of a party."""
    settings = {"CCP_MEDIA__RTP_TIMEOUT_SECONDS": str(_SILENCE_SECONDS)}
    with PlatformProcess(tmp_path_factory.mktemp("w"), environment=settings) as started:
        yield started


@pytest.fixture
async def brief(hasty: PlatformProcess, callers: Iterator[int]) -> AsyncIterator[Centre]:
    """Its centre."""
    async with centre_of(hasty, callers) as centre:
        yield centre


async def test_signalling_that_is_cut_is_told_and_loses_no_call(lasting: Centre, tmp_path: Path) -> None:
    async with talk_of(lasting, tmp_path / "microphone.wav") as talk:
        await talk.network.pages.cut()
        await talk.network.telephone.cut()
        await expect(talk.page.locator("[data-phone='lost']")).to_be_visible()
        await expect(talk.page.locator(".bar.lost")).to_be_visible()
        await talk.both_hear()
        await talk.network.mend()
        await talk.is_back()
        await talk.ends_well()


async def test_sound_that_is_cut_one_way_or_both_is_told_and_comes_back(lasting: Centre, tmp_path: Path) -> None:
    async with talk_of(lasting, tmp_path / "microphone.wav") as talk:
        for to_platform, to_browser in ((True, True), (True, False), (False, True)):
            talk.network.media.cut(to_platform=to_platform, to_browser=to_browser)
            await expect(talk.told).to_be_visible()
            await expect(talk.page.locator(".call-card")).to_contain_text("No sound goes through the network.")
            await expect(talk.page.locator(".state-now")).to_have_attribute("data-state", "talking")
            talk.network.media.mend()
            await talk.is_back()
        await talk.ends_well()


async def test_a_talk_whose_path_and_whose_next_path_fail_is_taken_back_when_the_network_is(
    lasting: Centre, tmp_path: Path
) -> None:
    async with talk_of(lasting, tmp_path / "microphone.wav") as talk:
        media = talk.network.media
        media.cut()
        # With the third the second is given up, as the first was.
        await until(lambda: media.paths >= 3, lambda: f"{media.paths} paths", limit=2 * PATIENCE)
        await expect(talk.told).to_be_visible()
        media.mend()
        await talk.is_back()
        await talk.ends_well()


async def test_a_talk_comes_back_after_all_its_network_was_away(lasting: Centre, tmp_path: Path) -> None:
    async with talk_of(lasting, tmp_path / "microphone.wav") as talk:
        await talk.network.cut()
        await expect(talk.told).to_be_visible()
        await expect(talk.page.locator("[data-phone='lost']")).to_be_visible()
        await expect(talk.page.locator(".phone-returning")).to_be_visible()
        await talk.network.mend()
        await talk.is_back()
        await talk.ends_well()


async def test_a_talk_whose_sound_stays_away_ends_with_its_reason_and_frees_the_agent(
    brief: Centre, tmp_path: Path
) -> None:
    async with talk_of(brief, tmp_path / "microphone.wav") as talk:
        talk.network.media.cut()
        await expect(talk.told).to_be_visible()
        over = talk.problem("The call was ended: the network carried no sound for too long.")
        await expect(over).to_be_visible()
        await expect(talk.told).to_have_count(0)
        assert (await talk.caller.ended.wait()).by == "peer"
        contact = await brief.ended(talk.number)
        assert (contact["agent"], contact["cause"]) == ("1004", "media_lost")
        await talk.agent_is_free()
        talk.network.media.mend()
        await over.get_by_role("button", name="OK").click()
        await expect(over).to_have_count(0)


async def test_a_talk_that_ended_while_all_its_network_was_away_is_told_to_be_over(
    brief: Centre, tmp_path: Path
) -> None:
    async with talk_of(brief, tmp_path / "microphone.wav") as talk:
        await talk.network.cut()
        await expect(talk.page.locator(".phone-returning")).to_be_visible()
        assert (await talk.caller.ended.wait()).by == "peer"
        assert (await brief.ended(talk.number))["cause"] == "media_lost"
        await talk.network.mend()
        await expect(talk.problem("The call ended before it could be taken back.")).to_be_visible()
        await expect(talk.page.locator("[data-phone='ready']")).to_be_visible()
        await talk.agent_is_free()
