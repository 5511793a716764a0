"""End-to-end tests run against the whole platform, started as a user starts it."""

from tests.support.fixtures import own_platform, phone, platform

__all__ = ["own_platform", "phone", "platform"]
