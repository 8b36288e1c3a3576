"""`./taawun` on a bare machine, beside another first run, after a killed one, and every day after that."""

import hashlib
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "taawun"
SHELL = shutil.which("dash") or "/bin/sh"
# what the script calls; a machine without a suitable Python is made of these
TOOLS = ("cat", "cmp", "cp", "dirname", "id", "mkdir", "mv", "readlink", "rm", "sh")


class Checkout:
    """A small checkout whose lock names one wheel that a folder beside it holds."""

    def __init__(self, root: Path) -> None:
        self.path = root / "a checkout"
        self.wheels = root / "wheels"
        self.wheels.mkdir(parents=True)
        (self.path / "src" / "taawun").mkdir(parents=True)
        shutil.copy(SCRIPT, self.path / "taawun")
        (self.path / "src" / "taawun" / "__init__.py").touch()
        (self.path / "src" / "taawun" / "__main__.py").write_text(
            "import sys, smallest\nprint(smallest.VERSION, sys.argv[1:], sys.flags.safe_path)\n",
            encoding="ascii",
        )
        self.lock("1")
        (self.path / "requirements-dev.lock").touch()

    def lock(self, version: str, digest: str | None = None) -> None:
        """Makes this version of the wheel, and a lock that wants it."""
        wheel = self.wheels / f"smallest-{version}-py3-none-any.whl"
        about = f"smallest-{version}.dist-info"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("smallest.py", f"VERSION = {version!r}\n")
            archive.writestr(
                f"{about}/METADATA", f"Metadata-Version: 2.1\nName: smallest\nVersion: {version}\n"
            )
            archive.writestr(
                f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            archive.writestr(f"{about}/RECORD", "")
        digest = digest or hashlib.sha256(wheel.read_bytes()).hexdigest()
        lock = f"smallest=={version} \\\n    --hash=sha256:{digest}\n"
        (self.path / "requirements.lock").write_text(lock, encoding="ascii")

    def start(self, *arguments: str, path: str | None = None, **options) -> subprocess.Popen[str]:
        environment = {
            "PATH": path or os.environ["PATH"],
            "HOME": str(self.path.parent),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
        }
        options = {"cwd": self.path, "env": environment, "text": True, **options}
        return subprocess.Popen(
            [SHELL, options.pop("script", "taawun"), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        )

    def run(self, *arguments: str, **options) -> tuple[int, str, str]:
        process = self.start(*arguments, **options)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.fixture(scope="module")
def after_a_first_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout and its wheels as a first run leaves them, which takes seconds; each test has a copy."""
    root = tmp_path_factory.mktemp("first")
    assert Checkout(root).run("demo")[:2] == (0, "1 ['demo'] True\n")
    return root


@pytest.fixture
def set_up(checkout: Checkout, after_a_first_run: Path) -> Checkout:
    """A checkout in which everything is installed."""
    shutil.copytree(after_a_first_run, checkout.path.parent, symlinks=True, dirs_exist_ok=True)
    assert checkout.run() == (0, "1 [] True\n", "")
    return checkout


def programs(folder: Path, **scripts: str) -> str:
    """A PATH of the tools and of these scripts, and nothing else."""
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).symlink_to(str(shutil.which(tool)))
    for name, body in scripts.items():
        program = folder / name.replace("_", "-")
        program.unlink(missing_ok=True)
        program.write_text(f"#!/bin/sh\n{body}\n", encoding="ascii")
        program.chmod(0o755)
    return str(folder)


@pytest.mark.slow
def test_the_first_run_sets_up_and_the_next_ones_only_run(checkout: Checkout):
    code, out, err = checkout.run("hunt", "two words", "")

    assert (code, out) == (0, "1 ['hunt', 'two words', ''] True\n")
    assert err == "taawun: installing requirements.lock into .venv (takes a minute or two, once)\n"

    # from elsewhere, by a link, with what could lead Python away
    link = checkout.path.parent / "link"
    link.symlink_to(Path("a checkout") / "taawun")
    code, out, err = checkout.run(script=str(link), cwd="/")
    assert (code, out, err) == (0, "1 [] True\n", "")


@pytest.mark.slow
def test_a_changed_lock_is_installed_by_the_next_run(set_up: Checkout):
    set_up.lock("2")

    code, out, err = set_up.run()

    assert (code, out) == (0, "2 [] True\n")
    assert "installing requirements.lock" in err


@pytest.mark.slow
def test_a_package_with_another_hash_is_refused_and_the_next_run_recovers(checkout: Checkout):
    checkout.lock("1", digest="0" * 64)

    code, out, err = checkout.run()

    assert (code, out) == (3, "")
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in err
    assert err.splitlines()[-1].startswith("taawun: the dependencies could not be installed")

    checkout.lock("1")
    assert checkout.run()[:2] == (0, "1 [] True\n")


@pytest.mark.slow
def test_first_runs_at_the_same_time_do_not_break_each_other(checkout: Checkout):
    runs = [checkout.start(str(number)) for number in range(3)]
    ended = [run.communicate(timeout=120) for run in runs]

    assert [run.returncode for run in runs] == [0, 0, 0]
    assert [out for out, _err in ended] == [f"1 ['{number}'] True\n" for number in range(3)]
    assert sum("installing requirements.lock" in err for _out, err in ended) == 1


@pytest.mark.slow
def test_a_run_killed_while_installing_is_finished_by_the_next(checkout: Checkout):
    killed = checkout.start(start_new_session=True)
    mark = checkout.path / ".venv" / "installing"
    while not mark.exists():
        assert killed.poll() is None
        time.sleep(0.02)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    # what a package looks like whose files are not all there yet
    site = next((checkout.path / ".venv").glob("lib/python3.*/site-packages"))
    (site / "smallest-1.dist-info").mkdir(exist_ok=True)
    (site / "smallest-1.dist-info" / "METADATA").write_text("Name: smallest\nVersion: 1\n", encoding="ascii")

    assert checkout.run()[:2] == (0, "1 [] True\n")
    assert not mark.exists()


@pytest.mark.slow
def test_an_environment_whose_python_has_gone_is_made_again(set_up: Checkout):
    for python in (set_up.path / ".venv" / "bin").glob("python*"):
        python.unlink()
        python.symlink_to("/nowhere/python3")

    assert set_up.run()[:2] == (0, "1 [] True\n")


@pytest.mark.slow
def test_only_the_test_command_installs_what_tests_need(set_up: Checkout):
    (set_up.path / "requirements-dev.lock").write_text("# none\n", encoding="ascii")

    stamp = set_up.path / ".venv" / "requirements-dev.lock"

    set_up.run("demo")
    assert not stamp.exists()
    set_up.run("test")
    assert stamp.exists()


TOO_OLD = 'case "$2" in *print*) echo 3.10 ;; *) exit 1 ;; esac'
WITHOUT_VENV = (
    f'case "$2" in *ensurepip*) [ -e "$0-venv" ] && exec {sys.executable} "$@"; exit 1 ;; '
    f'*) exec {sys.executable} "$@" ;; esac'
)
MINOR = f"3.{sys.version_info.minor}"


@pytest.mark.parametrize(
    ("scripts", "message"),
    [
        ({}, "taawun: Python 3.11 or newer is needed. "),
        ({"python3": TOO_OLD}, "taawun: Python 3.11 or newer is needed (found 3.10). "),
        (
            {"python3": WITHOUT_VENV, "id": "echo 1000"},
            f"taawun: Python {MINOR} is here without its venv module. ",
        ),
        (
            {"python3": WITHOUT_VENV, "id": "echo 0", "apt_get": "exit 100"},
            f"taawun: apt-get could not install python{MINOR}-venv",
        ),
    ],
)
def test_without_a_suitable_python_it_says_what_to_install(
    checkout: Checkout, tmp_path: Path, scripts: dict[str, str], message: str
):
    code, out, err = checkout.run(path=programs(tmp_path / "bin", **scripts))

    assert (code, out) == (3, "")
    assert err.splitlines()[-1].startswith(message)
    assert not (checkout.path / ".venv").exists()


def test_a_newer_python_beside_an_old_one_is_found(checkout: Checkout, tmp_path: Path):
    scripts = {"python3": TOO_OLD, "python3.12": WITHOUT_VENV, "id": "echo 1000"}

    _code, _out, err = checkout.run(path=programs(tmp_path / "bin", **scripts))

    assert f"Python {MINOR} is here without its venv module" in err


@pytest.mark.slow
def test_as_root_on_debian_a_missing_venv_module_is_installed(checkout: Checkout, tmp_path: Path):
    folder = tmp_path / "bin"
    apt = f'echo "$@" >>{tmp_path}/apt; case "$*" in *install*) : >{folder}/python3-venv ;; esac'
    path = programs(folder, python3=WITHOUT_VENV, id="echo 0", apt_get=apt)
    (folder / "awk").symlink_to(str(shutil.which("awk")))

    code, out, err = checkout.run(path=path)

    assert (code, out) == (0, "1 [] True\n")
    assert err.splitlines()[0] == f"taawun: installing python{MINOR}-venv with apt-get (once)"
    assert (tmp_path / "apt").read_text(encoding="utf-8").splitlines()[-1].endswith(f"python{MINOR}-venv")


def test_once_set_up_it_costs_less_than_40_ms(checkout: Checkout):
    environment = checkout.path / ".venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to("/bin/true")
    shutil.copy(checkout.path / "requirements.lock", environment)
    taken = []
    for _ in range(9):
        started = time.perf_counter()
        assert checkout.run() == (0, "", "")
        taken.append(time.perf_counter() - started)

    assert statistics.median(taken) < 0.040


@pytest.mark.parametrize(("age", "compiled"), [(None, True), (-10, True), (10, False)])
def test_a_catalogue_newer_than_its_compiled_form_is_compiled(
    checkout: Checkout, age: int | None, compiled: bool
):
    environment = checkout.path / ".venv"
    (environment / "bin").mkdir(parents=True)
    python = environment / "bin" / "python"
    python.write_text('#!/bin/sh\necho "$@"\n', encoding="ascii")
    python.chmod(0o755)
    shutil.copy(checkout.path / "requirements.lock", environment)
    source = checkout.path / "src" / "taawun" / "locale" / "fr" / "LC_MESSAGES" / "django.po"
    source.parent.mkdir(parents=True)
    source.touch()
    if age is not None:
        source.with_suffix(".mo").touch()
        now = source.stat().st_mtime
        os.utime(source.with_suffix(".mo"), (now + age, now + age))

    _code, out, _err = checkout.run("up")

    assert out.splitlines() == [*["-P -m taawun.node.catalogues compile"] * compiled, "-P -m taawun up"]
