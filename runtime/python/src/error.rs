//! The exceptions of the package.

use hemet_runtime::RuntimeError;
use pyo3::PyErr;
use pyo3::create_exception;
use pyo3::exceptions::PyValueError;

create_exception!(
    hemet,
    HemetError,
    PyValueError,
    "What was given cannot be used, and why."
);
create_exception!(
    hemet,
    CheckError,
    HemetError,
    "Everything could be read, and an answer was checked and found wrong."
);

/// A refusal of the runtime as an exception.
pub(crate) fn refused(error: RuntimeError) -> PyErr {
    match error.is_failed_check() {
        true => CheckError::new_err(error.to_string()),
        false => HemetError::new_err(error.to_string()),
    }
}

/// A refusal in words.
pub(crate) fn wrong(what: impl ToString) -> PyErr {
    HemetError::new_err(what.to_string())
}
