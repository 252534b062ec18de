//! Events → lines, a few events at a time.

use std::time::Duration;

use super::states::{Place, Shape, State, States, Tally};
use super::{Ending, Event, Failure, Line, Mark};

/// Turns an execution's events into lines as they come.
///
/// A state has its line when it is left. Branches of a Parallel state are indented under it; of the iterations of a Map
/// state only failures have lines, the others are counted.
#[derive(Debug, Default)]
pub struct Follower {
    states: States,
    last: i64,
    started_ms: Option<i64>,
    ending: Option<Ending>,
    /// The states it ended in; a redriven execution goes on there, without entering them again.
    ended_in: Vec<usize>,
}

impl Follower {
    /// Takes events, in any order, and tells what is new. Those seen before are passed over, so a history may be read
    /// from its beginning each time.
    pub fn feed(&mut self, events: &[Event]) -> Vec<Line> {
        let mut fresh: Vec<&Event> = events.iter().filter(|event| event.id > self.last).collect();
        fresh.sort_by_key(|event| event.id);
        fresh.dedup_by_key(|event| event.id);
        let mut lines = vec![];
        for event in fresh {
            self.last = event.id;
            let place = self.take(event, &mut lines);
            self.states.keep(event, place);
        }
        lines
    }

    /// How the execution ended, once it has.
    pub fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// What is under way, with the time it takes so far; `now_ms` are milliseconds since 1970.
    pub fn running(&self, now_ms: i64) -> Vec<Line> {
        let shown = self.states.open().filter(|(index, state)| state.shape != Shape::Parallel && !self.states.is_in_map(*index));
        shown.map(|(index, state)| self.line(index, state, Mark::Running, now_ms, running_note(state))).collect()
    }

    fn take(&mut self, event: &Event, lines: &mut Vec<Line>) -> Place {
        let before = self.states.before(event);
        let kind = event.kind.as_str();
        if let Some(shape) = kind.strip_suffix("StateEntered") {
            return self.enter(event, shape, lines);
        }
        if kind.ends_with("StateExited") {
            return self.exit(event, before, lines);
        }
        match kind {
            "ExecutionStarted" => self.started_ms = Some(event.timestamp_ms),
            "ExecutionRedriven" => {
                self.ending = None;
                self.states.reopen(&std::mem::take(&mut self.ended_in));
            }
            "ExecutionSucceeded" => self.end(event, Ending::Succeeded(event.output.clone()), lines),
            "ExecutionFailed" => self.end(event, Ending::Failed(Failure::of(event)), lines),
            "ExecutionTimedOut" => self.end(event, Ending::TimedOut(Failure::of(event)), lines),
            "ExecutionAborted" => self.end(event, Ending::Aborted(Failure::of(event)), lines),
            "MapStateStarted" => return self.begin(event, before, Shape::Map, lines),
            "ParallelStateStarted" => return self.begin(event, before, Shape::Parallel, lines),
            "MapIterationStarted" | "MapIterationSucceeded" | "MapIterationFailed" | "MapIterationAborted" => {
                return self.iterate(event, before, lines);
            }
            "MapStateFailed" | "MapRunFailed" => return self.fail_container(event, before, Shape::Map, lines),
            "ParallelStateFailed" => return self.fail_container(event, before, Shape::Parallel, lines),
            "TaskScheduled" | "LambdaFunctionScheduled" | "ActivityScheduled" => self.schedule(event, before, lines),
            _ if is_failure(kind) => {
                if let Some(state) = before.state.and_then(|index| self.states.get_mut(index)) {
                    state.failure = Some(Failure::of(event));
                }
            }
            // The others say no more than those around them: started, submitted, succeeded, aborted.
            _ => {}
        }
        before
    }

    fn enter(&mut self, event: &Event, shape: &str, lines: &mut Vec<Line>) -> Place {
        let kind = match shape {
            "Map" => Shape::Map,
            "Parallel" => Shape::Parallel,
            "Pass" | "Choice" | "Succeed" | "Fail" => Shape::Instant,
            _ => Shape::Timed,
        };
        let index = self.states.enter(event, kind);
        if shape == "Fail" {
            // It is never exited. Its error comes with what it makes fail.
            self.tell(index, Mark::Failed, event.timestamp_ms, String::new(), lines);
            return self.states.close(index);
        }
        Place { state: Some(index), iteration: None }
    }

    fn exit(&mut self, event: &Event, before: Place, lines: &mut Vec<Line>) -> Place {
        let Some(index) = self.states.named(before, event.state.as_deref().unwrap_or_default()) else { return before };
        for inner in self.states.inside(index, None) {
            self.states.close(inner);
        }
        if let Some(state) = self.states.get(index) {
            let (mark, note) = match &state.failure {
                Some(failure) if *failure == Failure::default() => (Mark::Caught, "caught".into()),
                Some(failure) => (Mark::Caught, format!("caught {}", failure.reason())),
                None => (Mark::Done, done_note(state)),
            };
            self.tell(index, mark, event.timestamp_ms, note, lines);
        }
        self.states.close(index)
    }

    /// A task is called, or called again.
    fn schedule(&mut self, event: &Event, before: Place, lines: &mut Vec<Line>) {
        let Some((index, state)) = before.state.and_then(|index| Some((index, self.states.get_mut(index)?))) else { return };
        let Some(failure) = state.failure.take() else { return };
        if state.is_container() {
            return;
        }
        state.retries += 1;
        let note = format!("attempt {} failed: {}", state.retries, failure.reason());
        self.tell(index, Mark::Retried, event.timestamp_ms, note, lines);
    }

    /// A Map or Parallel state starts its iterations or branches, or starts them again.
    fn begin(&mut self, event: &Event, before: Place, shape: Shape, lines: &mut Vec<Line>) -> Place {
        let Some(index) = self.states.container(before, shape) else { return before };
        self.abort(index, None, event.timestamp_ms, lines);
        let Some(state) = self.states.get_mut(index) else { return before };
        let again =
            std::mem::replace(&mut state.tally, Tally { started: true, length: event.length, ..Tally::default() }).started;
        let note = if again {
            state.retries += 1;
            let failure = state.failure.take().and_then(|failure| failure.error);
            format!("attempt {} failed{}", state.retries, failure.map(|error| format!(": {error}")).unwrap_or_default())
        } else {
            event.length.map(|length| counted(length, "item", "items")).unwrap_or_default()
        };
        self.tell(index, if again { Mark::Retried } else { Mark::Opened }, event.timestamp_ms, note, lines);
        Place { state: Some(index), iteration: None }
    }

    fn iterate(&mut self, event: &Event, before: Place, lines: &mut Vec<Line>) -> Place {
        let Some(index) = self.states.container(before, Shape::Map) else { return before };
        if event.kind == "MapIterationStarted" {
            return Place { state: Some(index), iteration: event.index };
        }
        let failure = self.abort(index, Some(event.index.unwrap_or_default()), event.timestamp_ms, lines);
        if let Some(state) = self.states.get_mut(index) {
            match event.kind.as_str() {
                "MapIterationSucceeded" => state.tally.succeeded += 1,
                "MapIterationFailed" => {
                    state.tally.failed += 1;
                    state.failure = failure.or(state.failure.take());
                }
                _ => state.tally.aborted += 1,
            }
        }
        Place { state: Some(index), iteration: None }
    }

    fn fail_container(&mut self, event: &Event, before: Place, shape: Shape, lines: &mut Vec<Line>) -> Place {
        let Some(index) = self.states.container(before, shape) else { return before };
        let inner = self.abort(index, None, event.timestamp_ms, lines);
        if let Some(state) = self.states.get_mut(index) {
            let own = (event.error.is_some() || event.cause.is_some()).then(|| Failure::of(event));
            state.failure = own.or(inner).or(state.failure.take()).or_else(|| Some(Failure::default()));
        }
        Place { state: Some(index), iteration: None }
    }

    /// Closes what is open inside of a container, and tells the failure that was there, if any.
    fn abort(&mut self, container: usize, iteration: Option<u64>, now_ms: i64, lines: &mut Vec<Line>) -> Option<Failure> {
        let mut found = None;
        for index in self.states.inside(container, iteration) {
            let failure = self.states.get(index).and_then(|state| state.failure.clone());
            let (mark, note) = match &failure {
                Some(failure) => (Mark::Failed, failure.reason()),
                None => (Mark::Aborted, String::new()),
            };
            self.tell(index, mark, now_ms, note, lines);
            self.states.close(index);
            found = found.or(failure);
        }
        found
    }

    /// The execution's own line comes last, after those of the states that it ended in.
    fn end(&mut self, event: &Event, ending: Ending, lines: &mut Vec<Line>) {
        self.ended_in = self.states.open().rev().map(|(index, _)| index).collect();
        for index in self.ended_in.clone() {
            let failure = self.states.get(index).and_then(|state| state.failure.as_ref());
            let (mark, note) = match (&ending, failure) {
                // The execution's line says why, right after this one.
                (Ending::Failed(why), Some(failure)) if why.error == failure.error => (Mark::Failed, String::new()),
                (_, Some(failure)) if *failure != Failure::default() => (Mark::Failed, failure.reason()),
                (_, Some(_)) | (Ending::Failed(_), None) => (Mark::Failed, String::new()),
                (_, None) => (Mark::Aborted, String::new()),
            };
            self.tell(index, mark, event.timestamp_ms, note, lines);
            self.states.close(index);
        }
        let (mark, subject, note) = match &ending {
            Ending::Succeeded(_) => (Mark::Done, "Succeeded after", String::new()),
            Ending::Failed(why) => (Mark::Failed, "Failed after", why.reason()),
            Ending::TimedOut(why) => (Mark::Failed, "Timed out after", why.reason()),
            Ending::Aborted(why) => (Mark::Failed, "Stopped after", why.reason()),
        };
        let elapsed = self.started_ms.map_or(Duration::ZERO, |started| between(started, event.timestamp_ms));
        lines.push(Line { depth: 0, mark, subject: subject.into(), elapsed: Some(elapsed), note });
        self.ending = Some(ending);
    }

    /// Adds a state's line, unless it is inside of a Map state and no failure.
    fn tell(&self, index: usize, mark: Mark, now_ms: i64, note: String, lines: &mut Vec<Line>) {
        if mark != Mark::Failed && self.states.is_in_map(index) {
            return;
        }
        if let Some(state) = self.states.get(index) {
            lines.push(self.line(index, state, mark, now_ms, note));
        }
    }

    fn line(&self, index: usize, state: &State, mark: Mark, now_ms: i64, note: String) -> Line {
        let number = self.states.around(Some(index)).find_map(|(_, state)| state.iteration);
        let subject = number.map_or_else(|| state.name.clone(), |number| format!("#{number} {}", state.name));
        let is_timed = state.shape != Shape::Instant && mark != Mark::Opened && mark != Mark::Retried;
        let elapsed = is_timed.then(|| between(state.entered_ms, now_ms));
        Line { depth: self.states.depth(index), mark, subject, elapsed, note }
    }
}

/// Time between two clocks' readings, which may disagree about what came first.
fn between(from_ms: i64, to_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(to_ms.saturating_sub(from_ms)).unwrap_or(0))
}

/// Whether an event says that what a state called did not work.
fn is_failure(kind: &str) -> bool {
    let of_call = ["Task", "LambdaFunction", "Activity"].iter().any(|what| kind.starts_with(what));
    (of_call && (kind.ends_with("Failed") || kind.ends_with("TimedOut"))) || kind == "EvaluationFailed"
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn done_note(state: &State) -> String {
    let mut parts = vec![];
    if state.shape == Shape::Map {
        let Tally { succeeded, failed, .. } = state.tally;
        // Without iterations in the history there is nothing to count: distributed maps keep theirs elsewhere.
        if succeeded + failed > 0 {
            parts.push(counted(succeeded, "item", "items"));
        }
        if failed > 0 {
            parts.push(format!("{failed} failed"));
        }
    }
    if state.retries > 0 {
        parts.push(counted(state.retries.into(), "retry", "retries"));
    }
    parts.join(", ")
}

fn running_note(state: &State) -> String {
    let mut parts = vec![];
    if let (Shape::Map, Some(length)) = (state.shape, state.tally.length) {
        parts.push(format!("{} of {length} done", state.tally.succeeded + state.tally.failed));
    }
    match &state.failure {
        Some(failure) if !state.is_container() => parts.push(failure.reason()),
        _ if state.retries > 0 => parts.push(format!("attempt {}", state.retries + 1)),
        _ => {}
    }
    parts.join(", ")
}
