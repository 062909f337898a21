#!/usr/bin/env bash
# Build wheel and sdist, install the wheel as the image does, and live with it in an empty folder (deploy/trial.py).
#
#     deploy/check_wheel.sh [DIST]        DIST gets the wheel and the sdist (dist)
set -euo pipefail
cd "$(dirname "$0")/.."
dist=$(realpath -m "${1:-dist}")
work=$(mktemp -d "${TMPDIR:-/tmp}/newsclust-wheel.XXXX")
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
unset PYTHONPATH PYTHONHOME
say() { printf '== %s (%d s)\n' "$*" "$SECONDS"; }

say "wheel and sdist"
"${PYTHON:-python3}" -m venv "$work/build"
"$work/build/bin/python" -m pip install --quiet --disable-pip-version-check 'build>=1.3,<2' 'setuptools>=77,<82'
# Of what git holds: nobody's databases, no leftovers of an earlier build.
mkdir "$work/source"
git ls-files -z --cached --others --exclude-standard | xargs -0 -I{} sh -c 'test -e "$1" && echo "$1"' _ {} |
  tar --create --files-from=- | tar --extract --directory="$work/source"
for form in --sdist --wheel; do
  (cd "$work/source" && "$work/build/bin/python" -m build --no-isolation $form --outdir "$work/dist" .) \
    >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
done
mkdir "$work/unpacked"
tar --extract --gzip --directory="$work/unpacked" --strip-components=1 --file="$(echo "$work"/dist/*.tar.gz)"
(cd "$work/unpacked" && "$work/build/bin/python" -m build --no-isolation --wheel --outdir "$work/again" .) \
  >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
"$work/build/bin/python" deploy/check_contents.py "$work"/dist/*.whl "$work"/again/*.whl "$work"/dist/*.tar.gz
mkdir -p "$dist"
cp "$work"/dist/* "$dist/"

say "install"
deploy/install.sh "$work"/dist/*.whl "$work/newsclust"

say "a life in an empty folder"
# As in the image and under the units: what is installed cannot be written. Root may, unless it has no capabilities.
chmod -R a-w "$work/newsclust"
powerless=()
if [ "$(id -u)" = 0 ]; then powerless=(setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all); fi
mkdir "$work/empty"
cp deploy/trial.py "$work/trial.py"
(cd "$work/empty" && XDG_CACHE_HOME="$work/newsclust/cache" \
  "${powerless[@]}" timeout 1500 "$work/newsclust/bin/python" "$work/trial.py")
say "done"
