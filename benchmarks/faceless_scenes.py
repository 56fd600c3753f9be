"""Drawn scenes of things that detectors take for faces. The same every time: SCENES gives each one's name, kind and
painter, which makes it uint8 [540, 960, BGR].
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from faceless_canvas import HIGH, WIDE, Canvas, Colour, X, Y
from faceless_pictures import POSTERS, STATUES, THINGS, TOYS

_FUR, _SKIN, _STONE, _WOOD = (60, 105, 160), (135, 165, 215), (185, 195, 200), (85, 130, 180)


def _teddy(on: Canvas, x, y, size, fur: Colour = _FUR) -> None:
    pale = tuple(min(255, int(n * 1.5)) for n in fur)
    on.solid(x, y + 1.75 * size, 0.95 * size, 1.1 * size, fur, rough=0.35)
    for side in (-1, 1):
        on.limb(
            (x + side * 0.75 * size, y + 1.1 * size), (x + side * 1.4 * size, y + 1.8 * size), 0.3 * size, fur, 0.35
        )
        on.solid(x + side * 0.75 * size, y - 0.75 * size, 0.36 * size, 0.36 * size, fur, rough=0.35)
        on.solid(x + side * 0.75 * size, y - 0.72 * size, 0.2 * size, 0.2 * size, pale, rough=0.3)
    on.solid(x, y, size, 0.92 * size, fur, rough=0.35)
    on.solid(x, y + 0.35 * size, 0.45 * size, 0.36 * size, pale, rough=0.25)
    for side in (-1, 1):
        on.solid(x + side * 0.36 * size, y - 0.12 * size, 0.1 * size, 0.11 * size, (20, 20, 25), shine=0.8)
    on.solid(x, y + 0.2 * size, 0.15 * size, 0.11 * size, (25, 25, 35), shine=0.5)
    on.line([(x, y + 0.3 * size), (x, y + 0.48 * size), (x - 0.18 * size, y + 0.55 * size)], (30, 35, 60), 3)
    on.line([(x, y + 0.48 * size), (x + 0.18 * size, y + 0.55 * size)], (30, 35, 60), 3)


def teddy() -> np.ndarray:
    on = Canvas(1)
    _teddy(on, 480, 200, 120)
    return on.done()


def teddies() -> np.ndarray:
    on = Canvas(2, (150, 175, 160), (90, 110, 150))
    for number, (x, y) in enumerate([(150, 240), (390, 190), (620, 250), (840, 200)]):
        _teddy(on, x, y, 70 - 6 * (number % 3), [_FUR, (190, 195, 205), (40, 60, 90), (150, 120, 190)][number])
    return on.done()


def doll() -> np.ndarray:
    """A rag doll: a cloth head, wool for hair, buttons for eyes, a stitched mouth."""
    on = Canvas(3, (170, 200, 190), (110, 110, 140))
    on.solid(480, 450, 150, 170, (90, 80, 190), rough=0.1)
    for angle in range(-80, 81, 8):
        on.limb(
            (480, 205),
            (480 + 150 * np.sin(np.radians(angle)), 215 - 150 * np.cos(np.radians(angle))),
            12,
            (40, 60, 190),
        )
    on.solid(480, 220, 112, 122, (170, 195, 225), rough=0.06)
    for side in (-1, 1):
        on.solid(480 + side * 42, 205, 15, 15, (60, 40, 30), shine=0.4)
        for spot in (-4, 4):
            on.solid(480 + side * 42 + spot, 205, 2.5, 2.5, (200, 200, 200))
        on.solid(480 + side * 66, 252, 16, 12, (140, 150, 230), rough=0.05)
    on.line([(440, 270), (460, 283), (480, 287), (500, 283), (520, 270)], (50, 40, 170), 3)
    return on.done()


def skittles() -> np.ndarray:
    """Pegs of wood with round heads and painted bodies, as in a game."""
    on = Canvas(4)
    for number in range(6):
        x, y = 110 + 150 * number, 190 + 40 * (number % 2)
        on.solid(x, y + 160, 48, 130, [(60, 60, 190), (170, 110, 40), (70, 150, 70)][number % 3], rough=0.05, shine=0.2)
        on.solid(x, y, 46, 48, (150, 190, 225), rough=0.08, shine=0.15)
    return on.done()


def balls() -> np.ndarray:
    on = Canvas(5, (200, 205, 190), (70, 120, 90))
    on.solid(220, 330, 130, 130, (60, 110, 230), rough=0.08)
    for bend in (-80, 0, 80):
        on.line(
            [(220 + bend * np.cos(t) * 0.9, 330 + 126 * np.sin(t)) for t in np.linspace(-1.57, 1.57, 30)],
            (20, 20, 30),
            3,
        )
    on.solid(520, 360, 95, 95, (225, 230, 235), shine=0.3)
    for x, y in [(520, 355), (465, 310), (578, 312), (470, 420), (572, 418)]:
        turn = np.linspace(0, 2 * np.pi, 6)[:-1]
        on.flat(np.stack([x + 22 * np.cos(turn), y + 21 * np.sin(turn)], 1), (30, 30, 30))
    on.solid(780, 350, 110, 108, (40, 40, 45), shine=0.9)
    for x, y in [(760, 300), (790, 295), (778, 328)]:
        on.solid(x, y, 10, 9, (5, 5, 5))
    return on.done()


def heads_from_behind() -> np.ndarray:
    """Bald ovals on shoulders, seen from behind: smooth skin, ears, no features."""
    on = Canvas(6, (120, 110, 100), (60, 55, 55))
    for x, y, size in [(170, 250, 75), (420, 220, 95), (690, 240, 80), (880, 290, 60)]:
        on.solid(x, y + 2.5 * size, 1.9 * size, 1.3 * size, (70, 60, 50), rough=0.1)
        on.limb((x, y + 0.7 * size), (x, y + 1.5 * size), 0.5 * size, _SKIN)
        for side in (-1, 1):
            on.solid(x + side * 0.98 * size, y + 0.1 * size, 0.14 * size, 0.26 * size, _SKIN, rough=0.03)
        on.solid(x, y, size, 1.25 * size, _SKIN, rough=0.03, shine=0.15)
    return on.done()


def mannequin() -> np.ndarray:
    """A shop's dummy: an egg for a head, no eyes, no mouth."""
    on = Canvas(7, (215, 215, 215), (170, 170, 175))
    on.solid(480, 560, 260, 160, (210, 215, 220), shine=0.1)
    on.limb((480, 320), (480, 440), 48, (210, 215, 220))
    on.solid(480, 220, 96, 132, (215, 220, 225), shine=0.25)
    on.solid(484, 240, 12, 30, (215, 220, 225))
    return on.done()


def bust() -> np.ndarray:
    """A weathered bust of stone: brow and nose, hollows for eyes."""
    on = Canvas(8, (150, 140, 120), (90, 100, 95))
    on.box(340, 470, 280, 70, (150, 155, 160), 0.15)
    on.solid(480, 470, 200, 110, _STONE, rough=0.2)
    on.limb((480, 300), (480, 400), 60, _STONE, 0.2)
    on.solid(480, 150, 122, 90, (170, 180, 185), rough=0.4)
    on.solid(480, 215, 105, 135, _STONE, rough=0.2)
    for side in (-1, 1):
        on.solid(480 + side * 42, 205, 26, 15, (120, 128, 132), rough=0.2)
    on.solid(480, 235, 15, 42, _STONE, rough=0.15)
    on.solid(480, 300, 34, 7, (125, 132, 138), rough=0.2)
    return on.done(1.2)


def bottles() -> np.ndarray:
    on = Canvas(9, (190, 200, 205), (70, 90, 120))
    colours = [(50, 120, 50), (40, 70, 130), (190, 180, 160), (60, 60, 190), (180, 120, 60)]
    for number, colour in enumerate(colours):
        x = 130 + 175 * number
        on.solid(x, 385, 56, 150, colour, shine=0.5)
        on.box(x - 53, 330, 106, 170, tuple(int(n * 0.9) for n in colour))
        on.limb((x, 150), (x, 270), 22, colour)
        on.solid(x, 135, 24, 18, (40, 40, 45), shine=0.4)
        on.box(x - 48, 370, 96, 80, (215, 225, 230), 0.05)
        on.text("No." + str(number + 3), x - 36, 420, 0.9, (40, 40, 120))
    return on.done()


def hands() -> np.ndarray:
    """An open hand and a fist."""
    on = Canvas(10, (150, 140, 120), (100, 95, 90))
    on.limb((290, 560), (290, 420), 60, _SKIN)
    on.solid(290, 360, 92, 105, _SKIN, rough=0.04)
    for number, (lean, length) in enumerate([(-28, 130), (-9, 165), (8, 160), (25, 130)]):
        start = np.array([232 + 38 * number, 300.0])
        on.limb(start, start + length * np.array([np.sin(np.radians(lean)), -np.cos(np.radians(lean))]), 21, _SKIN)
    on.limb((370, 390), (450, 310), 24, _SKIN)
    on.limb((700, 560), (690, 420), 66, _SKIN)
    on.solid(690, 330, 98, 104, _SKIN, rough=0.04)
    for number in range(4):
        on.solid(632 + 40 * number, 300 + 6 * abs(number - 1.5), 23, 50, _SKIN, rough=0.04)
    on.limb((625, 385), (735, 370), 23, _SKIN)
    return on.done()


def wood() -> np.ndarray:
    """A board with knots, two of them side by side."""
    on = Canvas(11, _WOOD, _WOOD)
    bent = Y + 14 * on.texture(160)
    for x, y, size in [(360, 200, 46), (600, 205, 42), (480, 390, 50), (820, 120, 30), (120, 430, 34)]:
        far = np.hypot((X - x) / 1.1, (Y - y) / 0.8)
        bent = bent + np.sign(Y - y) * 60 * np.exp(-((far / (1.7 * size)) ** 2))
        on.pixels *= (1 - 0.7 * np.exp(-((far / size) ** 4)) * (0.85 + 0.15 * np.cos(far / 3)))[..., None]
    on.pixels *= (1 + 0.1 * np.sin(bent / 5) + 0.06 * on.texture(2))[..., None]
    return on.done()


def sockets() -> np.ndarray:
    on = Canvas(12, (205, 210, 210), (180, 185, 188))
    for x in (250, 710):
        on.box(x - 120, 150, 240, 240, (225, 230, 232), 0.01)
        on.solid(x, 270, 92, 92, (205, 210, 212))
        on.solid(x, 270, 84, 84, (190, 195, 197))
        if x < 480:
            for side in (-1, 1):
                on.solid(x + side * 34, 270, 9, 9, (15, 15, 15))
            for end in (-1, 1):
                on.box(x - 9, 270 + end * 82 - 8, 18, 16, (150, 160, 165))
        else:
            for side in (-1, 1):
                on.box(x + side * 30 - 5, 235, 10, 34, (15, 15, 15))
            on.solid(x, 305, 13, 15, (15, 15, 15))
    return on.done()


def car() -> np.ndarray:
    on = Canvas(13, (215, 195, 175), (80, 80, 80))
    paint = (60, 45, 170)
    on.flat([(280, 90), (680, 90), (760, 235), (200, 235)], (70, 60, 50))
    on.flat([(305, 108), (655, 108), (722, 228), (238, 228)], (150, 140, 125), 0.08)
    on.flat([(170, 235), (790, 235), (830, 440), (130, 440)], paint, 0.03)
    for side in (-1, 1):
        on.solid(480 + side * 255, 300, 66, 46, (225, 230, 230), shine=0.5)
        on.solid(480 + side * 255, 300, 30, 30, (245, 245, 240), shine=0.7)
        on.box(480 + side * 250 - 55, 440, 110, 70, (25, 25, 25), 0.1)
    on.box(345, 290, 270, 70, (30, 30, 30))
    for y in range(296, 356, 12):
        on.box(350, y, 260, 4, (150, 150, 150))
    on.box(160, 385, 640, 38, (70, 70, 75), 0.05)
    on.box(410, 385, 140, 36, (230, 235, 235))
    on.text("B 16 K", 425, 414, 0.9, (20, 20, 20))
    return on.done()


def poster() -> np.ndarray:
    on = Canvas(14, (150, 155, 160), (130, 135, 140))
    on.box(250, 20, 460, 500, (215, 230, 240), 0.02)
    on.text("SUMMER", 300, 100, 2.2, (40, 40, 190))
    on.solid(480, 235, 105, 105, (40, 150, 240))
    for number in range(3):
        shift = 45 * number
        on.flat(
            [(250, 330 + shift), (400, 290 + shift), (560, 350 + shift), (710, 300 + shift), (710, 470), (250, 470)],
            (170 - shift, 120, 60),
        )
    on.text("open air, 7 pm, free", 320, 505, 0.9, (40, 40, 40))
    return on.done()


def painting() -> np.ndarray:
    """Circles, sticks and patches of colour in a frame, in broad strokes."""
    on = Canvas(15, (120, 160, 200), (90, 130, 170))
    for _ in range(40):
        x, y = on.random.uniform(60, 900), on.random.uniform(50, 490)
        colour = tuple(int(n) for n in on.random.uniform(20, 240, 3))
        size = on.random.uniform(10, 70)
        if on.random.random() < 0.5:
            on.solid(x, y, size, size * on.random.uniform(0.5, 1), colour, on.random.uniform(0, 180), 0.3)
        else:
            ends = np.array([x, y]) + on.random.normal(0, size, (3, 2))
            on.flat(ends, colour, 0.3)
    for x, y, wide, high in [(0, 0, WIDE, 32), (0, HIGH - 32, WIDE, 32), (0, 0, 32, HIGH), (WIDE - 32, 0, 32, HIGH)]:
        on.box(x, y, wide, high, (40, 90, 130), 0.1)
    return on.done(1.5)


SCENES: dict[str, tuple[str, Callable[[], np.ndarray]]] = {
    "drawn teddy": (TOYS, teddy),
    "drawn teddies": (TOYS, teddies),
    "drawn rag doll": (TOYS, doll),
    "drawn skittles": (TOYS, skittles),
    "drawn balls": (TOYS, balls),
    "drawn mannequin": (STATUES, mannequin),
    "drawn bust": (STATUES, bust),
    "drawn heads from behind": (STATUES, heads_from_behind),
    "drawn bottles": (THINGS, bottles),
    "drawn hands": (THINGS, hands),
    "drawn wood": (THINGS, wood),
    "drawn sockets": (THINGS, sockets),
    "drawn car": (THINGS, car),
    "drawn poster": (POSTERS, poster),
    "drawn painting": (POSTERS, painting),
}  # fmt: skip
