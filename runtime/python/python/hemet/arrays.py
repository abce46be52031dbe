"""Arrays and pictures as inputs of a network."""

from __future__ import annotations

import math
from typing import Any, Sequence

import numpy as np

from ._hemet import HemetError

_CHANNELS = {"L": 1, "RGB": 3}


def to_inputs(inputs: Any, shape: Sequence[int]) -> np.ndarray:
    """One or more inputs as rows of 64-bit floats, in channel-major order.

    `inputs` is an array of `shape` (channels, height, width), one of any shape with as many elements, a stack of them
    with one axis more in front, a picture of PIL (grey or RGB, of just this size), or a list of pictures. Pixels of a
    picture are divided by 255, as those of a folder of images are; arrays are taken as they are.
    """
    if hasattr(inputs, "getbands"):
        return _picture(inputs, shape)[None]
    if isinstance(inputs, (list, tuple)) and inputs and hasattr(inputs[0], "getbands"):
        return np.stack([_picture(picture, shape) for picture in inputs])
    array = np.asarray(inputs, dtype=np.float64)
    size = math.prod(shape)
    if array.size == size:
        return np.ascontiguousarray(array).reshape(1, size)
    if array.ndim > 1 and array.size == size * array.shape[0] and array.size > 0:
        return np.ascontiguousarray(array).reshape(-1, size)
    raise HemetError(
        f"an array of shape {array.shape} has {array.size} numbers, the network takes {size} "
        f"({' x '.join(map(str, shape))}), or a stack of such inputs"
    )


def _picture(picture: Any, shape: Sequence[int]) -> np.ndarray:
    channels, height, width = shape
    found = _CHANNELS.get(picture.mode)
    if found != channels or picture.size != (width, height):
        raise HemetError(
            f"a picture of mode {picture.mode} and {picture.size[0]}x{picture.size[1]} pixels, the network takes {channels} "
            f"channel(s) of {width}x{height}; convert and resize it as the network was trained"
        )
    # The division is in 32 bits, as in training.
    pixels = np.asarray(picture, dtype=np.float32) / np.float32(255)
    planes = pixels.reshape(height, width, channels).transpose(2, 0, 1)
    return planes.astype(np.float64).reshape(-1)
