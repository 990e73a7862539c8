"""The house rules that a machine can check; import-linter checks the layers (pyproject.toml)."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SERVER = ROOT / "server" / "hydria_server"
CLIENT = ROOT / "client" / "hydria"
GENERATED = CLIENT / "v1"
MIGRATIONS = SERVER / "storage" / "metadata" / "migrations"
PROTOS = ROOT / "protos"

FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 40

# A file with one of these names says nothing about what is in it.
EMPTY_NAMES = {"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"}

# A module named like another project shadows it, or passes for it.
OTHER_PROJECTS = {
    "aim", "bentoml", "clearml", "comet", "datachain", "dvc", "feast", "huggingface_hub",
    "kitops", "lakefs", "mlflow", "neptune", "oras", "pachyderm", "quilt", "trackio", "wandb",
    "weave", "xet", "zenml",
}  # fmt: skip


def source_files() -> list[Path]:
    """Return what people wrote under server/ and client/."""
    files = [*SERVER.rglob("*.py"), *CLIENT.rglob("*.py")]
    return sorted(
        file for file in files if not file.is_relative_to(MIGRATIONS) and "_pb2" not in file.name
    )


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions_of(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count a function's lines without its docstring, so that no contract is cut to fit."""
    first = function.body[0]
    documented = isinstance(first, ast.Expr) and ast.get_docstring(function) is not None
    docstring_lines = (first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring_lines


def modules_imported_by(file: Path) -> set[str]:
    modules: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            modules.add(node.module or "")
    return modules


def run_python(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_no_file_is_longer_than_a_reader_holds_in_mind() -> None:
    lengths = {
        relative(file): len(file.read_text(encoding="utf-8").splitlines())
        for file in source_files()
    }

    assert {name: n for name, n in lengths.items() if n > FILE_LINES_MAX} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    lengths = {
        f"{relative(file)}:{function.lineno} {function.name}": lines_of(function)
        for file in source_files()
        for function in functions_of(file)
    }

    assert {name: n for name, n in lengths.items() if n > FUNCTION_LINES_MAX} == {}


def test_every_file_is_named_for_what_it_holds() -> None:
    folders = [SERVER, CLIENT, ROOT / "tests", ROOT / "benchmarks"]
    paths = [path for folder in folders for path in folder.rglob("*.py")]

    assert [relative(path) for path in paths if EMPTY_NAMES & set(names_in(path))] == []


def test_no_module_is_named_like_another_project() -> None:
    assert [relative(file) for file in source_files() if OTHER_PROJECTS & set(names_in(file))] == []


def names_in(path: Path) -> Iterator[str]:
    """Yield the names of `path` and of its folders below the root, without leading underscores."""
    for part in path.relative_to(ROOT).with_suffix("").parts:
        yield part.lstrip("_")


def test_every_folder_of_code_is_a_package() -> None:
    folders = {file.parent for file in source_files()}

    assert [relative(f) for f in sorted(folders) if not (f / "__init__.py").is_file()] == []


def test_the_domain_needs_the_standard_library_only() -> None:
    allowed = {"__future__", *sys.stdlib_module_names}
    strangers = {
        (relative(file), module)
        for file in (SERVER / "domain").rglob("*.py")
        for module in modules_imported_by(file)
        if module.split(".")[0] not in allowed and not module.startswith("hydria_server.domain")
    }

    assert strangers == set()


@pytest.mark.parametrize("module", ["grpc", "google.protobuf", "asyncio", "click", "hydria.v1"])
def test_import_hydria_is_cheap(module: str) -> None:
    loaded = run_python(f"import sys, hydria; print({module!r} in sys.modules)")

    assert loaded.strip() == "False", f"`import hydria` loads {module}"


def test_a_server_starts_without_what_few_servers_need() -> None:
    program = "import sys, hydria_server.__main__; print({'aiohttp', 'alembic'} & {*sys.modules})"

    assert run_python(program).strip() == "set()"


def test_every_proto_has_its_generated_files_and_they_have_their_proto() -> None:
    stems = {file.relative_to(PROTOS).with_suffix("") for file in PROTOS.rglob("*.proto")}
    wanted = {
        stem.with_name(stem.name + suffix).as_posix()
        for stem in stems
        for suffix in ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py", "_pb2_grpc.pyi")
    }
    found = {
        file.relative_to(CLIENT.parent).as_posix()
        for file in GENERATED.parent.rglob("*_pb2*.py*")
        if file.suffix in {".py", ".pyi"}
    }

    assert found == wanted


def test_every_proto_lies_in_the_folder_of_its_package() -> None:
    misplaced = [
        relative(file)
        for file in PROTOS.rglob("*.proto")
        if f"package {'.'.join(file.relative_to(PROTOS).parent.parts)};"
        not in file.read_text(encoding="utf-8")
    ]

    assert misplaced == []
