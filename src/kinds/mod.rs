//! The resource kinds, one file or folder each. A new kind is its file and a line here.

mod alarm;
mod cloudwatch;
mod composite_alarm;
mod dashboard;
mod endpoint;
mod function;
mod log_group;
mod model;
mod model_package_group;
mod monitor;
mod role;
mod rollout;
mod rule;
mod sagemaker;
mod schedule;
mod shift;
mod stack;
mod state_machine;

use crate::kind::{Erased, Registry};

/// All kinds, in the order in which they are made where nothing else says what must come first.
pub fn registry() -> Registry {
    Registry::new(vec![
        Box::new(Erased::<stack::Stack>::new()),
        Box::new(Erased::<role::Role>::new()),
        Box::new(Erased::<function::Function>::new()),
        Box::new(Erased::<state_machine::StateMachine>::new()),
        Box::new(Erased::<model_package_group::ModelPackageGroup>::new()),
        Box::new(Erased::<model::Model>::new()),
        Box::new(Erased::<alarm::Alarm>::new()),
        Box::new(Erased::<composite_alarm::CompositeAlarm>::new()),
        Box::new(Erased::<endpoint::Endpoint>::new()),
        Box::new(Erased::<dashboard::Dashboard>::new()),
        Box::new(Erased::<monitor::Monitor>::new()),
        Box::new(Erased::<schedule::Schedule>::new()),
    ])
}
