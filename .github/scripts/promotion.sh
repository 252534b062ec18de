#!/usr/bin/env bash
# Keeps one pull request that pins in one environment what runs proven in another: opens it, brings it up to date, closes it.
#
#   promotion.sh FROM TO
#
# To be run in a clean checkout of the branch that the pull request goes to, with the right to push. Needs `scones`, `git` and
# `gh` on PATH, AWS credentials that read, and GH_TOKEN with contents: write and pull-requests: write. Exits 0 when all is as it
# should be; else as `scones promote` does, and then an open pull request stays as it is.
# shellcheck disable=SC2016 # Backticks are Markdown.
set -euo pipefail

valid='^[A-Za-z0-9][A-Za-z0-9._-]*$'
if [[ $# -ne 2 || ! $1 =~ $valid || ! $2 =~ $valid ]]; then
  echo "usage: promotion.sh FROM TO" >&2
  exit 64
fi
from=$1
to=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
base=$(git symbolic-ref --short HEAD)
branch=scones/promote-$from-to-$to

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

code=0
scones promote "$from" "$to" --check >"$work/check.txt" || code=$?
cat "$work/check.txt"
if [[ $code -ne 0 && $code -ne 2 ]]; then
  echo "what runs in $from is not promoted to $to (exit $code)" >&2
  exit "$code"
fi
# Of branches of this repository alone: a fork can have one of the same name.
number=$(gh pr list --state open --base "$base" --head "$branch" --json number,isCrossRepository --jq '[.[] | select(.isCrossRepository | not) | .number] | min // empty')

if [[ $code -eq 0 ]]; then
  if [[ -n $number ]]; then
    gh pr close "$number" --comment "Nothing is left to promote: $to has pinned what runs in $from." --delete-branch
  fi
  exit 0
fi

scones promote "$from" "$to" >"$work/evidence.txt"
if git diff --quiet; then
  echo "scones promote $from $to changed no file, though it has something to pin" >&2
  exit 1
fi
git switch --quiet --force-create "$branch"
git -c user.name="github-actions[bot]" -c user.email="41898282+github-actions[bot]@users.noreply.github.com" \
  commit --quiet --all --message "Promote $from to $to"
# A push ends approvals, so there is none where the branch says the same already.
if ! git fetch --quiet origin "$branch" 2>"$work/fetch.txt" || ! git diff --quiet FETCH_HEAD HEAD; then
  git push --quiet --force origin "HEAD:refs/heads/$branch"
fi

# GitHub takes 65,536 characters; a line is not cut in two.
LC_ALL=C.UTF-8 awk '{ so_far += length($0) + 1 } so_far <= 60000' "$work/evidence.txt" >"$work/short.txt"
{
  printf 'Pins in `%s` what runs proven in `%s`. The evidence, and what becomes of the file:\n\n' "$to" "$from"
  "$here/fenced.sh" "$work/short.txt"
  printf '\nWritten by `scones promote %s %s`. Merging applies it, as the plan on this pull request says.\n' "$from" "$to"
} >"$work/body.md"
if [[ -n $number ]]; then
  gh pr edit "$number" --body-file "$work/body.md"
else
  gh pr create --base "$base" --head "$branch" --title "Promote $from to $to" --body-file "$work/body.md"
fi
