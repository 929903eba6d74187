"""Configuration of the taggers of single fat jets, free of torch."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from models.config.blocks import Block
from models.config.specs import SingleJetSpec, Training

PUBLIC = "top_tagging"
"""Name of the task on the public top-tagging files."""
JET_CLASS = "jet_class"
"""Name of the task on the public JetClass files."""

TaggerSpec = Annotated[SingleJetSpec, Field(discriminator="architecture")]


class JetTask(Block):
    """Fat jets of some processes against those of others, from the datasets of the run."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_\-]*$",
        max_length=64,
        description="Name of the task in paths, tables and figures.",
    )
    signal: tuple[str, ...] = Field(
        min_length=1, description="Processes whose fat jets shall be found."
    )
    background: tuple[str, ...] = Field(min_length=1, description="Background processes.")

    @model_validator(mode="after")
    def _two_sides(self) -> Self:
        both = sorted(set(self.signal) & set(self.background))
        if both:
            raise ValueError(f"{', '.join(both)} is signal and background at once")
        if self.name in (PUBLIC, JET_CLASS):
            raise ValueError(f"the name {self.name} is that of the task on the public files")
        return self


class TopTagging(Block):
    """The public top-tagging reference files (Zenodo 2603256): tops against QCD."""

    train: str = Field(description="Path of `train.h5`.")
    validation: str = Field(description="Path of `val.h5`.")
    test: str = Field(description="Path of `test.h5`.")
    max_constituents: int = Field(100, gt=0, description="Leading constituents of a jet.")
    max_jets: int | None = Field(
        None, gt=0, description="Jets of each file, from its beginning; all if absent."
    )


class JetClass(Block):
    """The public JetClass files (Zenodo 6619768): ten classes of jets, ROOT files."""

    train: tuple[str, ...] = Field(
        min_length=1, description="Paths of ROOT files, with `*` if wanted, that hold all classes."
    )
    validation: tuple[str, ...] = Field(min_length=1, description="The same, of the validation.")
    test: tuple[str, ...] = Field(min_length=1, description="The same, of the test.")
    max_constituents: int = Field(128, gt=0, description="Leading constituents of a jet.")
    max_jets: int | None = Field(
        None, gt=0, description="Jets of each file, from its beginning; all if absent."
    )


class Jets(Block):
    """Taggers of single fat jets; off while there are no tasks."""

    tasks: tuple[JetTask, ...] = Field((), description="Signal and background processes.")
    top_tagging: TopTagging | None = Field(
        None, description="A task on the public top-tagging files, in place of events of the run."
    )
    jet_class: JetClass | None = Field(
        None, description="Ten classes at once, on the public JetClass files."
    )
    taggers: tuple[TaggerSpec, ...] = Field((), description="Networks, each trained on each task.")
    training: Training = Field(Training(), description="Their training, with seeds of its own.")
    pt_min_gev: float = Field(
        0.0, ge=0, description="Smallest pT of a fat jet [GeV], for the tasks on events of the run."
    )
    pt_max_gev: float | None = Field(None, gt=0, description="Largest pT [GeV]; none if absent.")

    @property
    def task_names(self) -> tuple[str, ...]:
        """Names of all tasks of two classes, that on the public files last."""
        own = tuple(task.name for task in self.tasks)
        return own + ((PUBLIC,) if self.top_tagging else ())

    @property
    def every_task(self) -> tuple[str, ...]:
        """Names of all tasks, that of ten classes last."""
        return self.task_names + ((JET_CLASS,) if self.jet_class else ())

    def tagger(self, name: str) -> TaggerSpec:
        return next(tagger for tagger in self.taggers if tagger.name == name)

    def task(self, name: str) -> JetTask | None:
        """Return a task; None for those on public files."""
        return next((task for task in self.tasks if task.name == name), None)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.every_task and not self.taggers:
            raise ValueError("taggers: none given for the tasks " + ", ".join(self.every_task))
        names = {"tasks": self.task_names, "taggers": tuple(t.name for t in self.taggers)}
        for key, found in names.items():
            for name in found:
                if found.count(name) > 1:
                    raise ValueError(f"{key}: the name {name!r} is used twice")
        for tagger in self.taggers:
            if tagger.jets != 1:
                raise ValueError(f"taggers: {tagger.name} sees two jets; give it `jets: 1`")
            if tagger.masses_gev or tagger.seeds:
                raise ValueError(
                    f"taggers: {tagger.name} must not have `masses_gev` or `seeds`, which are keys "
                    "of `networks`; set `jets.training.seeds`"
                )
        if self.pt_max_gev is not None and self.pt_max_gev <= self.pt_min_gev:
            raise ValueError("pt_max_gev must be above pt_min_gev")
        return self
