"""Never answers."""

import time

import silo


def run(_: silo.Task) -> None:
    time.sleep(3600)
