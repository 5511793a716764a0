"""The commands ``e1``: the switch simulator at the far end of software spans."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ccplatform.app.cli_options import ConfigOption, DataDirOption, DemoOption, fail, flags
from ccplatform.kernel.errors import PlatformError

e1_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The E1 switch simulator.")


@e1_app.command("switch")
def e1_switch(
    config: ConfigOption = None,
    demo: DemoOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Be the switch at the far end of the software spans; `ccplatform e1 dial` has it call."""
    from ccplatform.app import roles
    from ccplatform.app.settings import load_settings

    settings = load_settings(config, demo=demo, flags=flags(("node", "data_dir", data_dir)))
    sys.exit(roles.run("e1-switch", settings, demo=demo, index=0, ready_fd=None, arguments=()))


@e1_app.command("dial")
def e1_dial(
    number: str,
    press: Annotated[list[str] | None, typer.Option(help="Keys to press, as tones; more than once.")] = None,
    after: Annotated[float, typer.Option(help="Seconds before each of them.", min=0)] = 4.0,
    seconds: Annotated[float, typer.Option(help="How long to stay then.", min=0)] = 10.0,
    caller: Annotated[str, typer.Option(help="The number that calls.")] = "13800000001",
    span: Annotated[str, typer.Option(help="The span; the first one without it.")] = "",
    record: Annotated[Path | None, typer.Option(help="WAV file for what was heard.")] = None,
    data_dir: DataDirOption = None,
) -> None:
    """Have the switch simulator of a running platform call a number; exit code 1 where nobody answered."""
    import asyncio

    from ccplatform.app.e1_switch import Dial, ask_switch
    from ccplatform.app.places import places_of

    dial = Dial(
        number=number,
        span=span,
        caller=caller,
        press=tuple(press or ()),
        after=after,
        seconds=seconds,
        record=str(record.resolve()) if record else "",
    )
    try:
        told = asyncio.run(ask_switch(places_of(data_dir or Path("var")), dial))
    except PlatformError as error:
        fail(str(error), 1)
    for name, value in told.items():
        print(f"{name.replace('_', ' '):<18} {value}")
    if "connected_seconds" not in told:
        raise typer.Exit(1)
