//! Schedules and drift checks that would never run.

use super::says;

/// A function that a schedule invokes: the schedule's keys from line 10 on.
fn scheduled(keys: &str, permission: &str) -> String {
    format!(
        "roles: {{ run: {{ assumed_by: lambda.amazonaws.com }} }}\n\
         functions:\n  look: {{ source: app, role: run, permissions: {{ {permission} }} }}\n\
         schedules:\n  nightly: {{ function: look, {keys} }}\n"
    )
}

#[test]
fn schedules_that_would_never_run() {
    const LET_IN: &str = "nightly: { principal: events.amazonaws.com, source_arn: \"${schedules.nightly.arn}\" }";
    says(&scheduled("enabled: true", LET_IN), "toy.yaml:9:3", &["this schedule never runs", "`every:`"]);
    says(&scheduled("every: 1h, schedule: \"cron(0 6 * * ? *)\"", LET_IN), "toy.yaml:9:", &["write one of them"]);
    says(&scheduled("every: 90s", LET_IN), "toy.yaml:9:", &["whole minutes"]);
    says(&scheduled("schedule: \"cron(0 6 * * * *)\"", LET_IN), "toy.yaml:9:", &["must be `?`"]);
    says(&scheduled("every: 1h", ""), "toy.yaml:9:", &["lets no rule of EventBridge invoke it", "${schedules.nightly.arn}"]);
    let long = format!("every: 1h, input: {{ text: \"{}\" }}", "x".repeat(8200));
    says(&scheduled(&long, LET_IN), "toy.yaml:9:", &["8192 characters"]);
    says(&scheduled("every: 1h", LET_IN).replace("function: look", "function: lok"), "toy.yaml:9:", &["did you mean `look`?"]);
}

#[test]
fn drift_checks_that_cannot_be() {
    says("drift_check: {}\n", "toy.yaml:5:1", &["`every` is missing"]);
    says("drift_check: { every: 1m }\n", "toy.yaml:5:23", &["5m to every 1d"]);
    says("drift_check: { every: 2d }\n", "toy.yaml:5:23", &["5m to every 1d"]);
    says("drift_check: { every: 301s }\n", "toy.yaml:5:23", &["whole minutes"]);
    says("drift_check: { every: 1h, alarm_actions: [topic] }\n", "toy.yaml:5:43", &["`topic` has not the right form"]);
    says("drift_check: { every: 1h, callers: [root] }\n", "toy.yaml:5:37", &["`root` has not the right form"]);
    says("drift_check: { every: 1h, architecture: mips }\n", "toy.yaml:5:41", &["x86_64"]);
    says(
        "drift_check: { every: 1h, alarm_actions: [\"${stacks.base.Topic}\"] }\n",
        "toy.yaml:5:",
        &["stacks.base is not declared"],
    );
    let taken = "drift_check: { every: 1h }\nroles: { drift-check: { assumed_by: lambda.amazonaws.com } }\n";
    says(taken, "toy.yaml:6:10", &["`drift_check` makes roles.drift-check itself", "another name"]);
}
