//! The scripts that take a change from a pull request to production, with a `gh` that only pretends, and a `scones` that mostly
//! does.

mod promoting;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::oracles::oracle;
use crate::support::{Project, Run, assert_no_violations, repository, sdk, wait};

/// Prints what the test laid down for a command, and exits as that says.
const SCONES: &str = r#"#!/bin/sh
echo "$*" >>"$DESK/scones"
name=$1
case "$*" in *--check) name=check ;; esac
previous=
for argument in "$@"; do
  [ "$previous" = --out ] && echo "plan of $*" >"$argument"
  previous=$argument
done
[ ! -f "$DESK/$name.sh" ] || . "$DESK/$name.sh"
cat "$DESK/$name.out" 2>/dev/null
exit "$(cat "$DESK/$name.code" 2>/dev/null || echo 0)"
"#;
const MERGE: &str = "c0ffee";
const HEAD: &str = "ba5e1e55";

/// A checkout with the programs that the scripts call.
struct Desk {
    folder: TempDir,
    real: bool,
}

impl Desk {
    fn new(state: Value) -> Self {
        let desk = Self { folder: TempDir::new().unwrap(), real: false };
        desk.put("scones-bin/scones", SCONES);
        std::fs::set_permissions(desk.at("scones-bin/scones"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut all = json!({ "calls": [] });
        all.as_object_mut().unwrap().extend(state.as_object().unwrap().clone());
        desk.put("github.json", &all.to_string());
        std::fs::create_dir(desk.at("checkout")).unwrap();
        desk
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::create_dir_all(self.at(name).parent().unwrap()).unwrap();
        std::fs::write(self.at(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.at(name)).unwrap_or_default()
    }

    /// What a command of scones prints from now on, and how it exits.
    fn scones(&self, command: &str, code: i32, out: &str) {
        self.put(&format!("{command}.out"), out);
        self.put(&format!("{command}.code"), &code.to_string());
    }

    fn command(&self, script: &str, arguments: &[&str]) -> Command {
        let scones = match self.real {
            true => PathBuf::from(env!("CARGO_BIN_EXE_scones")).parent().unwrap().to_owned(),
            false => self.at("scones-bin"),
        };
        let gh = repository().join("tests/fixtures/gh");
        let path = format!("{}:{}:{}", scones.display(), gh.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(repository().join(".github/scripts").join(script));
        command.args(arguments).current_dir(self.at("checkout")).env("PATH", path).env("DESK", self.folder.path());
        command.env("FAKE_GH", self.at("github.json")).env("GITHUB_STEP_SUMMARY", self.at("summary"));
        command.env("GITHUB_SERVER_URL", "https://github.com").env("GITHUB_REPOSITORY", "shop/shop");
        command.env("GITHUB_RUN_ID", "77").env("GITHUB_SHA", MERGE);
        command
    }

    fn script(&self, script: &str, arguments: &[&str]) -> Run {
        self.command(script, arguments).output().unwrap().into()
    }

    fn state(&self) -> Value {
        serde_json::from_str(&self.read("github.json")).unwrap()
    }

    fn set(&self, key: &str, value: Value) {
        let mut state = self.state();
        state[key] = value;
        self.put("github.json", &state.to_string());
    }

    fn bodies(&self) -> Vec<String> {
        let state = self.state();
        let comments = state["comments"].as_array().cloned().unwrap_or_default();
        comments.iter().map(|one| one["body"].as_str().unwrap().to_owned()).collect()
    }

    /// The only comment.
    #[track_caller]
    fn body(&self) -> String {
        let bodies = self.bodies();
        assert_eq!(bodies.len(), 1, "{bodies:?}");
        bodies.into_iter().next().unwrap()
    }
}

fn comment(id: u32, kind: &str, body: &str) -> Value {
    json!({ "id": id, "issue": 7, "user": { "login": "x", "type": kind }, "body": body })
}

#[test]
fn one_comment_per_environment_is_kept() {
    let theirs = [
        comment(1, "User", "<!-- scones plan prod -->\ncopied by a person"),
        comment(2, "Bot", "<!-- scones plan dev -->\nof another environment"),
        comment(3, "Bot", "quoted:\n<!-- scones plan prod -->\n"),
    ];
    let desk = Desk::new(json!({ "comments": theirs }));
    desk.scones("plan", 2, "<!-- scones:plan:shop/prod -->\n### Plan `$(touch pwned)` @team\n");
    desk.script("plan-comment.sh", &["prod", "7"]).expect(0);
    assert_eq!(desk.read("scones"), "plan prod --out plan.json --format markdown\n");
    assert!(desk.at("checkout/plan.json").exists() && !desk.at("checkout/pwned").exists());
    let bodies = desk.bodies();
    assert_eq!(bodies.len(), 4);
    assert!(bodies[3].starts_with("<!-- scones plan prod -->\n<!-- scones:plan:shop/prod -->\n### Plan `$("), "{}", bodies[3]);
    assert!(bodies[3].contains("actions/runs/77"), "{}", bodies[3]);
    assert!(desk.read("summary").contains("### Plan"));

    // GitHub's editor ends lines with CR LF.
    let mut state = desk.state();
    state["comments"][3]["body"] = bodies[3].replace('\n', "\r\n").into();
    desk.put("github.json", &state.to_string());
    desk.scones("plan", 0, "### Nothing to do\n");
    desk.script("plan-comment.sh", &["prod", "7"]).expect(0);
    let bodies = desk.bodies();
    assert_eq!((bodies.len(), bodies[3].as_str()), (4, "<!-- scones plan prod -->\n### Nothing to do\n"));
    assert_eq!(desk.state()["comments"].as_array().unwrap()[..3], theirs);
    assert!(desk.at("checkout/plan.json").exists(), "a plan without changes is kept as well");
}

#[test]
fn a_plan_that_failed_is_no_plan() {
    for code in [1, 64, 143] {
        let desk = Desk::new(json!({}));
        desk.put("checkout/plan.json", "an old one");
        desk.scones("plan", code, "### Plan\n\nUnknown, since it could not be read\n");
        desk.script("plan-comment.sh", &["prod", "7"]).expect(code);
        assert!(!desk.at("checkout/plan.json").exists());
        let body = desk.body();
        assert!(
            body.contains("could not be read") && body.contains(&format!("no plan of `prod` to apply (exit {code})")),
            "{body}"
        );
    }
}

#[test]
fn what_is_too_long_is_cut_and_wrong_calls_are_refused() {
    let desk = Desk::new(json!({}));
    desk.scones("plan", 2, &"| é `roles.run` | change |\n".repeat(5000));
    desk.script("plan-comment.sh", &["prod", "7"]).expect(0);
    let body = desk.body();
    assert!(body.chars().count() > 60_000 && body.chars().count() <= 65_536, "{}", body.chars().count());
    assert!(body.lines().all(|line| !line.starts_with('|') || line.ends_with("change |")), "a line is cut in two");
    // As long as a report of scones can be: nothing is cut.
    desk.scones("plan", 2, &format!("{}\n", "x".repeat(64_999)));
    desk.script("plan-comment.sh", &["prod", "7"]).expect(0);
    assert!(desk.body().contains("actions/runs/77") && !desk.body().contains("…the rest"), "{}", desk.body().len());
    for wrong in [vec![], vec!["prod"], vec!["--help", "7"], vec!["prod; id", "7"], vec!["prod", "$(id)"], vec!["prod", ""]] {
        desk.script("plan-comment.sh", &wrong).expect(64);
    }
    for wrong in [vec![], vec!["$(id)"], vec!["--prune"], vec!["a", "b"]] {
        desk.script("apply-plan.sh", &wrong).expect(64);
    }
    for wrong in [vec!["dev"], vec!["dev", "--check"], vec!["dev", "a/b"], vec!["dev", "prod", "x"]] {
        desk.script("promotion.sh", &wrong).expect(64);
    }
    for wrong in [vec!["7", "no marker", "f"], vec!["x", "<!-- a -->", "f"], vec!["7", "<!-- a --> b -->", "f"]] {
        desk.script("comment.sh", &wrong).expect(64);
    }
    assert_eq!((desk.read("scones").lines().count(), desk.bodies().len()), (2, 1));
}

/// A repository in which pull request 7 was merged, with the plan of its last commit.
fn merged() -> Desk {
    let run = |id: u32, repository: u32| {
        let (head, own) = (json!({ "id": repository }), json!({ "id": 1 }));
        json!({ "id": id, "head_sha": HEAD, "event": "pull_request", "head_repository": head, "repository": own })
    };
    let merge = |number: u32, commit: &str, at: Value| {
        let head = json!({ "sha": HEAD });
        json!({ "number": number, "merged_at": at, "merge_commit_sha": commit, "commits": [MERGE], "head": head })
    };
    let desk = Desk::new(json!({
        // One that is open has the commit too, and so has one that was merged elsewhere.
        "merges": [merge(5, MERGE, Value::Null), merge(6, "deed", json!("2026-11-27")), merge(7, MERGE, json!("2026-11-27"))],
        "runs": [run(50, 666), run(51, 1), run(52, 1)],
    }));
    for (name, text) in [("stolen", "a fork's plan"), ("old", "expired"), ("reviewed", "the reviewed plan")] {
        desk.put(name, text);
    }
    let artifact = |run: u32, file: &str, expired: bool| {
        let file = desk.at(file);
        json!({ "run": run, "name": "plan-prod", "expired": expired, "file": file })
    };
    let artifacts = json!([artifact(50, "stolen", false), artifact(51, "old", true), artifact(52, "reviewed", false)]);
    desk.set("artifacts", artifacts);
    desk.put("apply.sh", r#"[ "$3" = --yes ] && cp "$2" "$DESK/applied""#);
    desk
}

#[test]
fn the_plan_that_was_read_is_applied() {
    let desk = merged();
    desk.scones("apply", 0, "✓ change functions.echo\nDone: 1 applied.\n");
    desk.script("apply-plan.sh", &["prod"]).expect(0);
    assert_eq!(desk.read("applied"), "the reviewed plan");
    assert!(desk.read("scones").starts_with("apply /") && desk.read("scones").ends_with("/plan.json --yes\n"));
    let body = desk.body();
    assert!(body.starts_with("<!-- scones apply prod -->\n### Applied to prod\n"), "{body}");
    assert!(body.contains("Done: 1 applied.") && desk.read("summary").contains("Done: 1 applied."), "{body}");
    assert_eq!(desk.state()["comments"][0]["issue"], 7);
}

#[test]
fn what_is_blocked_is_a_notice() {
    let desk = merged();
    desk.scones("apply", 5, "blocked: models.classifier: no approved package\n");
    let run = desk.script("apply-plan.sh", &["prod"]).expect(0);
    assert!(run.stdout.contains("::notice::prod: applied, but for what is blocked"), "{}", run.stdout);
    assert!(desk.body().contains("no approved package"), "{}", desk.body());
    assert_eq!(desk.read("scones").lines().count(), 1);
}

#[test]
fn a_stale_plan_is_made_anew_and_applied_when_the_job_is_started_again() {
    let desk = merged();
    desk.scones("apply", 3, "error: the plan is stale: functions.echo moved\n```\n@team\n");
    desk.scones("plan", 2, "### Plan: the new one\n");
    let run = desk.script("apply-plan.sh", &["prod"]).expect(3);
    assert!(run.stdout.contains("::error::prod: Nothing was applied to prod. The plan that was read is stale"), "{}", run.stdout);
    let body = desk.body();
    assert!(body.contains("functions.echo moved") && body.contains("### Plan: the new one"), "{body}");
    assert!(body.contains("````text\n") && body.contains("start the failed job of that run again"), "{body}");
    let new = desk.read("checkout/new-plan/plan.json");
    assert!(new.contains("plan prod --out new-plan/plan.json"), "{new}");

    // The workflow keeps it; the same run takes that one.
    let mut artifacts = desk.state()["artifacts"].clone();
    let kept = json!({ "run": 77, "name": "plan-prod", "expired": false, "file": desk.at("checkout/kept.json") });
    artifacts.as_array_mut().unwrap().push(kept);
    desk.set("artifacts", artifacts);
    desk.put("checkout/kept.json", &new);
    desk.scones("apply", 0, "Done: 1 applied.\n");
    desk.script("apply-plan.sh", &["prod"]).expect(0);
    assert_eq!(desk.read("applied"), new);
    assert!(!desk.at("checkout/new-plan").exists());
    assert!(desk.body().contains("### Applied to prod"), "{}", desk.body());
}

#[test]
fn a_stale_plan_of_which_nothing_is_left_is_done() {
    let desk = merged();
    desk.scones("apply", 3, "error: the plan is stale\n");
    desk.scones("plan", 0, "### Plan: nothing\n");
    desk.script("apply-plan.sh", &["prod"]).expect(0);
    assert!(!desk.at("checkout/new-plan").exists() && desk.body().contains("Nothing is left to apply"), "{}", desk.body());
    // Nor is one kept that could not be made.
    desk.scones("plan", 1, "### Plan: unknown\n");
    desk.script("apply-plan.sh", &["prod"]).expect(3);
    assert!(
        !desk.at("checkout/new-plan").exists() && desk.body().contains("No new plan could be made (exit 1)"),
        "{}",
        desk.body()
    );
}

#[test]
fn who_holds_the_lease_is_told() {
    let desk = merged();
    desk.scones("apply", 4, "error: somebody else applies to prod\n");
    desk.scones("lease", 0, "held by alice since 05:12\n");
    let run = desk.script("apply-plan.sh", &["prod"]).expect(4);
    let body = desk.body();
    assert!(body.contains("held by alice since 05:12") && body.contains("`scones lease prod --release`"), "{body}");
    assert!(run.stdout.contains("::error::prod: somebody else applies"), "{}", run.stdout);
    let calls = desk.read("scones");
    let calls: Vec<&str> = calls.lines().collect();
    assert!(calls.len() == 2 && calls[1] == "lease prod", "nothing is planned, and nothing released: {calls:?}");
}

#[test]
fn an_apply_that_failed_half_way_can_go_on() {
    for code in [1, 130] {
        let desk = merged();
        desk.scones("apply", code, "✓ change functions.echo\nerror: endpoints.net: rolled back\n");
        desk.scones("plan", 2, "### Plan: what is left\n");
        desk.script("apply-plan.sh", &["prod"]).expect(code);
        let body = desk.body();
        assert!(body.contains("### Applying to prod failed") && body.contains("rolled back"), "{body}");
        assert!(body.contains("### Plan: what is left") && desk.at("checkout/new-plan/plan.json").exists(), "{body}");
    }
}

#[test]
fn what_nobody_has_read_is_not_applied() {
    // Pushed, not merged.
    let desk = merged();
    desk.set("merges", json!([]));
    desk.scones("plan", 2, "### Plan\n");
    desk.script("apply-plan.sh", &["prod"]).expect(3);
    assert_eq!(desk.bodies(), Vec::<String>::new());
    assert!(desk.read("summary").contains("no plan of this commit"), "{}", desk.read("summary"));
    assert!(desk.at("checkout/new-plan/plan.json").exists() && !desk.at("applied").exists());
    // Only a fork's plan, or one that expired.
    let desk = merged();
    let artifacts = desk.state()["artifacts"].as_array().unwrap()[..2].to_vec();
    desk.set("artifacts", artifacts.into());
    desk.scones("plan", 2, "### Plan\n");
    desk.script("apply-plan.sh", &["prod"]).expect(3);
    assert!(!desk.at("applied").exists() && desk.body().contains("no plan of this commit"), "{}", desk.body());
    // GitHub does not answer: that is no missing plan.
    for call in ["api GET", "run download"] {
        let desk = merged();
        desk.set("fails", call.into());
        desk.script("apply-plan.sh", &["prod"]).expect(1);
        assert_eq!((desk.read("scones"), desk.read("applied")), (String::new(), String::new()), "{call}");
    }
}

const ALARMS: &str = r#"app: merging
environment: toy
account: "123456789012"
region: us-east-1
alarms:
  errors: { metric: AWS/Lambda Errors, statistic: Sum, period: 1m, comparison: ">", threshold: 1 }
"#;

/// The scripts with the real program: planned on a pull request, applied after the merge, refused when something moved.
#[test]
fn a_pull_request_goes_to_production() {
    let project = Project::of_text(ALARMS).destroyed_at_end("toy");
    let mut desk = merged();
    desk.real = true;
    let script = |name: &str, arguments: &[&str]| -> Run {
        let mut command = desk.command(name, arguments);
        command.current_dir(project.path(".")).envs(crate::support::cloud()).env("NO_COLOR", "1");
        command.output().unwrap().into()
    };
    let keep = |file: &str, run: u32| {
        let kept = json!({ "run": run, "name": "plan-toy", "expired": false, "file": project.path(file) });
        desk.set("artifacts", json!([kept]));
    };
    script("plan-comment.sh", &["toy", "7"]).expect(0);
    let body = desk.body();
    assert!(body.contains("**Plan: 1 to create.**") && body.contains("Merging applies exactly"), "{body}");
    keep("plan.json", 52);
    script("apply-plan.sh", &["toy"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);

    project.edit("environments/toy.yaml", "threshold: 1", "threshold: 2");
    script("plan-comment.sh", &["toy", "7"]).expect(0);
    let client = aws_sdk_cloudwatch::Client::new(sdk());
    wait(client.disable_alarm_actions().alarm_names("merging-toy-errors").send()).unwrap();
    let run = script("apply-plan.sh", &["toy"]).expect(3);
    let told = desk.bodies().into_iter().find(|body| body.starts_with("<!-- scones apply toy -->")).unwrap();
    assert!(told.contains("alarms.errors") && told.contains("changed outside") && told.contains("is stale"), "{told}\n{run:?}");
    // Started again, the run applies what it showed.
    std::fs::rename(project.path("new-plan/plan.json"), project.path("kept.json")).unwrap();
    keep("kept.json", 77);
    script("apply-plan.sh", &["toy"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
    assert_no_violations();
}

#[test]
fn shellcheck_passes_the_scripts() {
    let list = Command::new("git").args(["ls-files", "*.sh"]).current_dir(repository()).output().unwrap();
    let files = String::from_utf8(list.stdout).unwrap();
    assert!(files.contains(".github/scripts/apply-plan.sh"), "{files}");
    let mut command = oracle("shellcheck");
    // Files that are sourced at run time are not there to be read.
    let output = command.args(["--exclude", "SC1091"]).args(files.lines()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Whoever can move a tag of an action could read what its jobs may.
#[test]
fn actions_are_pinned_by_commit() {
    let pinned = regex_lite::Regex::new(r"uses: (\./\.github/actions/[a-z]+|[a-z-]+/[a-z-]+@[0-9a-f]{40} # v[0-9.]+)$").unwrap();
    let mut seen = 0;
    let folder = repository().join(".github");
    let workflows = std::fs::read_dir(folder.join("workflows")).unwrap().map(|entry| entry.unwrap().path());
    for file in workflows.chain([folder.join("actions/build/action.yml")]) {
        let text = std::fs::read_to_string(&file).unwrap();
        for line in text.lines().filter(|line| line.contains("uses:")) {
            assert!(pinned.is_match(line), "{}: {line}", file.display());
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}
