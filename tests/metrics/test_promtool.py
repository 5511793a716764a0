"""Rules and configuration by Prometheus' own tool, and each requirement's alert on its own."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import yaml

from metrics.definitions import REQUIREMENTS
from metrics.monitoring.files import DEPLOY
from metrics.monitoring.rules import groups

PROMETHEUS = DEPLOY / "prometheus"


def promtool(*arguments: object) -> str:
    """Run promtool; its complaint is the failure."""
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_configuration_and_the_rules_are_valid() -> None:
    promtool("check", "config", PROMETHEUS / "prometheus.yml")
    told = promtool("check", "rules", PROMETHEUS / "rules.yml")
    assert f"{sum(len(group['rules']) for group in groups())} rules found" in told


def test_the_rules_do_what_their_tests_say() -> None:
    promtool("test", "rules", PROMETHEUS / "rules_test.yml")


def test_a_missed_requirement_raises_its_own_alert_and_no_other(tmp_path: Path) -> None:
    cases = {"rule_files": [str(PROMETHEUS / "rules.yml")], "evaluation_interval": "1m"}
    file = tmp_path / "each.yml"
    file.write_text(yaml.safe_dump({**cases, "tests": [_only(missed.id) for missed in REQUIREMENTS]}))
    promtool("test", "rules", file)


def _only(missed: str) -> dict[str, Any]:
    """One requirement misses its target, all others meet theirs."""
    alerts = {rule["alert"]: rule for group in groups() for rule in group["rules"] if "alert" in rule}
    series = [
        {"series": f'cc_compliance_ok{{requirement="{row.id}"}}', "values": "0x5" if row.id == missed else "1x5"}
        for row in REQUIREMENTS
    ]
    expected = []
    for name, rule in alerts.items():
        raised = rule["labels"].get("requirement") == missed and name.startswith("Requirement")
        words = rule["annotations"]
        text = {"summary": words["summary"], "description": _of_a_half(words["description"])} if raised else {}
        firing = [{"exp_labels": rule["labels"], "exp_annotations": text}] if raised else []
        expected.append({"eval_time": "3m", "alertname": name, "exp_alerts": firing})
    series.append({"series": f'cc_compliance_value{{requirement="{missed}"}}', "values": "0.5x5"})
    return {"interval": "1m", "input_series": series, "alert_rule_test": expected}


def _of_a_half(description: str) -> str:
    begin, end = description.index("{{ with"), description.index("{{ end }}") + len("{{ end }}")
    human = {"humanizePercentage": "50%", "humanizeDuration": "500ms"}
    value = next((text for word, text in human.items() if word in description), "0.5")
    return description[:begin] + value + description[end:]
