"""Answers twice, and then hands the task over as well."""

import silo


def run(_: silo.Task) -> None:
    silo.complete("First.")
    silo.complete("Second.")
    silo.escalate("Third.", "Take it back.")
