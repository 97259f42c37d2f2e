"""Prints garbage, a lot of it, and then does its work."""

import os
import sys

import silo


def run(_: silo.Task) -> None:
    for stream in (sys.stdout, sys.stderr):
        os.write(stream.fileno(), b"\x1b]0;owned\x07\x00\xff\r\n" * 100_000)
        print("\N{PILE OF POO}" * 10_000, file=stream)
    silo.complete("Still here.")
