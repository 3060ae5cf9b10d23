#!/bin/sh
# Compares the daemon with budgets/daemon.txt: check_daemon.sh STRIPPED_PROGRAM LINKER_DEPENDENCIES BUDGET
# Sizes are limits for release builds; the list of static libraries must be exact. With UPDATE_BUDGET=1 the list is
# rewritten. The measured values are printed in any case.
set -eu
program=$1 dependencies=$2 budget=$3
work=$(mktemp -d)
pid=
finish() {
  if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap finish EXIT

limit() { sed -n "s/^$1 //p" "$budget"; }
failed=0
within() { # name, value
  echo "$1 $2 (limit $(limit "$1"))"
  [ "$2" -le "$(limit "$1")" ] || { echo "budget exceeded: $1"; failed=1; }
}

within stripped_bytes "$(stat -c %s "$program")"

mkfifo "$work/ready"
exec 8<>"$work/ready"   # held open, so that the byte is not lost when the daemon is faster than we are
HOME=$work DAYTONA_READY_FD=7 LOG_LEVEL=error "$program" --listen "unix:$work/socket" 7>&8 8>&- &
pid=$!
before=$(date +%s%N)
head -c 1 <&8 >/dev/null
echo "ready after $((($(date +%s%N) - before) / 1000)) us, the start of the program by a shell included"
within idle_rss_kib "$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status")"
within idle_anonymous_kib "$(sed -n 's/^RssAnon:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status")"

"$(dirname "$0")/check_libraries.sh" "$dependencies" "$budget" || failed=1
exit $failed
