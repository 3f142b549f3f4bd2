#!/usr/bin/env bash
# From a checkout to the disk image of a release: release.sh [--dry-run]
#
# Builds, signs, notarises and packs for this Mac's processor; the variables are those of sign.sh,
# notarise.sh and make_dmg.sh, and all of them are asked for before anything begins.
set -euo pipefail
PACKAGING="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=steps.sh
. "$PACKAGING/steps.sh"

read_arguments "$@"
need SIGN_AS "give the name of a Developer ID Application certificate."
[ "$SIGN_AS" != "-" ] || refuse "a release is signed by somebody: SIGN_AS cannot be \"-\"."
need NOTARY_KEY "give the path of an App Store Connect key, a .p8 file."
need NOTARY_KEY_ID "give the id of that key, as App Store Connect shows it."
need NOTARY_ISSUER "give the issuer's id, as App Store Connect shows it above its keys."
[ "${#ARGUMENTS[@]}" = 0 ] || refuse "it takes no arguments but --dry-run."
[ -n "$DRY_RUN" ] || [ "$(uname)" = Darwin ] || refuse "a release is made on a Mac."

cd "$PACKAGING/../.."
PYTHON="${PYTHON:-python3}"
VERSION="$("$PYTHON" -c 'from app.version import VERSION; print(VERSION)')"
APP=dist/Aquatint.app
DMG="dist/Aquatint-$VERSION-$(uname -m).dmg"

run "$PYTHON" setup_app.py py2app
run "$PACKAGING/sign.sh" "$APP"
run "$PACKAGING/notarise.sh" "$APP"
run "$APP/Contents/MacOS/Aquatint" --self-test
run "$PACKAGING/make_dmg.sh" "$APP" "$DMG"
run "$PACKAGING/notarise.sh" "$DMG"
run spctl --assess --type open --context context:primary-signature --verbose "$DMG"
