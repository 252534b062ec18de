//! Policies of topics, and subscriptions that nobody declared.

use std::collections::BTreeMap;

use aws_sdk_sns::types::Subscription;
use futures::future::try_join_all;
use serde_json::{Value, json};

use super::{Found, Read, Remedy, elsewhere, may_have};
use crate::aws::{Aws, AwsError, Optional};
use crate::diff::Deviation;
use crate::policy;
use crate::template::Expected;

/// What gives policies to topics, and the property that names them. CloudFormation looks at the second itself.
const GIVERS: [(&str, &str); 2] = [("AWS::SNS::TopicPolicy", "Topics"), ("AWS::SNS::TopicInlinePolicy", "TopicArn")];
const ATTRIBUTES: &str = "sns:GetTopicAttributes";

/// Compares a declared policy with those of its topics, whichever stack holds them.
pub async fn declared_policy(aws: &Aws, part: &str, properties: &Value) -> Result<Read, AwsError> {
    let document = properties.get("PolicyDocument").cloned().unwrap_or_default();
    let topics: Vec<&str> =
        properties.get("Topics").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let lives = try_join_all(topics.iter().map(|topic| policy(aws, topic))).await?;
    let differing =
        topics.iter().zip(lives).filter(|(_, live)| !live.as_ref().is_some_and(|live| policy::equivalent(live, &document)));
    let found = differing.map(|(topic, live)| {
        let of_one = (topics.len() > 1).then(|| topic.rsplit(':').next().unwrap_or_default().to_owned());
        let path = [Some("PolicyDocument".to_owned()), of_one].into_iter().flatten().collect();
        found_policy(part, path, topic, live, document.clone())
    });
    Ok(Read { found: found.collect(), unchecked: vec![] })
}

/// Finds what nobody declared of a topic: a policy that no stack of the environment gives it, and subscriptions.
pub async fn undeclared(aws: &Aws, part: &str, topic: &str, all: &BTreeMap<String, Expected>) -> Result<Read, AwsError> {
    let (policy, subscriptions) =
        futures::try_join!(undeclared_policy(aws, part, topic, all), subscriptions(aws, part, topic, all))?;
    Ok(Read { found: policy.into_iter().chain(subscriptions).collect(), unchecked: vec![] })
}

async fn undeclared_policy(
    aws: &Aws,
    part: &str,
    topic: &str,
    all: &BTreeMap<String, Expected>,
) -> Result<Option<Found>, AwsError> {
    let names = |property: &str, properties: &Value| match properties.get(property) {
        Some(Value::Array(all)) => all.iter().any(|one| one == topic),
        one => one.is_some_and(|one| one == topic),
    };
    if GIVERS.iter().any(|(giver, property)| may_have(all, giver, |properties| names(property, properties))) {
        return Ok(None);
    }
    let default = default(topic, &aws.world.account);
    let Some(live) = policy(aws, topic).await?.filter(|live| !is_default(live, &default)) else { return Ok(None) };
    for (giver, property) in GIVERS {
        if elsewhere::is_given(aws, giver, property, topic).await? {
            return Ok(None);
        }
    }
    Ok(Some(found_policy(part, vec!["TopicPolicy".to_owned()], topic, Some(live), default)))
}

fn found_policy(part: &str, path: Vec<String>, topic: &str, live: Option<Value>, document: Value) -> Found {
    let deviation = Deviation { path, live: live.as_ref().map(policy::normalize), declared: Some(policy::normalize(&document)) };
    let remedy = Remedy::TopicPolicy { topic: topic.to_owned(), document };
    Found { part: part.to_owned(), deviation, remedy }
}

async fn policy(aws: &Aws, topic: &str) -> Result<Option<Value>, AwsError> {
    let request = aws.sns().get_topic_attributes().topic_arn(topic);
    let answer = aws.call(ATTRIBUTES, topic, request.send()).await.optional()?;
    let text = answer.and_then(|answer| answer.attributes).and_then(|mut all| all.remove("Policy"));
    let live = text.map(|text| policy::parse_live(&text)).transpose();
    live.map_err(|error| AwsError::unexpected(ATTRIBUTES, topic, error))
}

/// The policy that SNS gives a topic of which nobody says anything. Source: what GetTopicAttributes answers for one.
fn default(topic: &str, account: &str) -> Value {
    let actions = [
        "GetTopicAttributes",
        "SetTopicAttributes",
        "AddPermission",
        "RemovePermission",
        "DeleteTopic",
        "Subscribe",
        "ListSubscriptionsByTopic",
        "Publish",
    ];
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": { "AWS": "*" },
            "Action": actions.map(|action| format!("SNS:{action}")),
            "Resource": topic,
            "Condition": { "StringEquals": { "AWS:SourceOwner": account } },
        }],
    })
}

/// Older topics may also `SNS:Receive`, which no API asks for any more.
fn is_default(live: &Value, default: &Value) -> bool {
    let mut live = live.clone();
    if let Some(actions) = live.pointer_mut("/Statement/0/Action").and_then(Value::as_array_mut) {
        actions.retain(|action| action != "SNS:Receive");
    }
    policy::equivalent(&live, default)
}

/// The subscriptions that neither this stack nor another one made. Those that CloudFormation made and that are gone, it
/// finds itself.
async fn subscriptions(aws: &Aws, part: &str, topic: &str, all: &BTreeMap<String, Expected>) -> Result<Vec<Found>, AwsError> {
    let declared = declared(part, topic, all);
    let mut strangers = vec![];
    let mut next = None;
    loop {
        let request = aws.sns().list_subscriptions_by_topic().topic_arn(topic).set_next_token(next);
        let Some(page) = aws.call("sns:ListSubscriptionsByTopic", topic, request.send()).await.optional()? else { break };
        let unknown = |one: &Subscription| is_confirmed(one) && !declared.contains(&key(one));
        strangers.extend(page.subscriptions.unwrap_or_default().into_iter().filter(unknown));
        next = page.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            break;
        }
    }
    let asked = strangers.into_iter().map(|one| async move {
        let arn = one.subscription_arn().unwrap_or_default().to_owned();
        Ok::<_, AwsError>((!is_of_a_stack(aws, &arn).await?).then_some((one, arn)))
    });
    let found = try_join_all(asked).await?.into_iter().flatten().map(|(one, arn)| {
        let (protocol, endpoint) = key(&one);
        let path = vec!["Subscription".to_owned(), format!("{protocol} {endpoint}")];
        let deviation = Deviation { path, live: Some(Value::from(arn.as_str())), declared: None };
        Found { part: part.to_owned(), deviation, remedy: Remedy::Subscription { arn } }
    });
    Ok(found.collect())
}

/// One that waits for its owner's yes hears nothing and cannot be taken away; one that was deleted is listed for a while.
fn is_confirmed(subscription: &Subscription) -> bool {
    subscription.subscription_arn().is_some_and(|arn| arn.starts_with("arn:"))
}

fn key(subscription: &Subscription) -> (String, String) {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    (text(subscription.protocol()), text(subscription.endpoint()))
}

/// Protocols and endpoints that the template subscribes to a topic, by themselves or with it.
fn declared(part: &str, topic: &str, all: &BTreeMap<String, Expected>) -> Vec<(String, String)> {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let pair = |value: &Value| (text(value, "Protocol"), text(value, "Endpoint"));
    let with_it = all.get(part).and_then(|resource| resource.properties.as_ref().ok()?.get("Subscription")?.as_array());
    let apart = all.values().filter(|resource| resource.type_name == "AWS::SNS::Subscription");
    let apart = apart.filter_map(|resource| resource.properties.as_ref().ok()).filter(|one| text(one, "TopicArn") == topic);
    with_it.into_iter().flatten().map(pair).chain(apart.map(pair)).collect()
}

/// Whether any stack of the account made a resource.
async fn is_of_a_stack(aws: &Aws, physical: &str) -> Result<bool, AwsError> {
    let request = aws.cloudformation().describe_stack_resources().physical_resource_id(physical);
    let answer = aws.call("cloudformation:DescribeStackResources", physical, request.send()).await.optional()?;
    Ok(answer.is_some_and(|answer| !answer.stack_resources().is_empty()))
}

/// Puts a topic's policy back.
pub async fn put_policy(aws: &Aws, topic: &str, document: &Value) -> Result<(), AwsError> {
    let request =
        aws.sns().set_topic_attributes().topic_arn(topic).attribute_name("Policy").attribute_value(document.to_string());
    aws.call("sns:SetTopicAttributes", topic, request.send()).await.map(drop)
}

/// Takes away a subscription that nobody declared.
pub async fn unsubscribe(aws: &Aws, arn: &str) -> Result<(), AwsError> {
    let request = aws.sns().unsubscribe().subscription_arn(arn);
    aws.call("sns:Unsubscribe", arn, request.send()).await.optional().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_policy_that_every_topic_has_is_passed_over() {
        let default = default("arn:aws:sns:us-east-1:123456789012:alarms", "123456789012");
        let mut live = default.clone();
        assert!(is_default(&live, &default));
        live["Statement"][0]["Action"].as_array_mut().unwrap().push(json!("SNS:Receive"));
        assert!(is_default(&live, &default));
        live["Statement"][0]["Condition"] = json!({});
        assert!(!is_default(&live, &default), "everybody may publish");
        let mut second = default.clone();
        second["Statement"].as_array_mut().unwrap().push(json!({ "Effect": "Allow", "Principal": "*", "Action": "SNS:Publish" }));
        assert!(!is_default(&second, &default));
    }
}
