"""Running the user's own Delphes in place of the parametric detector."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import uproot

from analysis.config.simulation import Delphes, Simulation
from analysis.simulation.settings import seed_lines, settings_lines
from common.errors import AnalysisError, ConfigError
from common.files import expanded

TREE = "Delphes"


class DelphesError(AnalysisError):
    """Delphes failed: names the command and its last words."""


def find_executable(delphes: Delphes) -> str:
    """Return the path of the executable.

    Raises
    ------
    ConfigError
        If it is neither on PATH nor a file that can be run.
    """
    name = delphes.executable or ("DelphesHepMC3" if delphes.hepmc else "DelphesPythia8")
    found = shutil.which(expanded(name))
    if found is None:
        raise ConfigError(
            f"simulation.delphes.executable: {name} is not on PATH and is no executable file; "
            "install Delphes (conda env create -f envs/delphes.yaml), give its path, or set "
            "`detector: parametric`"
        )
    return found


def find_card(delphes: Delphes) -> Path:
    """Return the path of the card.

    Raises
    ------
    ConfigError
        If no card is given or the file is not there.
    """
    if delphes.card is None:
        raise ConfigError("simulation.delphes.card: none given; give the path of a Delphes card")
    card = Path(expanded(delphes.card))
    if not card.is_file():
        raise ConfigError(
            f"simulation.delphes.card: no file at {card}; give the path of a card, such as "
            "cards/delphes_card_HLLHC.tcl of Delphes"
        )
    return card


def command_file(simulation: Simulation, seed: int) -> str:
    """Return the text of the Pythia command file that `DelphesPythia8` reads."""
    lines = (
        f"Main:numberOfEvents = {simulation.events}",
        *settings_lines(simulation),
        *seed_lines(seed),
    )
    return "\n".join(lines) + "\n"


def delphes_command(simulation: Simulation, chunk: int, settings: Path, output: Path) -> list[str]:
    """Return the command line that writes `output`.

    Parameters
    ----------
    simulation : Simulation
        Settings of the sample.
    chunk : int
        Number of the chunk; fills `{chunk}` of `hepmc`.
    settings : pathlib.Path
        The Pythia command file.
    output : pathlib.Path
        ROOT file, which must not exist yet.

    Raises
    ------
    ConfigError
        If the executable, the card or the HepMC file is not there.
    """
    delphes = simulation.delphes
    command = [find_executable(delphes), str(find_card(delphes))]
    if delphes.hepmc is None:
        return [*command, str(settings), str(output)]
    source = Path(expanded(delphes.hepmc.replace("{chunk}", str(chunk))))
    if not source.is_file():
        raise ConfigError(f"simulation.delphes.hepmc: no file at {source}; give a HepMC 3 file")
    return [*command, str(output), str(source)]


def run_delphes(simulation: Simulation, seed: int, chunk: int, output: Path) -> np.ndarray:
    """Run Delphes and return the generator weights of the events it wrote, float64 [N].

    Raises
    ------
    ConfigError
        If something that is needed is not there.
    DelphesError
        If Delphes ends with an error or without a readable tree.
    """
    settings = output.with_suffix(".cmnd")
    command = delphes_command(simulation, chunk, settings, output)
    try:
        settings.write_text(command_file(simulation, seed), encoding="utf-8")
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    finally:
        settings.unlink(missing_ok=True)
    if done.returncode != 0 or not output.exists():
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
        raise DelphesError(
            f"{' '.join(command)} failed (exit code {done.returncode}): {' / '.join(words)}"
        )
    try:
        with uproot.open(output) as file:
            weights = file[TREE]["Event.Weight"].array(library="ak")
        return np.asarray(weights[:, 0], dtype=np.float64)
    except Exception as error:
        raise DelphesError(
            f"{' '.join(command)} wrote no readable tree `{TREE}` with Event.Weight: {error}"
        ) from error
