//! What CloudFormation needs to make, change and delete a template's resources: it acts with the permissions of whoever
//! deploys.
//!
//! Source: `handlers` of the published resource schemas, as of November 2026, without what they name that is no action of
//! IAM's, and without what belongs to properties that the template does not set.

use serde_json::Value;

use super::Context;
use super::resolve::Resolver;

/// What one resource of a template takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// IAM's actions on ARNs.
    Actions { type_name: &'static str, on: Vec<String>, reads: Vec<&'static str>, writes: Vec<&'static str> },
    /// A role that is handed to a service.
    PassRole { role: String, service: &'static str },
    /// It is not known here what this type, or this property of it, takes.
    Unknown { logical_id: String, what: String },
}

/// The actions of a resource type.
struct Type {
    name: &'static str,
    /// Those that reading it takes, whatever the template sets.
    reads: &'static [&'static str],
    writes: &'static [&'static str],
    /// Those that writing takes besides for some properties.
    properties: &'static [(&'static str, &'static [&'static str])],
    /// Properties of which it is not known what they take.
    unknown: &'static [&'static str],
}

const TYPES: &[Type] = &[
    Type {
        name: "AWS::S3::Bucket",
        reads: &[
            "s3:GetAccelerateConfiguration",
            "s3:GetAnalyticsConfiguration",
            "s3:GetBucketCORS",
            "s3:GetBucketLogging",
            "s3:GetBucketNotification",
            "s3:GetBucketObjectLockConfiguration",
            "s3:GetBucketOwnershipControls",
            "s3:GetBucketPublicAccessBlock",
            "s3:GetBucketTagging",
            "s3:GetBucketVersioning",
            "s3:GetBucketWebsite",
            "s3:GetEncryptionConfiguration",
            "s3:GetIntelligentTieringConfiguration",
            "s3:GetInventoryConfiguration",
            "s3:GetLifecycleConfiguration",
            "s3:GetMetricsConfiguration",
            "s3:GetReplicationConfiguration",
            "s3:ListBucket",
            "s3:ListTagsForResource",
        ],
        // Whatever takes tags has the stack's.
        writes: &["s3:CreateBucket", "s3:DeleteBucket", "s3:PutBucketTagging", "s3:TagResource", "s3:UntagResource"],
        properties: &[
            ("AccelerateConfiguration", &["s3:PutAccelerateConfiguration"]),
            ("AccessControl", &["s3:GetBucketAcl", "s3:PutBucketAcl"]),
            ("AnalyticsConfigurations", &["s3:PutAnalyticsConfiguration"]),
            ("BucketEncryption", &["s3:PutEncryptionConfiguration"]),
            ("CorsConfiguration", &["s3:PutBucketCORS"]),
            ("IntelligentTieringConfigurations", &["s3:PutIntelligentTieringConfiguration"]),
            ("InventoryConfigurations", &["s3:PutInventoryConfiguration"]),
            ("LifecycleConfiguration", &["s3:PutLifecycleConfiguration"]),
            ("LoggingConfiguration", &["s3:PutBucketLogging"]),
            ("MetricsConfigurations", &["s3:PutMetricsConfiguration"]),
            ("NotificationConfiguration", &["s3:PutBucketNotification"]),
            ("ObjectLockConfiguration", &["s3:PutBucketObjectLockConfiguration"]),
            ("ObjectLockEnabled", &["s3:PutBucketObjectLockConfiguration"]),
            ("OwnershipControls", &["s3:PutBucketOwnershipControls"]),
            ("PublicAccessBlockConfiguration", &["s3:PutBucketPublicAccessBlock"]),
            ("VersioningConfiguration", &["s3:PutBucketVersioning"]),
            ("WebsiteConfiguration", &["s3:DeleteBucketWebsite", "s3:PutBucketWebsite"]),
        ],
        unknown: &["AbacStatus", "MetadataConfiguration", "MetadataTableConfiguration", "ReplicationConfiguration"],
    },
    Type {
        name: "AWS::S3::BucketPolicy",
        reads: &["s3:GetBucketPolicy"],
        writes: &["s3:DeleteBucketPolicy", "s3:PutBucketPolicy"],
        properties: &[],
        unknown: &[],
    },
    Type {
        name: "AWS::SNS::Topic",
        reads: &[
            "sns:GetDataProtectionPolicy",
            "sns:GetTopicAttributes",
            "sns:ListSubscriptionsByTopic",
            "sns:ListTagsForResource",
        ],
        writes: &["sns:CreateTopic", "sns:DeleteTopic", "sns:SetTopicAttributes", "sns:TagResource", "sns:UntagResource"],
        properties: &[
            ("DataProtectionPolicy", &["sns:PutDataProtectionPolicy"]),
            ("Subscription", &["sns:Subscribe", "sns:Unsubscribe"]),
        ],
        unknown: &["DeliveryStatusLogging"],
    },
    Type { name: "AWS::SNS::TopicPolicy", reads: &[], writes: &["sns:SetTopicAttributes"], properties: &[], unknown: &[] },
    Type {
        name: "AWS::SNS::Subscription",
        reads: &["sns:GetSubscriptionAttributes"],
        writes: &["sns:SetSubscriptionAttributes", "sns:Subscribe", "sns:Unsubscribe"],
        properties: &[],
        unknown: &["SubscriptionRoleArn"],
    },
    Type {
        name: "AWS::Scheduler::ScheduleGroup",
        reads: &["scheduler:GetScheduleGroup", "scheduler:ListTagsForResource"],
        writes: &[
            "scheduler:CreateScheduleGroup",
            "scheduler:DeleteScheduleGroup",
            "scheduler:TagResource",
            "scheduler:UntagResource",
        ],
        properties: &[],
        unknown: &[],
    },
    Type {
        name: "AWS::Scheduler::Schedule",
        reads: &["scheduler:GetSchedule"],
        writes: &["scheduler:CreateSchedule", "scheduler:DeleteSchedule", "scheduler:UpdateSchedule"],
        properties: &[],
        unknown: &[],
    },
];

/// Returns what a template takes of whoever deploys it; what a condition surely leaves out takes nothing.
#[must_use]
pub fn requirements(template: &Value, context: &Context) -> Vec<Requirement> {
    let mut found = vec![];
    if template.get("Transform").is_some() {
        found.push(Requirement::Unknown { logical_id: "Transform".to_owned(), what: "what its macros make".to_owned() });
    }
    for (logical_id, resource) in template.get("Resources").and_then(Value::as_object).into_iter().flatten() {
        let resolver = Resolver::offline(template, context);
        let condition = resource.get("Condition").and_then(Value::as_str);
        if condition.is_some_and(|name| resolver.named_condition(name) == Ok(false)) {
            continue;
        }
        let type_name = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
        let unknown = |what: String| Requirement::Unknown { logical_id: logical_id.clone(), what };
        let Some(known) = TYPES.iter().find(|one| one.name == type_name) else {
            found.push(unknown(type_name.to_owned()));
            continue;
        };
        let properties = resource.get("Properties");
        let set = |property: &str| properties.and_then(|properties| properties.get(property));
        found.extend(known.unknown.iter().filter(|name| set(name).is_some()).map(|name| unknown(format!("{type_name} {name}"))));
        let more = known.properties.iter().filter(|(name, _)| set(name).is_some()).flat_map(|(_, actions)| actions.iter());
        let writes = known.writes.iter().chain(more).copied().collect();
        let place = Place { resolver: &resolver, context, logical_id, resource };
        let on = place.arns(known.name);
        if type_name == "AWS::Scheduler::ScheduleGroup" {
            // Its schedules go with it.
            let on = on.iter().map(|group| format!("{}/*", group.replacen(":schedule-group/", ":schedule/", 1))).collect();
            let writes = vec!["scheduler:DeleteSchedule"];
            found.push(Requirement::Actions { type_name: known.name, on, reads: vec![], writes });
        }
        found.push(Requirement::Actions { type_name: known.name, on, reads: known.reads.to_vec(), writes });
        if let Some(role) =
            set("Target").and_then(|target| target.get("RoleArn")).filter(|_| type_name == "AWS::Scheduler::Schedule")
        {
            let role =
                resolver.text(role).unwrap_or_else(|_| format!("arn:{}:iam::{}:role/*", context.partition, context.account));
            found.push(Requirement::PassRole { role, service: "scheduler" });
        }
    }
    found
}

/// Where a resource is found, as far as that is known.
struct Place<'a> {
    resolver: &'a Resolver<'a>,
    context: &'a Context<'a>,
    logical_id: &'a str,
    resource: &'a Value,
}

impl Place<'_> {
    fn arns(&self, type_name: &str) -> Vec<String> {
        let Context { account, region, partition, .. } = *self.context;
        let property = |name: &str| self.resource.get("Properties").and_then(|properties| properties.get(name));
        let text = |name: &str| property(name).and_then(|value| self.resolver.text(value).ok());
        let topics = || vec![format!("arn:{partition}:sns:{region}:{account}:{}-*", self.context.stack_name)];
        match type_name {
            "AWS::S3::BucketPolicy" => {
                vec![text("Bucket").map_or_else(|| self.unnamed_bucket(), |name| format!("arn:{partition}:s3:::{name}"))]
            }
            "AWS::SNS::TopicPolicy" => {
                let known = property("Topics").and_then(|topics| self.resolver.value(topics).ok());
                let known = known.as_ref().and_then(Value::as_array).into_iter().flatten();
                let known: Vec<String> = known.filter_map(Value::as_str).map(str::to_owned).collect();
                if known.is_empty() { topics() } else { known }
            }
            // Of a subscription IAM asks on its topic, or, to end it, on the subscription, whose ARN begins with that.
            "AWS::SNS::Subscription" => {
                let topics = text("TopicArn").map_or_else(topics, |topic| vec![topic]);
                topics.into_iter().flat_map(|topic| [format!("{topic}:*"), topic]).collect()
            }
            "AWS::Scheduler::ScheduleGroup" => {
                let name = text("Name").unwrap_or_else(|| format!("{}-*", self.context.stack_name));
                vec![format!("arn:{partition}:scheduler:{region}:{account}:schedule-group/{name}")]
            }
            "AWS::Scheduler::Schedule" => {
                let group = property("GroupName").map_or(Some("default".to_owned()), |value| self.resolver.text(value).ok());
                let name = text("Name").unwrap_or_else(|| format!("{}-*", self.context.stack_name));
                let group = group.unwrap_or_else(|| "*".to_owned());
                vec![format!("arn:{partition}:scheduler:{region}:{account}:schedule/{group}/{name}")]
            }
            _ => {
                let named = self.resolver.named(self.logical_id, self.resource, |named| named.arn(self.context));
                match (named, type_name) {
                    (Ok(arn), _) => vec![arn],
                    (Err(_), "AWS::S3::Bucket") => vec![self.unnamed_bucket()],
                    (Err(_), _) => topics(),
                }
            }
        }
    }

    /// CloudFormation names a bucket by its stack, in lower case and cut short to leave room for the rest.
    fn unnamed_bucket(&self) -> String {
        let start: String = self.context.stack_name.to_lowercase().chars().take(24).collect();
        format!("arn:{}:s3:::{start}*", self.context.partition)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn of(template: Value) -> Vec<Requirement> {
        let parameters = BTreeMap::from([("Role".to_owned(), "arn:aws:iam::123456789012:role/r".to_owned())]);
        let context = Context {
            stack_name: "App-Dev-Base-And-Something-Long",
            account: "123456789012",
            region: "us-east-1",
            partition: "aws",
            parameters: &parameters,
        };
        requirements(&template, &context)
    }

    fn resources(resources: Value) -> Vec<Requirement> {
        of(json!({
            "Parameters": { "Role": { "Type": "String" }, "Late": { "Type": "String" } },
            "Conditions": { "Never": { "Fn::Equals": ["a", "b"] } },
            "Resources": resources,
        }))
    }

    fn places(requirement: &Requirement) -> &[String] {
        match requirement {
            Requirement::Actions { on, .. } => on,
            _ => &[],
        }
    }

    #[test]
    fn properties_that_are_set_take_their_actions() {
        let found = resources(json!({ "Data": { "Type": "AWS::S3::Bucket", "Properties": {
            "BucketName": { "Fn::Sub": "data-${AWS::AccountId}" }, "VersioningConfiguration": { "Status": "Enabled" },
        } } }));
        let [Requirement::Actions { on, reads, writes, .. }] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(on, &["arn:aws:s3:::data-123456789012"]);
        assert!(writes.contains(&"s3:CreateBucket") && writes.contains(&"s3:PutBucketVersioning"));
        assert!(!writes.contains(&"s3:PutEncryptionConfiguration") && reads.contains(&"s3:GetEncryptionConfiguration"));
    }

    #[test]
    fn what_the_template_does_not_name_is_a_pattern() {
        let found = resources(json!({
            "Data": { "Type": "AWS::S3::Bucket" },
            "Policy": { "Type": "AWS::S3::BucketPolicy", "Properties": { "Bucket": { "Ref": "Data" } } },
            "Topic": { "Type": "AWS::SNS::Topic" },
            "Mail": { "Type": "AWS::SNS::Subscription", "Properties": { "TopicArn": { "Ref": "Topic" } } },
            "Group": { "Type": "AWS::Scheduler::ScheduleGroup", "Properties": { "Name": { "Ref": "Late" } } },
        }));
        let topics = "arn:aws:sns:us-east-1:123456789012:App-Dev-Base-And-Something-Long-*";
        let bucket = "arn:aws:s3:::app-dev-base-and-somethi*";
        let found: Vec<&[String]> = found.iter().map(places).collect();
        assert_eq!(found[..3], [&[bucket.to_owned()][..], &[bucket.to_owned()], &[topics.to_owned()]]);
        assert_eq!(found[3], [format!("{topics}:*"), topics.to_owned()]);
        let groups = "schedule-group/App-Dev-Base-And-Something-Long-*";
        assert_eq!(found[5], [format!("arn:aws:scheduler:us-east-1:123456789012:{groups}")]);
    }

    #[test]
    fn a_schedule_passes_its_role() {
        let schedule = |role: Value| {
            let properties = json!({ "Name": "n", "GroupName": "g", "Target": { "RoleArn": role } });
            resources(json!({ "Tick": { "Type": "AWS::Scheduler::Schedule", "Properties": properties } }))
        };
        let pass = |role: &str| Requirement::PassRole { role: role.to_owned(), service: "scheduler" };
        let found = schedule(json!({ "Ref": "Role" }));
        assert_eq!(places(&found[0]), ["arn:aws:scheduler:us-east-1:123456789012:schedule/g/n"]);
        assert_eq!(found[1], pass("arn:aws:iam::123456789012:role/r"));
        assert_eq!(schedule(json!({ "Ref": "Late" }))[1], pass("arn:aws:iam::123456789012:role/*"));
    }

    #[test]
    fn what_is_not_known_is_said_and_what_is_not_made_is_not() {
        let found = resources(json!({
            "Queue": { "Type": "AWS::SQS::Queue" },
            "Data": { "Type": "AWS::S3::Bucket", "Properties": { "BucketName": "b", "ReplicationConfiguration": {} } },
            "Never": { "Type": "AWS::SQS::Queue", "Condition": "Never" },
        }));
        let unknown: Vec<(&str, &str)> = found
            .iter()
            .filter_map(|one| match one {
                Requirement::Unknown { logical_id, what } => Some((logical_id.as_str(), what.as_str())),
                _ => None,
            })
            .collect();
        assert_eq!(unknown, [("Queue", "AWS::SQS::Queue"), ("Data", "AWS::S3::Bucket ReplicationConfiguration")]);
        let macros = of(json!({ "Transform": "AWS::Serverless-2016-10-31", "Resources": {} }));
        assert!(matches!(macros.as_slice(), [Requirement::Unknown { .. }]), "{macros:?}");
    }
}
