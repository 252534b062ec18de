//! Machines that fit together, and machines that do not: `tests/corpus/contract`.

use std::fs;

use super::*;

/// Reads the machines of a folder of `tests/corpus`.
fn corpus(kind: &str) -> Vec<(String, Value)> {
    let folder = repository().join("tests/corpus").join(kind);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("the folder can be read").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let machine = |name: &String| fs::read_to_string(folder.join(name)).expect("the machine can be read");
    names.iter().map(|name| (name.clone(), serde_json::from_str(&machine(name)).expect("the machine is JSON"))).collect()
}

#[test]
fn accepts_every_machine_that_fits() {
    let machines = corpus("contract/valid");
    assert!(machines.len() >= 10);
    for (name, machine) in machines {
        assert_eq!(shown(&crate::asl::check(&machine)), Vec::<String>::new(), "{name}");
        assert_eq!(shown(&findings(&machine, None)), Vec::<String>::new(), "{name}");
    }
}

/// Each broken machine's `Comment` says where it is broken, before the first `: `. By themselves they are sound.
#[test]
fn finds_what_does_not_fit_and_nothing_else() {
    let machines = corpus("contract/broken");
    assert!(machines.len() >= 15);
    let mut wrong = Vec::new();
    for (name, machine) in machines {
        assert_eq!(shown(&crate::asl::check(&machine)), Vec::<String>::new(), "{name}");
        let comment = machine["Comment"].as_str().unwrap_or_default();
        let place = comment.split(": ").next().unwrap_or_default();
        let found = findings(&machine, None);
        if found.len() != 1 || found[0].path.join(".") != place {
            wrong.push(format!("{name}\n  wants {place}\n  has {:#?}", shown(&found)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Where nothing around a machine is known, nothing is found but what it names outright.
#[test]
fn what_is_not_known_passes() {
    for (name, machine) in corpus("asl/valid") {
        let workflow = Workflow {
            definition: &machine,
            source: &Value::Null,
            functions: &[],
            input: None,
            largest_input: None,
            largest_picture: None,
            role: None,
        };
        let found = check(&workflow);
        let others: Vec<&Finding> = found.iter().filter(|finding| !finding.message.contains("$LATEST")).collect();
        assert_eq!(others, Vec::<&Finding>::new(), "{name}");
    }
}
