"""The chapters' drawings: well-formed, true to the notebooks, every part lit, shown where images are shown."""

import base64
import types
import xml.etree.ElementTree as ET

import pytest
from notebook_kit import code_cells

from faceblur.workshop import CHAPTERS, pipeline_svg, show_pipeline
from faceblur.workshop.names import Names
from faceblur.workshop.watching import drawings
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


VERB_OF = {
    "s3:GetObject": "reads",
    "s3:GetObjectVersion": "reads",
    "s3:PutObject": "writes",
    "s3:AbortMultipartUpload": "writes",
    "s3:DeleteObject": "deletes",
    "s3:ListBucket": "lists",
}


def permissions():
    """PERMISSIONS of chapter 3, by its own cells."""
    names = Names("faceblur", "123456789012", "eu-west-1", "aws")
    cells = {cell["id"]: "".join(cell["source"]) for cell in code_cells(3)}
    variables = {"ws": types.SimpleNamespace(partition="aws", names=names, need=lambda key: getattr(names, key))}
    for source in cells.values():
        if source.startswith(("INPUT, ", "READ_INPUT = ")):
            exec(source, variables)
    return variables["PERMISSIONS"], names


def test_the_drawing_of_rights_is_what_chapter_3_allows():
    allowed, names = permissions()
    assert set(drawings.RIGHTS) == set(allowed)
    for who, statements in allowed.items():
        found = {bucket: set() for bucket in drawings.BUCKETS}
        for statement in statements:
            actions, resources = statement["Action"], statement["Resource"]
            for resource in [resources] if isinstance(resources, str) else resources:
                for bucket in drawings.BUCKETS:
                    if f":::{getattr(names, f'{bucket}_bucket')}" in resource:
                        found[bucket] |= {VERB_OF[one] for one in ([actions] if isinstance(actions, str) else actions)}
        drawn = {bucket: set(drawings.RIGHTS[who].get(bucket, ())) for bucket in drawings.BUCKETS}
        assert drawn == found, who


@pytest.mark.parametrize("draw", [drawings.rights_svg, drawings.event_svg])
def test_the_drawings_are_whole_and_say_in_words_what_they_show(draw):
    root = ET.fromstring(draw())
    width, height = map(float, root.get("viewBox").split()[2:])
    texts = [each for each in root.iter() if each.tag.endswith("text")]
    assert len(texts) > 10
    assert all(0 <= float(each.get("x")) <= width and 0 <= float(each.get("y")) <= height for each in texts)
    assert "record_failure" in root.get("aria-label")
