"""Errors of the composition and the command line.

::

    PlatformError
    ├── WrongConfiguration   a setting is not legal (R10.4.b): names where, path, value and reason; exit code 2
    └── CannotStart          a process cannot start (used port, unusable directory): exit code 1
"""

from ccplatform.kernel.errors import PlatformError


class WrongConfiguration(PlatformError):
    """One or more settings are not legal; ``problems`` has a line for each."""

    def __init__(self, where: str, problems: list[str]) -> None:
        super().__init__("\n".join(f"{where}: {problem}" for problem in problems))
        self.problems = problems


class CannotStart(PlatformError):
    """A process cannot start, and trying again would not help."""
