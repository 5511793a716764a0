"""Headings of reports in Chinese and English, and what their columns are counted in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

#: Names of reports and of columns, groups included.
WORDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "queues": ("技能组报表", "Queues"),
        "agents": ("座席报表", "Agents"),
        "trunks": ("中继话务报表", "Traffic of trunks"),
        "flows": ("IVR流程报表", "Flows"),
        "contacts": ("联络清单", "Contacts"),
        "surveys": ("满意度调查报表", "Surveys"),
        "resolution": ("首次解决率报表", "First-call resolution"),
        "queue": ("技能组", "Queue"),
        "agent": ("工号", "Agent"),
        "seat": ("座席号", "Seat"),
        "trunk": ("中继", "Trunk"),
        "direction": ("方向", "Direction"),
        "flow": ("流程", "Flow"),
        "node": ("节点", "Node"),
        "contact": ("联络", "Contact"),
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
        "wrap_ups": ("话后处理数", "Wrap-ups"),
        "wrap_up_seconds": ("话后处理时长", "Wrap-up time"),
        "self_service": ("自助完成", "Self-service"),
        "transferred": ("转接", "Transferred"),
        "call_backs": ("预约回呼", "Call-backs promised"),
        "voice_mails": ("语音留言", "Voice mails"),
        "ended_otherwise": ("其他结束", "Ended otherwise"),
        "refused": ("拒绝呼叫", "Refused"),
        "blocked": ("遇全忙", "Blocked"),
        "line_seconds": ("占线时长", "Line time"),
        "nodes_entered": ("节点进入量", "Nodes entered"),
        "inputs": ("按键输入", "Inputs by keys"),
        "sessions": ("流程会话", "Sessions ended"),
        "completed": ("完成", "Completed"),
        "hung_up": ("来电者挂机", "Caller hung up"),
        "failed": ("系统失败", "Failed"),
        "success": ("成功率", "Success"),
        "began": ("开始", "Began"),
        "ended": ("结束", "Ended"),
        "dialled": ("被叫号码", "Dialled"),
        "outcome": ("结果", "Outcome"),
        "cause": ("原因", "Cause"),
        "queue_seconds": ("排队时长", "Queue time"),
        "survey": ("调查", "Survey"),
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
SHARES: Final = frozenset({"success", "service_level", "share_answered", "fcr_strict", "fcr_broad"})
#: Columns that are words, wherever they are not the group.
TEXTS: Final = frozenset(
    {
        *("survey", "question", "began", "ended", "direction", "trunk", "dialled", "queue", "agent", "seat"),
        *("outcome", "cause"),
    }
)
#: What the chart of a report shows.
CHARTED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "queues": "offered",
        "agents": "talks",
        "trunks": "contacts",
        "flows": "sessions",
        "contacts": "line_seconds",
        "surveys": "mean",
        "resolution": "handled",
    }
)


def is_seconds(column: str) -> bool:
    """Whether a column is a duration."""
    return column.endswith("_seconds")


def unit_of(column: str, grouping: str) -> str:
    """What a column is counted in: group (what the row stands for), text, ratio, seconds or count."""
    if column == grouping:
        return "group"
    if column in TEXTS:
        return "text"
    return "ratio" if column in SHARES else "seconds" if is_seconds(column) else "count"
