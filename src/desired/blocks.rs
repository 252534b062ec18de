//! The blocks that speak of the workload as a whole: their references are resolved as those of resources are.

use std::collections::BTreeMap;

use serde_json::Value;

use super::resolve::{Resolution, Resolver};
use super::suggestion;
use crate::address::Address;
use crate::environment::blocks::promotion::{LONGEST_QUIET, Promotion};
use crate::environment::{Blocks, Diagnostic, Environment};
use crate::units::Seconds;

/// Resolves and checks the blocks that an environment has.
pub fn resolve(environment: &Environment, resolver: &Resolver<'_>, faults: &mut Vec<Diagnostic>) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for key in Blocks::keys() {
        let Some(node) = environment.root.get(&key) else { continue };
        let mut resolution = Resolution::default();
        let value = resolver.tree(node, &mut resolution);
        faults.append(&mut resolution.faults);
        if let Some(hole) = resolution.holes.first() {
            let message = format!("the value of ${{{hole}}} must be known before anything exists here");
            faults.push(Diagnostic::new(message, &node.span));
        }
        if let Some(why) = resolution.blocked {
            faults.push(Diagnostic::new(why, &node.span));
        }
        found.insert(key, value);
    }
    match Blocks::of(&found) {
        Ok(blocks) => {
            check_mentions(&blocks, environment, resolver, faults);
            blocks.promotion.iter().for_each(|promotion| check_promotion(promotion, environment, faults));
        }
        Err((path, message)) => faults.push(Diagnostic::new(message, &environment.root.span_at(&path))),
    }
    found
}

fn check_mentions(blocks: &Blocks, environment: &Environment, resolver: &Resolver<'_>, faults: &mut Vec<Diagnostic>) {
    for mention in blocks.mentions() {
        let address = Address::new(mention.section, mention.name);
        if !environment.resources.contains_key(&address) {
            let span = environment.root.span_at(&mention.path);
            let help = suggestion(mention.name, resolver.names_in(mention.section));
            faults.push(Diagnostic::new(format!("{address} is not declared"), &span).help(help));
        }
    }
}

fn check_promotion(promotion: &Promotion, environment: &Environment, faults: &mut Vec<Diagnostic>) {
    let mut fault = |key: &str, message: String| {
        faults.push(Diagnostic::new(message, &environment.root.span_at(&["promotion", key])));
    };
    if promotion.from.as_ref() == Some(&environment.header.environment) {
        fault("from", "an environment is not promoted from itself".to_owned());
    }
    if promotion.alarms_quiet.is_some_and(|quiet| quiet == Seconds(0) || quiet > LONGEST_QUIET) {
        fault("alarms_quiet", "CloudWatch keeps the history of alarms for 14 days: write 1m to 14d".to_owned());
    }
}
