"""What a user gets from `pip install hydria`, with and without the server's extra."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {
    "hydria": ROOT / "client" / "hydria",
    "hydria_server": ROOT / "server" / "hydria_server",
}

IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not module.name.endswith(".__main__") and ".migrations" not in module.name:
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            assert "pip install 'hydria[" in str(error), error  # it is an extra's, and says so
print(package.__file__)
"""


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of this checkout and return its path."""
    target = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", target, cwd=ROOT)
    return next(target.glob("*.whl"))


@pytest.fixture(scope="module")
def wheel_names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_every_file_of_both_packages(wheel_names: set[str]) -> None:
    wanted = {
        (Path(package) / file.relative_to(folder)).as_posix()
        for package, folder in PACKAGES.items()
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }

    assert wanted <= wheel_names


def test_the_wheel_claims_no_import_name_but_ours(wheel_names: set[str]) -> None:
    folders = {name.split("/")[0] for name in wheel_names}

    assert {name for name in folders if not name.startswith("hydria-")} == set(PACKAGES)


def test_the_wheel_carries_the_contract(wheel_names: set[str]) -> None:
    protos = {file.relative_to(ROOT).as_posix() for file in ROOT.glob("protos/**/*.proto")}
    shipped = {name.split("/data/share/hydria/")[-1] for name in wheel_names}

    assert protos
    assert protos <= shipped


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_fresh_environment_runs_the_client_alone_and_then_the_server(
    wheel: Path, tmp_path: Path
) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    install: list[str | Path] = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]

    run(*install, wheel, cwd=tmp_path)
    assert str(tmp_path) in run(python, "-c", IMPORT_ALL, "hydria", cwd=tmp_path)

    run(*install, f"{wheel}[server]", cwd=tmp_path)
    assert str(tmp_path) in run(python, "-c", IMPORT_ALL, "hydria_server", cwd=tmp_path)
