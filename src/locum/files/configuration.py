"""The folder of the user's own settings of locum: keys, and what is known of ledgers."""

from __future__ import annotations

import os
from pathlib import Path


def config_folder() -> Path:
    """Where the user's own settings of locum live; not made by this call."""
    for variable in ("LOCUM_CONFIG_HOME", "XDG_CONFIG_HOME", "APPDATA"):
        folder = os.environ.get(variable)
        if folder:
            return Path(folder) if variable == "LOCUM_CONFIG_HOME" else Path(folder) / "locum"
    return Path.home() / ".config" / "locum"
