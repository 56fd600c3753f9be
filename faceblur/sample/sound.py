"""The sample's music: four soft chords, an arpeggio above them, a little room."""

from __future__ import annotations

import numpy as np

SAMPLE_RATE = 48_000
CHORDS = ((50, 57, 62, 66, 69), (47, 54, 62, 66, 71), (43, 50, 59, 62, 69), (45, 52, 61, 64, 71))
"""MIDI note numbers, lowest first: D, B minor, G with its ninth, A with its ninth."""
TUNE = (0, 2, 3, 4, 3, 2)
"""Which notes of the chord the arpeggio plays, an octave up."""


def music(seconds: float) -> tuple[np.ndarray, int]:
    """(Nx2 float32 in -1..1, sample rate), the same samples each time."""
    length = round(seconds * SAMPLE_RATE)
    dry = np.zeros((length, 2))
    bar = seconds / len(CHORDS)
    for number, chord in enumerate(CHORDS):
        _pad(dry, chord, number * bar, bar)
        _arpeggio(dry, chord, number * bar, bar)
    wet = dry + 0.45 * _room(dry)
    from_edge = np.minimum(np.arange(length), length - np.arange(length))
    wet *= np.clip(from_edge / (0.6 * SAMPLE_RATE), 0, 1)[:, None]
    return (wet * (0.5 / np.abs(wet).max())).astype(np.float32), SAMPLE_RATE


def _hertz(note: float) -> float:
    return 440.0 * 2 ** ((note - 69) / 12)


def _add(mix: np.ndarray, sound: np.ndarray, at_s: float, pan: float) -> None:
    """Mix a mono sound in; `pan` is 0 (left) to 1 (right), at constant power."""
    start = round(at_s * SAMPLE_RATE)
    sound = sound[: len(mix) - start]
    mix[start : start + len(sound), 0] += sound * np.cos(pan * np.pi / 2)
    mix[start : start + len(sound), 1] += sound * np.sin(pan * np.pi / 2)


def _pad(mix: np.ndarray, chord: tuple[int, ...], at_s: float, bar_s: float) -> None:
    """Each note three voices slightly out of tune, swelling in and out over the neighbouring bars."""
    t = np.arange(round(bar_s * 1.35 * SAMPLE_RATE)) / SAMPLE_RATE
    swell = np.clip(t / 0.9, 0, 1) * np.clip((t[-1] - t) / 1.0, 0, 1)
    swell = swell * swell * (3 - 2 * swell)
    for index, note in enumerate(chord):
        for voice, cents in enumerate((-5, 0, 6)):
            turn = 2 * np.pi * _hertz(note + cents / 100) * t + index + voice
            tone = np.sin(turn) + 0.30 * np.sin(2 * turn) + 0.10 * np.sin(3 * turn) + 0.03 * np.sin(4 * turn)
            _add(mix, 0.10 * tone * swell, at_s, 0.25 + 0.25 * voice)


def _arpeggio(mix: np.ndarray, chord: tuple[int, ...], at_s: float, bar_s: float) -> None:
    step = bar_s / len(TUNE)
    t = np.arange(round(1.6 * SAMPLE_RATE)) / SAMPLE_RATE
    for index, degree in enumerate(TUNE):
        turn = 2 * np.pi * _hertz(chord[degree] + 12) * t
        bell = np.sin(turn) * np.exp(-3.2 * t) + 0.25 * np.sin(2 * turn) * np.exp(-5 * t)
        bell += 0.06 * np.sin(4 * turn) * np.exp(-9 * t)
        loud = 0.30 if index == 0 else 0.20
        _add(mix, loud * bell * np.clip(t / 0.008, 0, 1), at_s + index * step, 0.35 + 0.3 * (index % 2))


def _room(dry: np.ndarray) -> np.ndarray:
    """The sound's echo in a soft hall: convolution with noise that dies away in two seconds."""
    length = 2 * SAMPLE_RATE
    t = np.arange(length) / SAMPLE_RATE
    noise = np.random.default_rng(11).normal(0, 1, (length, 2)) * np.exp(-3.0 * t)[:, None]
    # A running mean takes the hiss out of the noise, so the echo is darker than the sound.
    total = np.cumsum(np.vstack([np.zeros((24, 2)), noise]), axis=0)
    echo = (total[24:] - total[:-24]) / np.sqrt(24)
    echo /= np.sqrt((echo**2).sum(axis=0))
    size = 1 << int(np.ceil(np.log2(len(dry) + length)))
    spectrum = np.fft.rfft(dry, size, axis=0) * np.fft.rfft(echo, size, axis=0)
    return np.fft.irfft(spectrum, size, axis=0)[: len(dry)]
