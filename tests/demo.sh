#!/bin/sh
# The whole life of Scones Unlimited on the local cloud: deployed, used, trained, measured, watched, tampered with, set right,
# destroyed.
# Run by `make demo`, from the repository's root and after `make build`. Needs no AWS account and reads no credentials.
set -eu

python=${PYTHON:-python3}
venv=${SCONES_VENVS:-target/cloud-venvs}/ministack/bin/python
scones=target/release/scones
notes=target/demo
stop_cloud=no
deployed=no

# Runs on every way out, Ctrl-C among them.
finish() {
    code=$?
    trap - EXIT
    trap '' INT TERM
    if [ "$code" -ne 0 ]; then
        printf '\nThe demo did not come to its end.\n' >&2
    fi
    if [ "$stop_cloud" = yes ]; then
        "$python" tests/cloud/cloud.py down || true
    elif [ "$deployed" = yes ]; then
        printf 'The local cloud was up before and stays up. To delete what the demo made there:\n' >&2
        printf '  . target/cloud/env.sh && %s destroy local --yes\n' "$scones" >&2
    fi
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    printf '\nerror: %s\n' "$*" >&2
    exit 1
}

# A heading and the command that the act runs.
act() {
    printf '\n== %s ==\n$ %s\n' "$1" "$2"
}

# Runs a command, and ends the demo unless it exits with the code that was announced. The code is shown even where the
# command's standard output is not.
expect() {
    wanted=$1
    shift
    code=0
    "$@" || code=$?
    case $code in
        "$wanted") printf '(exit %s)\n' "$code" >&3 ;;
        130 | 143) exit "$code" ;;
        *) fail "\`$*\` exited with $code, not with $wanted" ;;
    esac
}

exec 3>&1
[ -x "$scones" ] || fail "$scones is missing: run \`make build\` in the repository's root first"
mkdir -p "$notes"

act 'Start the local cloud' "$python tests/cloud/cloud.py up"
if "$python" tests/cloud/cloud.py status >/dev/null 2>&1; then
    "$python" tests/cloud/cloud.py up
else
    # From here on: a start that was interrupted halfway must be cleared away too.
    stop_cloud=yes
    "$python" tests/cloud/cloud.py up
fi
. target/cloud/env.sh
[ -x "$venv" ] || fail "$venv is missing: $python tests/cloud/cloud.py install"
if "$scones" plan local 2>/dev/null | grep -q unchanged; then
    fail "local is deployed here already, and the demo would destroy it: $scones destroy local"
fi

act 'What would be made' "$scones plan local"
expect 2 "$scones" plan local >"$notes/plan.txt"
tail -n 1 "$notes/plan.txt"
printf 'All %s lines of the plan: %s\n' "$(($(wc -l <"$notes/plan.txt")))" "$notes/plan.txt"

act 'Deploy' "$scones apply local --yes"
deployed=yes
expect 0 "$scones" apply local --yes >"$notes/apply.txt"

act 'The plan after an apply is empty' "$scones plan local"
expect 0 "$scones" plan local

act 'Classify pictures' "$venv \\
    tests/cloud/classify.py target/cloud/pictures/*.png"
expect 0 "$venv" tests/cloud/classify.py target/cloud/pictures/*.png

act 'Stage pictures of an archive in CIFAR-100'"'"'s format' "$scones stage local"
expect 0 "$venv" tests/cloud/pictures.py archive target/cloud/cifar-100-python.tar.gz --train 300 --test 150
expect 0 "$scones" stage local

act 'Train a model; it is registered if it is good enough' "$scones train local"
expect 0 "$scones" train local >"$notes/train.json"

act 'Serve the newest approved model' "$scones apply local-trained --yes"
expect 0 "$scones" apply local-trained --yes

act 'Measure it on pictures that it was not trained with' "$scones evaluate local-trained \\
    --html $notes/evaluation.html"
expect 0 "$scones" evaluate local-trained --html "$notes/evaluation.html"

act 'One picture through the workflow, state by state' "$scones run local-trained \\
    target/cloud/pictures/bicycle-1.png"
expect 0 "$scones" run local-trained target/cloud/pictures/bicycle-1.png

act 'Shift what the endpoint sees: the monitor finds it, its alarm rings' "$venv tests/cloud/shift.py"
expect 0 "$venv" tests/cloud/shift.py

act "Change a function behind the deployer's back" "$venv tests/cloud/tamper.py"
expect 0 "$venv" tests/cloud/tamper.py

act 'Find it' "$scones drift local-trained"
expect 2 "$scones" drift local-trained

act 'Set it right' "$scones apply local-trained --yes"
expect 0 "$scones" apply local-trained --yes

act 'And the plan is empty again' "$scones plan local-trained"
expect 0 "$scones" plan local-trained

act 'Destroy' "$scones destroy local --yes"
expect 0 "$scones" destroy local --yes >"$notes/destroy.txt"
deployed=no

if [ "$stop_cloud" = yes ]; then
    act 'Stop the local cloud' "$python tests/cloud/cloud.py down"
else
    printf '\nThe local cloud was up before and stays up.\n'
fi
