"""Damaged copies of files, and readers tried on them."""

import random

from diffseis.core.errors import InputError

FOREIGN = [b",", b"\n", b'"', b"-", b"e9", b"nan", b"inf", b"\x00", b"\xff", b"<", b"99999", b" "]


def mutate(data, seed):
    """One to four wounds: bytes flipped, lost or foreign, digits changed, ends cut, lines lost or swapped."""
    rng = random.Random(seed)
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(max(len(out), 1))
        kind = rng.randrange(9)
        lines = bytes(out).split(b"\n")
        if kind == 0 and out:
            out[at] = rng.randrange(256)
        elif kind == 1:
            del out[at : at + rng.choice([1, 3, 40])]
        elif kind == 2:
            out[at:at] = out[at : at + rng.choice([1, 20])]
        elif kind == 3:
            out[at:at] = rng.choice(FOREIGN)
        elif kind == 4:
            digits = [i for i, c in enumerate(out) if 48 <= c < 58]
            if digits:
                out[rng.choice(digits)] = rng.choice(b"0123456789.-")
        elif kind == 5 and rng.random() < 0.3:
            del out[at:]
        elif kind == 6:
            lines.pop(rng.randrange(len(lines)))
            out = bytearray(b"\n".join(lines))
        elif kind == 7:
            a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[a], lines[b] = lines[b], lines[a]
            out = bytearray(b"\n".join(lines))
        elif out:
            out[at] = rng.choice(b",.;: -0")
    return bytes(out)


def fuzz(path, data, read, check, seeds, *, damage=mutate):
    """How many mutants were refused; every refusal names the file and what to do."""
    refused = []
    for seed in seeds:
        path.write_bytes(damage(data, seed))
        try:
            value = read(path)
        except InputError as error:
            refused.append(error)
        else:
            check(value)
    assert all(error.file == str(path) and error.fix for error in refused)
    return len(refused)
