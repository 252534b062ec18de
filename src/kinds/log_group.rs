//! CloudWatch log groups, each a part of the function or state machine that writes to it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_cloudwatchlogs::types::{DataProtectionStatus, LogGroup as Found, LogGroupClass};
use futures::future::try_join_all;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::aws::{Aws, AwsError, Optional};
use crate::kind::Tags;
use crate::kind::answer::{Answer, compared, folded, ignored, why};

/// The retentions that CloudWatch Logs takes, in days.
///
/// Source: PutRetentionPolicy in the CloudWatch Logs API reference.
const RETENTIONS: [i32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// A log group as a part of the state of what writes to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogGroup {
    /// In days; 0 keeps for ever.
    pub retention: i32,
    /// The key that encrypts it, if it is not CloudWatch's own.
    #[serde(default)]
    pub kms_key: Option<String>,
    /// Whether deleting it is refused.
    #[serde(default)]
    pub deletion_protection: bool,
    /// The class, if it is not STANDARD: others keep less, and show less.
    #[serde(default)]
    pub class: Option<String>,
    /// Whether a policy masks parts of what is logged.
    #[serde(default)]
    pub data_protection: bool,
    /// Whether whoever has a token may write to it.
    #[serde(default)]
    pub bearer_tokens: bool,
}

/// The requests with which a log group is made what it should be.
pub const CHANGES: &[&str] = &[
    "logs:CreateLogGroup",
    "logs:PutRetentionPolicy",
    "logs:DeleteRetentionPolicy",
    "logs:TagResource",
    "logs:DisassociateKmsKey",
    "logs:PutLogGroupDeletionProtection",
    "logs:DeleteDataProtectionPolicy",
    "logs:PutBearerTokenAuthentication",
];

/// What becomes of each member that CloudWatch Logs answers.
pub const ANSWER: Answer = Answer {
    operation: "logs:DescribeLogGroups",
    members: &[
        ignored("logGroups.logGroupName", why::ASKED),
        ignored("logGroups.creationTime", why::MADE),
        folded("logGroups.retentionInDays", "log_group.retention", "0", "without a policy logs are kept for ever"),
        ignored("logGroups.metricFilterCount", "filters belong to whoever made them, such as a stack"),
        ignored("logGroups.arn", why::FOLLOWS),
        ignored("logGroups.storedBytes", why::MOVES),
        compared("logGroups.kmsKeyId", "log_group.kms_key"),
        folded(
            "logGroups.dataProtectionStatus",
            "log_group.data_protection",
            "DISABLED",
            "DELETED and ARCHIVED say the same: no policy holds",
        ),
        ignored("logGroups.inheritedProperties", "the account's settings hold for all its log groups"),
        folded("logGroups.logGroupClass", "log_group.class", "STANDARD", why::DEFAULT),
        ignored("logGroups.logGroupArn", why::FOLLOWS),
        folded("logGroups.deletionProtectionEnabled", "log_group.deletion_protection", "false", why::DEFAULT),
        folded("logGroups.bearerTokenAuthenticationEnabled", "log_group.bearer_tokens", "false", why::DEFAULT),
        ignored("logGroups.retentionPolicyName", "the retention that holds is compared, whoever set it"),
        ignored("nextToken", why::PAGE),
    ],
};

impl LogGroup {
    /// A log group as scones makes one.
    pub fn keeping(retention: i32) -> Self {
        Self { retention, ..Self::default() }
    }
}

/// How long logs are kept, in days; 0 keeps for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i32")]
pub struct Retention(pub i32);

impl Default for Retention {
    fn default() -> Self {
        Self(30)
    }
}

impl TryFrom<i32> for Retention {
    type Error = String;

    fn try_from(days: i32) -> Result<Self, String> {
        if days == 0 || RETENTIONS.contains(&days) {
            return Ok(Self(days));
        }
        let known: Vec<String> = RETENTIONS.iter().map(ToString::to_string).collect();
        Err(format!("logs cannot be kept for {days} days: write one of {}, or 0 to keep them for ever", known.join(", ")))
    }
}

impl JsonSchema for Retention {
    fn schema_name() -> Cow<'static, str> {
        "Retention".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let allowed: Vec<i32> = [0].into_iter().chain(RETENTIONS).collect();
        json_schema!({
            "type": "integer",
            "enum": allowed,
            "description": "Days that logs are kept; 0 keeps them for ever.",
        })
    }
}

/// Reads log groups by name; what does not exist is left out.
///
/// One request for all names that start as the environment's names do, however many (50 to a page), and one for each
/// other name. DescribeLogGroups knows no list of names, only one prefix.
///
/// # Errors
/// What CloudWatch Logs answers.
pub async fn read(aws: &Aws, names: &[String]) -> Result<BTreeMap<String, LogGroup>, AwsError> {
    let prefixes: BTreeSet<&str> = names.iter().map(|name| common_prefix(name, &aws.world.prefix())).collect();
    let found = try_join_all(prefixes.into_iter().map(|prefix| {
        // A prefix that stands for one name is that name.
        let mut below = names.iter().filter(|name| name.starts_with(prefix));
        let prefix = below.next().filter(|_| below.next().is_none()).map_or(prefix, String::as_str);
        read_below(aws, prefix)
    }));
    let wanted: BTreeSet<&String> = names.iter().collect();
    Ok(found.await?.into_iter().flatten().filter(|(name, _)| wanted.contains(name)).collect())
}

/// `/aws/lambda/<app>-<environment>-` of `/aws/lambda/<app>-<environment>-x`; a name of another form is its own prefix.
fn common_prefix<'a>(name: &'a str, environment: &str) -> &'a str {
    let folder = name.rfind('/').map_or(0, |slash| slash + 1);
    match name.get(folder..) {
        Some(rest) if rest.starts_with(environment) => name.get(..folder + environment.len()).unwrap_or(name),
        _ => name,
    }
}

async fn read_below(aws: &Aws, prefix: &str) -> Result<BTreeMap<String, LogGroup>, AwsError> {
    let mut found = BTreeMap::new();
    let mut next = None;
    loop {
        let request = aws.logs().describe_log_groups().log_group_name_prefix(prefix).limit(50).set_next_token(next);
        let answer = aws.call("logs:DescribeLogGroups", prefix, request.send()).await?;
        for group in answer.log_groups.unwrap_or_default() {
            let name = group.log_group_name.clone().unwrap_or_default();
            found.insert(name, live(group));
        }
        next = answer.next_token;
        if next.is_none() {
            return Ok(found);
        }
    }
}

/// Folds what CloudWatch Logs leaves out to what it means.
fn live(group: Found) -> LogGroup {
    LogGroup {
        retention: group.retention_in_days.unwrap_or(0),
        kms_key: group.kms_key_id,
        deletion_protection: group.deletion_protection_enabled.unwrap_or(false),
        class: group.log_group_class.filter(|class| *class != LogGroupClass::Standard).map(|class| class.as_str().to_owned()),
        data_protection: group.data_protection_status == Some(DataProtectionStatus::Activated),
        bearer_tokens: group.bearer_token_authentication_enabled.unwrap_or(false),
    }
}

/// Makes a log group what scones wants of it, whether it exists or not, and tags it. Safe to repeat.
///
/// # Errors
/// What CloudWatch Logs answers.
pub async fn ensure(aws: &Aws, name: &str, retention_days: i32, tags: &Tags) -> Result<(), AwsError> {
    let tags: HashMap<String, String> = tags.clone().into_iter().collect();
    let live = match read_below(aws, name).await?.remove(name) {
        Some(live) => live,
        None => {
            let request = || {
                let request = aws.logs().create_log_group().log_group_name(name).set_tags(Some(tags.clone()));
                aws.call("logs:CreateLogGroup", name, request.send())
            };
            match aws.patiently(request).await {
                Ok(_) => return set_retention(aws, name, retention_days).await,
                // What writes to it was quicker, and left all to the defaults.
                Err(error) if error.code == "ResourceAlreadyExistsException" => LogGroup::default(),
                Err(error) => return Err(error),
            }
        }
    };
    let arn = aws.world.arn("logs", &format!("log-group:{name}"));
    let request = aws.logs().tag_resource().resource_arn(&arn).set_tags(Some(tags));
    aws.call("logs:TagResource", &arn, request.send()).await?;
    if live.retention != retention_days {
        set_retention(aws, name, retention_days).await?;
    }
    if live.kms_key.is_some() {
        let request = || {
            let request = aws.logs().disassociate_kms_key().log_group_name(name);
            aws.call("logs:DisassociateKmsKey", name, request.send())
        };
        aws.patiently(request).await?;
    }
    if live.deletion_protection {
        let request =
            aws.logs().put_log_group_deletion_protection().log_group_identifier(name).deletion_protection_enabled(false);
        aws.call("logs:PutLogGroupDeletionProtection", name, request.send()).await?;
    }
    if live.data_protection {
        let request = aws.logs().delete_data_protection_policy().log_group_identifier(name);
        aws.call("logs:DeleteDataProtectionPolicy", name, request.send()).await?;
    }
    if live.bearer_tokens {
        let request =
            aws.logs().put_bearer_token_authentication().log_group_identifier(name).bearer_token_authentication_enabled(false);
        aws.call("logs:PutBearerTokenAuthentication", name, request.send()).await?;
    }
    match live.class {
        Some(class) => Err(AwsError::unexpected("logs:CreateLogGroup", name, stays(&class))),
        None => Ok(()),
    }
}

/// The class is fixed with the log group, and deleting that would lose logs which somebody may want.
fn stays(class: &str) -> String {
    format!("its class is {class}, which nobody can change: save what you need of its logs, delete it, then apply again")
}

async fn set_retention(aws: &Aws, name: &str, days: i32) -> Result<(), AwsError> {
    if days == 0 {
        // A group without a policy takes this as well.
        let request = || {
            let request = aws.logs().delete_retention_policy().log_group_name(name);
            aws.call("logs:DeleteRetentionPolicy", name, request.send())
        };
        return aws.patiently(request).await.map(drop);
    }
    let request = || {
        let request = aws.logs().put_retention_policy().log_group_name(name).retention_in_days(days);
        aws.call("logs:PutRetentionPolicy", name, request.send())
    };
    aws.patiently(request).await.map(drop)
}

/// Deletes a log group with all its logs; one that is gone already is no error.
///
/// # Errors
/// What CloudWatch Logs answers.
pub async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
    let request = || aws.call("logs:DeleteLogGroup", name, aws.logs().delete_log_group().log_group_name(name).send());
    aws.patiently(request).await.optional().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_an_environment_share_one_request() {
        assert_eq!(common_prefix("/aws/lambda/scones-dev-x", "scones-dev-"), "/aws/lambda/scones-dev-");
        assert_eq!(common_prefix("/aws/lambda/other", "scones-dev-"), "/aws/lambda/other");
        assert_eq!(common_prefix("scones-dev-x", "scones-dev-"), "scones-dev-");
    }

    #[test]
    fn what_the_service_leaves_out_is_its_default() {
        let echoed =
            Found::builder().log_group_class(LogGroupClass::Standard).data_protection_status(DataProtectionStatus::Deleted);
        assert_eq!(live(Found::builder().build()), LogGroup::keeping(0));
        assert_eq!(live(echoed.deletion_protection_enabled(false).build()), LogGroup::keeping(0));
    }

    #[test]
    fn what_no_spec_can_say_shows() {
        let found = Found::builder().log_group_class(LogGroupClass::InfrequentAccess).bearer_token_authentication_enabled(true);
        let state = live(found.data_protection_status(DataProtectionStatus::Activated).build());
        assert_eq!((state.class.as_deref(), state.data_protection, state.bearer_tokens), (Some("INFREQUENT_ACCESS"), true, true));
    }

    #[test]
    fn retention_is_one_that_the_service_takes() {
        assert!(Retention::try_from(0).is_ok() && Retention::try_from(30).is_ok());
        assert!(Retention::try_from(31).is_err_and(|message| message.contains("14, 30, 60")));
    }
}
