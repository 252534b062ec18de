#!/usr/bin/env bash
# Applies, after a merge, the plan that was made of the pull request: exactly that plan, or nothing.
#
#   apply-plan.sh ENV
#
# Needs `scones` and `gh` on PATH, AWS credentials that may apply, GH_TOKEN with actions: read and pull-requests: write, and the
# variables of GitHub Actions. Exits as `scones apply` does, but for what is blocked (5), which is a notice and exits 0. Where the
# plan is stale or there is none, and where applying failed half-way, a new plan is made and shown, and left in new-plan/plan.json:
# the same run, started again, applies that one.
# shellcheck disable=SC2016 # Backticks are Markdown, $ENV is for jq.
set -euo pipefail

if [[ $# -ne 1 || ! $1 =~ ^[A-Za-z0-9][A-Za-z0-9._/-]*$ ]]; then
  echo "usage: apply-plan.sh ENV" >&2
  exit 64
fi
environment=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository="repos/$GITHUB_REPOSITORY"
run="$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID"
artifact=plan-$environment

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/apply.log
rm -rf new-plan

# The pull request whose merge made this commit; none for a push.
export GITHUB_SHA
merged='[.[] | select(.merged_at != null and .merge_commit_sha == $ENV.GITHUB_SHA)][0] // empty | "\(.number) \(.head.sha)"'
pull=$(gh api "$repository/commits/$GITHUB_SHA/pulls" --jq "$merged")
read -r number head <<<"$pull" || true

# Says how it went, in the job's summary and on the pull request, and ends.
finish() {
  local code=$1
  if [[ -n ${GITHUB_STEP_SUMMARY:-} ]]; then
    cat "$work/told.md" >>"$GITHUB_STEP_SUMMARY"
  fi
  if [[ -n $number ]]; then
    "$here/comment.sh" "$number" "<!-- scones apply $environment -->" "$work/told.md"
  fi
  exit "$code"
}

# Downloads a run's plan, if it has one.
download() {
  local count
  count=$(gh api "$repository/actions/runs/$1/artifacts?name=$artifact" --jq '[.artifacts[] | select(.expired | not)] | length') || exit 1
  [[ $count -gt 0 ]] || return 1
  gh run download "$1" --repo "$GITHUB_REPOSITORY" --name "$artifact" --dir "$work" || exit 1
}

# The plan that was read: one that this very run made when it was started before, else that of the pull request's last commit. The
# workflow of a fork could leave a plan of the same name, so only runs of this repository's own branches count.
find_plan() {
  download "$GITHUB_RUN_ID" && return 0
  [[ -n $head ]] || return 1
  local runs id
  runs=$(gh api "$repository/actions/workflows/plan.yml/runs?event=pull_request&head_sha=$head&per_page=100" \
    --jq '.workflow_runs[] | select(.head_repository.id == .repository.id) | .id') || exit 1
  for id in $runs; do
    download "$id" && return 0
  done
  return 1
}

# Plans again, shows that, and ends: what nobody has read is not applied.
plan_again() {
  local title=$1 why=$2 code=$3 planned=0
  mkdir -p new-plan
  scones plan "$environment" --out new-plan/plan.json --format markdown >"$work/again.md" || planned=$?
  if [[ $planned -ne 2 ]]; then
    rm -rf new-plan
  fi
  {
    printf '### %s\n\n%s [This run](%s).\n\n' "$title" "$why" "$run"
    if [[ -s $log ]]; then
      "$here/fenced.sh" "$log" 60
    fi
    case $planned in
      0) printf '\nNothing is left to apply: `%s` is as the files say.\n' "$environment" ;;
      2) printf '\n**To apply the plan as it is now, which follows, start the failed job of that run again.**\n\n' ;;
      *) printf '\nNo new plan could be made (exit %s); the log of that run says why.\n\n' "$planned" ;;
    esac
    cat "$work/again.md"
  } >"$work/told.md"
  # What somebody else set right meanwhile is no failure.
  if [[ $planned -eq 0 && $code -eq 3 ]]; then
    finish 0
  fi
  echo "::error::$environment: $title. $why"
  finish "$code"
}

if ! find_plan; then
  plan_again "Nothing was applied to $environment" "There is no plan of this commit that anybody could have read." 3
fi

code=0
scones apply "$work/plan.json" --yes 2>&1 | tee "$log" || code=${PIPESTATUS[0]}
case $code in
  0) title="Applied to $environment" advice="As it was planned." ;;
  3) plan_again "Nothing was applied to $environment" "The plan that was read is stale: something moved since it was made." 3 ;;
  4)
    title="Nothing was applied to $environment: somebody else applies"
    advice="When that is done, start the failed job of the run again. If it never will be, since its job was killed, \`scones lease $environment --release\` lets others in."
    scones lease "$environment" >>"$log" 2>&1 || true
    echo "::error::$environment: somebody else applies. When that is done, start this job again."
    ;;
  5)
    title="Applied to $environment, but for what is blocked"
    advice="What is blocked waits for what no apply brings about, such as an approved model:"
    echo "::notice::$environment: applied, but for what is blocked; the pull request says what it waits for"
    ;;
  *) plan_again "Applying to $environment failed" "It ended with exit code $code; below stands what was done, and what was taken back." "$code" ;;
esac
{
  printf '### %s\n\n%s [This run](%s).\n\n' "$title" "$advice" "$run"
  "$here/fenced.sh" "$log" 60
} >"$work/told.md"
if [[ $code -eq 5 ]]; then
  code=0
fi
finish "$code"
