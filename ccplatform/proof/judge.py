"""Scores and ways of sound, computed in a process of its own, which lasts as long as ours.

PESQ holds the interpreter's lock for as long as it works: in our process, callers would be late meanwhile, and be
heard badly for no fault of the centre.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from typing import Final, TypeVar

from ccplatform.proof import scoring
from gateway.media.audio import Pcm

T = TypeVar("T")

#: How much it stands back behind the processes that carry calls.
_NICE: Final = 10


async def way_of(said: Pcm, heard: Pcm) -> float | None:
    """See :func:`ccplatform.proof.scoring.way_of`."""
    return await _aside(scoring.way_of, said, heard)


async def scored(said: Pcm, heard: Pcm, way: float) -> float | None:
    """See :func:`ccplatform.proof.scoring.scored`; None also where scores cannot be computed."""
    return await _aside(scoring.scored, said, heard, way) if scoring.pesq_available() else None


async def _aside(work: Callable[..., T], *arguments: object) -> T:
    loop = asyncio.get_running_loop()
    try:
        return await loop.run_in_executor(_process(), work, *arguments)
    except BrokenProcessPool:  # somebody killed it: another one may live
        _process.cache_clear()
        return await loop.run_in_executor(_process(), work, *arguments)


@cache
def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_prepare)


def _prepare() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who breaks a run off keeps what was measured
    os.nice(_NICE)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(0)
