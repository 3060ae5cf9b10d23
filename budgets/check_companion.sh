#!/bin/sh
# Compares a program that the daemon carries with its budget: check_companion.sh STRIPPED_PROGRAM LINKER_DEPENDENCIES BUDGET
set -eu
program=$1 dependencies=$2 budget=$3
size=$(stat -c %s "$program")
limit=$(sed -n 's/^stripped_bytes //p' "$budget")
echo "stripped_bytes $size (limit $limit)"
"$(dirname "$0")/check_libraries.sh" "$dependencies" "$budget"
[ "$size" -le "$limit" ] || { echo "budget exceeded: stripped_bytes"; exit 1; }
