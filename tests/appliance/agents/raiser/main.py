"""Raises."""

import silo


def run(task: silo.Task) -> None:
    raise RuntimeError(task)
