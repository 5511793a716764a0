"""What agents are told at their answer: spoken beforehand, or a file; missing, it keeps nobody waiting."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from ccplatform.contracts.media import FileItem
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.tasks import TaskSupervisor
from ivr.speech.cache import PromptCache
from ivr.whispers import Whispers
from tests.ivr.doubles import Voice


class Tasks(TaskSupervisor):
    """Work waits until it is asked for."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self._waiting: list[Coroutine[Any, Any, None]] = []

    def run_once(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._waiting.append(work)

    async def work(self) -> None:
        while self._waiting:
            await self._waiting.pop(0)


class Rig:
    def __init__(self, directory: Path) -> None:
        self.voice = Voice()
        self.tasks = Tasks(VirtualClock())
        self.prompts = PromptCache(directory=directory / "speech", speech=self.voice, limit_bytes=1_000_000)
        self.prompts.open()
        self.whispers = Whispers(prompts=self.prompts, sounds=directory, tasks=self.tasks)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


@pytest.mark.parametrize(
    ("text", "spoken"), [("Sales, line 2", "Sales, line 2"), ("销售 2", "销售 二"), ("销售", "销售")]
)
async def test_a_text_is_there_once_it_was_prepared(rig: Rig, text: str, spoken: str) -> None:
    assert rig.whispers.items(text) == ()
    for _ in range(3):
        rig.whispers.prepare(text)
    await rig.tasks.work()
    assert len(rig.whispers.items(text)) == 1
    rig.whispers.prepare(text)
    await rig.tasks.work()
    assert rig.voice.spoken == [spoken]


async def test_without_speech_there_is_nothing_and_it_is_tried_again(rig: Rig) -> None:
    rig.voice.away = True
    rig.whispers.prepare("Sales")
    await rig.tasks.work()
    assert rig.whispers.items("Sales") == ()
    rig.voice.away = False
    rig.whispers.prepare("Sales")
    await rig.tasks.work()
    assert len(rig.whispers.items("Sales")) == 1


def test_a_file_is_played_if_it_is_there(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "sales.wav").touch()
    rig.whispers.prepare("sales.wav")
    assert rig.whispers.items("sales.wav") == (FileItem(path=str(tmp_path / "sales.wav"), trim=False),)
    assert rig.whispers.items("gone.wav") == ()
    assert rig.voice.spoken == []
