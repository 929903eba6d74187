"""Les Houches files as text: what is read, what is refused, and ranges of events."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from analysis.config.simulation import Simulation
from analysis.event_files.checks import check_heads, event_range
from analysis.event_files.les_houches import read_init, read_weights, write_range
from common.errors import ConfigError, InputFileError
from tests.event_files import les_houches, write

NAMED = "<rwgt>\n<wgt id='1'> {w} </wgt>\n<wgt id='2'> {w}e1 </wgt>\n</rwgt>"
LISTED = "<weights> {w} {w}e1 </weights>"
OF_POWHEG = "#rwgt  2  101  3933017.7  3  267  0\n<weights>\n{w}\n{w}e1\n</weights>"
OF_MADGRAPH = (
    "#aMCatNLO 1 6 2 0 0 0.0E+00 0.0E+00 9 0 0 0.1E+01 0.9E+00 0.1E+01 0.0E+00 0.0E+00\n# 10 20\n"
    f"{NAMED}\n<weights> 7. 8. </weights>\n<scales muf='90.1' mur='90.2' mups='90.3'> </scales>"
)
"""What these two write behind the particles."""


@pytest.mark.parametrize("suffix", [".lhe", ".lhe.gz"])
@pytest.mark.parametrize("version", ["1.0", "2.0", "3.0"])
def test_reads_what_was_written(tmp_path: Path, suffix: str, version: str) -> None:
    w = np.arange(1.0, 9.0)
    text = les_houches(8, strategy=-4, weights=w, sigma=[2.0, 3.0], version=version)
    path = write(tmp_path / f"a{suffix}", text)
    init = read_init(path)
    assert (init.beams, init.energies_gev) == ((2212, 2212), (7000.0, 7000.0))
    assert init.strategy == -4
    assert [(p.number, p.cross_section_pb, p.error_pb) for p in init.processes] == [
        (1, 2.0, 0.02),
        (2, 3.0, 0.03),
    ]
    found = read_weights(path)
    assert found.nominal == pytest.approx(w)
    assert np.array_equal(found.nominal, found.chosen)
    assert np.isnan(found.trials).all()


@pytest.mark.parametrize("named", [NAMED, LISTED, OF_POWHEG, OF_MADGRAPH])
@pytest.mark.parametrize("weight", ["2", "muR=2"])
def test_named_weight_is_chosen_by_identity_or_meaning(
    tmp_path: Path, named: str, weight: str
) -> None:
    path = write(tmp_path / "a.lhe", les_houches(3, weights=[1.5, 2.5, 3.5], named=named))
    found = read_weights(path, weight)
    assert found.nominal == pytest.approx([1.5, 2.5, 3.5])
    assert found.chosen == pytest.approx([15.0, 25.0, 35.0])


@pytest.mark.parametrize("value", ["nan", "-inf"])
def test_chosen_weight_that_is_no_number_is_named(tmp_path: Path, value: str) -> None:
    named = NAMED.replace("{w}e1", value)
    path = write(tmp_path / "a.lhe", les_houches(2, named=named))
    assert read_weights(path, "1").chosen == pytest.approx([1.0, 1.0]), "the others are usable"
    with pytest.raises(InputFileError, match=rf"a\.lhe.*weight {value} under the name '2'"):
        read_weights(path, "muR=2")


def test_unknown_weight_names_the_known_ones(tmp_path: Path) -> None:
    path = write(tmp_path / "a.lhe", les_houches(2, named=NAMED))
    with pytest.raises(ConfigError, match=r"no weight 'muF=2'; there are 1, 2"):
        read_weights(path, "muF=2")
    path = write(tmp_path / "b.lhe", les_houches(2))
    with pytest.raises(ConfigError, match="leave it out"):
        read_weights(path, "muF=2")


def test_ranges_of_two_files_are_each_event_once(tmp_path: Path) -> None:
    files = [write(tmp_path / f"{k}.lhe", les_houches(5, strategy=-4, named=NAMED)) for k in (0, 1)]
    whole = [line for path in files for line in path.read_text().splitlines() if " 1 1 2 " in line]
    found = []
    for first, last in ((0, 3), (3, 8), (8, 10)):
        output = tmp_path / "cut.lhe"
        write_range(files, first, last, output)
        assert len(read_weights(output)) == last - first
        assert set(read_weights(output).nominal) == {1.0}
        assert read_init(output).strategy == 3
        assert "rwgt>" not in output.read_text().partition("</init>")[2]
        found += [line for line in output.read_text().splitlines() if " 1 1 2 " in line]
    assert found == whole
    assert len(whole) == 20


def test_init_of_powheg_is_read(tmp_path: Path) -> None:
    """Weights are declared inside the block, and its end stands in the same line."""
    text = les_houches(2).replace(
        "<generator name='tests'>1</generator>\n</init>", "<initrwgt /></init>"
    )
    path, output = write(tmp_path / "a.lhe", text), tmp_path / "cut.lhe"
    write_range([path], 0, 2, output)
    assert "<initrwgt /></init>" in output.read_text()
    assert read_init(output).processes[0].cross_section_pb == 1.0
    assert len(read_weights(output)) == 2


def test_fortran_numbers_are_read(tmp_path: Path) -> None:
    text = les_houches(2).replace("1.00000000e+00 ", "0.25000000D+01 ")
    assert read_weights(write(tmp_path / "a.lhe", text)).nominal == pytest.approx([2.5, 2.5])


def test_fortran_numbers_are_passed_on_as_those_of_c(tmp_path: Path) -> None:
    text = les_houches(3, named="#pdf 1 2 0.5D+00")
    start = text.index("<init>")
    fortran = re.sub(r"(?<=\d)e(?=[-+]\d\d\b)", "D", text[start:])
    assert fortran.count("D+") > 50
    for name, rest in (("c", text[start:]), ("fortran", fortran)):
        path = write(tmp_path / f"{name}.lhe", text[:start] + rest)
        write_range([path], 1, 3, tmp_path / f"{name}_cut.lhe")
    found = (tmp_path / "fortran_cut.lhe").read_text()
    assert found.lower() == (tmp_path / "c_cut.lhe").read_text().lower()
    assert not re.search(r"\dD[-+]", found)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "", "not a Les Houches file"),
        (lambda text: "HepMC::Version 3.2\n" * 40, "not a Les Houches file"),
        (lambda text: text[: text.index("</init>")], "no complete <init> block"),
        (lambda text: text[: text.rindex("<event")], "ends early, after 2 events"),
        (lambda text: text[: text.rindex("</event>")], "ends early, after 2 events"),
        (lambda text: text[: text.index("<event")] + "</LesHouchesEvents>\n", "holds no event"),
        (lambda text: text.replace(" 3 1\n", " 7 1\n", 1), "IDWTUP is 7"),
        (lambda text: text.replace(" 3 1\n", " 3 2\n", 1), "not that of the Les Houches accord"),
        (lambda text: text.replace("4 1 1.00000000e+00", "4 1 nan"), "has the weight nan"),
        (lambda text: text.replace("4 1 1.0", "4 1 x"), "XWGTUP should be a number"),
        (lambda text: text.replace("4 1 1.0", "9 1 1.0"), "fewer lines than its 9 particles"),
        (lambda text: text + text, "holds several files"),
        (lambda text: text.rstrip() + text, "holds several files"),
    ],
)
def test_bad_file_is_one_error_that_names_it(
    tmp_path: Path, change: Callable[[str], str], message: str
) -> None:
    path = write(tmp_path / "bad.lhe", change(les_houches(3)))
    with pytest.raises(InputFileError, match=rf"bad\.lhe.*{message}"):
        read_weights(path)


def test_truncated_gzip_is_one_error(tmp_path: Path) -> None:
    path = write(tmp_path / "bad.lhe.gz", les_houches(20))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputFileError, match=r"bad\.lhe\.gz.*damaged or ends early"):
        read_weights(path)
    with pytest.raises(InputFileError, match=r"none\.lhe.*cannot be read"):
        read_init(tmp_path / "none.lhe")


def test_events_without_colours_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.lhe", les_houches(2, colours=False))
    with pytest.raises(InputFileError, match=r"carry no colours.*hepmc"):
        read_weights(path)


def test_other_collisions_are_refused(tmp_path: Path) -> None:
    block = Simulation(lhe="a.lhe")
    check_heads(block, [write(tmp_path / "a.lhe", les_houches(1))])
    for changed, message in (
        ({"energy": 6500.0}, "13000 GeV"),
        ({"beams": (2212, -2212)}, "beams"),
    ):
        path = write(tmp_path / "b.lhe", les_houches(1, **changed))  # type: ignore[arg-type]
        with pytest.raises(InputFileError, match=rf"b\.lhe.*{message}"):
            check_heads(block, [path])
    at_13 = Simulation(lhe="b.lhe", common=("Beams:eCM = 13000.",))
    check_heads(at_13, [write(tmp_path / "b.lhe", les_houches(1, energy=6500.0))])


def test_chunks_divide_the_events(tmp_path: Path) -> None:
    for total, chunks in ((10, 3), (7, 7), (100, 1)):
        block = Simulation(lhe="a.lhe", chunks=chunks)
        ranges = [event_range(block, total, k) for k in range(chunks)]
        assert ranges[0][0] == 0
        assert ranges[-1][1] == total
        assert all(a[1] == b[0] for a, b in itertools.pairwise(ranges))
    some = Simulation(lhe="a.lhe", events=4, chunks=3)
    assert event_range(some, 12, 2) == (8, 12)
    with pytest.raises(ConfigError, match=r"hold 11 events.*end at 12.*`chunks` to 2"):
        event_range(some, 11, 2)
    with pytest.raises(ConfigError, match=r"hold 2 events, fewer than the 3 chunks"):
        event_range(Simulation(hepmc="a", chunks=3), 2, 0)
