"""Which kinds of file are read: one file that holds a video, never a list of others.

FFmpeg chooses what reads a file by its content and its name, and some of what it has opens other files or addresses
that are named inside (playlists, ffconcat, SDP) or beside (numbered pictures). Only what stands here is let near.
"""

from __future__ import annotations

from pathlib import Path

from av.container import InputContainer

# FFmpeg's name of what reads it -> how such files are called in a folder; none: taken when named, not collected.
_VIDEOS = {
    "mov": ".mp4 .m4v .mov .qt .3gp .3g2 .f4v .mj2 .ismv .psp",
    "matroska": ".mkv .webm .mk3d",
    "avi": ".avi .divx",
    "asf": ".wmv .asf .dvr-ms",
    "wtv": ".wtv",
    "mpeg": ".mpg .mpeg .mpe .vob .evo .m2p .mod .dat",
    "mpegts": ".ts .mts .m2ts .m2t .tod .trp .tp",
    "mpegvideo": ".m1v .m2v .mpv",
    "m4v": "",
    "flv": ".flv",
    "live_flv": "",
    "kux": ".kux",
    "ogg": ".ogv .ogm .ogx",
    "rm": ".rm .rmvb",
    "ivr": ".ivr",
    "mxf": ".mxf",
    "gxf": ".gxf",
    "lxf": ".lxf",
    "dv": ".dv .dif",
    "mjpeg": ".mjpeg .mjpg",
    "mpjpeg": "",
    "smjpeg": "",
    "mjpeg_2000": "",
    "yuv4mpegpipe": ".y4m",
    "nut": ".nut",
    "ivf": ".ivf",
    "h264": ".h264 .264 .avc .h26l",
    "hxvs": "",
    "hevc": ".hevc .h265 .265",
    "vvc": ".vvc .h266 .266",
    "evc": ".evc",
    "av1": ".obu",
    "obu": "",
    "apv": ".apv",
    "avs2": ".avs2",
    "avs3": ".avs3",
    "cavsvideo": ".cavs",
    "vc1": ".vc1",
    "vc1test": ".rcv",
    "h261": ".h261",
    "h263": ".h263",
    "dirac": ".drc",
    "dnxhd": ".dnxhd",
    "dhav": ".dav",
    "nsv": ".nsv",
    "nuv": ".nuv",
    "mtv": ".mtv",
    "mgsts": "",
    "moflex": ".moflex",
    "mv": "",
    "mxg": ".mxg",
    "pmp": ".pmp",
    "pva": ".pva",
    "ty": ".ty",
    "usm": ".usm",
    "vivo": ".viv",
    "swf": "",
    "flic": ".fli .flc",
    "bink": ".bik .bk2",
    "smk": ".smk",
    "roq": ".roq",
    "thp": ".thp",
    "xmv": ".xmv",
    "film_cpk": "",
    "cine": ".cine",
    "ser": ".ser",
    "ipu": "",
    "lmlm4": "",
    "ifv": ".ifv",
    "iv8": "",
    "ingenient": "",
    "rpl": "",
    "rl2": "",
    "4xm": "",
    "gif": "",
    "apng": "",
    "jpegxl_anim": "",
}
SUFFIXES = tuple(dict.fromkeys(" ".join(_VIDEOS.values()).split()))
# A picture is a video of one frame. FFmpeg takes a file of one of these names for a series of numbered ones, unless it
# is told that there is no pattern in the name.
_PICTURES = (
    "bmp",
    "cri",
    "dds",
    "dpx",
    "exr",
    "gem",
    "gif",
    "hdr",
    "j2k",
    "jpeg",
    "jpegls",
    "jpegxl",
    "jpegxs",
    "pam",
    "pbm",
    "pcx",
    "pfm",
    "pgm",
    "pgmyuv",
    "pgx",
    "phm",
    "photocd",
    "pictor",
    "png",
    "ppm",
    "psd",
    "qdraw",
    "qoi",
    "sgi",
    "sunrast",
    "tiff",
    "vbn",
    "webp",
    "xbm",
    "xpm",
    "xwd",
)
_BY_NAME = {
    ".bmp",
    ".dpx",
    ".exr",
    ".jfif",
    ".jp2",
    ".jpe",
    ".jpeg",
    ".jpg",
    ".pbm",
    ".pgm",
    ".png",
    ".pnm",
    ".ppm",
    ".qoi",
    ".sgi",
    ".tif",
    ".tiff",
    ".webp",
}
_LISTS = (b"#EXTM3U", b"ffconcat", b"[playlist]", b"[reference]", b"<asx", b"<smil", b"v=0\r\no=", b"v=0\no=")
# What an ISO/IEC 14496-12 file calls itself when it is a photo: HEIF, AVIF, JPEG XL and Canon's raw pictures.
_PHOTOS = {
    "heic",
    "heix",
    "heim",
    "heis",
    "mif1",
    "mif2",
    "avif",
    "avci",
    "avcs",
    "j2ki",
    "jpeg",
    "jxl",
    "crx",
}
HEAD_BYTES = 4096


def reading_options(path: str, *, is_here: bool = True) -> dict[str, str]:
    """What FFmpeg is told before it opens a file: which readers it may use, and no address but this file's.

    is_here: it is a file of this machine, which a reader may open by its name.
    """
    readers = [*_VIDEOS, *(f"{name}_pipe" for name in _PICTURES)]
    if is_here and Path(path).suffix.lower() in _BY_NAME:
        readers.append("image2")
    return {
        "format_whitelist": ",".join(readers),
        "protocol_whitelist": "file",
        "pattern_type": "none",
        "scan_all_pmts": "1",  # a transport stream may get its sound on the way
    }


def kind_of(path: str) -> str:
    """What a file is that cannot be read as a video, in words; empty when it could be one. Raises OSError."""
    with Path(path).open("rb") as file:
        return kind_of_head(file.read(HEAD_BYTES))


def kind_of_head(head: bytes) -> str:
    """The same, of a file's first HEAD_BYTES."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(tuple(mark.lower() for mark in _LISTS)) or (text.startswith(b"<") and b"<mpd" in text):
        return "is a list of other files or addresses, not a video; name the videos themselves"
    if head[4:8] == b"ftyp" and head[8:12].decode("latin-1").strip().lower() in _PHOTOS:
        return "is a photo, not a video"
    return ""


def is_photo(container: InputContainer) -> bool:
    """Whether an opened file holds pictures that stand beside each other (tiles, a burst), none that follow."""
    streams = container.streams.video
    if container.metadata.get("major_brand", "").strip().lower() == "crx":
        return True
    is_item = [stream.frames == 1 and stream.duration is None for stream in streams]
    return "mov" in container.format.name and bool(streams) and all(is_item)
