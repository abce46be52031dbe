//! Estimate: what a schedule will cost, read off the schedule itself.

use hemet_schedule::artifact::LayerNote;
use hemet_schedule::summary::{LayerCounts, OpCounts, by_layer};
use hemet_schedule::{CostTable, Schedule, Serving, ValueId, cost};

use crate::Error;

/// What is known of a network before it is trained; equal to the truth about the compiled one.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Estimate {
    /// Rescales on the longest path.
    pub depth: u32,
    /// Predicted time of one evaluation on one thread, in milliseconds.
    pub latency_ms: f64,
    /// What a server's memory and warmth add to it.
    pub serving: Serving,
    /// log2 of the ring degree.
    pub log_n: u32,
    /// log2 of the ciphertext modulus.
    pub log_q_bits: f64,
    /// log2 of the modulus with special primes: what security is counted on.
    pub log_qp_bits: f64,
    /// Security of the parameters.
    pub security_bits: u32,
    /// Bytes of all rotation and relinearization keys as a client sends them: each up to the level where it is used,
    /// as many bits a residue as its prime has, the uniform halves as seeds. A server holds both halves: twice as
    /// much.
    pub evaluation_key_bytes: u64,
    /// Bytes of the input ciphertexts at 8 bytes a residue, both halves.
    pub input_ciphertext_bytes: u64,
    /// Bytes of the output ciphertexts likewise.
    pub output_ciphertext_bytes: u64,
    /// Counts of operations, level by level.
    pub op_counts: OpCounts,
    /// Layer by layer, in the order of the schedule.
    pub layers: Vec<LayerNote>,
    /// Counts of operations of the same layers.
    pub layer_counts: Vec<LayerCounts>,
}

impl Estimate {
    /// Reads the estimate off a schedule; its constants are not looked at. `layers` is what is known of the
    /// layers; their times are set here.
    ///
    /// # Errors
    /// A cost that the table lacks.
    pub fn of(
        schedule: &Schedule,
        mut layers: Vec<LayerNote>,
        costs: &CostTable,
    ) -> Result<Self, Error> {
        let parameters = &schedule.header.parameters;
        let times = cost::estimate_ms(schedule, costs)?;
        for note in &mut layers {
            let mut times = times.per_layer_ms.iter();
            let found = times.find(|(layer, _)| *layer == note.layer);
            note.predicted_ms = found.map_or(0.0, |(_, ms)| *ms);
        }
        let op_counts = OpCounts::of(schedule);
        let degree = parameters.degree() as u64;
        let keys = schedule.key_bytes();
        let ciphertext = |limbs: usize| 2 * limbs as u64 * degree * 8;
        let output_bytes = |v: &ValueId| {
            let ty = schedule.types.get(v.0 as usize);
            ty.map_or(0, |ty| ciphertext(ty.level.limbs()))
        };
        Ok(Self {
            depth: schedule.header.depth,
            latency_ms: times.total_ms,
            serving: cost::serving(schedule, costs)?,
            log_n: parameters.log_n(),
            log_q_bits: parameters.log_q_bits(),
            log_qp_bits: parameters.log_qp_bits(),
            security_bits: parameters.security().bits(),
            evaluation_key_bytes: keys.sent,
            input_ciphertext_bytes: op_counts.inputs as u64
                * ciphertext(schedule.header.input_level.limbs()),
            output_ciphertext_bytes: schedule.outputs.iter().map(output_bytes).sum(),
            op_counts,
            layers,
            layer_counts: by_layer(schedule),
        })
    }
}
