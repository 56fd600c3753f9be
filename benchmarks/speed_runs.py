"""The commands that speed.py measures, each a process of its own: python speed_runs.py NAME INPUT OUTPUT
[PLAN or, for `limit`, x264's parameters]

`limit` is what any tool has to do that encodes anew: decode and encode with the same settings, nothing else.
"""

import sys


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


def render(source: str, output: str, plan: str) -> None:
    from faceblur.plan import Plan
    from faceblur.render import render

    render(source, output, Plan.load(plan))


def smart(source: str, output: str, plan: str) -> None:
    from faceblur.plan import Plan
    from faceblur.smart import render_smart

    report = render_smart(source, output, Plan.load(plan))
    print(report["counts"]["copied_frames"], report["counts"]["frames"], *report["notes"])


def pieces(source: str, output: str, plan: str) -> None:
    """Rendered in pieces of about ten seconds, one after the other, and joined."""
    from pathlib import Path

    from faceblur import video
    from faceblur.plan import Plan
    from faceblur.render import render

    spans = video.cut(source, 10.0)
    files = [Path(output).with_suffix(f".{span.index}.mp4") for span in spans]
    for span, piece in zip(spans, files, strict=True):
        render(source, piece, Plan.load(plan), span=span)
    video.join(source, files, output)


def blur(source: str, output: str) -> None:
    from faceblur import blur

    blur(source, output)


def find(source: str, output: str) -> None:
    from faceblur import analyse

    analyse(source)


if __name__ == "__main__":
    RUNS = {run.__name__: run for run in (limit, render, smart, pieces, blur, find)}
    RUNS[sys.argv[1]](*sys.argv[2:])
