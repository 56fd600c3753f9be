"""Pictures of what was found: boxes over frames, and a sheet of frames before and after.

Works with the core dependencies alone (no matplotlib, no Jupyter): see `figures` and `widgets` for those.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .. import video
from ..boxes import overlap
from ..detections import Detections, Face, Sample
from ..plan import Plan
from ..shapes import JsonObject
from ..timecode import clock
from ..video import Frame, Reader
from .canvas import Canvas, bgr, paper
from .colours import INK, PALETTE, SOFT

_ROUNDING_MS = 1.0
_SAME_PLACE = 0.3  # overlap from which on two boxes may be the same face
_MOST_COMPARED = 400  # moments of a stretch
ONE_PASS_S = 10  # seconds of video per wanted frame up to which decoding it all beats seeking


@dataclass(frozen=True)
class LabelledBox:
    """A rectangle in ratios of the displayed picture, with a label and the number that chooses its colour.

    score: 0..1 as the detector gave it; None for what was not detected but decided.
    """

    left: float
    top: float
    width: float
    height: float
    label: str = ""
    number: int = 0
    score: float | None = None


Found = Detections | Plan | JsonObject  # what can be shown; the JSON is a report


@dataclass(frozen=True)
class Moment:
    """What is to be seen at one presentation time."""

    time_ms: float
    boxes: tuple[LabelledBox, ...]


def moments_of(found: Found) -> tuple[Moment, ...]:
    """What `found` knows, in time order: a Detections, a Plan, or a report.json as a dict."""
    if isinstance(found, Detections):
        return tuple(_detection_moment(sample) for sample in found.samples)
    if isinstance(found, Plan):
        return _plan_moments(found)
    frames = found["frames"]
    return tuple(Moment(frame["time_ms"], tuple(map(_region_box, frame["regions"]))) for frame in frames)


def choose(moments: Sequence[Moment], count: int, duration_ms: float) -> tuple[Moment, ...]:
    """At most `count` moments spread over the video: of each stretch the one with the most and largest boxes.

    Boxes that lie where those of another chosen moment lie count for less: a speaker who stands there all the time is
    shown once where there are others. Stretches without any box give way to the fullest other moments; without any
    box, plain frames remain.
    """
    moments = [moment for moment in moments if moment.time_ms <= duration_ms] or _empty_moments(count, duration_ms)
    with_boxes = [moment for moment in moments if moment.boxes]
    if not with_boxes:
        moments = _empty_moments(count, duration_ms)
    stretches: dict[int, list[Moment]] = {}
    for moment in with_boxes or moments:
        stretches.setdefault(int(count * moment.time_ms / max(duration_ms, 1)), []).append(moment)
    best: list[Moment] = []
    for stretch in list(stretches.values())[:count]:
        best.append(_fullest(stretch, best))
    apart_ms = max(250.0, duration_ms / (4 * count))  # nearer ones would show a scene again
    while len(best) < count:
        rest = [moment for moment in with_boxes if all(abs(moment.time_ms - b.time_ms) > apart_ms for b in best)]
        if not rest:
            break
        best.append(_fullest(rest, best))
    return tuple(sorted(best, key=lambda moment: moment.time_ms))


def _fullest(moments: Sequence[Moment], shown: Sequence[Moment]) -> Moment:
    """The one with the most boxes that no moment of `shown` has, then the most and the largest boxes."""
    known = np.array([_sides(box) for moment in shown for box in moment.boxes] or np.empty((0, 4)))

    def weight(moment: Moment) -> tuple[int, int, float]:
        boxes = np.array([_sides(box) for box in moment.boxes] or np.empty((0, 4)))
        news = int((overlap(boxes, known).max(axis=1, initial=0.0) < _SAME_PLACE).sum())
        return news, len(boxes), float((boxes[:, 2] * boxes[:, 3]).sum())

    return max(moments[:: 1 + len(moments) // _MOST_COMPARED], key=weight)


def _sides(box: LabelledBox) -> tuple[float, float, float, float]:
    return box.left, box.top, box.width, box.height


def read_frames(path: str | Path, times_ms: Sequence[float], width: int | None = None) -> list[np.ndarray]:
    """The BGR pictures shown at these ascending times, scaled to `width`. Raises InputError like `probe`."""
    info = video.probe(path)
    if info.duration_ms / 1000 <= ONE_PASS_S * max(1, len(times_ms)):
        with video.Reader(path) as reader:
            return _pick(reader, times_ms, width)
    stills = video.Stills(path)
    return [stills.at(time_ms).bgr(width) for time_ms in times_ms]


def draw_boxes(picture: np.ndarray, boxes: Iterable[LabelledBox]) -> np.ndarray:
    """A copy of a BGR picture with labelled boxes; line and text widths follow the picture's size."""
    height, width = picture.shape[:2]
    drawn = picture.copy()
    line = max(2, round(width / 320))
    labels = []
    for box in boxes:
        colour = PALETTE[box.number % len(PALETTE)]
        left, top = _pixels(box.left, width), _pixels(box.top, height)
        right, bottom = _pixels(box.left + box.width, width), _pixels(box.top + box.height, height)
        cv2.rectangle(drawn, (left, top), (right, bottom), (255, 255, 255), line + 2)
        cv2.rectangle(drawn, (left, top), (right, bottom), bgr(colour), line)
        if box.label:
            labels.append((max(0, left - line // 2), top, box.label, colour))
    if not labels:
        return drawn
    canvas = Canvas(drawn)
    for label in labels:
        canvas.label(*label, size=max(11, round(width / 44)))
    return canvas.picture


def _pixels(ratio: float, size: int) -> int:
    """Of what lies far outside the picture, no more than can be drawn."""
    return round(min(max(ratio, -1.0), 2.0) * size)


def contact_sheet(
    source: str | Path,
    found: Found,
    blurred: str | Path | None = None,
    count: int = 6,
    width: int = 1800,
    until_ms: float = math.inf,
) -> np.ndarray:
    """One BGR picture of up to `count` frames with boxes, each beside the same frame of `blurred` if given.

    found: Detections, Plan or report dict. Raises InputError when a video cannot be read.
    until_ms: where `blurred` ends when it is only a part.
    """
    info = video.probe(source)
    columns = _columns(info.width / max(info.height, 1), pairs=blurred is not None)
    gap = 24
    cell = (width - gap * (columns + 1)) // columns
    picture_width = (cell - 4) // 2 if blurred is not None else cell
    moments = choose(moments_of(found), count, min(info.duration_ms, until_ms))
    times = [moment.time_ms for moment in moments]
    befores = read_frames(source, times, picture_width)
    afters = read_frames(blurred, times, picture_width) if blurred is not None else [None] * len(befores)
    cards = [
        _card(draw_boxes(before, moment.boxes), after, moment)
        for moment, before, after in zip(moments, befores, afters, strict=False)
    ]
    return grid(cards, columns, gap)


def film_strip(source: str | Path, times_ms: Sequence[float], columns: int = 4, width: int = 240) -> np.ndarray:
    """One BGR picture of the frames shown at these ascending times, each `width` pixels wide over its time.

    Raises InputError when the video cannot be read.
    """
    cards = []
    for time_ms, picture in zip(times_ms, read_frames(source, times_ms, width), strict=True):
        caption = Canvas(paper(26, picture.shape[1]))
        caption.text(2, 3, f"{time_ms:.0f} ms", INK, 15)
        cards.append(np.vstack([picture, caption.picture]))
    return grid(cards, columns, 8)


def grid(cards: Sequence[np.ndarray], columns: int, gap: int) -> np.ndarray:
    """Pictures of one size, row by row, on paper."""
    height, width = cards[0].shape[:2]
    columns = min(columns, len(cards))
    rows = -(-len(cards) // columns)
    sheet = paper(rows * (height + gap // 2) + gap, columns * (width + gap) + gap)
    for index, card in enumerate(cards):
        row, column = divmod(index, columns)
        y, x = gap + row * (height + gap // 2), gap + column * (width + gap)
        sheet[y : y + card.shape[0], x : x + card.shape[1]] = card
    return sheet


def _detection_moment(sample: Sample) -> Moment:
    faces = sorted(sample.faces, key=lambda face: face.left)
    return Moment(sample.time_ms, tuple(_face_box(face, number) for number, face in enumerate(faces)))


def _face_box(face: Face, number: int) -> LabelledBox:
    label, sure = f"face {face.score:.0%}", face.score
    return LabelledBox(*face.box, label, number, sure)


def _region_box(region: Sequence) -> LabelledBox:
    track, left, top, width, height = region
    return LabelledBox(left, top, width, height, f"track {track}" if track >= 0 else "area", int(track))


def _plan_moments(plan: Plan) -> tuple[Moment, ...]:
    by_time: dict[float, list[LabelledBox]] = {}
    for track in plan.tracks:
        words = f"track {track.id}{' (stays visible)' if track.is_visible else ''}"
        for time_ms, (left, top, width, height) in zip(track.times_ms.tolist(), track.boxes.tolist(), strict=True):
            by_time.setdefault(time_ms, []).append(LabelledBox(left, top, width, height, words, track.id))
    return tuple(Moment(time_ms, tuple(boxes)) for time_ms, boxes in sorted(by_time.items()))


def _empty_moments(count: int, duration_ms: float) -> list[Moment]:
    return [Moment(duration_ms * (index + 0.5) / count, ()) for index in range(count)]


def _pick(reader: Reader, times_ms: Sequence[float], width: int | None) -> list[np.ndarray]:
    """One pass: for each wanted time the frame that is on screen then; times are rounded, to a millisecond at most."""
    pictures: list[np.ndarray] = []
    last: Frame | None = None
    for frame in reader:
        while len(pictures) < len(times_ms) and frame.time_ms > times_ms[len(pictures)] + _ROUNDING_MS:
            pictures.append((last or frame).bgr(width))
        if len(pictures) == len(times_ms):
            return pictures
        last = frame
    return pictures + [last.bgr(width)] * (len(times_ms) - len(pictures)) if last else pictures


def _columns(aspect: float, pairs: bool) -> int:
    """Columns that keep the sheet about as wide as a screen: upright videos get more."""
    if aspect >= 1.2:
        return 2 if pairs else 3
    return 3 if pairs else 6


def _card(before: np.ndarray, after: np.ndarray | None, moment: Moment) -> np.ndarray:
    """A frame, or a pair, over its caption."""
    picture = before
    if after is not None:
        after = cv2.resize(after, before.shape[1::-1]) if after.shape != before.shape else after
        picture = np.hstack([before, np.full((before.shape[0], 4, 3), 255, np.uint8), after])
    faces = len(moment.boxes)
    words = f"{clock(moment.time_ms)}   {faces or 'no'} face{'' if faces == 1 else 's'}"
    caption = Canvas(paper(34, picture.shape[1]))
    caption.text(2, 5, words, INK, 18)
    if after is not None:
        words = "the same frame, blurred" if faces else "the same frame of the result"
        caption.text(before.shape[1] + 6, 5, words, SOFT, 18)
    return np.vstack([picture, caption.picture])
