"""Which generators the contracts run on: every registered one."""

from __future__ import annotations

from typing import Any

import pytest

from locum.models import registry
from locum.models.base import CountModel
from locum.synthesizer.table import Synthesizer


def settings_of(name: str) -> dict[str, Any]:
    """Settings under which a generator is held to the contracts: private ones with next to no noise.

    What a generator must be able to do is asked in this folder; how well it does under noise elsewhere.
    """
    return {"epsilon": 300.0} if "epsilon" in registry.get(name).settings_type.constraints() else {}


def needs_public(name: str) -> bool:
    return isinstance(made := registry.create(name), CountModel) and made.needs_public


@pytest.fixture(scope="module", params=registry.names())
def name(request) -> str:
    registry.get(request.param)  # a name whose class is not there is a defect, not a reason to skip
    return request.param


@pytest.fixture(scope="module", params=[n for n in registry.names() if not needs_public(n)])
def alone(request) -> str:
    """A generator that learns from one table; those that need a public one have tests of their own."""
    return request.param


@pytest.fixture(scope="module")
def make(alone: str):
    """A new synthesizer of the generator `alone`."""
    return lambda seed: Synthesizer(alone, seed=seed, **settings_of(alone))
