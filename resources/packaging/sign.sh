#!/usr/bin/env bash
# Signs a bundle from the inside out: sign.sh [--dry-run] APP
#
# SIGN_AS is the identity, "Developer ID Application: NAME (TEAM)", or "-" for nobody: then the app
# starts on this Mac only. PYTHON is a Python that has the project's libraries (python3).
set -euo pipefail
PACKAGING="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=steps.sh
. "$PACKAGING/steps.sh"

read_arguments "$@"
need SIGN_AS 'give the name of a Developer ID Application certificate, or "-" for nobody.'
[ "${#ARGUMENTS[@]}" = 1 ] || refuse "give one app: sign.sh [--dry-run] dist/Aquatint.app"
APP="${ARGUMENTS[0]%/}"
[ -d "$APP/Contents/MacOS" ] || refuse "$APP is no app: build it by python setup_app.py py2app."
need_tool codesign "signing works on a Mac with Xcode's command line tools."

WORK="$(mktemp -d)"
trap 'rm -rf "$WORK"' EXIT
ENTITLEMENTS="$WORK/entitlements.plist"
(cd "$PACKAGING/../.." &&
  "${PYTHON:-python3}" -m resources.packaging.info_plist "$SIGN_AS" "$ENTITLEMENTS")

# A time stamp is a signer's; the hardened runtime is there in both cases, so that a build that
# nobody signs already shows what a release may not do.
OPTIONS=(--force --options runtime --sign "$SIGN_AS")
if [ "$SIGN_AS" = "-" ]; then OPTIONS+=(--timestamp=none); else OPTIONS+=(--timestamp); fi

sign() { run codesign "${OPTIONS[@]}" "$@"; }

# Libraries, deepest first, then the frameworks that hold some, then programs, then the whole.
libraries() { find "$APP" -type f \( -name '*.so' -o -name '*.dylib' \) | deepest_first; }
frameworks() { find "$APP" -type d -name '*.framework' | deepest_first; }
programs() { find "$APP/Contents/MacOS" -type f ! -name "$(basename "$APP" .app)" | sort; }
deepest_first() { awk -F/ '{ print NF "\t" $0 }' | sort -k1,1nr -k2 | cut -f2-; }

libraries | while IFS= read -r file; do sign "$file"; done
frameworks | while IFS= read -r folder; do sign "$folder"; done
programs | while IFS= read -r file; do sign --entitlements "$ENTITLEMENTS" "$file"; done
sign --entitlements "$ENTITLEMENTS" "$APP"
run codesign --verify --deep --strict "$APP"
