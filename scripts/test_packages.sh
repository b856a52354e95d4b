#!/bin/sh
# Debian packages that some tests drive (a terminal, a Redis). Without them those tests skip and say so.
set -u
missing=""
command -v tmux >/dev/null 2>&1 || missing="$missing tmux"
command -v redis-server >/dev/null 2>&1 || missing="$missing redis-server"
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
  echo "Not installed:$missing. The tests that need them skip."
  exit 0
fi
if [ "$(id -u)" = 0 ]; then
  as_root="env"
elif sudo -n true >/dev/null 2>&1; then
  as_root="sudo -n env"
else
  echo "Not installed, and no right to install:$missing. The tests that need them skip."
  exit 0
fi
echo "Installing$missing …"
export DEBIAN_FRONTEND=noninteractive
install() { $as_root DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing </dev/null >/dev/null 2>&1; }
# The package lists of a fresh machine are empty, those of an old one stale: try as it is, then with new ones.
install || { $as_root apt-get update -qq </dev/null >/dev/null 2>&1 && install; } ||
  echo "Could not install$missing. The tests that need them skip."
exit 0
