"""A process's claim on the processor: sound that is late is lost, all else can wait some milliseconds."""

from __future__ import annotations

import os
from typing import Final, Literal

Claim = Literal["real time", "raised", "ordinary"]

#: The lowest real-time priority: above every ordinary process, below whatever else an operator made real time.
_PRIORITY: Final = 1
_NICE: Final = -10


def claim_processor() -> Claim:
    """Let this thread run before all ordinary work of the machine, as far as the system permits it.

    Real time (SCHED_RR, ``sched(7)``) needs CAP_SYS_NICE or an RLIMIT_RTPRIO of 1 or more; the kernel still keeps
    a part of each second for ordinary work (``sched_rt_runtime_us``). Threads begun later are ordinary ones. Where
    real time is refused, a higher ordinary priority is asked for.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(_PRIORITY))
    except OSError:
        pass
    else:
        return "real time"
    try:
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
    except OSError:
        return "ordinary"
    return "raised"
