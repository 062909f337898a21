"""The image, the compose file and the units, as far as they can be read without Docker and systemd."""

import configparser
import re
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from newsclust.settings import NightSettings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]


def unit(path: Path) -> configparser.ConfigParser:
    """A unit as key -> the last value; keys that may stand several times are read with `lines_of`."""
    parsed = configparser.ConfigParser(strict=False, interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string(path.read_text(encoding="utf-8"))
    return parsed


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8")))


def instructions() -> list[str]:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [re.sub(r" +", " ", line) for line in text.splitlines() if line and not line.startswith("#")]


def test_the_image_is_installed_by_the_script_that_the_check_of_the_wheel_uses() -> None:
    runs = [line for line in instructions() if line.startswith("RUN")]
    assert any("deploy/install.sh /dist/newsclust-*.whl /opt/newsclust" in run for run in runs)
    assert not any("pip install" in run for run in runs)
    check = (DEPLOY / "check_wheel.sh").read_text(encoding="utf-8")
    assert 'deploy/install.sh "$work"/dist/*.whl "$work/newsclust"' in check


def test_the_image_runs_as_nobody_in_particular_and_asks_status_how_it_is() -> None:
    lines = instructions()
    last_stage = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM")) :]
    assert next(line for line in last_stage if line.startswith("USER")).split()[1] != "root"
    health = next(line for line in last_stage if line.startswith("HEALTHCHECK"))
    assert '["newsclust", "status", "--check", "--max-age", "26h"]' in health
    assert last_stage[-1] == 'CMD ["newsclust", "serve"]'
    assert "VOLUME /data" in last_stage


def test_both_stages_of_the_image_have_one_python() -> None:
    bases = {line.split()[1] for line in instructions() if line.startswith("FROM")}
    assert len(bases) == 1, "the environment of the first stage names the Python of the second"


def test_what_the_image_copies_is_let_through_and_nothing_else() -> None:
    patterns = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    allowed = {pattern[1:] for pattern in patterns if pattern.startswith("!")}
    copied = {
        source
        for line in instructions()
        if line.startswith("COPY") and "--from" not in line
        for source in line.split()[1:-1]
    }
    assert "*" in patterns
    assert {name.partition("/")[0] for name in allowed} == copied
    assert all((ROOT / name).exists() for name in allowed)


@pytest.mark.parametrize("service", ["newsclust", "prefect", "postgres"])
def test_every_service_is_sandboxed_restarted_and_bounded(service: str) -> None:
    found = compose()["services"][service]
    assert found["restart"] == "unless-stopped"
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert found["logging"]["options"]["max-size"]


def test_newsclust_waits_for_prefect_and_prefect_for_its_database() -> None:
    services = compose()["services"]
    assert services["newsclust"]["depends_on"]["prefect"]["condition"] == "service_healthy"
    assert services["prefect"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert "healthcheck" in services["prefect"]
    assert "healthcheck" in services["postgres"]


def test_ports_are_bound_to_loopback_and_secrets_stand_elsewhere() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    ports = [port for service in compose()["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    wanted = set(re.findall(r"\$\{(\w+):\?", text))
    example = (DEPLOY / "env.example").read_text(encoding="utf-8")
    assert wanted == set(re.findall(r"^(\w+)=$", example, re.MULTILINE)), "a secret without a value to change"
    prefect = compose()["services"]["prefect"]["environment"]
    assert prefect["PREFECT_SERVER_API_AUTH_STRING"].startswith("${")
    assert "*" not in prefect["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"]


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_a_unit_runs_an_installed_verb_in_the_sandbox(path: Path) -> None:
    service = unit(path)["Service"]
    program, verb, *_ = service["ExecStart"].split()
    assert program == "/opt/newsclust/bin/newsclust"
    assert verb in {"night", "serve", "status"}
    assert service["User"] == "newsclust"
    assert service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == "yes"
    assert service["StateDirectory"] == "newsclust"
    assert "Environment=NEWSCLUST_CONFIG=/var/lib/newsclust/newsclust.toml" in path.read_text(encoding="utf-8")


def test_all_units_have_the_same_sandbox() -> None:
    sandboxes = {
        path.read_text(encoding="utf-8").partition("User=")[2].partition("\n[")[0].strip() for path in SERVICES
    }
    assert len(sandboxes) == 1


def test_the_timer_catches_up_and_begins_at_the_hour_of_the_settings() -> None:
    timer = unit(DEPLOY / "systemd" / "newsclust-night.timer")["Timer"]
    defaults = NightSettings()
    assert timer["OnCalendar"] == f"*-*-* {defaults.at}:00 {defaults.timezone}"
    assert timer["Persistent"] == "true"


def test_every_timer_starts_a_unit_that_is_there() -> None:
    timers = [path for path in UNITS if path.suffix == ".timer"]
    assert len(timers) == 2
    assert all(path.with_suffix(".service") in SERVICES for path in timers)


@pytest.mark.parametrize("script", sorted(DEPLOY.glob("*.sh")), ids=lambda path: path.name)
def test_a_script_can_be_run_and_stops_at_the_first_error(script: Path) -> None:
    assert script.stat().st_mode & stat.S_IXUSR
    assert "set -euo pipefail" in script.read_text(encoding="utf-8")
