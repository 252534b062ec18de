//! Kinds with their types erased, so that the engine uses all of them alike.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::time::Duration;

use futures::future::BoxFuture;
use schemars::SchemaGenerator;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::answer::Answer;
use super::{Access, Attribute, Call, Input, Kind, Live, Namesake, Part, Target, Wanted, World};
use crate::aws::{Aws, AwsError};
use crate::desired::Scope;
use crate::diff::{Change, Field};

/// [`Kind`] with its types erased to JSON.
pub trait AnyKind: Send + Sync {
    fn section(&self) -> &'static str;
    fn title(&self) -> &'static str;
    fn longest_name(&self) -> usize;
    fn fields(&self) -> &'static [Field];
    fn written(&self) -> &'static [super::Written];
    fn inputs(&self) -> &'static [(&'static str, Input)];
    fn calls(&self) -> &'static [Call];
    fn answers(&self) -> &'static [Answer];
    fn attributes_from_spec(&self) -> bool;
    fn references_order(&self) -> bool;
    fn named_by_content(&self) -> bool;
    fn stamped(&self) -> bool;
    fn kept_generations(&self) -> usize;
    fn generations_refer(&self) -> bool;
    fn deadline(&self) -> Duration;
    fn spec_schema(&self, generator: &mut SchemaGenerator) -> Value;
    fn attributes(&self, world: &World, name: &str, spec: &Value, document: Option<&Value>) -> BTreeMap<String, Attribute>;
    fn part(&self, arn: &str) -> Option<Part>;
    /// # Errors
    /// The path and the message of what does not deserialize.
    fn desired(&self, spec: &Value, scope: &mut Scope<'_>) -> Result<Option<Value>, (Vec<String>, String)>;
    fn after(&self, attributes: &BTreeMap<String, String>, changes: &[Change]) -> BTreeMap<String, String>;
    fn accesses(&self, world: &World, name: &str, state: &Value) -> Vec<Access>;
    fn observe<'a>(&'a self, aws: &'a Aws, wanted: &'a [Wanted<Value>]) -> BoxFuture<'a, Result<Vec<Live<Value>>, AwsError>>;
    fn detect<'a>(&'a self, aws: &'a Aws, names: &'a [String]) -> BoxFuture<'a, Result<BTreeMap<String, String>, AwsError>>;
    fn discover<'a>(&'a self, aws: &'a Aws) -> BoxFuture<'a, Result<Vec<String>, AwsError>>;
    fn refers<'a>(
        &'a self,
        aws: &'a Aws,
        live: &'a Live<Value>,
    ) -> BoxFuture<'a, Result<BTreeMap<String, Vec<String>>, AwsError>>;
    fn namesakes<'a>(&'a self, aws: &'a Aws) -> BoxFuture<'a, Result<Vec<Namesake>, AwsError>>;
    fn obstacle<'a>(&'a self, aws: &'a Aws, state: &'a Value) -> BoxFuture<'a, Result<Option<String>, AwsError>>;
    fn create<'a>(&'a self, aws: &'a Aws, to: Target<Value>) -> BoxFuture<'a, Result<(), AwsError>>;
    fn update<'a>(
        &'a self,
        aws: &'a Aws,
        from: &'a Live<Value>,
        to: Target<Value>,
        changes: &'a [Change],
    ) -> BoxFuture<'a, Result<(), AwsError>>;
    fn delete<'a>(&'a self, aws: &'a Aws, name: &'a str) -> BoxFuture<'a, Result<(), AwsError>>;
    fn collect<'a>(&'a self, aws: &'a Aws, name: &'a str, generations: &'a [String]) -> BoxFuture<'a, Result<(), AwsError>>;
}

/// Wraps a [`Kind`] as an [`AnyKind`].
pub struct Erased<K>(PhantomData<K>);

impl<K> Erased<K> {
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<K> Default for Erased<K> {
    fn default() -> Self {
        Self::new()
    }
}

fn typed<S: DeserializeOwned>(value: &Value) -> Result<S, AwsError> {
    serde_json::from_value(value.clone())
        .map_err(|error| AwsError::local(format!("a state does not have its kind's form: {error}")))
}

fn erased<S: Serialize>(state: &S) -> Result<Value, AwsError> {
    serde_json::to_value(state).map_err(|error| AwsError::local(format!("a state cannot be written as JSON: {error}")))
}

fn target<S: DeserializeOwned>(to: Target<Value>) -> Result<Target<S>, AwsError> {
    Ok(Target { state: typed(&to.state)?, name: to.name, tags: to.tags })
}

impl<K: Kind> AnyKind for Erased<K> {
    fn section(&self) -> &'static str {
        K::SECTION
    }
    fn title(&self) -> &'static str {
        K::TITLE
    }
    fn longest_name(&self) -> usize {
        K::LONGEST_NAME
    }
    fn fields(&self) -> &'static [Field] {
        K::FIELDS
    }
    fn written(&self) -> &'static [super::Written] {
        K::WRITTEN
    }
    fn inputs(&self) -> &'static [(&'static str, Input)] {
        K::INPUTS
    }
    fn calls(&self) -> &'static [Call] {
        K::CALLS
    }
    fn answers(&self) -> &'static [Answer] {
        K::ANSWERS
    }
    fn attributes_from_spec(&self) -> bool {
        K::ATTRIBUTES_FROM_SPEC
    }
    fn references_order(&self) -> bool {
        K::REFERENCES_ORDER
    }
    fn named_by_content(&self) -> bool {
        K::NAMED_BY_CONTENT
    }
    fn stamped(&self) -> bool {
        K::STAMPED
    }
    fn kept_generations(&self) -> usize {
        K::KEPT_GENERATIONS
    }
    fn generations_refer(&self) -> bool {
        K::GENERATIONS_REFER
    }
    fn deadline(&self) -> Duration {
        K::DEADLINE
    }
    fn spec_schema(&self, generator: &mut SchemaGenerator) -> Value {
        generator.subschema_for::<K::Spec>().to_value()
    }
    fn attributes(&self, world: &World, name: &str, spec: &Value, document: Option<&Value>) -> BTreeMap<String, Attribute> {
        K::attributes(world, name, spec, document)
    }
    fn part(&self, arn: &str) -> Option<Part> {
        K::part(arn)
    }

    fn desired(&self, spec: &Value, scope: &mut Scope<'_>) -> Result<Option<Value>, (Vec<String>, String)> {
        let spec: K::Spec = crate::environment::typed(spec)?;
        match K::desired(spec, scope) {
            Some(state) => erased(&state).map(Some).map_err(|error| (vec![], error.to_string())),
            None => Ok(None),
        }
    }

    fn after(&self, attributes: &BTreeMap<String, String>, changes: &[Change]) -> BTreeMap<String, String> {
        K::after(attributes, changes)
    }

    fn accesses(&self, world: &World, name: &str, state: &Value) -> Vec<Access> {
        match typed(state) {
            Ok(state) => K::accesses(world, name, &state),
            Err(error) => vec![Access::Unknown(format!("{name}: {}", error.message))],
        }
    }

    fn observe<'a>(&'a self, aws: &'a Aws, wanted: &'a [Wanted<Value>]) -> BoxFuture<'a, Result<Vec<Live<Value>>, AwsError>> {
        Box::pin(async move {
            let wanted = wanted
                .iter()
                .map(|one| Ok(Wanted { name: one.name.clone(), desired: one.desired.as_ref().map(typed).transpose()? }))
                .collect::<Result<Vec<_>, AwsError>>()?;
            let found = K::observe(aws, &wanted).await?;
            found.into_iter().map(|live| live.try_map(|state| erased(&state))).collect()
        })
    }

    fn detect<'a>(&'a self, aws: &'a Aws, names: &'a [String]) -> BoxFuture<'a, Result<BTreeMap<String, String>, AwsError>> {
        Box::pin(K::detect(aws, names))
    }

    fn discover<'a>(&'a self, aws: &'a Aws) -> BoxFuture<'a, Result<Vec<String>, AwsError>> {
        Box::pin(K::discover(aws))
    }

    fn refers<'a>(
        &'a self,
        aws: &'a Aws,
        live: &'a Live<Value>,
    ) -> BoxFuture<'a, Result<BTreeMap<String, Vec<String>>, AwsError>> {
        Box::pin(async move {
            let live = live.clone().try_map(|state| typed(&state))?;
            K::refers(aws, &live).await
        })
    }

    fn namesakes<'a>(&'a self, aws: &'a Aws) -> BoxFuture<'a, Result<Vec<Namesake>, AwsError>> {
        Box::pin(K::namesakes(aws))
    }

    fn obstacle<'a>(&'a self, aws: &'a Aws, state: &'a Value) -> BoxFuture<'a, Result<Option<String>, AwsError>> {
        Box::pin(async move { K::obstacle(aws, &typed(state)?).await })
    }

    fn create<'a>(&'a self, aws: &'a Aws, to: Target<Value>) -> BoxFuture<'a, Result<(), AwsError>> {
        Box::pin(async move { K::create(aws, target(to)?).await })
    }

    fn update<'a>(
        &'a self,
        aws: &'a Aws,
        from: &'a Live<Value>,
        to: Target<Value>,
        changes: &'a [Change],
    ) -> BoxFuture<'a, Result<(), AwsError>> {
        Box::pin(async move {
            let from = from.clone().try_map(|state| typed(&state))?;
            K::update(aws, &from, target(to)?, changes).await
        })
    }

    fn delete<'a>(&'a self, aws: &'a Aws, name: &'a str) -> BoxFuture<'a, Result<(), AwsError>> {
        Box::pin(K::delete(aws, name))
    }

    fn collect<'a>(&'a self, aws: &'a Aws, name: &'a str, generations: &'a [String]) -> BoxFuture<'a, Result<(), AwsError>> {
        Box::pin(K::collect(aws, name, generations))
    }
}

/// All kinds, in the order in which their sections are read and shown.
pub struct Registry {
    kinds: Vec<Box<dyn AnyKind>>,
}

impl Registry {
    pub fn new(kinds: Vec<Box<dyn AnyKind>>) -> Self {
        Self { kinds }
    }

    pub fn iter(&self) -> impl Iterator<Item = &dyn AnyKind> {
        self.kinds.iter().map(AsRef::as_ref)
    }

    pub fn get(&self, section: &str) -> Option<&dyn AnyKind> {
        self.iter().find(|kind| kind.section() == section)
    }

    /// The position of a section: sections are made in this order and deleted in the opposite one, where nothing else
    /// says what must come first.
    pub fn rank(&self, section: &str) -> usize {
        self.kinds.iter().position(|kind| kind.section() == section).unwrap_or(usize::MAX)
    }

    pub fn sections(&self) -> Vec<&'static str> {
        self.iter().map(AnyKind::section).collect()
    }
}
