"""Made-up events for tests of mechanisms: rays all over the focal sphere, sources that are known."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from diffseis import source
from diffseis.synthesis import ReadingErrors, synthetic_radiation


def rays_of(num_events, num_rays, seed=0):
    """Event ids, stations, azimuths and take-off angles (degrees) of rays that leave mostly downwards and sideways, as of shallow events under a network."""
    rng = np.random.default_rng(seed)
    event = np.repeat([f"e{i}" for i in range(num_events)], num_rays).astype(object)
    station = np.tile([f"S{j:02d}" for j in range(num_rays)], num_events).astype(object)
    azimuth = rng.uniform(0, 360, len(event))
    takeoff = np.degrees(np.arccos(rng.uniform(-0.5, 0.8, len(event))))
    return event, station, azimuth, takeoff


def couples(num, seed=0):
    """Double couples, uniform: quaternions and tensors."""
    q = jax.random.normal(jax.random.key(seed), (num, 4))
    q = q / jnp.linalg.norm(q, axis=1, keepdims=True)
    return q, np.asarray(jax.vmap(source.double_couple_of)(q), float)


def catalogue(num_events=20, num_rays=24, seed=0, errors=None, tensors=None):
    """A table of rays and the true tensors."""
    if tensors is None:
        tensors = couples(num_events, seed)[1]
    event, station, azimuth, takeoff = rays_of(num_events, num_rays, seed)
    truth = {f"e{i}": tensors[i] for i in range(num_events)}
    table = synthetic_radiation(event, station, azimuth, takeoff, truth, errors, seed=seed)
    return table, tensors


def only(table, *columns):
    """The table without measurements but the named."""
    from diffseis.core.radiation_table import MEASUREMENTS

    nothing = np.full(len(table), np.nan)
    return dataclasses.replace(table, **{c: nothing for c in MEASUREMENTS if c not in columns})


AMPLITUDES = ReadingErrors(takeoff_sigma_deg=0.0, azimuth_sigma_deg=0.0, amplitude_sd=0.1)
