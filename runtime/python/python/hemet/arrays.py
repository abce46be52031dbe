"""Arrays and pictures as inputs of a network."""

from __future__ import annotations

import math
from typing import Any, Sequence

import numpy as np

from . import _hemet
from ._hemet import HemetError

_CHANNELS = {"L": 1, "RGB": 3}


def to_inputs(inputs: Any, shape: Sequence[int], spec: _hemet.Spec | None = None) -> np.ndarray:
    """One or more inputs as rows of 64-bit floats, in channel-major order.

    `inputs` is an array of `shape` (channels, height, width), one of any shape with as many elements, a stack of them
    with one axis more in front, a picture of PIL (gray or RGB), or a list of pictures. Arrays are taken as they are.
    A picture is turned upright, brought to the network's size and made numbers as its training did it, as far as
    `spec` says so; without a spec pictures are of just this size and their pixels are divided by 255.
    """
    if hasattr(inputs, "getbands"):
        return _picture(inputs, shape, spec)[None]
    if isinstance(inputs, (list, tuple)) and inputs and hasattr(inputs[0], "getbands"):
        return np.stack([_picture(picture, shape, spec) for picture in inputs])
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


def _picture(picture: Any, shape: Sequence[int], spec: _hemet.Spec | None) -> np.ndarray:
    from PIL import ImageOps

    picture = ImageOps.exif_transpose(picture)
    channels = _CHANNELS.get(picture.mode)
    if channels is None:
        raise HemetError(f"a picture of mode {picture.mode}; convert it to L (gray) or RGB")
    axes = (channels, picture.size[1], picture.size[0])
    if spec is not None:
        return np.frombuffer(spec.picture(picture.tobytes(), axes), dtype="<f8")
    if axes != tuple(shape):
        raise HemetError(
            f"a picture of {axes} (channels, height, width), the network takes {tuple(shape)}; convert and resize it as "
            "the network was trained"
        )
    # The division is in 32 bits, as in training.
    pixels = np.asarray(picture, dtype=np.float32) / np.float32(255)
    planes = pixels.reshape(*axes[1:], channels).transpose(2, 0, 1)
    return planes.astype(np.float64).reshape(-1)
