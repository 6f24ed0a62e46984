"""Descriptions of models that are none: wrong values, nonsense, and more than fits."""

from __future__ import annotations

import base64
import functools
import json
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

from attack_bundle import MB, NAME, cut, described, flipped, rezipped


@functools.cache
def _zipped_zeros(n_mb: int) -> str:
    packer = zlib.compressobj(9)
    return base64.b64encode(b"".join(packer.compress(bytes(MB)) for _ in range(n_mb)) + packer.flush()).decode()


_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 10**30, 1e308, -1e308, 1e-320, 5e-324, 0.5, "", "x", "\0", "\x1b[31m", "a\nb"),
    *("\u202e", "\ud800", "x" * 100_000, [], {}, [[]], [None], {"": 0}, [0] * 100_000, ["a", "b"] * 50_000),
    *("eJw=", "!!!!", 2**63, -(2**63), 2**64, [1e308, 1e308], [[1e308] * 5]),
)


def field(rng: Random, data: bytes) -> bytes:
    """A field of the description, at any depth, with a value that it should not have; or gone, or one too many."""
    told = json.loads(described(data))
    place = rng.choice((told, told, told["golden"], told["patch"]))
    name = rng.choice(sorted(place))
    act = rng.random()
    if act < 0.1:
        del place[name]
    elif act < 0.2:
        place[rng.choice(("extra", "\x1b]0;x\7", "a" * 10_000))] = rng.choice(_VALUES)
    else:
        place[name] = rng.choice(_VALUES)
    return rezipped(data, [(NAME, json.dumps(told).encode(), rng.choice((0, 8)))])


def deep(rng: Random, data: bytes) -> bytes:
    """Brackets within brackets, in place of the description or in a field of it."""
    n, (left, right) = rng.choice((1_000, 100_000, 3_000_000)), rng.choice((("[", "]"), ('{"a":', "}")))
    nested = left * n + "0" + (right * n if rng.random() < 0.5 else "")
    whole = nested if rng.random() < 0.5 else described(data).decode().rstrip()[:-1] + f',"notes":{nested}' + "}"
    return rezipped(data, [(NAME, whole.encode(), 8)])


def huge(rng: Random, data: bytes) -> bytes:
    """Numbers of many digits, and golden patches that inflate to much."""
    told = json.loads(described(data))
    if rng.random() < 0.5:
        digits = rng.choice(("9" * 5_000, "1e999", "-1e999", "NaN", "Infinity", "1e-999", "0." + "0" * 10_000 + "1"))
        words = json.dumps({**told, rng.choice(("threshold", "temperature", "name")): "@"}).replace('"@"', digits)
    else:
        size = rng.choice((1024, 1025, 10**9, told["patch"]["size"]))
        told["patch"]["size"] = size
        told["golden"]["n_patches"] = rng.choice((1, 300, 10**9, 10**30))
        told["golden"]["patches"] = _zipped_zeros(300)
        words = json.dumps(told)
    return rezipped(data, [(NAME, words.encode(), 8)])


def text(rng: Random, data: bytes) -> bytes:
    """The description's text damaged, in another encoding, or no text."""
    plain = described(data)
    coded: dict[str, Callable[[], bytes]] = {
        "flipped": lambda: flipped(rng, plain, 4),
        "utf-16": lambda: plain.decode().encode("utf-16"),
        "bom": lambda: b"\xef\xbb\xbf" + plain,
        "latin": lambda: plain.replace(b'"', b"\xe9", 1),
        "cut": lambda: cut(rng, plain),
        "twice": lambda: plain + plain,
        "random": lambda: rng.randbytes(2_000),
    }
    return rezipped(data, [(NAME, rng.choice(list(coded.values()))(), rng.choice((0, 8)))])
