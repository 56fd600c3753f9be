"""The two people of the sample: their outlines, heads and faces, measured once on the pictures.

All numbers are pixels of the picture. Outlines were read off a grid laid over the picture, clockwise from the bottom
left; `matte` refines them. Face boxes are what YuNet 2023mar finds on the picture, scoring 0.9.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import pictures


@dataclass(frozen=True)
class Portrait:
    """A bust in a picture. `canvas` is its size (width, height), possibly larger than the picture."""

    picture: tuple[str, str]
    canvas: tuple[int, int]
    outline: tuple[tuple[float, float], ...]
    face: tuple[float, float, float, float]
    """Left, top, width, height of the face, forehead to chin."""
    head: tuple[float, float, float, float]
    """Centre x, y and radii of the ellipse that stands for the head when it turns."""
    neck: tuple[float, float]
    """The point about which the head tilts."""
    still_below: float
    """From this row down nothing follows the head; above the chin everything does."""
    saturation: float = 1.0
    """Factor that brings the print's colours to those of the other portrait."""


# The edge on the right follows the helmet's hinge, which the picture crops.
EILEEN = Portrait(
    picture=pictures.EILEEN_COLLINS,
    canvas=(512, 512),
    outline=(
        (53, 512), (36, 493), (25, 464), (24, 432), (22, 403), (25, 371), (29, 333), (38, 305), (45, 281),
        (54, 263), (70, 241), (94, 220), (114, 209), (113, 191), (122, 179), (134, 163), (151, 152),
        (168, 149), (184, 149), (182, 134), (173, 128), (170, 117), (159, 105), (154, 86), (154, 66),
        (162, 51), (173, 42), (187, 35), (197, 26), (216, 18), (233, 15), (253, 18), (276, 26), (291, 40),
        (300, 61), (301, 89), (297, 109), (287, 123), (277, 135), (268, 137), (265, 150), (258, 171),
        (257, 174), (270, 182), (286, 195), (298, 211), (304, 230), (305, 237), (323, 246), (338, 263),
        (349, 281), (356, 300), (360, 318), (364, 347), (375, 346), (398, 344), (422, 347), (445, 356),
        (469, 375), (483, 398), (492, 427), (497, 455), (505, 453), (509, 462), (511, 484), (511, 512),
    ),
    face=(178.2, 62.9, 89.9, 113.3),
    head=(226, 100, 80, 100),
    neck=(222, 192),
    still_below=262,
)  # fmt: skip

# The picture crops her left arm: the outline there is the right arm's, mirrored.
GRACE = Portrait(
    picture=pictures.GRACE_HOPPER,
    canvas=(532, 600),
    outline=(
        (10, 600), (14, 554), (18, 508), (23, 467), (28, 442), (38, 406), (46, 391), (56, 381), (71, 373),
        (102, 362), (132, 353), (157, 343), (178, 333), (196, 319), (204, 314), (205, 307), (200, 296),
        (185, 289),
        (168, 277), (160, 264), (163, 251), (167, 241), (157, 223), (152, 203), (155, 183), (150, 173),
        (148, 152), (151, 132), (155, 115), (159, 100), (166, 90), (174, 83), (178, 66), (188, 51), (203, 43),
        (217, 41), (220, 36), (228, 28), (241, 23), (264, 22), (287, 25), (300, 31), (305, 40), (325, 48),
        (340, 61),
        (350, 76), (354, 87), (363, 86), (370, 96), (372, 122), (371, 152), (367, 175), (375, 188),
        (375, 213), (368, 244), (362, 264), (361, 279), (353, 297), (340, 306), (332, 309), (331, 315),
        (350, 333), (381, 350), (416, 363), (457, 376), (487, 388), (496, 401), (505, 426), (511, 452),
        (516, 490), (519, 530), (522, 560), (524, 600),
    ),
    face=(182.9, 120.5, 170.3, 212.5),
    head=(264, 195, 125, 175),
    neck=(264, 350),
    still_below=440,
    saturation=0.74,
)  # fmt: skip
