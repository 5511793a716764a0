"""The commands ``flow``: IVR flow documents checked, drawn and tried in the shell."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ccplatform.app.cli_options import fail

flow_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="IVR flow documents.")


@flow_app.command("check")
def flow_check(files: list[Path]) -> None:
    """Check IVR flow documents, with the flows beside them: every error with its path and why."""
    from ivr.document import check_flow_file

    problems = {file: check_flow_file(file) for file in files}
    for problem in (problem for found in problems.values() for problem in found):
        print(problem, file=sys.stderr)
    if any(problems.values()):
        raise typer.Exit(2)
    for file in files:
        print(f"{file}: no errors")


@flow_app.command("show")
def flow_show(file: Path) -> None:
    """Draw an IVR flow as text: what each node says and where it leads."""
    from ivr.document import read_flow
    from ivr.drawing import draw
    from ivr.errors import FlowError

    try:
        print(draw(read_flow(file)))
    except FlowError as error:
        fail(str(error), 2)


@flow_app.command("test")
def flow_test(
    files: list[Path],
    walk: Annotated[bool, typer.Option("--walk", help="Print the nodes of every trial.")] = False,
) -> None:
    """Run files of trials of IVR flows in virtual time: what callers do, and what they must hear and reach."""
    from ivr.errors import FlowError
    from ivr.trials.runner import run_trials

    failed = 0
    for file in files:
        try:
            results = run_trials(file)
        except FlowError as error:
            fail(str(error), 2)
        for result in results:
            failed += bool(result.problem)
            told = f"FAILED: {result.problem}" if result.problem else "passed"
            print(f"{file}: {result.name}: {told}", file=sys.stderr if result.problem else sys.stdout)
            if walk:
                print("  " + " → ".join(result.walk))
    if failed:
        raise typer.Exit(1)
