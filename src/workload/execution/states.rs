//! The states an execution has been in, and which of them an event is about.

use std::collections::{BTreeMap, BTreeSet};

use super::{Event, Failure};

/// What a state is; only what makes a difference to its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Calls something, or waits.
    Timed,
    /// Takes no time: Pass, Choice, Succeed, Fail.
    Instant,
    /// Has iterations.
    Map,
    /// Has branches.
    Parallel,
}

/// One visit of a state.
#[derive(Debug)]
pub struct State {
    pub name: String,
    pub shape: Shape,
    pub parent: Option<usize>,
    /// The iteration of the Map state that is its parent.
    pub iteration: Option<u64>,
    pub entered_ms: i64,
    pub retries: u32,
    /// The error that was not yet retried, caught or passed on.
    pub failure: Option<Failure>,
    pub tally: Tally,
}

/// How a Map state's iterations go. `started` says whether there was an attempt.
#[derive(Debug, Default)]
pub struct Tally {
    pub started: bool,
    pub length: Option<u64>,
    pub succeeded: u64,
    pub failed: u64,
    pub aborted: u64,
}

impl State {
    pub fn is_container(&self) -> bool {
        matches!(self.shape, Shape::Map | Shape::Parallel)
    }
}

/// Where an event is: inside of which state, and in which of its iterations.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place {
    pub state: Option<usize>,
    pub iteration: Option<u64>,
}

/// All visits so far. A history has at most 25,000 events (AWS's quota), so all are kept.
#[derive(Debug, Default)]
pub struct States {
    visits: Vec<State>,
    open: BTreeSet<usize>,
    places: BTreeMap<i64, Place>,
    latest: Place,
}

impl States {
    /// The place of what led to an event. Some emulators leave out `previousEventId`; there nothing runs at once, so
    /// it is what came before.
    pub fn before(&self, event: &Event) -> Place {
        self.places.get(&event.previous_id).copied().unwrap_or(self.latest)
    }

    pub fn keep(&mut self, event: &Event, place: Place) {
        self.places.insert(event.id, place);
        self.latest = place;
    }

    pub fn get(&self, index: usize) -> Option<&State> {
        self.visits.get(index)
    }

    pub fn get_mut(&mut self, index: usize) -> Option<&mut State> {
        self.visits.get_mut(index)
    }

    pub fn enter(&mut self, event: &Event, shape: Shape) -> usize {
        let before = self.before(event);
        // After a state that never exited, such as a redriven one, its neighbour lies where it lay.
        let Place { state: parent, iteration } = match before.state.and_then(|index| self.get(index)) {
            Some(state) if !state.is_container() => Place { state: state.parent, iteration: state.iteration },
            _ => before,
        };
        self.visits.push(State {
            name: event.state.clone().unwrap_or_default(),
            shape,
            parent,
            iteration,
            entered_ms: event.timestamp_ms,
            retries: 0,
            failure: None,
            tally: Tally::default(),
        });
        let index = self.visits.len() - 1;
        self.open.insert(index);
        index
    }

    /// Closes a state and tells where the next one will be.
    pub fn close(&mut self, index: usize) -> Place {
        self.open.remove(&index);
        self.get(index).map(|state| Place { state: state.parent, iteration: state.iteration }).unwrap_or_default()
    }

    /// Opens states again, as if they had not failed.
    pub fn reopen(&mut self, closed: &[usize]) {
        for index in closed {
            self.open.insert(*index);
            if let Some(state) = self.get_mut(*index) {
                state.failure = None;
            }
        }
    }

    pub fn is_open(&self, index: usize) -> bool {
        self.open.contains(&index)
    }

    /// Those not exited, in the order of their entry.
    pub fn open(&self) -> impl DoubleEndedIterator<Item = (usize, &State)> {
        self.open.iter().filter_map(|index| Some((*index, self.get(*index)?)))
    }

    /// A state and those it lies in, from the inside out. A state is always entered after what it lies in, so this ends.
    pub fn around(&self, index: Option<usize>) -> impl Iterator<Item = (usize, &State)> {
        let at = |index: usize| Some((index, self.get(index)?));
        std::iter::successors(index.and_then(at), move |(_, state)| state.parent.and_then(at))
    }

    /// The open state with this name around a place, or else anywhere.
    pub fn named(&self, place: Place, name: &str) -> Option<usize> {
        let around = self.around(place.state).find(|(index, state)| state.name == name && self.is_open(*index));
        around.or_else(|| self.open().rev().find(|(_, state)| state.name == name)).map(|(index, _)| index)
    }

    /// The open Map or Parallel state around a place. AWS lets what ends one follow on an event inside of it.
    pub fn container(&self, place: Place, shape: Shape) -> Option<usize> {
        self.around(place.state).find(|(index, state)| state.shape == shape && self.is_open(*index)).map(|(index, _)| index)
    }

    /// The open states inside of a container, the innermost first; of one iteration if it is given.
    pub fn inside(&self, container: usize, iteration: Option<u64>) -> Vec<usize> {
        let is_inside = |state: &State| {
            let mut below = Some(state);
            let path = std::iter::from_fn(|| {
                let state = below?;
                below = state.parent.and_then(|parent| self.get(parent));
                Some(state)
            });
            path.into_iter().any(|state| state.parent == Some(container) && (iteration.is_none() || state.iteration == iteration))
        };
        self.open().rev().filter(|(_, state)| is_inside(state)).map(|(index, _)| index).collect()
    }

    /// How many states it lies in.
    pub fn depth(&self, index: usize) -> usize {
        self.around(Some(index)).count().saturating_sub(1)
    }

    /// Whether it lies in a Map state: of its iterations only failures are shown.
    pub fn is_in_map(&self, index: usize) -> bool {
        self.around(Some(index)).skip(1).any(|(_, state)| state.shape == Shape::Map)
    }
}
