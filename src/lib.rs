pub mod address;
pub mod environment;

pub mod asl;
pub mod desired;
pub mod diff;
pub mod finding;
pub mod policy;
pub mod template;

pub mod kind;
pub mod kinds;

pub mod aws;
pub mod packages;
