"""Greets the customer by token: the smallest agent there is."""

import silo


def run(task: silo.Task) -> None:
    silo.complete(f"Hello {silo.call('customer:read')['name']}." if task.customer else "Hello.")
