"""What a run was made with: versions and platform, without names of people, machines or places."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping


def environment_text(versions: Mapping[str, str]) -> str:
    """The content of ``environment.txt``.

    Parameters
    ----------
    versions
        Version by package name.
    """
    facts = {
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "system": f"{platform.system()} {platform.machine()}".strip() or "unknown",
        "cores": str(os.cpu_count() or "unknown"),
        **{name: versions[name] for name in sorted(versions)},
    }
    width = max(map(len, facts))
    return "".join(f"{name:<{width}}  {value}\n" for name, value in facts.items())
