"""A forecast in a sentence, in Chinese and English, made of its data and of nothing else."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final

from acd.forecasting.model import Limits, Miss, QueueForecast

_NUMBERS: Final = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def sentence_en(forecast: QueueForecast, limits: Limits, zone: tzinfo) -> str:
    """What to expect, in English."""
    if not forecast.steps:
        return f"{forecast.name}: not enough calls yet for a forecast."
    misses = forecast.misses
    if not misses:
        return f"{forecast.name}: holds for the next {_hours(forecast)} hours."
    miss = misses[0]
    times = f"from {_clock(miss.begins, zone)} to {_clock(miss.ends, zone)}"
    more = _NUMBERS[miss.more] if miss.more < len(_NUMBERS) else str(miss.more)
    agents = f"{more} more agent{'s' if miss.more > 1 else ''}"
    return f"{forecast.name}: will miss {times} ({_why_en(miss, limits)}); {agents} would hold it."


def sentence_zh(forecast: QueueForecast, limits: Limits, zone: tzinfo) -> str:
    """What to expect, in Chinese."""
    if not forecast.steps:
        return f"{forecast.name}：来话太少，尚不能预测。"
    misses = forecast.misses
    if not misses:
        return f"{forecast.name}：未来 {_hours(forecast)} 小时预计达标。"
    miss = misses[0]
    times = f"{_clock(miss.begins, zone)} 至 {_clock(miss.ends, zone)}"
    return f"{forecast.name}：预计 {times} 不达标（{_why_zh(miss, limits)}）；再增加 {miss.more} 名座席即可达标。"


def _why_en(miss: Miss, limits: Limits) -> str:
    if miss.wait_seconds is None:
        return "waits grow without end"
    if miss.wait_seconds > limits.wait_seconds:
        return f"mean wait {miss.wait_seconds:.0f} s, target {limits.wait_seconds:g} s"
    return f"{miss.abandoned:.0%} give up, at most {limits.abandoned:.0%} may"


def _why_zh(miss: Miss, limits: Limits) -> str:
    if miss.wait_seconds is None:
        return "排队将不断增长"
    if miss.wait_seconds > limits.wait_seconds:
        return f"平均等待 {miss.wait_seconds:.0f} 秒，指标 {limits.wait_seconds:g} 秒"
    return f"{miss.abandoned:.0%} 的来话放弃，上限 {limits.abandoned:.0%}"


def _hours(forecast: QueueForecast) -> str:
    return f"{len(forecast.steps) / 4:g}"


def _clock(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).strftime("%H:%M")
