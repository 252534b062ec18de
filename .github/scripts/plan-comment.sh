#!/usr/bin/env bash
# Plans one environment for a pull request, and keeps one comment there that says what merging would do.
#
#   plan-comment.sh ENV NUMBER
#
# Leaves the plan in plan.json, for apply-plan.sh. Needs `scones` and `gh` on PATH, AWS credentials that read, GH_TOKEN with
# pull-requests: write, and the variables of GitHub Actions. Exits 0 with a plan, whether it has changes or not; else as
# `scones plan` does, and then the comment says that there is none, for one that shows an earlier plan would be wrong.
# shellcheck disable=SC2016 # Backticks are Markdown.
set -euo pipefail

if [[ $# -ne 2 || ! $1 =~ ^[A-Za-z0-9][A-Za-z0-9._/-]*$ || ! $2 =~ ^[0-9]+$ ]]; then
  echo "usage: plan-comment.sh ENV NUMBER" >&2
  exit 64
fi
environment=$1
number=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
run="$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
report=$work/report.md

rm -f plan.json
code=0
scones plan "$environment" --out plan.json --format markdown >"$report" || code=$?
if [[ $code -ne 0 && $code -ne 2 ]]; then
  rm -f plan.json
  # What could be read is shown all the same.
  printf '\nThere is no plan of `%s` to apply (exit %s): [what went wrong](%s).\n' "$environment" "$code" "$run" >>"$report"
elif [[ $code -eq 2 ]]; then
  printf '\nMerging applies exactly [this plan](%s), or nothing if something of it moves in between.\n' "$run" >>"$report"
fi
if [[ -n ${GITHUB_STEP_SUMMARY:-} ]]; then
  cat "$report" >>"$GITHUB_STEP_SUMMARY"
fi
"$here/comment.sh" "$number" "<!-- scones plan $environment -->" "$report"
if [[ $code -ne 0 && $code -ne 2 ]]; then
  exit "$code"
fi
