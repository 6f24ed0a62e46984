"""Drawn end faces with known truth: a `Scene` in, a picture with its marks out."""

from trainer.phantom.random_scenes import random_scene
from trainer.phantom.rendering import Mark, Phantom, render
from trainer.phantom.scene import Defect, Fibre, Light, Scene, Sensor, Texture

__all__ = ["Defect", "Fibre", "Light", "Mark", "Phantom", "Scene", "Sensor", "Texture", "random_scene", "render"]
