"""The report: whole, escaped, offline, of bounded size."""

import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from diffseis.plot import render_report, write_report
from diffseis.plot.report import headline
from diffseis.plot.report_tables import event_table

RUN = {
    "command": "diffseis locate --picks 'a b.csv' --seed 1 && echo <done>",
    "seed": 1,
    "versions": {"diffseis": "0.1.0"},
    "inputs": {"picks.csv": {"sha256": "ab" * 32}},
    "config": {"sampler": "svgd", "error": [0.02, 0.05]},
}


class Checker(HTMLParser):
    """Collects tags and addresses and checks that tags are closed in order."""

    void = {"meta", "img", "br", "link"}

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.links = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [v for k, v in attrs if k in ("src", "href")]
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def check(text):
    checker = Checker()
    checker.feed(text)
    assert checker.open == []
    assert all(link.startswith("data:image/png;base64,") for link in checker.links)
    assert "link" not in checker.tags
    assert not re.search(r"url\(|@import|https?://", text)
    assert checker.tags.count("script") == 1
    return checker


@pytest.fixture(scope="module")
def text(catalogue, synthetic):
    return render_report(
        catalogue,
        run=RUN,
        reference=synthetic.make_reference(catalogue),
        notices=["picks.csv: 3 got the default"],
    )


def test_it_is_whole_and_offline(text, catalogue):
    checker = check(text)
    assert checker.tags.count("img") == 6
    assert len(text) < 5_000_000
    for part in (
        "Events that were not located",
        "Stations",
        "Provenance",
        "68 %",
        "ab" * 32,
        "3 got the default",
        "0.02, 0.05",
    ):
        assert part in text
    assert "45 of 50" in text
    assert "NOWHERE" in text
    assert "echo &lt;done&gt;" in text
    assert all(str(r) in text for r in catalogue.events.reason)


def test_the_headline_has_the_rms_that_the_location_has(catalogue):
    """Weights are precision times the probability of being no outlier, and located events alone count."""
    arrivals = catalogue.arrivals
    sigma = np.where(catalogue.picks.phase == "P", 0.05, 0.2)
    weighed = dataclasses.replace(catalogue, arrivals=dataclasses.replace(arrivals, sigma_s=sigma))
    located = catalogue.events.status[arrivals.event_row] == "located"
    mine = (arrivals.status == "used") & located
    weight = arrivals.weight[mine] / sigma[mine] ** 2
    expected = np.sqrt(np.sum(weight * arrivals.residual_s[mine] ** 2) / np.sum(weight))
    number, what = headline(weighed)[2]
    assert number == f"{expected:.3f} s"
    assert f"{mine.sum()} residuals of located events" in what


def test_origin_times_are_rounded_not_cut(synthetic):
    catalogue = synthetic.make_catalogue(1, located=2.0)
    for nanoseconds, seconds in ((15_996_000_000, "16.00"), (15_994_000_000, "15.99")):
        time = np.datetime64("2013-09-01T04:11:00", "ns") + np.array([nanoseconds], "timedelta64[ns]")
        events = dataclasses.replace(catalogue.events, reference_time=time, origin_time_s=np.zeros(1))
        assert f">2013-09-01 04:11:{seconds}<" in event_table(dataclasses.replace(catalogue, events=events))


def test_hostile_names_are_escaped(synthetic):
    names = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "A&B"]
    catalogue = synthetic.make_catalogue(4, num_stations=5, names=names)
    catalogue.events.event_id[0] = "<b>bold</b>"
    catalogue.events.reason[:] = "<i>why</i>"
    run = {"command": "</pre><script>alert(2)</script>", "<k>": "<v>"}
    text = render_report(
        catalogue, run=run, notices=["<u>x</u>"], figures={"map": b"\x89PNG", "<own>": b"\x89PNG"}
    )
    check(text)
    for raw in ("<script>alert", "<img src=x", "<b>bold", "<i>why", "<v>", "<u>x", "<own>"):
        assert raw not in text
    assert "&lt;script&gt;alert(1)" in text


@pytest.mark.parametrize(("count", "located"), [(1, 2.0), (1, -1.0), (5, -1.0), (146, 0.9)])
def test_other_sizes(synthetic, count, located, tmp_path):
    catalogue = synthetic.make_catalogue(count, located=located, num_stations=10)
    write_report(catalogue, tmp_path / "out" / "report.html", run={}, figures={})
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    check(text)
    number = int(np.sum(catalogue.events.status == "located"))
    assert f"{number} of {count}" in text
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["report.html"]


@pytest.mark.slow
def test_a_thousand_events_stay_small(synthetic):
    catalogue = synthetic.make_catalogue(1000, num_stations=55)
    assert len(render_report(catalogue, run=RUN)) < 5_000_000


def test_a_very_long_catalogue_is_cut_and_says_so(synthetic):
    catalogue = synthetic.make_catalogue(2100, num_stations=3, num_particles=1)
    text = render_report(catalogue, run=RUN, figures={})
    assert "The first 2000 of 2100" in text


def test_a_failed_write_leaves_nothing(catalogue, tmp_path, monkeypatch):
    def broken(*args):
        raise OSError("no space")

    monkeypatch.setattr("os.replace", broken)
    with pytest.raises(OSError, match="no space"):
        write_report(catalogue, tmp_path / "report.html", run={}, figures={})
    assert list(tmp_path.iterdir()) == []
