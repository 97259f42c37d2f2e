"""Names somebody nobody knows."""

import silo


def run(_: silo.Task) -> None:
    silo.complete("Dear [NAME_9].")
