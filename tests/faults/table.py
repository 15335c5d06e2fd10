"""Every fault that is played against the real process, by what must come of it."""

from tests.faults import answering, asking, connecting, fetching, saying_no

FAULTS = (*connecting.FAULTS, *asking.FAULTS, *answering.FAULTS, *fetching.FAULTS)
TOLD = tuple(fault for fault in FAULTS if fault.cause)
"""Those that keep an image from being checked: a warning says why."""
OVERCOME = tuple(fault for fault in FAULTS if not fault.cause)
"""Those that an image resolves in spite of, in silence."""
DENIED = saying_no.FAULTS
