//! What instructions cost: elementary costs, their counts in a schedule, and the measured table of a machine.

/// An elementary cost of a backend, measured by `calibrate` for each ring degree, number of special primes and level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CostKind {
    /// Decomposing one operand of a linear map for hoisted rotations (inverse transforms and mod-up).
    Decompose,
    /// One further hoisted rotation by a baby step (inner product with a key).
    BabyStep,
    /// One diagonal multiplied and accumulated.
    Diagonal,
    /// One giant step: rotating a sum of products.
    GiantStep,
    /// Bringing one result of a linear map back from the extended basis.
    Finish,
    /// A rotation on its own.
    Rotate,
    /// Sum or difference.
    Add,
    /// Adding a constant (encoded beforehand).
    AddPlain,
    /// Multiplying by a constant (encoded beforehand).
    MulPlain,
    /// Product without relinearisation.
    Multiply,
    /// Square without relinearisation.
    Square,
    /// Relinearisation.
    Relinearize,
    /// Rescale.
    Rescale,
    /// Level drop.
    LevelDrop,
}

impl CostKind {
    /// Every kind.
    pub const ALL: [CostKind; 14] = [
        CostKind::Decompose,
        CostKind::BabyStep,
        CostKind::Diagonal,
        CostKind::GiantStep,
        CostKind::Finish,
        CostKind::Rotate,
        CostKind::Add,
        CostKind::AddPlain,
        CostKind::MulPlain,
        CostKind::Multiply,
        CostKind::Square,
        CostKind::Relinearize,
        CostKind::Rescale,
        CostKind::LevelDrop,
    ];

    /// The word for it in files.
    pub fn name(self) -> &'static str {
        match self {
            CostKind::Decompose => "decompose",
            CostKind::BabyStep => "baby_step",
            CostKind::Diagonal => "diagonal",
            CostKind::GiantStep => "giant_step",
            CostKind::Finish => "finish",
            CostKind::Rotate => "rotate",
            CostKind::Add => "add",
            CostKind::AddPlain => "add_plain",
            CostKind::MulPlain => "mul_plain",
            CostKind::Multiply => "multiply",
            CostKind::Square => "square",
            CostKind::Relinearize => "relinearize",
            CostKind::Rescale => "rescale",
            CostKind::LevelDrop => "level_drop",
        }
    }
}

/// One measured cost.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostEntry {
    /// log2 of the ring degree.
    pub log_n: u32,
    /// Number of special primes.
    pub special: u32,
    /// Number of primes that the operand is held modulo (level + 1).
    pub limbs: u32,
    /// Median time of one, in microseconds.
    pub us: f64,
}

/// The measured costs of one machine and backend, one thread.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostTable {
    /// Processor model, as the machine names it.
    pub machine: String,
    /// Name of the backend, `ckks`.
    pub backend: String,
    /// Measurements by the name of their [`CostKind`].
    pub entries: std::collections::BTreeMap<String, Vec<CostEntry>>,
}
