"""Which sources stand behind a script."""

from tests.conftest import ROOT
from workflow.provenance import ROOT as PROJECT
from workflow.provenance import source_digest, source_files


def names(script: str) -> set[str]:
    files = source_files(ROOT / "workflow" / "scripts" / f"{script}.py")
    return {str(file.relative_to(PROJECT)) for file in files}


def test_sources_are_followed_through_imports() -> None:
    assert {"analysis/fatjets.py", "analysis/orientation.py", "workflow/cli.py"} <= names(
        "reconstruct"
    )
    assert not [name for name in names("reconstruct") if "training" in name or "limits" in name]
    assert "models/training.py" in names("train")
    assert "models/training.py" not in names("score")


def test_digest_differs_between_architectures() -> None:
    digests = {source_digest("train", m) for m in ("models.kinematics", "models.cross_attention")}
    assert len(digests | {source_digest("train")}) >= 2


def test_named_data_files_count_as_sources() -> None:
    assert "analysis/data/published_limits.yaml" in names("limits_figure")
