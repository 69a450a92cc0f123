"""The registry: names to classes, and helpful refusals."""

from __future__ import annotations

import subprocess
import sys

import pytest

from locum.errors import UsageError
from locum.models import registry
from locum.models.independent import IndependentModel


@pytest.fixture
def clean(monkeypatch):
    monkeypatch.setattr(registry, "_added", {})


def test_names_and_classes():
    assert registry.names()[0] == "tree"
    assert {"tree", "tree-fast", "independent", "bootstrap"} <= set(registry.names())
    assert registry.get("independent") is IndependentModel
    assert isinstance(registry.create("independent"), IndependentModel)


def test_unknown_names_get_the_nearest_one():
    with pytest.raises(UsageError, match="Did you mean independent") as caught:
        registry.get("independant")
    assert caught.value.exit_code == 2
    with pytest.raises(UsageError, match="Expected one of tree"):
        registry.create("zzzzzz")


def test_unknown_settings_are_named():
    with pytest.raises(UsageError, match="no setting 'depth'"):
        registry.create("independent", depth=3)


def test_registering(clean):
    path = "locum.models.independent:IndependentModel"
    registry.register("mine", path, sentence="Mine.")
    registry.register("mine", path, sentence="Mine.")
    assert registry.names()[-1] == "mine" and registry.get("mine") is IndependentModel
    for name in ("mine", "tree"):
        with pytest.raises(UsageError, match="is taken"):
            registry.register(name, "other.module:Class", sentence="Other.")
    for wrong in ("no-colon", ":x", "x:", ""):
        with pytest.raises(UsageError, match="does not name a class"):
            registry.register("other", wrong, sentence="Other.")
    assert "other" not in registry.names()


def test_asking_for_names_imports_no_model():
    code = (
        "import sys; from locum.models import registry; registry.names(); registry.entry_of('tree');"
        "print([m for m in sys.modules if m.split('.')[0] in ('lightgbm', 'scipy', 'pyarrow', 'faker')"
        " or m.startswith(('locum.models.tree', 'locum.models.bootstrap'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
