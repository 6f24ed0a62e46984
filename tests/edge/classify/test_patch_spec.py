import pytest

from edge.classify import PatchSpec
from edge.errors import UsageError


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 3}, "patch size 3"), ({"size": 5000}, "patch size 5000"), ({"background": "mean"}, "'mean'"),
        ({"measures": ("weight",)}, "unknown measure 'weight'"), ({"measures": ("snr", "snr")}, "named once"),
    ],
)  # fmt: skip
def test_spec_is_checked_at_birth(arguments: dict[str, object], message: str) -> None:
    """A spec that no code could serve cannot be made."""
    with pytest.raises(UsageError, match=message):
        PatchSpec(**arguments)  # type: ignore[arg-type]
