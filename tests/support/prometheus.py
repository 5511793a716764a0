"""Debian's Prometheus as a peer: the files of `deploy/`, with a test's address and a test's patience."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from metrics.monitoring.files import DEPLOY
from tests.support.milestone import PATIENCE
from tests.support.ports import free_port

_EVERY: Final = "1s"


class PrometheusProcess:
    """Scrapes ``target`` (host:port) every second by the configuration that is shipped, data in ``directory``.

    What the rules wait before they alert is left out, so that a test need not.
    """

    def __init__(self, directory: Path, target: str) -> None:
        self.port = free_port()
        self._log = (directory / "log").open("w")
        self._process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={_configuration(directory, target)}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}/api/v1/", timeout=PATIENCE)

    async def ask(self, path: str, **parameters: str) -> dict[str, Any]:
        """The data of an answer of its HTTP API; {} while it is still starting."""
        try:
            answer = await self._client.get(path, params=parameters)
        except httpx.TransportError:
            return {}
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            return {}
        told = answer.json()
        assert told["status"] == "success", f"{path} {parameters}: {told}"
        data: dict[str, Any] = told["data"]
        return data

    async def close(self) -> None:
        await self._client.aclose()
        self._process.terminate()
        self._process.wait(PATIENCE)
        self._log.close()


def _configuration(directory: Path, target: str) -> Path:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text(encoding="utf-8"))
    for group in rules["groups"]:
        group.pop("interval", None)
        for rule in group["rules"]:
            rule.pop("for", None)
    (directory / "rules.yml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    shipped = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    shipped["global"] = {"scrape_interval": _EVERY, "evaluation_interval": _EVERY}
    (job,) = shipped["scrape_configs"]
    (group,) = job["static_configs"]
    group["targets"] = [target]
    file = directory / "prometheus.yml"
    file.write_text(yaml.safe_dump(shipped), encoding="utf-8")
    return file
