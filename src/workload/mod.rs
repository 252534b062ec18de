//! What a workload does besides being deployed: its data is staged, a model trained and measured, pictures classified.
//! Environment files speak of it in their [`blocks`](crate::environment::blocks).

pub mod evaluation;
pub mod execution;
pub mod measuring;
pub mod picture;
pub mod promoting;
pub mod runner;
pub mod staging;
