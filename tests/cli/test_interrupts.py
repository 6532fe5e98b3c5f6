"""Ctrl-C at a moment at which Python would forget it."""

import subprocess
import sys

PROGRAM = """
import gc, signal, time
from diffseis.cli.app import keep_interrupts

# A shell that starts a command in the background has it ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
keep_interrupts()
raised = []

def callback(phase, info):
    if not raised:
        raised.append(phase)
        raise KeyboardInterrupt

gc.callbacks.append(callback)
gc.collect()
try:
    time.sleep(20)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interrupt_inside_the_garbage_collector_is_not_lost():
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.stdout == "interrupted\n"
    assert "Exception ignored" not in ended.stderr
