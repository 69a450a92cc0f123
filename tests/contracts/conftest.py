"""Which generators the contracts run on: every registered one."""

from __future__ import annotations

import pytest

from locum.synthesizers import registry


@pytest.fixture(scope="module", params=registry.names())
def name(request) -> str:
    registry.get(request.param)  # a name whose class is not there is a defect, not a reason to skip
    return request.param
