"""The one table of indicator definitions: what every figure means, word for word, with version and date.

Everything that shows a figure (REST, Prometheus, reports, `docs/metrics.md`) reads this table. A changed
definition is a new version; what was judged by an old one keeps it. The clauses are those of section 10.3.

Verdicts of shares: *pass* when the lower one-sided 95 % bound (Clopper–Pearson) reaches the target, *fail* when
the value misses it and either the upper bound misses it too or the sample is as large as a pass without failure
would need, else *insufficient*; below 10 samples always *insufficient*, whatever they were. Verdicts of means and
of losses: at least 30 samples, then value against target. Test calls (mystery calls, and what robots answer) count
in no figure of the platform's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

from metrics.confidence import trials_without_failure
from metrics.figures import FIGURES, REPORTED
from metrics.indicator import CONFIDENCE, Comparison, Definition, Source, Unit


def _share_samples(target: float) -> int:
    return trials_without_failure(target, CONFIDENCE)


_ATTEMPTS = (
    "attempts: inbound calls on a trunk (ContactArrived) and calls refused there (CallRefused, CallsRefused), "
    "counted in the second they came, once their fate is known"
)
_CONNECT_EXCLUSIONS = (
    "calls that the caller gave up before the answer, or within 1 s of dialling, before any voice was due; "
    "numbers that nobody has; calls without a trunk; calls that found every channel busy (blocked, counted apart)"
)
_CONNECT = (
    "answered with audio: the first audible sample left for the caller (FirstVoiceSent); "
    "where the sound is not the centre's own (an echo, a party outside), RTP was sent to him"
)
_SESSIONS = "IVR sessions that ended completed or failed (FlowLeft)"
_IVR_EXCLUSIONS = (
    "callers who hung up early; failures whose cause lies in the access network (media_lost, cancelled); our own "
    "503 and every other system cause count"
)
_IDLE = "two-hour windows of a trunk with a mean load below 0.875 Erl per channel; the last such window of 24 h"
_BUSY = "two-hour windows of a trunk with a mean load of 0.875 Erl per channel or more; the last such of 24 h"
_DTMF = "from the end of the key that completed an input to the first sample of the answer (KeyAnswered)"
_QUERY = "from the end of the last key of a query to the first sample of its result (QueryAnswered)"
_CLAUSE_1 = (
    "其中，接入设备的呼叫接通率定义为呼叫中心前端接入设备呼叫成功的百分比概率，"
    "闲时定义为中继平均话务量0.7Erl，忙时定义为中继平均话务量为闲时话务量的125%，约0.9Erl。",
    "The connect rate is the percentage of calls that succeed at the front-end access device of the centre; "
    "idle is a mean trunk traffic of 0.7 Erl, busy 125 % of that, about 0.9 Erl.",
)
_CLAUSE_3 = (
    "以IP方式接入的端到端语音质量：呼叫接通后主被叫能正常通话（95%的通话端到端语音时延小于400ms），双向声音清晰（丢包率小于5%）。",
    "End-to-end voice over IP access: after connection the parties can talk normally (one-way voice delay of 95 % "
    "of calls below 400 ms), with clear sound in both directions (packet loss below 5 %).",
)
_PESQ = ("PESQ raw score (ITU-T P.862) of each reference call, G.711", "reference calls of the probe", "none")

_ACCEPTANCE: tuple[Definition, ...] = (
    Definition(
        id="R10.3.1.1.a",
        title_zh="呼叫接通率(闲时)",
        title_en="Call connect rate, idle",
        clause_zh=("闲时2小时呼叫成功率大于等于99.99%。" + _CLAUSE_1[0]),
        clause_en=("Success rate of calls over two idle hours at least 99.99 %. " + _CLAUSE_1[1]),
        numerator=_CONNECT,
        denominator=f"{_ATTEMPTS}; {_IDLE}",
        exclusions=_CONNECT_EXCLUSIONS,
        window="PT2H",
        unit=Unit.RATIO,
        target=0.9999,
        comparison=Comparison.AT_LEAST,
        min_samples=_share_samples(0.9999),
    ),
    Definition(
        id="R10.3.1.1.b",
        title_zh="呼叫接通率(忙时)",
        title_en="Call connect rate, busy",
        clause_zh=("忙时2小时呼叫成功率大于等于99.96%。" + _CLAUSE_1[0]),
        clause_en=("Success rate of calls over two busy hours at least 99.96 %. " + _CLAUSE_1[1]),
        numerator=_CONNECT,
        denominator=f"{_ATTEMPTS}; {_BUSY}",
        exclusions=_CONNECT_EXCLUSIONS,
        window="PT2H",
        unit=Unit.RATIO,
        target=0.9996,
        comparison=Comparison.AT_LEAST,
        min_samples=_share_samples(0.9996),
    ),
    Definition(
        id="R10.3.1.2",
        title_zh="呼叫接通时延",
        title_en="Call connect delay",
        clause_zh=(
            "平均新建呼叫中心忙闲时呼叫接通时延应小于等于1秒。"
            "呼叫中心呼叫接通时延定义为用户拨出呼叫中心号码后至收到呼叫中心语音响应的时延。"
        ),
        clause_en=(
            "The mean connect delay, busy and idle, is at most 1 s: "
            "from the user having dialled the centre's number to the centre's voice response."
        ),
        numerator="sum of the times from INVITE received to the first audible sample sent (FirstVoiceSent)",
        denominator="calls whose first voice was sent",
        exclusions="calls without voice (they fail R10.3.1.1)",
        window="PT2H",
        unit=Unit.SECONDS,
        target=1.0,
        comparison=Comparison.AT_MOST,
    ),
    Definition(
        id="R10.3.1.3.delay",
        title_zh="端到端语音时延",
        title_en="End-to-end voice delay",
        clause_zh=_CLAUSE_3[0],
        clause_en=_CLAUSE_3[1],
        numerator="calls whose one-way mouth-to-ear delay (LegMeasured), on the worst leg, is below 400 ms",
        denominator="calls with a measured delay",
        exclusions="calls without a delay estimate (no RTCP, no audio)",
        window="PT2H",
        unit=Unit.RATIO,
        target=0.95,
        comparison=Comparison.AT_LEAST,
        min_samples=_share_samples(0.95),
    ),
    Definition(
        id="R10.3.1.3.loss",
        title_zh="端到端丢包率",
        title_en="End-to-end packet loss",
        clause_zh=_CLAUSE_3[0],
        clause_en=_CLAUSE_3[1],
        numerator="RTP packets lost in one direction over all legs (LegMeasured); the worse direction is shown",
        denominator="RTP packets sent in that direction, over all legs; samples are the legs",
        exclusions="towards the far end, legs whose far end reported nothing by RTCP",
        window="PT2H",
        unit=Unit.RATIO,
        target=0.05,
        comparison=Comparison.BELOW,
    ),
    Definition(
        id="R10.3.1.4.a",
        title_zh="PESQ(网络条件很好)",
        title_en="PESQ, good network",
        clause_zh=("语音编解码采用G.711时，网络条件很好的情况PESQ的平均值应大于3.8。"),
        clause_en=("With G.711, in a very good network the mean PESQ (ITU-T P.862) is above 3.8."),
        numerator=_PESQ[0],
        denominator=_PESQ[1],
        exclusions=_PESQ[2],
        window="P1D",
        unit=Unit.PESQ,
        target=3.8,
        comparison=Comparison.ABOVE,
    ),
    Definition(
        id="R10.3.1.4.b",
        title_zh="PESQ(网络较差)",
        title_en="PESQ, poor network",
        clause_zh=(
            "语音编解码采用G.711时，网络较差条件时（丢包率=1%，网络抖动=20ms，时延=100ms）PESQ平均值应大于3.4。"
        ),
        clause_en=(
            "With G.711, in a poor network (1 % loss, 20 ms jitter, 100 ms delay) the mean PESQ is above 3.4."
        ),
        numerator=_PESQ[0],
        denominator=_PESQ[1],
        exclusions=_PESQ[2],
        window="P1D",
        unit=Unit.PESQ,
        target=3.4,
        comparison=Comparison.ABOVE,
    ),
    Definition(
        id="R10.3.1.4.c",
        title_zh="PESQ(恶劣环境)",
        title_en="PESQ, bad network",
        clause_zh=(
            "语音编解码采用G.711时，在恶劣的环境下（丢包率=5%，网络抖动=60ms，时延=400ms）PESQ平均值应大于2.8。"
        ),
        clause_en=(
            "With G.711, in a bad network (5 % loss, 60 ms jitter, 400 ms delay) the mean PESQ is above 2.8."
        ),
        numerator=_PESQ[0],
        denominator=_PESQ[1],
        exclusions=_PESQ[2],
        window="P1D",
        unit=Unit.PESQ,
        target=2.8,
        comparison=Comparison.ABOVE,
    ),
    Definition(
        id="R10.3.1.5.a",
        title_zh="语音交互业务成功率(闲时)",
        title_en="IVR service success rate, idle",
        clause_zh=("语音交互业务闲时2小时呼叫成功率应大于等于99%。"),
        clause_en=("The IVR's success rate over two idle hours is at least 99 %."),
        numerator="IVR sessions that completed",
        denominator=f"{_SESSIONS}; {_IDLE}; sessions without a trunk count as idle",
        exclusions=_IVR_EXCLUSIONS,
        window="PT2H",
        unit=Unit.RATIO,
        target=0.99,
        comparison=Comparison.AT_LEAST,
        min_samples=_share_samples(0.99),
    ),
    Definition(
        id="R10.3.1.5.b",
        title_zh="语音交互业务成功率(忙时)",
        title_en="IVR service success rate, busy",
        clause_zh=("语音交互业务忙时2小时呼叫成功率应大于等于95%。"),
        clause_en=("The IVR's success rate over two busy hours is at least 95 %."),
        numerator="IVR sessions that completed",
        denominator=f"{_SESSIONS}; {_BUSY}",
        exclusions=_IVR_EXCLUSIONS,
        window="PT2H",
        unit=Unit.RATIO,
        target=0.95,
        comparison=Comparison.AT_LEAST,
        min_samples=_share_samples(0.95),
    ),
    Definition(
        id="R10.3.1.6",
        title_zh="语音交互响应性能",
        title_en="DTMF response",
        clause_zh=(
            "在系统负荷不小于设计负荷的25%的情况下，DTMF平均响应时间应小于等于3秒。"
            "DTMF响应时间定义为语音交互自动流程中每次送出DTMF信号到收到语音响应的时间。"
        ),
        clause_en=(
            "At a load of at least 25 % of the design load the mean DTMF response is at most 3 s: "
            "in the automatic flow, from each DTMF signal sent to the voice response received."
        ),
        numerator=f"sum of the times {_DTMF}",
        denominator="completed inputs that were answered",
        exclusions="keys inside an input; below 25 % of the design load (mean of the window over all trunks) the "
        "value shows and is insufficient",
        window="PT2H",
        unit=Unit.SECONDS,
        target=3.0,
        comparison=Comparison.AT_MOST,
    ),
    Definition(
        id="R10.3.1.7",
        title_zh="查询业务响应性能",
        title_en="Customer-data query response",
        clause_zh=(
            "语音交互设备查询客户信息数据交互平均响应时间应小于等于8秒。"
            "查询客户信息数据交互响应时间定义为用户查询数据库响应时间，"
            "从用户选择查询操作的最后动作到用户得到查询结果响应的时长。"
        ),
        clause_en=(
            "The mean response of a customer-data query through the IVR is at most 8 s: "
            "from the user's last action of choosing the query to the result."
        ),
        numerator=f"sum of the times {_QUERY}",
        denominator="queries that were answered, found or not",
        exclusions="queries that failed have no result; they are counted in the label",
        window="PT2H",
        unit=Unit.SECONDS,
        target=8.0,
        comparison=Comparison.AT_MOST,
    ),
)

_OPERATION: tuple[Definition, ...] = (
    Definition(
        id="R10.3.2.a",
        title_zh="语音交互自助服务业务成功率",
        title_en="IVR self-service success rate",
        clause_zh=(
            "语音交互自助服务业务成功率：连续24小时内，应大于等于98%。不包含因接入网络问题导致的服务失败。"
        ),
        clause_en=(
            "Over 24 hours the IVR's self-service success is at least 98 %, "
            "not counting failures that the access network caused."
        ),
        numerator="IVR sessions that completed",
        denominator=_SESSIONS,
        exclusions=_IVR_EXCLUSIONS,
        window="P1D",
        unit=Unit.RATIO,
        target=0.98,
        comparison=Comparison.AT_LEAST,
        min_samples=_share_samples(0.98),
        decides=Source.MYSTERY_CALLS,
    ),
    Definition(
        id="R10.3.2.b",
        title_zh="语音交互响应性能(24小时)",
        title_en="DTMF response, 24 h",
        clause_zh=("连续24小时内，DTMF平均响应时间应小于等于4秒。"),
        clause_en=("Over 24 hours the mean DTMF response is at most 4 s."),
        numerator=f"sum of the times {_DTMF}",
        denominator="completed inputs that were answered",
        exclusions="keys inside an input",
        window="P1D",
        unit=Unit.SECONDS,
        target=4.0,
        comparison=Comparison.AT_MOST,
        decides=Source.MYSTERY_CALLS,
    ),
    Definition(
        id="R10.3.2.c",
        title_zh="查询业务响应性能(24小时)",
        title_en="Customer-data query response, 24 h",
        clause_zh=("连续24小时内，语音交互设备查询客户信息数据交互平均响应时间应小于等于10秒。"),
        clause_en=("Over 24 hours the mean response of a customer-data query through the IVR is at most 10 s."),
        numerator=f"sum of the times {_QUERY}",
        denominator="queries that were answered, found or not",
        exclusions="queries that failed have no result; they are counted in the label",
        window="P1D",
        unit=Unit.SECONDS,
        target=10.0,
        comparison=Comparison.AT_MOST,
        decides=Source.MYSTERY_CALLS,
    ),
    Definition(
        id="R10.3.2.d",
        title_zh="转客服代表服务等待时间",
        title_en="Wait for an agent",
        clause_zh=(
            "转客服代表的服务等待时间定义为从用户选择转客服代表流程到用户得到客服代表应答响应的时间。"
            "在连续24小时内，转客服代表服务平均等待时间小于等于60秒。"
        ),
        clause_en=(
            "From the user choosing 'agent' in the flow to the agent's answer: mean over 24 hours at most 60 s."
        ),
        numerator="sum of the waits to the answer, from choosing 'agent' (where no flow asked: from queueing)",
        denominator="contacts that an agent answered (Established, role agent), each at its first agent",
        exclusions="callers who gave up (shown as abandons); waits for a second agent after a transfer",
        window="P1D",
        unit=Unit.SECONDS,
        target=60.0,
        comparison=Comparison.AT_MOST,
        decides=Source.MYSTERY_CALLS,
    ),
    Definition(
        id="R10.3.2.d.hours",
        title_zh="忙闲时等待时间之比",
        title_en="Wait in busy hours against idle hours",
        clause_zh=("呼叫中心系统应能预测忙闲时规律，合理排班，使得忙闲时服务等待时间无明显差别。"),
        clause_en=(
            "The system forecasts busy and idle hours and schedules so that waits do not differ noticeably "
            "between them: in busy hours at most 1.5 times those of idle hours."
        ),
        numerator="mean wait for an agent (as R10.3.2.d) in busy hours: clock hours in which at least as many "
        "callers asked for an agent as in the mean hour in which anybody did",
        denominator="mean wait for an agent in the other hours in which anybody asked (idle hours)",
        exclusions="as R10.3.2.d; a mean below 1 s counts as 1 s, since nobody notices less; samples are the "
        "answered callers of the class that has fewer",
        window="P1D",
        unit=Unit.TIMES,
        target=1.5,
        comparison=Comparison.AT_MOST,
        since=date(2026, 11, 23),
    ),
)

#: Every definition by its id, in the order of the standard.
DEFINITIONS: Final[Mapping[str, Definition]] = MappingProxyType(
    {definition.id: definition for definition in (*_ACCEPTANCE, *_OPERATION, *FIGURES, *REPORTED)}
)

#: Those with a target: the rows of GET compliance.
REQUIREMENTS: Final[tuple[Definition, ...]] = (*_ACCEPTANCE, *_OPERATION)
