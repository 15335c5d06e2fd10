"""pullcheck: asks the registry, with the pod's own pull secrets, whether its images can be pulled.

The map; a review travels down it:

    admission/   what the API server asks, and the form of the answer
    images/      which images the pod would pull
    keychain/    what the node would offer, in its order
    registry/    what to ask, where, and what the answer means
    verdict/     what it means for the cluster, and what the person reads
    report/      the command line's outputs, as strings
    memory.py    what may be remembered, and how long
    shortcuts.py what one conversation with a registry spares the next
    flights.py   equal questions in flight share one answer
    fairness.py  slots that one noisy namespace cannot take from the others
    places.py    how many reviews there may be at once
    restraint.py, stopwatch.py   seldom lines in the log, and times in them
    case.py      what is judged
    road.py      what is known of the nodes' road to registries
    turns.py     long work in short steps
    reading.py   the pod's keychain, from the cluster or remembered
    asking.py    what is known of images, and what has to be asked
    judging.py   one workload under one deadline
    pipeline.py  from the bytes of a review to the bytes of its answer
    settings/    every setting, its form and its default
    wire/        all that touches the world, one foreign library a file
    composition.py  makes the wires from the settings and introduces them
    commands/    serve, check

Data flows down the listing; imports only look up it. admission to report are pure: no I/O, no clock, no logging,
no async.
"""

__version__ = "0.1.0"
