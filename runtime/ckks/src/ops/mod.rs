//! Operations on ciphertexts.

mod arithmetic;
mod inner_sum;
mod linear;
mod polynomial;
mod relinearize;
mod rotations;

pub use inner_sum::Strided;
pub use linear::{LinearPieces, LinearPlan, LinearTerm};
pub use polynomial::{Basis, Estimate, Polynomial, PolynomialCost};
