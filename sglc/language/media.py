"""Images and videos as base64 data."""

from __future__ import annotations

import base64
import importlib
import io
import os
from pathlib import Path
from typing import Any

from sglc.language.exprs import SglImage, SglVideo


def encode_image_base64(image: Any) -> str:
    """
    Base64 of an image's file.

    `image` is a local path, the bytes of an image file, or an object with `save` (PIL), which is
    stored as PNG. TypeError for anything else, OSError for an unreadable path.
    """
    if isinstance(image, str | os.PathLike):
        return base64.b64encode(Path(image).read_bytes()).decode()
    if isinstance(image, bytes):
        return base64.b64encode(image).decode()
    if hasattr(image, "save"):
        buffer = io.BytesIO()
        image.save(buffer, format="PNG")
        return base64.b64encode(buffer.getvalue()).decode()
    raise TypeError(f"an image is a path, bytes or a PIL image, not {type(image).__name__}")


def encode_video_base64(video_path: str, num_frames: int = 16) -> str:
    """
    `video:` and the base64 of `num_frames` PNG frames spread evenly over a local video file.

    ImportError without OpenCV, OSError for a file it cannot read.
    """
    cv2: Any = importlib.import_module("cv2")
    capture = cv2.VideoCapture(video_path)
    if not capture.isOpened():
        raise OSError(f"cannot open video {video_path!r}")
    total = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    step = (total - 1) / max(num_frames - 1, 1)
    wanted = {int(i * step) for i in range(num_frames)}
    frames = []
    for index in range(total):
        ok, frame = capture.read()
        if not ok:
            break
        if index in wanted:
            frames.append(cv2.imencode(".png", frame)[1].tobytes())
    capture.release()
    return "video:" + base64.b64encode(b"".join(frames)).decode()


def load_media(expr: SglImage | SglVideo) -> tuple[str, str]:
    """What an image or video expression names, and its base64 data."""
    if isinstance(expr, SglVideo):
        return expr.path, encode_video_base64(expr.path, expr.num_frames)
    source = expr.path if isinstance(expr.path, str) else f"<{type(expr.path).__name__}>"
    return source, encode_image_base64(expr.path)
