"""What is computed beside the prober, in a process of its own."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal

import numpy as np

from ccplatform.proof import judge, scoring
from tests.support.speech import speech_like


async def test_it_says_what_is_said_in_our_own_process() -> None:
    said = speech_like(3.0)
    heard = np.concatenate([np.zeros(1234, dtype=np.int16), said])
    assert await judge.way_of(said, heard) == scoring.way_of(said, heard) == 1234 / 8000
    assert await judge.way_of(said, np.zeros(len(said), dtype=np.int16)) is None


async def test_who_is_killed_is_followed_by_another() -> None:
    said = speech_like(3.0)
    assert await judge.way_of(said, said) == 0.0
    (process,) = multiprocessing.active_children()
    assert process.pid is not None
    os.kill(process.pid, signal.SIGINT)  # somebody breaks a run off: he goes on
    assert await judge.way_of(said, said) == 0.0
    os.kill(process.pid, signal.SIGKILL)
    await asyncio.to_thread(process.join)
    assert await judge.way_of(said, said) == 0.0
