//! The script that keeps one issue per environment, with a `gh` and a `scones` that only pretend.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Run, repository};

const MARKER: &str = "<!-- scones:drift:shop/prod -->";

struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new(issues: Value) -> Self {
        let folder = TempDir::new().unwrap();
        let fake =
            "#!/bin/sh\n[ \"$*\" = \"drift prod --format markdown\" ] || exit 9\ncat \"$FAKE_REPORT\"\nexit \"$FAKE_CODE\"\n";
        let path = folder.path().join("scones");
        std::fs::write(&path, fake).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let state = json!({ "issues": issues, "labels": [], "calls": [] });
        std::fs::write(folder.path().join("github.json"), state.to_string()).unwrap();
        Self { folder }
    }

    /// Runs the script while `scones drift` prints a report and ends with a code.
    fn run(&self, report: &str, code: i32) -> Run {
        self.script("prod", report, code)
    }

    fn script(&self, environment: &str, report: &str, code: i32) -> Run {
        let at = |name: &str| self.folder.path().join(name);
        std::fs::write(at("report"), report).unwrap();
        let gh = repository().join("tests/fixtures/gh");
        let path = format!("{}:{}:{}", self.folder.path().display(), gh.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(repository().join(".github/scripts/drift-issue.sh"));
        command.arg(environment).env("PATH", path).env("FAKE_GH", at("github.json"));
        command.env("FAKE_REPORT", at("report")).env("FAKE_CODE", code.to_string()).env("GITHUB_STEP_SUMMARY", at("summary"));
        command.output().unwrap().into()
    }

    fn state(&self) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.folder.path().join("github.json")).unwrap()).unwrap()
    }

    fn issues(&self) -> Vec<Value> {
        self.state()["issues"].as_array().unwrap().clone()
    }
}

fn issue(number: u32, labels: &[&str], body: &str) -> Value {
    json!({ "number": number, "title": "Drift in prod", "labels": labels, "state": "open", "body": body, "comments": [] })
}

fn report(text: &str) -> String {
    format!("{MARKER}\n{text}\n")
}

#[test]
fn an_issue_is_opened_kept_and_closed() {
    let desk = Desk::new(json!([]));
    desk.run(&report("No drift"), 0).expect(0);
    assert_eq!(desk.state()["calls"], json!(["issue list"]));

    desk.run(&report("the role `$(touch pwned)` \"changed\""), 2).expect(0);
    let issues = desk.issues();
    assert_eq!((issues.len(), issues[0]["title"].as_str()), (1, Some("Drift in prod")));
    assert_eq!(issues[0]["body"], report("the role `$(touch pwned)` \"changed\""));

    // The same one, although somebody gave it another title.
    let mut state = desk.state();
    state["issues"][0]["title"] = "Friday's mess".into();
    std::fs::write(desk.folder.path().join("github.json"), state.to_string()).unwrap();
    desk.run(&report("two roles changed"), 2).expect(0);
    let issues = desk.issues();
    assert_eq!((issues.len(), issues[0]["body"].clone()), (1, report("two roles changed").into()));
    assert_eq!(issues[0]["title"], "Friday's mess");

    desk.run(&report("No drift"), 0).expect(0);
    let issues = desk.issues();
    assert_eq!((issues[0]["state"].as_str(), issues[0]["comments"].as_array().unwrap().len()), (Some("closed"), 1));
    // It drifts again: a new issue, the old one stays closed.
    desk.run(&report("a role changed"), 2).expect(0);
    let states: Vec<Value> = desk.issues().into_iter().map(|issue| issue["state"].clone()).collect();
    assert_eq!(states, ["closed", "open"]);
    let summary = std::fs::read_to_string(desk.folder.path().join("summary")).unwrap();
    assert!(summary.contains("two roles changed"), "{summary}");
}

#[test]
fn what_is_unknown_leaves_the_issue_and_fails() {
    let desk = Desk::new(json!([]));
    desk.run(&report("a role changed"), 2).expect(0);
    let before = desk.issues();
    for code in [1, 143] {
        let run = desk.run("", code).expect(code);
        assert!(run.stderr.contains("prod is unknown"), "{}", run.stderr);
    }
    assert_eq!(desk.issues(), before);
    // No marker, or that of nobody: nothing is touched.
    for wrong in ["", "a role changed\n", "<!-- scones:drift:shop/prod --> x\n", "<!-- scones:drift:$(id)/prod -->\n"] {
        for code in [0, 2] {
            desk.run(wrong, code).expect(1);
        }
    }
    assert_eq!(desk.issues(), before);
}

#[test]
fn other_peoples_issues_are_left_alone() {
    let theirs = [
        issue(1, &[], &report("copied, without the label")),
        issue(2, &["scones-drift"], "<!-- scones:drift:shop/dev -->\nanother environment"),
        issue(3, &["scones-drift"], &format!("quoted:\n{MARKER}\n")),
        issue(4, &["scones-drift"], ""),
    ];
    let desk = Desk::new(json!(theirs));
    desk.run(&report("No drift"), 0).expect(0);
    assert_eq!(desk.issues(), theirs);
    desk.run(&report("a role changed"), 2).expect(0);
    let issues = desk.issues();
    assert_eq!((issues.len(), &issues[..4]), (5, &theirs[..]));
    // GitHub's editor ends lines with CR LF.
    let mut state = desk.state();
    state["issues"][4]["body"] = format!("{MARKER}\r\na role changed\r\n").into();
    std::fs::write(desk.folder.path().join("github.json"), state.to_string()).unwrap();
    desk.run(&report("No drift"), 0).expect(0);
    assert_eq!(desk.issues()[4]["state"], "closed");
}

#[test]
fn a_long_report_is_cut_and_a_wrong_call_refused() {
    let desk = Desk::new(json!([]));
    let long = report(&"| `roles.run` | é changed |\n".repeat(5000));
    desk.run(&long, 2).expect(0);
    let body = desk.issues()[0]["body"].as_str().unwrap().to_owned();
    assert!(body.starts_with(MARKER) && body.contains("scones drift prod") && body.chars().count() < 65_000, "{}", body.len());
    assert!(body.lines().all(|line| !line.starts_with('|') || line.ends_with("changed |")), "a line is cut in two");
    for environment in ["", "--help", "prod; id", "$(id)"] {
        desk.script(environment, &report("a role changed"), 2).expect(64);
    }
    assert_eq!(desk.issues().len(), 1);
}
