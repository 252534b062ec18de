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
mod guards;
mod history;
mod ignored;
mod issues;
mod journey;
mod leases;
mod members;
mod monitors;
mod neighbours;
mod oracles;
mod permissions;
mod promotion;
mod registry;
mod releases;
mod rollouts;
mod saved;
mod scaling;
mod scenarios;
mod stack_drift;
mod status;
mod support;
mod unknown;
mod who;
mod workflows;
mod workload;
mod written;
