"""What pyproject.toml cannot say: a package speaks all its languages because the build compiles their catalogues."""

from __future__ import annotations

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from setuptools import setup
from setuptools.command.build_py import build_py

SOURCE = Path(__file__).parent / "src"


class BuildWithCatalogues(build_py):
    """Compiles every catalogue into the package that is being built."""

    def run(self) -> None:
        """Build the package, then compile."""
        super().run()
        sources = list(SOURCE.glob("taawun/locale/*/LC_MESSAGES/*.po"))
        if not sources:
            raise SystemExit(f"no catalogue in {SOURCE}: the package would speak English only")
        for source in sources:
            target = Path(self.build_lib) / source.relative_to(SOURCE).with_suffix(".mo")
            target.parent.mkdir(parents=True, exist_ok=True)
            with source.open("rb") as text, target.open("wb") as compiled:
                write_mo(compiled, read_po(text, locale=source.parents[1].name))


setup(cmdclass={"build_py": BuildWithCatalogues})
