"""Headless Chromium by Playwright: pages that remember what they asked for and complained about."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PATIENCE = 60_000.0
"""Milliseconds that a single wait may take, on a machine that is busy with other tests."""


@dataclass(frozen=True)
class Tab:
    """A page of the browser, and what it did."""

    page: Any
    """``playwright.sync_api.Page``"""
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, path: Path, *, scheme: str = "light") -> None:
        """Show a report, and wait until its map can be looked at."""
        self.page.emulate_media(color_scheme=scheme)
        self.page.goto(path.resolve().as_uri())
        self.page.wait_for_selector("html[data-ready=map]", state="attached")

    def run(self, script: str, argument: Any = None) -> Any:
        return self.page.evaluate(script, argument)

    def said(self, name: str) -> str:
        return str(self.page.text_content(f"#{name}"))

    def set_slider(self, name: str, value: int) -> None:
        self.page.fill(f"#{name}", str(value))

    def look(self) -> np.ndarray:
        """The map as it is seen, (h, w, 3)."""
        with Image.open(io.BytesIO(self.page.locator("#map").screenshot())) as picture:
            return np.asarray(picture.convert("RGB"))

    def point_at(self, row: int, col: int, shape: tuple[int, int]) -> None:
        """Move the mouse to the middle of a pixel of a map of ``shape`` that is shown as a whole."""
        self.page.locator("#map").scroll_into_view_if_needed()
        box = self.page.locator("#map").bounding_box()
        size = min(box["width"] / shape[1], box["height"] / shape[0])
        self.page.mouse.move(
            box["x"] + box["width"] / 2 + (col + 0.5 - shape[1] / 2) * size,
            box["y"] + box["height"] / 2 + (row + 0.5 - shape[0] / 2) * size,
        )
