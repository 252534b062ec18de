//! The release that runs: which versions of workflows and functions are served, and which model, under one short name that is
//! the same for the same content in every environment. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::address::Address;
use crate::kind::{Live, digest, runs};
use crate::plan::Observed;

/// The sections whose aliases lead to versions.
const FUNCTIONS: &str = "functions";
const WORKFLOWS: &str = "state_machines";
const MODELS: &str = "models";
const ENDPOINTS: &str = "endpoints";
const DIGITS: usize = 8;

/// What runs.
#[derive(Debug, Serialize)]
pub struct Release {
    /// Made of the content of what is served: code, workflows and models. Nothing where none of it exists.
    pub name: Option<String>,
    /// Workflows and functions.
    pub versions: Vec<Served>,
    pub endpoints: Vec<Endpoint>,
}

/// What an alias leads to.
#[derive(Debug, Serialize)]
pub struct Served {
    pub address: Address,
    pub version: String,
    /// Percent of what comes in, by version, while the alias is on its way.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub shares: BTreeMap<String, f64>,
    /// The digest of the function's package, if the version is made of what was deployed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
}

/// What an endpoint serves.
#[derive(Debug, Serialize)]
pub struct Endpoint {
    pub address: Address,
    pub configuration: String,
    pub models: Vec<String>,
}

/// Tells what runs, from what was read.
#[must_use]
pub fn release(observed: &Observed) -> Release {
    let of = |section: &'static str| observed.resources.iter().filter(move |(address, _)| address.section == section);
    let versioned = of(WORKFLOWS).chain(of(FUNCTIONS));
    Release {
        name: name(of(WORKFLOWS).chain(of(FUNCTIONS)).chain(of(MODELS))),
        versions: versioned.filter_map(|(address, live)| served(address, live)).collect(),
        endpoints: of(ENDPOINTS).filter_map(|(address, live)| endpoint(address, live)).collect(),
    }
}

fn name<'a>(resources: impl Iterator<Item = (&'a Address, &'a Live<Value>)>) -> Option<String> {
    let contents = resources.filter_map(|(address, live)| Some((address.to_string(), content(address, live)?)));
    let contents: BTreeMap<String, String> = contents.collect();
    (!contents.is_empty()).then(|| digest(&json!(contents))[..DIGITS].to_owned())
}

/// What is served of a resource, by a mark that is the same in every environment.
fn content(address: &Address, live: &Live<Value>) -> Option<String> {
    if address.section != MODELS {
        return live.attributes.get(runs::CONTENT).cloned();
    }
    let text = |key: &str| live.state.get(key).and_then(Value::as_str);
    // Buckets, accounts and regions are the environment's; what lies behind them is the model.
    let artifact = text("artifact").map(|artifact| artifact.splitn(4, '/').last().unwrap_or_default());
    artifact.or_else(|| text("package").map(|package| package.rsplit(':').next().unwrap_or_default())).map(str::to_owned)
}

fn served(address: &Address, live: &Live<Value>) -> Option<Served> {
    let version = live.attributes.get(runs::VERSION)?.clone();
    let alias = live.state.get("alias")?;
    // Lambda counts shares from 0 to 1.
    let unit = if address.section == FUNCTIONS { 100.0 } else { 1.0 };
    let weights = alias.get("weights").and_then(Value::as_object).into_iter().flatten();
    let mut shares: BTreeMap<String, f64> =
        weights.filter_map(|(version, share)| Some((version.clone(), (share.as_f64()? * unit).round()))).collect();
    if !shares.is_empty() {
        shares.insert(version.clone(), 100.0 - shares.values().sum::<f64>());
    }
    let current = alias.get("version").and_then(Value::as_str) == Some("current");
    let package = live.state.get("package").and_then(Value::as_str).filter(|_| current);
    Some(Served { address: address.clone(), version, shares, package: package.map(str::to_owned) })
}

fn endpoint(address: &Address, live: &Live<Value>) -> Option<Endpoint> {
    let variants = live.state.get("variants").and_then(Value::as_object).into_iter().flatten();
    let mut models: Vec<String> = variants.filter_map(|(_, variant)| variant.get("model")?.as_str().map(str::to_owned)).collect();
    models.dedup();
    Some(Endpoint { address: address.clone(), configuration: live.revision.clone()?, models })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(code: &str, alias: Value) -> Live<Value> {
        let state = json!({ "alias": alias, "package": "sha256:0123456789abcdef" });
        let mut live = Live::settled("f", "arn:f".to_owned(), state, None);
        live.attributes = [(runs::VERSION, "3"), (runs::CONTENT, code)].map(|(key, value)| (key.into(), value.into())).into();
        live
    }

    fn observed(resources: &[(&str, Live<Value>)]) -> Observed {
        let resources = resources.iter().map(|(address, live)| (address.parse().unwrap(), live.clone())).collect();
        Observed { resources, ..Observed::default() }
    }

    #[test]
    fn the_same_content_has_the_same_name() {
        let settled = json!({ "version": "current", "weights": {} });
        let model = |bucket: &str, job: &str| {
            let state = json!({ "artifact": format!("s3://{bucket}/models/{job}/output/model.tar.gz") });
            Live::settled("m", "arn:m".to_owned(), state, None)
        };
        let name = |code: &str, bucket: &str, job: &str| {
            release(&observed(&[("functions.f", function(code, settled.clone())), ("models.m", model(bucket, job))]))
                .name
                .unwrap()
        };
        assert_eq!(name("a", "dev", "job-1"), name("a", "prod", "job-1"));
        assert_ne!(name("a", "dev", "job-1"), name("b", "dev", "job-1"));
        assert_ne!(name("a", "dev", "job-1"), name("a", "dev", "job-2"));
        assert_eq!(release(&observed(&[])).name, None);
    }

    #[test]
    fn shares_are_told_on_the_way() {
        let found = release(&observed(&[(
            "functions.f",
            function("a", json!({ "version": "3, which differs in code", "weights": { "4": 0.1 } })),
        )]));
        let served = &found.versions[0];
        assert_eq!((served.version.as_str(), &served.package), ("3", &None));
        assert_eq!(json!(served.shares), json!({ "3": 90.0, "4": 10.0 }));
    }
}
