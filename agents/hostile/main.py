"""Tries to get out, and reports what it got: a code of the membrane, the errno the system answered with, or `done`.

The field `attack` of its task says what it tries:

- names of attacks, with spaces between them; without the field, everything in STORY;
- `collect`: nothing yet; it completes with its own keys, so that a later run can try them in another cell (field
  `other_key` of that run's task) or when they have expired (`expired_key`); `expires` is in seconds since 1970;
- `list`: no attack; the answer names them all, an area a line;
- `replay`: a step it has done, again with other arguments; `spin`, `sleep`: past its deadline; `flood`: refusals without
  end; `endless_files`: files without end. These end the run.
"""

import files
import machine_code
import membrane
import network
import persistence
import privileges
import processes
import resources
import silo
from attacks import ATTACKS, attempt
from keys import claims_of, disguise, own_keys

AREAS = (files, processes, privileges, network, membrane, resources, persistence, machine_code)

STORY = (
    "other_customer other_order not_granted unknown_argument forged_key expired_key other_key raw_socket packet_socket "
    "host_file host_state host_disk user_namespace big_file fork_bomb"
)


def run(task: silo.Task) -> None:
    match task.fields.get("attack", STORY):
        case "collect":
            collect()
        case "replay":
            order = str(task.fields.get("order", membrane.OTHER_ORDER))
            silo.complete("I changed a step I had done.", replayed_step=membrane.change_a_step(order))
        case "spin":
            resources.spin()
        case "sleep":
            resources.sleep()
        case "flood":
            membrane.flood()
        case "endless_files":
            silo.complete("I could make no more files.", endless_files=resources.endless_files())
        case "list":
            silo.complete("\n".join(f"{area.__name__}: {' '.join(names_in(area.__name__))}" for area in AREAS))
        case names:
            silo.complete("This is what I got.", **{name: attempt(name) for name in str(names).split()})


def names_in(area: str) -> list[str]:
    """The attacks of one area, in the order they stand."""
    return [name for name, function in ATTACKS.items() if function.__module__ == area]


def collect() -> None:
    """Hands out its own keys."""
    keys = own_keys()
    silo.complete(
        "These are my keys.",
        base_key=disguise(keys.base),
        task_key=disguise(keys.task),
        expires=claims_of(keys.task)["exp"],
    )
