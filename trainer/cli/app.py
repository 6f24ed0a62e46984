"""`ferrule-train`: the commands, declared. Each imports what it needs when it runs, so that `--help` is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edge.cli.console import Console
from edge.cli.ending import Commands
from edge.cli.options import Json, Quiet, Runtime, path_of
from trainer.cli import options

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Trains, converts and evaluates the models that `ferrule` runs.",
    epilog="Exit codes: 0 done, 2 usage or configuration, 3 a picture could not be read, 4 a model was refused, "
    "5 output could not be written, 70 internal error.",
)

Model = Annotated[str, typer.Argument(metavar="MODEL", help="A .keras or .h5 file, or a shipped model's name.")]


@app.command()
def train(
    data: options.Data = None,
    epochs: Annotated[int, typer.Option("--epochs", metavar="N", help="Times that every picture is seen.")] = 10,
    batch: Annotated[int, typer.Option("--batch", metavar="N", help="Pictures a step.")] = 64,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="The .keras file to write.", parser=path_of)
    ] = Path("model.keras"),
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Equal seeds give equal weights.")] = 0,
    start: Annotated[
        str | None, typer.Option("--from", metavar="MODEL", help="Go on from this model, also onto other labels.")
    ] = None,
    network: Annotated[str, typer.Option("--network", metavar="mlp|cnn|deep-cnn", help="Which network.")] = "mlp",
    rate: Annotated[float | None, typer.Option("--rate", metavar="X", help="Learning rate at the first step.")] = None,
    class_weights: Annotated[
        str, typer.Option("--class-weights", metavar="none|softened|balanced", help="How much rare labels count.")
    ] = "softened",
    classes: options.Classes = None,
    group_column: options.GroupColumn = None,
    group_pattern: options.GroupPattern = None,
    table: options.Table = None,
    patch_size: Annotated[int | None, typer.Option("--patch-size", metavar="PX", help="Side of a patch.")] = None,
    background: Annotated[
        str | None, typer.Option("--background", metavar="keep|median", help="Whether the background is taken off.")
    ] = None,
    download: options.Download = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a model on labelled pictures."""
    training = _after_tensorflow("training")
    source = options.source_of(data, classes, (group_column, group_pattern), table, download)
    settings = training.settings_of(
        epochs=epochs, batch=batch, seed=seed, rate=rate, class_weights=class_weights, going_on=start is not None
    )
    wanted = training.Training(source, settings, network, start, out, patch_size, background)
    raise typer.Exit(training.train_model(wanted, Console(json, quiet)))


@app.command()
def convert(
    model: Model = "model.keras",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="The .tflite file; else beside the model.", parser=path_of),
    ] = None,
    recipe: Annotated[
        str, typer.Option("--recipe", metavar="NAME", help="int8, int8-full, float32, dynamic or int16x8.")
    ] = "int8",
    name: Annotated[str, typer.Option("--name", help="What the model calls itself; else as its file.")] = "",
    version: Annotated[str, typer.Option("--model-version", metavar="TEXT", help="As you count.")] = "1",
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold", metavar="P", help="Below it the answer is 'unknown'; else as the model it went on from."
        ),
    ] = None,
    licence: Annotated[str, typer.Option("--licence", metavar="TEXT", help="Of the weights.")] = "",
    notes: Annotated[str, typer.Option("--notes", metavar="TEXT", help="What the model is for, and its limits.")] = "",
    data: options.Data = None,
    group_column: options.GroupColumn = None,
    group_pattern: options.GroupPattern = None,
    table: options.Table = None,
    download: options.Download = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Convert a trained model to a .tflite that the edge runs, if it passes the gates."""
    converting = _after_tensorflow("converting")
    source = options.source_of(data, None, (group_column, group_pattern), table, download)
    card = converting.Card(name, version, licence=licence, notes=notes)
    wanted = converting.Wanted(model, out, recipe, threshold)
    raise typer.Exit(converting.convert_model(wanted, source, card, Console(json, quiet)))


@app.command()
def evaluate(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A .tflite file, or a shipped model's name.")
    ] = "model.tflite",
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the figures go.", parser=path_of)] = Path(
        "evaluation"
    ),
    float_model: Annotated[
        Path | None,
        typer.Option("--keras", metavar="FILE", help="The .keras file; else the one beside the model.", parser=path_of),
    ] = None,
    data: options.Data = None,
    group_column: options.GroupColumn = None,
    group_pattern: options.GroupPattern = None,
    table: options.Table = None,
    download: options.Download = False,
    runtime: Runtime = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Score a .tflite as the edge runs it; write figures as JSON and PNG."""
    scoring = _after_tensorflow("scoring")
    source = options.source_of(data, None, (group_column, group_pattern), table, download)
    raise typer.Exit(scoring.evaluate_model(model, runtime, float_model, source, out, Console(json, quiet)))


@app.command()
def predict(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH", help="Pictures, or folders of pictures.", parser=path_of)
    ],
    model: Annotated[
        str, typer.Option("--model", metavar="MODEL", help="A .keras or .h5 file, or a shipped model's name.")
    ] = "model.keras",
    prob: Annotated[bool, typer.Option("--prob", help="Also give every label's probability.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Name pictures with a trained model, in float."""
    predicting = _after_tensorflow("predicting")
    raise typer.Exit(predicting.name_pictures(paths, model, prob, Console(json, quiet, goes_on=True)))


def _after_tensorflow(name: str) -> Any:
    """A module of `trainer.cli`, once TensorFlow has been imported quietly."""
    from importlib import import_module

    from trainer.tensorflow_import import import_tensorflow

    import_tensorflow()
    return import_module(f"trainer.cli.{name}")


def main() -> None:
    """Runs `ferrule-train` and leaves with its exit code."""
    app(prog_name="ferrule-train")


if __name__ == "__main__":
    main()
