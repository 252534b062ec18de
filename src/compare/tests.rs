//! What counts as a difference, and what is only another name for the same.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::environment::edit::source;
use crate::environment::load::load_text;
use crate::kinds::registry;
use crate::report;

fn load(text: &str) -> Environment {
    load_text(&source(Path::new("environments/unit.yaml"), text.to_owned()), &registry()).unwrap()
}

fn shipped(name: &str) -> Environment {
    crate::environment::load(&Path::new("environments").join(format!("{name}.yaml")), &registry()).unwrap()
}

fn compared(from: &str, to: &str) -> Comparison {
    compare(&load(from), &load(to), &registry()).unwrap()
}

/// A role and two alarms whose texts are full of names.
fn text(head: &str, threshold: u32, more: &str) -> String {
    format!(
        r#"
app: unit
{head}
roles:
  run:
    assumed_by: lambda.amazonaws.com
    description: Runs ${{app}} ${{environment}}
    allow:
      - {{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::scones-${{account}}-${{region}}/models/*"] }}
      - {{ actions: ["sqs:SendMessage"], resources: ["arn:aws:sqs:${{region}}:${{account}}:${{app}}-${{environment}}-q"] }}
alarms:
  first:
    metric: Own/Things Things
    dimensions: {{ Environment: "${{environment}}", Role: "${{roles.run.name}}" }}
    statistic: Sum
    period: 1m
    comparison: ">"
    threshold: {threshold}
{more}"#
    )
}

const DEV: &str = "environment: dev\nregion: us-east-1";

#[test]
fn each_shipped_environment_is_like_itself() {
    for name in ["dev", "prod", "local", "local-trained"] {
        let comparison = compare(&shipped(name), &shipped(name), &registry()).unwrap();
        assert!(comparison.is_empty(), "{name}: {comparison:?}");
        assert!(comparison.same > 30, "{name}");
    }
}

#[test]
fn what_the_shipped_ones_differ_in_is_what_their_files_say() {
    let comparison = compare(&shipped("dev"), &shipped("prod"), &registry()).unwrap();
    let differing: Vec<String> = comparison.differing.iter().map(|one| one.address.to_string()).collect();
    assert_eq!(differing, ["stacks.foundation", "state_machines.classify", "models.classifier", "endpoints.classifier"]);
    assert!(comparison.only_from.is_empty());
    let more: Vec<String> = comparison.only_to.iter().map(Address::to_string).collect();
    let check =
        ["roles.drift-check", "functions.drift-check", "alarms.drift-found", "alarms.drift-unknown", "schedules.drift-check"];
    assert_eq!(more, check);
    let settings: Vec<&str> = comparison.settings.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(settings, ["protect", "verify"]);
}

#[test]
fn names_accounts_and_regions_are_no_difference() {
    let other = "environment: production\naccount: \"111122223333\"\nregion: eu-west-1";
    let comparison = compared(&text(DEV, 1, ""), &text(other, 1, ""));
    assert!(comparison.is_empty() && comparison.same == 2, "{comparison:?}");
    // A name of its own is another name, and nothing else.
    let named = "  second: { name: once-made-by-hand, metric: Own/Things Other, statistic: Sum, period: 1m, comparison: \">\", threshold: 1 }";
    let unnamed = named.replace("name: once-made-by-hand, ", "");
    assert!(compared(&text(DEV, 1, named), &text(other, 1, &unnamed)).is_empty());
}

#[test]
fn a_value_that_differs_is_told_with_references_in_place_of_names() {
    let other = text("environment: production\nregion: us-east-1", 2, "").replace("-q\"]", "-other\"]");
    let comparison = compared(&text(DEV, 1, ""), &other);
    let shown = anstream::adapter::strip_str(&report::compare::text(&comparison)).to_string();
    assert!(shown.contains("threshold: 1 → 2") || shown.contains("threshold: 1.0 → 2.0"), "{shown}");
    assert!(shown.contains("${account}:${app}-${environment}-other"), "{shown}");
    assert!(!shown.contains("zz") && !shown.contains("000000000000"), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert!(shown.ends_with("Resources: 0 alike, 2 differ, 0 only in dev, 0 only in production."), "{shown}");
}

#[test]
fn one_side_alone_and_settings_are_told() {
    let more = "  second: { metric: Own/Things Other, statistic: Sum, period: 1m, comparison: \">\", threshold: 1 }\n";
    let other = text("environment: prod\nregion: us-east-1\nprotect: true\ntags: { a: b }", 1, more);
    let comparison = compared(&text(DEV, 1, ""), &other);
    assert_eq!(comparison.only_to, [Address::new("alarms", "second")]);
    let settings: Vec<&str> = comparison.settings.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(settings, ["tags.a", "protect"]);
    let back = compared(&other, &text(DEV, 1, ""));
    assert_eq!((back.only_from, back.only_to.len(), back.same), (comparison.only_to, 0, 2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// The same file under any two names, in any two accounts and regions.
    #[test]
    fn the_same_file_is_the_same_under_any_name(
        left in "[a-z][a-z0-9]{1,18}", right in "[a-z][a-z0-9]{1,18}", account in "[0-9]{12}", threshold in 0u32..9,
        region in prop::sample::select(vec!["us-east-1", "eu-west-1", "ap-southeast-2"]),
    ) {
        let of = |name: &str, region: &str| text(&format!("environment: {name}\naccount: \"{account}\"\nregion: {region}"), threshold, "");
        let comparison = compared(&of(&left, "us-east-1"), &of(&right, region));
        prop_assert!(comparison.is_empty(), "{comparison:?}");
    }
}
