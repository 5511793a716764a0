"""Addresses: the number of each, as arrays and as the kernel have it."""

from __future__ import annotations

import ipaddress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.media.addresses import (
    SOCKADDR,
    address_key,
    host_and_port,
    is_ipv6,
    key_at,
    keys_of,
    parts_of,
    same,
    same_host,
    sockaddr,
)

_HOSTS = st.ip_addresses().filter(lambda address: getattr(address, "ipv4_mapped", None) is None).map(str)
_PORTS = st.integers(0, 0xFFFF)
_PLACES = st.tuples(_HOSTS, _PORTS)


@given(_HOSTS, _PORTS)
def test_an_address_is_what_it_was_after_every_way_that_it_is_kept(host: str, port: int) -> None:
    key = address_key(host, port)
    assert host_and_port(key) == (host, port)
    assert is_ipv6(key) is (":" in host)
    array = np.array([parts_of(key)])
    assert key_at(array, 0) == key
    assert np.array_equal(keys_of(np.array([sockaddr(key)])), array)


@given(st.lists(_PLACES, min_size=1, max_size=8), st.lists(_PLACES, min_size=1, max_size=8))
def test_only_the_same_address_and_port_are_the_same(
    some: list[tuple[str, int]], others: list[tuple[str, int]]
) -> None:
    count = min(len(some), len(others))
    a, b = ([address_key(*place) for place in places[:count]] for places in (some, others))
    arrays = [np.array([parts_of(key) for key in keys]) for keys in (a, b)]
    assert same(*arrays).tolist() == [one == other for one, other in zip(a, b, strict=True)]
    assert same(arrays[0], arrays[0]).all()


def test_an_ipv4_address_within_ipv6_is_that_address() -> None:
    assert address_key("::ffff:192.0.2.1", 5) == address_key("192.0.2.1", 5)
    assert address_key("::1", 5) != address_key("0.0.0.1", 5)


def test_hosts_are_compared_without_their_ports() -> None:
    assert same_host(address_key("2001:db8::1", 1), address_key("2001:db8::1", 2))
    assert not same_host(address_key("2001:db8::1", 1), address_key("2001:db8::2", 1))


def test_the_kernel_s_form_is_that_of_its_headers() -> None:
    assert SOCKADDR.itemsize == 28
    ipv4, ipv6 = (sockaddr(address_key(host, 0x1234)).tobytes() for host in ("192.0.2.1", "2001:db8::7"))
    assert ipv4 == bytes.fromhex("0200 1234 c0000201") + bytes(20)
    assert ipv6 == bytes.fromhex("0a00 1234 00000000") + ipaddress.ip_address("2001:db8::7").packed + bytes(4)


def test_what_is_no_address_has_no_number() -> None:
    with pytest.raises(ValueError, match=r"example\.invalid"):
        address_key("example.invalid", 5)
