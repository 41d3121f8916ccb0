"""timm imported without what nothing here uses of it: a third of all that a run imports.

For its EfficientNet timm asks torchvision for one class; torchvision brings all that it has, and with torch's compiler
1,000 modules more. timm itself brings its readers of data, all its other models and the client of a hub. These modules
are only put in place here: their code runs when they are used, so nobody who imports them later misses anything.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

log = logging.getLogger(__name__)

# Modules whose code waits, parents first, with those of their functions that others import by name without need.
_TORCHVISION: dict[str, tuple[str, ...]] = {
    "torchvision": (),
    "torchvision.ops": (),
    "torchvision.models": (),
    "torchvision.models.feature_extraction": ("create_feature_extractor", "get_graph_node_names"),
}
_TIMM: dict[str, tuple[str, ...]] = {
    "timm": (),
    "timm.data": (),
    "timm.models": (),
    "timm.models._hub": (
        *("has_hf_hub", "download_cached_file", "check_cached_file"),
        *("load_state_dict_from_hf", "load_state_dict_from_path", "load_custom_from_hf"),
    ),
}
_CONSTANTS = {"timm.data": "timm.data.constants"}  # where a module has the names in capitals from


class _Late(ModuleType):
    """A module whose code runs when anything of it is asked for but a constant that lies elsewhere, or a function that
    can wait until it is called."""

    _functions: tuple[str, ...]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked for by those who look at all modules
            raise AttributeError(name)
        if name in self._functions:
            return _late_function(self.__name__, name)
        if name.isupper() and self.__name__ in _CONSTANTS:
            return getattr(importlib.import_module(_CONSTANTS[self.__name__]), name)
        return getattr(_run(self), name)


def import_efficientnet() -> ModuleType:
    """`timm.models.efficientnet`, with as little else as that version of timm lets."""
    if "timm" not in sys.modules:
        waiting = _TIMM if "torchvision" in sys.modules else _TORCHVISION | _TIMM
        try:
            for name, functions in waiting.items():
                _put_off(name, functions)
            importlib.import_module("timm.models.efficientnet")
        except Exception as error:  # a version that is built otherwise
            log.debug("timm is imported as a whole: %s", error)
            _forget("timm")
        finally:
            # Who imports it later shall get it as it is; but what did run has its classes in use.
            if isinstance(sys.modules.get("torchvision"), _Late):
                _forget("torchvision")
    return importlib.import_module("timm.models.efficientnet")


def _put_off(name: str, functions: tuple[str, ...]) -> None:
    spec = None if name in sys.modules else importlib.util.find_spec(name)
    if spec is None or spec.loader is None:  # loaded before, or not there in this version
        return
    module = importlib.util.module_from_spec(spec)
    module.__class__ = _Late
    module._functions = functions  # type: ignore[attr-defined]
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)


def _forget(package: str) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        del sys.modules[name]


def _run(module: ModuleType) -> ModuleType:
    if isinstance(module, _Late):
        module.__class__ = ModuleType  # type: ignore[assignment]
        assert module.__spec__ is not None and module.__spec__.loader is not None
        module.__spec__.loader.exec_module(module)
    return module


def _late_function(module: str, name: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(_run(importlib.import_module(module)), name)(*args, **kwargs)

    return call
