"""What holds for every wave equation: reciprocity, exact derivatives, stability, batches."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.wave import (
    Absorbing,
    Acoustic,
    AcousticMedium,
    AcousticVTI,
    Boundary,
    BoundaryReconstruct,
    Elastic,
    ElasticMedium,
    Fluid,
    FluidMedium,
    ForceSources,
    FreeSurface,
    Full,
    MomentSources,
    Periodic,
    PressureReceivers,
    PressureSources,
    Recursive,
    Rigid,
    StrainReceivers,
    TimeAxis,
    VelocityReceivers,
    Viscoelastic,
    ViscoelasticMedium,
    VTIMedium,
    num_substeps,
    propagate,
)

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")
NUM, DT = 50, 0.008


def _grid(num_dims):
    return RegularGrid([0.0] * num_dims, [0.05, 0.06, 0.05][-num_dims:], (16, 15, 14)[:num_dims])


def _rough(shape, key, low, high):
    return low + (high - low) * jr.uniform(jr.key(key), shape)


def _elastic(grid):
    p = _rough(grid.shape, 0, 2.0, 3.0)
    return ElasticMedium(grid, p, p / _rough(grid.shape, 1, 1.5, 2.0), _rough(grid.shape, 2, 1.5, 2.5))


CASES = {
    "acoustic": (Acoustic(8), lambda g: AcousticMedium(g, _rough(g.shape, 0, 2.0, 3.0))),
    "fluid": (Fluid(4), lambda g: FluidMedium(g, _rough(g.shape, 0, 2.0, 3.0), _rough(g.shape, 2, 1.0, 2.0))),
    "vti": (
        AcousticVTI(8),
        lambda g: VTIMedium(
            g, _rough(g.shape, 0, 2.0, 3.0), _rough(g.shape, 1, 0.1, 0.2), _rough(g.shape, 2, 0, 0.1)
        ),
    ),
    "elastic": (Elastic(4), _elastic),
    "viscoelastic": (
        Viscoelastic((0.5, 20.0), order=2),
        lambda g: ViscoelasticMedium(_elastic(g), _rough(g.shape, 5, 20, 60), _rough(g.shape, 6, 10, 30)),
    ),
}


def _series(key, num=NUM):
    return jr.normal(jr.key(key), (1, num)) * jnp.hanning(num)[None, :]


def _run(equation, medium, sources, receivers, **options):
    axis = TimeAxis(sources.series.shape[1], DT)
    options = {"substeps": None, "throw": False, "boundary": None} | options
    if options["boundary"] is None:
        options["boundary"] = Boundary.absorbing(medium.grid.num_dims, num_nodes=6)
    return propagate(equation, medium, sources, receivers, axis, **options).value


A, B = np.array([0.21, 0.33, 0.27]), np.array([0.52, 0.41, 0.36])


def _at(place, num_dims):
    return jnp.asarray(place[:num_dims])[None]


@pytest.mark.long
@needs_x64
@pytest.mark.parametrize(
    "num_dims", [1, pytest.param(2, marks=pytest.mark.long), pytest.param(3, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", ["acoustic", "fluid", "elastic"])
def test_reciprocity(name, num_dims):
    """Between nodes, in a rough medium, between faces that are rigid (of fluids) or periodic: to rounding."""
    equation, make = CASES[name]
    medium, series = make(_grid(num_dims)), _series(1)
    face = Periodic() if name == "elastic" else Rigid()
    run = lambda *args: _run(equation, medium, *args, boundary=Boundary(((face, face),) * num_dims))
    at = lambda place: _at(place, num_dims)
    if name != "acoustic":
        one, two = np.eye(num_dims)[:1], np.eye(num_dims)[-1:]
        there = run(ForceSources(at(A), jnp.asarray(one), series), VelocityReceivers(at(B)))[0, num_dims - 1]
        back = run(ForceSources(at(B), jnp.asarray(two), series), VelocityReceivers(at(A)))[0, 0]
    else:
        there = run(PressureSources(at(A), series), PressureReceivers(at(B)))
        back = run(PressureSources(at(B), series), PressureReceivers(at(A)))
    assert np.linalg.norm(there) > 0
    np.testing.assert_allclose(there, back, rtol=0, atol=1e-11 * np.max(np.abs(there)))


@needs_x64
@pytest.mark.slow
def test_reciprocity_of_moment_and_strain():
    """The motion that a moment tensor makes is the strain that a force makes: what a store of Green's functions rests on. The one
    acts on staggered nodes, the other differentiates an interpolation: equal as far as waves are resolved."""
    grid = RegularGrid([0.0] * 3, 0.05, (18, 17, 16))
    full = lambda v: jnp.full(grid.shape, v)
    medium = ElasticMedium(grid, full(3.0), full(1.7), full(2.2))
    equation = Elastic(8)
    t = jnp.asarray(np.arange(90) * DT)
    series = jnp.exp(-0.5 * ((t - 0.25) / 0.05) ** 2)[None, :]
    moment = jnp.asarray([[1.0, 0.3, -0.5], [0.3, -0.7, 0.8], [-0.5, 0.8, 0.4]])[None]
    there = _run(equation, medium, MomentSources(_at(A, 3), moment, series), VelocityReceivers(_at(B, 3)))[0]
    # Of a force with the same time function strain is the integral of what velocity would be.
    for axis in range(3):
        force = ForceSources(_at(B, 3), jnp.eye(3)[axis][None], series)
        strain = _run(equation, medium, force, StrainReceivers(_at(A, 3)))[0]
        back = jnp.einsum("ij,ijt->t", moment[0], strain)
        assert np.linalg.norm(there[axis] - back) < 5e-3 * np.linalg.norm(there)


def _flat(name, num_dims):
    """Everything that can be differentiated, and what is recorded of it."""
    equation, make = CASES[name]
    medium = make(_grid(num_dims))
    leaves, tree = jax.tree.flatten(medium)
    is_value = [x.shape == medium.grid.shape for x in leaves]
    substeps = num_substeps(equation, medium, TimeAxis(NUM, DT))

    def run(values, series, source, receiver, **options):
        values = iter(values)
        filled = jax.tree.unflatten(
            tree, [next(values) if v else x for v, x in zip(is_value, leaves, strict=True)]
        )
        if name in ("acoustic", "vti", "fluid"):
            sources, receivers = PressureSources(source, series), PressureReceivers(receiver)
        else:
            moment = jnp.eye(num_dims)[None] + 0.5
            sources, receivers = MomentSources(source, moment, series), VelocityReceivers(receiver)
        return _run(equation, filled, sources, receivers, substeps=substeps, **options)

    values = [x for v, x in zip(is_value, leaves, strict=True) if v]
    return run, (values, _series(1), _at(A, num_dims), _at(B, num_dims))


@needs_x64
@pytest.mark.slow
@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.parametrize("free_surface", [False, True])
def test_derivatives(name, free_surface):
    """By every argument: reverse mode is the transpose of forward mode to rounding, which is what differences tend to with the square of
    their step; checkpoints change nothing; products with the Hessian are symmetric."""
    run, arguments = _flat(name, 2)
    # Layers of a given design: the derivative leaves out how it follows the medium.
    boundary = Boundary.absorbing(2, num_nodes=6, free_surface=free_surface, speed_km_s=3.0)
    run = jax.jit(lambda *a, run=run: run(*a, boundary=boundary))
    leaves, tree = jax.tree.flatten(arguments)
    steps = [jr.normal(jr.key(n), x.shape) * 0.1 for n, x in enumerate(leaves)]
    direction = jax.tree.unflatten(tree, steps)
    data, moved = jax.jvp(run, arguments, direction)
    data, turn = jax.vjp(run, *arguments)
    other = jr.normal(jr.key(9), data.shape)
    pulled = jax.tree.leaves(turn(other))
    inner = sum(jnp.vdot(a, b) for a, b in zip(pulled, steps, strict=True))
    np.testing.assert_allclose(jnp.vdot(other, moved), inner, rtol=1e-10, atol=1e-12 * np.max(np.abs(data)))
    along = lambda e: run(*jax.tree.unflatten(tree, [x + e * s for x, s in zip(leaves, steps, strict=True)]))
    sizes = np.array([1e-3, 5e-4, 2.5e-4])
    rest = [np.linalg.norm(along(e) - data - e * moved) for e in sizes]
    slope = np.polyfit(np.log(sizes), np.log(rest), 1)[0]
    np.testing.assert_allclose(slope, 2, atol=0.02)


@needs_x64
@pytest.mark.slow
@pytest.mark.parametrize("name", ["vti", "elastic", "viscoelastic"])
def test_checkpoints_and_curvature(name):
    run, arguments = _flat(name, 2)
    misfit = lambda adjoint: jax.jit(lambda *a: 0.5 * jnp.sum(run(*a, adjoint=adjoint) ** 2))
    full = jax.grad(misfit(Full()))(*arguments)
    for adjoint in (Recursive(), Recursive(1), Recursive(6)):
        for a, b in zip(full, jax.grad(misfit(adjoint))(*arguments), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12 * np.max(np.abs(a)))
    values, *rest = arguments
    product = jax.jit(
        lambda x: jax.jvp(jax.grad(lambda v: misfit(Recursive())(v, *rest)), (values,), (x,))[1]
    )
    x, y = ([jr.normal(jr.key(10 * m + n), v.shape) for n, v in enumerate(values)] for m in (1, 2))
    dot = lambda a, b: sum(jnp.vdot(p, q) for p, q in zip(a, b, strict=True))
    np.testing.assert_allclose(dot(y, product(x)), dot(x, product(y)), rtol=1e-10)


@needs_x64
@pytest.mark.slow
@pytest.mark.parametrize("name", list(CASES))
def test_batches_of_shots(name):
    run, (values, series, source, receiver) = _flat(name, 2)
    sources = jnp.stack([source, source + 0.013])
    mapped = jax.vmap(lambda s: run(values, series, s, receiver))(sources)
    looped = jnp.stack([run(values, series, s, receiver) for s in sources])
    np.testing.assert_allclose(mapped, looped, rtol=0, atol=1e-12 * np.max(np.abs(looped)))


@needs_x64
@pytest.mark.slow
@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.parametrize("face", [FreeSurface(), Rigid(), Absorbing(6), "mixed"])
def test_long_runs_stay_bounded(name, face):
    """Thousands of steps of a rough medium between faces of every kind."""
    if face == "mixed":
        boundary = Boundary(((Periodic(), Periodic()), (FreeSurface(), Absorbing(6))))
    else:
        boundary = Boundary(((face, face),) * 2)
    run, (values, _, source, receiver) = _flat(name, 2)
    # Without any net push: that would move a closed box as a whole, without end.
    pushes = jnp.gradient(jnp.gradient(_series(1), axis=1), axis=1)
    series = jnp.zeros((1, 6000)).at[:, 2 : NUM + 2].set(pushes)
    trace = np.asarray(
        jax.jit(lambda s: run(values, s, source, receiver, boundary=boundary, filter_dispersion=False))(
            series
        )
    )
    early, *_, before, late = (np.abs(trace[..., n : n + 1000]).max() for n in range(0, 6000, 1000))
    assert late < 2 * early
    if isinstance(face, Absorbing):  # What a rough medium traps leaves slowly, but leaves.
        assert late < 0.05 * early
        assert late < 0.7 * before


@needs_x64
@pytest.mark.slow
@pytest.mark.parametrize("name", ["acoustic", "fluid", "vti", "elastic"])
@pytest.mark.parametrize("free_surface", [False, True])
def test_running_backwards(name, free_surface):
    """The gradient of checkpoints, to rounding, but for the outermost nodes next to layers: those within half a stencil get none; where coefficients are means
    of neighbours, the next ones get a part."""
    run, (values, series, source, receiver) = _flat(name, 2)
    boundary = Boundary.absorbing(2, num_nodes=6, free_surface=free_surface)
    misfit = lambda adjoint: (
        lambda v, s: 0.5 * jnp.sum(run(v, s, source, receiver, adjoint=adjoint, boundary=boundary) ** 2)
    )
    expected, found = (
        jax.jit(jax.grad(misfit(adjoint), argnums=(0, 1)))(values, series)
        for adjoint in (Full(), BoundaryReconstruct())
    )
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-10, atol=1e-12 * np.max(np.abs(expected[1])))
    half = CASES[name][0].order // 2
    rim = half + (name in ("fluid", "elastic"))
    inside = (slice(rim, -rim), slice(0 if free_surface else rim, -rim))
    for a, b in zip(expected[0], found[0], strict=True):
        np.testing.assert_allclose(b[inside], a[inside], rtol=0, atol=1e-12 * np.max(np.abs(a)))
        np.testing.assert_array_equal(b[:half], 0)


@needs_x64
@pytest.mark.slow
def test_what_absorbs_cannot_run_backwards():
    run, (values, series, source, receiver) = _flat("viscoelastic", 2)
    with pytest.raises(NotImplementedError, match="absorbed everywhere"):
        jax.grad(lambda s: jnp.sum(run(values, s, source, receiver, adjoint=BoundaryReconstruct())))(series)


@needs_x64
@pytest.mark.slow
@pytest.mark.parametrize("name", list(CASES))
def test_single_precision(name):
    """On a grid and a time axis of double precision, as they are by default."""
    run, arguments = _flat(name, 2)
    single = run(*jax.tree.map(lambda x: x.astype("float32"), arguments))
    double = run(*arguments)
    assert single.dtype == np.dtype("float32")
    np.testing.assert_allclose(single, double, rtol=0, atol=2e-5 * np.max(np.abs(double)))
