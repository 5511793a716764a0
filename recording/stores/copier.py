"""Copies recordings at rest to the other stores, in the background, until each of them has all.

One thread of the lowest priority, in the web process: no call waits for it, and it may die at any moment; what was
copied and not told is copied again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

import structlog

from ccplatform.contracts.ports import Alarms
from ccplatform.contracts.words import RecordingId, Severity
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.kernel.errors import Unavailable
from ccplatform.security.audit import Audit
from ccplatform.security.errors import BadSeal, VaultClosed
from ccplatform.storage.database import Database
from recording.keeper import DAMAGE_ALARM, work_last
from recording.proof import check_file
from recording.sealed import Sounds
from recording.stores.book import CopyBook
from recording.stores.copies import Copies
from recording.stores.model import Store, StoreAway, StoreCount, ToCopy

T = TypeVar("T")

_log = structlog.get_logger("recording")

#: Alarm while a store does not answer, and while what waits for it is older than it may be; subject: the store.
AWAY_ALARM: Final = "recording_store_away"
BEHIND_ALARM: Final = "recording_copies_behind"
#: Between looks at what there is to do, seconds.
LOOK_SECONDS: Final = 30.0
#: A store that failed is left alone for so long, twice as long each time.
FIRST_PAUSE_SECONDS: Final = 5.0
LONGEST_PAUSE_SECONDS: Final = 300.0
#: Recordings of one look, and of one row of the audit.
BATCH: Final = 20


@dataclass(slots=True)
class StoreState:
    """How a store does: what it said last when it failed, and how long it is left alone."""

    problem: str = ""
    pause_seconds: float = 0.0
    again_at: float = 0.0
    damaged: set[RecordingId] = field(default_factory=set)


class Copier:
    """``settle_seconds`` after its end a recording is copied even if it was not made smaller.

    ``keep_days``: after that the directory lets go of what every store has; None: it keeps all.
    """

    def __init__(
        self,
        *,
        book: CopyBook,
        sounds: Sounds,
        copies: Copies,
        database: Database,
        audit: Audit,
        clock: Clock,
        settle_seconds: float,
        behind_seconds: float,
        keep_days: int | None,
        alarms: Alarms,
    ) -> None:
        self._book = book
        self._sounds = sounds
        self._copies = copies
        self._names = [store.name for store in copies.stores]
        self._database = database
        self._audit = audit
        self._clock = clock
        self._settle_seconds = settle_seconds
        self._behind_seconds = behind_seconds
        self._keep_days = keep_days
        self._alarms = alarms
        self._known = False
        self.states = {store.name: StoreState() for store in copies.stores}
        self._thread = ThreadPoolExecutor(1, "recordings-copies", work_last)

    async def run(self) -> None:
        """For ever. Keep it running under the task supervisor."""
        while True:
            try:
                while await self.work():
                    pass
            except Unavailable as error:
                _log.info("copies of recordings wait", reason=str(error))
            await sleep(self._clock, LOOK_SECONDS)

    async def counts(self) -> list[tuple[StoreCount, str]]:
        """How far each store is, and what it said when it failed last ('' since it answers)."""
        counts = await self._book.counts(self._names, self._settled())
        return [(count, self.states[count.name].problem) for count in counts]

    async def work(self) -> int:
        """Do some of what there is to do; returns how many recordings that were. Raises DatabaseUnavailable."""
        if not self._known:
            await self._get_known()
        done = 0
        for store in self._copies.stores:
            if self.states[store.name].again_at <= self._clock.now():
                done += await self._copy_some(store) + await self._remove_some(store)
            await self._look_behind(store)
        return done + await self._let_go_of_some()

    async def _get_known(self) -> None:
        for name in await self._book.know(self._names):
            text = f"store {name} has copies and is in the settings no more: nobody deletes them there"
            self._alarms.raise_alarm(AWAY_ALARM, name, Severity.NON_URGENT, text)
        self._known = True

    async def _copy_some(self, store: Store) -> int:
        state = self.states[store.name]
        copied: list[tuple[ToCopy, int]] = []
        for one in await self._book.due(store.name, self._settled(), BATCH, state.damaged):
            try:
                copied.append((one, await self._in_thread(partial(self._copy, store, one))))
            except StoreAway as error:
                self._failed(store, error)
                break
            except (OSError, BadSeal, VaultClosed) as error:
                if not await self._book.kept(one.recording):  # deleted meanwhile
                    continue
                state.damaged.add(one.recording)
                text = f"recording {one.recording} is not copied to {store.name}: {error}"
                _log.error("a recording is not copied", recording=one.recording, reason=str(error))
                self._alarms.raise_alarm(DAMAGE_ALARM, "", Severity.URGENT, text)
            else:
                self._answered(store)
        if copied:
            await self._commit(store, copied)
        return len(copied)

    def _copy(self, store: Store, one: ToCopy) -> int:
        with self._sounds.reader(one.recording) as reader:
            problem = check_file(reader, one.root, one.stored_root)
            if problem:
                raise BadSeal(problem)
            return self._copies.copy(store, reader)

    async def _commit(self, store: Store, copied: list[tuple[ToCopy, int]]) -> None:
        gone: list[RecordingId] = []
        told: list[RecordingId] = []
        async with self._database.transaction() as connection:
            for one, size in sorted(copied, key=lambda pair: pair[0].recording):
                kept = await self._book.copied(connection, store.name, one, size, self._clock.wall())
                (told if kept else gone).append(one.recording)
            await self._book.settle(connection, self._names, told)
            if told:
                await self._audit.record(
                    subject="system",
                    action="recording.copy",
                    object=f"{len(told)} recordings",
                    result="ok",
                    detail={"store": store.name, "recordings": told},
                    connection=connection,
                )
        for recording in gone:  # deleted, or made smaller, while it was copied
            await self._try(store, partial(self._copies.remove, store, recording))
        _log.info("recordings were copied", store=store.name, count=len(told))

    async def _remove_some(self, store: Store) -> int:
        due = await self._book.to_remove(store.name, BATCH)
        removed = []
        for recording in due:
            if not await self._try(store, partial(self._copies.remove, store, recording)):
                break
            removed.append(recording)
        if removed:
            async with self._database.transaction() as connection:
                await self._book.removed(connection, store.name, removed)
                await self._audit.record(
                    subject="system",
                    action="recording.delete_copy",
                    object=f"{len(removed)} recordings",
                    result="ok",
                    detail={"store": store.name, "recordings": removed},
                    connection=connection,
                )
        return len(removed)

    async def _let_go_of_some(self) -> int:
        if self._keep_days is None:
            return 0
        before = self._clock.wall() - timedelta(days=self._keep_days)
        async with self._database.transaction() as connection:
            due = await self._book.to_let_go(connection, self._names, before, BATCH)
            if due:
                await self._book.let_go(connection, due)
                for recording in due:
                    await self._in_thread(partial(self._sounds.files.let_go, recording))
        return len(due)

    async def _look_behind(self, store: Store) -> None:
        late = await self._book.due(store.name, self._settled(), 1)
        age = (self._clock.wall() - late[0].ended_at).total_seconds() if late else 0.0
        if age > self._behind_seconds:
            text = f"the oldest recording that {store.name} lacks ended {age / 3600:.1f} hours ago"
            self._alarms.raise_alarm(BEHIND_ALARM, store.name, Severity.URGENT, text)
        else:
            self._alarms.clear_alarm(BEHIND_ALARM, store.name)

    async def _try(self, store: Store, work: Callable[[], None]) -> bool:
        try:
            await self._in_thread(work)
        except StoreAway as error:
            self._failed(store, error)
            return False
        self._answered(store)
        return True

    def _failed(self, store: Store, error: StoreAway) -> None:
        state = self.states[store.name]
        state.problem = error.strerror or str(error)
        state.pause_seconds = min(max(2 * state.pause_seconds, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
        state.again_at = self._clock.now() + state.pause_seconds
        _log.warning("a store of recordings is away", store=store.name, reason=state.problem)
        self._alarms.raise_alarm(AWAY_ALARM, store.name, Severity.NON_URGENT, state.problem)

    def _answered(self, store: Store) -> None:
        state = self.states[store.name]
        state.problem, state.pause_seconds = "", 0.0
        self._alarms.clear_alarm(AWAY_ALARM, store.name)

    def _settled(self) -> datetime:
        return self._clock.wall() - timedelta(seconds=self._settle_seconds)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
