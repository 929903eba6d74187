"""From patterns to files: each event once, and a name that belongs to its file."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from analysis.config.samples import Sample
from common.errors import ConfigError
from models.config.specs_jets import JetClass, TopTagging
from tests.delphes_files import QCD, SIGNAL, as_another
from workflow.pipeline.inputs import all_chunks, check_public_files, chunk_name, chunks, root_uuid

NUMBERS: dict[str, dict[str, Any]] = {
    "signal": {"mass_gev": 1000},
    "background": {"cross_section_pb": 1},
}


def sample(*files: str, name: str = "qcd", label: str = "background", **keys: Any) -> Sample:
    return Sample(name=name, process=name, label=label, files=files, **NUMBERS[label], **keys)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder `data` of the run, with two files of different events."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(QCD, as_another(SIGNAL, tmp_path / "data/y.root").with_name("x.root"))
    return tmp_path / "data"


Same = Callable[[Path], str]
AGAIN: dict[str, Same] = {
    "the same path": lambda path: "data/x.root",
    "a dot": lambda path: "./data/x.root",
    "a detour": lambda path: "data/../data/x.root",
    "an absolute path": str,
    "a symbolic link": lambda path: linked(path, os.symlink),
    "a hard link": lambda path: linked(path, os.link),
    "a link to the folder": lambda path: str(Path(linked(path.parent, os.symlink), path.name)),
    "a copy": lambda path: linked(path, shutil.copy),
    "a variable": lambda path: "$FOLDER_OF_TEST/x.root",
}


def linked(path: Path, how: Callable[[Path, Path], Any]) -> str:
    other = path.with_name("again.root")
    how(path, other)
    return str(other)


@pytest.mark.parametrize("again", AGAIN)
@pytest.mark.parametrize("where", ["one sample", "two backgrounds", "signal and background"])
def test_the_same_events_are_taken_once(
    data: Path, monkeypatch: pytest.MonkeyPatch, again: str, where: str
) -> None:
    monkeypatch.setenv("FOLDER_OF_TEST", str(data))
    other = AGAIN[again](data / "x.root")
    label = "signal" if where == "signal and background" else "background"
    samples = {
        "one sample": [sample("data/y.root", "data/x.root", other)],
        "two backgrounds": [sample("data/x.root"), sample(other, name="other")],
        "signal and background": [sample("data/x.root"), sample(other, name="s", label=label)],
    }[where]
    with pytest.raises(
        ConfigError, match=r"samples\.\w+\.files: .*x\.root.*the same file or a copy"
    ):
        all_chunks(samples)


def test_a_glob_that_catches_a_link_is_refused(data: Path) -> None:
    (data / "latest.root").symlink_to("x.root")
    with pytest.raises(ConfigError, match=r"latest\.root.*x\.root|x\.root.*latest\.root"):
        all_chunks([sample("data/*.root")])


@pytest.mark.parametrize(
    "url",
    ["https://HOST.example/a%20b/x.root", "https://host.example/a b/x.root".replace(" ", "%20")],
)
def test_a_url_is_taken_once(url: str) -> None:
    with pytest.raises(ConfigError, match="the same file or a copy"):
        all_chunks([sample("https://host.example/a%20b/x.root", name="a"), sample(url)])


def test_samples_with_other_numbers_of_b_hadrons_may_share_files(data: Path) -> None:
    few = sample("data/x.root", b_hadrons={"max": 1})
    many = sample("data/x.root", name="many", b_hadrons={"min": 2})
    assert list(all_chunks([few, many])) == ["qcd", "many"]
    overlapping = sample("data/x.root", name="many", b_hadrons={"min": 1})
    for others in ([few, overlapping], [few, sample("data/x.root", name="all")]):
        with pytest.raises(ConfigError, match="the same file"):
            all_chunks(others)


def test_different_files_of_the_same_events_pass_here(data: Path) -> None:
    """What only the events tell is found when they are read (`analysis.reconstruction.cutflow`)."""
    as_another(QCD, data / "z.root")
    assert len(all_chunks([sample("data/*.root")])["qcd"]) == 3


def test_a_second_file_of_the_same_name_renames_none(data: Path) -> None:
    files = [as_another(QCD, data / f"run_{n:02d}/tag_1_delphes_events.root") for n in (1, 2, 3)]
    names = [[chunk.name for chunk in chunks(sample(*map(str, files[:n])))] for n in (1, 2, 3)]
    assert names[2][:1] == names[1][:1] == names[0]
    assert names[2][:2] == names[1]
    assert len(set(names[2])) == 3
    assert all(name.startswith("tag_1_delphes_events_") for name in names[2])


def test_a_name_belongs_to_the_file_wherever_it_lies(data: Path) -> None:
    name = chunk_name("data/x.root")
    assert name.startswith("x_")
    assert chunk_name("./data/x.root") == chunk_name(str(data / "x.root")) == name
    data.rename(data.with_name("elsewhere"))
    assert chunk_name("elsewhere/x.root") == name


def test_names_of_urls_and_of_what_is_no_root_file(data: Path) -> None:
    urls = [f"https://host/{path}" for path in ("a/x.root", "b/x.root", "a/x.root?id=2/3")]
    assert len({chunk_name(url) for url in urls}) == 3
    assert all(chunk_name(url).startswith("x_") for url in urls)
    assert chunk_name("https://me:secret@host/a/x.root") == chunk_name(urls[0])
    assert chunk_name("root://host//a/é b.root").startswith("b_")
    (data / "lfs.root").write_text("version https://git-lfs.github.com/spec/v1\n", encoding="utf-8")
    assert root_uuid("data/lfs.root") is None
    assert chunk_name("data/lfs.root") == chunk_name("./data/lfs.root")


def test_uuid_is_found_in_the_header_of_a_large_file(data: Path) -> None:
    """Above 2 GB the three addresses before it take 8 bytes each."""
    small = (data / "x.root").read_bytes()[:100]
    version = int.from_bytes(small[4:8], "big") + 1_000_000
    wide = b"root" + version.to_bytes(4, "big") + small[8:12]
    wide += b"".join(bytes(4) + small[at : at + 4] for at in (12, 16)) + small[20:37]
    wide += bytes(4) + small[37:100]
    (data / "large.root").write_bytes(wide)
    assert root_uuid("data/large.root") == root_uuid("data/x.root") is not None


def test_home_and_variables_are_replaced(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(data.parent))
    monkeypatch.setenv("RUN_OF_TEST", "data")
    for pattern in ("~/data/x.root", "$RUN_OF_TEST/x.root", "${RUN_OF_TEST}/[x].root"):
        (chunk,) = chunks(sample(pattern))
        assert Path(chunk.source).samefile(data / "x.root")
    monkeypatch.setenv("RUN_OF_TEST", "https://host")
    assert chunks(sample("$RUN_OF_TEST/x.root"))[0].is_remote
    with pytest.raises(ConfigError, match=r"'\$NOT_SET_AT_ALL/x\.root'.*set the variable NOT_SET"):
        chunks(sample("$NOT_SET_AT_ALL/x.root"))


def test_public_files_of_two_sides_are_two(tmp_path: Path) -> None:
    for name in ("train", "val"):
        h5py.File(tmp_path / f"{name}.h5", "w").close()
    (tmp_path / "test.h5").symlink_to("val.h5")
    splits = {"train": "train", "validation": "val", "test": "test"}
    files = TopTagging(**{split: str(tmp_path / f"{name}.h5") for split, name in splits.items()})
    with pytest.raises(ConfigError, match="validation and test are the same file"):
        check_public_files("jets.top_tagging", files)
    check_public_files(
        "jets.top_tagging", files.model_copy(update={"test": str(tmp_path / "not_there.h5")})
    )
    many = JetClass(train=[f"{tmp_path}/t*.h5"], validation=[f"{tmp_path}/v*.h5"], test=["no"])
    with pytest.raises(ConfigError, match=r"jets\.jet_class: train and validation.*val\.h5"):
        check_public_files("jets.jet_class", many)
