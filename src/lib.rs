//! `scones` keeps an AWS machine-learning workload exactly as its YAML says.
//!
//! The modules, in the order the data takes through them:
//!
//! 1. [`environment`] reads files into an `Environment` (YAML, overlays, references, positions).
//! 2. [`desired`] turns it into the graph of resources that should exist (pure).
//! 3. [`observe`] reads what exists, in bulk and in parallel, and how it is doing; [`health`] judges that (pure).
//! 4. [`plan`] compares the two (pure), with [`diff`] and the normal forms of [`policy`], [`asl`] and [`template`].
//! 5. [`report`] shows a plan or an outcome; [`apply`] carries a plan out and is the only writer. A [`lease`] keeps it alone,
//!    [`history`] keeps what was applied, by which [`author`]. [`drift_check`] looks on a schedule, and publishes what it found.
//!
//! Of drift, [`who`] asks CloudTrail for its author, and [`accept`] turns it into an edit of the environment's file.
//! [`compare`] says how two environments differ; [`promote`] pins in one what runs proven in the other.
//! [`permissions`] says which IAM policy all that takes. [`workload`] stages, trains, measures and runs.
//! [`kind`] is the seam between the pure half and AWS: each resource kind in [`kinds`] implements it once.

pub mod address;
pub mod environment;

pub mod accept;
pub mod artifact;
pub mod asl;
pub mod attempt;
pub mod compare;
pub mod contract;
pub mod desired;
pub mod diff;
pub mod finding;
pub mod health;
pub mod images;
pub mod metrics;
pub mod plan;
pub mod policy;
pub mod promote;
pub mod release;
pub mod report;
pub mod stamp;
pub mod template;
pub mod units;

pub mod kind;
pub mod kinds;

pub mod permissions;

pub mod apply;
pub mod author;
pub mod aws;
pub mod drift_check;
pub mod history;
pub mod lease;
pub mod observe;
pub mod packages;

pub mod who;
pub mod workload;

pub mod commands;
