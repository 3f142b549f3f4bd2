# What the packaging scripts share: how a step is run or only shown, and how they refuse.
# Sourced with `set -euo pipefail` by bash 3.2, which is a Mac's.

DRY_RUN=""

# Takes --dry-run away from the arguments, which stand in ARGUMENTS then.
read_arguments() {
  ARGUMENTS=()
  local argument
  for argument in "$@"; do
    if [ "$argument" = "--dry-run" ]; then DRY_RUN=yes; else ARGUMENTS+=("$argument"); fi
  done
}

refuse() {
  echo "$(basename "$0"): $1" >&2
  exit 2
}

# need VARIABLE SENTENCE: refuses with the sentence if the variable is missing or empty.
need() {
  if [ -z "${!1:-}" ]; then refuse "$1 is not set: $2"; fi
}

need_tool() {
  if [ -n "$DRY_RUN" ]; then return; fi
  command -v "$1" >/dev/null || refuse "there is no $1 here: $2"
}

# Runs a step, or with --dry-run prints it as it could be typed.
run() {
  if [ -n "$DRY_RUN" ]; then
    printf '%q ' "$@"
    printf '\n'
  else
    "$@"
  fi
}
