#!/usr/bin/env bash
# Checks one environment for drift, and keeps one issue about it: opens it, brings it up to date, closes it.
#
#   drift-issue.sh ENV
#
# Needs `scones` and `gh` on PATH, AWS credentials, and GH_TOKEN with issues: write. GH_REPO names the repository where
# there is no checkout. Exits as `scones drift` does, but for drift itself: that is told by the issue, and exits 0.
set -euo pipefail

if [[ $# -ne 1 || ! $1 =~ ^[A-Za-z0-9][A-Za-z0-9._/-]*$ ]]; then
  echo "usage: drift-issue.sh ENV" >&2
  exit 64
fi
environment=$1
# Only those who may triage can set a label: an issue that others write, with our marker in it, is not taken for ours.
label=scones-drift
# GitHub takes 65,536 characters in an issue.
longest=60000

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
report=$work/report.md

code=0
scones drift "$environment" --format markdown >"$report" || code=$?
if [[ -n ${GITHUB_STEP_SUMMARY:-} ]]; then
  cat "$report" >>"$GITHUB_STEP_SUMMARY"
fi
if [[ $code -ne 0 && $code -ne 2 ]]; then
  echo "drift in $environment is unknown (exit $code): its issue stays as it is" >&2
  exit "$code"
fi

IFS= read -r MARKER <"$report" || true
if [[ ! $MARKER =~ ^'<!-- scones:drift:'[a-z0-9-]+/[a-z0-9-]+' -->'$ ]]; then
  echo "the report does not begin with its marker, such as <!-- scones:drift:APP/ENV -->" >&2
  exit 1
fi
export MARKER
# shellcheck disable=SC2016 # $ENV is for jq.
ours='[.[] | select((.body // "") | split("\n")[0] | rtrimstr("\r") == $ENV.MARKER) | .number] | min // empty'
number=$(gh issue list --state open --label "$label" --limit 1000 --json number,body --jq "$ours")

if [[ $code -eq 0 ]]; then
  if [[ -n $number ]]; then
    gh issue close "$number" --comment "The drift is gone: $environment is as it was applied."
  fi
  exit 0
fi

if [[ $(wc -m <"$report") -gt $longest ]]; then
  # The marker is the first line, so what is cut off is the end.
  LC_ALL=C.UTF-8 awk -v longest="$longest" '{ length_so_far += length($0) + 1 } length_so_far <= longest' "$report" >"$work/short.md"
  printf "\n\nThe report is longer than an issue: \`scones drift %s\` shows all of it.\n" "$environment" >>"$work/short.md"
  report=$work/short.md
fi
if [[ -n $number ]]; then
  gh issue edit "$number" --body-file "$report"
else
  gh label create "$label" --color B60205 --description "Something was changed behind the files' back" --force
  gh issue create --title "Drift in $environment" --label "$label" --body-file "$report"
fi
