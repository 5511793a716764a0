"""``python -m ccplatform`` and the command ``ccplatform``."""

import sys


def main() -> None:
    """Run the command line."""
    # structlog imports rich wherever it is installed, for tracebacks that are never asked for: a quarter of a
    # second of each of our processes. Nothing of ours uses it.
    sys.modules["rich"] = None  # type: ignore[assignment]
    from ccplatform.app.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
