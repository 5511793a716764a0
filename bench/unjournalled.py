"""The platform without its journal: ``python -m bench.unjournalled run …``, to know what the journal costs.

A platform for measuring and nothing else: facts are thrown away, so that contacts, reports and traces stay empty.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from ccplatform.__main__ import main
from ccplatform.app import supervisor
from ccplatform.storage.journal import JournalWriter

#: How it is started, in place of ``python -m ccplatform``.
PROGRAM: Final = (sys.executable, "-m", "bench.unjournalled")


def _throw_away(self: JournalWriter, event: object) -> None:
    """In place of :meth:`JournalWriter.append`."""


if __name__ == "__main__":
    JournalWriter.append = _throw_away  # type: ignore[method-assign]
    # The children are started like this one.
    defaults: Any = supervisor.Supervisor.__init__.__kwdefaults__
    defaults["program"] = (*PROGRAM, "run")
    main()
