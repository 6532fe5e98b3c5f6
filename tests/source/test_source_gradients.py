"""Derivatives of everything in `diffseis.source`: against differences at a thousand random points, and finite at every awkward one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis import source

pytestmark = pytest.mark.skipif(
    not jax.config.read("jax_enable_x64"), reason="finite differences need float64"
)

NUM = 1000
STEP = 1e-4
TURN = 2 * np.pi


def _uniform(low, high):
    low, high = np.asarray(low, float), np.asarray(high, float)
    rng = np.random.default_rng(len(low))
    return jnp.asarray(low + (high - low) * rng.uniform(size=(NUM, len(low))))


def _tensor(x):
    return source.tensor_of_six(x)


def _angles(x):
    """Strike, dip, rake, slope, kappa."""
    return source.shear_tensile(*x)


SIX = ([-1.0] * 6, [1.0] * 6)
PLANE = ([0.1, 0.05, -3.0], [6.2, 1.5, 3.0])
SOURCE = ([0.1, 0.05, -3.0, -1.5, 0.2], [6.2, 1.5, 3.0, 1.5, 2.0])
FUNCTIONS = {
    "shear tensile": (lambda x: source.six_vector(_angles(x)), SOURCE),
    "double couple": (lambda x: source.six_vector(source.double_couple(*x)), PLANE),
    "radiation": (lambda x: source.radiation(_angles(x[:5]), x[5], x[6]), (SOURCE[0] + [0.0, 0.0], SOURCE[1] + [6.2, 3.1])),
    "rows": (lambda x: source.radiation_rows(x[0], x[1]).reshape(-1), ([0.0, 0.0], [6.2, 3.1])),
    "quaternion": (lambda x: source.double_couple_quaternion(*x), PLANE),
    "couple of quaternion": (lambda x: source.double_couple_of(x).reshape(-1), ([-1.0] * 4, [1.0] * 4)),
    "planes of quaternion": (lambda x: source.planes_of(source.double_couple_quaternion(*x)).reshape(-1), PLANE),
    "auxiliary plane": (lambda x: source.auxiliary_plane(*x), PLANE),
    "values": (lambda x: source.principal(_tensor(x))[0], SIX),
    "planes": (lambda x: source.nodal_planes(_tensor(x)).reshape(-1), SIX),
    "axes": (lambda x: source.principal_axes(_tensor(x)).reshape(-1), SIX),
    "lune": (lambda x: source.lune_of(_tensor(x)), SIX),
    "shares": (lambda x: jnp.stack(jax.tree.leaves(source.decompose(_tensor(x)))), SIX),
    "uniform coordinates": (lambda x: source.uniform_coordinates(_tensor(x)), SIX),
    "uniform tensor": (lambda x: source.uniform_tensor(*x).reshape(-1), ([0.2, -0.32, 0.1, -1.5, 0.02], [2.1, 0.32, 6.2, 1.5, 0.98])),
    "plane, slope, kappa": (lambda x: jnp.concatenate([jnp.ravel(part) for part in source.shear_tensile_angles(_angles(x))]), SOURCE),
    "kagan": (lambda x: source.kagan_angle(_tensor(x[:6]), _tensor(x[6:]))[None], ([-1.0] * 12, [1.0] * 12)),
    "omega": (lambda x: source.omega_angle(_tensor(x[:6]), _tensor(x[6:]))[None], ([-1.0] * 12, [1.0] * 12)),
    "moment": (lambda x: source.moment_magnitude(source.scalar_moment(_tensor(x)))[None], SIX),
    "moment of magnitude": (lambda x: source.moment_of_magnitude(x[0])[None], ([1.0], [8.0])),
    "free surface": (lambda x: jnp.concatenate([f(v)[None] for v in jax.tree.leaves(source.free_surface(*x)) for f in (jnp.real, jnp.imag)]), ([0.0, 4.0, 2.0], [0.3, 7.0, 3.5])),
}  # fmt: skip


def _differences(values, points, step):
    """Fourth-order differences along each coordinate; planes and trends that pass a whole turn are unwrapped."""
    num, dims = points.shape
    shifts = step * np.array([-2, -1, 1, 2])[:, None, None] * np.eye(dims)
    moved = np.asarray(points)[:, None, None, :] + shifts
    found = np.asarray(values(jnp.asarray(moved.reshape(-1, dims)))).reshape(num, 4, dims, -1)
    middle = np.asarray(values(points))[:, None, None, :]
    found = found - TURN * np.round((found - middle) / TURN)
    slope = (found[:, 0] - 8 * found[:, 1] + 8 * found[:, 2] - found[:, 3]) / (12 * step)
    return slope.transpose(0, 2, 1)


@pytest.mark.long
@pytest.mark.parametrize("name", FUNCTIONS)
def test_at_a_thousand_random_points(name):
    function, (low, high) = FUNCTIONS[name]
    points = _uniform(low, high)
    forward = np.asarray(jax.jit(jax.vmap(jax.jacfwd(function)))(points))
    backward = np.asarray(jax.jit(jax.vmap(jax.jacrev(function)))(points))
    np.testing.assert_allclose(backward, forward, rtol=1e-9, atol=1e-9 * np.abs(forward).max())
    values = jax.jit(jax.vmap(function))
    differences, finer = (_differences(values, points, step) for step in (STEP, STEP / 2))
    # Beside a kink or a pole (a level plane, two equal values, a change of the nearer image) differences over the step are not derivatives:
    # where those of half the step differ, too, the point says nothing.
    size = np.maximum(np.abs(forward).max(axis=(1, 2), keepdims=True), 1)
    smooth = np.all(np.abs(finer - differences) < 3e-7 * size, axis=(1, 2))
    assert smooth.sum() > 0.9 * NUM
    wrong = np.abs(finer - forward)[smooth] / size[smooth]
    assert wrong.max() < 1e-6


HALF = np.pi / 2
DEGENERATE = {
    "horizontal": source.double_couple(*jnp.asarray([0.7, 0.0, 0.3])),
    "vertical": source.double_couple(*jnp.asarray([0.7, HALF, 0.3])),
    "dip slip": source.double_couple(*jnp.asarray([0.0, HALF / 2, HALF])),
    "strike slip": source.double_couple(*jnp.asarray([0.0, HALF, 0.0])),
    "opening": source.shear_tensile(*jnp.asarray([0.5, 1.0, 0.8, HALF, 1.0])),
    "closing": source.shear_tensile(*jnp.asarray([0.5, 1.0, 0.8, -HALF, 1.0])),
    "level crack": source.shear_tensile(*jnp.asarray([0.0, 0.0, 0.0, HALF, 1.0])),
    "explosion": jnp.eye(3),
    "implosion": -jnp.eye(3),
    "dipole": jnp.diag(jnp.asarray([1.0, -0.5, -0.5])),
    "sheet": jnp.diag(jnp.asarray([0.5, 0.5, -1.0])),
    "vertical dipole": jnp.diag(jnp.asarray([-0.5, -0.5, 1.0])),
    "nearly isotropic": jnp.eye(3) + 1e-14 * source.double_couple(*jnp.asarray([0.7, 0.4, 0.3])),
    "nothing": jnp.zeros((3, 3)),
}
ONES_OF_TENSORS = {
    "values": lambda m: source.principal(m)[0],
    "frame": lambda m: source.principal(m)[1],
    "planes": source.nodal_planes,
    "axes": source.principal_axes,
    "lune": source.lune_of,
    "shares": lambda m: jnp.stack(jax.tree.leaves(source.decompose(m))),
    "uniform coordinates": source.uniform_coordinates,
    "there and back": lambda m: source.uniform_tensor(*source.uniform_coordinates(m)),
    "plane, slope, kappa": lambda m: jnp.concatenate([jnp.ravel(x) for x in source.shear_tensile_angles(m)]),
    "quaternion": source.axes_quaternion,
    "magnitude": lambda m: source.moment_magnitude(source.scalar_moment(m)),
    "omega to itself": lambda m: source.omega_angle(m, jax.lax.stop_gradient(m)),
    "omega to its negative": lambda m: source.omega_angle(m, -m),
    "kagan to itself": lambda m: source.kagan_angle(m, jax.lax.stop_gradient(m)),
}


@pytest.mark.long
@pytest.mark.parametrize("function", ONES_OF_TENSORS)
def test_finite_at_degenerate_tensors(function):
    slope = jax.jit(jax.vmap(jax.jacrev(ONES_OF_TENSORS[function])))
    found = np.asarray(slope(jnp.stack(list(DEGENERATE.values()))))
    bad = [name for name, g in zip(DEGENERATE, found, strict=True) if not np.all(np.isfinite(g))]
    assert not bad
    values = np.asarray(jax.vmap(ONES_OF_TENSORS[function])(jnp.stack(list(DEGENERATE.values()))))
    assert np.all(np.isfinite(values))


@pytest.mark.long
@pytest.mark.parametrize("slope", [-HALF, 0.0, HALF])
@pytest.mark.parametrize("rake", [-np.pi, -HALF, 0.0, HALF, np.pi])
def test_finite_at_degenerate_angles(rake, slope):
    """Planes there and back, from every corner of strike and dip."""

    def back(x):
        planes, *rest = source.shear_tensile_angles(source.shear_tensile(*x))
        return jnp.concatenate([planes.reshape(-1), *(r[None] for r in rest)])

    corners = jnp.asarray(
        [[s, d, rake, slope, k] for s in (0.0, np.pi) for d in (0.0, HALF) for k in (0.0, 1.0)]
    )
    assert np.all(np.isfinite(jax.jit(jax.vmap(jax.jacrev(back)))(corners)))
    both = lambda x: source.auxiliary_plane(*x[:3])
    assert np.all(np.isfinite(jax.jit(jax.vmap(jax.jacrev(both)))(corners)))


@pytest.mark.long
def test_the_edges_of_the_lune_have_finite_derivatives():
    edges = jnp.asarray([0.0, 3 * np.pi / 4, 1e-12, 1.0])
    assert np.all(np.isfinite(jax.vmap(jax.grad(source.delta_of_u))(edges)))
    assert np.all(np.isfinite(jax.vmap(jax.grad(source.gamma_of_v))(jnp.asarray([-1 / 3, 1 / 3, 0.0]))))
    surface = jax.jacfwd(
        lambda p: jnp.real(source.free_surface(p, jnp.asarray(6.0), jnp.asarray(3.0)).sv_radial)
    )
    for p in (0.0, 1 / 6, 1 / 3):
        assert np.isfinite(surface(jnp.asarray(p)))


def test_a_hair_below_north_is_north():
    for tiny in (1e-17, 1e-12, 1e-3):
        slip, normal = source.slip_and_normal(*jnp.asarray([-tiny, 1.0, 0.3]))
        assert 0 <= float(source.plane_angles(slip, normal)[0]) < 2 * np.pi


def test_what_rounding_leaves_has_no_direction():
    """Beside a level plane the strike's derivatives are those of the angle, within rounding of it 0; a mechanism is 0 from itself."""
    eps = float(jnp.finfo(float).eps)
    slip = jnp.asarray([1.0, 0.0, 0.0])
    slope = jax.jit(jax.jacrev(lambda normal: source.plane_angles(slip, normal)))
    at = lambda tilt: slope(jnp.asarray([0.6 * tilt, 0.8 * tilt, -1.0]))
    np.testing.assert_allclose(at(1e-3)[0], [-0.8e3, 0.6e3, 0], rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(at(2 * eps)[0], 0)
    tensor = DEGENERATE["opening"] + 0.1 * DEGENERATE["horizontal"]
    angle, slope = jax.jit(jax.value_and_grad(source.kagan_angle))(tensor, tensor)
    assert angle == 0
    np.testing.assert_array_equal(slope, 0)
