"""The ZIP archive behind a model's graph, read strictly: as `edge.classify.bundle.pack` writes it, or not at all.

ZIP allows encryption, a hundred ways of packing, sizes that lie and members that lie over each other. A bundle has none
of it: few members, stored as they are. So nothing is ever inflated or sought here, and no time or memory is spent that
the file itself does not take.
"""

from __future__ import annotations

import struct
import zlib

from edge.errors import ModelError

_END, _ENTRY, _HEADER = struct.Struct("<4s4H2IH"), struct.Struct("<4s6H3I5H2I"), struct.Struct("<4s5H3I2H")
"""End of central directory, an entry of it, and the header before a member's bytes (APPNOTE.TXT 4.3)."""

_UTF8_NAME = 1 << 11
_STORED = 0
# What a stored file needs is 1.0; Python writes 2.0, and 4.5 with long sizes.
_NEWEST_VERSION = 45
_MAX_MEMBERS = 16


def read_member(content: bytes, name: str, comment_bytes: int) -> bytes:
    """The bytes of a member.

    Args:
        content: the whole file, the archive at its end.
        name: of the member, ASCII.
        comment_bytes: length of the archive's comment.

    Raises:
        ModelError: there is no such member, or the archive has anything that a bundle does not.
    """
    for found, start, size in _members(content, comment_bytes):
        if found == name.encode():
            return content[start : start + size]
    raise ModelError(f"there is no {name} in its archive")


def archive_start(content: bytes, comment_bytes: int) -> int:
    """Where the archive begins: the number of bytes before its first member.

    Raises:
        ModelError: the archive has anything that a bundle does not.
    """
    return min(start - _HEADER.size - len(name) for name, start, _ in _members(content, comment_bytes))


def _members(content: bytes, comment_bytes: int) -> list[tuple[bytes, int, int]]:
    """Name, first byte and size of each member."""
    end = len(content) - comment_bytes - _END.size
    try:
        if end < 0:
            raise ModelError("there is no archive behind its graph")
        sign, disk, first_disk, n_here, n_members, size, at, n_comment = _END.unpack_from(content, end)
        if sign != b"PK\5\6" or n_comment != comment_bytes or (disk, first_disk, n_here) != (0, 0, n_members):
            raise ModelError("there is no archive behind its graph")
        if not 0 < n_members <= _MAX_MEMBERS or at + size != end:
            raise ModelError(f"its archive says {n_members} members, listed at byte {at}")
        directory = at
        found: list[tuple[bytes, int, int]] = []
        for _ in range(n_members):
            name, start, n_bytes, at = _member(content, at)
            if start + n_bytes > directory or name in (other for other, _, _ in found):
                raise ModelError(f"its archive's member {_shown(name)} is not in its place")
            found.append((name, start, n_bytes))
    except struct.error as error:
        raise ModelError("its archive points outside the file") from error
    return found


def _member(content: bytes, at: int) -> tuple[bytes, int, int, int]:
    """Of the entry at `at`: its name, where its bytes begin, how many there are, and where the next entry is."""
    sign, _, *facts, n_comment, disk, _, _, header = _ENTRY.unpack_from(content, at)
    version, flags, method, _, _, crc, packed, size, n_name, n_extra = facts
    name = content[at + _ENTRY.size : at + _ENTRY.size + n_name]
    header_sign, *same, n_header_extra = _HEADER.unpack_from(content, header)
    start = header + _HEADER.size + n_name
    if flags & ~_UTF8_NAME or method != _STORED or version > _NEWEST_VERSION or packed != size:
        raise ModelError(
            f"its archive's member {_shown(name)} is packed or encrypted (method {method}, flags {flags:#x}, "
            f"version {version / 10}): expected it stored as it is"
        )
    is_whole = (sign, header_sign, disk, n_extra, n_comment, n_header_extra) == (b"PK\1\2", b"PK\3\4", 0, 0, 0, 0)
    if not is_whole or same != facts[:-1] or content[header + _HEADER.size : start] != name:
        raise ModelError(f"its archive's member {_shown(name)} is described in two ways")
    if zlib.crc32(content[start : start + size]) != crc:
        raise ModelError(f"its archive's member {_shown(name)} does not match its checksum")
    return name, start, size, at + _ENTRY.size + n_name


def _shown(name: bytes) -> str:
    return ascii(name[:64].decode("latin-1"))
