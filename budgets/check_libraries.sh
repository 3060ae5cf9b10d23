#!/bin/sh
# The list of static libraries in a program: check_libraries.sh LINKER_DEPENDENCIES BUDGET
# It must be exactly the one of the budget; with UPDATE_BUDGET=1 the list there is rewritten.
set -eu
dependencies=$1 budget=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tr ' \\' '\n\n' <"$dependencies" | sed -n 's|.*/\(lib[^/]*\.a\)$|library \1|p;s|.*/\(lib[^/]*\.a\):$|library \1|p' | sort -u >"$work/libraries"
sed -n 's/^library /library /p' "$budget" | sort -u >"$work/wanted"
diff "$work/wanted" "$work/libraries" && exit 0
if [ "${UPDATE_BUDGET:-}" = 1 ]; then
  grep -v '^library ' "$budget" >"$work/new"
  cat "$work/libraries" >>"$work/new"
  cat "$work/new" >"$budget"
  exit 0
fi
echo "other static libraries than in $budget (UPDATE_BUDGET=1 accepts them)"
exit 1
