"""How long a start takes: from the command to the log line ``ready``, on an empty data directory and again.

``python -m bench.startup [--repeats 3] [--json FILE]``
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from bench.figures import Figure, conditions, distribution, show, write_json
from tests.support.milestone import PeerError
from tests.support.platform import PlatformProcess

#: A later start is to take less than this.
SECOND_START_GOAL_MS = 5000.0


def measure(data_dir: Path, repeats: int) -> tuple[list[float], list[float]]:
    """Seconds of the first start, and of the later ones on the same data."""
    platform = PlatformProcess(data_dir)
    starts: list[float] = []
    try:
        for _ in range(1 + repeats):
            starts.append(platform.start(120).started_in)
            platform.stop()
    finally:
        platform.close()
    return starts[:1], starts[1:]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="later starts to measure")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    facts = conditions()
    with tempfile.TemporaryDirectory(prefix="ccb-") as directory:
        try:
            first, later = measure(Path(directory) / "data", options.repeats)
        except PeerError as error:
            sys.exit(str(error))
    rows: list[Figure | None] = [
        distribution("first start, command → ready", first, note="makes the database, loads the demo centre"),
        distribution("later start, command → ready", later, goal_ms=SECOND_START_GOAL_MS),
    ]
    figures = [row for row in rows if row is not None]
    show("Start to ready", figures, facts)
    if options.json:
        write_json(options.json, figures, facts)


if __name__ == "__main__":
    main()
