"""An installed package has all that a checkout has: every language, every template, the types."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from taawun.node import catalogues

CHECKOUT = Path(__file__).resolve().parent.parent
NOT_CODE = {".csv", ".html", ".txt", ".svg", ".xml", ".css", ".js", ".typed", ".typ", ".md"}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This checkout as a stranger would clone it: without what is compiled."""
    clone = tmp_path_factory.mktemp("clone")
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, clone)
    shutil.copytree(
        CHECKOUT / "src", clone / "src", ignore=shutil.ignore_patterns("*.mo", "__pycache__", "*.egg-info")
    )
    return clone


@pytest.fixture(scope="module")
def wheel(clone: Path) -> zipfile.ZipFile:
    """Its wheel, built offline and, as publishing does, from its source distribution."""
    pack = "from setuptools import build_meta; build_meta.build_sdist('out')"
    _run([sys.executable, "-c", pack], clone)
    source = next((clone / "out").glob("*.tar.gz"))
    build = [
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
        "--wheel-dir",
        "out",
    ]
    _run([sys.executable, *build, str(source)], clone)
    return zipfile.ZipFile(next((clone / "out").glob("*.whl")))


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_wheel_carries_every_module_template_and_static_file(wheel: zipfile.ZipFile, clone: Path) -> None:
    expected = {
        path.relative_to(clone / "src").as_posix()
        for path in (clone / "src" / "taawun").rglob("*")
        if path.suffix in {".py", *NOT_CODE}
    }
    carried = {name for name in wheel.namelist() if name.startswith("taawun/")}

    assert {"taawun/py.typed", "taawun/platform/web/templates/web/base.html"} <= expected
    assert expected - carried == set()
    assert {Path(name).suffix for name in carried} == {
        ".py",
        ".mo",
        *(Path(name).suffix for name in expected),
    }


@pytest.mark.slow
def test_a_wheel_speaks_every_language_of_the_checkout(wheel: zipfile.ZipFile, clone: Path) -> None:
    catalogues.compile_all(clone / "src" / "taawun")

    for language in catalogues.LANGUAGES:
        compiled = language.path(clone / "src" / "taawun").with_suffix(".mo")
        assert wheel.read(compiled.relative_to(clone / "src").as_posix()) == compiled.read_bytes()
