//! What CloudFormation's last look for drift found.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudformation::types::{DifferenceType, PropertyDifference, StackResourceDrift, StackResourceDriftStatus};
use futures::future::try_join_all;
use serde_json::Value;

use super::folded::{Verdict, judge, parsed};
use super::{Deviations, Stack, bucket, called, is_read_here};
use crate::aws::{Aws, AwsError};
use crate::diff::Deviation;
use crate::kind::Unchecked;
use crate::template::Expected;

/// Reads what CloudFormation found, and which resources it could not look at.
///
/// All that it looked at is asked for, since a stack may be called in sync whose resources are not (#2283 of the coverage
/// roadmap), and since what is missing there was not looked at.
pub async fn read(
    aws: &Aws,
    stack: &Stack<'_>,
    expected: &BTreeMap<String, Expected>,
) -> Result<(Deviations, Vec<Unchecked>), AwsError> {
    let reports = reports(aws, stack.name).await?;
    let listed: BTreeSet<String> = reports.iter().filter_map(|report| report.logical_resource_id.clone()).collect();
    let mut unchecked: Vec<Unchecked> = expected
        .iter()
        .filter(|(name, resource)| !listed.contains(*name) && !is_read_here(&resource.type_name))
        .map(|(name, resource)| not_looked_at(name, &resource.type_name))
        .collect();
    unchecked.extend(reports.iter().filter_map(failed));
    let believed = reports.iter().filter(|report| !is_read_here(report.resource_type().unwrap_or_default()));
    let deviations = try_join_all(believed.map(|report| deviations(aws, stack, report))).await?;
    let named = deviations.into_iter().filter(|(_, found)| !found.is_empty());
    Ok((named.collect(), unchecked))
}

async fn reports(aws: &Aws, stack: &str) -> Result<Vec<StackResourceDrift>, AwsError> {
    let mut found = vec![];
    let mut next = None;
    loop {
        let request = aws.cloudformation().describe_stack_resource_drifts().stack_name(stack).set_next_token(next);
        let answer = aws.call("cloudformation:DescribeStackResourceDrifts", stack, request.send()).await?;
        found.extend(answer.stack_resource_drifts.unwrap_or_default());
        next = answer.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(found);
        }
    }
}

fn not_looked_at(name: &str, type_name: &str) -> Unchecked {
    let why = match type_name {
        "AWS::CloudFormation::Stack" => "CloudFormation does not look into nested stacks",
        _ => "CloudFormation cannot detect drift of this type",
    };
    Unchecked { part: called(name, type_name), why: why.to_owned(), failed: false }
}

fn failed(report: &StackResourceDrift) -> Option<Unchecked> {
    use StackResourceDriftStatus::{Deleted, InSync, Modified, NotChecked};
    let (name, type_name) = (report.logical_resource_id()?, report.resource_type().unwrap_or_default());
    match &report.stack_resource_drift_status {
        Some(Deleted | InSync | Modified) => None,
        _ if is_read_here(type_name) => None,
        Some(NotChecked) => Some(not_looked_at(name, type_name)),
        status => {
            let status = status.as_ref().map_or("no status", |status| status.as_str());
            let reason = report.drift_status_reason().unwrap_or("no reason is given");
            Some(Unchecked { part: called(name, type_name), why: format!("{status}: {reason}"), failed: true })
        }
    }
}

async fn deviations(aws: &Aws, stack: &Stack<'_>, report: &StackResourceDrift) -> Result<(String, Vec<Deviation>), AwsError> {
    let name = report.logical_resource_id().unwrap_or_default().to_owned();
    let type_name = report.resource_type().unwrap_or_default();
    match report.stack_resource_drift_status {
        Some(StackResourceDriftStatus::Deleted) => {
            let gone = Deviation { path: vec![], live: None, declared: Some(Value::from(type_name)) };
            return Ok((name, vec![gone]));
        }
        Some(StackResourceDriftStatus::Modified) => {}
        _ => return Ok((name, vec![])),
    }
    let side = |text: Option<&str>| serde_json::from_str::<Value>(text.unwrap_or_default()).unwrap_or_default();
    let (expected, actual) = (side(report.expected_properties()), side(report.actual_properties()));
    let mut found = vec![];
    for difference in report.property_differences() {
        let path = keys(difference.property_path().unwrap_or_default());
        let real = match judge(type_name, difference, &expected, &actual) {
            Verdict::None => false,
            Verdict::Real => true,
            Verdict::Doubtful => !bucket::has(aws, report.physical_resource_id().unwrap_or_default(), &path, &expected).await?,
        };
        if real {
            found.push(deviation(path, difference, is_hidden(stack, &name, difference)));
        }
    }
    Ok((name, found))
}

fn deviation(path: Vec<String>, difference: &PropertyDifference, hidden: bool) -> Deviation {
    let shown = |value: Option<&str>| match hidden {
        true => Value::from("(hidden)"),
        false => parsed(value.unwrap_or_default()),
    };
    let (live, declared) = (shown(difference.actual_value()), shown(difference.expected_value()));
    match difference.difference_type {
        Some(DifferenceType::Add) => Deviation { path, live: Some(live), declared: None },
        Some(DifferenceType::Remove) => Deviation { path, live: None, declared: Some(declared) },
        _ => Deviation { path, live: Some(live), declared: Some(declared) },
    }
}

/// The keys of a JSON pointer.
fn keys(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|key| key.replace("~1", "/").replace("~0", "~")).collect()
}

/// Whether the property is made of a parameter that CloudFormation hides.
fn is_hidden(stack: &Stack<'_>, name: &str, difference: &PropertyDifference) -> bool {
    let property = keys(difference.property_path().unwrap_or_default()).into_iter().next().unwrap_or_default();
    let resource = stack.template.get("Resources").and_then(|resources| resources.get(name));
    let node = resource.and_then(|resource| resource.get("Properties")?.get(&property)).map(Value::to_string);
    node.is_some_and(|text| stack.hidden.iter().any(|parameter| text.contains(parameter)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_come_apart() {
        assert_eq!(keys("/A/0/b~1c~0"), ["A", "0", "b/c~"]);
        assert!(keys("").is_empty());
    }
}
