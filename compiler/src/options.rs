//! What a user chooses about a compilation.

use hemet_ckks_params::{Attacks, SecurityLevel, SecurityRow};
use hemet_schedule::FittedNumbers;
use hemet_spaces::{LayerGraph, Weights};

use crate::Error;
use crate::activation::{self, Activation};
use crate::key_budget::KeyBudget;

/// What a schedule is made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// One image at a time, as soon as possible.
    #[default]
    Latency,
    /// As many images a second as possible: as many as there are slots at a time, each element of a tensor in a
    /// ciphertext of its own, so that nothing rotates (Gilad-Bachrach et al., "CryptoNets", ICML 2016). Memory is that
    /// of a ciphertext for each element.
    Throughput,
}

/// How large the primes of a chain are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Primes {
    /// As large as the precision asks for, a square and the map behind it sharing one.
    #[default]
    Fitted,
    /// All of 50 bits, with scales as large, and none shared: for comparison alone. The precision then only says what
    /// is promised.
    Uniform,
}

/// Percent of images that an agreement may ask for.
const PERCENT: std::ops::RangeInclusive<f64> = 50.0..=100.0;

/// Choices of a compilation. Together with the graph they determine every instruction; weights only fill constants.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// What the schedule is made for; latency.
    pub target: Target,
    /// Security level of the parameters; 128 bits.
    pub security: SecurityLevel,
    /// Against whom; classical computers.
    pub attacks: Attacks,
    /// Precision of the logits, 2 to 30 bits; 10. The promise is `|error| ≤ 2^-precision_bits · max(1, r)`, where `r`
    /// is the root mean square of the logits, for inputs within [`Options::input_range`] and networks whose
    /// pre-activations are of one order of magnitude within a layer (as batch norm makes them). It is a bound of three
    /// standard deviations of the error that [`crate::noise`] derives.
    pub precision_bits: u32,
    /// Percent of images whose class must not change through encryption, 50 to 100; none. [`crate::compile_for`] then
    /// chooses the coarsest precision that keeps it, in place of `precision_bits`, which estimates go by.
    pub agreement: Option<f64>,
    /// Bits by which scales exceed what `precision_bits` asks of a network whose values keep their size, 0 to 20; 0.
    /// [`crate::compile_for`] raises it to what weights and inputs need.
    pub guard_bits: u32,
    /// Further bits by which only the scales of plaintexts exceed that, 0 to 20; 0. [`crate::compile_for`] raises it
    /// where the rounding of plaintexts is what errs: in front of smooth inputs it counts for more than a net without
    /// weights lets expect.
    pub plain_guard_bits: u32,
    /// Largest log2 of the ring degree, 11 to 16; 16.
    pub max_log_n: u32,
    /// Bound on the magnitude of the inputs, above 0; 1.
    pub input_range: f64,
    /// Bound on the magnitude of the outputs, in bits, −40 to 40; 8. The base prime leaves this headroom: a larger
    /// output decrypts to a wrong number. [`crate::compile_for`] sets it by what inputs show.
    pub output_bits: i32,
    /// log2 of the size that outputs have at least, −40 to 40; 0. Their errors may be so many bits larger than
    /// `2^-precision_bits`. [`crate::compile_for`] sets it by what inputs show.
    pub output_size_bits: i32,
    /// Bound on the magnitude of the outputs that [`crate::compile_for`] provides for in place of what inputs show,
    /// from 1e-9 to 1e12; none.
    pub output_range: Option<f64>,
    /// Whether outputs smaller than 1 are promised as many bits as others, so that errors are relative to their size;
    /// no.
    pub relative_precision: bool,
    /// How polynomial activations are lowered; completing the square.
    pub activation: Activation,
    /// Largest root mean square, over the channels of a layer, of `b/2a` of quadratics `a·x² + b·x + c` when
    /// completing the square, 0 or more; 3. The scale budgets for it ([`Options::fit_activation`] lowers it).
    /// Training that keeps `|b| ≤ 2·max_shift·|a|` in every channel is always within.
    pub max_shift: f64,
    /// How large primes are; as the precision asks for.
    pub primes: Primes,
    /// Most ciphertexts that one tensor may take, 1 to 512; 64. For throughput the bound is
    /// [`hemet_schedule::layout::MAX_PERIOD`] slots.
    pub max_ciphertexts: usize,
    /// Numbers that weights and inputs decided for another training of the graph; none. [`crate::compile_for`] then
    /// keeps them, and with them the instructions and the keys, and promises what they keep.
    pub like: Option<FittedNumbers>,
    /// How many evaluation keys there may be; the knee. Fewer make a slower schedule: steps are shared between layers
    /// and giant steps chained.
    pub key_budget: KeyBudget,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            target: Target::Latency,
            security: SecurityLevel::Bits128,
            attacks: Attacks::Classical,
            precision_bits: 10,
            agreement: None,
            guard_bits: 0,
            plain_guard_bits: 0,
            max_log_n: 16,
            input_range: 1.0,
            output_bits: 8,
            output_size_bits: 0,
            output_range: None,
            relative_precision: false,
            activation: Activation::CompletedSquare,
            max_shift: 3.0,
            primes: Primes::Fitted,
            max_ciphertexts: 64,
            like: None,
            key_budget: KeyBudget::Knee,
        }
    }
}

impl Options {
    /// The row of the security table that parameters are held to.
    pub(crate) fn row(&self) -> SecurityRow {
        SecurityRow {
            level: self.security,
            attacks: self.attacks,
        }
    }

    /// Fits the activation scheme to weights that are known before anything is decided: lowers [`Options::max_shift`]
    /// to what they need, rounded up to a multiple of ½, or takes the power basis where quadratics are so near lines
    /// that completing the square would need more than that. A search, which estimates before it trains, keeps the
    /// limit.
    ///
    /// # Errors
    /// [`Error::Weights`] for a missing or misshapen tensor.
    pub fn fit_activation(&mut self, graph: &LayerGraph, weights: &Weights) -> Result<(), Error> {
        let shift = activation::largest_shift(graph, weights)?;
        // What was chosen before stays; the simulation tells whether the errors of these weights are too large for it.
        let before = self.like.as_ref().map(|numbers| numbers.max_shift);
        // Written so that a NaN takes the power basis too.
        let is_near = shift <= self.max_shift;
        if before.map_or(is_near, |before| before.is_some()) {
            self.max_shift = (2.0 * shift).ceil() / 2.0;
        } else {
            self.activation = Activation::PowerBasis;
        }
        Ok(())
    }

    /// What [`crate::compile_for`] decided, for [`Options::like`].
    pub(crate) fn fitted(&self) -> FittedNumbers {
        FittedNumbers {
            precision_bits: self.precision_bits,
            guard_bits: self.guard_bits,
            plain_guard_bits: self.plain_guard_bits,
            input_range: self.input_range,
            output_bits: self.output_bits,
            output_size_bits: self.output_size_bits,
            max_shift: match self.activation {
                Activation::CompletedSquare => Some(self.max_shift),
                Activation::PowerBasis => None,
            },
        }
    }

    /// These options with the numbers of another compilation.
    pub(crate) fn with(&self, numbers: &FittedNumbers) -> Self {
        Self {
            precision_bits: numbers.precision_bits,
            guard_bits: numbers.guard_bits,
            plain_guard_bits: numbers.plain_guard_bits,
            input_range: numbers.input_range,
            output_bits: numbers.output_bits,
            output_size_bits: numbers.output_size_bits,
            max_shift: numbers.max_shift.unwrap_or(self.max_shift),
            ..self.clone()
        }
    }

    /// The precision that scales are derived for.
    pub(crate) fn scale_precision_bits(&self) -> u32 {
        self.precision_bits + self.guard_bits
    }

    /// Refuses an option outside its range.
    ///
    /// # Errors
    /// [`Error::Option`] for the first one.
    pub fn check(&self) -> Result<(), Error> {
        let key_mib = match self.key_budget {
            KeyBudget::AtMost(mib) => mib,
            KeyBudget::Knee | KeyBudget::Unbounded => 1,
        };
        let ranges = [
            ("precision_bits", f64::from(self.precision_bits), 2.0, 30.0),
            (
                "agreement",
                self.agreement.unwrap_or(*PERCENT.end()),
                *PERCENT.start(),
                *PERCENT.end(),
            ),
            ("guard_bits", f64::from(self.guard_bits), 0.0, 20.0),
            (
                "plain_guard_bits",
                f64::from(self.plain_guard_bits),
                0.0,
                20.0,
            ),
            ("max_log_n", f64::from(self.max_log_n), 11.0, 16.0),
            ("input_range", self.input_range, 1e-9, 1e9),
            ("output_bits", f64::from(self.output_bits), -40.0, 40.0),
            (
                "output_size_bits",
                f64::from(self.output_size_bits),
                -40.0,
                40.0,
            ),
            ("output_range", self.output_range.unwrap_or(1.0), 1e-9, 1e12),
            ("max_shift", self.max_shift, 0.0, 1e6),
            ("max_ciphertexts", self.max_ciphertexts as f64, 1.0, 512.0),
            ("key_budget", f64::from(key_mib), 1.0, 1_048_576.0),
        ];
        for (option, value, least, most) in ranges {
            // Written so that a NaN is refused too.
            if !(least..=most).contains(&value) {
                return Err(Error::Option {
                    option,
                    found: value.to_string(),
                    least,
                    most,
                });
            }
        }
        Ok(())
    }
}
