"""Returns without a word."""

import silo


def run(_: silo.Task) -> None:
    return
