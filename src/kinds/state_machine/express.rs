//! What express workflows cannot do.

use serde_json::Value;

use crate::finding::Finding;

/// Finds what only standard workflows may do: waiting for a job or for a callback, activities, and distributed maps.
///
/// Source: the Step Functions developer guide, "Choosing workflow type".
pub fn check(definition: &Value) -> Vec<Finding> {
    let mut findings = vec![];
    search(definition, &mut vec![], &mut findings);
    findings
}

fn search(value: &Value, path: &mut Vec<String>, findings: &mut Vec<Finding>) {
    const HELP: &str = "leave `type` at STANDARD, or wait for it in another way";
    let mut found = |key: &str, message: String, path: &[String]| {
        findings.push(Finding::new(&[path, &[key.to_owned()]].concat(), message).help(HELP));
    };
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    match (text("Type"), text("Resource")) {
        (Some("Task"), Some(resource)) => {
            let pattern = resource.split(':').skip(5).find(|part| part.contains('.')).and_then(|part| part.rsplit('.').next());
            if let Some(pattern @ ("sync" | "waitForTaskToken")) = pattern {
                found("Resource", format!("express workflows cannot wait for `.{pattern}`"), path);
            } else if resource.contains(":activity:") {
                found("Resource", "express workflows have no activities".to_owned(), path);
            }
        }
        (Some("Map"), _) => {
            let config = value.get("ItemProcessor").and_then(|processor| processor.get("ProcessorConfig"));
            if config.and_then(|config| config.get("Mode")).and_then(Value::as_str) == Some("DISTRIBUTED") {
                found("ItemProcessor", "express workflows have no distributed maps".to_owned(), path);
            }
        }
        _ => {}
    }
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, child)| (key.clone(), child)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, child)| (index.to_string(), child)).collect(),
        _ => return,
    };
    for (key, child) in children {
        path.push(key);
        search(child, path, findings);
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn express_workflows_wait_for_nobody() {
        let task = |resource: &str| json!({ "States": { "A": { "Type": "Task", "Resource": resource } } });
        let found = |definition: &Value| check(definition).into_iter().map(|finding| finding.path.join(".")).collect::<Vec<_>>();
        assert_eq!(found(&task("arn:aws:states:::sagemaker:createTrainingJob.sync")), ["States.A.Resource"]);
        assert_eq!(found(&task("arn:aws:states:::states:startExecution.sync:2")), ["States.A.Resource"]);
        assert_eq!(found(&task("arn:aws:states:::sqs:sendMessage.waitForTaskToken")), ["States.A.Resource"]);
        assert_eq!(found(&task("arn:aws:states:eu-west-1:123456789012:activity:x")), ["States.A.Resource"]);
        assert!(found(&task("arn:aws:states:::lambda:invoke")).is_empty());
        let map =
            json!({ "States": { "M": { "Type": "Map", "ItemProcessor": { "ProcessorConfig": { "Mode": "DISTRIBUTED" } } } } });
        assert_eq!(found(&map), ["States.M.ItemProcessor"]);
    }
}
