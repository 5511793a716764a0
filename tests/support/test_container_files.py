"""What can be checked of the container files without an engine: they name what exists, and all that is needed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


def copied() -> list[str]:
    """Every path that the Dockerfile copies out of the checkout."""
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.M)
    return [path.rstrip("/") for line in lines for path in line.split()]


def test_what_the_dockerfile_copies_exists_and_is_let_through() -> None:
    allowed = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    for path in copied():
        assert (ROOT / path).exists(), path
        assert f"!{path.split('/')[0]}" in allowed, path


def test_the_image_holds_every_package_of_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert set(wheel) <= set(copied())


def test_the_dockerfile_takes_the_makefiles_steps() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for step in ("-m venv", "--require-hashes -r requirements.lock", "npm ci", "npm run --silent build"):
        assert step in makefile, step
        assert step in DOCKERFILE, step


def test_the_image_runs_as_nobody_special_and_says_how_it_is() -> None:
    assert re.search(r"^USER ccplatform$", DOCKERFILE, re.M)
    assert re.search(r"^HEALTHCHECK ", DOCKERFILE, re.M)
    assert "/healthz" in DOCKERFILE


def test_compose_mounts_exist_and_volumes_are_declared() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["network_mode"] == "host", name
        for volume in service["volumes"]:
            source = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", volume).split(":")[0]
            if source.startswith("."):
                assert (ROOT / source).exists(), f"{name}: {source}"
            else:
                assert source in COMPOSE["volumes"], f"{name}: {source}"


def test_nothing_of_others_is_pinned_to_latest() -> None:
    images = [service["image"] for service in COMPOSE["services"].values()] + re.findall(
        r"^FROM (\S+)", DOCKERFILE, re.M
    )
    assert all(":" in image and not image.endswith(":latest") for image in images)
