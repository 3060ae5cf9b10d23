"""Recordings where there is no ffmpeg and no screen: the default image. tests/e2e/desktop has the rest."""

from __future__ import annotations

from conftest import MODERN

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def test_none(shared):
    assert shared.computer_use.recording.list().recordings == []


def test_without_ffmpeg(shared, raises):
    error = raises("any", lambda: shared.computer_use.recording.start("label"), status=503, message="FFmpeg must be installed and available in PATH")
    if MODERN:
        assert error.code == "RECORDING_FFMPEG_NOT_FOUND"


def test_unknown(shared, raises):
    recording = shared.computer_use.recording
    for call in (recording.get, recording.stop, recording.delete):
        raises("not_found", lambda: call(UNKNOWN), status=404, message="recording not found")
    raises("any", lambda: recording.start("a/b"), status=400, message="invalid label")
