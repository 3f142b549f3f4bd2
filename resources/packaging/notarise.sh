#!/usr/bin/env bash
# Has Apple look at a signed app or disk image, and staples the answer to it:
# notarise.sh [--dry-run] FILE
#
# NOTARY_KEY is the path of an App Store Connect key (.p8), NOTARY_KEY_ID and NOTARY_ISSUER are its
# ids. Apple's answer takes some minutes.
set -euo pipefail
# shellcheck source=steps.sh
. "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

read_arguments "$@"
need NOTARY_KEY "give the path of an App Store Connect key, a .p8 file."
need NOTARY_KEY_ID "give the id of that key, as App Store Connect shows it."
need NOTARY_ISSUER "give the issuer's id, as App Store Connect shows it above its keys."
[ "${#ARGUMENTS[@]}" = 1 ] || refuse "give one app or disk image: notarise.sh [--dry-run] FILE"
FILE="${ARGUMENTS[0]%/}"
[ -e "$FILE" ] || refuse "there is no $FILE."
need_tool xcrun "notarising works on a Mac with Xcode."

WORK="$(mktemp -d)"
trap 'rm -rf "$WORK"' EXIT
SENT="$FILE"
if [ -d "$FILE" ]; then # an app is a folder, and travels packed
  SENT="$WORK/$(basename "$FILE").zip"
  run ditto -c -k --keepParent "$FILE" "$SENT"
fi
run xcrun notarytool submit "$SENT" --wait \
  --key "$NOTARY_KEY" --key-id "$NOTARY_KEY_ID" --issuer "$NOTARY_ISSUER"
run xcrun stapler staple "$FILE"
