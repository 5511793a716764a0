"""Voice bots from mouth to ear: ``python -m bench.bot_calls [--calls 10] [--bursts 10]``.

Callers reach a bot by SIP that says at once what it hears. Each says bursts of noise, one after the other; how
long it takes from the packet that leaves a phone to the packet that it hears again is told by correlation. On the
way are the jitter buffer, the tick, the tap, the relay, the WebSocket, the bot, the file, its player and the tick
again; what phones add at both ends (20 ms of packet, their own buffers) is not. The same to 95002, where the media
engine itself gives the sound back, says how much of it is the bot's. Callers, bot and platform share the CPUs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np

from bench.bots import ECHO
from bench.calls import at_rate
from bench.figures import conditions, distribution, show, write_json
from tests.support import audio, sources
from tests.support.g711 import RATE
from tests.support.milestone import PeerError
from tests.support.phone import SipPhone
from tests.support.phone_call import PhoneCall
from tests.support.platform import PlatformProcess

#: From mouth to ear and back to a mouth, as a conversation bears it (ITU-T G.114 has 150 ms one way).
GOAL_MS: Final = 300.0
NUMBER: Final = "95077"
_BURST_SECONDS, _PAUSE_SECONDS = 0.3, 1.0
_BOTS: Final = {"parrot": {"url": "unix:parrot.sock"}, "echo": {"url": "unix:echo.sock"}}
_FLOW: Final[dict[str, Any]] = {
    "flow": "echo_bot",
    "languages": ["en"],
    "start": "talk",
    "nodes": {
        "talk": {
            "kind": "bot",
            "bot": "echo",
            "barge_in": False,
            "on_transfer": {"people": "end"},
            "on_end": "end",
            "on_timeout": "end",
            "on_error": "end",
        },
        "end": {"kind": "hangup"},
    },
}


async def prepare(platform: PlatformProcess) -> None:
    """The flow in service, and its number."""
    async with httpx.AsyncClient(base_url=f"{platform.http}/api/v1/", timeout=30) as client:
        account = {"username": "admin", "password": "demo-admin"}
        token = (await client.post("auth/login", json=account)).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        for method, path, body in (
            ("PUT", "flows/echo_bot", {"document": _FLOW}),
            ("POST", "flows/echo_bot/publish", {}),
            ("PUT", f"configuration/numbers/{NUMBER}", {"flow": "echo_bot"}),
        ):
            answer = await client.request(method, path, json=body)
            if answer.is_error:
                raise PeerError(f"{method} {path}: {answer.text}")


async def delays_of(call: PhoneCall, bursts: int, seed: int) -> list[float]:
    """Seconds from packet to packet, one for each burst that came back whole."""
    await call.answered.wait(10)
    await asyncio.sleep(2.0)  # the jitter buffer has learned the network, the bot is there
    random = np.random.default_rng(seed)
    found: list[float] = []
    for _ in range(bursts):
        burst = np.clip(random.normal(0, 4000, round(_BURST_SECONDS * RATE)), -30000, 30000).astype(np.int16)
        sent_at = call.rtp._next  # when its first packet is due
        call.play(sources.signal(burst))
        await asyncio.sleep(_BURST_SECONDS + _PAUSE_SECONDS)
        recording = call.recording()
        begin = max(0, round((sent_at - recording.begins_at) * RATE))
        match = await asyncio.to_thread(audio.find, burst, recording.samples[begin:])
        if match.correlation > 0.7:
            found.append(recording.begins_at + (begin + match.lag_samples) / RATE - sent_at)
    await call.hang_up()
    return found


async def run(options: argparse.Namespace) -> int:
    """Both numbers; 0 when no call failed."""
    facts, problems = conditions(), list[str]()
    delays: dict[str, list[float]] = {"95002": [], NUMBER: []}
    with tempfile.TemporaryDirectory(prefix="ccb-") as directory:
        data = Path(directory) / "data"
        platform = PlatformProcess(data, environment={"CCP_IVR__BOTS": json.dumps(_BOTS)})
        try:
            await asyncio.to_thread(platform.start)
            echo = await asyncio.create_subprocess_exec(
                sys.executable, "-c", ECHO, str(data / "run" / "echo.sock"), stdout=PIPE, stderr=DEVNULL
            )
            assert echo.stdout is not None
            await echo.stdout.readline()
            await prepare(platform)
            async with SipPhone("bench") as phone:
                for number, found in delays.items():

                    async def one(index: int, number: str = number, found: list[float] = found) -> None:
                        call = await phone.dial(platform.number(number), caller=f"1380000{index:04d}")
                        found.extend(await delays_of(call, options.bursts, index))
                        call.close()

                    await at_rate(5.0, options.calls, one, problems)
            echo.kill()
            await echo.wait()
            await asyncio.to_thread(platform.stop)
        finally:
            platform.close()
    note = f"{options.calls} callers, {options.bursts} bursts each"
    figures = [
        distribution("phone → media engine → phone", delays["95002"], note=note),
        distribution("phone → bot → phone", delays[NUMBER], goal_ms=GOAL_MS, note=note),
    ]
    shown = [figure for figure in figures if figure is not None]
    whole = options.calls * options.bursts
    problems += [
        f"{number}: {len(found)} of {whole} came back" for number, found in delays.items() if len(found) < whole
    ]
    show("Voice bots, from mouth to ear", shown, facts, problems)
    if options.json:
        write_json(options.json, shown, facts, problems)
    return 1 if problems else 0


def main() -> None:
    """Run and print; exit 1 when calls failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10)
    parser.add_argument("--bursts", type=int, default=10)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    try:
        sys.exit(asyncio.run(run(parser.parse_args())))
    except PeerError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
