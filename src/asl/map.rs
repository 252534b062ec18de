//! Map and Parallel states, which hold machines.

use serde_json::{Map, Value};

use super::Language;
use super::fields::{Field, Shape, brief, check_fields, is_unresolved};
use super::machine::{BRANCH, Checker, no_map};
use super::state::has;
use crate::finding::{Finding, below};

const P: Option<Language> = Some(Language::JsonPath);
const A: Option<Language> = Some(Language::Jsonata);

const READER: &[Field] = &[
    ("Resource", Shape::Text, None),
    ("ReaderConfig", Shape::Members, None),
    ("Parameters", Shape::Template, P),
    ("Arguments", Shape::Template, A),
    ("Comment", Shape::Text, None),
];
const WRITER: &[Field] = &[
    ("Resource", Shape::Text, None),
    ("WriterConfig", Shape::Members, None),
    ("Parameters", Shape::Template, P),
    ("Arguments", Shape::Template, A),
    ("Comment", Shape::Text, None),
];
const BATCHER: &[Field] = &[
    ("MaxItemsPerBatch", Shape::Whole(1, 99_999_999), None),
    ("MaxItemsPerBatchPath", Shape::Reference, P),
    ("MaxInputBytesPerBatch", Shape::Whole(1, 262_144), None),
    ("MaxInputBytesPerBatchPath", Shape::Reference, P),
    ("BatchInput", Shape::Template, None),
    ("Comment", Shape::Text, None),
];
const PROCESSOR: &[Field] = &[("Mode", Shape::Text, None), ("ExecutionType", Shape::Text, None)];

/// What only a distributed map has. Source: developer guide, "Using Map state in Distributed mode".
const DISTRIBUTED: [&str; 8] = [
    "ItemReader",
    "ItemBatcher",
    "ResultWriter",
    "Label",
    "ToleratedFailureCount",
    "ToleratedFailureCountPath",
    "ToleratedFailurePercentage",
    "ToleratedFailurePercentagePath",
];

/// Checks the branches of a Parallel state.
pub(super) fn check_parallel(checker: &mut Checker, state: &Map<String, Value>, path: &[String]) {
    checker.require(state, "Branches", path, "a Parallel state");
    for (index, branch) in state.get("Branches").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let here = below(&below(path, "Branches"), index);
        if let Some(branch) = branch.as_object() {
            checker.check_machine(branch, &here, BRANCH, "a branch");
        }
    }
}

/// Checks the processor of a Map state, and where its items come from and go to.
pub(super) fn check_map(checker: &mut Checker, state: &Map<String, Value>, path: &[String], language: Language) {
    if !has(state, "Iterator") {
        checker.require(state, "ItemProcessor", path, "a Map state");
    }
    let mut distributed = false;
    for key in ["ItemProcessor", "Iterator"] {
        let Some(processor) = state.get(key).and_then(Value::as_object) else { continue };
        let here = below(path, key);
        let mut fields = BRANCH.to_vec();
        if key == "ItemProcessor" {
            fields.push(("ProcessorConfig", Shape::Members, None));
            distributed = check_mode(checker, processor, &here);
        }
        checker.check_machine(processor, &here, &fields, "an item processor");
    }
    if !distributed {
        for key in DISTRIBUTED.into_iter().filter(|key| has(state, key)) {
            let finding = Finding::new(&below(path, key), format!("only a distributed map has `{key}`"));
            checker.report(finding.help("give `ItemProcessor` a `ProcessorConfig` with `Mode: DISTRIBUTED`"));
        }
    }
    check_items(checker, state, path);
    for (key, fields) in [("ItemReader", READER), ("ItemBatcher", BATCHER), ("ResultWriter", WRITER)] {
        let Some(members) = state.get(key).and_then(Value::as_object) else { continue };
        let here = below(path, key);
        check_fields(members, &here, fields, language, &format!("`{key}`"), checker.findings);
        check_holder(checker, key, members, &here);
    }
}

fn check_items(checker: &mut Checker, state: &Map<String, Value>, path: &[String]) {
    if let Some(items) = state.get("Items")
        && !(items.is_array() || items.is_object() || is_unresolved(items) || super::templates::is_expression(items))
    {
        let finding = Finding::new(&below(path, "Items"), format!("the items are a list, not {}", brief(items)));
        checker.report(finding.help("write an expression such as `{% $states.input.items %}`"));
    }
    // The label becomes part of the map run's ARN. Source: developer guide, "Map state fields".
    if let Some(label) = state.get("Label").and_then(Value::as_str)
        && (label.is_empty() || label.chars().count() > 40)
    {
        checker.report(Finding::new(&below(path, "Label"), "a label has 1 to 40 characters"));
    }
}

/// Checks what a reader, batcher or writer must have.
fn check_holder(checker: &mut Checker, key: &str, members: &Map<String, Value>, path: &[String]) {
    match key {
        "ItemReader" => checker.require(members, "Resource", path, "`ItemReader`"),
        "ResultWriter" if !has(members, "WriterConfig") => checker.require(members, "Resource", path, "`ResultWriter`"),
        "ItemBatcher" => {
            for limit in ["MaxItemsPerBatch", "MaxInputBytesPerBatch"] {
                let by_path = format!("{limit}Path");
                if has(members, limit) && has(members, &by_path) {
                    let message = format!("`{limit}` and `{by_path}` exclude each other");
                    checker.report(Finding::new(&below(path, by_path), message));
                }
            }
            if !members.keys().any(|key| key.starts_with("Max")) {
                let finding = Finding::new(path, "`ItemBatcher` says no batch's size");
                checker.report(finding.help("add `MaxItemsPerBatch` or `MaxInputBytesPerBatch`"));
            }
        }
        _ => {}
    }
}

/// Checks a processor's mode, and tells whether it is (or may be) distributed.
fn check_mode(checker: &mut Checker, processor: &Map<String, Value>, path: &[String]) -> bool {
    let Some(config) = processor.get("ProcessorConfig") else { return false };
    let here = below(path, "ProcessorConfig");
    let Some(members) = config.as_object() else {
        checker.report(no_map(config, &here, "`ProcessorConfig`"));
        return true;
    };
    check_fields(members, &here, PROCESSOR, Language::JsonPath, "`ProcessorConfig`", checker.findings);
    let mode = members.get("Mode").and_then(Value::as_str).unwrap_or("INLINE");
    let execution = members.get("ExecutionType");
    match mode {
        "INLINE" => {}
        "DISTRIBUTED" if execution.is_none() => {
            let finding = Finding::new(&here, "a distributed map needs `ExecutionType`");
            checker.report(finding.help("write `STANDARD` or `EXPRESS`"));
        }
        "DISTRIBUTED" => {}
        _ if mode.starts_with("${") => return true,
        other => {
            let finding = Finding::new(&below(&here, "Mode"), format!("`{other}` is no mode"));
            checker.report(finding.nearest_of(other, ["INLINE", "DISTRIBUTED"]));
            return true;
        }
    }
    if let Some(execution) = execution.and_then(Value::as_str)
        && !matches!(execution, "STANDARD" | "EXPRESS")
        && !execution.starts_with("${")
    {
        let finding = Finding::new(&below(&here, "ExecutionType"), format!("`{execution}` is no execution type"));
        checker.report(finding.nearest_of(execution, ["STANDARD", "EXPRESS"]));
    }
    mode == "DISTRIBUTED"
}
