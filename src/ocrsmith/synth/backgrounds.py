"""What texts are laid on: photographs, packaged or a user's own, and procedural surfaces; planned first, then rendered.

backgrounds = Backgrounds(split="train", procedural_share=0.3)
image = backgrounds.sample(rng, 640, 480)
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ocrsmith.errors import InputError, SynthesisError
from ocrsmith.images import read_image
from ocrsmith.samples import Image
from ocrsmith.settings import package_assets_dir
from ocrsmith.splits import Split, select_split
from ocrsmith.synth.choices import Rng
from ocrsmith.synth.surfaces import SURFACES

BUILTIN = "builtin"
PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
# Decoded photographs that stay in memory: all 202 packaged ones of the train split are 188 MiB, and a cache that holds
# a third of them decodes two pictures of three again (4 to 5 ms each, a fifth of a scene).
CACHE_BYTES = 192 * 1024 * 1024
# A photograph's crop shows at least this part of its shorter side: less is a blur of a few blown-up pixels.
_LEAST_CROP = 0.5
# How often another photograph is drawn after one that cannot be read.
_MOST_REDRAWS = 20


class Backgrounds:
    """Draws backgrounds of one split.

    A user's photographs split by their file names, the packaged ones by the photograph that they were cut from, so
    that two crops of one photograph never lie on both sides.

    Args:
        folders: "builtin" for the packaged photographs, else folders or files.
        procedural_share: the share of drawn surfaces among all backgrounds, 0 to 1; 1 needs no folder.
        cache_bytes: bound of the decoded photographs kept in memory.

    Attributes:
        refused: photographs that could not be read, and why; filled as they are met.

    Raises:
        InputError: a folder that does not exist, or no pictures in any of them.
    """

    def __init__(
        self,
        folders: Iterable[str | Path] = (BUILTIN,),
        split: Split = "train",
        procedural_share: float = 0.3,
        *,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        if not 0.0 <= procedural_share <= 1.0:
            raise InputError(f"The share of procedural surfaces came as {procedural_share}. It must lie in 0 to 1.")
        self.split: Split = split
        self.procedural_share = procedural_share
        self.refused: dict[str, str] = {}
        self._files = _photographs(folders, split) if procedural_share < 1.0 else {}
        self._names = tuple(self._files)
        self._cache = _PictureCache(cache_bytes)

    @property
    def names(self) -> tuple[str, ...]:
        """The photographs of this split, as plans name them."""
        return self._names

    def sample(self, rng: Rng, width: int, height: int) -> Image:
        """A background, (height, width, 3) uint8 RGB. The caller may draw on it."""
        return self.render(self.plan(rng, width, height))

    def plan(self, rng: Rng, width: int, height: int) -> dict[str, Any]:
        """A choice as JSON can hold it: a surface with its seed, or a photograph with its crop in px and its turns.

        Photographs that cannot be read are noted in `refused` and drawn again; raises SynthesisError where none can.
        """
        if not self._names or rng.random() < self.procedural_share:
            kind = str(rng.choice(tuple(SURFACES)))
            return {"surface": kind, "seed": int(rng.integers(2**63)), "width": width, "height": height}
        for _ in range(_MOST_REDRAWS):
            name = self._names[int(rng.integers(len(self._names)))]
            picture = self._picture(name)
            if picture is not None:
                return self._crop_plan(rng, name, picture, width, height)
        raise SynthesisError(
            f"{len(self.refused)} of {len(self._names)} background photographs cannot be read, for example "
            f"{next(iter(self.refused.items()))}. Replace them, or set procedural_share to 1."
        )

    def _crop_plan(self, rng: Rng, name: str, picture: Image, width: int, height: int) -> dict[str, Any]:
        rows, columns = picture.shape[:2]
        # The largest crop with the proportions asked for, then a random part of it at a random place.
        fit = min(columns / width, rows / height)
        part = float(rng.uniform(_LEAST_CROP, 1.0))
        crop_width = min(columns, max(1, round(fit * width * part)))
        crop_height = min(rows, max(1, round(fit * height * part)))
        return {
            "photograph": name,
            "left": int(rng.integers(columns - crop_width + 1)),
            "top": int(rng.integers(rows - crop_height + 1)),
            "crop_width": crop_width,
            "crop_height": crop_height,
            "mirror": bool(rng.random() < 0.5),
            "upside_down": bool(rng.random() < 0.1),
            "width": width,
            "height": height,
        }

    def render(self, plan: Mapping[str, Any]) -> Image:
        """The pixels of a plan, (height, width, 3) uint8 RGB, the same each time.

        Raises:
            InputError: a plan of other photographs or surfaces than these, or a photograph that went away since.
        """
        width, height = plan["width"], plan["height"]
        if "surface" in plan:
            surface = SURFACES.get(plan["surface"])
            if surface is None:
                raise InputError(f"A plan names the surface {plan['surface']!r}. Known are {', '.join(SURFACES)}.")
            return surface(np.random.default_rng(plan["seed"]), height, width)
        name = plan["photograph"]
        picture = self._picture(name)
        if picture is None:
            raise InputError(f"A plan names the photograph {name!r}, which is not here: {self.refused[name]}.")
        left, top = plan["left"], plan["top"]
        crop = picture[top : top + plan["crop_height"], left : left + plan["crop_width"]]
        if crop.shape[0] == 0 or crop.shape[1] == 0:
            raise InputError(f"A plan crops {name!r} outside of its pixels. It was made for another picture.")
        smaller = crop.shape[0] > height
        image: Any = cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
        mirror, upside_down = plan["mirror"], plan["upside_down"]
        if mirror or upside_down:
            # Several times as fast as a copy with negative strides.
            image = cv2.flip(image, -1 if mirror and upside_down else 1 if mirror else 0)
        return image

    def _picture(self, name: str) -> Image | None:
        """A decoded photograph, or None with the reason in `refused`."""
        if name in self.refused:
            return None
        picture = self._cache.get(name)
        if picture is None:
            path = self._files.get(name)
            if path is None:
                self.refused[name] = f"it is not among the {len(self._files)} photographs of the {self.split} split"
                return None
            try:
                picture = read_image(path)
            except InputError as error:
                self.refused[name] = str(error)
                return None
            self._cache.put(name, picture)
        return picture


class _PictureCache:
    """The pictures used last, up to a bound in bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._pictures: OrderedDict[str, Image] = OrderedDict()

    def get(self, name: str) -> Image | None:
        picture = self._pictures.get(name)
        if picture is not None:
            self._pictures.move_to_end(name)
        return picture

    def put(self, name: str, picture: Image) -> None:
        if picture.nbytes > self._most_bytes:
            return
        self._pictures[name] = picture
        self._bytes += picture.nbytes
        while self._bytes > self._most_bytes:
            _, oldest = self._pictures.popitem(last=False)
            self._bytes -= oldest.nbytes


@lru_cache(maxsize=1)
def _builtin_photographs() -> tuple[tuple[str, str], ...]:
    """(file, photograph that it was cut from) of the packaged ones."""
    folder = package_assets_dir() / "backgrounds"
    try:
        rows = json.loads((folder / "backgrounds.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"The table of packaged backgrounds in {folder} cannot be read ({error}). Install ocrsmith again."
        ) from None
    return tuple((row["file"], row["photograph"]) for row in rows)


def _photographs(folders: Iterable[str | Path], split: Split) -> dict[str, Path]:
    """Name -> file of one split. A user's file is named by its path within its folder."""
    named: dict[str, tuple[Path, str]] = {}
    for folder in dict.fromkeys([folders] if isinstance(folders, (str, Path)) else folders):
        if folder == BUILTIN:
            assets = package_assets_dir() / "backgrounds"
            named.update({f"builtin/{file}": (assets / file, source) for file, source in _builtin_photographs()})
            continue
        root = Path(folder).expanduser()
        if not root.exists():
            raise InputError(
                f'The background folder {root} does not exist. Check the path, or use "builtin" for the packaged ones.'
            )
        files = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES)
        for file in files:
            inside = file.name if root.is_file() else file.relative_to(root).as_posix()
            named[f"{root.name}/{inside}" if not root.is_file() else inside] = (file, inside)
    if not named:
        raise InputError(
            "The background folders hold no pictures. JPEG, PNG, WebP, BMP or TIFF files were expected; name another "
            "folder, or set procedural_share to 1."
        )
    chosen = select_split(named, split, lambda name: named[name][1])
    return {name: named[name][0] for name in chosen}
