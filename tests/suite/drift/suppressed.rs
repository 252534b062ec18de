//! What a plan leaves out, and that it changes nothing about the plan.

use super::*;

#[test]
fn a_plan_says_what_it_leaves_out() {
    let project = environment().lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    let tag = lambda().tag_resource().resource(FUNCTION_ARN).tags("someone-elses:owner", "me");
    wait(tag.send()).unwrap();

    let text = project.scones(&["plan", "toy", "--show-suppressed"]).expect(0).stdout;
    assert!(text.contains("Nothing to do") && text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let squeezed = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for wanted in [
        "lambda:GetFunction = Configuration.Description",
        "Configuration.MemorySize 128",
        "cloudformation:DescribeStacks",
        "functions.echo - someone-elses:owner",
    ] {
        assert!(squeezed.contains(wanted), "{wanted}: {text}");
    }
    assert!(!project.scones(&["plan", "toy"]).expect(0).stdout.contains("lambda:GetFunction"));

    let plain = project.scones(&["plan", "toy", "--format", "json"]).expect(0).json();
    let shown = ["plan", "toy", "--format", "json", "--show-suppressed", "--out", "plan.json"];
    let mut whole = project.scones(&shown).expect(0).json();
    let suppressed = whole.as_object_mut().unwrap().shift_remove("suppressed").unwrap();
    assert_eq!(whole, plain);
    assert_eq!(suppressed["tags"], serde_json::json!({ "functions.echo": ["someone-elses:owner"] }));
    let kinds = suppressed["kinds"].as_array().unwrap();
    let of = |operation: &str| kinds.iter().find(|left| left["operation"] == operation).unwrap();
    assert_eq!(of("iam:GetRole")["section"], "roles");
    let folded = of("iam:GetRole")["folded"].as_array().unwrap();
    let session = folded.iter().find(|one| one["member"] == "Role.MaxSessionDuration").unwrap();
    assert_eq!((&session["field"], &session["default"]), (&"max_session_duration".into(), &"3600".into()));
    let saved: serde_json::Value = serde_json::from_str(&project.read("plan.json")).unwrap();
    assert_eq!(saved, plain);
    project.scones(&["apply", "plan.json", "--yes"]).expect(0);
    wait(lambda().untag_resource().resource(FUNCTION_ARN).tag_keys("someone-elses:owner").send()).unwrap();
}
