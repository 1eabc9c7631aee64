"""Pictures light enough for a README: the colours of a screenshot reduced to 256."""

from __future__ import annotations

import base64
import struct
import zlib

from playwright.sync_api import Page

# Runs in the browser, which decodes pictures faster than Python could.
REDUCE = """async (source) => {
    const image = new Image();
    image.src = "data:image/png;base64," + source;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const pixels = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
    const counts = new Map();
    for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) || 0) + 1);
    const parts = (colour) => [colour & 255, (colour >> 8) & 255, (colour >> 16) & 255];
    const far = (a, b) => parts(a).reduce((sum, part, n) => sum + (part - parts(b)[n]) ** 2, 0);
    // The most frequent as they are: whites that differ by little. Then rare ones unlike any other: a red badge.
    const ranked = [...counts].sort((a, b) => b[1] - a[1]).map(([colour]) => colour);
    const palette = ranked.slice(0, 64);
    for (const colour of ranked.slice(64)) {
        if (palette.length < 256 && palette.every((other) => far(colour, other) > 150)) palette.push(colour);
    }
    const places = new Map(palette.map((colour, place) => [colour, place]));
    const nearest = (colour) => palette.reduce(
        (best, other, place) => far(colour, other) < far(colour, palette[best]) ? place : best, 0);
    const indices = new Uint8Array(pixels.length);
    pixels.forEach((pixel, n) => {
        if (!places.has(pixel)) places.set(pixel, nearest(pixel));
        indices[n] = places.get(pixel);
    });
    let text = "";
    for (let n = 0; n < indices.length; n += 32768) {
        text += String.fromCharCode(...indices.subarray(n, n + 32768));
    }
    return {width: image.width, height: image.height, colours: palette.map(parts), indices: btoa(text)};
}"""


def lighter(png: bytes, darkroom: Page) -> bytes:
    """The same picture as a palette PNG. `darkroom` is any empty page."""
    found = darkroom.evaluate(REDUCE, base64.b64encode(png).decode())
    width, height = found["width"], found["height"]
    pixels = base64.b64decode(found["indices"])
    rows = b"".join(b"\0" + pixels[start : start + width] for start in range(0, width * height, width))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", bytes(part for colour in found["colours"] for part in colour)),
            _chunk(b"IDAT", zlib.compress(rows, 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
