"""Tries to get out, and reports what it got: a code of the membrane, or the errno the system answered with.

The field `attack` of its task says what it tries:

- none: everything below that does not end the run;
- `collect`: nothing yet; it completes with its own keys, so that a later run can try them in another cell (field
  `other_key` of that run's task) or when they have expired (`expired_key`); `expires` is in seconds since 1970;
- `replay`: a step it has done, again with other arguments. That ends the run.
"""

import machine
import membrane
import silo


def run(task: silo.Task) -> None:
    match task.fields.get("attack"):
        case "collect":
            collect()
        case "replay":
            silo.complete("I changed a step I had done.", replayed_step=membrane.change_a_step(task))
        case _:
            got = membrane.attack(task) | machine.attack()
            silo.complete("This is what I got.", **got)


def collect() -> None:
    """Hands out its own keys."""
    keys = membrane.own_keys()
    silo.complete(
        "These are my keys.",
        base_key=membrane.disguise(keys.base),
        task_key=membrane.disguise(keys.task),
        expires=membrane.claims_of(keys.task)["exp"],
    )
