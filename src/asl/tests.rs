use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::check;

/// Reads the machines of `tests/corpus/asl/<kind>`.
fn corpus(kind: &str) -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/asl").join(kind);
    let mut machines: Vec<(String, Value)> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("the folder can be read").path())
        .map(|path| (path.display().to_string(), fs::read_to_string(&path).expect("the machine can be read")))
        .map(|(name, text)| (name, serde_json::from_str(&text).expect("the machine is JSON")))
        .collect();
    machines.sort_by(|one, other| one.0.cmp(&other.0));
    machines
}

fn shown(definition: &Value) -> Vec<String> {
    check(definition).iter().map(ToString::to_string).collect()
}

#[test]
fn accepts_every_valid_machine_of_the_corpus() {
    let machines = corpus("valid");
    assert!(machines.len() >= 15);
    for (name, machine) in machines {
        assert_eq!(shown(&machine), Vec::<String>::new(), "{name}");
    }
}

/// Each broken machine's `Comment` says where it is broken, before the first `: `.
#[test]
fn finds_what_is_broken_in_the_corpus_and_nothing_else() {
    let machines = corpus("broken");
    assert!(machines.len() >= 40);
    let mut wrong = Vec::new();
    for (name, machine) in machines {
        let comment = machine["Comment"].as_str().unwrap_or_default();
        let place = comment.split(": ").next().unwrap_or_default();
        let findings = check(&machine);
        if findings.len() != 1 || findings[0].path.join(".") != place {
            wrong.push(format!("{name}\n  wants {place}\n  has {:#?}", shown(&machine)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn says_what_was_meant() {
    let cases = [
        (json!({ "Type": "Pass", "Ends": true, "End": true }), "did you mean `End`?"),
        (
            json!({ "Type": "Task", "Resource": "arn:aws:states:::lambda:invok", "Parameters": { "FunctionName": "f" }, "End": true }),
            "`lambda:invoke`",
        ),
        (json!({ "Type": "Pass", "Next": "b" }), "did you mean `B`?"),
        (json!({ "Type": "Pass", "Parameters": { "a.$": "States.Formatt('{}', $.a)" }, "End": true }), "`States.Format`"),
    ];
    for (state, word) in cases {
        let machine = json!({ "StartAt": "A", "States": { "A": state, "B": { "Type": "Succeed" } } });
        let all = shown(&machine);
        assert!(all.iter().any(|finding| finding.contains(word)), "{all:#?} lacks {word}");
    }
}

#[test]
fn measures_the_whole_definition() {
    let machine = json!({ "StartAt": "A", "States": { "A": { "Type": "Succeed", "Comment": "x".repeat(super::LIMIT) } } });
    assert_eq!(shown(&machine).len(), 1);
}

#[test]
fn takes_paths_of_every_shape() {
    use super::paths::path_fault;
    let right = r#"$ $$ $.a $.a.b-c $..a $.* $['a'] $["x"] $[0] $[-1] $[*] $[0:2] $[0,1] $.a[?(@.b=='x]')].c
        $.a[(@.length-1)] $x $x.y[0] $$.Execution.Id $.größe $.a['it\'s'] $..[0] $.[0] $.[*].['a','b'] $.a.length()"#;
    for right in right.split_whitespace().chain(["$['a b']", "$.a[?(@.b == 'x]')]"]) {
        assert_eq!(path_fault(right), None, "{right}");
    }
    for wrong in ["", "a", "$.", "$a b", "$.a.", "$[", "$[]", "$['a]", "$]", "$.a[0", "$[a]", "$...a", "$.a b", "$.a("] {
        assert!(path_fault(wrong).is_some(), "{wrong}");
    }
}

#[test]
fn bounds_the_nesting_of_calls() {
    use super::functions::check_call;
    let nested = |depth: usize| format!("{}1{}", "States.Array(".repeat(depth), ")".repeat(depth));
    assert_eq!(check_call(&nested(10)), Ok(()));
    assert!(check_call(&nested(11)).is_err());
    assert!(check_call(&nested(100_000)).is_err());
}

#[test]
fn takes_machines_within_machines() {
    let mut machine = json!({ "StartAt": "S0", "States": { "S0": { "Type": "Succeed" } } });
    for depth in 1..15 {
        let name = format!("S{depth}");
        let state = json!({ "Type": "Parallel", "Branches": [machine], "End": true });
        machine = json!({ "StartAt": name, "States": { name.as_str(): state } });
    }
    assert_eq!(shown(&machine), Vec::<String>::new());
}

proptest! {
    #[test]
    fn takes_any_text(text in "[$.\\[\\]()'\"?@a-zé,0-9 {}%\\\\]{0,30}", call in "States\\.(Format|Array|UUID|x)[(']?[$a(),' {}\\\\.é]{0,20}") {
        let machine = json!({ "StartAt": &text, "States": { "A": {
            "Type": "Pass", "InputPath": &text, "ResultPath": &text, "Parameters": { "a.$": &text, "b.$": &call }, "Next": &call,
        }, "B": { "Type": "Pass", "QueryLanguage": "JSONata", "Output": format!("{{%{text}"), "End": true } } });
        let _ = check(&machine);
    }
}
