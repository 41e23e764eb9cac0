"""A process that measures when it is its turn, and otherwise waits without computing.

It talks in lines of JSON. Its input is the job to prepare for, and then what to do, again and
again, until it ends; each line is answered by one line, once the work is done.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from experiments.workshop.benchmark import quiet

Figures = dict[str, Any]


class UnavailableError(Exception):
    """Something that the machine does not have; the message says what."""


class Prepared(NamedTuple):
    """What is known when everything is compiled, and what can be done then, by name."""

    facts: Figures
    tasks: Mapping[str, Callable[..., Figures]]


def serve(prepare: Callable[[Figures], Prepared], *unable: type[Exception]) -> None:
    """Prepare for the job on the first line of the input, and do what the others ask for.

    UnavailableError and the errors of `unable`, while it prepares, are answered with what they say.
    """
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints is no answer
    cores = quiet.own_cores()
    expected: tuple[type[Exception], ...] = (UnavailableError, *unable)

    def answer(before: quiet.Reading, figures: Figures) -> None:
        usage = quiet.usage(before, quiet.read(cores), cores)
        print(json.dumps(usage._asdict() | figures), file=answers, flush=True)

    before = quiet.read(cores)
    try:
        facts, tasks = prepare(json.loads(sys.stdin.readline()))
    except expected as reason:
        answer(before, {"cannot": str(reason)})
        return
    answer(before, facts)
    for line in sys.stdin:
        arguments = json.loads(line)
        task = tasks[arguments.pop("do")]
        before = quiet.read(cores)
        answer(before, task(**arguments))
