#!/usr/bin/env bash
# Makes the disk image that is downloaded: make_dmg.sh [--dry-run] APP DMG
#
# SIGN_AS is who signs the image; "-" leaves it unsigned, for an image cannot be signed by nobody.
# PYTHON is a Python with dmgbuild (python3; pip install '.[bundle]').
set -euo pipefail
PACKAGING="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=steps.sh
. "$PACKAGING/steps.sh"

read_arguments "$@"
need SIGN_AS 'give the name of a Developer ID Application certificate, or "-" for nobody.'
[ "${#ARGUMENTS[@]}" = 2 ] || refuse "give an app and the image to make: make_dmg.sh APP DMG"
APP="${ARGUMENTS[0]%/}" DMG="${ARGUMENTS[1]}"
[ -d "$APP/Contents/MacOS" ] || refuse "$APP is no app: build it by python setup_app.py py2app."
need_tool hdiutil "disk images are made on a Mac."

run "${PYTHON:-python3}" -m dmgbuild -s "$PACKAGING/dmg_settings.py" \
  -D "app=$APP" -D "packaging=$PACKAGING" "$(basename "$APP" .app)" "$DMG"
if [ "$SIGN_AS" != "-" ]; then run codesign --force --timestamp --sign "$SIGN_AS" "$DMG"; fi
run hdiutil verify "$DMG"
