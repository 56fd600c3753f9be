"""The pipeline's picture: well-formed, every part lit by some chapter, shown where images are shown."""

import base64
import xml.etree.ElementTree as ET

import pytest

from faceblur.workshop import CHAPTERS, pipeline_svg, show_pipeline
from faceblur.workshop.watching.diagram import HEIGHT, LIT, PARTS, WIDTH

LIT_COLOUR = "#f59e0b"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_each_chapter_lights_its_parts(chapter):
    root = ET.fromstring(pipeline_svg(LIT[chapter]))
    boxes = [each for each in root.iter() if each.tag.endswith("rect") and each.get("fill") == LIT_COLOUR]
    assert len(boxes) == len(LIT[chapter] - {"machine"})


def test_every_part_belongs_to_some_chapter_after_the_introduction():
    later = set().union(*(parts for chapter, parts in LIT.items() if chapter > 1))
    assert later == {*PARTS, "machine"}


def test_boxes_stay_inside_and_do_not_touch():
    boxes = [(part.x, part.y, part.x + part.width, part.y + 48) for part in PARTS.values()]
    for i, (left, top, right, bottom) in enumerate(boxes):
        assert left >= 0 and top >= 0 and right <= WIDTH and bottom <= HEIGHT
        for other in boxes[:i]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top


def test_it_is_an_image_in_html():
    shown = show_pipeline(5)._repr_mimebundle_()
    encoded = shown["text/html"].split("base64,")[1].split('"')[0]
    assert base64.b64decode(encoded).decode() == shown["image/svg+xml"]
    assert "<script" not in shown["text/html"]


def test_an_unknown_part_is_a_mistake():
    with pytest.raises(ValueError, match="volcano"):
        pipeline_svg({"volcano"})
