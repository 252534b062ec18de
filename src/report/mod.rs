//! [`Plan`](crate::plan::Plan) or [`Outcome`](crate::apply::Outcome) → what a person or a program reads.

pub mod lines;
pub mod outcome;
pub mod plain;
pub mod plan;
pub mod progress;
pub mod style;
pub mod unchecked;
