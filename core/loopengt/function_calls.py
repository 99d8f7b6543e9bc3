"""Loads the function that an agent or a tool calls, and says in their words what is wrong with it."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loopengt.errors import UsageError
from loopengt.functions import NoFunctionError, find_module, load_attribute, split_reference
from loopengt.naming import nearest
from loopengt_hookspecs.errors import AgentError, MissingRequirement

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["CalledFunction"]


@dataclass(frozen=True, slots=True)
class CalledFunction:
    """A function that a spec names, and who calls it."""

    reference: str
    """Its dotted path, ``module:function``."""
    project: Path
    """The project folder, where its module is looked for first."""
    caller: str
    """Who calls it, such as ``agent 'fixer'``."""
    setting: str
    """Where the spec names it, such as ``config.extra.function``."""
    takes: str = ""
    """Its parameters, for the example in a remedy."""

    def missing(self) -> list[MissingRequirement]:
        """Its module, when it is nowhere; nothing is imported."""
        module, attribute = split_reference(self.reference)
        return [] if find_module(module, self.project) else [self._no_module(module, attribute)]

    def load(self) -> Callable[..., Any]:
        """Import it.

        Raises:
            MissingRequirement: It, its module, or a package that its module imports, is not there.
            AgentError: Its module cannot be imported; ``kind`` is the exception's class.
        """
        module, attribute = split_reference(self.reference)
        try:
            return load_attribute(module, attribute, self.project)
        except AgentError:
            raise
        except UsageError as error:
            raise AgentError(error.message, remedy=error.remedy, kind="ImportError") from error
        except ModuleNotFoundError as error:
            own = _is_own(module, error)
            raise (self._no_module(module, attribute) if own else self._no_package(module, error)) from error
        except NoFunctionError as error:
            raise self._no_function(module, attribute, error) from error
        except (Exception, SystemExit) as error:
            raise self.failure(error, f"importing {module}") from error

    def failure(self, error: BaseException, doing: str = "") -> AgentError:
        """Make what it raised an error of its caller: ``kind`` is the exception's class, ``kinds`` are its bases.

        Args:
            error: What was raised.
            doing: What raised it; empty: the function.
        """
        kind, *bases = (base.__name__ for base in type(error).__mro__ if base not in (BaseException, object))
        frames = traceback.extract_tb(error.__traceback__)
        where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
        said = f"{kind}: {error}" if str(error) else kind
        return AgentError(
            f"{self.caller}: {doing or self.reference} raised {said}{where}", kind=kind, kinds=tuple(bases)
        )

    def _no_module(self, module: str, attribute: str) -> MissingRequirement:
        file = self.project.joinpath(*module.split(".")).with_suffix(".py")
        return MissingRequirement(
            f"{self.caller} calls {self.reference}, but there is no module {module} "
            f"in {self.project}, and none is installed",
            remedy=f"Create {file} with: def {attribute}({self.takes}): ...",
        )

    def _no_package(self, module: str, error: ModuleNotFoundError) -> MissingRequirement:
        package = (error.name or "").partition(".")[0]
        return MissingRequirement(
            f"{self.caller} calls {self.reference}, but importing {module} failed: {error}",
            remedy=f"Install the package that provides {package}, often: pip install {package}",
        )

    def _no_function(self, module: str, attribute: str, error: NoFunctionError) -> MissingRequirement:
        near = nearest(attribute.rpartition(".")[2], error.names)
        hint = f" (did you mean {near}?)" if near else ""
        return MissingRequirement(
            f"{self.caller} calls {self.reference}: {error}{hint}",
            remedy=f"Define {attribute} in {module}, or correct {self.setting} in the spec.",
        )


def _is_own(module: str, error: ModuleNotFoundError) -> bool:
    """Whether the module that was not found is this one, or a package that it lies in."""
    return error.name is not None and f"{module}.".startswith(f"{error.name}.")
