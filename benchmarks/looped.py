"""Real clips made as long and as large as a measurement needs them. Uses PyAV alone."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av


def encode_base(clip: Path, target: Path, height: int) -> float:
    """The clip once, at this height, as plain H.264 that can be repeated; its seconds."""
    with av.open(str(clip)) as source, av.open(str(target), "w") as box:
        video = source.streams.video[0]
        rate = Fraction(video.average_rate).limit_denominator(1001 * 60)
        width = round(video.width * height / video.height / 2) * 2
        stream = box.add_stream("libx264", rate=rate, options={"preset": "medium", "crf": "18"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        count = 0
        for frame in source.decode(video):
            picture = frame.reformat(width, height, "yuv420p", interpolation="AREA")
            picture.pts, picture.time_base, picture.pict_type = count, 1 / rate, 0
            box.mux(stream.encode(picture))
            count += 1
        box.mux(stream.encode(None))
    return float(count / rate)


def repeat(base: Path, target: Path, seconds: float) -> int:
    """The same packets again and again until the file is so long; how often."""
    with av.open(str(base)) as source, av.open(str(target), "w") as box:
        video = source.streams.video[0]
        stream = box.add_stream_from_template(video, opaque=True)
        packets = [(bytes(p), p.pts, p.dts, p.duration, p.is_keyframe) for p in source.demux(video) if p.size]
        time_base = Fraction(video.time_base)
        length = max(pts + duration for _, pts, _, duration, _ in packets)
        times = max(1, -int(-seconds // float(length * time_base)))
        for turn in range(times):
            for data, pts, dts, duration, is_keyframe in packets:
                packet = av.Packet(data)
                packet.pts, packet.dts, packet.duration = pts + turn * length, dts + turn * length, duration
                packet.time_base, packet.stream, packet.is_keyframe = time_base, stream, is_keyframe
                box.mux(packet)
    return times
