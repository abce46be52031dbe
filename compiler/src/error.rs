//! The errors of this crate.

use hemet_schedule::MissingCost;

use crate::key_budget::KeyBudget;

/// Why a network could not be compiled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The weights do not fit the graph.
    #[error(transparent)]
    Weights(#[from] hemet_spaces::Error),
    /// The layers in front of a cut cannot run on a device.
    #[error("device part: {0}")]
    Device(String),
    /// A layer that no encrypted network has.
    #[error(
        "layer `{layer}` ({kind}) cannot be computed on encrypted data; leave it to the device with the layers \
         before it (--device-layers), or replace it by a polynomial or an average"
    )]
    Clear {
        /// Name of the layer.
        layer: String,
        /// What it is.
        kind: &'static str,
    },
    /// An option is outside its range.
    #[error("option `{option}` is {found}, it must be a number from {least} to {most}")]
    Option {
        /// Name of the option.
        option: &'static str,
        /// What was given.
        found: String,
        /// The least that is possible.
        least: f64,
        /// The most.
        most: f64,
    },
    /// The quadratics of a layer are too near straight lines for completing the square.
    #[error(
        "layer `{layer}`: the vertices of its quadratics lie at |b/2a| = {found:.3} in root mean square (most in channel \
         {channel}: {a}·x² + {b}·x), completing the square allows {limit}; train with |b| ≤ {twice}·|a|, raise `max_shift` \
         (a bit of scale for each doubling), or choose the activation scheme `power_basis`",
        twice = 2.0 * limit
    )]
    Shift {
        /// Name of the layer.
        layer: String,
        /// Root mean square of `b/2a` over the channels.
        found: f64,
        /// The channel with the largest.
        channel: usize,
        /// Its coefficient of `x²`.
        a: f64,
        /// Its coefficient of `x`.
        b: f64,
        /// The limit, [`crate::Options::max_shift`].
        limit: f64,
    },
    /// A tensor is larger than the compiler handles.
    #[error(
        "layer `{layer}` has {elements} elements, {ciphertexts} ciphertexts of {slots} slots hold {capacity} at most; \
         use fewer channels, pool earlier, or raise `max_log_n` or `max_ciphertexts`",
        capacity = ciphertexts * slots
    )]
    TooLarge {
        /// Name of the layer.
        layer: String,
        /// Elements of its output.
        elements: usize,
        /// Most ciphertexts that a tensor may take.
        ciphertexts: usize,
        /// Slots of a ciphertext.
        slots: usize,
    },
    /// A tensor is too large for a ciphertext an element.
    #[error(
        "for throughput every element takes a ciphertext of its own ({slots} images each): layer `{layer}` has {elements} elements, \
         which are {gib:.1} GiB of ciphertexts; at most {most} elements are possible; compile for latency, or use a smaller network"
    )]
    Batch {
        /// Name of the layer.
        layer: String,
        /// Elements of its output.
        elements: usize,
        /// Most elements that a tensor may have.
        most: usize,
        /// Slots of a ciphertext.
        slots: usize,
        /// Gibibytes of the tensor's ciphertexts.
        gib: f64,
    },
    /// No secure parameters are large enough.
    #[error(
        "the network needs {needed} bits of modulus (special primes included) for {levels} levels at {precision_bits} bits \
         of precision, {security_bits}-bit security allows {limit} at degree 2^{log_n}, the largest allowed; use fewer \
         activations, ask for less precision, or raise `max_log_n`"
    )]
    NoParameters {
        /// Least bits of modulus.
        needed: u32,
        /// Rescales on the longest path.
        levels: u32,
        /// Precision asked for.
        precision_bits: u32,
        /// Security asked for.
        security_bits: u32,
        /// Bits that the security table allows.
        limit: u32,
        /// log2 of the degree.
        log_n: u32,
    },
    /// The asked precision needs scales larger than a prime.
    #[error(
        "{precision_bits} bits of precision need scales of {scale_bits} bits at degree 2^{log_n}, and the base prime holds \
         the outputs above that: together more than the 50 bits that primes have at most; ask for less precision, use fewer \
         activations (each adds half a bit), or scale the outputs down"
    )]
    Precision {
        /// Precision asked for.
        precision_bits: u32,
        /// Scale that it needs.
        scale_bits: u32,
        /// log2 of the degree.
        log_n: u32,
    },
    /// A sample does not fit the network's input.
    #[error("sample {index} has {found} elements, the network's input has {expected}")]
    Sample {
        /// Which, from 0.
        index: usize,
        /// Its elements.
        found: usize,
        /// The input's.
        expected: usize,
    },
    /// Samples that say nothing about inputs to come.
    #[error("calibration data: {found}; {wanted}")]
    Calibration {
        /// What is wrong with them.
        found: String,
        /// What they should be.
        wanted: &'static str,
    },
    /// Outputs exceed the range that was asked for.
    #[error(
        "outputs of up to ±{seen:.3e} were seen, and a range of ±{range:.3e} is asked for: they would decrypt to wrong numbers; \
         ask for a larger range, or for none, so that it follows the outputs"
    )]
    OutputRange {
        /// The range.
        range: f64,
        /// Largest magnitude seen.
        seen: f64,
    },
    /// No parameters hold outputs that large at the asked precision.
    #[error(
        "outputs need headroom up to ±{wanted:.3e} at errors of ±{promise:.2e}, for which no parameters are large enough: {cause}. \
         Ask for less precision, scale the network's last layer down, or give the true range of the outputs"
    )]
    Headroom {
        /// Magnitude that is provided for.
        wanted: f64,
        /// Largest error promised.
        promise: f64,
        /// Why there are none.
        cause: Box<Error>,
    },
    /// The numbers of another compilation do not do for these weights.
    #[error(
        "the schedule that was to be kept does not do for these weights: {what}; compile without `--like`, and let clients \
         make new keys"
    )]
    Unlike {
        /// What is too large, with both numbers.
        what: String,
    },
    /// Without samples nothing can be promised.
    #[error(
        "without sample inputs the errors of this network cannot be bounded: {}. Give inputs like those to come with \
         `--calibrate FILE`; `hemet data calibration SOURCE -o FILE` makes such a file from a folder of images or a NumPy array",
        match cause {
            None => format!("values before its squares reach {size:.1e} on all kinds of made-up inputs"),
            Some(cause) => cause.to_string(),
        }
    )]
    Unbounded {
        /// Root mean square of the largest tensor that is squared.
        size: f64,
        /// What made-up inputs led to.
        cause: Option<Box<Error>>,
    },
    /// Without samples nothing can be promised: no made-up inputs look to the network like those it was trained on.
    #[error(
        "without sample inputs the errors of this network cannot be bounded: on all kinds of made-up inputs its channels are \
         {apart:.1} deviations from what its batch norms have seen. Give inputs like those to come with `--calibrate FILE`; \
         `hemet data calibration SOURCE -o FILE` makes such a file from a folder of images or a NumPy array"
    )]
    UnlikeTraining {
        /// Root mean square, over channels, of how far mean and deviation are from those of training.
        apart: f64,
    },
    /// With these weights errors grow so much that no secure parameters keep the promise.
    #[error(
        "with these weights the errors of the logits would reach {share:.1e} times the promised 2^-{precision_bits}, and scales of \
         {guard_bits} bits more cannot be had: {cause}. Ask for less precision, or train so that activations keep their size"
    )]
    Guard {
        /// Simulated bound on the errors, as a share of the promise, with the largest scales that could be had.
        share: f64,
        /// Precision asked for.
        precision_bits: u32,
        /// Bits by which scales would have to grow.
        guard_bits: u32,
        /// Why they cannot.
        cause: Box<Error>,
    },
    /// The evaluation keys do not fit their budget.
    #[error(
        "the evaluation keys take {:.1} MiB at least, as far as was found; the budget is {budget}: allow more, or use a \
         network with smaller or fewer linear layers",
        *least as f64 / 1_048_576.0
    )]
    Keys {
        /// Fewest bytes that were found.
        least: u64,
        /// What is allowed.
        budget: KeyBudget,
    },
    /// No precision can be chosen by agreement.
    #[error("agreement: {found}; {advice}")]
    Agreement {
        /// What is wrong.
        found: String,
        /// What to do.
        advice: &'static str,
    },
    /// With samples that the network does not seem to be made for errors grow so much that nothing can be promised.
    #[error(
        "on the calibration data the values before its squares reach {size:.1e}, where networks keep them near 1 on the data they \
         were trained on, and errors grow with them: {cause}. Give the inputs scaled as in training, from the data to come"
    )]
    UnlikeSamples {
        /// Root mean square of the largest tensor that is squared.
        size: f64,
        /// What the samples led to.
        cause: Box<Error>,
    },
    /// The cost table has no measurement for any secure parameter set.
    #[error("no secure parameter set has measured costs: {0}")]
    MissingCost(#[from] MissingCost),
    /// The schedule that was built is not valid: a defect of the compiler.
    #[error("the compiler made an invalid schedule, which is a defect of the compiler: {0}")]
    Schedule(#[from] hemet_schedule::Error),
    /// A step found its own result inconsistent: a defect of the compiler.
    #[error("layer `{layer}`: {message}; this is a defect of the compiler")]
    Internal {
        /// Name of the layer.
        layer: String,
        /// What is inconsistent.
        message: String,
    },
    /// The parameter crate refused a set that the search found.
    #[error("parameters: {0}")]
    Parameters(#[from] hemet_ckks_params::ParamError),
}
