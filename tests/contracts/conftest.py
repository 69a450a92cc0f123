"""Which generators the contracts run on: every registered one."""

from __future__ import annotations

import importlib.util

import pytest

from locum.synthesizers import registry


@pytest.fixture(scope="module", params=registry.names())
def name(request) -> str:
    module = registry.entry_of(request.param).path.partition(":")[0]
    package = module.rpartition(".")[0]
    if importlib.util.find_spec(package) is None or importlib.util.find_spec(module) is None:
        pytest.skip(f"synthesizer {request.param} is registered but not there yet")
    return request.param
