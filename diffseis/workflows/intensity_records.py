"""What is done to a record before it is measured."""

import math
from dataclasses import replace

import numpy as np
from scipy.signal import butter, detrend, sosfiltfilt

from diffseis.io import Accelerogram
from diffseis.workflows.intensity_config import IntensityConfig

_ORDER = 4
"""Of the high-pass filter, each way."""


def conditioned(record: Accelerogram, config: IntensityConfig) -> Accelerogram:
    """Without its mean or trend, and high-passed, as the settings say. A remark on an offset goes with the offset.

    The filter (Butterworth, forwards and backwards: no delay) runs over the record with zeros before and behind, so that its tails do not fold back.
    What it leaves in these zeros stays part of the record, which becomes longer on both sides: without it velocity, displacement and spectra would not start
    from rest, and displacement would drift (Boore 2005, On pads and filters, doi:10.1785/0120040160).
    """
    values = record.acceleration_m_s2
    if record.problem:
        return record
    remarks = record.remarks
    if config.detrend != "none":
        values = detrend(values, type="constant" if config.detrend == "mean" else "linear")
        remarks = tuple(r for r in remarks if not r.startswith("offset:"))
    if config.highpass_hz is not None:
        nyquist = 0.5 / record.dt_s
        if config.highpass_hz >= nyquist:
            why = f"the corner {config.highpass_hz:g} Hz is not below Nyquist's frequency, {nyquist:g} Hz"
            return replace(record, problem=why)
        pad = math.ceil(1.5 * _ORDER / (2 * config.highpass_hz) / record.dt_s)
        sections = butter(_ORDER, config.highpass_hz / nyquist, "highpass", output="sos")
        values = sosfiltfilt(sections, np.pad(values, pad), padlen=0)
        before = np.timedelta64(round(pad * record.dt_s * 1e9), "ns")
        record = replace(record, start=record.start - before)
    return replace(record, acceleration_m_s2=np.asarray(values), remarks=remarks)
