"""The twelve seconds: two scenes, who is in them, how they are lit, how everyone and the camera move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import backdrops
from .figure import Light
from .motion import Keys, Motion
from .portraits import EILEEN, GRACE, Portrait

WIDTH, HEIGHT, FRAME_RATE = 1280, 720, 30


@dataclass(frozen=True)
class Part:
    """One person's appearance in one scene; `track` is the number in the true boxes."""

    track: int
    portrait: Portrait
    motion: Motion


@dataclass(frozen=True)
class Scene:
    """`parts` in drawing order, nearest last; `pan` and `drop` move the camera over the backdrop (px)."""

    frames: int
    backdrop: Callable[[tuple[int, int]], np.ndarray]
    light: Light
    parts: tuple[Part, ...]
    pan: Keys
    drop: Keys


DUSK = Scene(
    frames=192,
    backdrop=backdrops.launch_pad,
    light=Light(key=(0.86, 0.78, 0.77), left=(0.10, 0.45, 0.75), right=(0.85, 0.55, 0.30), contrast=1.06),
    pan=((0.0, 30.0), (6.4, 130.0)),
    drop=((0.0, 68.0), (6.4, 88.0)),
    parts=(
        Part(
            track=1,
            portrait=GRACE,
            motion=Motion(
                x=((0.9, 1500.0), (1.5, 1330.0), (3.2, 965.0), (4.6, 930.0), (6.4, 800.0)),
                bottom=((0.0, 775.0),),
                scale=((1.0, 0.62), (3.4, 0.90), (6.4, 1.06)),
                lean=((1.2, -2.5), (3.4, 0.0), (4.8, 2.0), (6.4, -1.0)),
                tilt=((2.6, 0.0), (3.6, -7.0), (4.6, -3.0), (5.8, 6.0)),
                yaw=((1.0, -14.0), (2.6, -8.0), (3.6, -24.0), (5.2, -26.0), (6.2, 4.0)),
                nod=((3.4, 0.0), (3.9, 9.0), (4.4, -3.0), (5.0, 2.0)),
                steps=((0.8, 1.0), (2.8, 1.0), (3.6, 0.0), (4.6, 0.0), (5.6, 0.3)),
                phase=0.3,
            ),
        ),
        Part(
            track=0,
            portrait=EILEEN,
            motion=Motion(
                x=((0.0, 330.0), (3.0, 420.0), (4.1, 430.0), (5.1, 160.0), (6.0, -420.0)),
                bottom=((0.0, 790.0), (3.0, 800.0), (6.0, 815.0)),
                scale=((0.0, 0.92), (3.2, 1.34), (6.0, 1.48)),
                lean=((0.0, 0.0), (1.2, 2.0), (3.0, -2.5), (4.2, 0.0), (5.0, -4.0), (6.0, -3.0)),
                tilt=((0.0, 2.0), (1.3, -8.0), (2.6, 7.0), (3.8, -4.0), (4.8, 3.0)),
                yaw=((0.0, 4.0), (1.0, 24.0), (1.9, 6.0), (3.2, 24.0), (4.0, 14.0), (4.9, -28.0)),
                nod=((0.0, -4.0), (1.0, -10.0), (2.2, 3.0), (3.3, 7.0), (3.8, 0.0)),
                steps=((0.0, 0.5), (2.2, 0.5), (3.0, 0.0), (4.0, 0.0), (4.6, 1.0)),
                phase=0.0,
            ),
        ),
    ),
)

WALL = Scene(
    frames=168,
    backdrop=backdrops.brick_wall,
    light=Light(key=(0.94, 0.99, 1.04), left=(0.45, 0.62, 0.78), right=(0.12, 0.10, 0.08), contrast=1.0, shadow=0.5),
    pan=((0.0, 120.0), (5.6, 30.0)),
    drop=((0.0, 50.0), (5.6, 30.0)),
    parts=(
        Part(
            track=3,
            portrait=EILEEN,
            motion=Motion(
                x=((0.5, 1560.0), (0.9, 1480.0), (2.4, 890.0), (3.6, 840.0), (5.6, 660.0)),
                bottom=((0.0, 800.0), (2.4, 810.0), (5.6, 880.0)),
                scale=((0.6, 1.18), (2.4, 1.40), (3.8, 1.46), (5.6, 1.75)),
                lean=((0.8, 3.0), (2.4, -1.5), (3.4, 1.5), (4.6, -2.0), (5.6, 0.0)),
                tilt=((1.6, 2.0), (2.6, -8.0), (3.6, 8.0), (4.6, -9.0), (5.6, -3.0)),
                yaw=((0.8, -22.0), (2.2, -24.0), (3.2, 12.0), (4.2, -18.0), (5.2, 2.0)),
                nod=((2.0, 0.0), (2.8, 8.0), (3.6, -4.0), (4.6, 2.0)),
                steps=((0.4, 1.0), (1.8, 1.0), (2.6, 0.0), (4.0, 0.0), (5.0, 0.2)),
                phase=0.55,
            ),
        ),
        Part(
            track=2,
            portrait=GRACE,
            motion=Motion(
                x=((0.0, 470.0), (1.4, 420.0), (2.8, 385.0), (3.6, 250.0), (4.9, -420.0)),
                bottom=((0.0, 790.0), (2.8, 800.0), (4.9, 815.0)),
                scale=((0.0, 1.00), (2.6, 1.13), (4.8, 1.20)),
                lean=((0.0, -1.5), (1.6, 2.0), (2.8, 0.0), (3.6, -4.0), (4.8, -3.0)),
                tilt=((0.0, 5.0), (1.0, -6.0), (2.2, 8.0), (3.0, 0.0), (4.0, 4.0)),
                yaw=((0.0, -10.0), (0.9, 10.0), (1.8, 24.0), (2.7, 20.0), (3.6, -24.0)),
                nod=((0.0, 0.0), (1.9, -2.0), (2.3, 9.0), (2.8, 0.0)),
                steps=((0.0, 0.0), (2.7, 0.0), (3.5, 1.0)),
                phase=0.1,
            ),
        ),
    ),
)

SCENES = (DUSK, WALL)
