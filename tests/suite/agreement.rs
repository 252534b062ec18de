//! statelint and asl-validator on the corpora of workflows: where they judge otherwise than scones is written down, with why.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use crate::support::repository;

const CORPORA: [&str; 4] = ["asl/broken", "asl/valid", "contract/broken", "contract/valid"];

/// The path of each machine below `tests/corpus`, without its ending, with whether it is sound by itself.
///
/// What does not fit its functions may be sound by itself, and the oracles know no functions.
fn machines() -> BTreeMap<String, bool> {
    let mut found = BTreeMap::new();
    for corpus in CORPORA {
        for entry in std::fs::read_dir(repository().join("tests/corpus").join(corpus)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            found.insert(format!("{corpus}/{name}"), corpus != "asl/broken");
        }
    }
    found
}

fn file(machine: &str) -> String {
    format!("tests/corpus/{machine}.json")
}

fn installed(what: &str) -> PathBuf {
    let home = std::env::var_os("SCONES_VENVS").map_or_else(|| repository().join("target/cloud-venvs"), PathBuf::from);
    let path = home.join(what);
    assert!(path.exists(), "{} is missing: python3 tests/cloud/cloud.py install", path.display());
    path
}

fn output(mut command: Command) -> String {
    let output = command.current_dir(repository()).output().unwrap();
    // Either ends with 1 when it refuses a machine, and has nothing to say on standard error.
    assert!(output.stderr.is_empty(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The machines that statelint refuses; it names each on a line of its own.
fn refused_by_statelint(machines: &BTreeMap<String, bool>) -> BTreeSet<String> {
    let mut command = Command::new(installed("oracles/bin/statelint"));
    command.args(machines.keys().map(|machine| file(machine)));
    let text = output(command);
    let lines: BTreeSet<&str> = text.lines().collect();
    machines.keys().filter(|machine| lines.contains(file(machine).as_str())).cloned().collect()
}

fn refused_by_asl_validator(machines: &BTreeMap<String, bool>) -> BTreeSet<String> {
    let mut command = Command::new("node");
    command.arg("tests/oracles/asl-validator.cjs").arg(installed("npm")).args(machines.keys().map(|machine| file(machine)));
    let verdicts: BTreeMap<String, bool> = serde_json::from_str(&output(command)).unwrap();
    machines.keys().filter(|machine| !verdicts[&file(machine)]).cloned().collect()
}

#[test]
fn others_agree_but_for_what_is_written_down() {
    let machines = machines();
    assert!(machines.len() > 130, "{}", machines.len());
    let mut found = BTreeSet::new();
    for (oracle, refused) in
        [("statelint", refused_by_statelint(&machines)), ("asl-validator", refused_by_asl_validator(&machines))]
    {
        for (machine, sound) in &machines {
            match (sound, refused.contains(machine)) {
                (true, true) => found.insert(format!("{oracle}\t{machine}\trefuses")),
                (false, false) => found.insert(format!("{oracle}\t{machine}\ttakes")),
                _ => false,
            };
        }
    }
    let text = std::fs::read_to_string(repository().join("tests/oracles/disagreements.tsv")).unwrap();
    let known: BTreeSet<String> = text.lines().skip(1).map(|line| line.rsplit_once('\t').unwrap().0.to_owned()).collect();
    let news: Vec<&String> = found.difference(&known).collect();
    let gone: Vec<&String> = known.difference(&found).collect();
    assert!(news.is_empty() && gone.is_empty(), "new: {news:#?}\nno longer: {gone:#?}");
}
