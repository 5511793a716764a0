"""What a sheet would change, line by line, before it does; and then exactly that."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pydantic import ValidationError

from ccplatform.configuration.changes import Changes
from ccplatform.configuration.errors import ChangedMeanwhile
from ccplatform.configuration.kind import Document, Kind, revision
from ccplatform.configuration.sheet import columns_of, decoded, read
from ccplatform.kernel.errors import Refusal, Unavailable


class LineVerdict(StrEnum):
    """What a line does."""

    ADD = "add"
    CHANGE = "change"
    SAME = "same"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a sheet; ``changes`` gives before and after of each field, ``problems`` where and why not."""

    line: int
    id: str
    verdict: LineVerdict
    changes: dict[str, tuple[Any, Any]]
    problems: tuple[tuple[str, str], ...]
    wanted: Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would happen; ``token`` names exactly this, and what it starts from."""

    lines: tuple[Line, ...]
    token: str

    @property
    def legal(self) -> bool:
        """Whether no line is refused."""
        return all(line.verdict is not LineVerdict.REFUSED for line in self.lines)


class Exchange:
    """Reads sheets. A sheet adds and changes; what it does not name stays."""

    def __init__(self, *, changes: Changes) -> None:
        self._changes = changes

    async def plan(self, kind: Kind, body: bytes, *, by: str) -> Plan:
        """What the sheet would do; raises BadSheet."""
        async with self._changes.lock(kind):
            return await self._plan(kind, body, await kind.keeper.all(), by)

    async def apply(self, kind: Kind, body: bytes, token: str, *, by: str) -> Plan:
        """Do what the plan of this token said; raises ChangedMeanwhile when it would be something else now.

        What keeps a line from being done (the database is away) raises its own error, which says how far it came.
        """
        async with self._changes.lock(kind):
            there = await kind.keeper.all()
            plan = await self._plan(kind, body, there, by)
            if plan.token != token:
                raise ChangedMeanwhile(f"what the sheet changes of {kind.word}s")
            if not plan.legal:
                raise Refusal("the sheet has lines that are refused; nothing was changed", code="bad_sheet")
            done = 0
            for line in plan.lines:
                if line.verdict is LineVerdict.SAME:
                    continue
                try:
                    await self._changes.carry_out(kind, line.id, line.wanted, there.get(line.id), by=by)
                except (Refusal, Unavailable) as error:
                    raise _stopped(line.line, done, error) from error
                done += 1
            return plan

    async def _plan(self, kind: Kind, body: bytes, there: Any, by: str) -> Plan:
        columns = columns_of(kind.wanted, kind.secrets)
        seen: set[str] = set()
        lines = []
        for number, name, given in read(decoded(body), kind.wanted, columns):
            lines.append(await self._line(kind, number, name, given, there.get(name), by, twice=name in seen))
            seen.add(name)
        lines = _without_clashes(kind, lines)
        names = json.dumps([[line.id, line.wanted, revision(there.get(line.id))] for line in lines], default=str)
        return Plan(lines=tuple(lines), token=hashlib.sha256(names.encode()).hexdigest()[:32])

    async def _line(
        self,
        kind: Kind,
        number: int,
        name: str,
        given: dict[str, Any],
        before: Document | None,
        by: str,
        *,
        twice: bool,
    ) -> Line:
        known = {field: value for field, value in (before or {}).items() if field in kind.wanted.model_fields}
        problems: list[tuple[str, str]] = [("id", "it is on an earlier line already")] if twice else []
        wanted: Document = {**known, **given}
        old: Document = before or {}
        try:
            wanted = kind.wanted.model_validate(wanted).model_dump(mode="json")
            old = _comparable(kind, before)
            if not problems and wanted != old:
                await kind.keeper.save(name, wanted, by=by, trial=True)
        except ValidationError as error:
            problems += [(".".join(map(str, item["loc"])), item["msg"]) for item in error.errors()[:5]]
        except Refusal as error:
            problems.append((error.where, str(error)))
        changed = {
            field: (old.get(field), value)
            for field, value in wanted.items()
            if field not in kind.secrets and old.get(field) != value
        }
        verdict = LineVerdict.ADD if before is None else LineVerdict.CHANGE if changed else LineVerdict.SAME
        return Line(
            line=number,
            id=name,
            verdict=LineVerdict.REFUSED if problems else verdict,
            changes=changed,
            problems=tuple(problems),
            wanted=wanted,
        )


def _stopped(line: int, done: int, error: Refusal | Unavailable) -> Refusal | Unavailable:
    """The error of a line that could not be done, with what became of the others."""
    before = f"lines in force before it: {done}" if done else "nothing was changed"
    text = f"stopped at line {line}: {error}; {before}; send the sheet again to do the rest"
    if isinstance(error, Unavailable):
        return Unavailable(text, retry_after=error.retry_after)
    return Refusal(text, code=error.code, where=error.where)


def _without_clashes(kind: Kind, lines: list[Line]) -> list[Line]:
    """The lines, those refused that do not go with an earlier one of the sheet."""
    if kind.clashes is None:
        return lines
    legal = {line.id: line.wanted for line in lines if line.verdict is not LineVerdict.REFUSED}
    clashes = kind.clashes(legal)
    return [
        replace(line, verdict=LineVerdict.REFUSED, problems=(clashes[line.id],))
        if line.id in clashes and line.verdict is not LineVerdict.REFUSED
        else line
        for line in lines
    ]


def _comparable(kind: Kind, before: Document | None) -> Document:
    """What is there, as a change of it would say it: with the fields that a change takes and no item has."""
    if before is None:
        return {}
    return kind.wanted.model_validate(
        {field: value for field, value in before.items() if field in kind.wanted.model_fields}
    ).model_dump(mode="json")
