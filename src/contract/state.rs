//! One state: from its input to its output, in the order of Step Functions' fields.
//!
//! Source: Step Functions developer guide, "Processing input and output in Step Functions", and the Amazon States Language
//! specification.

use serde_json::{Map, Value};

use super::LIMIT;
use super::called::{Answer, Called};
use super::flow::{Around, Outcome, Walk};
use super::function::Function;
use super::path::place;
use super::reads::Reader;
use super::shape::Shape;
use crate::finding::{Finding, below};

/// About what `lambda:invoke` puts around an answer: version, status, and the headers of the response.
const WRAPPING: u64 = 1_024;

impl Walk<'_> {
    /// Follows an input through one state.
    pub(super) fn state(&mut self, state: &Map<String, Value>, path: &[String], input: Shape, around: Around) -> Outcome {
        let input = self.step(input);
        let jsonata = match state.get("QueryLanguage").and_then(Value::as_str) {
            Some(language) => language == "JSONata",
            None => around.jsonata,
        };
        let output = if jsonata {
            self.through_jsonata(state, path, &input, around)
        } else {
            self.through_json_path(state, path, &input, around)
        };
        let output = self.carried(output, path, "passes on");
        let kind = state.get("Type").and_then(Value::as_str);
        // A choice may ask what a value has, and a task may fail for what it lacks: only other states pass on in any case.
        let output = if matches!(kind, Some("Pass" | "Wait")) { output } else { output.chosen() };
        let mut next = chosen(state, &output);
        for key in ["Next", "Default"] {
            next.extend(state.get(key).and_then(Value::as_str).map(|name| (name.to_owned(), output.clone())));
        }
        for catcher in state.get("Catch").and_then(Value::as_array).into_iter().flatten() {
            let Some(target) = catcher.get("Next").and_then(Value::as_str) else { continue };
            next.push((target.to_owned(), caught(catcher, &input.chosen(), jsonata)));
        }
        let ends = kind == Some("Succeed") || state.get("End") == Some(&Value::Bool(true));
        Outcome { next, end: ends.then_some(output) }
    }

    /// InputPath, Parameters, the work itself, ResultSelector, ResultPath, OutputPath.
    fn through_json_path(&mut self, state: &Map<String, Value>, path: &[String], raw: &Shape, around: Around) -> Shape {
        let kind = state.get("Type").and_then(Value::as_str).unwrap_or_default();
        let mut read = Reader::json_path(self, path);
        let effective = read.optional_path(state, "InputPath", raw, "the state's input");
        read.places(state, &effective, kind);
        if kind == "Choice" {
            read.choices(state, &effective);
        }
        let arguments = match state.get("Parameters") {
            Some(template) if kind != "Map" => read.template(template, "Parameters", &effective),
            _ => effective.clone(),
        };
        let result = match (kind, state.get("Result")) {
            ("Pass", Some(result)) => Shape::of_value(result),
            ("Task", _) => self.task(state, path, &arguments),
            ("Parallel", _) => self.parallel(state, path, &arguments, around),
            ("Map", _) => {
                let items = state.get("ItemsPath").and_then(Value::as_str).unwrap_or("$");
                let items = Reader::json_path(self, path).path(items, "ItemsPath", &effective, "the state's input");
                let item = ["ItemSelector", "Parameters"].into_iter().find_map(|key| Some((key, state.get(key)?)));
                let item = item.map(|(key, template)| Reader::json_path(self, path).template(template, key, &effective));
                self.map(state, path, item.unwrap_or_else(|| items.every_element()), around)
            }
            _ => arguments,
        };
        let mut read = Reader::json_path(self, path);
        let selected = match state.get("ResultSelector") {
            Some(template) => read.result_template(template, &result),
            None => result,
        };
        let combined = match kind {
            "Task" | "Pass" | "Parallel" | "Map" => put(state.get("ResultPath"), raw, selected),
            _ => selected,
        };
        read.optional_path(state, "OutputPath", &combined, "what the state has at its end")
    }

    /// Arguments, the work itself, Output.
    fn through_jsonata(&mut self, state: &Map<String, Value>, path: &[String], input: &Shape, around: Around) -> Shape {
        let kind = state.get("Type").and_then(Value::as_str).unwrap_or_default();
        let mut read = Reader::jsonata(self, path);
        let arguments = match state.get("Arguments") {
            Some(template) => read.expressions(template, "Arguments", input, None),
            None => input.clone(),
        };
        let result = match kind {
            "Task" => Some(self.task(state, path, &arguments)),
            "Parallel" => Some(self.parallel(state, path, &arguments, around)),
            "Map" => {
                let items = state.get("Items");
                let items =
                    items.map_or(Shape::Any, |items| Reader::jsonata(self, path).expressions(items, "Items", input, None));
                let selected = state.contains_key("ItemSelector");
                Some(self.map(state, path, if selected { Shape::Any } else { items.every_element() }, around))
            }
            _ => None,
        };
        match state.get("Output") {
            Some(template) => Reader::jsonata(self, path).expressions(template, "Output", input, result.as_ref()),
            None => result.unwrap_or_else(|| input.clone()),
        }
    }

    fn task(&mut self, state: &Map<String, Value>, path: &[String], arguments: &Shape) -> Shape {
        let arguments = self.carried(arguments.clone(), path, "hands over");
        let Called::Function { known, answer, .. } = Called::by(state, self.workflow.functions) else { return Shape::Any };
        let event = match answer {
            Answer::Plain => arguments,
            Answer::Wrapped | Answer::Unknown => arguments.member("Payload").unwrap_or_else(|_| Shape::empty()),
        };
        let Some(function) = known else { return wrapped(answer, Shape::Any) };
        let Some(contract) = &function.contract else { return wrapped(answer, Shape::Any) };
        if !self.has_what_it_needs(state, path, function, &contract.input.required, &event) {
            return Shape::Any;
        }
        wrapped(answer, Shape::of_answer(contract, &event, self.workflow.largest_picture))
    }

    /// Reports what a function needs and its event surely lacks. Then it fails, and what it answers does not matter.
    fn has_what_it_needs(
        &mut self,
        state: &Map<String, Value>,
        path: &[String],
        function: &Function,
        required: &[String],
        event: &Shape,
    ) -> bool {
        let Some(has) = event.fields() else { return true };
        let missing: Vec<&str> = required.iter().map(String::as_str).filter(|name| !has.contains(name)).collect();
        if missing.is_empty() {
            return true;
        }
        let key = ["Parameters", "Arguments"].into_iter().find(|key| state.contains_key(*key));
        let here = key.map_or_else(|| path.to_vec(), |key| below(path, key));
        let list = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let got = if has.is_empty() { "no field".to_owned() } else { list(&has) };
        let message = format!("`{}` needs {}, and its event has {got}", function.name, list(&missing));
        let help = if has.contains(&"body") || has.contains(&"Payload") {
            "pass on the answer's body alone: `OutputPath: \"$.Payload.body\"` in the state before"
        } else {
            "keep the fields on the way, with `ResultPath`, or name them in `Parameters`"
        };
        self.report(Finding::new(&here, message).help(help));
        false
    }

    fn parallel(&mut self, state: &Map<String, Value>, path: &[String], input: &Shape, around: Around) -> Shape {
        let path = below(path, "Branches");
        let branches = state.get("Branches").and_then(Value::as_array).into_iter().flatten().enumerate();
        let outputs = branches.map(|(index, branch)| match branch.as_object() {
            Some(machine) => self.machine(machine, &below(&path, index), input.clone(), around),
            None => Shape::Any,
        });
        let outputs: Vec<Shape> = outputs.collect();
        Shape::list(outputs)
    }

    fn map(&mut self, state: &Map<String, Value>, path: &[String], item: Shape, around: Around) -> Shape {
        let elsewhere = state.contains_key("ItemReader") || state.contains_key("ItemBatcher");
        let item = if elsewhere { Shape::Any } else { item };
        for key in ["ItemProcessor", "Iterator"] {
            if let Some(machine) = state.get(key).and_then(Value::as_object) {
                let output = self.machine(machine, &below(path, key), item, around);
                return if state.contains_key("ResultWriter") { Shape::Any } else { Shape::list_of(output) };
            }
        }
        Shape::Any
    }

    /// Reports what is larger than a state may carry; behind it, nothing is known.
    fn carried(&mut self, value: Shape, path: &[String], verb: &str) -> Shape {
        let bytes = value.bytes();
        if bytes <= LIMIT {
            return value;
        }
        let name = path.last().map(String::as_str).unwrap_or_default();
        let message = format!("`{name}` {verb} up to {bytes} bytes, and Step Functions carries {LIMIT} from state to state");
        self.report(Finding::new(path, message).help("leave large data in S3, and pass on its key"));
        Shape::Any
    }
}

fn wrapped(answer: Answer, payload: Shape) -> Shape {
    let members = || {
        [
            ("ExecutedVersion".to_owned(), Shape::Text(0)),
            ("Payload".to_owned(), payload.clone()),
            ("SdkHttpMetadata".to_owned(), Shape::object([].into(), true, WRAPPING)),
            ("SdkResponseMetadata".to_owned(), Shape::object([].into(), true, 0)),
            ("StatusCode".to_owned(), Shape::Scalar),
        ]
    };
    match answer {
        Answer::Plain => payload,
        Answer::Wrapped => Shape::object(members().into(), false, 0),
        Answer::Unknown => Shape::Any,
    }
}

/// Puts a result into the state's input, as `ResultPath` says.
fn put(result_path: Option<&Value>, raw: &Shape, result: Shape) -> Shape {
    match result_path {
        None => result,
        Some(Value::Null) => raw.clone(),
        Some(Value::String(path)) => match place(path) {
            Some(way) => raw.with(&way, result),
            None => Shape::Any,
        },
        Some(_) => Shape::Any,
    }
}

fn caught(catcher: &Value, input: &Shape, jsonata: bool) -> Shape {
    if !jsonata {
        return put(catcher.get("ResultPath"), input, Shape::error());
    }
    if catcher.get("Output").is_some() { Shape::Any } else { Shape::error() }
}

/// Where the rules of a Choice state lead.
fn chosen(state: &Map<String, Value>, output: &Shape) -> Vec<(String, Shape)> {
    let rules = state.get("Choices").and_then(Value::as_array).into_iter().flatten();
    let ways = rules.filter_map(|rule| {
        let output = if rule.get("Output").is_some() { Shape::Any } else { output.clone() };
        Some((rule.get("Next")?.as_str()?.to_owned(), output))
    });
    ways.collect()
}
