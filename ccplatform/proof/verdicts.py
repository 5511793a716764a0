"""From what a run heard to the rows of section 10.3.1, by the one table of definitions. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from types import MappingProxyType
from typing import Final

from ccplatform.contracts.words import MysteryFate
from ccplatform.proof.acceptance import Phase, PhaseResult
from ccplatform.proof.networks import BAD, GOOD, POOR
from ccplatform.proof.visit import Visit
from metrics.compliance import DTMF_LOAD_SHARE, ComplianceRow, judge
from metrics.definitions import REQUIREMENTS
from metrics.indicator import Definition, Source
from metrics.model import Measurement, share

#: One way, seconds (R10.3.1.3).
_LONGEST_WAY: Final = 0.4
#: Share of the prober's own ticks that may be late before what it sent says nothing of the centre.
MOST_LATE: Final = 0.002
_NOT_TESTED: Final = Measurement(value=None, samples=0)


def rows(
    results: Sequence[PhaseResult], design_load: float = 0.9, untested: Mapping[str, str] = MappingProxyType({})
) -> list[ComplianceRow]:
    """Every clause of 10.3.1, and the wait for an agent, in the order of the standard; `no_data` where nothing was
    tested.

    ``design_load`` is Erlangs per channel, of which R10.3.1.6 wants 25 %. ``untested`` are clauses that mean
    nothing on the line that calls came by, with the reason: they have no value whatever was measured.
    """
    told = []
    for definition in REQUIREMENTS:
        if definition.id in MEASURES:
            if definition.id in untested:
                measured = replace(_NOT_TESTED, label=untested[definition.id])
            else:
                measured = MEASURES[definition.id](results, design_load)
            told.append(judge(_from_outside(definition), measured))
    return told


def _from_outside(definition: Definition) -> Definition:
    return replace(definition, source=Source.MYSTERY_CALLS, decides=Source.MYSTERY_CALLS)


Measure = Callable[[Sequence[PhaseResult], float], Measurement]


def _visits(results: Sequence[PhaseResult], *phases: Phase) -> list[Visit]:
    return [visit for result in results if result.phase in phases for visit in result.visits]


def _connect_rate(phase: Phase) -> Measure:
    def measure(results: Sequence[PhaseResult], _: float) -> Measurement:
        visits = _visits(results, phase)
        if not visits:
            return _NOT_TESTED
        return share(sum(visit.connected for visit in visits), len(visits), label=_reasons(visits))

    return measure


def _reasons(visits: Sequence[Visit]) -> str:
    counted: dict[str, int] = {}
    for visit in visits:
        if visit.fate is not MysteryFate.COMPLETED:
            why = visit.failed_at or str(visit.fate)
            if visit.status:
                why = " ".join(filter(None, (str(visit.fate), str(visit.status), visit.failed_at)))
            counted[why] = counted.get(why, 0) + 1
    most = sorted(counted.items(), key=lambda item: -item[1])[:5]
    return "; ".join(f"{why}: {count}" for why, count in most)


def _success(phase: Phase) -> Measure:
    def measure(results: Sequence[PhaseResult], _: float) -> Measurement:
        visits = [visit for visit in _visits(results, phase) if visit.connected]
        if not visits:
            return _NOT_TESTED
        return share(
            sum(visit.fate is MysteryFate.COMPLETED for visit in visits), len(visits), label=_reasons(visits)
        )

    return measure


def _mean(values: Sequence[float], *, met: bool = True, label: str = "") -> Measurement:
    if not values:
        return _NOT_TESTED
    told = "; ".join(part for part in (f"最差 / worst {max(values):.3f} s", label) if part)
    return Measurement(value=fmean(values), samples=len(values), met=met, label=told)


def _connect_delay(results: Sequence[PhaseResult], _: float) -> Measurement:
    visits = _visits(results, Phase.IDLE, Phase.BUSY)
    return _mean([visit.connect for visit in visits if visit.connect is not None])


def _keys(results: Sequence[PhaseResult], design_load: float) -> Measurement:
    needed = DTMF_LOAD_SHARE * design_load
    values, loads = [], []
    for result in results:
        if result.load is not None:
            loads.append(result.load)
            values += [seconds for visit in result.visits for seconds in visit.keys]
    if not values:
        return _NOT_TESTED
    least = min(loads)
    return _mean(
        values,
        met=least >= needed,
        label=f"每信道负荷 / load per channel {least:.3f} Erl, 要求 / needed {needed:.3f}",
    )


def _queries(results: Sequence[PhaseResult], _: float) -> Measurement:
    visits = _visits(results, Phase.IDLE, Phase.BUSY)
    return _mean([seconds for visit in visits for seconds in visit.queries])


def _delay(results: Sequence[PhaseResult], _: float) -> Measurement:
    ways = [
        echoed.round_trip / 2
        for result in results
        for echoed in result.echoes
        if echoed.network == GOOD.name and echoed.round_trip is not None
    ]
    talks = [visit for visit in _talks(results) if visit.network == GOOD.name]
    single = [
        way for visit in talks for way in (visit.to_caller_seconds, visit.to_agent_seconds) if way is not None
    ]
    ways += single
    if not ways:
        return _NOT_TESTED
    label = f"回声往返之半 / half of the way to the echo and back; 平均 / mean {fmean(ways) * 1000:.0f} ms"
    if single:
        label = f"{label}; 其中主叫与座席间单程 / of them one way between caller and agent: {len(single)}"
    return share(sum(way < _LONGEST_WAY for way in ways), len(ways), label=label)


def _talks(results: Sequence[PhaseResult]) -> list[Visit]:
    return [visit for result in results for visit in result.agents]


def _agent_wait(results: Sequence[PhaseResult], _: float) -> Measurement:
    talks = _talks(results)
    waits = [visit.agent_wait for visit in talks if visit.agent_wait is not None]
    return replace(_mean(waits), label=_reasons(talks)) if not waits else _mean(waits, label=_reasons(talks))


def _loss(results: Sequence[PhaseResult], _: float) -> Measurement:
    visits = _visits(results, Phase.IDLE, Phase.BUSY)
    heard = [visit for visit in visits if visit.received]
    if not heard:
        return _NOT_TESTED
    lost, reported_lost = sum(visit.lost for visit in heard), sum(visit.reported_lost for visit in heard)
    sent, reported = lost + sum(visit.received for visit in heard), sum(visit.reported for visit in heard)
    label = f"中心至主叫丢包 / packets lost from the centre to the caller: {lost} / {sent}; "
    if reported:
        label += f"主叫至中心（据对端RTCP报告） / to the centre, by its RTCP reports: {reported_lost} / {reported}"
    else:
        label += "另一方向无从得知：对端未报告 / the other way is not known: the centre sent no RTCP reports"
    worse = max(lost / sent, reported_lost / reported if reported else 0.0)
    return Measurement(value=worse, samples=len(heard), label=label)


def _pesq(network: str) -> Measure:
    def measure(results: Sequence[PhaseResult], _: float) -> Measurement:
        echoes = [echoed for result in results for echoed in result.echoes if echoed.network == network]
        talks = [visit for visit in _talks(results) if visit.network == network]
        back = [echoed.raw for echoed in echoes if echoed.raw is not None]
        single = [way for visit in talks for way in (visit.to_caller_pesq, visit.to_agent_pesq) if way is not None]
        scores = back + single
        late = max((result.late_share for result in results if result.echoes or result.agents), default=0.0)
        if not scores:
            return Measurement(value=None, samples=0, label=_NOT_SCORED if echoes or talks else "")
        told = [f"最差 / worst {min(scores):.3f}"]
        if back:
            told.append(
                f"经网络至回声往返 / through the network to an echo and back {fmean(back):.3f} (n = {len(back)})"
            )
        if single:
            told.append(f"与座席单程 / one way with an agent {fmean(single):.3f} (n = {len(single)})")
        label = "; ".join(told)
        if late > MOST_LATE:
            ticks = f"the prober itself was late: {late:.1%} of its ticks"
            label = f"{label}; 测试端自身迟延，不足为证 / proves nothing, {ticks}"
        return Measurement(value=fmean(scores), samples=len(scores), met=late <= MOST_LATE, label=label)

    return measure


_NOT_SCORED: Final = (
    "未评分：未安装 pesq 包，或中途停止 / nothing was scored: the package pesq is not installed (pip install "
    "'ccplatform[pesq]'), or the run was broken off before"
)

#: How each clause is measured from outside.
MEASURES: Final[Mapping[str, Measure]] = MappingProxyType(
    {
        "R10.3.1.1.a": _connect_rate(Phase.IDLE),
        "R10.3.1.1.b": _connect_rate(Phase.BUSY),
        "R10.3.1.2": _connect_delay,
        "R10.3.1.3.delay": _delay,
        "R10.3.1.3.loss": _loss,
        "R10.3.1.4.a": _pesq(GOOD.name),
        "R10.3.1.4.b": _pesq(POOR.name),
        "R10.3.1.4.c": _pesq(BAD.name),
        "R10.3.1.5.a": _success(Phase.IDLE),
        "R10.3.1.5.b": _success(Phase.BUSY),
        "R10.3.1.6": _keys,
        "R10.3.1.7": _queries,
        "R10.3.2.d": _agent_wait,
    }
)
