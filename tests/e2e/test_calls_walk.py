"""The telephone bank (95006) walked by SIP in both languages: the right prompts, and every node.

What is heard is correlated with the prompt as the platform's preview speaks it (:mod:`tests.e2e.prompts`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final, get_args

import numpy as np

from ivr.model import Node
from ivr.numbers import Language
from tests.e2e.centre import AGENT_HZ, Centre
from tests.e2e.lab import LAB_HZ, lab_of
from tests.e2e.prompts import OTHER, SAME, Heard, PromptBook, Spoken
from tests.e2e.rig import centre_of
from tests.e2e.test_calls_speech import line
from tests.e2e.test_calls_voice_mail import is_heard
from tests.support import audio, sip, sources
from tests.support.g711 import Samples
from tests.support.people import recorded
from tests.support.phone import RingOnly, SipPhone
from tests.support.phone_call import PhoneCall
from tests.support.platform import PlatformProcess
from tests.support.speech import speech_like

LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
ALL_DAY: Final = {str(day): [{"start": "00:00", "end": "00:00"}] for day in range(7)}
#: What a caller reaches only when the centre itself is broken.
FAULTS: Final = {("bank", "trouble")}
TONES: Final = {"zh": 440.0, "en": 700.0}
AT_ONCE: Final = 8

Story = Callable[["Walk", Language], Coroutine[Any, Any, None]]


class Walk:
    """The centre, what its flows say, and callers."""

    def __init__(self, centre: Centre, book: PromptBook, lab: SipPhone) -> None:
        self.centre = centre
        self.book = book
        self.lab = lab
        self.scores: dict[str, float] = {}
        self.left: list[Samples] = []  # messages, as they were spoken
        self._taken: list[PhoneCall] = []
        self._turns = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def caller(self, language: Language, keys: str = "", *, number: str = "") -> AsyncIterator[Heard]:
        """A caller in the bank who chose his language, and pressed these keys ahead."""
        number = number or self.centre.new_caller()
        async with self._turns, SipPhone(number, source=sources.silence()) as phone:
            call = await phone.dial(self.centre.number("95006"))
            await call.answered.wait()
            heard = Heard(call, self.book, language)
            if keys:
                await heard.press({"zh": "1", "en": "2"}[language] + keys)
            yield heard
            self.scores |= heard.scores

    async def at(self, heard: Heard, kind: str, **fields: Any) -> dict[str, Any]:
        """This event of the caller's contact, once it is there."""
        contact = await self.centre.contact(heard.call.phone.user)
        return await self.centre.happened(contact["id"], kind, **fields)

    async def is_put_through(self, number: str) -> PhoneCall:
        """The call that the trunk's far end gets for a number."""

        async def calls() -> list[PhoneCall]:
            there = [call for call in self.lab.calls if sip.user_of(call.invite.uri) == number]
            return [call for call in there if call not in self._taken]

        found: list[PhoneCall] = await self.centre.eventually(calls, bool)
        self._taken.append(found[0])
        return found[0]


async def says_goodbye(heard: Heard) -> None:
    await heard.hears("bank/goodbye")
    assert (await heard.call.ended.wait(10)).by == "peer"


async def an_account(walk: Walk, language: Language) -> None:
    async with walk.caller(language) as heard:
        await heard.call.heard(tone=660.0)
        await heard.hears("bank/ask_language", both=True)
        await heard.press({"zh": "1", "en": "2"}[language])
        await heard.hears("bank/hello")
        await heard.hears("bank/menu")
        await heard.nothing_like("bank/menu", "en" if language == "zh" else "zh")
        await heard.press("1")
        await heard.hears("identify/ask")
        await heard.press("99999")
        await heard.press("#")
        await heard.hears("identify/ask/hint")
        await heard.hears("identify/ask")
        await heard.press("999999")
        await heard.hears("identify/unknown", entered="999999")
        await heard.hears("identify/ask")
        await heard.press("600001")
        owner: dict[str, Any] = {"name": "张伟", "name_latin": "Zhang Wei", "balance": "128.50"}
        await heard.hears("bank/account_told", spoken_tail="01", **owner)
        await heard.hears("bank/account_menu")
        await heard.press("#")
        await says_goodbye(heard)


async def a_rich_customer(walk: Walk, language: Language) -> None:
    async with walk.caller(language, "1600002") as heard:
        await walk.at(heard, "FlowNodeEntered", node="account_told")
        await heard.hears("bank/offer_adviser")
        await heard.press("1")
        await walk.at(heard, "FlowNodeEntered", node="adviser")
        await walk.at(heard, "Queued", queue="support")  # nobody is there
        await heard.call.hang_up()


async def a_lost_card(walk: Walk, language: Language) -> None:
    async with walk.caller(language, "2") as heard:
        await heard.hears("bank/lost_card")
        await heard.press("4111111111111112#")
        await heard.hears("bank/lost_card/hint")
        await heard.hears("bank/lost_card")
        await heard.press("4539578763621486#")
        await heard.hears("bank/promised")
        await says_goodbye(heard)


async def a_lost_card_of_nobody(walk: Walk, language: Language) -> None:
    async with walk.caller(language, "24539578763621486#", number=f"anonymous-{language}") as heard:
        await heard.hears("bank/ask_number")
        await heard.press(f"{walk.centre.new_caller()}#")
        await heard.hears("bank/promised")
        await says_goodbye(heard)


async def an_open_branch(walk: Walk, language: Language) -> None:
    async with walk.caller(language, "3") as heard:
        await heard.hears("bank/open")
        await heard.hears("bank/week")
        await heard.press("#")
        await says_goodbye(heard)


async def who_does_not_know_what_to_press(walk: Walk, language: Language) -> None:
    async with walk.caller(language, "9") as heard:
        await heard.hears("bank/menu/hint")
        await heard.hears("bank/menu")
        await heard.hears("bank/menu/hint_silent")
        await heard.call.hang_up()


async def points(walk: Walk, language: Language) -> None:
    async with walk.caller(language, "4") as heard:
        await heard.hears("bank/points_key")
        await heard.press("101#")
        await heard.hears("bank/tell_points", points="152")
        await heard.hears("bank/tell_points", points="152")
        await heard.hears("bank/menu_or_end")
        await heard.press("*")
        await heard.hears("bank/menu")
        await heard.call.hang_up()


async def an_echo(walk: Walk, language: Language) -> None:
    async with walk.caller(language, "5") as heard:
        await heard.hears("bank/lines")
        await heard.press("4")
        said = line(recorded("digits/7"))
        heard.call.play(sources.signal(said))
        await heard.hears_sound(Spoken("himself", said[8000:-8000]))
        await heard.call.hang_up()


async def a_wish(walk: Walk, language: Language) -> None:
    async with walk.caller(language, "55") as heard:
        await heard.hears("bank/say_wish")
        if language == "en":
            heard.call.play(sources.signal(line(recorded("location"))))
            told = await walk.at(heard, "SpeechHeard", node="say_wish")
            assert told["text"] == "location", told["text"]
        else:  # nobody hears Mandarin without a server
            await heard.press("3")
        await heard.hears("bank/open")
        await heard.call.hang_up()


async def the_assistant(walk: Walk, language: Language) -> None:
    async with walk.caller(language, "56") as heard:
        await heard.call.heard(tone=660.0, since=heard.since)
        said = line(recorded("digits/9"))
        heard.call.play(sources.signal(said))
        await heard.hears_sound(Spoken("himself, by the parrot", said[8000:-8000]))
        await heard.press("9")
        await says_goodbye(heard)


async def the_card_centre(walk: Walk, language: Language) -> None:
    async with walk.caller(language, "52") as heard:
        far = await walk.is_put_through("4008001234")
        await far.answer()
        await heard.call.heard(tone=LAB_HZ)
        await far.hang_up()


async def the_investors(walk: Walk) -> None:
    """Both languages meet in one room."""
    async with walk.caller("zh", "53") as one, walk.caller("en", "53") as other:
        for heard in (one, other):
            await walk.at(heard, "FlowNodeEntered", node="room")
            heard.call.play(sources.tone(TONES[heard.language]))
        await one.call.heard(tone=TONES["en"])
        await other.call.heard(tone=TONES["zh"])


async def surveys_after_talks(walk: Walk) -> None:
    async with (
        walk.centre.desk("1004") as one_desk,
        walk.centre.desk("1005") as other_desk,
        walk.caller("zh", "0") as one,
        walk.caller("en", "0") as other,
    ):
        agents = [await desk.next_call() for desk in (one_desk, other_desk)]
        for agent in agents:
            await agent.answer()
        for heard in (one, other):
            await heard.call.heard(tone=AGENT_HZ)
            heard.since = time.monotonic()
        for agent in agents:
            await agent.hang_up()
        await asyncio.gather(is_asked_how_it_was(one), is_asked_how_it_was(other))


async def is_asked_how_it_was(heard: Heard) -> None:
    await heard.hears("satisfaction/ask/questions/0")
    await heard.press("9")
    await heard.hears("satisfaction/ask/hint")
    await heard.press("5")
    await heard.hears("satisfaction/ask/questions/1")
    await heard.press("1")
    await heard.hears("satisfaction/thanks")
    assert (await heard.call.ended.wait(10)).by == "peer"


async def who_wait_leave_messages(walk: Walk) -> None:
    async with walk.caller("zh", "51") as first:
        await is_not_reached(walk, first)
        async with walk.caller("en", "51") as second:
            await is_not_reached(walk, second)
            both = (first, "1"), (second, "2")
            await asyncio.gather(*(heard.hears("bank/queue/announcements/0") for heard, _ in both))
            await asyncio.gather(
                *(heard.hears("bank/queue/announcements/1", position=position) for heard, position in both)
            )
            await asyncio.gather(*(leaves_a_message(walk, heard, "2") for heard, _ in both))


async def is_not_reached(walk: Walk, heard: Heard) -> None:
    (await walk.is_put_through("123")).reject(486)
    await heard.hears("bank/not_reached")
    await walk.at(heard, "Queued", queue="support")


async def leaves_a_message(walk: Walk, heard: Heard, keys: str = "") -> None:
    if keys:
        await heard.press(keys)
    await heard.hears("bank/message")
    await heard.call.heard(tone=1000.0, since=heard.since)
    said = speech_like(3.0, seed=len(walk.left))
    walk.left.append(said)
    heard.call.play(sources.signal(said))
    await asyncio.sleep(3.0)
    await heard.press("#")
    await heard.hears("bank/noted")
    await says_goodbye(heard)


async def a_night(walk: Walk, language: Language) -> None:
    async with walk.caller(language, "3") as heard:
        await heard.hears("bank/closed")
        await heard.press("0")
        await heard.hears("bank/after_hours")
        await leaves_a_message(walk, heard)


@asynccontextmanager
async def employee(walk: Walk, phone: SipPhone, key: str) -> AsyncIterator[Heard]:
    """Somebody at a seat who calls the bank, and presses a key when he heard what is there for him."""
    call = await phone.dial(walk.centre.number("95006"))
    await call.answered.wait()
    heard = Heard(call, walk.book, "zh")
    await heard.hears("bank/employees", both=True)
    await heard.press(key)
    yield heard
    walk.scores |= heard.scores
    await call.hang_up()


async def people_of_the_centre(walk: Walk) -> None:
    async with walk.centre.desk("1004", ready=False) as desk:
        async with employee(walk, desk, "1") as heard:
            await heard.hears("bank/done", both=True)
        async with employee(walk, desk, "2") as heard:
            await walk.at(heard, "FlowNodeEntered", node="message_done")
            await heard.hears("bank/done", both=True)
            alike = [heard_of(said, heard.call) for said in walk.left]
            assert sum(alike) == 1, "one message is heard, as it was spoken"
    async with walk.centre.desk("1001", ready=False) as desk:
        async with employee(walk, desk, "2") as heard:
            await heard.hears("bank/no_message", both=True)
        async with employee(walk, desk, "3") as heard:
            await heard.hears("bank/ask_language", both=True)
    async with SipPhone("8010", password="demo-8010") as phone:
        await phone.register(walk.centre.sip)
        async with employee(walk, phone, "1") as heard:
            await heard.hears("bank/refused", both=True)


def heard_of(said: Samples, call: PhoneCall) -> bool:
    """Whether a message was heard."""
    try:
        is_heard(said, call.recording().samples)
    except AssertionError:
        return False
    return True


async def calendar(centre: Centre, week: dict[str, Any]) -> None:
    answer = await centre.ask("PUT", "configuration/calendars/office", json={"week": week})
    assert answer.status_code == 200, answer.text


async def visited(centre: Centre) -> set[tuple[str, str, str]]:
    """Flow, node and kind of all that callers came to."""
    stories = [await centre.events(row["id"]) for row in await centre.items("contacts", limit=100)]
    return {
        (event["data"]["flow"], event["data"]["node"], event["data"]["kind"])
        for story in stories
        for event in story
        if event["type"] == "FlowNodeEntered"
    }


DAY: Final[tuple[Story, ...]] = (
    an_account,
    a_lost_card,
    a_lost_card_of_nobody,
    an_open_branch,
    who_does_not_know_what_to_press,
    points,
    an_echo,
    a_wish,
    the_assistant,
    the_card_centre,
    a_rich_customer,
)


async def test_every_node_of_the_bank_is_visited_and_says_what_it_should_in_both_languages(
    own_platform: PlatformProcess, callers: Iterator[int]
) -> None:
    async with centre_of(own_platform, callers) as centre, lab_of(centre, RingOnly()) as lab:
        walk = Walk(centre, PromptBook(centre, "bank", "identify", "satisfaction"), lab)
        await calendar(centre, ALL_DAY)
        async with asyncio.TaskGroup() as stories:
            for language in LANGUAGES:
                for story in DAY:
                    stories.create_task(story(walk, language), name=f"{story.__name__} {language}")
            stories.create_task(the_investors(walk))
        for promised in await centre.items("call-backs", state="open"):  # or agents would be busy with them
            assert (await centre.ask("DELETE", f"call-backs/{promised['id']}")).status_code == 200
        await surveys_after_talks(walk)
        await who_wait_leave_messages(walk)
        await calendar(centre, {})
        await asyncio.gather(*(a_night(walk, language) for language in LANGUAGES))
        await people_of_the_centre(walk)

        been = await visited(centre)
        assert {(flow, node) for flow, node, _ in been} == walk.book.nodes().keys() - FAULTS
        kinds = {get_args(kind.model_fields["kind"].annotation)[0] for kind in get_args(get_args(Node)[0])}
        assert {kind for *_, kind in been} == kinds
    told = sorted(walk.scores.items(), key=lambda one: one[1])
    print(f"{len(told)} different sounds, correlation {told[0][1]:.3f} ({told[0][0]}) to {told[-1][1]:.3f}")
    assert told[0][1] >= SAME


async def test_prompts_are_told_apart(centre: Centre) -> None:
    """What the walk finds a prompt by is not found in any other."""
    book = PromptBook(centre, "bank", "identify", "satisfaction")
    texts = {part.name.split(" ", 2)[1:][-1]: part for part in await book.every_text()}
    parts = list(texts.values())
    asked = [part for part in parts if part.name.startswith(("bank/menu/", "bank/goodbye/", "satisfaction/ask/"))]
    assert len(asked) > 3
    for part in asked:
        others = np.concatenate([other.samples for other in parts if other is not part])
        assert audio.find_spoken(part.samples, others).correlation < OTHER, part.name
        assert audio.find_spoken(part.samples, np.concatenate([others, part.samples])).correlation > SAME
