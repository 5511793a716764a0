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
from ccplatform.app.errors import WrongConfiguration
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
flow_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="IVR flow documents.")
recording_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Recordings: keys and proof.")
evidence_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Evidence packs: figures that anybody can compute anew."
)
e1_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The E1 switch simulator.")
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

ConfigOption = Annotated[Path | None, typer.Option("--config", help="Configuration file (TOML).")]
DataDirOption = Annotated[Path | None, typer.Option("--data-dir", help="Directory of all data.")]
DemoOption = Annotated[bool, typer.Option("--demo", help="Start the demo centre.")]


def main() -> NoReturn:
    """Run the command line; a traceback is shown to those only who ask for it (log level ``debug``)."""
    try:
        code = app(standalone_mode=False)
    except WrongConfiguration as error:
        _fail(str(error), 2)
    except PlatformError as error:
        _fail(str(error), 1)
    except typer.Abort:
        _fail("stopped", 1)
    except Exception as error:
        if hasattr(error, "format_message"):  # wrong use, in whatever class the parser has for it
            _fail(error.format_message(), 2)
        _fail_unexpectedly(error)
    sys.exit(code if isinstance(code, int) else 0)


def _fail_unexpectedly(error: Exception) -> NoReturn:
    if structlog.is_configured():  # one of the platform's processes, which log
        from ccplatform.app.logs import unexpected

        unexpected(error)
        sys.exit(1)
    if os.environ.get("CCP_LOG__LEVEL") == "debug":
        traceback.print_exception(error)
    _fail(f"unexpected error, please report it: {describe(error)}", 1)


def _fail(message: str, code: int) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(code)


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
    flags = _flags(
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
    settings = load_settings(config, demo=demo, flags=flags)
    from ccplatform.app import roles

    arguments = [argument for argument in sys.argv[2:] if argument]
    sys.exit(roles.run(role, settings, demo=demo, index=index, ready_fd=ready_fd, arguments=arguments))


def _flags(*given: tuple[str, str, Any]) -> dict[str, dict[str, Any]]:
    flags: dict[str, dict[str, Any]] = {}
    for section, name, value in given:
        if value is not None:
            flags.setdefault(section, {})[name] = value
    return flags


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

    settings = load_settings(config, flags=_flags(("node", "data_dir", data_dir)))
    level = "debug" if settings.log.level == "debug" else "error"  # what is done is printed
    logs.configure(json_lines=settings.log.format == "json", role="command", level=level)
    places = (administer, recording_commands, evidence_commands)
    action: Callable[..., str] = next(getattr(place, what) for place in places if hasattr(place, what))
    print(action(settings, *arguments))


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
        _fail(str(error), 2)


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
            _fail(str(error), 2)
        for result in results:
            failed += bool(result.problem)
            told = f"FAILED: {result.problem}" if result.problem else "passed"
            print(f"{file}: {result.name}: {told}", file=sys.stderr if result.problem else sys.stdout)
            if walk:
                print("  " + " → ".join(result.walk))
    if failed:
        raise typer.Exit(1)


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


@e1_app.command("switch")
def e1_switch(
    config: ConfigOption = None,
    demo: DemoOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Be the switch at the far end of the software spans; `ccplatform e1 dial` has it call."""
    from ccplatform.app import roles
    from ccplatform.app.settings import load_settings

    settings = load_settings(config, demo=demo, flags=_flags(("node", "data_dir", data_dir)))
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
        _fail(str(error), 1)
    for name, value in told.items():
        print(f"{name.replace('_', ' '):<18} {value}")
    if "connected_seconds" not in told:
        raise typer.Exit(1)


@app.command()
def version() -> None:
    """Print the version."""
    print(f"ccplatform {__version__}")


def _not_available(name: str, what: str) -> None:
    def command() -> None:
        _fail(f"ccplatform {name}: not available in version {__version__} ({what})", 1)

    context = {"ignore_unknown_options": True, "allow_extra_args": True}
    app.command(name, help=f"{what} (not available yet).", context_settings=context)(command)


for _name, _what in (
    ("tls", "test certificates"),
    ("bench", "benchmarks; from a source checkout run python -m bench.NAME"),
):
    _not_available(_name, _what)
