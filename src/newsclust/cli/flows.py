"""The flows (a package inside newsclust in a wheel, the folder `flows/` in a checkout), and `newsclust demo`."""

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

_PACKAGE = "newsclust.flows"
_IN_A_CHECKOUT = Path(__file__).parents[3] / "flows"
# Read when Prefect is imported; in a checkout pyproject.toml says the last two, too.
_PREFECT_DEFAULTS = {
    "DO_NOT_TRACK": "1",  # nothing is sent to anybody
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": "http://127.0.0.1:4200",  # no page of elsewhere asks a temporary server
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # a first start can take longer than the usual 20
}


def run_demo(
    folder: Annotated[Path, typer.Argument(help="What it leaves there is yours to query.")] = Path("newsclust-demo"),
) -> None:
    """Live three nights of sample feeds, without the internet, and show stories and topics."""
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")  # what a person wants to see here is the stories
    raise typer.Exit(flow_module("demo").main(["demo", str(folder)]))


def flow_module(name: str) -> ModuleType:
    """Return the module `name` of the flows, with Prefect set up as we want it unless the environment differs.

    It is found by name: the package does not import Prefect, only what its command line starts does.
    """
    for variable, value in _PREFECT_DEFAULTS.items():
        os.environ.setdefault(variable, value)
    if _PACKAGE not in sys.modules and importlib.util.find_spec(_PACKAGE) is None:
        _add_the_checkout()
    return importlib.import_module(f"{_PACKAGE}.{name}")


def _add_the_checkout() -> None:
    """Make the folder of a checkout that is on the path, but not installed, the package that a wheel holds."""
    spec = importlib.util.spec_from_file_location(
        _PACKAGE, _IN_A_CHECKOUT / "__init__.py", submodule_search_locations=[str(_IN_A_CHECKOUT)]
    )
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(_PACKAGE, name=_PACKAGE)
    sys.modules[_PACKAGE] = package = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
