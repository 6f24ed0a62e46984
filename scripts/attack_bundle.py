"""What models are made of for the attack: the graph, the archive behind it, and the seal at the end."""

from __future__ import annotations

import hashlib
import io
import zipfile
from random import Random

SEAL_BYTES = 71
NAME = "ferrule.json"
MB = 1 << 20


def seal(content: bytes) -> bytes:
    """The bytes with the last 71 of them made the seal of the others."""
    body = content[:-SEAL_BYTES]
    return body + b"sha256:" + hashlib.sha256(body).hexdigest().encode()


def cut(rng: Random, data: bytes) -> bytes:
    """The bytes up to somewhere."""
    return data[: rng.randrange(len(data))]


def flipped(rng: Random, data: bytes, most: int = 8) -> bytes:
    """The bytes with some of their bits flipped: never the same."""
    changed = bytearray(data)
    for at in rng.sample(range(len(data)), min(len(data), rng.randint(1, most))):
        changed[at] ^= 1 << rng.randrange(8)
    return bytes(changed)


def graph_bytes(data: bytes) -> int:
    """How many bytes of a model are its graph."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return min(member.header_offset for member in archive.infolist())


def rezipped(data: bytes, members: list[tuple[str, bytes, int]], comment: bytes = b"") -> bytes:
    """The graph with another archive behind it: names, contents, and methods of packing."""
    buffer = io.BytesIO(data[: graph_bytes(data)])
    with zipfile.ZipFile(buffer, "a") as archive:
        for name, content, method in members:
            archive.NameToInfo.clear()  # or it would warn of names that it has already
            archive.writestr(zipfile.ZipInfo(name), content, method)
        archive.comment = comment + b" " * SEAL_BYTES
    return seal(buffer.getvalue())


def described(data: bytes) -> bytes:
    """The description of a model, as it is packed."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(NAME)
