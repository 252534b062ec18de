//! The resource kinds, one file each. A new kind is its file and a line here.

mod role;

use crate::kind::{Erased, Registry};

/// All kinds, in the order in which they are made where nothing else says what must come first.
pub fn registry() -> Registry {
    Registry::new(vec![Box::new(Erased::<role::Role>::new())])
}
