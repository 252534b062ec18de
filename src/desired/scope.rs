//! What a kind sees while it turns a spec into a state, and where it leaves what it found.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::resolve::{Resolution, Resolver};
use super::suggestion;
use crate::address::Address;
use crate::environment::node::Node;
use crate::environment::{Declared, Diagnostic};
use crate::finding::Finding;
use crate::kind::{Attribute, Input, Needs, World};
use crate::template;

/// Another resource that a spec names.
#[derive(Clone, Debug)]
pub struct Link {
    pub name: String,
    pub arn: String,
}

/// The surroundings of one resource's spec.
pub struct Scope<'a> {
    resolver: &'a Resolver<'a>,
    address: &'a Address,
    declared: &'a Declared,
    resolution: Resolution,
    needs: Needs,
}

/// What is left when a spec was turned into a state.
pub struct Finished {
    pub faults: Vec<Diagnostic>,
    pub needs: Needs,
    pub holes: BTreeSet<String>,
    pub awaits: BTreeMap<String, String>,
    pub blocked: Option<String>,
    pub source: Option<String>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(resolver: &'a Resolver<'a>, address: &'a Address, declared: &'a Declared) -> Self {
        Self { resolver, address, declared, resolution: Resolution::default(), needs: Needs::new() }
    }

    /// The spec with its references resolved.
    pub(super) fn resolve_spec(&mut self, references_order: bool) -> Value {
        let spec = self.resolver.tree(&self.declared.node, &mut self.resolution);
        if references_order {
            self.needs.extend(self.resolution.referred.iter().cloned());
        }
        spec
    }

    pub(super) fn finish(mut self, inputs: &[(&str, Input)]) -> Finished {
        self.needs.extend(self.resolution.outputs_of);
        let source = inputs.iter().find(|(_, input)| *input == Input::Package);
        Finished {
            faults: self.resolution.faults,
            needs: self.needs,
            holes: self.resolution.holes,
            awaits: self.resolution.awaits,
            blocked: self.resolution.blocked,
            source: source.and_then(|(key, _)| Some(self.declared.node.get(key)?.as_str()?.to_owned())),
        }
    }

    pub fn world(&self) -> &'a World {
        self.resolver.world
    }

    /// The resource's name in AWS; of kinds named by content, the part before the hash.
    pub fn name(&self) -> &'a str {
        self.resolver.name(self.address).unwrap_or_default()
    }

    /// The resource's name in the file.
    pub fn entry_name(&self) -> &'a str {
        &self.address.name
    }

    /// Whether nothing was found wrong so far.
    pub fn is_sound(&self) -> bool {
        self.resolution.faults.is_empty()
    }

    /// Notes a fault at a path of the spec.
    pub fn fault<S: AsRef<str>>(&mut self, path: &[S], message: impl Into<String>) {
        self.resolution.faults.push(Diagnostic::new(message, &self.span_at(path)));
    }

    /// Notes a fault with what would be right.
    pub fn fault_with_help<S: AsRef<str>>(&mut self, path: &[S], message: impl Into<String>, help: impl Into<String>) {
        self.resolution.faults.push(Diagnostic::new(message, &self.span_at(path)).help(help));
    }

    /// Notes what a check of a part of the spec found; the findings' paths start below `path`.
    pub fn findings(&mut self, path: &[&str], findings: Vec<Finding>) {
        for finding in findings {
            let path: Vec<String> = path.iter().map(ToString::to_string).chain(finding.path.clone()).collect();
            let span = self.span_at(&path);
            self.push_finding(finding, &span);
        }
    }

    /// Notes what a check of a document found.
    pub fn document_findings(&mut self, document: &str, findings: Vec<Finding>) {
        let Some(node) = self.resolver.environment.documents.get(document) else { return };
        for finding in findings {
            let span = node.span_at(&finding.path);
            self.push_finding(finding, &span);
        }
    }

    fn push_finding(&mut self, finding: Finding, span: &crate::environment::Span) {
        let diagnostic = Diagnostic::new(finding.message, span);
        self.resolution.faults.push(match finding.help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        });
    }

    fn span_at<S: AsRef<str>>(&self, path: &[S]) -> crate::environment::Span {
        match path {
            [] => self.declared.key_span.clone(),
            path => self.declared.node.span_at(path),
        }
    }

    /// Finds another resource that the spec names and that must exist first; faults if it is not declared.
    pub fn link(&mut self, section: &str, name: &str, path: &[&str]) -> Option<Link> {
        let link = self.mention(section, name, path)?;
        self.needs.insert(Address::new(section, name));
        Some(link)
    }

    /// Finds another resource that the spec names, which need not exist first.
    pub fn mention(&mut self, section: &str, name: &str, path: &[&str]) -> Option<Link> {
        let address = Address::new(section, name);
        if !self.resolver.environment.resources.contains_key(&address) {
            let help = suggestion(name, self.resolver.names_in(section));
            self.fault_with_help(path, format!("{address} is not declared"), help);
            return None;
        }
        let attributes = self.resolver.attributes(&address);
        let mut known = |key: &str| match attributes.get(key) {
            Some(Attribute::Known(value)) => value.clone(),
            _ => {
                let reference = format!("{address}.{key}");
                self.resolution.holes.insert(reference.clone());
                format!("${{{reference}}}")
            }
        };
        Some(Link { name: known("name"), arn: known("arn") })
    }

    /// What another resource is declared with, for checks that concern both. What is wrong in it is told where it stands.
    pub fn other(&self, section: &str, name: &str) -> Option<Value> {
        let declared = self.resolver.environment.resources.get(&Address::new(section, name))?;
        Some(self.resolver.tree(&declared.node, &mut Resolution::default()))
    }

    /// A text of another resource's declaration, to stand in this one's state too: it hangs on the same outputs.
    pub fn borrowed(&mut self, section: &str, name: &str, path: &[&str]) -> Option<String> {
        let declared = self.resolver.environment.resources.get(&Address::new(section, name))?;
        let node = path.iter().try_fold(&declared.node, |node, key| node.get(key))?;
        let mut resolution = Resolution::default();
        let value = self.resolver.tree(node, &mut resolution);
        self.resolution.outputs_of.extend(resolution.outputs_of);
        self.resolution.holes.extend(resolution.holes);
        self.resolution.blocked = self.resolution.blocked.take().or(resolution.blocked);
        value.as_str().map(str::to_owned)
    }

    /// After how many days objects below a key expire in a bucket, as far as a declared stack's template says so.
    pub fn expires_after(&self, bucket: &str, key: &str) -> Option<u32> {
        let world = self.world();
        let stacks = self.resolver.names_in("stacks").into_iter().filter_map(|name| {
            let spec = self.other("stacks", name)?;
            let template = self.template(spec.get("template")?.as_str()?)?;
            let given = spec.get("parameters").and_then(Value::as_object).into_iter().flatten();
            let parameters = given.filter_map(|(key, value)| match value {
                Value::String(text) => Some((key.clone(), text.clone())),
                Value::Bool(_) | Value::Number(_) => Some((key.clone(), value.to_string())),
                _ => None,
            });
            let context = template::Context {
                stack_name: self.resolver.name(&Address::new("stacks", name))?,
                account: &world.account,
                region: &world.region,
                partition: world.partition(),
                parameters: &parameters.collect(),
            };
            template::expires_after(&template, &context, bucket, key)
        });
        stacks.min()
    }

    /// A role: an ARN, or the name of a declared one that must exist first.
    pub fn role(&mut self, role: &str, path: &[&str]) -> Option<String> {
        if role.starts_with("arn:") {
            return Some(role.to_owned());
        }
        self.link("roles", role, path).map(|link| link.arn)
    }

    /// A document that the spec names, its references resolved.
    pub fn document(&mut self, path: &str) -> Option<Value> {
        let node: &Node = self.resolver.environment.documents.get(path)?;
        Some(self.resolver.tree(node, &mut self.resolution))
    }

    /// A template that the spec names, as it is: its `${…}` are CloudFormation's.
    pub fn template(&self, path: &str) -> Option<Value> {
        self.resolver.environment.documents.get(path).map(Node::to_json)
    }

    /// The digest of a package's inputs, or the one that is pinned under the resource's name.
    pub fn package(&self) -> Option<String> {
        let environment = self.resolver.environment;
        environment.header.pins.get(self.entry_name()).or_else(|| environment.packages.get(self.address)).cloned()
    }
}
