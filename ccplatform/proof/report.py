"""The report of an acceptance run as data: what it is about, the rows of the clauses, and every call."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from ccplatform import __version__
from ccplatform.contracts.words import MysteryFate
from ccplatform.proof.acceptance import Phase, PhaseResult
from ccplatform.proof.errors import WrongPlan
from ccplatform.proof.plan import Plan
from ccplatform.proof.port import Front
from ccplatform.proof.quality import Echoed
from ccplatform.proof.scoring import pesq_available
from ccplatform.proof.verdicts import rows
from ccplatform.proof.visit import Visit
from metrics.compliance import ComplianceRow
from metrics.indicator import CONFIDENCE
from metrics.model import Verdict

#: What a verdict is called in reports.
CALLED: Final = {
    Verdict.PASS: ("pass", "合格"),
    Verdict.FAIL: ("fail", "不合格"),
    Verdict.INSUFFICIENT: ("insufficient sample", "样本不足"),
    Verdict.NO_DATA: ("not tested", "未测试"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a report is about. ``complete``: no phase was broken off."""

    target: str
    profile: str
    plan: Plan
    begun: datetime
    ended: datetime
    front: Front
    results: Sequence[PhaseResult]

    @property
    def complete(self) -> bool:
        """Whether no phase was broken off."""
        return all(result.complete for result in self.results)

    @property
    def rows(self) -> list[ComplianceRow]:
        """The clauses with their verdicts."""
        return rows(self.results, untested=self.front.untested)


def document(run: Run) -> dict[str, Any]:
    """The whole report as JSON: rows with ``id``, ``value``, ``target``, ``verdict``, phases, and every call."""
    return {
        "report": "ccplatform acceptance run",
        "version": __version__,
        "target": run.target,
        "profile": run.profile,
        "begun": run.begun.isoformat(),
        "ended": run.ended.isoformat(),
        "complete": run.complete,
        "confidence": CONFIDENCE,
        "environment": environment(run),
        "plan": run.plan.model_dump(mode="json", exclude={"agent": {"seats"}}),  # seats have passwords
        "rows": [row_document(row) for row in run.rows],
        "phases": [_phase(result) for result in run.results],
    }


def row_document(row: ComplianceRow) -> dict[str, Any]:
    """One clause."""
    definition, measured = row.definition, row.measurement
    return {
        "id": definition.id,
        "title_zh": definition.title_zh,
        "title_en": definition.title_en,
        "clause_zh": definition.clause_zh,
        "clause_en": definition.clause_en,
        "value": measured.value,
        "target": definition.target,
        "comparison": str(definition.comparison),
        "unit": str(definition.unit),
        "samples": measured.samples,
        "successes": measured.successes,
        "confidence_bound": row.confidence_bound,
        "verdict": CALLED[row.verdict][0].replace(" ", "_"),
        "source": str(definition.source),
        "definition_version": definition.version,
        "note": measured.label,
    }


def environment(run: Run) -> dict[str, Any]:
    """Where the run was made."""
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        **run.front.environment,
        "loopback": run.front.loopback,
        "pesq": pesq_available(),
        "reference_speech": "synthesized unless files were given",
    }


def read_results(path: Path, run_target: str, profile: str, plan: Plan) -> list[PhaseResult]:
    """What an earlier part of the same run measured, from its JSON report; nothing when there is no file yet.

    Raises WrongPlan for a file that is none, and for one of another centre, profile or plan.
    """
    if not path.exists():
        return []
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        same = (found["target"], found["profile"], found["plan"])
        results = [_result(phase) for phase in found["phases"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WrongPlan(f"{path} is no JSON report of an acceptance run: {error!r}", where="resume") from error
    ours = (run_target, profile, plan.model_dump(mode="json", exclude={"agent": {"seats"}}))
    for name, theirs, own in zip(("target", "profile", "plan"), same, ours, strict=True):
        if theirs != own:
            raise WrongPlan(f"{path} is of another {name}; a run goes on as it began", where="resume")
    return results


def _result(phase: dict[str, Any]) -> PhaseResult:
    return PhaseResult(
        phase=Phase(phase["phase"]),
        seconds=phase["seconds"],
        complete=phase["complete"],
        channels=phase["channels"],
        load=phase["erlang_per_channel"],
        visits=[_visit(visit) for visit in phase["visits"]],
        echoes=[Echoed(**echoed) for echoed in phase["echoes"]],
        unanswered_echoes=phase["unanswered_echoes"],
        agents=[_visit(visit) for visit in phase["agents"]],
        late_share=phase["prober_late_share"],
        worst_late=phase["prober_worst_late_seconds"],
    )


def _visit(data: dict[str, Any]) -> Visit:
    return Visit(**{**data, "fate": MysteryFate(data["fate"])})


def _phase(result: PhaseResult) -> dict[str, Any]:
    return {
        "phase": str(result.phase),
        "seconds": round(result.seconds, 3),
        "complete": result.complete,
        "channels": result.channels,
        "erlang_per_channel": result.load,
        "unanswered_echoes": result.unanswered_echoes,
        "prober_late_share": result.late_share,
        "prober_worst_late_seconds": result.worst_late,
        "visits": [asdict(visit) for visit in result.visits],
        "echoes": [asdict(echoed) for echoed in result.echoes],
        "agents": [asdict(visit) for visit in result.agents],
    }
