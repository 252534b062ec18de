//! Who may import whom; a line that crosses fails here, with the file and the line.

use std::path::{Path, PathBuf};

use crate::support::repository;

/// (files, what they must not name, why).
const RULES: &[(&[&str], &[&str], &str)] = &[
    (&["diff.rs"], &["crate::"], "comparing knows nothing of ours"),
    (
        &[
            "policy.rs",
            "policy/",
            "asl.rs",
            "asl/",
            "template.rs",
            "template/",
            "contract.rs",
            "contract/",
            "metrics.rs",
            "metrics/",
        ],
        &[
            "crate::aws",
            "crate::environment",
            "crate::kind",
            "crate::plan",
            "crate::apply",
            "crate::observe",
            "aws_sdk",
            "std::fs",
            "tokio",
        ],
        "normal forms and offline checks are functions of a document alone",
    ),
    (
        &[
            "environment/",
            "desired.rs",
            "desired/",
            "plan.rs",
            "plan/",
            "stamp.rs",
            "permissions.rs",
            "permissions/",
            "accept.rs",
            "release.rs",
            "artifact.rs",
            "compare.rs",
            "promote.rs",
            "promote/",
            "report/plan.rs",
            "report/markdown.rs",
            "report/sarif.rs",
            "report/lines.rs",
            "report/style.rs",
            "who.rs",
            "who/pick.rs",
        ],
        &["crate::aws", "crate::observe", "crate::apply", "crate::kinds", "aws_sdk", "aws_config"],
        "the pure half does not know AWS",
    ),
    (
        &[
            "desired.rs",
            "desired/",
            "plan.rs",
            "plan/",
            "stamp.rs",
            "permissions.rs",
            "permissions/",
            "diff.rs",
            "accept.rs",
            "artifact.rs",
            "compare.rs",
            "promote.rs",
            "promote/",
            "environment/edit.rs",
            "environment/edit/",
        ],
        &["std::fs", "std::env", "std::net", "tokio", "Instant", "SystemTime", "jiff", "Day::today"],
        "no clock, no network, no disk: what is planned depends on what is given",
    ),
    (
        &["kinds/"],
        &["crate::plan", "crate::apply", "crate::report", "crate::observe", "crate::commands"],
        "a kind knows its service and nothing of the engine",
    ),
    (&["report/"], &["crate::aws", "crate::kinds", "crate::observe", "aws_sdk"], "a report shows what it is given"),
];

/// All files of Rust below a folder, but those of tests.
pub fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("tests") {
            continue;
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
    found
}

/// Lines of code, without comments and without the tests at a file's end.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .enumerate()
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(index, line)| (index + 1, line.to_owned()))
        .collect()
}

#[test]
fn imports_keep_to_their_side() {
    let root = repository().join("src");
    let mut crossed = vec![];
    for path in sources(&root) {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        for (files, forbidden, why) in RULES {
            let concerned = files.iter().any(|file| if file.ends_with('/') { name.starts_with(file) } else { name == *file });
            if !concerned {
                continue;
            }
            for (number, line) in code(&path) {
                if let Some(word) = forbidden.iter().find(|word| line.contains(**word)) {
                    crossed.push(format!("src/{name}:{number}: {word}: {why}"));
                }
            }
        }
    }
    assert!(crossed.is_empty(), "{}", crossed.join("\n"));
}

#[test]
fn kinds_do_not_know_each_other() {
    let root = repository().join("src/kinds");
    let kinds = [
        "role",
        "function",
        "state_machine",
        "stack",
        "model_package_group",
        "model",
        "endpoint",
        "alarm",
        "composite_alarm",
        "dashboard",
        "schedule",
    ];
    let mut crossed = vec![];
    for path in sources(&root) {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        if name == "mod.rs" {
            continue;
        }
        for (number, line) in code(&path) {
            let named = kinds.iter().filter(|kind| !name.starts_with(**kind));
            for kind in
                named.filter(|kind| line.contains(&format!("kinds::{kind}::")) || line.contains(&format!("kinds::{{{kind}")))
            {
                crossed.push(format!("src/kinds/{name}:{number}: {kind}"));
            }
        }
    }
    assert!(crossed.is_empty(), "{}", crossed.join("\n"));
}

#[test]
fn only_apply_calls_the_writing_methods() {
    let root = repository().join("src");
    let writing = [
        "kind.create(",
        "kind.update(",
        "kind.delete(",
        "kind.collect(",
        "tags::write(",
        "bootstrap::create(",
        "bootstrap::upload(",
    ];
    let mut crossed = vec![];
    for path in sources(&root) {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        if name.starts_with("apply") || name.starts_with("kinds/") || name.starts_with("aws/") {
            continue;
        }
        for (number, line) in code(&path) {
            if let Some(call) = writing.iter().find(|call| line.contains(**call)) {
                crossed.push(format!("src/{name}:{number}: {call}"));
            }
        }
    }
    assert!(crossed.is_empty(), "{}", crossed.join("\n"));
}
