"""Names as figures write them."""

import numpy as np
import pytest

from diffseis.plot.names import plain_text, station_label


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("SWM", "SWM"),
        ("CI.SWM", "SWM"),
        ("CI.SWM.EHZ", "SWM"),
        ("CI.SWM..EHZ", "SWM"),
        (".SWM.00.EHZ", "SWM"),
        ("a.b.c.d.e", "a.b.c.d.e"),
        ("odd.", "odd."),
    ],
)
def test_stations_without_network_and_channel(name, label):
    assert station_label(name) == label


def test_text_that_can_be_drawn():
    """Mathematics, what the font lacks, and length: that of the text as it is seen."""
    assert plain_text("a$b\n") == r"a\$b"
    assert plain_text("Ñandú 熊本🦊") == "Ñandú ???"
    assert plain_text("x" * 20) == "x" * 11 + "…"
    assert plain_text("$" * 12) == r"\$" * 12
    assert np.all([plain_text(c) == c for c in "éßĀЖλ−°"])
