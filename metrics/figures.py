"""Definitions of section 3.1: figures that no clause bounds; part of the one table in `definitions.py`."""

from __future__ import annotations

from datetime import date
from typing import Final

from metrics.indicator import Definition, Unit

_VARIANTS: Final = date(2026, 11, 23)
# What definitions share: the clause of the service level, its numerator, the contacts that times are a mean of.
_SL_ZH: Final = "在Y秒内接起的电话占X%。"
_SL_EN: Final = "Share X of contacts answered within Y seconds."
_IN_TIME: Final = "contacts answered within Y whole seconds of entering the queue"
_TALKED: Final = "contacts with at least one talk that ended; a transferred contact counts once"

#: Figures of the day, in the order of section 3.1.
FIGURES: Final[tuple[Definition, ...]] = (
    Definition(
        id="D-SL",
        title_zh="服务水平",
        title_en="Service level X/Y",
        clause_zh=_SL_ZH,
        clause_en=_SL_EN,
        numerator=_IN_TIME,
        denominator="all offered: contacts that left the queue, answered or not, on the day they left",
        exclusions="none (headline); abandons, short ones too, count against it and are shown beside it",
        window="day",
        unit=Unit.RATIO,
    ),
    Definition(
        id="D-SL.answered",
        title_zh="服务水平(接起量为分母)",
        title_en="Service level, of those answered",
        clause_zh=_SL_ZH,
        clause_en=_SL_EN,
        numerator=_IN_TIME,
        denominator="contacts answered from the queue",
        exclusions="every abandon, however long it waited: callers who give up never count",
        window="day",
        unit=Unit.RATIO,
        since=_VARIANTS,
    ),
    Definition(
        id="D-SL.without_short",
        title_zh="服务水平(不计短时放弃)",
        title_en="Service level, short abandons left out",
        clause_zh=_SL_ZH,
        clause_en=_SL_EN,
        numerator=_IN_TIME,
        denominator="all offered but short abandons",
        exclusions="abandons before metrics.short_abandon_seconds (5 s): they could not have been answered",
        window="day",
        unit=Unit.RATIO,
        since=_VARIANTS,
    ),
    Definition(
        id="D-SL.abandons_met",
        title_zh="服务水平(Y秒内放弃视为达标)",
        title_en="Service level, abandons within Y count as met",
        clause_zh=_SL_ZH,
        clause_en=_SL_EN,
        numerator="contacts answered within Y whole seconds of entering it, and those that gave up within Y",
        denominator="all offered",
        exclusions="none; who gave up in time was not kept waiting",
        window="day",
        unit=Unit.RATIO,
        since=_VARIANTS,
    ),
    Definition(
        id="D-SL.abandons_out",
        title_zh="服务水平(不计Y秒内放弃)",
        title_en="Service level, abandons within Y left out",
        clause_zh=_SL_ZH,
        clause_en=_SL_EN,
        numerator=_IN_TIME,
        denominator="all offered but those that gave up within Y",
        exclusions="abandons within Y; later ones count against it",
        window="day",
        unit=Unit.RATIO,
        since=_VARIANTS,
    ),
    Definition(
        id="D-ASA",
        title_zh="平均应答速度",
        title_en="Average speed of answer",
        clause_zh="客服代表应答前客户的平均等待时间。",
        clause_en="Mean wait of callers before an agent answers.",
        numerator="sum of the waits from entering the queue to the answer",
        denominator="contacts answered from the queue",
        exclusions="abandons (shown beside it)",
        window="day",
        unit=Unit.SECONDS,
    ),
    Definition(
        id="D-AHT",
        title_zh="平均处理时长",
        title_en="Average handle time",
        clause_zh="通话时长(含保持)与话后处理时长之和,按处理的联络平均。",
        clause_en="Talk time, hold included, plus after-call work, per handled contact.",
        numerator="sum of talk (TalkEnded, hold included) and wrap-up (WrapUpEnded) of all segments",
        denominator=_TALKED,
        exclusions="none",
        window="day",
        unit=Unit.SECONDS,
    ),
    Definition(
        id="D-TALK",
        title_zh="平均通话时长",
        title_en="Mean talk time",
        clause_zh="从客服代表应答到用户挂机的时长，不含振铃，含保持。",
        clause_en="From the agent's answer to the user's hang-up; ringback excluded, hold included.",
        numerator="sum of the talks of all segments (TalkEnded, hold included)",
        denominator=_TALKED,
        exclusions="none; in a conference each agent's segment counts",
        window="day",
        unit=Unit.SECONDS,
        since=_VARIANTS,
    ),
    Definition(
        id="D-HOLD",
        title_zh="平均保持时长",
        title_en="Mean hold time",
        clause_zh="来自用户的媒体暂时中断而呼叫不释放的时长，期间用户可听音乐。",
        clause_en="Media from the user interrupted for a while, the call not released; the user may hear music.",
        numerator="sum of the hold times of all segments (TalkEnded)",
        denominator="contacts with at least one talk that ended, held or not",
        exclusions="none",
        window="day",
        unit=Unit.SECONDS,
        since=_VARIANTS,
    ),
    Definition(
        id="D-OCC",
        title_zh="座席占用率",
        title_en="Agent occupancy",
        clause_zh="(通话+话后处理)/(通话+话后处理+空闲)。",
        clause_en="(talk + after-call work) / (talk + after-call work + idle).",
        numerator="time of all agents talking (hold included) or in wrap-up",
        denominator="the same plus time ready or ringing; intervals are cut at midnight",
        exclusions="break and meal",
        window="day",
        unit=Unit.RATIO,
    ),
    Definition(
        id="D-UTIL",
        title_zh="座席利用率",
        title_en="Agent utilisation",
        clause_zh="(通话+话后处理+空闲)/(通话+话后处理+空闲+小休)。",
        clause_en="(talk + after-call work + idle) / (talk + after-call work + idle + break).",
        numerator="time of all agents talking, in wrap-up, ready or ringing",
        denominator="the same plus not ready for any reason but meals; intervals are cut at midnight",
        exclusions="meals",
        window="day",
        unit=Unit.RATIO,
    ),
)


_FCR_OPEN = (
    "callers who showed no number; contacts younger than metrics.repeat_days (7), which are open; contacts that "
    "repeat an earlier one of that time, whose need was counted there; abandons, self-service, outbound calls"
)

_JUDGED: Final = "judged contacts: inbound, handled by an agent, their caller's first in metrics.repeat_days"

#: Figures of a report's period: what is known of a contact only days later.
REPORTED: Final[tuple[Definition, ...]] = (
    Definition(
        id="D-ADH",
        title_zh="排班遵守率",
        title_en="Adherence to the shift",
        clause_zh="按排班执行的时间占排班时间的比例(标准未规定，由本平台定义)。",
        clause_en="Share of the planned time in which the plan was kept (our own: the standard names none).",
        numerator="planned for contacts: ready, ringing, talking, holding or in wrap-up; planned for a reason: "
        "not ready for it; planned for any: not ready, or signed out",
        denominator="planned time of the day so far; intervals are cut at midnight",
        exclusions="time outside the plan; agents without one",
        window="day",
        unit=Unit.RATIO,
        since=_VARIANTS,
    ),
    Definition(
        id="D-FCR.strict",
        title_zh="首次解决率(严格)",
        title_en="First-call resolution, strict",
        clause_zh="首位客服代表在首次联络中解决用户需求。",
        clause_en="The need is resolved by the first agent within the first contact.",
        numerator="judged contacts in which one agent talked, and whose caller asked for no agent again within "
        "metrics.repeat_days",
        denominator=_JUDGED,
        exclusions=_FCR_OPEN,
        window="report",
        unit=Unit.RATIO,
        since=_VARIANTS,
    ),
    Definition(
        id="D-FCR.broad",
        title_zh="首次解决率(宽松)",
        title_en="First-call resolution, broad",
        clause_zh="首次联络中或在承诺的时间内解决，用户没有重复来话。",
        clause_en="Resolved within the first contact or within the promised time, with no repeat contact.",
        numerator="judged contacts, by however many agents, whose caller asked for no agent again within "
        "metrics.repeat_days; our own calls back are no repeat",
        denominator=_JUDGED,
        exclusions=_FCR_OPEN,
        window="report",
        unit=Unit.RATIO,
        since=_VARIANTS,
    ),
)
