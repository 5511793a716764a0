"""Builds the compiled helper of the media engine; without a compiler the portable path does its work.

Run by hatchling for editable installs and wheels, or by hand: ``python hatch_build.py [TARGET]``.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
SOURCE = ROOT / "gateway" / "media" / "compiled"
TARGET = SOURCE.with_name("_native.so")
#: Contracted products and sums would round differently from what numpy does.
FLAGS = ("-std=c11", "-O3", "-ffp-contract=off", "-Wall", "-Wextra", "-fPIC", "-shared")


def sources(place: Path = SOURCE) -> list[Path]:
    """The files of a directory that a library is made of, or the one file."""
    return sorted(place.glob("*.[ch]")) if place.is_dir() else [place]


def build(target: Path = TARGET, source: Path = SOURCE) -> bool:
    """Compile the helper to ``target``; False when there is no compiler or it fails."""
    compiler = shlex.split(os.environ.get("CC", "cc"))
    if shutil.which(compiler[0]) is None:
        print(f"no C compiler ({compiler[0]}): the media engine uses its portable path", file=sys.stderr)
        return False
    fresh = target.with_suffix(".new")
    files = sources(source)
    checksum = f"-DSOURCE={zlib.crc32(b''.join(file.read_bytes() for file in files))}u"
    units = [str(file) for file in files if file.suffix == ".c"]
    made = subprocess.run([*compiler, *FLAGS, checksum, "-o", str(fresh), *units, "-lm"], check=False)
    if made.returncode:
        print(f"{source} does not compile: the media engine uses its portable path", file=sys.stderr)
        return False
    fresh.replace(target)  # in one step: a worker may have the old one open
    return True


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand
    pass
else:

    class CompiledHelper(BuildHookInterface):  # type: ignore[type-arg]
        """See the module."""

        PLUGIN_NAME = "custom"

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            """Before the files are collected."""
            if self.target_name == "wheel" and build():
                build_data["artifacts"].append(TARGET.relative_to(ROOT).as_posix())
                build_data["pure_python"] = False
                build_data["infer_tag"] = True


if __name__ == "__main__":
    sys.exit(0 if build(*map(Path, sys.argv[1:2])) else 1)
