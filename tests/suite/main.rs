//! All tests that need more than one module, in one binary: each binary links all of the AWS SDK.
//!
//! Most of them talk to the local cloud; `make test` starts it.

mod accept;
mod agreement;
mod architecture;
mod bad_input;
mod conformance;
mod cost;
mod drift;
mod drift_check;
mod formats;
mod generated;
mod ignored;
mod issues;
mod journey;
mod members;
mod monitors;
mod neighbours;
mod oracles;
mod permissions;
mod registry;
mod releases;
mod scaling;
mod scenarios;
mod stack_drift;
mod status;
mod support;
mod unknown;
mod who;
mod workload;
mod written;
