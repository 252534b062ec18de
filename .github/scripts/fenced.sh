#!/usr/bin/env bash
# Prints text as a block in GitHub's Markdown, whatever it holds: there a name is no mention and an address no link.
#
#   fenced.sh FILE [LINES]
#
# With LINES only so many from the end.
set -euo pipefail

# The fence must be longer than any in the text.
fence='```'
while grep -qF -- "$fence" "$1"; do
  fence+='`'
done
printf '%stext\n' "$fence"
tail -n "${2:-+1}" -- "$1"
printf '\n%s\n' "$fence"
