"""The legality check of the configuration (R10.4.b): every problem names where, path, value and reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.app.errors import WrongConfiguration
from ccplatform.app.settings import load_settings, shown_settings, without_password


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CCP_TEST_DATABASE_URL", raising=False)


def problems_of(file: Path) -> list[str]:
    with pytest.raises(WrongConfiguration) as refused:
        load_settings(file)
    return str(refused.value).splitlines()


def written(tmp_path: Path, text: str | bytes) -> Path:
    file = tmp_path / "node.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_what_is_shipped_is_legal() -> None:
    assert load_settings().sip.port == 5060
    assert load_settings(demo=True).node.drain_seconds == 10


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[sip]\nprt = 5060", "sip.prt = 5060: Extra inputs are not permitted"),
        ("[siip]\nport = 5060", "siip = {'port': 5060}: Extra inputs are not permitted"),
        ("[sip]\nport = 0x1FFFF", "sip.port = 131071: Input should be less than or equal to 65535"),
        ('[sip]\nport = "many"', "sip.port = 'many': Input should be a valid integer"),
        ('[node]\nzone = "Mars/Olympus"', "node.zone = 'Mars/Olympus': Value error, no time zone is named"),
        (
            '[node]\nzone = "../../etc/passwd"',
            "node.zone = '../../etc/passwd': Value error, no time",
        ),
        ("sip = 3", "sip = 3: Input should be a valid dictionary"),
        ('[media]\nrtp_ports = "20-10"', "media.rtp_ports = '20-10': Value error, '20-10': ports must rise"),
        ('[http]\ntls_cert = "/nowhere.pem"', "http.tls_cert and http.tls_key: give both or none"),
        (
            '[http]\ntls_cert = "/nowhere.pem"\ntls_key = "/nowhere.key"',
            "http.tls_cert = '/nowhere.pem': the file cannot be read",
        ),
        ('[database]\nurl = "mysql://u:secret@h/d"', "database.url = 'mysql://u:***@h/d': String should match"),
        ("sip.port = ", "is not TOML: Invalid value (at end of document)"),
        ("a = " + "[" * 100_000, "is not TOML"),
        (b"\xff\xfe", "is not UTF-8 text: invalid start byte at byte 0"),
        ("#" * 2_000_000, "larger than 1048576 bytes"),
    ],
)
def test_each_problem_names_file_path_value_and_reason(tmp_path: Path, text: str | bytes, problem: str) -> None:
    file = written(tmp_path, text)
    (line,) = problems_of(file)
    assert line.startswith(f"{file}: {problem}")
    assert "secret" not in line


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    lines = problems_of(written(tmp_path, "[sip]\nport = -1\n[http]\nport = 0\nprot = 1\n"))
    assert [line.split(": ")[1].split(" = ")[0] for line in lines] == ["http.port", "http.prot", "sip.port"]


@pytest.mark.parametrize(("name", "reason"), [("missing.toml", "No such file"), (".", "is not a file")])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, reason: str) -> None:
    (line,) = problems_of(tmp_path / name)
    assert str(tmp_path / name) in line
    assert reason in line


def test_flags_lie_over_environment_over_file_over_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, "[sip]\nport = 5070\n[http]\nport = 8090\n[media]\nworkers = 2\n")
    monkeypatch.setenv("CCP_HTTP__PORT", "8091")
    monkeypatch.setenv("CCP_SECURITY__THROTTLE__FIRST_WAIT_SECONDS", "2.5")
    settings = load_settings(file, flags={"sip": {"port": 5071}})
    assert (settings.sip.port, settings.http.port, settings.media.workers) == (5071, 8091, 2)
    assert settings.security.throttle.first_wait_seconds == 2.5


def test_the_environment_is_named_when_it_is_to_blame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCP_SIP__PORT", "many")
    (line,) = problems_of(written(tmp_path, ""))
    assert line.endswith("(given by CCP_SIP__PORT)")
    monkeypatch.setenv("CCP_SIP__PORT", "5060")
    monkeypatch.setenv("CCP_SIP_PORT", "5060")
    (line,) = problems_of(written(tmp_path, ""))
    assert line == "environment: CCP_SIP_PORT: no such setting; a name is CCP_SECTION__NAME"
    monkeypatch.delenv("CCP_SIP_PORT")
    monkeypatch.setenv("CCP_SIP", "{")
    (line,) = problems_of(written(tmp_path, ""))
    assert line.startswith("environment: error parsing value for field")


def test_a_wrong_flag_is_blamed_on_the_command_line() -> None:
    with pytest.raises(WrongConfiguration, match=r"command line: sip\.bind_ip = 'here'"):
        load_settings(flags={"sip": {"bind_ip": "here"}})


def test_what_is_shown_hides_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCP_DATABASE__URL", "postgresql://cc:hunter2@db:5432/cc")
    monkeypatch.setenv("CCP_METRICS__SCRAPE_TOKEN", "hunter3-is-long-enough")
    shown = shown_settings(load_settings())
    assert "postgresql://cc:***@db:5432/cc" in shown
    assert "hunter" not in shown


@given(
    user=st.text("abc._-", min_size=1, max_size=8),
    password=st.text("abcXYZ0123456789:/?#[]!$&'()*+,;=%", min_size=1, max_size=12).filter(lambda s: "/" not in s),
)
def test_a_password_in_a_url_is_never_shown(user: str, password: str) -> None:
    assert without_password(f"postgresql://{user}:{password}@host/db") == f"postgresql://{user}:***@host/db"
