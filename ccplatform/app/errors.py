"""Errors of the composition and the command line.

::

    PlatformError
    ├── WrongConfiguration   a setting is not legal (R10.4.b): names where, path, value and reason; exit code 2
    └── CannotStart          (of the kernel) a process cannot start, e.g. an unusable directory: exit code 1
"""

from ccplatform.kernel.errors import CannotStart, PlatformError

__all__ = ["CannotStart", "WrongConfiguration"]


class WrongConfiguration(PlatformError):
    """One or more settings are not legal; ``problems`` has a line for each."""

    def __init__(self, where: str, problems: list[str]) -> None:
        super().__init__("\n".join(f"{where}: {problem}" for problem in problems))
        self.problems = problems
