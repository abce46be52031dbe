//! Promise: how exact an artifact's outputs are, and on what inputs that rests.

/// What a compiler promises of the outputs, for inputs like those that it looked at.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promise {
    /// Largest absolute error of an output under encryption; see [`Promise::error_at`] for large outputs.
    pub error: f64,
    /// Share of inputs for which `error` holds, 0 to 1.
    pub confidence: f64,
    /// What the promise rests on.
    pub basis: Basis,
    /// Inputs that scales were fitted to.
    pub fitted: usize,
    /// Other inputs, on which the errors were simulated afterwards.
    pub tested: usize,
    /// Largest error that was simulated on those, at `confidence`.
    pub tested_error: f64,
    /// Largest magnitude of an output on all of these inputs.
    pub output_seen: f64,
    /// Outputs of a larger magnitude decrypt to wrong numbers.
    pub output_bound: f64,
    /// Largest magnitude of an output for which `error` holds; nothing where it holds for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted_output: Option<f64>,
    /// Samples whose outputs are larger; they count neither as fitted to nor as tested.
    #[serde(default)]
    pub beyond_trust: usize,
}

/// How many images keep their class under encryption, where the precision was chosen by that.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// Percent that was asked for, of all images or, where some classes are rare, of the images of each.
    pub asked: f64,
    /// Percent that the margins of the clean logits and the simulated errors let expect.
    pub predicted: f64,
    /// Images that it was predicted on.
    pub images: usize,
    /// The precision that was chosen, in bits.
    pub precision_bits: u32,
}

impl std::fmt::Display for Agreement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            asked,
            predicted,
            images,
            precision_bits,
        } = self;
        write!(
            f,
            "{predicted:.3} % of classes stay as they are at {precision_bits} bits, by the margins of {images} images ({asked} % \
             asked for)"
        )
    }
}

/// Inputs that a promise rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Samples of the inputs to come.
    Samples,
    /// Inputs that the compiler made up, as none were given.
    Assumed,
}

impl Promise {
    /// The largest error of an answer whose largest output is `output`. Samples show how large outputs become; made-up
    /// inputs do not, so beyond what they gave the error is promised in proportion.
    pub fn error_at(&self, output: f64) -> f64 {
        match self.basis {
            Basis::Samples => self.error,
            Basis::Assumed if self.output_seen > 0.0 => {
                self.error * (output.abs() / self.output_seen).max(1.0)
            }
            Basis::Assumed => self.error,
        }
    }

    /// The same for every answer that is trusted.
    pub fn largest_error(&self) -> f64 {
        self.error_at(self.trusted_output.unwrap_or(self.output_bound))
    }
}

impl std::fmt::Display for Promise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            error,
            fitted,
            tested,
            tested_error,
            output_seen,
            output_bound,
            trusted_output,
            beyond_trust,
            confidence,
            basis,
        } = self;
        let percent = 100.0 * confidence;
        match basis {
            Basis::Samples => write!(
                f,
                "errors within ±{error:.2e} for {percent} % of inputs like the {fitted} samples; tested on {tested} held-out \
                 ones (simulated: ±{tested_error:.2e})"
            )?,
            Basis::Assumed => write!(
                f,
                "errors within ±{error:.2e} for {percent} % of inputs like {fitted} made-up ones, for no samples were given, and in \
                 proportion where outputs are larger than ±{output_seen:.3e}"
            )?,
        }
        write!(
            f,
            "; outputs up to ±{output_bound:.3e} (seen: ±{output_seen:.3e})"
        )?;
        if let Some(trusted) = trusted_output {
            write!(
                f,
                "; answers beyond ±{trusted:.3e} are marked, for their errors can be larger"
            )?;
        }
        match beyond_trust {
            0 => Ok(()),
            1 => f.write_str(" (1 more sample)"),
            beyond => write!(f, " ({beyond} more samples)"),
        }
    }
}
