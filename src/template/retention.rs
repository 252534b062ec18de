//! How long a bucket of a template keeps what lies in it.

use serde_json::Value;

use super::resolve::Resolver;
use super::{Context, scalar};

/// After how many days objects whose keys begin with `key` expire in a bucket, at the earliest, as far as the template
/// makes that bucket and says so.
#[must_use]
pub fn expires_after(template: &Value, context: &Context, bucket: &str, key: &str) -> Option<u32> {
    let resources = template.get("Resources").and_then(Value::as_object)?;
    let buckets = resources.values().filter(|resource| resource.get("Type").and_then(Value::as_str) == Some("AWS::S3::Bucket"));
    let rules = buckets.filter_map(|resource| {
        let properties = resource.get("Properties")?;
        let resolver = Resolver::offline(template, context);
        (resolver.text(properties.get("BucketName")?).ok()? == bucket).then_some(())?;
        resolver.value(properties.pointer("/LifecycleConfiguration/Rules")?).ok()?.as_array().cloned()
    });
    rules.flatten().filter_map(|rule| days(&rule, key)).min()
}

/// The days of a rule that holds for all objects below a key.
fn days(rule: &Value, key: &str) -> Option<u32> {
    let text = |name: &str| rule.get(name).and_then(scalar);
    let some_only = ["TagFilters", "ObjectSizeGreaterThan", "ObjectSizeLessThan"].iter().any(|name| rule.get(*name).is_some());
    let holds = text("Status").as_deref() == Some("Enabled") && key.starts_with(&text("Prefix").unwrap_or_default());
    (holds && !some_only).then(|| text("ExpirationInDays")?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn the_shortest_rule_that_holds_decides() {
        let rule = |prefix: &str, days: Value| json!({ "Status": "Enabled", "Prefix": prefix, "ExpirationInDays": days });
        let template = json!({
            "Parameters": { "Days": { "Type": "Number", "Default": 30 } },
            "Resources": { "Data": { "Type": "AWS::S3::Bucket", "Properties": {
                "BucketName": { "Fn::Sub": "data-${AWS::AccountId}" },
                "LifecycleConfiguration": { "Rules": [
                    rule("capture/", json!({ "Ref": "Days" })),
                    rule("capture/other/", json!(2)),
                    { "Status": "Disabled", "ExpirationInDays": 1 },
                    { "Status": "Enabled", "ExpirationInDays": 3, "TagFilters": [{ "Key": "a", "Value": "b" }] },
                    { "Status": "Enabled", "NoncurrentVersionExpiration": { "NoncurrentDays": 1 } },
                ] },
            } } },
        });
        let expires = |days: Option<&str>, bucket: &str, key: &str| {
            let parameters: BTreeMap<String, String> =
                days.map(|days| ("Days".to_owned(), days.to_owned())).into_iter().collect();
            let context = Context {
                stack_name: "s",
                account: "123456789012",
                region: "us-east-1",
                partition: "aws",
                parameters: &parameters,
            };
            expires_after(&template, &context, bucket, key)
        };
        assert_eq!(expires(None, "data-123456789012", "capture/net/"), Some(30));
        assert_eq!(expires(Some("5"), "data-123456789012", "capture/net/"), Some(5));
        assert_eq!(expires(Some("5"), "data-123456789012", "capture/other/net/"), Some(2));
        assert_eq!(expires(None, "data-123456789012", "models/"), None);
        assert_eq!(expires(None, "other", "capture/"), None);
    }
}
