"""What speed.py measures beside the `faceblur` command: python speed_runs.py limit INPUT OUTPUT PARAMETERS_OF_X264,
or pieces INPUT OUTPUT PLAN

`limit` is what any tool has to do that encodes anew: decode and encode with the same settings, nothing else.
"""

import os
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command does


def limit(source: str, output: str, params: str) -> None:
    import av

    with (
        av.open(source) as before,
        av.open(output, "w", container_options={"movflags": "+faststart"}) as after,
    ):
        video = before.streams.video[0]
        video.thread_type = "AUTO"
        options = {"preset": "veryfast", "crf": "18", "x264-params": params}
        stream = after.add_stream("libx264", rate=video.average_rate, options=options)
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, video.pix_fmt
        stream.codec_context.time_base = stream.time_base = video.time_base
        for frame in before.decode(video):
            frame.pict_type = 0
            after.mux(stream.encode(frame))
        after.mux(stream.encode(None))


def pieces(source: str, output: str, plan: str) -> None:
    """Rendered in pieces of about ten seconds, one after the other, and joined."""
    from pathlib import Path

    from faceblur import video
    from faceblur.plan import Plan
    from faceblur.rendering.renderer import render

    spans = video.split(source, 10.0)
    files = [Path(output).with_suffix(f".{span.index}.mp4") for span in spans]
    for span, piece in zip(spans, files, strict=True):
        render(source, piece, Plan.load(plan), span=span)
    video.join(source, files, output)


if __name__ == "__main__":
    RUNS = {run.__name__: run for run in (limit, pieces)}
    RUNS[sys.argv[1]](*sys.argv[2:])
