"""Training of travel-time networks for a velocity model from a file."""

import time
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.results import RESULTS, Solution
from diffseis.core.tables import PHASES, VelocityTable
from diffseis.eikonal import LayeredTime, NeuralTravelTime, train_travel_times
from diffseis.velocity import AbstractVelocityModel, Layered, layered_pair
from diffseis.workflows.trainers import choose_trainer

Progress = Callable[[str, int, int], None]
History = dict[str, np.ndarray]
"""Of the steps of one training: "seconds" after which each was done, compilation not counted; "misfit" and "new_misfit", the relative misfit
(root mean square) at its own points before it and at unseen ones after it."""

NUM_HELD_OUT = 8192
SAME_RATIO = 1e-9
"""P and S share one network where Vp/Vs varies by no more than this share."""


def train_networks(
    velocity: VelocityTable,
    *,
    max_distance_km: float,
    top_km: float,
    bottom_km: float,
    receiver_depth_km: tuple[float, float] | None = None,
    width: int | None = None,
    trainer: str = "spring",
    num_steps: int | None = None,
    max_seconds: float | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[dict[str, NeuralTravelTime], dict[str, Any], dict[str, History]]:
    """Networks of P and S by phase, what is to be said of their training, and how it went (of those that were trained, not scaled).

    With `receiver_depth_km` one of any two points must lie between these depths (stations do): the network has less to learn, and errors
    became a quarter.

    They are learnt from exact times, which media of depth alone have: after as many steps the eikonal equation alone leaves ten times the error and
    more. The errors stated are those at random distances and depths that training has not seen.

    `trainer` is one of `workflows.trainers.TRAINERS`, which has the usual number of steps and width of each, too.
    """
    if not (0 < max_distance_km <= 20000):
        raise InputError(
            f"got {max_distance_km:g}", field="max_distance_km", fix="give the largest distance in km"
        )
    check_depths(top_km, bottom_km, receiver_depth_km)
    say = progress or (lambda stage, done, total: None)
    method, num_steps, num_points, width = choose_trainer(trainer, num_steps, width)
    p_model, s_model = layered_pair(velocity)
    side = max_distance_km / np.sqrt(2)
    corners = (jnp.asarray([0.0, 0.0, top_km]), jnp.asarray([side, side, bottom_km]))
    k_p, k_s, k_test = jr.split(jr.key(seed), 3)
    fields: dict[str, NeuralTravelTime] = {}
    histories: dict[str, History] = {}
    about: dict[str, Any] = {"seed": seed, "width": width, "num_steps": num_steps, "trainer": trainer}
    ratio = np.asarray(velocity.vp_km_s) / np.asarray(velocity.vs_km_s)
    alike = bool(np.ptp(ratio) <= SAME_RATIO * ratio[0])
    for phase, model, key in zip(map(str, PHASES), (p_model, s_model), (k_p, k_s), strict=True):
        if fields and alike:
            fields[phase] = scaled_field(fields[str(PHASES[0])], model, float(ratio[0]))
            about[phase] = {"shares": str(PHASES[0])}
        else:
            solution, histories[phase] = train_one(
                model,
                *corners,
                known=LayeredTime(model),
                equation_weight=0.0,
                width=width,
                trainer=method,
                num_points=num_points,
                num_steps=num_steps,
                max_seconds=max_seconds,
                receiver_depth_km=receiver_depth_km,
                after_step=lambda done, p=phase: say(f"training {p}", done, num_steps),
                key=key,
            )
            fields[phase] = solution.value
            about[phase] = told(solution, phase)
        about[phase] |= held_out_error(fields[phase], model, key=k_test)
    return fields, about, histories


def check_depths(top_km: float, bottom_km: float, receiver_depth_km: tuple[float, float] | None) -> None:
    """Raises InputError where the depths of the region and of its receivers are in the wrong order."""
    if not top_km < bottom_km:
        raise InputError(
            f"the region ends at {bottom_km:g} km, above its top at {top_km:g} km",
            field="bottom_km",
            fix="depths are positive down: the bottom is the larger number",
        )
    if (
        receiver_depth_km is not None
        and not top_km <= receiver_depth_km[0] <= receiver_depth_km[1] <= bottom_km
    ):
        raise InputError(
            f"receivers at {receiver_depth_km[0]:g} to {receiver_depth_km[1]:g} km do not lie between top and bottom, {top_km:g} and "
            f"{bottom_km:g} km",
            field="receiver_depth_km",
            fix="give TOP,BOTTOM within the region",
        )


def train_one(
    model: AbstractVelocityModel, low_km, high_km, *, after_step: Callable[[int], None], **options
) -> tuple[Solution, History]:
    """A network, and how its training went."""
    clock = []

    def progress(done: int, _: float) -> None:
        clock.append(time.perf_counter())
        after_step(done)

    solution = train_travel_times(model, low_km, high_km, progress=progress, **options)
    done = np.asarray(clock)
    # Only the training itself knows when, after compilation, the first step began.
    seconds = float(solution.stats["seconds"]) - (done[-1:] - done)
    loss, fresh = (np.asarray(solution.stats[name])[: len(done)] for name in ("loss", "fresh_loss"))
    return solution, {"seconds": seconds, "misfit": np.sqrt(loss), "new_misfit": np.sqrt(fresh)}


def told(solution: Solution, phase: str) -> dict[str, Any]:
    """What is to be said of a training.

    Raises:
        InputError: if it broke down.
    """
    if solution.result != RESULTS.successful:
        raise InputError(
            f"the training of {phase} broke down: its loss became infinite",
            field="velocity",
            fix="try another --seed, or a smoother model",
        )
    return {
        "steps": len(solution.stats["loss"]),
        "seconds": round(float(solution.stats["seconds"]), 2),
        "residual": float(solution.stats["residual"]),
    }


def held_out_error(field: NeuralTravelTime, model: Layered, *, key) -> dict[str, float]:
    """Against exact times at random distances and depths of the region: relative root mean square, 99th percentile and largest in s."""
    region = field.region
    k_distance, k_source, k_receiver = jr.split(key, 3)
    draw = lambda k: jr.uniform(k, (NUM_HELD_OUT,), float)
    between = lambda k, z: z[0] + (z[1] - z[0]) * draw(k)
    depths = jnp.stack([region.low_km[2], region.high_km[2]])
    zero = jnp.zeros(NUM_HELD_OUT)
    a = jnp.stack([zero, zero, between(k_source, depths)], axis=-1) + region.low_km[None, :] * jnp.asarray(
        [[1.0, 1, 0]]
    )
    away = a[:, 0] + region.max_distance_km * draw(k_distance)
    b = jnp.stack([away, a[:, 1], between(k_receiver, region.receiver_depth_km)], axis=-1)
    run = eqx.filter_jit(lambda f, p, q: jax.vmap(lambda x, y: f(x, y))(p, q))
    exact = np.asarray(run(LayeredTime(model), a, b))
    return error_of(np.asarray(run(field, a, b)), exact)


def error_of(found: np.ndarray, exact: np.ndarray) -> dict[str, float]:
    """Relative root mean square, 99th percentile and largest in s."""
    error = np.abs(found - exact)
    return {
        "relative_rms": float(np.linalg.norm(error) / np.linalg.norm(exact)),
        "p99_s": float(np.quantile(error, 0.99)),
        "max_s": float(error.max()),
    }


def scaled_field(field: NeuralTravelTime, model: AbstractVelocityModel, ratio: float) -> NeuralTravelTime:
    """The network of a medium that is slower by one factor everywhere."""
    region = eqx.tree_at(
        lambda r: (r.least_slowness, r.greatest_slowness),
        field.region,
        (field.region.least_slowness * ratio, field.region.greatest_slowness * ratio),
    )
    return eqx.tree_at(lambda f: (f.model, f.region), field, (model, region))
