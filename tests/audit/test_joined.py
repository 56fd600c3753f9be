"""Pieces are proven one by one; a joined file is proven by its index."""

import dataclasses
import io

import pytest
from proof_kit import FINE, leaked
from video_kit import elsewhere, make, no_faces, packets

from faceblur import render, video
from faceblur.audit import describe_packets, verify, verify_joined
from faceblur.video import Span


@pytest.fixture(scope="module")
def spans(film):
    with video.Reader(film.original) as reader:
        middle = [frame.pts for frame in reader][20]
    return [Span(0, None, middle), Span(1, middle, None)]


@pytest.fixture(scope="module")
def pieces(film, spans):
    paths = [film.folder / f"piece{span.index}.mp4" for span in spans]
    for span, path in zip(spans, paths, strict=True):
        render(film.original, path, film.plan, span=span, encoder=FINE)
    return paths


def test_a_good_piece_passes(film, spans, pieces):
    found = [verify(film.original, piece, film.plan, span=span) for span, piece in zip(spans, pieces, strict=True)]
    assert [each.passed for each in found] == [True, True]
    assert [each.frames for each in found] == [20, 25]
    assert all(each.faces_judged > 20 and each.frames_looked_at >= 3 for each in found)


def test_a_piece_that_lies_elsewhere_is_proven_like_one_here(film, spans, pieces):
    near = verify(film.original, pieces[1], film.plan, span=spans[1])
    far = verify(elsewhere(film.original), elsewhere(pieces[1]), film.plan, span=spans[1])
    assert far.to_json() == near.to_json()


def test_another_segments_piece_does_not_pass(film, spans, pieces):
    found = verify(film.original, pieces[0], film.plan, span=spans[1])
    assert found.passed is False and any("missing" in problem for problem in found.problems)


def test_a_face_left_in_a_piece_is_found(film, spans):
    spoiled = leaked(film, "spoiled.mp4", range(30, 33))
    piece = film.folder / "spoiled_piece.mp4"
    nothing = dataclasses.replace(film.plan, tracks=(), frames=None)
    render(spoiled, piece, nothing, span=spans[1], encoder=FINE)
    found = verify(film.original, piece, film.plan, span=spans[1])
    assert found.passed is False and {face.index for face in found.leaks} >= {10, 11, 12}  # of the segment


class Sink(io.BytesIO):
    """What a streamed output is written into. spoil(start, content): what is kept instead."""

    name = "out.mp4"

    def __init__(self, sound, spoil=lambda start, content: content):
        super().__init__()
        self.sound, self.spoil = sound, spoil

    def write(self, content):
        content = self.spoil(self.tell(), bytes(content))
        self.sound.wrote(self.tell(), content)
        return super().write(content)


def stream(source, paths, read=None, spoil=lambda start, content: content):
    """(what was joined into a stream, what was seen of its sound)"""
    sound = video.CopiedSound()
    sink = Sink(sound, spoil)
    video.join(source, paths, lambda head_bytes: sink, read=read or sound.read)
    return video.RangedFile("out.mp4", len(sink.getvalue()), lambda start, end: sink.getvalue()[start:end]), sound


@pytest.fixture(scope="module")
def joined(tmp_path_factory):
    """(source, pieces, joined, its sound): numbered pictures, with sound."""
    folder = tmp_path_factory.mktemp("joined")
    source = make(folder / "in.mp4", count=60, audio=[{"seconds": 2.4}])
    paths = [folder / f"piece{span.index}.mp4" for span in video.split(source, 0.5)]
    for span, path in zip(video.split(source, 0.5), paths, strict=True):
        render(source, path, no_faces(), span=span)
    return source, paths, *stream(source, paths)


def test_what_was_joined_of_proven_pieces_passes(joined):
    source, paths, output, sound = joined
    facts = [describe_packets(elsewhere(path)) for path in paths]
    assert sum(each["packets"] for each in facts) == 60
    problems, notes = verify_joined(elsewhere(source), output, facts, sound)
    assert problems == [] and notes == ["1 sound track: bit for bit the original's"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda facts: facts[:1] + facts[2:], "segment 1 of the output is not the piece"),
        (lambda facts: facts[:-1], "more frames than the pieces"),
        (lambda facts: [*facts, facts[-1]], "segment 3 of the output is not the piece"),
        (lambda facts: [facts[0] | {"sha256": facts[1]["sha256"]}, *facts[1:]], "segment 0 of the output"),
    ],
)
def test_a_piece_too_few_too_many_or_another_one_is_found(joined, spoil, words):
    source, paths, output, sound = joined
    problems, _ = verify_joined(source, output, spoil([describe_packets(path) for path in paths]), sound)
    assert words in problems[0]


NOT_THE_SAME = ["sound track 1 (aac) is not the original's, packet by packet"]


def test_sound_that_lacks_a_packet_is_found(joined, tmp_path):
    _, paths, output, sound = joined
    shorter = make(tmp_path / "short.mp4", count=60, audio=[{"seconds": 2.3}])
    facts = [describe_packets(path) for path in paths]
    assert verify_joined(shorter, output, facts, sound)[0] == NOT_THE_SAME


def test_one_bit_of_the_sound_that_left_otherwise_is_found(joined):
    source, paths, *_ = joined
    sound = packets(source, 1)[30][0]

    def flip(start, content):
        return content[:-1] + bytes([content[-1] ^ 1]) if content == sound else content

    output, seen = stream(source, paths, spoil=flip)
    assert verify_joined(source, output, [describe_packets(path) for path in paths], seen)[0] == NOT_THE_SAME


def test_sound_that_nobody_saw_is_not_taken_for_the_originals(joined):
    source, paths, output, _ = joined
    facts = [describe_packets(path) for path in paths]
    assert verify_joined(source, output, facts, video.CopiedSound())[0] == NOT_THE_SAME
    output, unread = stream(source, paths, read=lambda packet: None)
    assert verify_joined(source, output, facts, unread)[0] == NOT_THE_SAME
