"""Compliance with section 10.3: what the fold measured, judged by the definitions. One row a requirement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, TypeAlias

from metrics.confidence import lower_bound, upper_bound
from metrics.definitions import REQUIREMENTS
from metrics.fold import Fold
from metrics.indicator import CONFIDENCE, SHARE_SAMPLES, Comparison, Definition, Source
from metrics.model import (
    MICROSECONDS,
    ONE_DAY,
    LoadClass,
    Measurement,
    Verdict,
    at_of,
    mean,
    share,
)

#: Computes a measurement from the fold, over the window of so many seconds that ends at a second since the epoch.
Measure: TypeAlias = Callable[[Fold, int, int], Measurement]

#: Share of the design load from which a DTMF response proves anything (R10.3.1.6).
DTMF_LOAD_SHARE: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplianceRow:
    """A requirement, what was measured, and the verdict; ``self_reported`` is what the platform says where mystery
    calls decide.

    ``confidence_bound`` is the 95 % bound of a share that decides the verdict: the lower one, or the upper one
    when it shows a failure.
    """

    definition: Definition
    measurement: Measurement
    verdict: Verdict
    confidence_bound: float | None
    self_reported: Measurement | None = None


def rows(fold: Fold, now: int) -> list[ComplianceRow]:
    """Every requirement at ``now`` (seconds since the epoch), in the order of the standard."""
    return [_row(definition, fold, now) for definition in REQUIREMENTS]


def measured(definition: Definition, fold: Fold, now: int, width: int) -> Measurement:
    """What decides a requirement, over the ``width`` seconds before ``now``: what mystery calls heard where they
    decide and there were any within the clause's window, else what the platform itself measured."""
    decides = MYSTERY.get(definition.id)
    if decides is not None and decides(fold, now, definition.seconds).samples:
        return decides(fold, now, width)
    return MEASURES[definition.id](fold, now, width)


def _row(definition: Definition, fold: Fold, now: int) -> ComplianceRow:
    own = MEASURES[definition.id](fold, now, definition.seconds)
    heard = MYSTERY[definition.id](fold, now, definition.seconds) if definition.id in MYSTERY else None
    if heard is None or not heard.samples:
        return judge(definition, own)
    return replace(judge(replace(definition, source=Source.MYSTERY_CALLS), heard), self_reported=own)


def judge(definition: Definition, measured: Measurement) -> ComplianceRow:
    """The verdict on a measurement, by the rules of `definitions.py`."""
    verdict, bound = Verdict.NO_DATA, None
    if measured.value is not None and definition.target is not None and definition.comparison is not None:
        if measured.successes is None:
            verdict = _judge_value(definition.comparison, definition.target, measured, definition.min_samples)
        else:
            verdict, bound = _judge_share(definition.target, measured.successes, measured, definition.min_samples)
        if not measured.met:
            verdict = Verdict.INSUFFICIENT
    return ComplianceRow(definition=definition, measurement=measured, verdict=verdict, confidence_bound=bound)


def _judge_value(comparison: Comparison, target: float, measured: Measurement, needed: int) -> Verdict:
    if measured.samples < needed or measured.value is None:
        return Verdict.INSUFFICIENT
    return Verdict.PASS if comparison.holds(measured.value, target) else Verdict.FAIL


def _judge_share(target: float, successes: int, measured: Measurement, needed: int) -> tuple[Verdict, float]:
    lower = lower_bound(successes, measured.samples, CONFIDENCE)
    if lower >= target:
        return Verdict.PASS, lower
    if measured.samples < SHARE_SAMPLES:
        return Verdict.INSUFFICIENT, lower
    upper = upper_bound(successes, measured.samples, CONFIDENCE)
    if upper < target:
        return Verdict.FAIL, upper
    missed = successes / measured.samples < target
    return (Verdict.FAIL if missed and measured.samples >= needed else Verdict.INSUFFICIENT), lower


def _connect_rate(kind: LoadClass) -> Measure:
    def measure(fold: Fold, now: int, width: int) -> Measurement:
        end, sums = fold.access.window(kind, now, width)
        return share(
            sums.connected, sums.attempts, label=_window_label(end, now, f"blocked calls: {sums.blocked}")
        )

    return measure


def _ivr_success(kind: LoadClass) -> Measure:
    def measure(fold: Fold, now: int, width: int) -> Measurement:
        end, sums = fold.access.window(kind, now, width)
        return share(sums.completed, sums.sessions, label=_window_label(end, now))

    return measure


def _window_label(end: int, now: int, *more: str) -> str:
    ended = (f"window ended {at_of(end).isoformat()}",) if 0 < end < now else ()
    return "; ".join((*ended, *more))


def _connect_delay(fold: Fold, now: int, width: int) -> Measurement:
    samples, total = fold.responses.connect(now, width)
    return mean(total, samples)


def _voice_delay(fold: Fold, now: int, width: int) -> Measurement:
    sums = fold.voice.sums(now, width)
    return share(sums.quick_calls, sums.calls)


def _loss(fold: Fold, now: int, width: int) -> Measurement:
    sums = fold.voice.sums(now, width)
    label = ""
    if sums.legs:
        into = f"{sums.lost_in}/{sums.expected_in}"
        out = f"{sums.lost_out}/{sums.sent_out}"
        label = f"lost towards the centre {into}, from it {out}; legs below 5 %: {sums.clean_legs}/{sums.legs}"
    return Measurement(value=sums.worse_loss, samples=sums.legs, label=label)


def _dtmf_under_load(fold: Fold, now: int, width: int) -> Measurement:
    samples, total = fold.responses.keys(width, now)
    load = fold.access.load(now)
    needed = DTMF_LOAD_SHARE * fold.rules.design_load_erlang
    met = load is not None and load >= needed
    known = "unknown" if load is None else f"{load:.3f} Erl per channel"
    return mean(total, samples, met=met, label=f"load {known}, needed {needed:.3f}")


def _dtmf_day(fold: Fold, now: int, width: int) -> Measurement:
    samples, total = fold.responses.keys(width, now)
    return mean(total, samples)


def _query(fold: Fold, now: int, width: int) -> Measurement:
    samples, total, failed = fold.responses.queries(width, now)
    return mean(total, samples, label=f"failed queries: {failed}")


def _self_service(fold: Fold, now: int, width: int) -> Measurement:
    sessions, completed = fold.responses.sessions(now, width)
    return share(completed, sessions)


def _agent_wait(fold: Fold, now: int, width: int) -> Measurement:
    samples, total = fold.responses.agents(now, width)
    return mean(total, samples)


def _hours(fold: Fold, now: int, width: int) -> Measurement:
    """Whole days only: an hour alone has no other to differ from."""
    if width < ONE_DAY:
        return Measurement(value=None, samples=0)
    found = fold.responses.hours.compare(now)
    busy, idle = found.busy.mean_us, found.idle.mean_us
    label = ""
    if busy is not None and idle is not None:
        label = (
            f"{found.busy.hours} busy hours: {busy / MICROSECONDS:.1f} s, "
            f"{found.idle.hours} idle hours: {idle / MICROSECONDS:.1f} s"
        )
    samples = min(found.busy.answered, found.idle.answered)
    return Measurement(value=found.ratio, samples=samples, label=label)


def _no_probes(fold: Fold, now: int, width: int) -> Measurement:
    return Measurement(value=None, samples=0, label="measured by probes only")


#: How each requirement is measured.
MEASURES: Final[Mapping[str, Measure]] = MappingProxyType(
    {
        "R10.3.1.1.a": _connect_rate(LoadClass.IDLE),
        "R10.3.1.1.b": _connect_rate(LoadClass.BUSY),
        "R10.3.1.2": _connect_delay,
        "R10.3.1.3.delay": _voice_delay,
        "R10.3.1.3.loss": _loss,
        "R10.3.1.4.a": _no_probes,
        "R10.3.1.4.b": _no_probes,
        "R10.3.1.4.c": _no_probes,
        "R10.3.1.5.a": _ivr_success(LoadClass.IDLE),
        "R10.3.1.5.b": _ivr_success(LoadClass.BUSY),
        "R10.3.1.6": _dtmf_under_load,
        "R10.3.1.7": _query,
        "R10.3.2.a": _self_service,
        "R10.3.2.b": _dtmf_day,
        "R10.3.2.c": _query,
        "R10.3.2.d": _agent_wait,
        "R10.3.2.d.hours": _hours,
    }
)


def _mystery_success(fold: Fold, now: int, width: int) -> Measurement:
    made, completed, loopback = fold.mystery.calls(now, width)
    return share(completed, made, label=f"{loopback} over loopback, without an access network" if loopback else "")


def _mystery_keys(fold: Fold, now: int, width: int) -> Measurement:
    samples, total = fold.mystery.keys(now, width)
    return mean(total, samples)


def _mystery_queries(fold: Fold, now: int, width: int) -> Measurement:
    samples, total = fold.mystery.queries(now, width)
    return mean(total, samples)


def _mystery_agents(fold: Fold, now: int, width: int) -> Measurement:
    samples, total, unattended = fold.mystery.agents(now, width)
    return mean(total, samples, label=f"{unattended} more while nobody was signed in" if unattended else "")


def _mystery_pesq(network: str) -> Measure:
    def measure(fold: Fold, now: int, width: int) -> Measurement:
        samples, total = fold.mystery.scores(network, now, width)
        return mean(total, samples)

    return measure


#: What mystery calls say of the clauses that they decide, where there were any.
MYSTERY: Final[Mapping[str, Measure]] = MappingProxyType(
    {
        "R10.3.1.4.a": _mystery_pesq("good"),
        "R10.3.1.4.b": _mystery_pesq("poor"),
        "R10.3.1.4.c": _mystery_pesq("bad"),
        "R10.3.2.a": _mystery_success,
        "R10.3.2.b": _mystery_keys,
        "R10.3.2.c": _mystery_queries,
        "R10.3.2.d": _mystery_agents,
    }
)
