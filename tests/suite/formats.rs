//! Plans and drift in other people's formats: comments in GitHub's Markdown, and SARIF held against its schema.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Project, assert_no_violations, repository, sdk, wait};

const ALARM: &str = r#"app: APP
environment: toy
account: "123456789012"
region: us-east-1
alarms:
  # What is watched.
  errors:
    metric: AWS/Lambda Errors
    statistic: Sum
    period: 1m
    comparison: ">"
    threshold: 1
  gone: { metric: AWS/Lambda Errors, statistic: Sum, period: 1m, comparison: ">", threshold: 1 }
"#;

/// What the schema of SARIF 2.1.0 finds wrong in a log.
fn faults(log: &Value) -> Vec<String> {
    let home = std::env::var_os("SCONES_VENVS").map_or_else(|| repository().join("target/cloud-venvs"), PathBuf::from);
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("log.json");
    std::fs::write(&file, log.to_string()).unwrap();
    let mut command = Command::new("node");
    command.arg("tests/oracles/sarif-validator.cjs").arg(home.join("npm")).arg(&file).current_dir(repository());
    let output = command.output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    serde_json::from_value(answer[file.to_str().unwrap()].clone()).unwrap()
}

#[test]
fn drift_is_told_in_all_formats() {
    let project = Project::of_text(&ALARM.replace("APP", "formats")).destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    let quiet = project.scones(&["drift", "toy", "--format", "sarif"]).expect(0).json();
    assert_eq!((faults(&quiet), quiet["runs"][0]["results"].clone()), (vec![], json!([])));
    let quiet = project.scones(&["drift", "toy", "--format", "markdown"]).expect(0).stdout;
    assert!(quiet.starts_with("<!-- scones:drift:formats/toy -->\n") && quiet.contains("**No drift"), "{quiet}");

    let client = aws_sdk_cloudwatch::Client::new(sdk());
    wait(client.disable_alarm_actions().alarm_names("formats-toy-errors").send()).unwrap();
    wait(client.delete_alarms().alarm_names("formats-toy-gone").send()).unwrap();
    let log = project.scones(&["drift", "toy", "--format", "sarif"]).expect(2).json();
    assert_eq!(faults(&log), Vec::<String>::new());
    let found = log["runs"][0]["results"].as_array().unwrap();
    let short = |result: &Value| {
        let place = &result["locations"][0]["physicalLocation"];
        let (rule, file) = (result["ruleId"].as_str().unwrap(), place["artifactLocation"]["uri"].as_str().unwrap());
        format!("{rule} {file}:{} {}", place["region"]["startLine"], result["message"]["text"].as_str().unwrap())
    };
    let mut found: Vec<String> = found.iter().map(short).collect();
    found.sort();
    assert_eq!(
        found,
        [
            "drift/changed environments/toy.yaml:7 alarms.errors: enabled: true → false",
            "drift/gone environments/toy.yaml:13 alarms.gone: it is gone, or was never applied"
        ]
    );
    // A fault that the schema must see, lest it sees none.
    let mut broken = log;
    broken["runs"][0]["results"][0]["level"] = "bad".into();
    assert_eq!(faults(&broken).len(), 1);

    let text = project.scones(&["drift", "toy", "--format", "markdown"]).expect(2).stdout;
    let (gone, changed) = (text.find("| gone | <code>alarms.gone</code>"), text.find("| changed | <code>alarms.errors</code>"));
    assert!(gone.is_some() && gone < changed, "{text}");
    assert!(text.contains("```diff\n@@ enabled: changed outside @@\n- enabled: true\n+ enabled: false\n```"), "{text}");
    assert_no_violations();
}

#[test]
fn a_plan_of_hundreds_fits_a_comment() {
    let alarm = |index: u32| {
        let text = "a description of some length ".repeat(20);
        format!(
            "  alarm-{index}:\n    metric: AWS/Lambda Errors\n    description: \"{text}@team | <b>\"\n    statistic: Sum\n    period: 1m\n    comparison: \">\"\n    threshold: {index}\n"
        )
    };
    let head = "app: formats-many\nenvironment: toy\naccount: \"123456789012\"\nregion: us-east-1\nalarms:\n";
    let project = Project::of_text(&format!("{head}{}", (0..400).map(alarm).collect::<String>()));
    let text = project.scones(&["plan", "toy", "--format", "markdown"]).expect(2).stdout;
    assert!(text.starts_with("<!-- scones:plan:formats-many/toy -->\n"), "{text}");
    assert!(text.len() < 65_000, "{}", text.len());
    assert!(
        text.contains("**Plan: 400 to create.**") && text.contains("× create") && text.contains("more are left out"),
        "{text}"
    );
    let fences = text.matches("```").count();
    assert!(fences > 20 && fences.is_multiple_of(2), "{fences}");
}
