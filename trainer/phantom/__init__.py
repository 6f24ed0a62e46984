"""Drawn end faces with known truth: a `Scene` in, a picture with its marks out."""

from trainer.phantom.random_scenes import random_scene
from trainer.phantom.rendering import Mark, Phantom, render
from trainer.phantom.scene import Scene

__all__ = ["Mark", "Phantom", "Scene", "random_scene", "render"]
