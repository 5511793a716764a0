"""Errors of the metrics package.

::

    Refusal
    ├── NoSuchReport    nobody computes a report of this name
    ├── BadReportQuery  period or grouping that the report does not have
    └── BadEvidence     no evidence pack, or a period for which none can be made
"""

from ccplatform.kernel.errors import NotFound, Refusal


class NoSuchReport(NotFound):
    """Nobody computes a report of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no report named {name!r}", code="no_such_report")


class BadReportQuery(Refusal):
    """The period or grouping does not fit the report."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="bad_request")


class BadEvidence(Refusal):
    """A file that is no evidence pack, or a period for which none can be made."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="bad_request", where="evidence")
