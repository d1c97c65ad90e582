#!/usr/bin/env bash
# Builds the wheel, installs it into an environment of its own and uses it from another directory.
# The dependencies are those of the environment whose bin folder is given: read, not installed again.
set -euo pipefail

bin=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$bin/python" -m build --quiet --wheel --outdir "$work/dist" .
rm -rf build
"$bin/python" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps "$work"/dist/seqlab-*.whl
# On PYTHONPATH a folder's .pth files are not read, so the editable seqlab in it stays unseen.
PYTHONPATH=$("$bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
export PYTHONPATH

cd "$work"
"$work/venv/bin/python" - <<'PY'
from pathlib import Path
import sys
import seqlab
from seqlab.config import catalog

assert Path(seqlab.__file__).is_relative_to(Path(sys.prefix).resolve()), seqlab.__file__
assert catalog.names("task"), "the wheel ships no configs"
PY
"$work/venv/bin/seqlab" --version
"$work/venv/bin/seqlab" list >/dev/null
"$work/venv/bin/seqlab" check task=captioning model=show_attend_tell >/dev/null
"$work/venv/bin/seqlab" train task=captioning debug=fast run_dir="$work/run" >/dev/null
test -f "$work/run/DONE"
# Its backbone starts with weights that lie in the wheel.
"$work/venv/bin/seqlab" train task=captioning model=show_tell debug=fast run_dir="$work/pretrained" >/dev/null
echo "the wheel works away from the checkout"
