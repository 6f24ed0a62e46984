"""Where pictures come from: a camera, a stream, a video, a folder or a file, each as grey frames."""

from edge.sources.dispatch import events, frames, has_pictures, is_live, list_pictures, picture_events, shown_name
from edge.sources.live import LiveSettings, LostFrame
from edge.sources.pictures import frame_of, list_folder, read_frame, read_picture, to_grey

__all__ = [
    "LiveSettings",
    "LostFrame",
    "events",
    "frame_of",
    "frames",
    "has_pictures",
    "is_live",
    "list_folder",
    "list_pictures",
    "picture_events",
    "read_frame",
    "read_picture",
    "shown_name",
    "to_grey",
]
