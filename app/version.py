"""The version of Aquatint, the one place where it is written, and where the newest one is told."""

VERSION = "0.1.0"

# One line of text: the newest version that can be had. Asked for only by who wishes it, in the
# preferences. Nobody owns a name under .example: who publishes releases puts their address here.
NEWEST_VERSION_URL = "https://aquatint.example/newest-version.txt"
