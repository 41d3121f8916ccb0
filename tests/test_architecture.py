"""The folders are the architecture: who may import whom, what is public, and how large a file may grow."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
LIBRARIES = ("inpaint", "render", "camera_paths")
INSTALLED = ("photo3d_video", *LIBRARIES)
NOT_INSTALLED = ("training", "benchmarks", "tests")
OTHER_FOLDERS = ("docs", "examples")
MADE_BY_TOOLS = {"build", "dist"}
MAX_LINES = 400
PRINTS = {"photo3d_video/cli/command.py", "photo3d_video/cli/doctor.py"}


def sources(*folders: str) -> list[Path]:
    return [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def imported(file: Path) -> set[str]:
    """Top-level names of all modules that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(file)}: relative import"
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("package", LIBRARIES)
def test_libraries_know_neither_the_product_nor_one_another(package: str) -> None:
    forbidden = {*INSTALLED, *NOT_INSTALLED} - {package}
    for file in sources(package):
        assert not imported(file) & forbidden, name_of(file)


def test_the_product_needs_nothing_that_is_not_installed() -> None:
    for file in sources("photo3d_video"):
        assert not imported(file) & set(NOT_INSTALLED), name_of(file)


def test_camera_paths_needs_numpy_alone() -> None:
    for file in sources("camera_paths"):
        assert imported(file) - sys.stdlib_module_names <= {"numpy", "camera_paths"}, name_of(file)


def test_folders_are_those_of_the_design() -> None:
    folders = {p.name for p in ROOT.iterdir() if p.is_dir() and not p.name.startswith((".", "__"))}
    folders = {name for name in folders - MADE_BY_TOOLS if not name.endswith(".egg-info")}
    assert folders - set(OTHER_FOLDERS) == {*INSTALLED, *NOT_INSTALLED}


def public_names(module: ModuleType) -> set[str]:
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, ModuleType) and name != "annotations"
    }


@pytest.mark.parametrize("name", INSTALLED)
def test_all_is_what_is_public(name: str) -> None:
    module = importlib.import_module(name)
    declared = getattr(module, "__all__", [])
    assert list(declared) == sorted(declared, key=lambda n: (not n.isupper(), not n[0].isupper(), n))
    assert len(set(declared)) == len(declared)
    for exported in declared:
        assert getattr(module, exported).__doc__ or exported.isupper(), exported
    if name != "photo3d_video":
        assert public_names(module) == set(declared)


def test_lazy_names_are_all_and_what_type_checkers_see() -> None:
    import photo3d_video

    assert set(photo3d_video._MODULE) == set(photo3d_video.__all__)
    tree = ast.parse((ROOT / "photo3d_video/__init__.py").read_text())
    checked = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module for node in checked.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert seen == {name: f"photo3d_video.{module}" for name, module in photo3d_video._MODULE.items()}
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = photo3d_video.no_such_name


def test_files_stay_small() -> None:
    files = [*sources(*INSTALLED, "training", "benchmarks"), *(ROOT / "render" / "shaders").iterdir()]
    lengths = {name_of(file): len(file.read_text().splitlines()) for file in files}
    assert {name: n for name, n in lengths.items() if n > MAX_LINES} == {}


def test_only_the_command_prints() -> None:
    for file in sources(*INSTALLED):
        calls = [node.func for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
        prints = any(isinstance(function, ast.Name) and function.id == "print" for function in calls)
        assert not prints or name_of(file) in PRINTS, name_of(file)


def readme_lines() -> list[str]:
    """The code lines of the README."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def test_ci_runs_the_readmes_test_line() -> None:
    (line,) = [line for line in readme_lines() if line.endswith("-m pytest")]
    libraries, rest = line.split(" && python3 -m venv ")
    script = (ROOT / ".ci" / "run").read_text()
    assert libraries in script
    assert f"\npython3 -m venv {rest}\n" in script


def test_readmes_main_line_renders_the_sample() -> None:
    (line,) = [line for line in readme_lines() if "apt-get" in line and "render-3dphoto" in line]
    from photo3d_video.cli.command import make_parser

    options = vars(make_parser().parse_args(line.split("render-3dphoto ")[1].split()))
    assert 50_000 < (ROOT / options["photos"][0]).stat().st_size < 500_000
    assert (ROOT / options["photos"][0]).with_name("SOURCE.md").is_file()


def test_readme_and_doctor_name_the_same_libraries() -> None:
    from photo3d_video.cli.doctor import INSTALL_LIBRARIES

    packages = INSTALL_LIBRARIES.removeprefix("apt-get install ")
    assert sum(packages in line for line in readme_lines()) == 2


def test_readme_lists_every_path_and_option() -> None:
    from camera_paths import PRESETS
    from photo3d_video.cli.command import make_parser

    text = (ROOT / "README.md").read_text()
    for name in PRESETS:
        assert f"| `{name}` |" in text, name
    known = {option for action in make_parser()._actions for option in action.option_strings}
    for line in readme_lines():
        for option in re.findall(r"(?<=\s)--[a-z-]+", line.partition("render-3dphoto ")[2]):
            assert option in known, line
