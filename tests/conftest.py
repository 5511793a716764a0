"""How the tests are shared out when two processes run them (``make test``); no example has a time limit."""

from collections import Counter
from typing import Final

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

# How long an example takes says how busy the machine is.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

_END_TO_END: Final = "tests/e2e/"
#: Files of end-to-end tests that break the platform, or look at what starts it, and so start their own.
_OWN_PLATFORM: Final = tuple(
    f"{_END_TO_END}{name}" for name in ("test_failures_", "test_operation_", "test_calls_walk")
)
#: Files of end-to-end tests in a browser.
_PAGES: Final = f"{_END_TO_END}test_pages"


def scope_of(nodeid: str) -> str:
    """What one process runs together: end-to-end tests that share a platform, calls and pages apart, those that
    start their own, and each other file."""
    if nodeid.startswith(_OWN_PLATFORM):
        return "end to end, own platform"
    if nodeid.startswith(_PAGES):
        return "end to end, pages"
    return _END_TO_END if nodeid.startswith(_END_TO_END) else nodeid.partition("::")[0]


class EndToEndTogether(LoadScopeScheduling):  # type: ignore[misc]
    """Each process begins with a part of the end-to-end tests, which mostly wait, and who ends his takes the next:
    both cores are busy then, and when the rest, which computes, is shared out file by file."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> EndToEndTogether:
    """In the order in which the tests were collected."""
    config.option.loadscopereorder = False
    return EndToEndTogether(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """For shared runs: end to end first, then the files with the most tests."""
    if hasattr(config, "workerinput"):
        sizes = Counter(scope_of(item.nodeid) for item in items)
        items.sort(key=lambda item: (not item.nodeid.startswith(_END_TO_END), -sizes[scope_of(item.nodeid)]))
