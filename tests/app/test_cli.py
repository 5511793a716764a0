"""The command line inside this process: exit codes and what a user reads. Whole commands are in tests/e2e."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from ccplatform.app import cli, logs, roles
from ccplatform.app.errors import CannotStart, WrongConfiguration
from ccplatform.app.settings import load_settings
from ccplatform.app.stopping import Stopped
from ccplatform.app.supervisor import START_REFUSED
from ccplatform.kernel.errors import Unavailable

Run = Callable[..., tuple[int, str]]


@pytest.fixture(autouse=True)
def _fresh_logs() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command; its exit code and everything printed."""

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["ccplatform", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        printed = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return end.value.code, printed.out + printed.err

    return run


def test_what_is_done_is_exit_0(run: Run) -> None:
    code, text = run("version")
    assert (code, text.startswith("ccplatform ")) == (0, True)


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("run", "--nope"), ("config", "check"), ("run", "--sip-port", "x"), ()]
)
def test_wrong_use_is_exit_2(run: Run, arguments: tuple[str, ...]) -> None:
    code, text = run(*arguments)
    assert code == 2
    assert text.strip()


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (
            WrongConfiguration("node.toml", ["sip.port = 0: too small", "x: y"]),
            2,
            "node.toml: sip.port = 0: too small",
        ),
        (CannotStart("TCP port 80 is in use"), 1, "TCP port 80 is in use"),
        (Unavailable("the database is away"), 1, "the database is away"),
        (KeyError("oops"), 1, "unexpected error, please report it: KeyError: 'oops' (test_cli.py:"),
    ],
)
def test_errors_are_lines_for_people(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, text: str
) -> None:
    def fail(*_: object, **__: object) -> str:
        raise error

    monkeypatch.setattr("ccplatform.app.settings.load_settings", fail)
    ended, printed = run("config", "show")
    assert ended == code
    assert printed.startswith(text)
    assert "Traceback" not in printed


def test_who_asks_for_it_gets_the_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> str:
        raise KeyError("oops")

    monkeypatch.setattr("ccplatform.app.settings.load_settings", fail)
    monkeypatch.setenv("CCP_LOG__LEVEL", "debug")
    assert "Traceback" in run("config", "show")[1]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CannotStart("port in use"), START_REFUSED),
        (Unavailable("later perhaps"), 1),
        (Stopped("asked to end"), 0),
        (None, 0),
    ],
)
def test_a_child_tells_its_supervisor_by_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, error: Exception | None, code: int
) -> None:
    def be(*_: object, **__: object) -> None:
        if error is not None:
            raise error

    monkeypatch.setattr(roles, "_run_child", be)
    monkeypatch.setattr(roles, "_die_with_parent", lambda: None)
    settings = load_settings()
    assert roles.run("web", settings, demo=False, index=0, ready_fd=None, arguments=[]) == code


def test_an_unexpected_error_of_a_process_is_one_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(json_lines=True, role="control")
    try:
        raise KeyError("oops")
    except KeyError as error:
        logs.unexpected(error)
    (line,) = capsys.readouterr().err.splitlines()
    assert '"role": "control"' in line
    assert "KeyError: 'oops' (test_cli.py:" in line


def test_what_libraries_log_is_a_line_like_ours_without_a_traceback() -> None:
    script = (
        "import logging; from ccplatform.app import logs; logs.configure(json_lines=True, role='web');\n"
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    logging.getLogger('lib').exception('two\\nlines')\n"
        "logging.getLogger('lib').info('quiet')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    (line,) = done.stderr.splitlines()
    assert '"event": "two lines"' in line
    assert "ZeroDivisionError: division by zero (<string>:3 in <module>)" in line


# --- flows ------------------------------------------------------------------------------------------------


def test_flow_check_says_what_is_wrong_where(run: Run, tmp_path: Path) -> None:
    assert run("flow", "check", "config/flows/bank.yaml", "config/flows/identify.yaml")[0] == 0
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("flow: a\nlanguages: [en]\nstart: b\nnodes:\n  c: {kind: hangup}\n", encoding="utf-8")
    code, printed = run("flow", "check", str(wrong))
    assert code == 2
    assert f"{wrong}: start: there is no node 'b'" in printed


def test_flow_show_draws_a_flow(run: Run, tmp_path: Path) -> None:
    code, printed = run("flow", "show", "config/flows/bank.yaml")
    assert code == 0
    assert "├─ 1 ↓ chinese" in printed
    assert run("flow", "show", str(tmp_path / "none.yaml")) == (
        2,
        f"{tmp_path}/none.yaml: No such file or directory\n",
    )


def test_flow_test_runs_trials_and_fails_with_the_first_that_goes_otherwise(run: Run, tmp_path: Path) -> None:
    code, printed = run("flow", "test", "--walk", "config/flows/trials/satisfaction.yaml")
    assert code == 0
    assert "both questions: passed\n  ask → thanks → end" in printed
    flow = Path("config/flows/echo.yaml").resolve()
    trials = tmp_path / "trials.yaml"
    trials.write_text(f"flow: {flow}\ntrials:\n  one: {{steps: [{{reaches: moon}}]}}\n", encoding="utf-8")
    code, printed = run("flow", "test", str(trials))
    assert code == 1
    assert "one: FAILED: steps.0.reaches: moon is expected, echo is found" in printed
    assert run("flow", "test", str(tmp_path / "none.yaml"))[0] == 2
