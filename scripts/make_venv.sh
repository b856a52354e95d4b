#!/bin/sh
# Make the virtual environment with the first Python that is new enough, or say what to install.
set -eu
target=$1
for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
  [ -n "$candidate" ] || continue
  command -v "$candidate" >/dev/null 2>&1 || continue
  "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
  echo "Making $target with $("$candidate" --version) …"
  if "$candidate" -m venv "$target"; then
    exit 0
  fi
  rm -rf "$target"
  echo "$candidate has no venv module. On Debian: apt-get install python3-venv" >&2
  exit 1
done
echo "StockPulse needs Python 3.11 or newer. On Debian: apt-get install python3 python3-venv; on macOS: brew install python" >&2
exit 1
