"""Which sources stand behind a script."""

from collections.abc import Callable
from pathlib import Path

import pytest

from common.errors import ConfigError
from tests.conftest import ROOT
from workflow.pipeline import provenance
from workflow.pipeline.provenance import ROOT as PROJECT
from workflow.pipeline.provenance import source_digest, source_files


def names(script: str) -> set[str]:
    files = source_files(ROOT / "workflow" / "scripts" / f"{script}.py")
    return {str(file.relative_to(PROJECT)) for file in files}


def test_sources_are_followed_through_imports() -> None:
    assert {
        "analysis/reconstruction/fatjets.py",
        "analysis/reconstruction/orientation.py",
        "workflow/pipeline/cli.py",
    } <= names("reconstruct")
    assert not [name for name in names("reconstruct") if "training" in name or "limits" in name]
    assert "models/training/training.py" in names("train")
    assert "models/training/training.py" not in names("score")


def test_digest_differs_between_architectures() -> None:
    modules = [("models.networks.kinematics",), ("models.networks.cross_attention",), ()]
    assert len({source_digest("train", *names) for names in modules}) == 3


def test_named_data_files_count_as_sources() -> None:
    assert "analysis/statistics/data/published_limits.yaml" in names("limits_figure")


@pytest.fixture
def digest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], str]:
    """The digest of a network of the user's, as a new process finds it."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)

    def find(module: str) -> str:
        for function in vars(provenance).values():
            if hasattr(function, "cache_clear"):
                function.cache_clear()
        return source_digest("train", module)

    return find


@pytest.mark.parametrize(
    ("module", "changed"),
    [
        ("mine.py", "mine.py"),
        ("mine", "mine.py"),
        ("mine", "layers.py"),
        ("package.networks", "package/networks.py"),
        ("package.networks", "package/blocks.py"),
        ("package.networks", "package/deeper.py"),
        ("package.networks", "package/__init__.py"),
    ],
)
def test_a_network_of_the_users_counts_with_all_that_it_imports(
    digest: Callable[[str], str], tmp_path: Path, module: str, changed: str
) -> None:
    files = {
        "mine.py": "import layers\nfrom models.networks.attention import masked_mean\n",
        "layers.py": "",
        "unrelated.py": "",
        "package/__init__.py": "",
        "package/networks.py": "from . import blocks\nfrom .blocks import Block\n",
        "package/blocks.py": "from package.deeper import Deeper\n",
        "package/deeper.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    before = digest(module)
    assert before != digest("models.networks.kinematics")
    (tmp_path / "unrelated.py").write_text("sign = -1\n", encoding="utf-8")
    assert digest(module) == before
    with (tmp_path / changed).open("a", encoding="utf-8") as file:
        file.write("sign = -1\n")
    assert digest(module) != before


@pytest.mark.parametrize("module", ["nowhere.py", "nowhere", "models.nowhere"])
def test_a_network_that_is_not_there_is_named(digest: Callable[[str], str], module: str) -> None:
    with pytest.raises(ConfigError, match=module):
        digest(module)


def test_a_network_that_is_no_python_is_named(digest: Callable[[str], str], tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("class (\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"broken\.py cannot be read as Python"):
        digest("broken.py")
