"""Options of the whole suite."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# What hypothesis tries is random at a desk and the same on every run of CI: no landing hangs on a draw.
# Neither of them fails because the machine is busy with something else.
settings.register_profile("desk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("desk"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow as well")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    wait = pytest.mark.skip(reason="slow (minutes); run with --slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(wait)
