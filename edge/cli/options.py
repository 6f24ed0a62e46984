"""The options that several commands share, so that one word means one thing everywhere."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

# Repeated here, because the modules that own them import NumPy, and `--help` would wait for it; tests hold them equal.
DEFAULT_MODEL = "fibre-defects"
DEFAULT_CRITERIA = "auto"
DEFAULT_CAPTURE_MB = 200.0
DEFAULT_CAPTURE_QUOTA = 200
DEFAULT_MAX_MEGAPIXELS = 64.0


def path_of(text: str) -> Path:
    """A path as given; whether it can be read is found out when it is used, so that a bad one does not stop the rest.

    Raises:
        typer.BadParameter: the text is empty, as from a shell variable that is not set (Path would take it for the
            working folder), or holds a NUL.
    """
    if not text or "\0" in str(text):
        raise typer.BadParameter("a path is not empty and holds no NUL; is a variable not set?")
    return Path(text)


def source_of(text: str) -> str:
    """A camera, a stream or a path, as given.

    Raises:
        typer.BadParameter: as `path_of`.
    """
    path_of(text)
    return text


Json = Annotated[bool, typer.Option("--json", help="Print JSON to stdout; what is for people goes to stderr.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print no lines for people, only errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Also say what was odd but harmless, as counts.")]
Model = Annotated[str, typer.Option("--model", metavar="NAME|FILE", help="A shipped model's name, or a .tflite file.")]
Runtime = Annotated[
    str | None,
    typer.Option("--runtime", metavar="NAME", help="Force a TFLite runtime: ai-edge-litert or tflite-runtime."),
]
Criteria = Annotated[
    str,
    typer.Option(
        "--criteria", metavar="NAME|FILE", help="A shipped profile, a TOML file, or auto: by the fibre's core."
    ),
]
Zones = Annotated[
    str | None,
    typer.Option("--zones", metavar="A,B", help="Judge these zones of the profile alone; its name then tells them."),
]
UmPerPx = Annotated[
    str | None,
    typer.Option("--um-per-px", metavar="X[,Y]", help="Calibrated size of a pixel in um; Y where it is not square."),
]
Cladding = Annotated[
    float | None,
    typer.Option("--cladding", metavar="UM", help="Diameter of the cladding in um, 125 or 140; without a calibration."),
]
Fibres = Annotated[
    int | None,
    typer.Option("--fibres", metavar="N", help="How many fibres a picture has to show; a missing one cannot pass."),
]
Cleanings = Annotated[
    int, typer.Option("--cleanings", metavar="N", help="How often the connector was cleaned before this look.")
]
Overlay = Annotated[
    Path | None,
    typer.Option("--overlay", parser=path_of, metavar="DIR", help="Draw each picture with its findings into DIR."),
]
OverlayFormat = Annotated[
    str, typer.Option("--overlay-format", metavar="png|svg", help="Format of the overlays: png or svg.")
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Overlays replace what lies in DIR; else they get another number.")
]
Capture = Annotated[
    Path | None,
    typer.Option("--capture", parser=path_of, metavar="DIR", help="Keep patches that are worth a label in DIR."),
]
CaptureMb = Annotated[
    float, typer.Option("--capture-mb", metavar="MB", help="Room for everything in that folder together.")
]
CaptureQuota = Annotated[
    int, typer.Option("--capture-quota", metavar="N", help="Patches that may wait for a label, of each answer.")
]
MaxMegapixels = Annotated[
    float,
    typer.Option("--max-megapixels", metavar="N", help="Largest picture that is read; it may take 4 N MB decoded."),
]
Recursive = Annotated[bool, typer.Option("--recursive", "-r", help="Also read the folders below a folder.")]


@dataclass(frozen=True, kw_only=True)
class JudgingOptions:
    """The options of all commands that judge pictures, as given: they are checked when they are used.

    The order of the fields is the order of the help, but for the last ones.
    """

    json: Json = False
    criteria: Criteria = DEFAULT_CRITERIA
    zones: Zones = None
    model: Model = DEFAULT_MODEL
    runtime: Runtime = None
    um_per_px: UmPerPx = None
    cladding: Cladding = None
    fibres: Fibres = None
    cleanings: Cleanings = 0
    max_megapixels: MaxMegapixels = DEFAULT_MAX_MEGAPIXELS
    quiet: Quiet = False
    verbose: Verbose = False


@dataclass(frozen=True, kw_only=True)
class InspectionOptions(JudgingOptions):
    """The options that `inspect` and `watch` share."""

    overlay: Overlay = None
    overlay_format: OverlayFormat = "png"
    overwrite: Overwrite = False
    capture: Capture = None
    capture_mb: CaptureMb = DEFAULT_CAPTURE_MB
    capture_quota: CaptureQuota = DEFAULT_CAPTURE_QUOTA


_LAST_IN_HELP = ("quiet", "verbose")
"""These end the list, after the options that only one command has."""


def with_shared_options(command: Callable[..., None]) -> Callable[..., None]:
    """The command as Typer is to see it: its parameter of type `JudgingOptions` becomes one option a field.

    In the help the command's other parameters keep their side: those before that one precede the shared options,
    those after it follow them, before `--quiet` and `--verbose`.
    """
    own = list(signature(command, eval_str=True).parameters.values())
    place = next(i for i, parameter in enumerate(own) if _is_shared(parameter.annotation))
    kind: type[JudgingOptions] = own[place].annotation
    hints = get_type_hints(kind, include_extras=True)  # with what Annotated carries for Typer
    shared = {
        field.name: Parameter(field.name, Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name])
        for field in fields(kind)
    }

    @functools.wraps(command)
    def called_by_typer(**given: Any) -> None:
        options = kind(**{name: given.pop(name) for name in shared})
        command(**given, **{own[place].name: options})

    first = [parameter for name, parameter in shared.items() if name not in _LAST_IN_HELP]
    last = [shared[name] for name in _LAST_IN_HELP]
    ordered = [*own[:place], *first, *own[place + 1 :], *last]
    called_by_typer.__signature__ = Signature(  # type: ignore[attr-defined]
        [parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in ordered]
    )
    return called_by_typer


def _is_shared(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, JudgingOptions)
