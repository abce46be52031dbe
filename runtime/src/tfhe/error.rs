//! Errors of the crate below, with the words of this one.

use crate::error::RuntimeError;

pub(super) fn refused(error: hemet_tfhe::Error) -> RuntimeError {
    RuntimeError::Refused(error.to_string())
}
