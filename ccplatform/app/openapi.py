"""Writes or checks the OpenAPI description: ``python -m ccplatform.app.openapi [--check] FILE``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ccplatform.app.foundation import Foundation
from ccplatform.app.places import places_of
from ccplatform.app.settings import Settings, load_settings
from ccplatform.app.web import WebProcess
from ccplatform.contracts.words import DEFAULT_TENANT
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.security.audit import Audit
from ccplatform.security.key_ring import open_ring
from ccplatform.security.passwords import Passwords
from ccplatform.security.store import UserStore
from ccplatform.security.vault import Vault
from ccplatform.storage.database import Database


def describe() -> str:
    """The description as JSON text; nothing is opened or started for it."""
    settings = load_settings()
    process = WebProcess(settings, places_of(settings.node.data_dir), unopened(settings))
    return json.dumps(process.build().openapi(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def unopened(settings: Settings) -> Foundation:
    """What a process stands on, with a database to which nobody connects."""
    clock = SystemClock()
    ids = Ids(clock)
    database = Database("postgresql:///", clock=clock)
    return Foundation(
        clock=clock,
        ids=ids,
        tasks=TaskSupervisor(clock),
        tenant=DEFAULT_TENANT,
        vault=Vault(bytes(32)),
        keys=open_ring("file", places_of(settings.node.data_dir).root),
        database=database,
        users=UserStore(database),
        passwords=Passwords(settings.security.passwords),
        audit=Audit(database, clock=clock, ids=ids),
    )


def main() -> int:
    """Exit code 0 when written or equal."""
    parser = argparse.ArgumentParser(prog="python -m ccplatform.app.openapi", description="Writes or checks it.")
    parser.add_argument("--check", action="store_true", help="only compare; exit code 1 when they differ")
    parser.add_argument("file", type=Path, metavar="FILE")
    given = parser.parse_args()
    file: Path = given.file
    text = describe()
    if not given.check:
        file.write_text(text, "utf-8")
        return 0
    if file.read_text("utf-8") == text:
        return 0
    print(f"{file} is not what the program describes: run `make openapi`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
