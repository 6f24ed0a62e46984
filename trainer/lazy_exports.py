"""A package's exports, each imported when it is first asked for: so `import trainer` does not import TensorFlow.

Every package door whose modules need TensorFlow uses this. PEP 562 (a module's `__getattr__`) is the mechanism; a
`TYPE_CHECKING` block beside it tells editors and mypy the same names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_exports(package: str, addresses: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package that imports what it exports on demand.

    Args:
        package: its `__name__`, for the message about a name that it does not export.
        addresses: where each export is, as "package.module:name".
    """

    def exported(name: str) -> Any:
        if name not in addresses:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, _, attribute = addresses[name].partition(":")
        return getattr(import_module(module), attribute)

    return exported
