"""The command line (interface.md). Exit codes: 0 done, 1 failed, 2 wrong use or wrong configuration."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import structlog
import typer

from ccplatform import __version__
from ccplatform.app.cli_options import ConfigOption, DataDirOption, DemoOption, fail, flags
from ccplatform.app.e1_commands import e1_app
from ccplatform.app.errors import WrongConfiguration
from ccplatform.app.flow_commands import flow_app
from ccplatform.app.proving import acceptance_app, probe_app
from ccplatform.contracts.words import Role
from ccplatform.kernel.errors import PlatformError
from ccplatform.kernel.faults import describe

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=__doc__,
)
config_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Check and show the configuration.")
db_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="The database: migrations, backup, restore."
)
user_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Users who log in to the pages.")
recording_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Recordings: keys and proof.")
evidence_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Evidence packs: figures that anybody can compute anew."
)
keys_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The master keys of recordings.")
app.add_typer(config_app, name="config")
app.add_typer(db_app, name="db")
app.add_typer(user_app, name="user")
app.add_typer(flow_app, name="flow")
app.add_typer(probe_app, name="probe")
app.add_typer(acceptance_app, name="acceptance")
app.add_typer(e1_app, name="e1")
app.add_typer(recording_app, name="recording")
recording_app.add_typer(keys_app, name="keys")
app.add_typer(evidence_app, name="evidence")


def main() -> NoReturn:
    """Run the command line; a traceback is shown to those only who ask for it (log level ``debug``)."""
    try:
        code = app(standalone_mode=False)
    except WrongConfiguration as error:
        fail(str(error), 2)
    except PlatformError as error:
        fail(str(error), 1)
    except typer.Abort:
        fail("stopped", 1)
    except Exception as error:
        if hasattr(error, "format_message"):  # wrong use, in whatever class the parser has for it
            fail(error.format_message(), 2)
        _fail_unexpectedly(error)
    sys.exit(code if isinstance(code, int) else 0)


def _fail_unexpectedly(error: Exception) -> NoReturn:
    if structlog.is_configured():  # one of the platform's processes, which log
        from ccplatform.app.logs import unexpected

        unexpected(error)
        sys.exit(1)
    if os.environ.get("CCP_LOG__LEVEL") == "debug":
        traceback.print_exception(error)
    fail(f"unexpected error, please report it: {describe(error)}", 1)


@app.command()
def run(
    config: ConfigOption = None,
    demo: DemoOption = False,
    data_dir: DataDirOption = None,
    bind: Annotated[str | None, typer.Option(help="Address of every listener (SIP, RTP, HTTP).")] = None,
    sip_port: Annotated[int | None, typer.Option(help="SIP, UDP and TCP.")] = None,
    sip_ws_port: Annotated[int | None, typer.Option(help="Port of SIP over WebSocket.")] = None,
    http_port: Annotated[int | None, typer.Option(help="Pages, REST, metrics.")] = None,
    rtp_ports: Annotated[str | None, typer.Option(help="RTP port range, A-B.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate of the pages (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key (PEM).")] = None,
    log_format: Annotated[str | None, typer.Option(help="text or json.")] = None,
    role: Annotated[str | None, typer.Option(hidden=True)] = None,
    index: Annotated[int, typer.Option(hidden=True)] = 0,
    ready_fd: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Start the platform and run until SIGTERM."""
    from ccplatform.app.settings import load_settings

    sixth = bind is not None and ":" in bind
    given = flags(
        ("node", "data_dir", data_dir),
        ("sip", "bind_ip", bind),
        ("media", "bind_ip", "" if sixth else bind),
        ("media", "bind_ip6", bind if sixth else None),
        ("http", "bind_ip", bind),
        ("sip", "port", sip_port),
        ("sip", "ws_port", sip_ws_port),
        ("http", "port", http_port),
        ("media", "rtp_ports", rtp_ports),
        ("http", "tls_cert", tls_cert),
        ("http", "tls_key", tls_key),
        ("log", "format", log_format),
    )
    settings = load_settings(config, demo=demo, flags=given)
    from ccplatform.app import roles

    arguments = [argument for argument in sys.argv[2:] if argument]
    sys.exit(roles.run(role, settings, demo=demo, index=index, ready_fd=ready_fd, arguments=arguments))


@config_app.command("check")
def config_check(file: Path) -> None:
    """Check a configuration file: every error with its path and why."""
    from ccplatform.app.settings import load_settings

    load_settings(file)
    print(f"{file}: no errors")


@config_app.command("show")
def config_show(config: ConfigOption = None, demo: DemoOption = False) -> None:
    """Show every setting that is in force (secrets as stars)."""
    from ccplatform.app.settings import load_settings, shown_settings

    print(shown_settings(load_settings(config, demo=demo)))


@config_app.command("webhook-secret")
def config_webhook_secret(config: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Show the secret that signs messages to the CRM, to be entered there."""
    _administer(config, data_dir, "show_webhook_secret")


@db_app.command("migrate")
def db_migrate(config: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Bring the database's schema to this version."""
    _administer(config, data_dir, "migrate")


@db_app.command("backup")
def db_backup(file: Path, config: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Write the whole database to a file."""
    _administer(config, data_dir, "backup", file)


@db_app.command("restore")
def db_restore(file: Path, config: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Replace the whole database by what a backup file holds."""
    _administer(config, data_dir, "restore", file)


PasswordOption = Annotated[
    str,
    typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, envvar="CCP_USER_PASSWORD"),
]


@user_app.command("add")
def user_add(
    name: str,
    role: Annotated[list[Role], typer.Option(help="What the user is; may be given more than once.")],
    password: PasswordOption,
    agent: Annotated[str | None, typer.Option(help="Agent number of a user with role agent.")] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Add a user."""
    _administer(config, data_dir, "add_user", name, role, password, agent)


@user_app.command("passwd")
def user_passwd(
    name: str, password: PasswordOption, config: ConfigOption = None, data_dir: DataDirOption = None
) -> None:
    """Set a user's password."""
    _administer(config, data_dir, "set_password", name, password)


@user_app.command("lock")
def user_lock(name: str, config: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Lock a user out."""
    _administer(config, data_dir, "lock_user", name)


@recording_app.command("verify")
def recording_verify(
    start: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day, UTC.")] = None,
    end: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day; today.")] = None,
    copies: Annotated[bool, typer.Option(help="Read every copy in every store, too.")] = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Look at every recording that ended on these days: a changed byte, a missing file or row is named."""
    first, last = (None if at is None else at.date() for at in (start, end))
    _administer(config, data_dir, "verify", first, last, copies)


@recording_app.command("whose")
def recording_whose(file: Path, config: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Say which export a sound file was, by the mark in its sound."""
    _administer(config, data_dir, "whose_export", file)


@keys_app.command("create")
def keys_create(config: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Add a master key: new recordings take it at once, older ones stay readable."""
    _administer(config, data_dir, "create_key")


@keys_app.command("list")
def keys_list(config: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """How many recordings each master key opens."""
    _administer(config, data_dir, "list_keys")


@keys_app.command("rewrap")
def keys_rewrap(config: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Wrap the keys of all recordings by the newest master key; no sound is touched."""
    _administer(config, data_dir, "rewrap_keys")


@evidence_app.command("make")
def evidence_make(
    file: Path,
    begin: Annotated[datetime, typer.Option("--from", help="Begin of the period, in the centre's zone.")],
    end: Annotated[datetime, typer.Option("--to", help="Its end.")],
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Write a signed pack of the facts of a period and the figures of section 10.3 that they give."""
    _administer(config, data_dir, "make_evidence", begin, end, file)


@evidence_app.command("verify")
def evidence_verify(
    file: Path,
    signer: Annotated[str, typer.Option(help="The public key that must have signed it (hexadecimal).")] = "",
) -> None:
    """Check a pack and compute each of its figures anew; exit code 1 where something is not equal."""
    from ccplatform.app.evidence_commands import verify_evidence

    told, equal = verify_evidence(file, signer)
    print(told)
    if not equal:
        raise typer.Exit(1)


def _administer(config: Path | None, data_dir: Path | None, what: str, *arguments: Any) -> None:
    from ccplatform.app import administer, evidence_commands, logs, recording_commands
    from ccplatform.app.settings import load_settings

    settings = load_settings(config, flags=flags(("node", "data_dir", data_dir)))
    level = "debug" if settings.log.level == "debug" else "error"  # what is done is printed
    logs.configure(json_lines=settings.log.format == "json", role="command", level=level)
    places = (administer, recording_commands, evidence_commands)
    action: Callable[..., str] = next(getattr(place, what) for place in places if hasattr(place, what))
    print(action(settings, *arguments))


@app.command()
def simulate(
    scenario: Annotated[Path | None, typer.Argument(help="Queues, calls and agents (TOML).")] = None,
    agents: Annotated[int, typer.Option(help="Without a scenario: so many equal agents.", min=1)] = 10,
    calls_per_hour: Annotated[float, typer.Option(help="… for so many calls of one queue.", min=0.1)] = 160.0,
    handling: Annotated[float, typer.Option(help="… of so many seconds, exponential.", min=0.1)] = 180.0,
    patience: Annotated[float | None, typer.Option(help="… whose callers give up, mean seconds.")] = None,
    hours: Annotated[float, typer.Option(help="Simulated time, after a tenth of it as warm-up.")] = 200.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same run.")] = 1,
) -> None:
    """Simulate a centre with the real matching engine, and compare it with Erlang C or A where they apply."""
    from acd.simulation.report import report
    from acd.simulation.scenario import one_queue, read_scenario

    if scenario is not None:
        centre = read_scenario(scenario.read_text(encoding="utf-8"))
    else:
        centre = one_queue(agents, calls_per_hour, handling, patience)
    print(report(centre, hours=hours, seed=seed))


@app.command()
def version() -> None:
    """Print the version."""
    print(f"ccplatform {__version__}")


def _not_available(name: str, what: str) -> None:
    def command() -> None:
        fail(f"ccplatform {name}: not available in version {__version__} ({what})", 1)

    context = {"ignore_unknown_options": True, "allow_extra_args": True}
    app.command(name, help=f"{what} (not available yet).", context_settings=context)(command)


for _name, _what in (
    ("tls", "test certificates"),
    ("bench", "benchmarks; from a source checkout run python -m bench.NAME"),
):
    _not_available(_name, _what)
