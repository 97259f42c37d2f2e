"""Hangs, with children of its own, and heeds no signal."""

import os
import signal
import time

import silo


def run(_: silo.Task) -> None:
    for number in range(1, 32):
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_IGN)
    for _child in range(3):
        if os.fork() == 0:
            os.setsid()
            time.sleep(3600)
    while True:
        pass
