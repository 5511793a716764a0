"""Structured logs: one line an event, for people or as JSON; secrets never get here.

Unexpected errors are one line that names what and where; their traceback comes with level ``debug``.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from ccplatform.kernel.faults import describe


def configure(*, json_lines: bool, role: str, level: str = "info", for_good: bool = False) -> None:
    """Set up structlog for this process; every line carries ``role``, those of libraries included. ``for_good``:
    it is not set up otherwise later, so that loggers need not ask each time how."""
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json_lines
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
    )
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _role_adder(role),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if json_lines:
        processors.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=for_good,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_LibraryLines()], force=True)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # below it, strangers decide how much is written
    logging.captureWarnings(True)


def unexpected(error: BaseException) -> None:
    """Log an error that nobody expected, as the last thing before this process ends."""
    log = structlog.get_logger("process")
    log.error("unexpected error", error=describe(error))
    log.debug("where it came from", exc_info=error)


class _LibraryLines(logging.Handler):
    """What libraries log becomes a line like ours."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger(record.name)
        error = record.exc_info[1] if record.exc_info else None
        known = {"error": describe(error)} if error is not None else {}
        text = " ".join(record.getMessage().split())
        if record.levelno >= logging.ERROR:
            log.error(text, logger=record.name, **known)
        else:
            log.warning(text, logger=record.name, **known)
        if error is not None:
            log.debug("where it came from", exc_info=error)


def _role_adder(role: str) -> Any:
    def add(_logger: Any, _name: str, event: dict[str, Any]) -> dict[str, Any]:
        event["role"] = role
        return event

    return add
