# shellcheck shell=bash
# Shell functions shared by the image builds. Source it after `set -euo pipefail`.
# The caller sets IMAGE_LABEL, the word that begins every progress line.

IMAGES_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PACK_OCI=$IMAGES_DIR/pack_oci.py

say() { printf '[%s] %s\n' "$IMAGE_LABEL" "$*"; }

# fail CAUSE REMEDY
fail() {
  printf '[%s] error: %s\n[%s] remedy: %s\n' "$IMAGE_LABEL" "$1" "$IMAGE_LABEL" "$2" >&2
  exit 1
}

# step WHAT REMEDY COMMAND...: runs the command with its output in a log, and says how long it took.
step() {
  local what=$1 remedy=$2 log status started=$SECONDS
  shift 2
  log=$(mktemp)
  say "$what"
  # Not `if ! (…)`: bash ignores `set -e` inside conditions, and a function would go on after a failed line.
  set +e
  (set -e; "$@") >"$log" 2>&1 </dev/null
  status=$?
  set -e
  if [ "$status" != 0 ]; then
    tail -n 40 "$log" >&2
    rm -f "$log"
    fail "$what: failed with status $status after $((SECONDS - started)) s (end of its output above)" "$remedy"
  fi
  rm -f "$log"
  say "$what: done in $((SECONDS - started)) s"
}

# need_tools TOOL...
need_tools() {
  local tool missing=
  for tool in "$@"; do
    command -v "$tool" >/dev/null || missing+=" $tool"
  done
  [ -z "$missing" ] || fail "these programs are missing:$missing" \
    "install the packages listed in images/packages.txt with apt-get"
}

need_root() {
  [ "$(id -u)" = 0 ] || fail "this must run as root (it makes files of several owners and mounts)" \
    "call it through sudo"
}

# inputs_digest PATH...: one digest over the recipe and over what the environment changes in its result.
inputs_digest() {
  python3 "$PACK_OCI" digest --extra "epoch=${SOURCE_DATE_EPOCH:-}" \
    --extra "compression=${IMAGE_COMPRESSION:-none}" --extra "machine=$(uname -m)" \
    "$PACK_OCI" "$IMAGES_DIR/lib.sh" "$@"
}

# check_output OUTPUT_DIR: fails early, not after minutes of building.
check_output() {
  python3 "$PACK_OCI" check --layout "$1" || fail "$1 cannot be replaced" "give a new folder, or one with an OCI layout"
}

# is_fresh OUTPUT_DIR INPUTS: true when the layout there was made from these inputs (IMAGE_FORCE=1: never).
is_fresh() {
  [ "${IMAGE_FORCE:-0}" != 1 ] && python3 "$PACK_OCI" fresh --layout "$1" --inputs "$2"
}

# pack_rootfs ROOTFS RECIPE_JSON OUTPUT_DIR INPUTS: replaces the layout in OUTPUT_DIR in one rename.
pack_rootfs() {
  python3 "$PACK_OCI" pack --rootfs "$1" --recipe "$2" --layout "$3" --inputs "$4" \
    --compression "${IMAGE_COMPRESSION:-none}"
}
