//! Policies of topics, and subscriptions that nobody declared.

use std::collections::BTreeMap;

use aws_sdk_sns::types::Subscription;
use futures::future::try_join_all;
use serde_json::{Value, json};

use super::{Found, Read, Remedy};
use crate::aws::{Aws, AwsError, Optional};
use crate::diff::Deviation;
use crate::policy;
use crate::template::Expected;

const ATTRIBUTES: &str = "sns:GetTopicAttributes";

/// Compares a topic's policy and its subscriptions with what the template gives it.
pub async fn read(aws: &Aws, part: &str, topic: &str, all: &BTreeMap<String, Expected>) -> Result<Read, AwsError> {
    let (policy, subscriptions) = futures::try_join!(policy(aws, part, topic, all), subscriptions(aws, part, topic, all))?;
    Ok(Read { found: policy.into_iter().chain(subscriptions).collect(), unchecked: vec![] })
}

async fn policy(aws: &Aws, part: &str, topic: &str, all: &BTreeMap<String, Expected>) -> Result<Option<Found>, AwsError> {
    let policies = || all.iter().filter(|(_, resource)| resource.type_name == "AWS::SNS::TopicPolicy");
    // One that is not known may be this topic's, and is said to be unknown elsewhere.
    if policies().any(|(_, resource)| resource.properties.is_err()) {
        return Ok(None);
    }
    let declared = policies().find_map(|(name, resource)| {
        let properties = resource.properties.as_ref().ok()?;
        let topics = properties.get("Topics")?.as_array()?;
        topics.iter().any(|one| one == topic).then_some((name.as_str(), properties.get("PolicyDocument")?.clone()))
    });
    let request = aws.sns().get_topic_attributes().topic_arn(topic);
    let answer = aws.call(ATTRIBUTES, topic, request.send()).await.optional()?;
    let text = answer.and_then(|answer| answer.attributes).and_then(|mut all| all.remove("Policy"));
    let live = text.map(|text| policy::parse_live(&text)).transpose();
    let live = live.map_err(|error| AwsError::unexpected(ATTRIBUTES, topic, error))?;
    let (part, path, document) = match (&live, declared) {
        (Some(live), Some((_, document))) if policy::equivalent(live, &document) => return Ok(None),
        (_, Some((name, document))) => (name, "PolicyDocument", document),
        (None, None) => return Ok(None),
        (Some(live), None) if is_default(live, topic, &aws.world.account) => return Ok(None),
        (Some(_), None) => (part, "TopicPolicy", default(topic, &aws.world.account)),
    };
    let deviation = Deviation {
        path: vec![path.to_owned()],
        live: live.as_ref().map(policy::normalize),
        declared: Some(policy::normalize(&document)),
    };
    let remedy = Remedy::TopicPolicy { topic: topic.to_owned(), document };
    Ok(Some(Found { part: part.to_owned(), deviation, remedy }))
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
fn is_default(live: &Value, topic: &str, account: &str) -> bool {
    let mut live = live.clone();
    if let Some(actions) = live.pointer_mut("/Statement/0/Action").and_then(Value::as_array_mut) {
        actions.retain(|action| action != "SNS:Receive");
    }
    policy::equivalent(&live, &default(topic, account))
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
        let topic = "arn:aws:sns:us-east-1:123456789012:alarms";
        let mut live = default(topic, "123456789012");
        assert!(is_default(&live, topic, "123456789012"));
        live["Statement"][0]["Action"].as_array_mut().unwrap().push(json!("SNS:Receive"));
        assert!(is_default(&live, topic, "123456789012"));
        live["Statement"][0]["Condition"] = json!({});
        assert!(!is_default(&live, topic, "123456789012"), "everybody may publish");
        let mut second = default(topic, "123456789012");
        second["Statement"].as_array_mut().unwrap().push(json!({ "Effect": "Allow", "Principal": "*", "Action": "SNS:Publish" }));
        assert!(!is_default(&second, topic, "123456789012"));
    }
}
