"""Ctrl-C at a moment at which Python would forget it."""

import gc
import sys
import time

import pytest

from diffseis.cli.app import keep_interrupts


def test_an_interrupt_inside_the_garbage_collector_is_not_lost(monkeypatch):
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    keep_interrupts()
    raised = []

    def callback(phase, info):
        if not raised:
            raised.append(phase)
            raise KeyboardInterrupt

    gc.callbacks.append(callback)
    try:
        gc.collect()
        with pytest.raises(KeyboardInterrupt):
            time.sleep(10)
    finally:
        gc.callbacks.remove(callback)
    assert raised
