//! What an endpoint sees and answers, held against a baseline. The definitions of the statistics and of `baseline.json`
//! live here, for the Lambda function of this crate and for whoever makes baselines.

pub mod baseline;
pub mod capture;
pub mod comparison;
pub mod event;
pub mod failure;
pub mod lines;
pub mod metrics;
pub mod picture;
pub mod report;
pub mod s3uri;
pub mod statistics;
pub mod tally;
pub mod window;

#[cfg(feature = "function")]
pub mod aws;
#[cfg(feature = "function")]
pub mod handler;
#[cfg(feature = "function")]
pub mod reading;
