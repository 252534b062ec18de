//! What the alarms of an endpoint's rollout hold: apply copies those that watch the endpoint itself, for the new fleet alone.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::Resource;
use crate::address::Address;
use crate::environment::{Diagnostic, Environment};

/// How many alarms an update of an endpoint watches.
///
/// Source: AutoRollbackConfig in the SageMaker API reference.
const MOST: usize = 10;
/// What a copy never has: it tells nobody.
const ACTIONS: [&str; 3] = ["actions", "ok_actions", "insufficient_data_actions"];

/// Adds to each endpoint with a rollout the alarms that watch it. Faults are noted where the rollout names its alarms.
pub fn add(environment: &Environment, resources: &mut IndexMap<Address, Resource>, faults: &mut Vec<Diagnostic>) {
    let endpoints: Vec<Address> = resources.keys().filter(|address| address.section == "endpoints").cloned().collect();
    for address in endpoints {
        let Some((watched, holes)) = resources.get(&address).map(|endpoint| watched(endpoint, resources)) else { continue };
        let Some(endpoint) = resources.get_mut(&address).filter(|_| !watched.is_empty()) else { continue };
        let alarms = alarms(&endpoint.state, &endpoint.name, &watched);
        if let (true, Some(declared)) = (alarms > MOST, environment.resources.get(&address)) {
            let help = "an alarm on one variant stays one: name it as in of: endpoints.NAME.VARIANT";
            let message = format!("with one for each variant these are {alarms} alarms, and an update watches at most {MOST}");
            faults.push(Diagnostic::new(message, &declared.node.span_at(&["rollout", "roll_back_on"])).help(help));
        }
        endpoint.holes.extend(holes);
        if let Some(rollout) = endpoint.state.get_mut("rollout").and_then(Value::as_object_mut) {
            rollout.insert("watched".to_owned(), Value::Object(watched));
        }
    }
}

/// The alarms of a rollout that watch the endpoint itself, by their names in CloudWatch, and the holes in them.
fn watched(endpoint: &Resource, resources: &IndexMap<Address, Resource>) -> (Map<String, Value>, BTreeSet<String>) {
    let named: BTreeSet<&str> = names(&endpoint.state).collect();
    let (mut found, mut holes) = (Map::new(), BTreeSet::new());
    for (address, alarm) in resources.iter().filter(|(address, _)| address.section == "alarms") {
        let of_endpoint = metrics(&alarm.state).any(|dimensions| is_of(dimensions, &endpoint.name));
        if !named.contains(alarm.name.as_str()) || !of_endpoint {
            continue;
        }
        let mut state = alarm.state.clone();
        if let Some(fields) = state.as_object_mut() {
            fields.extend(ACTIONS.map(|key| (key.to_owned(), json!([]))));
        }
        let text = state.to_string();
        holes.extend(alarm.holes.iter().filter(|hole| text.contains(&format!("${{{hole}}}"))).cloned());
        found.insert(alarm.name.clone(), json!({ "entry": address.name, "alarm": state }));
    }
    (found, holes)
}

/// How many alarms an update watches: one that takes all variants together becomes one for each.
fn alarms(endpoint: &Value, name: &str, watched: &Map<String, Value>) -> usize {
    let variants = endpoint["variants"].as_object().map_or(1, Map::len);
    let copies = |watched: &Value| {
        let mut own = metrics(&watched["alarm"]).filter(|dimensions| is_of(dimensions, name));
        if own.any(|dimensions| dimensions.get("VariantName").is_none()) { variants } else { 1 }
    };
    names(endpoint).map(|name| watched.get(name).map_or(1, copies)).sum()
}

fn names(endpoint: &Value) -> impl Iterator<Item = &str> {
    endpoint["rollout"]["roll_back_on"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// The dimensions of all metrics of an alarm.
fn metrics(alarm: &Value) -> impl Iterator<Item = &Value> {
    let inner = alarm["metrics"].as_object().into_iter().flat_map(Map::values).map(|query| &query["dimensions"]);
    std::iter::once(&alarm["dimensions"]).chain(inner)
}

fn is_of(dimensions: &Value, endpoint: &str) -> bool {
    dimensions["EndpointName"] == endpoint
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment;
    use crate::kinds::registry;

    const HEAD: &str = "app: shop\nenvironment: toy\naccount: \"123456789012\"\nregion: eu-west-1\n\
        stacks: { base: { template: base.yaml } }\n\
        roles: { run: { assumed_by: sagemaker.amazonaws.com } }\n\
        models: { net: { image: \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/net:1\", artifact: \"s3://bucket/model.tar.gz\", role: run } }\n";
    /// What an alarm says that goes off on the first failure.
    const FAILS: &str = "metric: AWS/SageMaker Invocation5XXErrors, statistic: Sum, period: 1m, comparison: \">\", threshold: 0";

    fn desired(text: &str) -> Result<IndexMap<Address, Resource>, String> {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("toy.yaml");
        std::fs::write(&file, format!("{HEAD}{text}")).unwrap();
        std::fs::write(
            folder.path().join("base.yaml"),
            "Resources: { Topic: { Type: AWS::SNS::Topic } }\nOutputs: { TopicArn: { Value: !Ref Topic } }\n",
        )
        .unwrap();
        let (registry, shown) = (registry(), |faults: environment::Diagnostics| faults.render(false));
        let environment = environment::load(&file, &registry).map_err(shown)?;
        crate::desired::desired(&environment, "123456789012", &registry).map(|desired| desired.resources).map_err(shown)
    }

    fn endpoint(alarms: &str) -> String {
        format!(
            "endpoints: {{ net: {{ variants: {{ A: {{ model: net, instance: ml.m5.large }}, B: {{ model: net, instance: ml.m5.large }} }}, \
             rollout: {{ canary: 10%, roll_back_on: [{alarms}] }} }} }}\n"
        )
    }

    #[test]
    fn a_rollout_knows_the_alarms_that_watch_its_endpoint() {
        let text = format!(
            "{}alarms:\n  own: {{ {FAILS}, of: endpoints.net.A, actions: [\"${{stacks.base.TopicArn}}\"] }}\n  \
             math: {{ metrics: [{{ id: e, expression: m * 2 }}, {{ id: m, metric: AWS/SageMaker Invocations, of: endpoints.net.B, \
             statistic: Sum, period: 1m }}], comparison: \">\", threshold: 0 }}\n  \
             far: {{ metric: AWS/Lambda Errors, dimensions: {{ FunctionName: f }}, statistic: Sum, period: 1m, comparison: \">\", threshold: 0 }}\n  \
             unnamed: {{ {FAILS}, of: endpoints.net.A }}\n",
            endpoint("own, math, far")
        );
        let made = desired(&text).unwrap();
        let endpoint = &made[&Address::new("endpoints", "net")];
        let watched = endpoint.state["rollout"]["watched"].as_object().unwrap();
        assert_eq!(watched.keys().collect::<Vec<_>>(), ["shop-toy-own", "shop-toy-math"]);
        assert_eq!(watched["shop-toy-own"]["entry"], "own");
        assert_eq!(watched["shop-toy-own"]["alarm"]["dimensions"], json!({ "EndpointName": "shop-toy-net", "VariantName": "A" }));
        // Whom the declared alarm tells is not known yet, and the copy tells nobody.
        assert_eq!(watched["shop-toy-own"]["alarm"]["actions"], json!([]));
        assert!(
            !made[&Address::new("alarms", "own")].holes.is_empty() && endpoint.holes.iter().all(|hole| !hole.contains("Topic"))
        );
    }

    #[test]
    fn an_endpoint_that_nothing_watches_is_as_it_was() {
        let made = desired(&format!("{}alarms: {{}}\n", endpoint(""))).unwrap();
        assert_eq!(made[&Address::new("endpoints", "net")].state["rollout"].get("watched"), None);
    }

    #[test]
    fn copies_for_each_variant_count() {
        let names: Vec<String> = (0..6).map(|n| format!("a{n}")).collect();
        let alarms = |of: &str| names.iter().map(|name| format!("  {name}: {{ {FAILS}, {of} }}\n")).collect::<String>();
        let all = endpoint(&names.join(", "));
        let said = desired(&format!("{all}alarms:\n{}", alarms("dimensions: { EndpointName: shop-toy-net, VariantName: A }")));
        assert!(said.is_ok());
        let queries = names.iter().map(|name| {
            format!(
                "  {name}: {{ metrics: [{{ id: e, expression: m * 2 }}, {{ id: m, metric: AWS/SageMaker HasBacklogWithoutCapacity, \
                 dimensions: {{ EndpointName: shop-toy-net }}, statistic: Average, period: 1m }}], comparison: \">\", threshold: 0 }}\n"
            )
        });
        let said = desired(&format!("{all}alarms:\n{}", queries.collect::<String>())).unwrap_err();
        assert!(said.contains("these are 12 alarms") && said.contains("roll_back_on"), "{said}");
    }
}
