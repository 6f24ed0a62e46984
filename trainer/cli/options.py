"""The options that several commands share, so that one word means one thing everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli.options import path_of

if TYPE_CHECKING:
    from trainer.data import Source

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Pictures as DIR/<label>/*.png, or the IDX files of Fashion-MNIST; none: Fashion-MNIST as Debian has it.",
        parser=path_of,
    ),
]
Classes = Annotated[
    str | None, typer.Option("--classes", metavar="A,B,...", help="The labels and their order; else sorted.")
]
GroupColumn = Annotated[
    str | None, typer.Option("--group-column", metavar="NAME", help="Column of the table: what is not to be split.")
]
GroupPattern = Annotated[
    str | None, typer.Option("--group-pattern", metavar="REGEX", help="The same, as found in each picture's path.")
]
Table = Annotated[
    Path | None,
    typer.Option(
        "--table", metavar="CSV", help="With a column 'file'; else the only one in DIR, or DIR.csv.", parser=path_of
    ),
]
Download = Annotated[bool, typer.Option("--download", help="Let Keras fetch Fashion-MNIST where it is missing.")]


def source_of(
    data: Path | None,
    classes: str | None,
    grouped_by: tuple[str | None, str | None],
    table: Path | None,
    download: bool,
) -> Source:
    """The pictures that these options name; `grouped_by` is the column and the pattern.

    Raises:
        UsageError: options that contradict each other.
    """
    from trainer.data import Source
    from trainer.data.label_folders import Grouping

    column, pattern = grouped_by
    grouping = Grouping(column, table, pattern) if column or pattern or table else None
    labels = tuple(label.strip() for label in classes.split(",")) if classes is not None else None
    return Source(data, labels, grouping, download)
