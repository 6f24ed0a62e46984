"""Patches that are worth a label, kept while inspecting, and where they lie."""

from edge.capture.selection import CaptureSettings, PatchCapture

__all__ = ["CaptureSettings", "PatchCapture"]
