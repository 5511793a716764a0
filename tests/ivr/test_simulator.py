"""Simulated sessions over REST: what is shown of them, what is kept secret, and the trials that come of them."""

from __future__ import annotations

import base64
import io
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ccplatform.storage.database import Database
from ivr.plain import yaml_of
from ivr.trials.runner import run_trials
from tests.ivr.flow_desk import FlowDesk, flow_desk
from tests.security.desk import bearer
from tests.support.database import database, postgres_dsn  # noqa: F401

FLOW: dict[str, Any] = {
    "flow": "till",
    "languages": ["en", "zh"],
    "speak": ["en"],
    "start": "menu",
    "on_error": "end",
    "nodes": {
        "menu": {
            "kind": "menu",
            "prompt": {"en": "Press 1 for the till, 2 for people, 3 to say it.", "zh": "请按一。"},
            "choices": {"1": "card", "2": "hours", "3": "speak"},
            "fallback": "end",
        },
        "card": {
            "kind": "collect",
            "prompt": {"en": "Your card, please.", "zh": "请输入卡号。"},
            "variable": "card",
            "length": {"min": 4, "max": 4},
            "secure": True,
            "fallback": "end",
            "next": "ask",
        },
        "ask": {
            "kind": "query",
            "query": "balance",
            "parameters": {"card": "card", "who": "caller"},
            "results": {"sum": "sum"},
            "on_found": "tell",
            "on_missing": "end",
            "on_error": "people",
        },
        "tell": {
            "kind": "say",
            "prompt": {"en": [{"text": "You have"}, {"money": "sum"}], "zh": [{"money": "sum"}]},
            "next": "end",
        },
        "hours": {
            "kind": "hours",
            "calendar": "workdays",
            "on_open": "people",
            "on_closed": "end",
            "on_error": "end",
        },
        "speak": {
            "kind": "speech",
            "prompt": {"en": "Say yes or no.", "zh": "请说是或否。"},
            "answers": {"en": {"y": ["yes"], "n": ["no"]}, "zh": {"y": ["是"], "n": ["否"]}},
            "variable": "said",
            "next": "people",
            "fallback": "end",
            "on_error": "end",
        },
        "people": {"kind": "queue", "queue": "sales", "choices": {"9": "end"}, "on_error": "end"},
        "end": {"kind": "hangup"},
    },
}
MONDAY = "2026-01-05T10:00:00+08:00"


@pytest.fixture
async def flows(database: Database, tmp_path: Path) -> AsyncIterator[FlowDesk]:  # noqa: F811
    async with flow_desk(database, tmp_path) as made:
        yield made


async def play(flows: FlowDesk, *steps: dict[str, Any], status: int = 200, **more: Any) -> Any:
    body = {"document": FLOW, "at": MONDAY, "steps": list(steps), **more}
    answer = await flows.client.post("flows/simulate", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def told(state: Any, what: str) -> list[Any]:
    return [one for one in state["happenings"] if one["what"] == what]


async def test_a_session_shows_what_is_said_where_it_is_and_what_may_be_done(flows: FlowDesk) -> None:
    state = await play(flows, given={"caller": "138", "language": "en"})
    (said,) = told(state, "said")
    assert (state["node"], said["text"]) == ("menu", FLOW["nodes"]["menu"]["prompt"]["en"])
    assert said["sound"][0]["text"] == said["text"]
    assert (state["awaited"]["phase"], state["awaited"]["keys"]) == ("playing", ["1", "2", "3"])
    assert state["playing_seconds"] == pytest.approx(len(said["text"]) * 0.07)
    heard = await play(flows, {"waits": state["playing_seconds"]})
    assert (heard["awaited"]["phase"], heard["due_seconds"]) == ("listening", 5.0)
    state = await play(flows, {"keys": "2"})
    assert [(one["node"], one["text"]) for one in told(state, "entered")] == [
        ("menu", ""),
        ("hours", "choices.2"),
        ("people", "on_open"),
    ]
    assert (state["reached"], state["awaited"]["keys"]) == ("queue sales", ["9"])
    for step, outcome in (
        ({"hangs_up": True}, "completed"),
        ({"served": True}, "completed"),
        ({"keys": "9"}, "completed"),
    ):
        assert (await play(flows, {"keys": "2"}, step))["outcome"] == outcome
    assert (await play(flows, {"hangs_up": True}))["outcome"] == "abandoned"
    refused = await play(flows, {"keys": "2"}, {"refused": "full"})
    assert [one["node"] for one in told(refused, "entered")][-1] == "end"


async def test_the_centres_own_hours_count_at_the_time_of_the_simulation(flows: FlowDesk) -> None:
    sunday = await play(flows, {"keys": "2"}, at="2026-01-04T10:00:00+08:00")
    assert [one["text"] for one in told(sunday, "hours")] == ["closed"]
    stubbed = await play(
        flows,
        {"keys": "2"},
        at="2026-01-04T10:00:00+08:00",
        calendars={"workdays": [{"from": "09:00", "to": "18:00"}]},
    )
    assert stubbed["reached"] == "queue sales"


async def test_what_is_keyed_in_secretly_is_shown_to_nobody(flows: FlowDesk) -> None:
    stub = {"balance": [{"when": {"card": "4111"}, "row": {"sum": "7.50"}, "takes": 0.5}]}
    answer = await flows.client.post(
        "flows/simulate",
        json={"document": FLOW, "at": MONDAY, "queries": stub, "steps": [{"keys": "14111"}, {"waits": 1}]},
    )
    state = answer.json()
    assert "".join(one["text"] for one in told(state, "pressed")) == "1••••"
    assert told(state, "asked")[0]["values"] == {"card": "•", "who": ""}
    assert not [one for one in state["variables"] if one["secret"]], "nothing needs it any more"
    assert told(state, "said")[-1]["text"] == "You have seven yuan fifty"
    assert "4111" not in answer.text


async def test_a_secret_that_is_still_needed_is_shown_as_dots(flows: FlowDesk) -> None:
    sure = {**FLOW["nodes"]["menu"], "choices": {"1": "ask"}}
    nodes = {**FLOW["nodes"], "card": {**FLOW["nodes"]["card"], "next": "sure"}, "sure": sure}
    state = await play(flows, {"keys": "14111"}, document={**FLOW, "nodes": nodes})
    assert {one["name"]: one["value"] for one in state["variables"] if one["secret"]} == {"card": "•"}


async def test_data_sources_are_asked_once_by_those_who_may_and_audited(flows: FlowDesk) -> None:
    flows.source.rows["balance"] = {"sum": "1.00"}
    keys: list[dict[str, Any]] = [{"keys": "14111"}]
    state = await play(flows, *keys, live=True)
    assert state["answered"][0]["row"] == {"sum": "1.00"}
    again = await play(flows, *keys, {"waits": 60}, live=True, answered=state["answered"])
    assert (again["outcome"], flows.source.asked) == ("completed", [("balance", {"card": "4111", "who": ""})])
    rows = await flows.desk.audit.page(actions=["flow.query"], limit=10)
    assert [(row.subject, row.object) for row in rows] == [("boss", "balance")]
    assert told(await play(flows, *keys), "asked")[0]["text"] == "failed", "without stub and source"
    flows.client.headers.update(await bearer(flows.client, "looks"))
    assert (await play(flows, live=True, status=403))["code"] == "not_allowed"
    assert (await play(flows))["node"] == "menu"


async def test_what_is_said_is_understood_by_the_recogniser_of_calls(flows: FlowDesk) -> None:
    state = await play(flows, {"keys": "3"})
    assert (state["awaited"]["language"], state["awaited"]["phrases"]) == ("en", ["no", "yes"])
    state = await play(flows, {"keys": "3"}, {"says": [{"text": "yes", "confidence": 80}]})
    assert [one["name"] for one in told(state, "heard")] == ["understood"]
    assert told(state, "stopped"), "he broke into the prompt"
    assert state["reached"] == "queue sales"
    missed = await play(flows, {"keys": "3"}, {"says": "perhaps"})
    assert [one["name"] for one in told(missed, "heard")] == ["not_understood"]
    deaf = await play(flows, {"keys": "3"}, {"listens": True}, recogniser=False)
    assert deaf["outcome"] == "completed"


def wav(seconds: float, rate: int = 16_000, channels: int = 1) -> str:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((channels, 2, rate, 0, "NONE", ""))
        sound.writeframes(b"\x00\x10" * round(seconds * rate) * channels)
    return base64.b64encode(file.getvalue()).decode()


async def test_the_microphones_sound_reaches_the_recogniser_whole(flows: FlowDesk) -> None:
    async def hear(audio: str, status: int = 200, language: str = "en") -> Any:
        body = {"language": language, "phrases": ["yes"], "audio": audio}
        answer = await flows.client.post("flows/simulate/speech", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    assert (await hear(wav(3.0, 48_000)))["hypotheses"] == [{"text": "yes", "confidence": 90}]
    assert flows.recogniser.heard == [("en", ("yes",), 3 * 8000)]
    for audio in ("?", "AAAA", wav(1, channels=2), wav(31)):
        assert (await hear(audio, 422))["code"] == "bad_recording"
    assert (await hear(wav(1), 503, "zh"))["code"] == "unavailable"


async def test_a_session_becomes_a_trial_that_passes(flows: FlowDesk, tmp_path: Path) -> None:
    flows.source.rows["balance"] = {"sum": "1.00"}
    body = {
        "document": FLOW,
        "at": MONDAY,
        "given": {"caller": "138"},
        "live": True,
        "steps": [{"keys": "14111"}, {"waits": 9.5}],
    }
    answer = await flows.client.post("flows/simulate/trial", json=body)
    assert answer.headers["content-disposition"] == 'attachment; filename="till.trial.yaml"'
    await flows.save(yaml_of(FLOW))
    (tmp_path / "till.yaml").write_text(await flows.text("till"), encoding="utf-8")
    for number, steps in enumerate(
        (body["steps"], [{"keys": "2"}], [{"keys": "3"}, {"says": "yes"}, {"waits": 5}], [{"listens": True}])
    ):
        answer = await flows.client.post("flows/simulate/trial", json={**body, "steps": steps})
        file = tmp_path / f"{number}.trial.yaml"
        file.write_bytes(answer.content)
        (result,) = run_trials(file)
        assert result.problem == "", answer.text


async def test_what_is_said_sounds_as_callers_hear_it(flows: FlowDesk) -> None:
    pieces = [{"language": "en", "text": "One"}, {"seconds": 0.5}, {"hertz": [440], "seconds": 0.25}]
    answer = await flows.client.post("flows/simulate/sound", json={"pieces": pieces})
    with wave.open(io.BytesIO(answer.content)) as sound:
        assert (sound.getnchannels(), sound.getframerate(), sound.getnframes()) == (1, 8000, 400 + 6000)
    for piece, status in (({"file": "a/../x.wav"}, 503), ({"file": "/x"}, 422), ({"recording": "0" * 64}, 503)):
        answer = await flows.client.post("flows/simulate/sound", json={"pieces": [piece]})
        assert answer.status_code == status


async def test_what_cannot_be_played_is_told_with_its_place(flows: FlowDesk) -> None:
    wrong = {**FLOW, "start": "nowhere"}
    answer = await play(flows, status=422, document=wrong)
    assert answer["errors"][0]["where"] == "start"
    assert (await play(flows, document=None, flow="nothing", status=404))["code"] == "not_found"
    assert "keys" in (await play(flows, {"node": "menu"}, status=422))["detail"]
    await play(flows, *[{"waits": 1}] * 501, status=422)
    loop = {
        "flow": "till",
        "languages": ["en"],
        "start": "outer",
        "nodes": {
            "outer": {"kind": "loop", "times": 100, "body": "inner", "next": "end"},
            "inner": {"kind": "loop", "times": 100, "body": "pause", "next": "outer"},
            "pause": {"kind": "wait", "seconds": 0.1, "next": "inner"},
            "end": {"kind": "hangup"},
        },
    }
    assert (await play(flows, {"waits": 3000}, status=422, document=loop))["code"] == "too_long"


_ASK = {
    "kind": "collect",
    "prompt": {"en": "Who?", "zh": "谁？"},
    "variable": "who",
    "length": {"min": 1, "max": 1},
}
TALK: dict[str, Any] = {
    "flow": "talk",
    "languages": ["en", "zh"],
    "speak": ["en"],
    "start": "who",
    "on_error": "end",
    "nodes": {
        "who": {
            "kind": "sub_flow",
            "flow": "identify",
            "results": {"name": "customer"},
            "next": "helper",
            "on_error": "end",
        },
        "helper": {
            "kind": "bot",
            "bot": "helper",
            "variables": ["name"],
            "results": {"topic": "topic"},
            "outcome": "how",
            "max_seconds": 60,
            "on_transfer": {"people": "people"},
            "on_end": "bye",
            "on_timeout": "people",
            "on_error": "people",
        },
        "bye": {"kind": "say", "prompt": {"en": "Good bye.", "zh": "再见。"}, "next": "end"},
        "people": {"kind": "queue", "queue": "sales", "on_error": "end"},
        "end": {"kind": "hangup"},
    },
}
_KNOWN = {"identify": {"results": {"customer": "Zhang Wei"}}}


async def test_who_tries_a_flow_says_what_its_bot_does(flows: FlowDesk) -> None:
    around: dict[str, Any] = {"document": TALK, "sub_flows": _KNOWN}
    begun = await play(flows, **around)
    assert begun["node"] == "helper"
    assert begun["awaited"]["bot"] == {"bot": "helper", "transfers": ["people"], "variables": ["topic"]}
    talk: list[dict[str, Any]] = [{"bot": {"says": "How can I help?"}}, {"says": "My card is gone"}]
    handed = {"bot": {"transfers": "people", "variables": {"topic": "card"}}}
    served = await play(flows, *talk, handed, **around)
    turns = [(one["name"], one["text"]) for one in told(served, "turn")]
    assert turns == [("bot", "How can I help?"), ("caller", "My card is gone")]
    assert [(one["name"], one["text"]) for one in told(served, "talk")] == [("helper", ""), ("people", "transfer")]
    assert served["reached"] == "queue sales"
    variables = {one["name"]: one["value"] for one in served["variables"]}
    assert {variables["name"], variables["topic"], variables["how"]} == {"Zhang Wei", "card", "people"}
    ended = await play(flows, {"bot": {"ends": "solved"}}, {"listens": True}, **around)
    assert told(ended, "said")[0]["text"] == "Good bye."
    assert not told(ended, "stopped")
    for step in ({"bot": {"fails": True}}, {"waits": 61}, {"bot": {"transfers": "nobody"}}):
        gone = await play(flows, step, **around)
        assert gone["reached"] == "queue sales"
    assert (await play(flows, **around, bots=False))["reached"] == "queue sales"


async def test_a_sub_flow_runs_as_it_is_published_or_gives_what_it_is_told_to(flows: FlowDesk) -> None:
    part = {
        "flow": "identify",
        "languages": ["en", "zh"],
        "speak": ["en"],
        "start": "ask",
        "results": ["customer"],
        "nodes": {
            "ask": {**_ASK, "variable": "customer", "next": "back", "fallback": "back", "on_error": "back"},
            "back": {"kind": "return"},
        },
    }
    made = await flows.client.put("flows/identify", json={"document": part})
    assert made.status_code == 200, made.text
    published = await flows.client.post("flows/identify/publish", json={"note": ""})
    assert published.status_code == 200, published.text
    real = await play(flows, {"keys": "7"}, document=TALK)
    assert [one["node"] for one in told(real, "entered")] == ["who", "identify/ask", "identify/back", "helper"]
    assert {one["name"]: one["value"] for one in real["variables"]}["name"] == "7"
    stubbed = await play(flows, document=TALK, sub_flows=_KNOWN)
    assert {one["name"]: one["value"] for one in stubbed["variables"]}["name"] == "Zhang Wei"
    gone = await play(flows, document=TALK, sub_flows={"identify": {"fails": True}})
    assert (gone["node"], gone["outcome"], gone["cause"]) == ("end", "failed", "no_such_flow")


async def test_a_talk_with_a_bot_becomes_a_trial_that_passes(flows: FlowDesk, tmp_path: Path) -> None:
    steps = [{"bot": {"says": "Hello"}}, {"says": "people"}, {"bot": {"transfers": "people"}}, {"served": True}]
    body = {"document": TALK, "at": MONDAY, "sub_flows": _KNOWN, "steps": steps}
    answer = await flows.client.post("flows/simulate/trial", json=body)
    assert answer.status_code == 200, answer.text
    (tmp_path / "talk.yaml").write_text(yaml_of(TALK), encoding="utf-8")
    trial = tmp_path / "talk.trial.yaml"
    trial.write_text(answer.text, encoding="utf-8")
    (result,) = run_trials(trial)
    assert result.problem == ""
    trial.write_text(answer.text.replace("bots: true", "bots: false"), encoding="utf-8")
    (result,) = run_trials(trial)
    assert "no bot talks with him" in result.problem


@pytest.mark.parametrize(
    "act", [{}, {"says": "a", "fails": True}, {"says": "a", "variables": {"x": "1"}}, {"dances": True}]
)
async def test_a_bot_does_one_thing_at_a_time(flows: FlowDesk, act: dict[str, Any]) -> None:
    await play(flows, {"bot": act}, document=TALK, sub_flows=_KNOWN, status=422)
