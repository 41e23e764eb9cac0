"""A process for the tests of turns, which says of itself what it is asked."""

import os

from experiments.workshop.benchmark.worker import Prepared, UnavailableError, serve


def prepare(job):
    print("A library prints something.")
    if job["lacks"]:
        raise UnavailableError(job["lacks"])
    return Prepared(
        {"cores": sorted(os.sched_getaffinity(0))}, {"echo": lambda word: {"word": word}}
    )


if __name__ == "__main__":
    serve(prepare)
