"""Networks of coordinates, for functions that are differentiated by their input."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Key

ACTIVATIONS = {"tanh": jnp.tanh, "sin": jnp.sin, "silu": jax.nn.silu}


class CoordinateNetwork(eqx.Module):
    """A fully connected network of two vectors, ``place`` and ``offset``, even in the second.

    The first layer is the sum of one activation at ``+offset`` and one at ``-offset``: exactly even, at the cost of one more first layer.
    A function of two points that does not change when they are exchanged is one of their middle and their difference that is even in the
    difference.

    Attributes:
        place: weights of the first layer.
        offset: the same for the second vector, or None where there is none.
        hidden: further layers.
        readout: the last one, with one output.
        activation: "tanh", "sin" or "silu".
    """

    place: eqx.nn.Linear
    offset: eqx.nn.Linear | None
    hidden: tuple[eqx.nn.Linear, ...]
    readout: eqx.nn.Linear
    activation: str = eqx.field(static=True)

    def __init__(
        self,
        place_size: int,
        offset_size: int = 0,
        *,
        width: int = 48,
        depth: int = 3,
        activation: str = "tanh",
        frequency: float = 1.0,
        start: float = 0.0,
        key: Key[Array, ""],
    ):
        """Random weights.

        Args:
            place_size, offset_size: lengths of the two vectors; their numbers should be within about [-1, 1].
            width: units per hidden layer.
            depth: number of hidden layers.
            activation: of every hidden layer.
            frequency: scale of the first layer's random weights: larger for functions that change more often within [-1, 1].
            start: the output is about this before any training.
            key: of the weights.
        """
        if activation not in ACTIVATIONS:
            raise ValueError(f"`activation` must be one of {', '.join(ACTIVATIONS)}, got {activation!r}")
        if width < 1 or depth < 1:
            raise ValueError(f"`width` and `depth` must be >= 1, got {width} and {depth}")
        keys = jr.split(key, depth + 2)
        dtype = jnp.zeros(()).dtype
        self.place = _linear(place_size, width, 0.7 * frequency, 0.7 * frequency, dtype, key=keys[0])
        self.offset = (
            _linear(offset_size, width, frequency, None, dtype, key=keys[1]) if offset_size else None
        )
        # Two activations add up in the first layer.
        gain = 0.5 if offset_size else 1.0
        self.hidden = tuple(
            _linear(width, width, (gain if n == 0 else 1.0) * width**-0.5, 0.3, dtype, key=k)
            for n, k in enumerate(keys[2:-1])
        )
        readout = _linear(width, 1, 0.1 * width**-0.5, 0.0, dtype, key=keys[-1])
        self.readout = eqx.tree_at(lambda layer: layer.bias, readout, jnp.full((1,), start, dtype))
        self.activation = activation

    def __call__(
        self, place: Float[Array, " place"], offset: Float[Array, " offset"] | None = None
    ) -> Float[Array, ""]:
        act = ACTIVATIONS[self.activation]
        at = self.place(place)
        if self.offset is None:
            x = act(at)
        else:
            if offset is None:
                raise ValueError("the network was made for an `offset`, got none")
            apart = self.offset(offset)
            x = act(at + apart) + act(at - apart)
        for layer in self.hidden:
            x = act(layer(x))
        return self.readout(x)[0]

    @property
    def num_weights(self) -> int:
        """How many numbers are trained."""
        return sum(x.size for x in jax.tree.leaves(eqx.filter(self, eqx.is_array)))


def _linear(num_in, num_out, scale, bias_scale, dtype, *, key) -> eqx.nn.Linear:
    k_layer, k_weight, k_bias = jr.split(key, 3)
    layer = eqx.nn.Linear(num_in, num_out, use_bias=bias_scale is not None, dtype=dtype, key=k_layer)
    weight = scale * jr.normal(k_weight, (num_out, num_in), dtype)
    if bias_scale is None:
        return eqx.tree_at(lambda m: m.weight, layer, weight)
    bias = bias_scale * jr.normal(k_bias, (num_out,), dtype)
    return eqx.tree_at(lambda m: (m.weight, m.bias), layer, (weight, bias))
