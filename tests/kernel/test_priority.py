"""The claim on the processor, as the kernel then tells it; each in a process of its own."""

import os
import subprocess
import sys

import pytest

_TELL = """
import os, resource, threading
{before}
from ccplatform.kernel.priority import claim_processor
claim = claim_processor()
inherited = []
thread = threading.Thread(target=lambda: inherited.append(os.sched_getscheduler(0)))
thread.start(); thread.join()
policy = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
print(claim, policy, os.getpriority(os.PRIO_PROCESS, 0), *inherited, sep="|")
"""
_ROOT_ONLY = "os.setgroups([]); os.setgid(65534); os.setuid(65534)"
_NO_REAL_TIME = """
def refuse(*_): raise PermissionError
os.sched_setscheduler = refuse
"""


def _claimed(before: str = "") -> list[str]:
    program = _TELL.format(before=before)
    return (
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
        .stdout.strip()
        .split("|")
    )


def _may_be_real_time() -> bool:
    try:
        return _claimed()[0] == "real time"
    except subprocess.CalledProcessError:
        return False


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may take real time without more")
def test_real_time_is_for_the_thread_that_asked_alone() -> None:
    if not _may_be_real_time():
        pytest.skip("this machine gives root no real time")
    claim, policy, _, of_thread = _claimed()
    assert claim == "real time"
    assert int(policy) == os.SCHED_RR
    assert int(of_thread) == os.SCHED_OTHER


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may raise its priority without more")
def test_without_real_time_the_priority_is_raised() -> None:
    claim, policy, nice, _ = _claimed(_NO_REAL_TIME)
    assert (claim, int(policy), int(nice)) == ("raised", os.SCHED_OTHER, -10)


def test_who_may_not_stays_ordinary_and_goes_on() -> None:
    if os.geteuid() != 0:
        before = (
            "resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0)); resource.setrlimit(resource.RLIMIT_NICE, (0, 0))"
        )
    else:
        before = "import sys, ccplatform.kernel.priority\n" + _ROOT_ONLY
    claim, policy, nice, _ = _claimed(before)
    assert (claim, int(policy), int(nice)) == ("ordinary", os.SCHED_OTHER, 0)
