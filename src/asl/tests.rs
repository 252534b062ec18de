use std::fs;
use std::path::PathBuf;

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
