//! What references stand for.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::suggestion;
use crate::address::Address;
use crate::environment::node::{Data, Node};
use crate::environment::reference::{Part, parts};
use crate::environment::shape::nearest;
use crate::environment::{Diagnostic, Environment};
use crate::images;
use crate::kind::{Attribute, Registry, World};

/// What one reference came to.
pub enum Meaning {
    Value(String),
    /// Only known later; the reference stays in the text.
    Hole,
    /// Nothing can bring it about but a person: says what to do.
    Blocked(String),
    Wrong {
        message: String,
        help: String,
    },
}

/// What resolving a tree brought to light.
#[derive(Default)]
pub struct Resolution {
    pub faults: Vec<Diagnostic>,
    /// Resources referred to whose attribute is an output, and so must exist first.
    pub outputs_of: BTreeSet<Address>,
    /// All resources referred to.
    pub referred: BTreeSet<Address>,
    pub holes: BTreeSet<String>,
    /// Those of the holes that applying cannot bring about, each with what is missing.
    pub awaits: BTreeMap<String, String>,
    pub blocked: Option<String>,
}

/// Knows all names; answers what a reference stands for.
pub struct Resolver<'a> {
    pub environment: &'a Environment,
    pub world: &'a World,
    registry: &'a Registry,
    names: &'a BTreeMap<Address, String>,
    attributes: RefCell<BTreeMap<Address, BTreeMap<String, Attribute>>>,
    /// Resources whose attributes are being found out: a stack whose parameter is its own output stops here.
    busy: RefCell<BTreeSet<Address>>,
}

impl<'a> Resolver<'a> {
    pub fn new(
        environment: &'a Environment,
        world: &'a World,
        registry: &'a Registry,
        names: &'a BTreeMap<Address, String>,
    ) -> Self {
        Self { environment, world, registry, names, attributes: RefCell::default(), busy: RefCell::default() }
    }

    pub fn name(&self, address: &Address) -> Option<&'a str> {
        self.names.get(address).map(String::as_str)
    }

    /// The names declared in a section, for suggestions.
    pub fn names_in(&self, section: &str) -> Vec<&'a str> {
        self.environment
            .resources
            .keys()
            .filter(|address| address.section == section)
            .map(|address| address.name.as_str())
            .collect()
    }

    /// The attributes of a declared resource.
    pub fn attributes(&self, address: &Address) -> BTreeMap<String, Attribute> {
        if let Some(known) = self.attributes.borrow().get(address) {
            return known.clone();
        }
        let (Some(kind), Some(declared)) = (self.registry.get(&address.section), self.environment.resources.get(address)) else {
            return BTreeMap::new();
        };
        if !self.busy.borrow_mut().insert(address.clone()) {
            return BTreeMap::new();
        }
        let name = self.name(address).unwrap_or_default();
        let found = if kind.attributes_from_spec() {
            let spec = self.tree(&declared.node, &mut Resolution::default());
            let document = kind
                .inputs()
                .first()
                .and_then(|(key, _)| declared.node.get(key)?.as_str())
                .and_then(|path| self.environment.documents.get(path))
                .map(Node::to_json);
            kind.attributes(self.world, name, &spec, document.as_ref())
        } else {
            kind.attributes(self.world, name, &Value::Null, None)
        };
        self.busy.borrow_mut().remove(address);
        self.attributes.borrow_mut().insert(address.clone(), found.clone());
        found
    }

    /// Finds what a reference stands for.
    pub fn meaning(&self, reference: &str, resolution: &mut Resolution) -> Meaning {
        let header = &self.environment.header;
        let segments: Vec<&str> = reference.split('.').collect();
        match segments.as_slice() {
            ["app"] => Meaning::Value(header.app.clone()),
            ["environment"] => Meaning::Value(header.environment.clone()),
            ["account"] => Meaning::Value(self.world.account.clone()),
            ["region"] => Meaning::Value(self.world.region.clone()),
            ["partition"] => Meaning::Value(self.world.partition().to_owned()),
            ["pins", pin] => match header.pins.get(*pin) {
                Some(value) => Meaning::Value(value.clone()),
                None => match nearest(pin, header.pins.keys().map(String::as_str)) {
                    Some(near) => wrong(format!("there is no pin {pin}"), format!("did you mean `${{pins.{near}}}`?")),
                    None => {
                        let file = self.environment.file.display();
                        Meaning::Blocked(format!("pins.{pin} is not set: put its value under `pins:` in {file}"))
                    }
                },
            },
            ["values", name] => match header.values.get(*name) {
                Some(value) => Meaning::Value(value.clone()),
                None => wrong(format!("there is no value {name}"), suggestion(name, header.values.keys().map(String::as_str))),
            },
            ["images", name] => match images::built_in(name, &self.world.region) {
                Some(image) => Meaning::Value(image),
                None => wrong(
                    format!("it is not known where {} has an image {name}", self.world.region),
                    suggestion(name, [images::BUILT_IN]),
                ),
            },
            [section, name, attribute] if self.registry.get(section).is_some() => {
                self.attribute(&Address::new(*section, *name), attribute, resolution)
            }
            [section, _] if self.registry.get(section).is_some() => {
                wrong(format!("`${{{reference}}}` names no attribute"), "such as .name or .arn".to_owned())
            }
            [first, ..] => {
                let known = ["app", "environment", "account", "region", "partition", "pins", "values", "images"];
                let help = suggestion(first, known.into_iter().chain(self.registry.sections()));
                wrong(format!("`${{{reference}}}` leads nowhere"), format!("{help} A literal `${{` is written `$${{`"))
            }
            [] => wrong("an empty reference".to_owned(), String::new()),
        }
    }

    fn attribute(&self, address: &Address, attribute: &str, resolution: &mut Resolution) -> Meaning {
        if !self.environment.resources.contains_key(address) {
            return wrong(format!("{address} is not declared"), suggestion(&address.name, self.names_in(&address.section)));
        }
        resolution.referred.insert(address.clone());
        if self.busy.borrow().contains(address) {
            resolution.outputs_of.insert(address.clone());
            return Meaning::Hole;
        }
        let known = self.attributes(address);
        let from_spec = self.registry.get(&address.section).is_some_and(|kind| kind.attributes_from_spec());
        if from_spec {
            resolution.outputs_of.insert(address.clone());
        }
        match known.get(attribute) {
            Some(Attribute::Known(value)) => Meaning::Value(value.clone()),
            // What is only known of a live resource makes others wait for it.
            Some(Attribute::Later(_)) => {
                resolution.outputs_of.insert(address.clone());
                Meaning::Hole
            }
            Some(Attribute::Elsewhere(missing)) => {
                resolution.outputs_of.insert(address.clone());
                resolution.awaits.insert(format!("{address}.{attribute}"), missing.clone());
                Meaning::Hole
            }
            None => wrong(
                format!("{address} has no {} `{attribute}`", if from_spec { "output" } else { "attribute" }),
                suggestion(attribute, known.keys().map(String::as_str)),
            ),
        }
    }

    /// Resolves every string of a tree.
    pub fn tree(&self, node: &Node, resolution: &mut Resolution) -> Value {
        match &node.data {
            Data::String(text) => Value::String(self.string(text, node, resolution)),
            Data::Sequence(items) => Value::Array(items.iter().map(|item| self.tree(item, resolution)).collect()),
            Data::Mapping(entries) => {
                let pairs = entries.iter().map(|(key, entry)| (key.clone(), self.tree(&entry.node, resolution)));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
            _ => node.to_json(),
        }
    }

    fn string(&self, text: &str, node: &Node, resolution: &mut Resolution) -> String {
        let mut out = String::with_capacity(text.len());
        for part in parts(text) {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Unclosed(text) => {
                    let diagnostic = Diagnostic::new("this reference has no `}`", &node.span.find(text));
                    resolution.faults.push(diagnostic.help("a literal `${` is written `$${`"));
                }
                Part::Reference(reference) => match self.meaning(reference, resolution) {
                    Meaning::Value(value) => out.push_str(&value),
                    Meaning::Hole => {
                        resolution.holes.insert(reference.to_owned());
                        out.push_str(&format!("${{{reference}}}"));
                    }
                    Meaning::Blocked(why) => {
                        resolution.blocked.get_or_insert(why);
                        out.push_str(&format!("${{{reference}}}"));
                    }
                    Meaning::Wrong { message, help } => {
                        let span = node.span.find(&format!("${{{reference}}}"));
                        let diagnostic = Diagnostic::new(message, &span);
                        resolution.faults.push(if help.is_empty() { diagnostic } else { diagnostic.help(help) });
                    }
                },
            }
        }
        out
    }
}

fn wrong(message: String, help: String) -> Meaning {
    Meaning::Wrong { message, help }
}
