//! Backends: what runs the instructions of a schedule. A backend is one folder or file here, one line in this list, and
//! passes the conformance suite ([`crate::conformance`]) within its stated error bound.

pub mod ckks;
pub mod clear;

pub use ckks::CkksBackend;
pub use clear::ClearBackend;

use hemet_schedule::{Diagonals, Level, LinearPlan, Scale, Type};

use crate::error::Result;
use crate::noise::NoiseModel;

/// A linear map before it is encoded.
pub struct LinearConstant {
    /// Number of operands.
    pub inputs: usize,
    /// Its terms.
    pub plan: LinearPlan,
    /// The diagonals, found when they are asked for.
    pub diagonals: Diagonals,
    /// Level of the operands.
    pub level: Level,
    /// Scale at which diagonals are encoded.
    pub scale: Scale,
}

/// One method for each instruction. Operands come from a verified schedule, so types fit; a backend still returns an
/// error rather than panic where they do not.
pub trait Backend: Send + Sync {
    /// A value.
    type Ciphertext: Clone + Send + Sync;
    /// A vector constant, encoded.
    type Vector: Send + Sync;
    /// All linear maps of a schedule, encoded as far as the backend keeps them.
    type Maps: Send + Sync;
    /// The linear maps during one run.
    type Pass<'a>: Send + Sync;
    /// What a client hands over so that its ciphertexts can be worked on.
    type Keys: Sync;

    /// The word for the backend in cost tables and messages.
    fn name(&self) -> &'static str;

    /// Number of slots of a value.
    fn slots(&self) -> usize;

    /// The errors that the backend adds to slots, from which [`crate::noise::error_bound`] derives the error of an
    /// output.
    fn noise(&self) -> NoiseModel;

    /// Encodes a vector constant for operands of `level`, at `scale`. Slot `i` holds `values[i mod len]`.
    ///
    /// # Errors
    /// A value that does not fit the modulus.
    fn encode_vector(&self, values: &[f64], level: Level, scale: &Scale) -> Result<Self::Vector>;

    /// Encodes linear maps, in the order in which runs will use them, in the caller's rayon pool.
    ///
    /// # Errors
    /// A diagonal that does not fit the modulus.
    fn encode_maps(&self, maps: Vec<LinearConstant>) -> Result<Self::Maps>;

    /// Begins a run that will use the maps in their order.
    fn begin<'a>(&self, maps: &'a Self::Maps) -> Self::Pass<'a>;

    /// Whether a run must use the maps one at a time in their order, as where not all are kept encoded.
    fn is_in_order(&self, maps: &Self::Maps) -> bool;

    /// Whether `x` is of type `expected`: asked of every input ciphertext before the first instruction.
    ///
    /// # Errors
    /// What differs, with both numbers; `index` is the position among the inputs.
    fn check_input(&self, index: usize, x: &Self::Ciphertext, expected: &Type) -> Result<()>;

    /// Linear map number `map` of those that were encoded.
    ///
    /// # Errors
    /// A missing rotation key.
    fn linear(
        &self,
        keys: &Self::Keys,
        inputs: &[&Self::Ciphertext],
        pass: &Self::Pass<'_>,
        map: usize,
    ) -> Result<Vec<Self::Ciphertext>>;

    /// A linear map whose results are rescaled. A backend that does both at once keeps to the bound of doing one
    /// after the other.
    ///
    /// # Errors
    /// As [`Backend::linear`] and [`Backend::rescale`].
    fn linear_rescale(
        &self,
        keys: &Self::Keys,
        inputs: &[&Self::Ciphertext],
        pass: &Self::Pass<'_>,
        map: usize,
    ) -> Result<Vec<Self::Ciphertext>> {
        let results = self.linear(keys, inputs, pass, map)?;
        results.iter().map(|x| self.rescale(x)).collect()
    }

    /// Brings slot `i + step` to slot `i`.
    ///
    /// # Errors
    /// A missing rotation key.
    fn rotate(
        &self,
        keys: &Self::Keys,
        x: &Self::Ciphertext,
        step: u32,
    ) -> Result<Self::Ciphertext>;

    /// Sum.
    ///
    /// # Errors
    /// Operands of different types.
    fn add(&self, a: &Self::Ciphertext, b: &Self::Ciphertext) -> Result<Self::Ciphertext>;

    /// Sum with a constant.
    ///
    /// # Errors
    /// A constant encoded for another level or scale.
    fn add_plain(&self, x: &Self::Ciphertext, constant: &Self::Vector) -> Result<Self::Ciphertext>;

    /// Product, not relinearized.
    ///
    /// # Errors
    /// Operands of different levels or of degree 2.
    fn multiply(&self, a: &Self::Ciphertext, b: &Self::Ciphertext) -> Result<Self::Ciphertext>;

    /// Square, not relinearized.
    ///
    /// # Errors
    /// An operand of degree 2.
    fn square(&self, x: &Self::Ciphertext) -> Result<Self::Ciphertext>;

    /// Brings degree 2 back to 1.
    ///
    /// # Errors
    /// A missing relinearization key.
    fn relinearize(&self, keys: &Self::Keys, x: &Self::Ciphertext) -> Result<Self::Ciphertext>;

    /// [`Backend::relinearize`] and [`Backend::rescale`]. A backend that does both at once keeps to the bound of
    /// doing one after the other.
    ///
    /// # Errors
    /// As both.
    fn relinearize_rescale(
        &self,
        keys: &Self::Keys,
        x: &Self::Ciphertext,
    ) -> Result<Self::Ciphertext> {
        self.rescale(&self.relinearize(keys, x)?)
    }

    /// Divides by the last prime of the operand's level and drops it.
    ///
    /// # Errors
    /// An operand of level 0.
    fn rescale(&self, x: &Self::Ciphertext) -> Result<Self::Ciphertext>;

    /// Forgets primes down to level `to`.
    ///
    /// # Errors
    /// An operand of a lower level.
    fn level_drop(&self, x: &Self::Ciphertext, to: Level) -> Result<Self::Ciphertext>;
}
