//! [`Plan`](crate::plan::Plan) or [`Outcome`](crate::apply::Outcome) → what a person or a program reads.

pub mod compare;
pub mod history;
pub mod lines;
pub mod markdown;
pub mod outcome;
pub mod plain;
pub mod plan;
pub mod progress;
pub mod promote;
mod remarks;
mod risk;
mod rollout;
pub mod sarif;
pub mod status;
pub mod style;
pub mod suppressed;
pub mod unchecked;
pub mod who;
