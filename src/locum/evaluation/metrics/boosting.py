"""Boosted trees as judges; they live in `locum.evaluation.learn.boosting`, where attacks find them as
well."""

from locum.evaluation.learn.boosting import ROUNDS, SETTINGS, Forest, Task, grow

__all__ = ["ROUNDS", "SETTINGS", "Forest", "Task", "grow"]
