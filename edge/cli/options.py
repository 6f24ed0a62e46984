"""The options that several commands share, so that one word means one thing everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def path_of(text: str) -> Path:
    """The path that a text names, which is judged when it is used: one that cannot be read must not stop the others.

    Raises:
        typer.BadParameter: an empty text (such as a shell's variable that is not set, which Path takes for the
            working folder), or one with a NUL in it.
    """
    if not text or "\0" in str(text):
        raise typer.BadParameter("a path is not empty and holds no NUL; is a variable not set?")
    return Path(text)


def source_of(text: str) -> str:
    """A camera, stream or path as text.

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
    str, typer.Option("--criteria", metavar="NAME|FILE", help="A shipped profile's name, or a TOML file.")
]
UmPerPx = Annotated[
    str | None,
    typer.Option("--um-per-px", metavar="X[,Y]", help="Calibrated size of a pixel in um; Y where it is not square."),
]
Cladding = Annotated[
    float | None,
    typer.Option("--cladding", metavar="UM", help="Diameter of the cladding in um, 125 or 140; without a calibration."),
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
