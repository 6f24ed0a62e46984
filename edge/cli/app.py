"""`ferrule`: declares the commands. Each imports what it needs only when it runs, so that `--help` is quick."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Annotated

import typer

from edge.cli import options
from edge.cli.console import Console, own_version
from edge.cli.ending import Commands
from edge.cli.options import InspectionOptions, JudgingOptions

READER_THREAD = "ferrule-live"
"""Repeated here, because the module that names it imports OpenCV; a test holds them equal."""

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Tells whether a fibre-optic connector's end face passes, and why.",
    epilog="Exit codes: 0 all pass, 1 some fail, 2 usage or configuration, 3 something could not be inspected, "
    "4 the model was refused, 5 output could not be written, 70 internal error.",
)
models = typer.Typer(no_args_is_help=True, help="The models that ship: list, show, verify.")
criteria = typer.Typer(no_args_is_help=True, help="The profiles of the standard: list, show, check.")
app.add_typer(models, name="models")
app.add_typer(criteria, name="criteria")

Paths = Annotated[
    list[Path], typer.Argument(metavar="PATH", help="Pictures, or folders of pictures.", parser=options.path_of)
]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ferrule {own_version()}")
        raise typer.Exit


@app.callback()
def _ferrule(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """The options that stand before the command."""


@app.command()
@options.with_shared_options
def inspect(paths: Paths, *, shared: InspectionOptions, recursive: options.Recursive = False) -> None:
    """Inspect pictures of end faces, and say for each whether it passes."""
    from edge.cli.inspecting import inspect_pictures

    raise typer.Exit(inspect_pictures(paths, recursive, shared))


@app.command()
@options.with_shared_options
def validate(
    paths: Paths,
    *,
    truth: Annotated[
        Path,
        typer.Option("--truth", metavar="FILE", parser=options.path_of, help="Right verdicts: CSV of file, verdict."),
    ],
    page: Annotated[
        Path | None,
        typer.Option("--page", metavar="FILE", parser=options.path_of, help="Also write it all as one HTML page."),
    ] = None,
    recursive: options.Recursive = False,
    shared: JudgingOptions,
) -> None:
    """Hold Ferrule's verdicts against right ones of your own: how often it errs, with upper bounds."""
    from edge.cli.validating import validate_pictures

    raise typer.Exit(validate_pictures(paths, truth, page, recursive, shared))


@app.command()
@options.with_shared_options
def watch(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="Camera index, device, RTSP or HTTP URL, video, folder or picture.",
            parser=options.source_of,
        ),
    ],
    *,
    every: Annotated[int, typer.Option("--every", metavar="N", help="Grade every Nth frame.")] = 1,
    max_frames: Annotated[
        int | None, typer.Option("--max-frames", metavar="N", help="End after N graded frames.")
    ] = None,
    shared: InspectionOptions,
) -> None:
    """Grade a camera, stream, video or folder, frame by frame, until it ends or Ctrl-C."""
    from edge.cli.inspecting import watch_source

    raise typer.Exit(watch_source(source, every, max_frames, shared))


@app.command()
def classify(
    paths: Paths,
    json: options.Json = False,
    prob: Annotated[bool, typer.Option("--prob", help="Also give every label's probability.")] = False,
    model: options.Model = options.DEFAULT_MODEL,
    runtime: options.Runtime = None,
    max_megapixels: options.MaxMegapixels = options.DEFAULT_MAX_MEGAPIXELS,
    quiet: options.Quiet = False,
) -> None:
    """Name pictures of single marks; folders are read with all folders below them."""
    from edge.cli.classifying import classify_pictures

    console = Console(json, quiet, goes_on=True)
    raise typer.Exit(classify_pictures(paths, model, runtime, prob, max_megapixels, console))


@app.command()
def bench(
    images: Annotated[
        Path | None,
        typer.Option(
            "--images",
            metavar="PATH",
            help="A picture or a folder; else the shipped examples.",
            parser=options.path_of,
        ),
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", metavar="S", help="How long each figure is measured.")] = 0.5,
    cold: Annotated[bool, typer.Option("--cold/--no-cold", help="Also start whole processes.")] = True,
    compare: Annotated[
        Path | None,
        typer.Option(
            "--compare", metavar="FILE", help="What an earlier run printed with --json.", parser=options.path_of
        ),
    ] = None,
    max_regress: Annotated[
        str, typer.Option("--max-regress", metavar="SHARE", help="How much slower than that is allowed.")
    ] = "20%",
    json: options.Json = False,
    criteria: options.Criteria = options.DEFAULT_CRITERIA,
    model: options.Model = options.DEFAULT_MODEL,
    runtime: options.Runtime = None,
) -> None:
    """Measure how long a patch, a frame and a start take here."""
    from edge.bench import BenchSettings
    from edge.cli.benching import measure_here

    settings = BenchSettings(seconds=seconds, cold=cold)
    setup = InspectionOptions(model=model, criteria=criteria, runtime=runtime)
    raise typer.Exit(measure_here(images, setup, settings, compare, max_regress, Console(json)))


@app.command()
def doctor(json: options.Json = False) -> None:
    """Say what is installed here, what works, and why the rest does not."""
    from edge.system.environment import NEEDS_64_BIT, USERLAND_BITS

    console = Console(json)
    if USERLAND_BITS < 64:  # first, because what is imported next has no wheels there
        console.error(NEEDS_64_BIT)
    from edge.cli.doctor import examine

    raise typer.Exit(examine(console))


@models.command("list")
def models_list(json: options.Json = False) -> None:
    """List the models that ship."""
    from edge.cli.catalogue import list_all_models

    raise typer.Exit(list_all_models(Console(json)))


@models.command("show")
def models_show(name: Annotated[str, typer.Argument(metavar="NAME|FILE")], json: options.Json = False) -> None:
    """Show what a model says about itself."""
    from edge.cli.catalogue import show_model

    raise typer.Exit(show_model(name, Console(json)))


@models.command("verify")
def models_verify(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME|FILE", help="None: all that ship.")] = None,
    runtime: options.Runtime = None,
    json: options.Json = False,
) -> None:
    """Load models on every runtime that works here, and hold their answers against the golden ones."""
    from edge.cli.catalogue import verify_models

    raise typer.Exit(verify_models(names or [], runtime, Console(json)))


@criteria.command("list")
def criteria_list(json: options.Json = False) -> None:
    """List the profiles that ship."""
    from edge.cli.catalogue import list_all_criteria

    raise typer.Exit(list_all_criteria(Console(json)))


@criteria.command("show")
def criteria_show(name: Annotated[str, typer.Argument(metavar="NAME|FILE")], json: options.Json = False) -> None:
    """Show a profile's zones, limits and sources."""
    from edge.cli.catalogue import show_criteria

    raise typer.Exit(show_criteria(name, Console(json)))


@criteria.command("check")
def criteria_check(
    names: Annotated[list[str], typer.Argument(metavar="NAME|FILE")], json: options.Json = False
) -> None:
    """Check that profiles can be used, and say what is wrong with those that cannot."""
    from edge.cli.catalogue import check_criteria

    raise typer.Exit(check_criteria(names, Console(json)))


def main() -> None:
    """Runs `ferrule` and leaves with its exit code.

    A capture may hang in its driver or in the network, where nothing can end its thread. Then the process ends at once:
    the interpreter would take itself apart under that thread, and abort.
    """
    try:
        app(prog_name="ferrule")
    except SystemExit as end:  # everything is printed and flushed by now
        if any(thread.name == READER_THREAD for thread in threading.enumerate()):
            os._exit(end.code if isinstance(end.code, int) else 0)
        raise


if __name__ == "__main__":
    main()
