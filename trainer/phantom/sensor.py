"""What optics, camera and file make of an end face: blur, the analogue line's echo, sharpening, noise, JPEG."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.phantom.scene import Sensor


def through_optics(grey: NDArray[np.float32], sensor: Sensor) -> NDArray[np.float32]:
    """The picture after blur, the line's echo and sharpening; linear, and a new array unless nothing is done."""
    seen = cv2.GaussianBlur(grey, (0, 0), sensor.blur_px) if sensor.blur_px > 0.2 else grey
    if sensor.ringing > 0:
        offset = np.arange(-24, 25)
        late = offset - sensor.ringing_px
        echo = np.exp(-0.5 * late**2)
        if sensor.ringing_tail_px > 0:
            # An amplifier that lost its level comes back to it exponentially.
            echo = np.where(late > 0, np.maximum(echo, np.exp(-np.maximum(late, 0) / sensor.ringing_tail_px)), echo)
        kernel = (offset == 0) * (1.0 + sensor.ringing) - sensor.ringing * echo / echo.sum()
        # filter2D correlates: what lies to the left of a pixel echoes into it.
        kernel = kernel[::-1][None, :].astype(np.float32)
        seen = cv2.filter2D(seen, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    if sensor.sharpen > 0:
        soft = cv2.GaussianBlur(seen, (0, 0), sensor.sharpen_px)
        seen = cv2.addWeighted(seen, 1.0 + sensor.sharpen, soft, -sensor.sharpen, 0.0)
    return np.asarray(seen, np.float32)


def recorded(seen: NDArray[np.float32], sensor: Sensor, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The picture as the file holds it: noise, grey levels, frame border, JPEG."""
    noise = rng.standard_normal(seen.shape, dtype=np.float32)
    if sensor.noise_px > 0:
        noise = cv2.GaussianBlur(noise, (0, 0), sensor.noise_px) * np.float32(3.5 * sensor.noise_px)
    pixels: NDArray[np.uint8] = np.clip(seen + np.float32(sensor.noise_grey) * noise + 0.5, 0, 255).astype(np.uint8)
    if sensor.border_px > 0:
        b = sensor.border_px
        frame = np.full_like(pixels, 16)
        top, left = b // 2, b
        frame[top : -b // 2 or None, left:-b] = pixels[top : -b // 2 or None, left:-b]
        pixels = frame
    if sensor.jpeg > 0:
        done, packed = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, sensor.jpeg])
        if done:
            pixels = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)
    return pixels
