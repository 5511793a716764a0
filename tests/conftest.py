"""How the tests are shared out when two processes run them (``make test``), and what holds for all of them."""

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

# No test judges how fast it runs: other work on the machine would decide (speed belongs in bench/).
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

END_TO_END = "tests/e2e/"


class EndToEndTogether(LoadScopeScheduling):  # type: ignore[misc]
    """A file is run by one process, and all end-to-end tests by one, first: they share a platform and mostly wait
    for it, so that the other process has a core for all the rest."""

    def _split_scope(self, nodeid: str) -> str:
        return END_TO_END if nodeid.startswith(END_TO_END) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> EndToEndTogether:
    """The largest group begins first."""
    return EndToEndTogether(config, log)
