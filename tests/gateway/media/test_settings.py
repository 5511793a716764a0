from __future__ import annotations

import pytest
from pydantic import ValidationError

from gateway.media.settings import MediaSettings


def test_an_unspecified_address_needs_one_that_peers_can_reach() -> None:
    with pytest.raises(ValidationError, match="advertised_ip must be set"):
        MediaSettings(bind_ip="0.0.0.0")
    assert MediaSettings(bind_ip="0.0.0.0", advertised_ip="192.0.2.1").sdp_host() == "192.0.2.1"


def test_workers_share_the_ports_without_overlap() -> None:
    settings = MediaSettings(workers=3, rtp_ports="20001-20031")
    ports = [port for worker in range(3) for port in settings.ports_of(worker)]
    assert len(ports) == len(set(ports))
    assert all(port % 2 == 0 for port in ports)


def test_auto_leaves_one_core_to_the_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, workers in ((1, 1), (2, 1), (4, 3), (128, 64)):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, cores=cores: set(range(cores)))
        assert MediaSettings.model_validate({"workers": "auto"}).workers == workers


@pytest.mark.parametrize("count", [0, 65, "many", "1.5"])
def test_a_number_of_workers_that_makes_no_sense_is_refused(count: object) -> None:
    with pytest.raises(ValidationError, match="workers"):
        MediaSettings.model_validate({"workers": count})


@pytest.mark.parametrize("ports", ["1-2", "20000", "20010-20000", "a-b", "60000-70000"])
def test_a_port_range_that_makes_no_sense_is_refused(ports: str) -> None:
    with pytest.raises(ValidationError, match="rtp_ports"):
        MediaSettings(rtp_ports=ports)
