"""Many shots: runs of the same waves from different sources.

Shots are PyTrees with a first axis of the same length in all their arrays: `stacked` makes one of several. A few run at a time, as a batch, and
batches one after the other; over a mesh of devices each has its share.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Float, PyTree

T = TypeVar("T")


def stacked(shots: Sequence[T]) -> T:
    """One PyTree of several of the same shapes: with a first axis over them."""
    if not shots:
        raise ValueError("there are no shots to stack")
    shapes = [[jnp.shape(x) for x in jax.tree.leaves(shot)] for shot in shots]
    for number, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise ValueError(
                f"shot {number} has arrays of shapes {shape}, shot 0 of {shapes[0]}: all need as many sources and receivers; fill up with "
                f"sources whose series are zero"
            )
    return jax.tree.map(lambda *xs: jnp.stack(xs), *shots)


def over_shots(
    run: Callable[[Any], PyTree], shots: PyTree, *, batch: int = 1, mesh: Mesh | None = None
) -> PyTree:
    """What `run` makes of each shot, along a first axis.

    In reverse mode what each shot keeps is kept for all of them; for the gradient of a sum use `sum_over_shots`, which needs the memory of
    one batch.

    Args:
        run: of one shot, e.g. ``lambda s: propagate(equation, medium, s, receivers, axis, substeps=n).value``.
        shots: with a first axis, e.g. from `stacked`.
        batch: how many run at a time. On CPUs more than one is faster on small grids only; accelerators want more.
        mesh: devices to share the shots among.
    """

    def here(shots):
        return jax.lax.map(run, shots, batch_size=min(batch, _number(shots, batch)))

    if mesh is None:
        return here(shots)
    num = _number(shots, batch)
    split = _along(mesh)
    run_all = jax.shard_map(here, mesh=mesh, in_specs=split, out_specs=split, check_vma=False)
    return jax.tree.map(lambda x: x[:num], run_all(_filled(shots, mesh.size)))


def sum_over_shots(
    misfit: Callable[[Any, Any], Float[Array, ""]],
    model: PyTree,
    shots: PyTree,
    *,
    batch: int = 1,
    mesh: Mesh | None = None,
) -> Float[Array, ""]:
    """The sum of a misfit over shots, whose gradient needs the memory of one batch: where it is asked for, that of each batch is
    computed together with its value, and only sums are kept.

    Differentiable by the model in reverse mode, and that gradient in forward mode (products with the Hessian); not by the shots.

    Args:
        misfit: of the model and one shot, which may hold what was observed. What else is traced must come with the model.
        model, shots: PyTrees; shots with a first axis.
        batch, mesh: as of `over_shots`.
    """
    _number(shots, batch)
    return _summed(model, misfit, shots, batch, mesh)


@eqx.filter_custom_vjp
def _summed(model, misfit, shots, batch: int, mesh: Mesh | None):
    return _total(misfit, model, shots, batch, mesh)


@_summed.def_fwd
def _summed_fwd(perturbed, model, misfit, shots, batch: int, mesh: Mesh | None):
    return _total(eqx.filter_value_and_grad(misfit), model, shots, batch, mesh)


@_summed.def_bwd
def _summed_bwd(gradient, cotangent, perturbed, model, misfit, shots, batch, mesh):
    return jax.tree.map(lambda g: cotangent.astype(g.dtype) * g, gradient)


def _total(one: Callable, model: PyTree, shots: PyTree, batch: int, mesh: Mesh | None) -> PyTree:
    """The sum over shots of what a function makes of the model and each of them."""
    num = _number(shots, batch)
    batch = min(batch, num)
    size = batch * (1 if mesh is None else mesh.size)
    counts = jnp.arange(num + -num % size) < num
    variable, fixed = eqx.partition(model, eqx.is_array)

    def here(variable, shots, counts):
        model = eqx.combine(variable, fixed)
        split = jax.tree.map(lambda x: x.reshape(-1, batch, *x.shape[1:]), (shots, counts))

        def add(total, several):
            shots, counts = several
            found = jax.vmap(lambda shot: one(model, shot))(shots)
            counted = lambda x: jnp.tensordot(counts.astype(x.dtype), x, 1)
            return jax.tree.map(lambda t, x: t + counted(x), total, found), None

        first = jax.tree.map(lambda x: x[0, 0], split[0])
        like = eqx.filter_eval_shape(one, model, first)
        return jax.lax.scan(add, jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), like), split)[0]

    shots = _filled(shots, size)
    if mesh is None:
        return here(variable, shots, counts)
    split = _along(mesh)
    whole = PartitionSpec()
    each = lambda *args: jax.tree.map(lambda x: x[None], here(*args))
    found = jax.shard_map(each, mesh=mesh, in_specs=(whole, split, split), out_specs=split, check_vma=False)(
        variable, shots, counts
    )
    return jax.tree.map(lambda x: jnp.sum(x, axis=0), found)


def _number(shots: PyTree, batch: int) -> int:
    if batch < 1:
        raise ValueError(f"`batch` must be at least 1, got {batch}")
    shapes = [jnp.shape(x) for x in jax.tree.leaves(shots)]
    numbers = {shape[0] if shape else 0 for shape in shapes}
    if len(numbers) != 1 or numbers == {0}:
        raise ValueError(
            f"all arrays of `shots` need a first axis over the same number of shots, their shapes are {shapes}"
        )
    return numbers.pop()


def _filled(shots: PyTree, size: int) -> PyTree:
    """A multiple of so many shots: the last one again."""
    fill = lambda x: jnp.concatenate([x, jnp.repeat(x[-1:], -x.shape[0] % size, axis=0)])
    return jax.tree.map(lambda x: fill(jnp.asarray(x)), shots)


def _along(mesh: Mesh) -> PartitionSpec:
    if len(mesh.axis_names) != 1:
        raise ValueError(f"the devices that share shots need a mesh of one axis, got {mesh.axis_names}")
    return PartitionSpec(mesh.axis_names[0])
