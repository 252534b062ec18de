//! What metric and composite alarms share.

use aws_sdk_cloudwatch::types::ActionConfiguration;
use serde_json::{Value, json};

/// Members in order, each once.
pub fn as_set(members: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut members: Vec<String> = members.into_iter().collect();
    members.sort();
    members.dedup();
    members
}

/// Which of an alarm's tags go out with what it tells; `None` where none do, which is the default.
pub fn tags_propagation(actions: Option<&ActionConfiguration>) -> Option<Value> {
    let tags = actions?.alarm_tags_propagation.as_ref().filter(|tags| tags.enabled == Some(true))?;
    Some(json!({ "only": as_set(tags.included_tag_keys().to_vec()), "not": as_set(tags.excluded_tag_keys().to_vec()) }))
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::types::AlarmTagsPropagation;

    use super::*;

    #[test]
    fn tags_stay_at_home_unless_it_is_enabled() {
        let told = |tags: AlarmTagsPropagation| {
            tags_propagation(Some(&ActionConfiguration::builder().alarm_tags_propagation(tags).build()))
        };
        let all = AlarmTagsPropagation::builder();
        assert_eq!((tags_propagation(None), told(all.clone().enabled(false).build())), (None, None));
        let but = all.enabled(true).excluded_tag_keys("b").excluded_tag_keys("a").build();
        assert_eq!(told(but), Some(json!({ "only": [], "not": ["a", "b"] })));
    }
}
