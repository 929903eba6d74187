"""The reference of all configuration keys, generated from the models."""

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from workflow.pipeline.config import Config

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"

HEAD = """# Configuration

All keys of `config.yaml`, generated from the models by `make schema`. A file given with
`--configfile` (or `make run CONFIG=…`) completes `config.yaml`: mappings are merged key by key,
lists are replaced as a whole. Unknown keys are errors.
"""


def reference_text() -> str:
    """Return the reference as Markdown."""
    parts = [HEAD]
    first: dict[type[BaseModel], str] = {}
    for model, path in _blocks(Config, "", first):
        title = f"`{path}`" if path else "Top level"
        if first[model] != path:
            parts.append(f"\n## {title}\n\nThe keys of `{first[model]}`.\n")
            continue
        description = " ".join((model.__doc__ or "").split("\n\n")[0].split())
        parts.append(f"\n## {title}\n\n{description}\n\n| key | type | default | meaning |\n")
        parts.append("|---|---|---|---|\n")
        for name, field in model.model_fields.items():
            parts.append(
                f"| `{name}` | {_type(field.annotation)} | {_default(field)} "
                f"| {(field.description or _summary(field)).replace('|', chr(92) + '|')} |\n"
            )
    return "".join(parts)


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the models inside an annotation, of unions and sequences too."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]


def _blocks(
    model: type[BaseModel], path: str, first: dict[type[BaseModel], str]
) -> Iterator[tuple[type[BaseModel], str]]:
    """Yield every model of the tree with the path of its key; what is in it, the first time."""
    known = first.setdefault(model, path) != path
    yield model, path
    if known:
        return
    for name, field in model.model_fields.items():
        models = _models(field.annotation)
        many = get_origin(field.annotation) is tuple
        for inner in models:
            child = f"{path}.{name}" if path else name
            child += "[]" if many else ""
            child += f" ({_tag(inner)})" if len(models) > 1 else ""
            yield from _blocks(inner, child, first)


def _tag(model: type[BaseModel]) -> str:
    """Return the value that chooses this model among those of a union."""
    for name in ("architecture", "kind"):
        if name in model.model_fields:
            return str(get_args(model.model_fields[name].annotation)[0])
    return model.__name__


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(arguments[0])
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in (Union, types.UnionType):
        names = [_type(inner) for inner in arguments if inner is not type(None)]
        return " or ".join(dict.fromkeys(names))
    if origin is tuple:
        return f"list of {_type(arguments[0])}"
    if _models(annotation):
        return "block"
    return getattr(annotation, "__name__", str(annotation))


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    if field.default is None:
        return "none"
    if isinstance(field.default, BaseModel):
        return "see below"
    if isinstance(field.default, tuple):
        return "`[" + ", ".join(map(str, field.default)) + "]`"
    return f"`{field.default}`"


def _summary(field: FieldInfo) -> str:
    models = _models(field.annotation)
    return " ".join((models[0].__doc__ or "").split("\n\n")[0].split()) if models else ""
