//! In the place of a scheme that this build does not have.

use crate::door::Scheme;

/// No door.
pub const DOOR: Option<&'static dyn Scheme> = None;
