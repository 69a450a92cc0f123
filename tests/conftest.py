"""Options of the whole suite."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# What hypothesis tries is random at a desk and the same on every run of CI: no landing hangs on a draw.
# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile(
    "locum",
    derandomize=bool(os.environ.get("CI")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("locum")


@pytest.fixture(scope="session", autouse=True)
def _own_configuration(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keys and heads of ledgers that tests make stay out of the user's own folder."""
    os.environ["LOCUM_CONFIG_HOME"] = str(tmp_path_factory.mktemp("config"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow as well")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    wait = pytest.mark.skip(reason="slow (minutes); run with --slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(wait)
