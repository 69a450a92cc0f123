"""Boosted trees as judges; they live in `locum.evidence.boosting`, where attacks find them as well."""

from locum.evidence.boosting import ROUNDS, SETTINGS, Forest, Task, grow

__all__ = ["ROUNDS", "SETTINGS", "Forest", "Task", "grow"]
