"""Stacks of made packages, as large and as tangled as one likes: written files, a few hundred bytes each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.build.elf import library


def chain(count: int) -> dict[str, tuple[str, ...]]:
    """n1 <- n2 <- n3 ...: each needs the one before it."""
    return {f"n{i}": (f"n{i - 1}",) if i > 1 else () for i in range(1, count + 1)}


def dense(count: int) -> dict[str, tuple[str, ...]]:
    """Each needs all before it, as published wrappers declare it."""
    return {f"n{i}": tuple(f"n{k}" for k in range(1, i)) for i in range(1, count + 1)}


def stack(site: Path, needs: Mapping[str, Iterable[str]]) -> Path:
    """One wrapper package for each name, `<name>lib`, with `lib64/lib<name>.so` that needs what it declares."""
    for name, needed in needs.items():
        wrapper(site, name, declared=needed, needed=needed)
    return site


def wrapper(site: Path, name: str, declared: Iterable[str], needed: Iterable[str], version: str = "1.0.0.1") -> None:
    libraries = site / f"{name}lib" / "lib64"
    libraries.mkdir(parents=True)
    packages = [f"{dependency}lib" for dependency in declared]
    (site / f"{name}lib" / "__init__.py").write_text(
        f"__version__ = {version!r}\nfindlibs_dependencies = {packages!r}\n"
    )
    (libraries / f"lib{name}.so").write_bytes(library(f"lib{name}.so", needed=[f"lib{each}.so" for each in needed]))
