"""Grafana's boards: operations, compliance, voice quality, trunks; two languages in every title."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from metrics.definitions import REQUIREMENTS
from metrics.indicator import Definition, Unit

Json = dict[str, Any]

_SOURCE: Final = {"type": "prometheus", "uid": "ccplatform-prometheus"}
_WIDTH: Final = 24
_UNITS: Final = {Unit.RATIO: "percentunit", Unit.SECONDS: "s"}
_TRUNK: Final = 'trunk=~"$trunk"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel. ``queries`` are pairs of expression and legend; ``steps``: colours from values on."""

    title: str
    queries: tuple[tuple[str, str], ...]
    kind: str = "timeseries"
    unit: str = "short"
    width: int = 8
    height: int = 8
    text: str = ""
    steps: tuple[tuple[float | None, str], ...] = ()
    more: Json = field(default_factory=dict)


def boards() -> dict[str, Json]:
    """The boards by the names of their files."""
    return {
        "operations": _board("operations", "Operations 运行", "What the centre does now", _operations()),
        "compliance": _board(
            "compliance",
            "Compliance 达标",
            "Section 10.3, requirement by requirement; definitions in docs/metrics.md",
            _compliance(),
        ),
        "voice": _board("voice", "Voice quality 语音质量", "R10.3.1.3, R10.3.1.4: what callers hear", _voice()),
        "trunks": _board(
            "trunks", "Trunks 中继", "R10.3.1.1, R6.3: traffic, channels, servers", _trunks(), variable="trunk"
        ),
    }


def _stat(title: str, query: str, *, unit: str = "short", **more: Any) -> Panel:
    return Panel(title=title, queries=((query, ""),), kind="stat", unit=unit, width=4, height=4, **more)


def _plot(title: str, *queries: tuple[str, str], unit: str = "short", **more: Any) -> Panel:
    return Panel(title=title, queries=queries, unit=unit, **more)


def _quantiles(family: str) -> tuple[tuple[str, str], ...]:
    return tuple(
        (f"histogram_quantile({share:g}, sum by (le) (rate({family}_bucket[5m])))", f"p{share * 100:g}")
        for share in (0.5, 0.95, 0.99)
    )


_BAD_FROM_ONE: Final = ((None, "green"), (1, "red"))


def _operations() -> Iterable[Panel]:
    yield _stat("Calls now 当前通话", "cc_calls_active")
    yield _stat("Waiting now 排队人数", "sum(cc_queue_waiting)")
    yield _stat("Agents ready 就绪座席", 'cc_agents{state="ready"}')
    yield _stat("Service level today, worst queue 最低服务水平", "min(cc_service_level_ratio)", unit="percentunit")
    yield _stat("Speed of answer today 平均应答速度 (D-ASA)", "cc_asa_seconds", unit="s")
    yield _stat("Urgent alarms 紧急告警", 'cc_alarms{severity="urgent"}', steps=_BAD_FROM_ONE)
    yield _plot(
        "Calls by outcome per second 每秒呼叫",
        ("sum by (outcome) (cc:calls:rate5m)", "{{outcome}}"),
        unit="cps",
        width=12,
    )
    yield _plot("Agents by state 座席状态", ('cc_agents{state!="signed_out"}', "{{state}}"), width=12)
    yield _plot("Waiting by queue 各技能组排队", ("cc_queue_waiting", "{{queue}}"), width=12)
    yield _plot(
        "Wait, 95th percentile of an hour 等待时间",
        ("cc:queue_wait_seconds:p95_1h", "{{queue}}"),
        unit="s",
        width=12,
    )
    yield _plot("Service level today 服务水平", ("cc_service_level_ratio", "{{queue}}"), unit="percentunit")
    yield _plot("Handle time, mean of an hour 处理时长", ("cc:handle_seconds:mean1h", "{{queue}}"), unit="s")
    yield _plot(
        "Occupancy and utilisation today 占用率与利用率",
        ("cc_occupancy_ratio", "D-OCC"),
        ("cc_utilisation_ratio", "D-UTIL"),
        unit="percentunit",
    )
    yield _plot(
        "Contacts by outcome in 15 minutes 联络结果",
        ("sum by (outcome) (increase(cc_contacts_total[15m]))", "{{outcome}}"),
    )
    yield _plot("Voice messages not heard 未听留言", ("cc_voice_messages_waiting", "{{queue}}"))
    yield _plot("Recordings begun per second 录音", ("sum by (mode) (rate(cc_recordings_total[5m]))", "{{mode}}"))
    yield _plot("Overload level 过负荷级别", ("cc_overload_level", "level"))
    yield _plot(
        "Data sources, speech, bots 数据源与语音引擎",
        ("cc_data_source_up", "{{source}}"),
        ("cc_voice_up", "{{engine}}"),
        ("cc_recogniser_up", "{{language}}"),
        ("cc_bot_up", "{{bot}}"),
    )
    yield _plot("Alarms up 告警", ("cc_alarms", "{{severity}}"))


def _compliance() -> Iterable[Panel]:
    columns = ("value", "target", "samples", "ok", "budget_left")
    yield Panel(
        title="All requirements 全部指标",
        queries=tuple((f"cc_compliance_{column}", "") for column in columns),
        kind="table",
        width=_WIDTH,
        height=14,
        more=_table(columns),
    )
    for definition in REQUIREMENTS:
        yield _requirement(definition)
    yield _plot(
        "What is left of each budget 剩余预算",
        ("cc_compliance_budget_left", "{{requirement}}"),
        unit="percentunit",
    )
    yield _plot("Burn over an hour 消耗速度", ('cc_compliance_burn{window="1h"}', "{{requirement}}"))
    yield _plot(
        "Share of 30 days on target 达标时间占比 (R6.5)",
        ("cc:compliance_met:ratio30d", "{{requirement}}"),
        unit="percentunit",
    )
    yield _plot(
        "Mystery calls in 24 h 神秘电话",
        ("sum by (fate) (increase(cc_mystery_calls_total[24h]))", "{{fate}}"),
        width=12,
    )
    yield _plot(
        "Records against what was heard 记录核对",
        ("sum by (result) (increase(cc_mystery_calls_compared_total[24h]))", "{{result}}"),
        width=12,
    )


def _requirement(definition: Definition) -> Panel:
    assert definition.comparison is not None
    labels = f'{{requirement="{definition.id}"}}'
    return Panel(
        title=f"{definition.id} {definition.title_en} {definition.title_zh}",
        queries=(
            (f"cc_compliance_value{labels}", "value"),
            (f"cc_compliance_target{labels}", f"target {definition.comparison.value}"),
        ),
        unit=_UNITS.get(definition.unit, "short"),
        height=7,
        text=f"{definition.clause_zh} {definition.clause_en}",
    )


def _table(columns: tuple[str, ...]) -> Json:
    """One row a requirement, the verdict in colour."""
    names = {f"Value #{chr(ord('A') + number)}": column for number, column in enumerate(columns)}
    hidden = dict.fromkeys(("Time", "__name__", "instance", "job"), True)
    words: list[Json] = [
        {
            "type": "value",
            "options": {"1": {"text": "pass", "color": "green"}, "0": {"text": "fail", "color": "red"}},
        },
        {"type": "special", "options": {"match": "null", "result": {"text": "insufficient / no data"}}},
    ]
    coloured = [
        {"id": "mappings", "value": words},
        {"id": "custom.cellOptions", "value": {"type": "color-text"}},
    ]
    return {
        "fieldConfig": {
            "defaults": {"unit": "short"},
            "overrides": [{"matcher": {"id": "byName", "options": "ok"}, "properties": coloured}],
        },
        "transformations": [
            {"id": "merge", "options": {}},
            {"id": "organize", "options": {"excludeByName": hidden, "renameByName": names}},
        ],
    }


def _voice() -> Iterable[Panel]:
    good = ((None, "red"), (2.8, "orange"), (3.4, "yellow"), (3.8, "green"))
    for title, query, unit, steps in (
        ("MOS, mean of 2 h 平均MOS", "avg(cc:voice_mos:mean2h)", "short", good),
        ("Calls under 400 ms 时延达标", "cc:voice_delay_under_400ms:ratio2h", "percentunit", ()),
        ("Legs under 5 % loss 丢包达标", "cc:rtp_loss_under_5_percent:ratio2h", "percentunit", ()),
        ("PESQ, good network 很好", 'cc_compliance_value{requirement="R10.3.1.4.a"}', "short", good),
        ("PESQ, poor network 较差", 'cc_compliance_value{requirement="R10.3.1.4.b"}', "short", good),
        ("PESQ, bad network 恶劣", 'cc_compliance_value{requirement="R10.3.1.4.c"}', "short", good),
    ):
        yield _stat(title, query, unit=unit, steps=steps)
    yield _plot(
        "MOS by network condition, mean of 2 h (E-model, G.107)",
        ("cc:voice_mos:mean2h", "{{condition}}"),
        width=12,
    )
    yield Panel(
        title="MOS of legs 分布",
        queries=(("sum by (le) (increase(cc_voice_mos_bucket[5m]))", "{{le}}"),),
        kind="heatmap",
        width=12,
        more={"options": {"calculate": False, "yAxis": {"unit": "short"}}},
    )
    yield _plot("One-way delay 单向时延", *_quantiles("cc_voice_delay_seconds"), unit="s")
    yield _plot("Packet loss per leg 丢包率", *_quantiles("cc_rtp_loss_ratio"), unit="percentunit")
    yield _plot("Jitter per leg 抖动", *_quantiles("cc_rtp_jitter_seconds"), unit="s")
    yield _plot(
        "Media tick 媒体周期",
        ('cc_media_tick_seconds{stat="p99"}', "{{worker}} p99"),
        ('cc_media_tick_seconds{stat="max"}', "{{worker}} max"),
        unit="s",
    )
    yield _plot("Ticks that were too long 超时周期", ("delta(cc_media_tick_overruns[5m])", "{{worker}}"))
    yield _plot("Packets refused 拒收的包", ("delta(cc_media_refused_packets[5m])", "{{worker}} {{reason}}"))
    yield _plot(
        "Frames lost between workers 链路丢帧",
        ("delta(cc_media_link_frames[5m])", "{{worker}} {{result}}"),
        width=12,
    )
    yield _plot(
        "Silence after a worker died 中断时长 (R10.2.d)", *_quantiles("cc_media_gap_seconds"), unit="s", width=12
    )


def _trunks() -> Iterable[Panel]:
    yield _stat("In service 在用中继", f"sum(cc_trunk_in_service{{{_TRUNK}}})")
    yield _stat("Channels in use 占用通道", f"sum(cc_trunk_channels_in_use{{{_TRUNK}}})")
    yield _stat("Channels 通道总数", f"sum(cc_trunk_channels{{{_TRUNK}}})")
    yield _stat(
        "Fullest trunk 最满中继",
        f"max(cc:trunk_use:ratio{{{_TRUNK}}})",
        unit="percentunit",
        steps=((None, "green"), (0.8, "orange"), (0.9, "red")),
    )
    yield _stat(
        "Blocked in 2 h 呼损",
        f"sum(increase(cc_blocked_calls_total{{{_TRUNK}}}[2h])) or vector(0)",
        steps=_BAD_FROM_ONE,
    )
    yield _stat(
        "Servers down 服务器故障", f"count(cc_trunk_server_up{{{_TRUNK}}} == 0) or vector(0)", steps=_BAD_FROM_ONE
    )
    yield _plot(
        "Channels in use 占用通道",
        (f"cc_trunk_channels_in_use{{{_TRUNK}}}", "{{trunk}}"),
        (f"cc_trunk_channels{{{_TRUNK}}}", "{{trunk}} configured"),
        width=12,
    )
    yield _plot(
        "Load, Erlang per channel over 2 h 每通道话务量 (busy from 0.875)",
        (f"cc_trunk_load_erlang{{{_TRUNK}}}", "{{trunk}}"),
        ("vector(0.875)", "busy"),
        ("vector(0.7)", "idle"),
        width=12,
    )
    yield _plot(
        "Calls by outcome per second 呼叫结果",
        (f"sum by (trunk, outcome) (cc:calls:rate5m{{{_TRUNK}}})", "{{trunk}} {{outcome}}"),
        unit="cps",
        width=12,
    )
    yield _plot(
        "Connect rate 接通率 (R10.3.1.1)",
        ('cc_compliance_value{requirement="R10.3.1.1.a"}', "idle"),
        ('cc_compliance_value{requirement="R10.3.1.1.b"}', "busy"),
        unit="percentunit",
        width=12,
    )
    yield _plot("Blocked share 呼损率", (f"cc:calls_blocked:ratio2h{{{_TRUNK}}}", "{{trunk}}"), unit="percentunit")
    yield _plot(
        "Servers: round trip of probes 探测往返",
        (f"cc_trunk_server_round_trip_seconds{{{_TRUNK}}}", "{{trunk}} {{server}}"),
        unit="s",
    )
    yield _plot(
        "In service, registered 状态",
        (f"cc_trunk_in_service{{{_TRUNK}}}", "{{trunk}} in service"),
        (f"cc_trunk_registered{{{_TRUNK}}}", "{{trunk}} registered"),
        (f"cc_trunk_server_up{{{_TRUNK}}}", "{{trunk}} {{server}}"),
    )
    yield _plot("Connect delay 接通时延 (R10.3.1.2)", *_quantiles("cc_call_connect_seconds"), unit="s")
    yield _plot("Refused by overload control 过负荷拒绝", ("delta(cc_overload_refused_calls[5m])", "{{class}}"))
    yield _plot("Banned addresses 封禁", ("cc_sip_banned_sources", "banned"), ("cc_sip_bans", "{{fault}}"))


def _board(name: str, title: str, text: str, panels: Iterable[Panel], *, variable: str = "") -> Json:
    """A board whose panels flow from left to right, row by row."""
    variables = [_variable(variable)] if variable else []
    return {
        "uid": f"ccplatform-{name}",
        "title": title,
        "description": text,
        "tags": ["ccplatform"],
        "timezone": "browser",
        "schemaVersion": 38,
        "version": 1,
        "editable": False,
        "refresh": "15s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": variables},
        "annotations": {"list": []},
        "links": [],
        "panels": list(_laid_out(panels)),
    }


def _variable(label: str) -> Json:
    query = f"label_values(cc_{label}_channels, {label})"
    return {
        "name": label,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": label},
        "definition": query,
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "current": {"text": "All", "value": "$__all"},
    }


def _laid_out(panels: Iterable[Panel]) -> Iterable[Json]:
    x = y = row = 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > _WIDTH:
            x, y, row = 0, y + row, 0
        yield _json(panel, number, {"x": x, "y": y, "w": panel.width, "h": panel.height})
        x, row = x + panel.width, max(row, panel.height)


def _json(panel: Panel, number: int, place: dict[str, int]) -> Json:
    instant = {"format": "table", "instant": True} if panel.kind == "table" else {}
    heat = {"format": "heatmap"} if panel.kind == "heatmap" else {}
    targets = [
        {
            "refId": chr(ord("A") + index),
            "datasource": _SOURCE,
            "expr": expr,
            "legendFormat": legend,
            **instant,
            **heat,
        }
        for index, (expr, legend) in enumerate(panel.queries)
    ]
    defaults: Json = {"unit": panel.unit}
    if panel.steps:
        steps = [{"value": value, "color": colour} for value, colour in panel.steps]
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.text,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {},
        "targets": targets,
        **panel.more,
    }
