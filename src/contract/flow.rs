//! Values on their way through a machine: what each state gets, from the first input on.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value};

use super::Workflow;
use super::shape::Shape;
use crate::finding::{Finding, below};

/// How often the input of one state may change before it counts as unknown: loops could make it grow for ever.
const MOST_VISITS: usize = 6;

/// How many states are looked at in all, inner machines again for each look at the outer: then nothing more is known.
const MOST_STEPS: usize = 20_000;

/// A walk through a workflow.
pub(super) struct Walk<'a> {
    pub(super) workflow: &'a Workflow<'a>,
    findings: Vec<Finding>,
    /// Whether inputs are final, so that what they lack is a finding.
    reporting: bool,
    steps: usize,
}

/// Where a value goes from a state.
pub(super) struct Outcome {
    /// The next states, with their inputs.
    pub next: Vec<(String, Shape)>,
    /// The output of the machine, if it may end here.
    pub end: Option<Shape>,
}

/// A machine's surroundings.
#[derive(Clone, Copy)]
pub(super) struct Around {
    /// Whether states that name no language are JSONata.
    pub jsonata: bool,
}

/// What is known of a state so far.
struct Look {
    input: Shape,
    /// How often the input has changed.
    visits: usize,
    /// The output, if the machine may end here.
    end: Option<Shape>,
}

impl Look {
    /// Adds a way to the state, and tells whether that changes its input.
    fn join(&mut self, shape: &Shape) -> bool {
        let joined = if self.visits >= MOST_VISITS { Shape::Any } else { self.input.or(shape) };
        if joined == self.input {
            return false;
        }
        self.visits += 1;
        self.input = joined;
        true
    }
}

/// Follows the first input through a workflow.
pub(super) fn check(workflow: &Workflow, input: Shape) -> Vec<Finding> {
    let mut walk = Walk { workflow, findings: Vec::new(), reporting: true, steps: 0 };
    if let Some(machine) = workflow.definition.as_object() {
        let jsonata = machine.get("QueryLanguage").and_then(Value::as_str) == Some("JSONata");
        walk.machine(machine, &[], input, Around { jsonata });
    }
    walk.findings
}

impl Walk<'_> {
    /// Reports a finding, once.
    pub(super) fn report(&mut self, finding: Finding) {
        if self.reporting && !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// Follows an input through a machine, and returns its output.
    pub(super) fn machine(&mut self, machine: &Map<String, Value>, path: &[String], input: Shape, around: Around) -> Shape {
        let states = machine.get("States").and_then(Value::as_object);
        let start = machine.get("StartAt").and_then(Value::as_str);
        let (Some(states), Some(start)) = (states, start) else { return Shape::Any };
        if self.steps > MOST_STEPS {
            return Shape::Any;
        }
        let path = below(path, "States");
        let reporting = std::mem::replace(&mut self.reporting, false);
        let looks = self.settle(states, &path, start, input, around);
        self.reporting = reporting;
        if reporting {
            for (name, look) in &looks {
                if let Some(state) = states.get(name).and_then(Value::as_object) {
                    self.state(state, &below(&path, name), look.input.clone(), around);
                }
            }
        }
        looks.into_values().filter_map(|look| look.end).reduce(|one, other| one.or(&other)).unwrap_or(Shape::Any)
    }

    /// Finds each state's input: what is known of it on all ways to the state.
    fn settle(
        &mut self,
        states: &Map<String, Value>,
        path: &[String],
        start: &str,
        input: Shape,
        around: Around,
    ) -> BTreeMap<String, Look> {
        let mut looks: BTreeMap<String, Look> = [(start.to_owned(), Look { input, visits: 0, end: None })].into();
        let mut waiting = VecDeque::from([start.to_owned()]);
        while let Some(name) = waiting.pop_front() {
            let Some(input) = looks.get(&name).map(|look| look.input.clone()) else { continue };
            let Some(state) = states.get(&name).and_then(Value::as_object) else { continue };
            let outcome = self.state(state, &below(path, &name), input, around);
            if let Some(look) = looks.get_mut(&name) {
                look.end = outcome.end;
            }
            for (target, shape) in outcome.next {
                let changed = match looks.get_mut(&target) {
                    Some(look) => look.join(&shape),
                    None => {
                        looks.insert(target.clone(), Look { input: shape, visits: 0, end: None });
                        true
                    }
                };
                if changed && !waiting.contains(&target) {
                    waiting.push_back(target);
                }
            }
        }
        looks
    }

    /// Counts one look at a state; nothing is known of an input when there were too many.
    pub(super) fn step(&mut self, input: Shape) -> Shape {
        self.steps += 1;
        if self.steps > MOST_STEPS { Shape::Any } else { input }
    }
}
