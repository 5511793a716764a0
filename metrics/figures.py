"""Definitions of section 3.1: figures that no clause bounds; part of the one table in `definitions.py`."""

from __future__ import annotations

from typing import Final

from metrics.indicator import Definition, Unit

#: Figures of the day, in the order of section 3.1.
FIGURES: Final[tuple[Definition, ...]] = (
    Definition(
        id="D-SL",
        title_zh="服务水平",
        title_en="Service level X/Y",
        clause_zh="在Y秒内接起的电话占X%。",
        clause_en="Share X of contacts answered within Y seconds.",
        numerator="contacts answered within Y whole seconds of entering the queue",
        denominator="all offered: contacts that left the queue, answered or not, on the day they left",
        exclusions="none (headline); abandons, short ones too, count against it and are shown beside it",
        window="day",
        unit=Unit.RATIO,
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
        clause_zh="通话时长(含保持)与事后处理时长之和,按处理的联络平均。",
        clause_en="Talk time, hold included, plus after-call work, per handled contact.",
        numerator="sum of talk (TalkEnded, hold included) and wrap-up (WrapUpEnded) of all segments",
        denominator="contacts with at least one talk that ended; a transferred contact counts once",
        exclusions="none",
        window="day",
        unit=Unit.SECONDS,
    ),
    Definition(
        id="D-OCC",
        title_zh="座席占用率",
        title_en="Agent occupancy",
        clause_zh="(通话+事后处理)/(通话+事后处理+空闲)。",
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
        clause_zh="(通话+事后处理+空闲)/(通话+事后处理+空闲+小休)。",
        clause_en="(talk + after-call work + idle) / (talk + after-call work + idle + break).",
        numerator="time of all agents talking, in wrap-up, ready or ringing",
        denominator="the same plus not ready for any reason but meals; intervals are cut at midnight",
        exclusions="meals",
        window="day",
        unit=Unit.RATIO,
    ),
)
