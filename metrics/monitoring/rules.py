"""Prometheus' rules: indicators recomputed from counters and histograms, and one alert for each requirement.

The verdict on a requirement is the platform's own (``cc_compliance_ok``); what is recorded beside it lets a person
check the figure by other means, over whatever time Prometheus keeps.
"""

from __future__ import annotations

from typing import Any, Final

from metrics.budgets import PACES, Pace, Watched, short_name
from metrics.definitions import REQUIREMENTS
from metrics.indicator import Definition, Unit

Rule = dict[str, Any]

_HUMAN: Final = {Unit.RATIO: " | humanizePercentage", Unit.SECONDS: " | humanizeDuration"}

#: A share of counters, or a mean of a histogram, over the window of its clause: record, expression, ids. A counter
#: that never rose has no series: its share is 0 and not nothing.
_SHARES: Final = (
    (
        "cc:calls_heard:ratio2h",
        "(sum(increase(cc_call_connect_seconds_count[2h])) or vector(0)) / (sum(increase(cc_calls_total{"
        'direction="inbound",outcome!="abandoned_before_answer"}[2h])) > 0)',
        "R10.3.1.1",
    ),
    (
        "cc:calls_blocked:ratio2h",
        "(sum by (trunk) (increase(cc_blocked_calls_total[2h])) or "
        '0 * sum by (trunk) (increase(cc_calls_total{direction="inbound"}[2h]))) / '
        '(sum by (trunk) (increase(cc_calls_total{direction="inbound"}[2h])) > 0)',
        "R10.3.1.1",
    ),
    (
        "cc:voice_delay_under_400ms:ratio2h",
        'sum(increase(cc_voice_delay_seconds_bucket{le="0.4"}[2h])) / '
        "(sum(increase(cc_voice_delay_seconds_count[2h])) > 0)",
        "R10.3.1.3.delay",
    ),
    (
        "cc:rtp_loss_under_5_percent:ratio2h",
        'sum(increase(cc_rtp_loss_ratio_bucket{le="0.05"}[2h])) / '
        "(sum(increase(cc_rtp_loss_ratio_count[2h])) > 0)",
        "R10.3.1.3.loss",
    ),
    (
        "cc:ivr_success:ratio2h",
        '(sum(increase(cc_ivr_sessions_total{outcome="completed"}[2h])) or vector(0)) / '
        '(sum(increase(cc_ivr_sessions_total{outcome=~"completed|failed"}[2h])) > 0)',
        "R10.3.1.5",
    ),
    (
        "cc:ivr_success:ratio24h",
        '(sum(increase(cc_ivr_sessions_total{outcome="completed"}[24h])) or vector(0)) / '
        '(sum(increase(cc_ivr_sessions_total{outcome=~"completed|failed"}[24h])) > 0)',
        "R10.3.2.a",
    ),
    (
        "cc:mystery_calls_good:ratio24h",
        '(sum(increase(cc_mystery_calls_total{fate="completed"}[24h])) or vector(0)) / '
        "(sum(increase(cc_mystery_calls_total[24h])) > 0)",
        "R10.3.2.a",
    ),
)
_MEANS: Final = (
    ("cc_call_connect_seconds", "2h", "", "R10.3.1.2"),
    ("cc_voice_mos", "2h", "condition", "R10.3.1.4"),
    ("cc_dtmf_response_seconds", "2h", "", "R10.3.1.6"),
    ("cc_ivr_query_seconds", "2h", "", "R10.3.1.7"),
    ("cc_dtmf_response_seconds", "24h", "", "R10.3.2.b"),
    ("cc_ivr_query_seconds", "24h", "", "R10.3.2.c"),
    ("cc_agent_wait_seconds", "24h", "", "R10.3.2.d"),
    ("cc_queue_wait_seconds", "1h", "queue", "D-ASA"),
    ("cc_handle_seconds", "1h", "queue", "D-AHT"),
)
_OTHERS: Final = (
    ("cc:calls:rate5m", "sum by (direction, trunk, outcome) (rate(cc_calls_total[5m]))", "R10.3.1.1"),
    (
        "cc:queue_wait_seconds:p95_1h",
        "histogram_quantile(0.95, sum by (queue, le) (rate(cc_queue_wait_seconds_bucket[1h])))",
        "D-ASA",
    ),
    (
        "cc:trunk_use:ratio",
        "cc_trunk_channels_in_use / (cc_trunk_channels > 0)",
        "R6.3",
    ),
)

#: Alerts of the operation: name, expression, for, severity, summary, ids.
_OPERATION: Final = (
    ("PlatformDown", 'up{job="ccplatform"} == 0', "1m", "urgent", "{{ $labels.instance }} cannot be scraped", ""),
    (
        "UrgentAlarm",
        'cc_alarms{severity="urgent"} > 0',
        "",
        "urgent",
        "{{ $value }} urgent alarms are up",
        "R10.4.c",
    ),
    (
        "TrunkNearlyFull",
        "cc:trunk_use:ratio > 0.9",
        "1m",
        "non_urgent",
        "Trunk {{ $labels.trunk }} uses {{ $value | humanizePercentage }} of its channels",
        "R6.3",
    ),
    (
        "CallsBlocked",
        "increase(cc_blocked_calls_total[5m]) > 0",
        "",
        "non_urgent",
        "Trunk {{ $labels.trunk }} blocked {{ $value }} calls in 5 minutes",
        "R10.3.1.1",
    ),
    (
        "TrunkOutOfService",
        "cc_trunk_in_service == 0",
        "1m",
        "urgent",
        "Trunk {{ $labels.trunk }} is out of service",
        "R10.4.a",
    ),
    (
        "TrunkServerDown",
        "cc_trunk_server_up == 0",
        "1m",
        "non_urgent",
        "Server {{ $labels.server }} of trunk {{ $labels.trunk }} does not answer probes",
        "R10.4.a",
    ),
    (
        "Overloaded",
        "cc_overload_level > 0",
        "1m",
        "urgent",
        "Overload control restricts new calls, level {{ $value }}",
        "R10.4.f",
    ),
    (
        "MediaTickLate",
        'cc_media_tick_seconds{stat="p99"} > 0.02',
        "1m",
        "urgent",
        "Media worker {{ $labels.worker }} needs {{ $value | humanizeDuration }} for a tick of 20 ms",
        "R10.3.1.4",
    ),
    (
        "MediaInterrupted",
        "increase(cc_media_gap_seconds_count[10m]) > 0",
        "",
        "urgent",
        "{{ $value }} legs were silent while their media worker was replaced",
        "R10.2.d",
    ),
    (
        "DataSourceDown",
        "cc_data_source_up == 0",
        "1m",
        "urgent",
        "Data source {{ $labels.source }} gives no answers",
        "R10.3.1.7",
    ),
    (
        "SpeechDown",
        "cc_voice_up == 0 or cc_recogniser_up == 0 or cc_bot_up == 0",
        "1m",
        "non_urgent",
        "{{ $labels.engine }}{{ $labels.language }}{{ $labels.bot }} does not work",
        "R10.1.c",
    ),
    (
        "RecordDiffers",
        'increase(cc_mystery_calls_compared_total{result="different"}[1h]) > 0',
        "",
        "urgent",
        "{{ $value }} records are not what the mystery caller heard",
        "R10.3.2",
    ),
)


def groups() -> list[dict[str, Any]]:
    """The groups of `rules.yml`."""
    return [
        {"name": "ccplatform-indicators", "rules": _recordings()},
        {
            # Long ranges are read seldom: six hundred thousand samples an evaluation.
            "name": "ccplatform-long-term",
            "interval": "10m",
            "rules": [_record("cc:compliance_met:ratio30d", "avg_over_time(cc_compliance_ok[30d])", "R6.5")],
        },
        {"name": "ccplatform-compliance", "rules": [*map(_missed, REQUIREMENTS), *_burning()]},
        {"name": "ccplatform-operation", "rules": [_alert(*told) for told in _OPERATION]},
    ]


def _recordings() -> list[Rule]:
    found = [_record(*told) for told in _SHARES]
    for family, window, by, ids in _MEANS:
        sums = f"sum by ({by}) " if by else "sum"
        sums = f"{sums}(increase({family}_{{}}[{window}]))"
        expression = f"{sums.format('sum')} / ({sums.format('count')} > 0)"
        found.append(_record(f"{family.replace('cc_', 'cc:', 1)}:mean{window}", expression, ids))
    return [*found, *(_record(*told) for told in _OTHERS)]


def _record(name: str, expression: str, ids: str) -> Rule:
    return {"record": name, "expr": expression, "labels": {"definition": ids}}


def _missed(definition: Definition) -> Rule:
    """The alert of a requirement: named by its id, raised by the platform's verdict."""
    assert definition.comparison is not None
    human = _HUMAN.get(definition.unit, "")
    query = f'printf `cc_compliance_value{{requirement="%s"}}` "{definition.id}" | query'
    value = f"{{{{ with {query} }}}}{{{{ . | first | value{human} }}}}{{{{ end }}}}"
    target = f"{definition.comparison.value} {definition.target:g} ({definition.unit.value})"
    return {
        "alert": "Requirement" + definition.id[1:].replace(".", "_"),
        "expr": f'cc_compliance_ok{{requirement="{definition.id}"}} == 0',
        "for": "1m",
        "labels": {"severity": "urgent", "requirement": definition.id},
        "annotations": {
            "summary": f"{definition.id} {definition.title_en} / {definition.title_zh} misses its target",
            "description": f"Measured {value}, target {target}, window {definition.window}.",
        },
    }


def _burning() -> list[Rule]:
    """Before a breach: as `metrics.budgets` watches, by clauses over a day and over two hours."""
    found = []
    for seconds, paces in PACES.items():
        ids = "|".join(row.id.replace(".", r"\\.") for row in REQUIREMENTS if row.seconds == seconds)
        found += [_pace(pace, ids, short_name(seconds)) for pace in paces]
    return found


def _pace(pace: Pace, ids: str, window: str) -> Rule:
    def reached(seconds: int, burn: float) -> str:
        return f'cc_compliance_burn{{window="{short_name(seconds)}",requirement=~"{ids}"}} >= {burn:g}'

    long, short = reached(pace.long, pace.long_burn), reached(pace.short, pace.short_burn)
    name = {Watched.BURNING: "BudgetBurning", Watched.LOW: "BudgetLow"}[pace.stands]
    return {
        "alert": f"{name}{window}",
        "expr": f"{long} and on (instance, requirement) {short}",
        "labels": {"severity": "urgent" if pace.stands is Watched.BURNING else "non_urgent"},
        "annotations": {
            "summary": "{{ $labels.requirement }} uses up what its clause allows {{ $value | humanize }} times"
            f" as fast over {short_name(pace.long)}"
        },
    }


def _alert(name: str, expression: str, lasts: str, severity: str, summary: str, ids: str) -> Rule:
    rule: Rule = {"alert": name, "expr": expression}
    if lasts:
        rule["for"] = lasts
    return rule | {
        "labels": {"severity": severity} | ({"requirement": ids} if ids else {}),
        "annotations": {"summary": summary},
    }
