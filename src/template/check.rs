//! Offline checks of a template.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::references::{Collector, PSEUDO, Reference, Target};
use super::{S3_LIMIT, cycle};
use crate::finding::{Finding, below, nearest};

/// The sections of a template. Source: template reference, "Template sections"; `Globals` belongs to a transform.
const SECTIONS: [&str; 12] = [
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Transform",
    "Resources",
    "Outputs",
    "Hooks",
    "Globals",
];

const RESOURCE: [&str; 9] = [
    "Type",
    "Properties",
    "DependsOn",
    "Condition",
    "Metadata",
    "CreationPolicy",
    "DeletionPolicy",
    "UpdatePolicy",
    "UpdateReplacePolicy",
];

const OUTPUT: [&str; 4] = ["Value", "Description", "Export", "Condition"];

const PARAMETER: [&str; 11] = [
    "Type",
    "Default",
    "Description",
    "AllowedValues",
    "AllowedPattern",
    "ConstraintDescription",
    "MinLength",
    "MaxLength",
    "MinValue",
    "MaxValue",
    "NoEcho",
];

/// The most that a section may declare. Source: CloudFormation quotas.
const MOST: [(&str, usize); 4] = [("Resources", 500), ("Parameters", 200), ("Outputs", 200), ("Mappings", 200)];

/// Returns everything that CloudFormation would refuse in a template, and what is surely a mistake.
///
/// Properties are not checked against their resource's schema. Where a template has a transform, names that it does not
/// declare may come from that, and are let through.
#[must_use]
pub fn check(template: &Value) -> Vec<Finding> {
    let Some(sections) = template.as_object() else { return vec![Finding::new(&[], "a template is a map")] };
    let mut checker = Checker { sections, findings: Vec::new() };
    checker.check_sections();
    checker.check_parameters();
    checker.check_conditions();
    checker.check_resources();
    checker.check_outputs();
    let size = template.to_string().len();
    if size > S3_LIMIT {
        let message = format!("the template has {size} bytes, and CloudFormation takes {S3_LIMIT}");
        checker.findings.push(Finding::new(&[], message));
    }
    checker.findings
}

struct Checker<'a> {
    sections: &'a Map<String, Value>,
    findings: Vec<Finding>,
}

impl<'a> Checker<'a> {
    fn section(&self, name: &str) -> Option<&'a Map<String, Value>> {
        self.sections.get(name).and_then(Value::as_object)
    }

    fn declares(&self, section: &str, name: &str) -> bool {
        self.section(section).is_some_and(|declared| declared.contains_key(name))
    }

    fn known_keys(&mut self, members: &Map<String, Value>, path: &[String], known: &[&str], owner: &str) {
        for key in members.keys().filter(|key| !known.contains(&key.as_str()) && !key.starts_with("Fn::ForEach::")) {
            let finding = Finding::new(&below(path, key), format!("`{key}` is no member of {owner}"));
            self.findings.push(finding.nearest_of(key, known.iter().copied()));
        }
    }

    fn check_sections(&mut self) {
        self.known_keys(self.sections, &[], &SECTIONS, "a template");
        if let Some(version) = self.sections.get("AWSTemplateFormatVersion").filter(|version| *version != "2010-09-09") {
            let path = ["AWSTemplateFormatVersion".to_owned()];
            let finding = Finding::new(&path, format!("there is no format version {version}"));
            self.findings.push(finding.help("write `\"2010-09-09\"`, in quotes"));
        }
        match self.sections.get("Description") {
            None => {}
            Some(Value::String(text)) if text.len() <= 1_024 => {}
            Some(_) => {
                let finding = Finding::new(&["Description".to_owned()], "the description is a string of at most 1,024 bytes");
                self.findings.push(finding);
            }
        }
        for name in ["Parameters", "Mappings", "Conditions", "Resources", "Outputs"] {
            let path = [name.to_owned()];
            match self.sections.get(name) {
                None => {}
                Some(Value::Object(declared)) => self.check_names(name, declared, &path),
                Some(_) => self.findings.push(Finding::new(&path, format!("`{name}` is a map"))),
            }
        }
        if self.section("Resources").is_none_or(Map::is_empty) && self.sections.get("Resources").is_none_or(Value::is_object) {
            self.findings.push(Finding::new(&[], "a template needs `Resources` with at least one resource"));
        }
    }

    fn check_names(&mut self, section: &str, declared: &Map<String, Value>, path: &[String]) {
        if let Some((_, most)) = MOST.iter().find(|(name, most)| *name == section && declared.len() > *most) {
            let message = format!("there are {} {}, and CloudFormation takes {most}", declared.len(), section.to_lowercase());
            self.findings.push(Finding::new(path, message));
        }
        for name in declared.keys().filter(|name| !name.starts_with("Fn::")) {
            if name.is_empty() || name.len() > 255 || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
                let finding = Finding::new(&below(path, name), format!("`{name}` is no logical name"));
                self.findings.push(finding.help("only letters and digits, at most 255"));
            }
        }
    }

    fn check_parameters(&mut self) {
        for (name, declared) in self.section("Parameters").into_iter().flatten() {
            let path = ["Parameters".to_owned(), name.clone()];
            let Some(members) = declared.as_object() else {
                self.findings.push(Finding::new(&path, "a parameter is a map"));
                continue;
            };
            self.known_keys(members, &path, &PARAMETER, "a parameter");
            match members.get("Type") {
                None => self.findings.push(Finding::new(&path, "the parameter has no `Type`").help("write `Type: String`")),
                Some(Value::String(kind)) if is_parameter_type(kind) => {}
                Some(other) => {
                    let shown = super::scalar(other).unwrap_or_else(|| other.to_string());
                    let finding = Finding::new(&below(&path, "Type"), format!("`{shown}` is no type of parameter"));
                    self.findings.push(finding.nearest_of(&shown, ["String", "Number", "CommaDelimitedList", "List<Number>"]));
                }
            }
            self.findings.extend(super::parameters::check_default(declared, &path));
        }
    }

    fn check_conditions(&mut self) {
        let declared = self.section("Conditions").into_iter().flatten();
        for (name, condition) in declared.filter(|(name, _)| !name.starts_with("Fn::")) {
            let mut collector = Collector { in_condition: true, ..Collector::default() };
            collector.collect(condition, &["Conditions".to_owned(), name.clone()]);
            for reference in &collector.references {
                if let Target::Name(named) = &reference.target
                    && self.declares("Resources", named)
                {
                    let finding = Finding::new(&reference.path, format!("a condition cannot refer to the resource `{named}`"));
                    self.findings.push(finding.help("conditions are decided before any resource exists"));
                } else {
                    self.check_reference(reference);
                }
            }
            self.findings.append(&mut collector.findings);
        }
    }

    fn check_resources(&mut self) {
        let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, resource) in self.section("Resources").into_iter().flatten() {
            let path = ["Resources".to_owned(), name.clone()];
            if name.starts_with("Fn::") {
                continue;
            }
            let Some(members) = resource.as_object() else {
                self.findings.push(Finding::new(&path, "a resource is a map"));
                continue;
            };
            self.check_attributes(members, &path);
            self.check_type(members, &path);
            self.check_policies(members, &path);
            if members.get("Properties").is_some_and(|properties| !properties.is_object()) {
                self.findings.push(Finding::new(&below(&path, "Properties"), "the properties are a map"));
            }
            self.check_condition_of(members, &path);
            let mut needs = self.check_depends_on(members, &path);
            for part in ["Properties", "Metadata", "CreationPolicy", "UpdatePolicy"] {
                let Some(value) = members.get(part) else { continue };
                needs.extend(self.check_value(value, &below(&path, part)));
            }
            graph.insert(name.clone(), needs);
        }
        if let Some(round) = cycle::find(&graph) {
            let path = ["Resources".to_owned(), round.first().cloned().unwrap_or_default()];
            let message = format!("the resources need each other in a circle: {}", round.join(" → "));
            self.findings.push(Finding::new(&path, message).help("let one of them be named without a reference"));
        }
    }

    fn check_attributes(&mut self, members: &Map<String, Value>, path: &[String]) {
        // Transforms read attributes of their own, and custom resources have a version.
        let kind = members.get("Type").and_then(Value::as_str).unwrap_or_default();
        let custom = kind.starts_with("Custom::") || kind == "AWS::CloudFormation::CustomResource";
        let mut known = RESOURCE.to_vec();
        known.extend(custom.then_some("Version"));
        if !self.sections.contains_key("Transform") {
            self.known_keys(members, path, &known, "a resource");
        }
    }

    fn check_type(&mut self, members: &Map<String, Value>, path: &[String]) {
        let finding = match members.get("Type") {
            None => Finding::new(path, "the resource has no `Type`"),
            Some(Value::String(kind)) if is_resource_type(kind) => return,
            Some(other) => Finding::new(&below(path, "Type"), format!("{other} is no type of resource")),
        };
        self.findings.push(finding.help("a type is written as `AWS::S3::Bucket`"));
    }

    fn check_policies(&mut self, members: &Map<String, Value>, path: &[String]) {
        const ALL: [&str; 4] = ["Delete", "Retain", "Snapshot", "RetainExceptOnCreate"];
        for key in ["DeletionPolicy", "UpdateReplacePolicy"] {
            let Some(policy) = members.get(key).and_then(Value::as_str) else { continue };
            // Only a deletion can tell a resource that was just made.
            let known = if key == "DeletionPolicy" { &ALL[..] } else { &ALL[..3] };
            if !known.contains(&policy) {
                let finding = Finding::new(&below(path, key), format!("`{policy}` is no {key}"));
                self.findings.push(finding.nearest_of(policy, known.iter().copied()));
            }
        }
    }

    fn check_condition_of(&mut self, members: &Map<String, Value>, path: &[String]) {
        let here = below(path, "Condition");
        match members.get("Condition") {
            None => {}
            Some(Value::String(name)) => {
                self.check_reference(&Reference { target: Target::Condition(name.clone()), path: here });
            }
            Some(_) => self.findings.push(Finding::new(&here, "`Condition` is the name of a condition")),
        }
    }

    /// Checks `DependsOn`, and returns the resources it names.
    fn check_depends_on(&mut self, members: &Map<String, Value>, path: &[String]) -> BTreeSet<String> {
        let here = below(path, "DependsOn");
        let named: Vec<(&Value, Vec<String>)> = match members.get("DependsOn") {
            None => Vec::new(),
            Some(Value::Array(items)) => items.iter().enumerate().map(|(index, item)| (item, below(&here, index))).collect(),
            Some(one) => vec![(one, here)],
        };
        let mut needs = BTreeSet::new();
        for (value, path) in named {
            match value.as_str() {
                Some(name) => {
                    self.check_reference(&Reference { target: Target::Attribute(name.to_owned()), path });
                    needs.insert(name.to_owned());
                }
                None => self.findings.push(Finding::new(&path, "`DependsOn` names resources")),
            }
        }
        needs
    }

    /// Checks the references below a value, and returns the resources they name.
    fn check_value(&mut self, value: &Value, path: &[String]) -> BTreeSet<String> {
        let mut collector = Collector::default();
        collector.collect(value, path);
        self.findings.append(&mut collector.findings);
        let mut needs = BTreeSet::new();
        for reference in &collector.references {
            self.check_reference(reference);
            if let Target::Name(name) | Target::Attribute(name) = &reference.target
                && self.declares("Resources", name)
            {
                needs.insert(name.clone());
            }
        }
        needs
    }

    fn check_reference(&mut self, reference: &Reference) {
        let (name, sections, what): (&str, &[&str], &str) = match &reference.target {
            Target::Name(name) if PSEUDO.contains(&name.as_str()) => return,
            Target::Name(name) => (name, &["Parameters", "Resources"], "parameter or resource"),
            Target::Attribute(name) => (name, &["Resources"], "resource"),
            Target::Condition(name) => (name, &["Conditions"], "condition"),
            Target::Mapping(name) => (name, &["Mappings"], "mapping"),
        };
        let declared = sections.iter().any(|section| self.declares(section, name));
        if declared || self.sections.contains_key("Transform") || self.is_of_module(name) {
            return;
        }
        let finding = Finding::new(&reference.path, format!("there is no {what} `{name}`"));
        if matches!(reference.target, Target::Attribute(_)) && self.declares("Parameters", name) {
            return self.findings.push(finding.help("it is a parameter, which has no attributes: use `Ref`"));
        }
        let declared = sections.iter().filter_map(|section| self.section(section)).flat_map(Map::keys).map(String::as_str);
        let pseudo = if what.starts_with("parameter") { &PSEUDO[..] } else { &[] };
        let near = nearest(name, declared.chain(pseudo.iter().copied())).map(str::to_owned);
        self.findings.push(match near {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding,
        });
    }

    /// Tells whether a name may be that of a resource within a module: those start with the module's name.
    fn is_of_module(&self, name: &str) -> bool {
        let is_module =
            |resource: &Value| resource.get("Type").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("::MODULE"));
        self.section("Resources").into_iter().flatten().any(|(id, resource)| name.starts_with(id.as_str()) && is_module(resource))
    }

    fn check_outputs(&mut self) {
        for (name, output) in self.section("Outputs").into_iter().flatten() {
            let path = ["Outputs".to_owned(), name.clone()];
            if name.starts_with("Fn::") {
                continue;
            }
            let Some(members) = output.as_object() else {
                self.findings.push(Finding::new(&path, "an output is a map"));
                continue;
            };
            self.known_keys(members, &path, &OUTPUT, "an output");
            if !members.contains_key("Value") {
                self.findings.push(Finding::new(&path, "the output has no `Value`"));
            }
            self.check_condition_of(members, &path);
            for key in ["Value", "Export"] {
                if let Some(value) = members.get(key) {
                    self.check_value(value, &below(&path, key));
                }
            }
        }
    }
}

fn is_resource_type(kind: &str) -> bool {
    let parts: Vec<&str> = kind.split("::").collect();
    let word = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '-'));
    let count = if parts.first() == Some(&"Custom") { 2..=2 } else { 3..=4 };
    count.contains(&parts.len()) && parts.iter().all(word)
}

fn is_parameter_type(kind: &str) -> bool {
    matches!(kind, "String" | "Number" | "CommaDelimitedList" | "List<Number>" | "List<String>")
        || kind.starts_with("AWS::")
        || kind.starts_with("List<AWS::")
}
