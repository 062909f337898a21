#!/usr/bin/env bash
# Install newsclust for production: pinned, every hash checked, no CUDA, no notebooks, no test tools, the model built.
#
#     deploy/install.sh WHEEL FOLDER
#
# FOLDER gets a virtual environment (FOLDER/bin/newsclust) and FOLDER/cache with the language model; run newsclust with
# XDG_CACHE_HOME=FOLDER/cache. The image (deploy/Dockerfile) and the check of the wheel (deploy/check_wheel.sh) both
# install by this script.
#
#     PYTHON         the Python to use: 3.11 or 3.12 (python3)
#     TORCH_INDEX    address of the package index with the CPU build of torch: docs/operating.md, "Install"
set -euo pipefail

[ $# -eq 2 ] || { sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0" >&2; exit 2; }
wheel=$(realpath "$1")
folder=$(realpath -m "$2")
here=$(dirname "$(realpath "$0")")
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

"${PYTHON:-python3}" -m venv "$folder"
python=$folder/bin/python
cd "$folder"

# Without a hash: what the CPU index holds is another file than what the usual one does, for each Python and machine.
"$python" -m pip install --quiet --no-deps ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch==2.13.0
if "$python" -c 'import sys; from importlib.metadata import requires
sys.exit(not any(name.startswith(("nvidia", "cuda")) for name in requires("torch")))'; then
  echo "install.sh: this torch is a CUDA build; set TORCH_INDEX to the index of its CPU builds" \
    "(docs/operating.md, Install)" >&2
  exit 1
fi
"$python" -m pip install --quiet --no-deps --require-hashes --only-binary :all: -r "$here/requirements.lock"
"$python" -m pip install --quiet --no-deps --force-reinstall "$wheel"
"$python" -m pip check
"$python" "$here/check_environment.py"

# The language model, so that the first night neither builds it nor needs a folder that it may write.
XDG_CACHE_HOME=$folder/cache "$python" -c 'import os, sys
from newsclust.embed.bundled_model import model_folder, user_models
print(model_folder(user_models(os.environ, sys.platform)))'
