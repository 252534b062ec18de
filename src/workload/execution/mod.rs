//! Follows an execution of a state machine: its history's events, as they come → lines, state by state.

mod follower;
mod line;
mod states;

#[cfg(test)]
mod tests;

pub use follower::Follower;
pub use line::{Line, Mark};

/// An event of `GetExecutionHistory`; its details are taken out of the member that its type names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Event {
    /// Counted from 1.
    pub id: i64,
    /// The event that led to this one; 0 for the first state's entry, and for what ends the execution from outside.
    pub previous_id: i64,
    /// The event's type, such as `TaskStateEntered`.
    pub kind: String,
    /// Milliseconds since 1970.
    pub timestamp_ms: i64,
    /// The state that is entered or exited, or the Map state whose iteration it is (`name`).
    pub state: Option<String>,
    /// What a state or an execution was given.
    pub input: Option<String>,
    /// What a state or an execution gave.
    pub output: Option<String>,
    /// The name of an error.
    pub error: Option<String>,
    /// Its cause: text, or JSON in text.
    pub cause: Option<String>,
    /// What a task calls, such as `createTrainingJob.sync`.
    pub resource: Option<String>,
    /// The number of items of a Map state.
    pub length: Option<u64>,
    /// The number of a Map state's iteration, from 0.
    pub index: Option<u64>,
}

/// An error with its cause.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Failure {
    /// The error's name, such as `States.Timeout`.
    pub error: Option<String>,
    /// Why; unshortened.
    pub cause: Option<String>,
}

/// How an execution ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// With this output.
    Succeeded(Option<String>),
    /// By an error that nothing caught.
    Failed(Failure),
    /// By its own `TimeoutSeconds`.
    TimedOut(Failure),
    /// By `StopExecution`.
    Aborted(Failure),
}

impl Failure {
    fn of(event: &Event) -> Self {
        Self { error: event.error.clone(), cause: event.cause.clone() }
    }

    /// The error and the message of its cause, on one line.
    ///
    /// Lambda's cause is JSON with `errorMessage`; that of a failed SageMaker job describes it, with `FailureReason`; that of a
    /// nested execution has its `Cause`.
    pub fn reason(&self) -> String {
        let cause = self.cause.as_deref().map(message).filter(|message| !message.is_empty());
        match (self.error.as_deref().filter(|error| !error.is_empty()), cause) {
            (Some(error), Some(cause)) => format!("{error}: {cause}"),
            (Some(error), None) => error.to_owned(),
            (None, Some(cause)) => cause,
            (None, None) => "no reason given".to_owned(),
        }
    }
}

/// Members of a cause that hold its message, in the order in which they are looked for.
const MESSAGES: [&str; 5] = ["errorMessage", "FailureReason", "Cause", "ErrorMessage", "Message"];

fn message(cause: &str) -> String {
    let parsed: Option<serde_json::Value> = serde_json::from_str(cause).ok();
    let found = parsed.as_ref().and_then(|cause| MESSAGES.iter().find_map(|member| cause.get(member)?.as_str()));
    found.unwrap_or(cause).trim().to_owned()
}
