"""Headings of reports in Chinese and English, and what their columns are counted in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

#: Names of reports and of columns, groups included.
WORDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "queues": ("队列报表", "Queues"),
        "agents": ("座席报表", "Agents"),
        "surveys": ("满意度报表", "Surveys"),
        "resolution": ("首次解决率报表", "First-call resolution"),
        "queue": ("队列", "Queue"),
        "agent": ("工号", "Agent"),
        "seat": ("座席号", "Seat"),
        "quarter_hour": ("15分钟", "Quarter of an hour"),
        "hour": ("小时", "Hour"),
        "day": ("日", "Day"),
        "week": ("周", "Week"),
        "month": ("月", "Month"),
        "quarter": ("季度", "Quarter"),
        "year": ("年", "Year"),
        "offered": ("呼入量", "Offered"),
        "answered": ("接起量", "Answered"),
        "answered_in_time": ("及时接起量", "Answered in time"),
        "service_level": ("服务水平", "Service level"),
        "asa_seconds": ("平均应答速度", "Speed of answer"),
        "abandoned": ("放弃量", "Abandoned"),
        "abandoned_short": ("短时放弃量", "Short abandons"),
        "left_otherwise": ("其他离队", "Left otherwise"),
        "offers": ("派单量", "Offers"),
        "offers_answered": ("应答量", "Offers answered"),
        "offers_missed": ("未应答量", "Offers missed"),
        "talks": ("通话数", "Talks"),
        "talk_seconds": ("通话时长", "Talk time"),
        "hold_seconds": ("保持时长", "Hold time"),
        "wrap_ups": ("事后处理数", "Wrap-ups"),
        "wrap_up_seconds": ("事后处理时长", "Wrap-up time"),
        "survey": ("问卷", "Survey"),
        "question": ("问题", "Question"),
        "scale": ("分制", "Scale"),
        "asked": ("邀评量", "Asked"),
        "share_answered": ("参评率", "Share answered"),
        "mean": ("平均分", "Mean"),
        "lowest": ("最低分", "Lowest"),
        "highest": ("最高分", "Highest"),
        "handled": ("处理量", "Handled"),
        "repeats": ("重复来电", "Repeats"),
        "open": ("待判定", "Open"),
        "judged": ("已判定", "Judged"),
        "resolved_strict": ("首次解决(严格)", "Resolved, strict"),
        "fcr_strict": ("首次解决率(严格)", "FCR, strict"),
        "resolved_broad": ("首次解决(宽松)", "Resolved, broad"),
        "fcr_broad": ("首次解决率(宽松)", "FCR, broad"),
    }
)
#: Columns that are shares, 0 to 1.
SHARES: Final = frozenset({"service_level", "share_answered", "fcr_strict", "fcr_broad"})
#: What the chart of a report shows.
CHARTED: Final[Mapping[str, str]] = MappingProxyType(
    {"queues": "offered", "agents": "talks", "surveys": "mean", "resolution": "handled"}
)


def is_seconds(column: str) -> bool:
    """Whether a column is a duration."""
    return column.endswith("_seconds")
