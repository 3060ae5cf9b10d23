"""Pixels of a PNG as screenshots are: 8 bits a channel, not interlaced. Size of a JPEG."""

from __future__ import annotations

import base64
import struct
import zlib

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def paeth(left, up, corner):
    estimate = left + up - corner
    distances = [(abs(estimate - left), 0, left), (abs(estimate - up), 1, up), (abs(estimate - corner), 2, corner)]
    return min(distances)[2]


class Png:
    def __init__(self, text):
        data = base64.b64decode(text)
        assert data.startswith(b"\x89PNG\r\n\x1a\n")
        packed, self.palette, at = b"", b"", 8
        while at < len(data):
            size, name = struct.unpack(">I4s", data[at : at + 8])
            content = data[at + 8 : at + 8 + size]
            if name == b"IHDR":
                self.width, self.height, depth, self.kind, _, _, interlaced = struct.unpack(">IIBBBBB", content)
                assert (depth, interlaced) == (8, 0)
            elif name == b"PLTE":
                self.palette = content
            elif name == b"IDAT":
                packed += content
            at += 12 + size
        self.rows = self._unfilter(zlib.decompress(packed))

    def _unfilter(self, data):
        step = CHANNELS[self.kind]
        stride = self.width * step
        rows, above = [], bytearray(stride)
        for y in range(self.height):
            start = y * (stride + 1)
            row = bytearray(data[start + 1 : start + 1 + stride])
            self._add(data[start], row, above, step)
            rows.append(row)
            above = row
        return rows

    @staticmethod
    def _add(kind, row, above, step):
        if kind == 0:
            return
        for x in range(len(row)):
            left = row[x - step] if x >= step else 0
            corner = above[x - step] if x >= step else 0
            row[x] = (row[x] + (left, above[x], (left + above[x]) >> 1, paeth(left, above[x], corner))[kind - 1]) & 255

    def at(self, x, y):
        step = CHANNELS[self.kind]
        pixel = tuple(self.rows[y][x * step : x * step + step])
        if self.kind == 3:
            return tuple(self.palette[pixel[0] * 3 : pixel[0] * 3 + 3])
        return pixel[:3] if step >= 3 else (pixel[0],) * 3


def jpeg_size(text):
    data, at = base64.b64decode(text), 2
    assert data.startswith(b"\xff\xd8")
    while data[at + 1] not in (0xC0, 0xC1, 0xC2):
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    height, width = struct.unpack(">HH", data[at + 5 : at + 9])
    return width, height
