from __future__ import annotations

import socket

import numpy as np

from ccplatform.proof.networks import BAD, Network
from tests.support.impairment import ImpairedLink


def test_losses_and_delays_are_those_of_the_network_and_repeat_with_the_seed() -> None:
    fates = BAD.fates(np.random.default_rng(1), 100_000)
    arrived = fates[np.isfinite(fates)]
    assert abs(1 - len(arrived) / len(fates) - 0.05) < 0.003
    assert arrived.min() >= 0.340
    assert arrived.max() <= 0.460
    assert abs(arrived.mean() - 0.400) < 0.001
    assert np.array_equal(fates, BAD.fates(np.random.default_rng(1), 100_000))


def test_a_link_delays_and_loses_one_way_and_answers_at_once() -> None:
    network = Network(name="test", loss=0.5, delay_ms=20, jitter_ms=20)
    phone, server = _udp(), _udp()
    link = ImpairedLink(network, server.getsockname(), seed=3)
    try:
        generator = np.random.default_rng(3)
        fates = [float(network.fates(generator, 1)[0]) for _ in range(100)]  # asked packet by packet
        for number in range(100):
            phone.sendto(bytes([number]), link.near.getsockname())
        survivors = [number for number, fate in enumerate(fates) if fate != np.inf]
        arrived = [server.recvfrom(10) for _ in survivors]
        assert sorted(data[0] for data, _ in arrived) == survivors
        assert [data[0] for data, _ in arrived] != survivors  # some overtook others
        server.sendto(b"answer", arrived[0][1])
        assert phone.recv(10) == b"answer"
    finally:
        link.close()
        phone.close()
        server.close()
    assert link.lost == 100 - len(survivors)


def _udp() -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    udp.settimeout(5)
    return udp
