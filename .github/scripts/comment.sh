#!/usr/bin/env bash
# Keeps one comment on a pull request: writes it, or puts the new text in the place of the old one.
#
#   comment.sh NUMBER MARKER FILE
#
# MARKER is a hidden first line, such as <!-- scones plan prod -->. A comment that a person wrote is never taken for ours, with
# whatever first line. Needs `gh` on PATH, GH_TOKEN with pull-requests: write, and GITHUB_REPOSITORY.
set -euo pipefail

hidden='^<!-- [A-Za-z0-9._/ -]+ -->$'
if [[ $# -ne 3 || ! $1 =~ ^[0-9]+$ || ! $2 =~ $hidden ]]; then
  echo "usage: comment.sh NUMBER MARKER FILE" >&2
  exit 64
fi
number=$1
export MARKER=$2
# GitHub takes 65,536 characters in a comment; there must be room to say what was cut.
longest=65450

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
body=$work/body.md
{ printf '%s\n' "$MARKER" && cat "$3"; } >"$body"
if [[ $(wc -m <"$body") -gt $longest ]]; then
  # The marker is the first line, so what is cut off is the end.
  LC_ALL=C.UTF-8 awk -v longest="$longest" '{ so_far += length($0) + 1 } so_far <= longest' "$body" >"$work/short.md"
  printf '\n\n…the rest is longer than a comment may be.\n' >>"$work/short.md"
  body=$work/short.md
fi

# shellcheck disable=SC2016 # $ENV is for jq.
ours='.[] | select(.user.type == "Bot" and ((.body // "") | split("\n")[0] | rtrimstr("\r")) == $ENV.MARKER) | .id'
found=$(gh api --paginate "repos/$GITHUB_REPOSITORY/issues/$number/comments?per_page=100" --jq "$ours")
id=${found%%$'\n'*}
if [[ -n $id ]]; then
  gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" --field "body=@$body" --silent
else
  gh api --method POST "repos/$GITHUB_REPOSITORY/issues/$number/comments" --field "body=@$body" --silent
fi
