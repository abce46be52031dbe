//! The elementary costs that instructions are made of.

/// An elementary cost of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CostKind {
    /// An input as a client sends it, made a ciphertext.
    Input,
    /// An output made bytes.
    Output,
    /// Decomposing one operand of a linear map for hoisted rotations (inverse transforms and mod-up).
    Decompose,
    /// One further hoisted rotation by a baby step (inner product with a key, and a division by the special primes).
    BabyStep,
    /// One diagonal multiplied and accumulated.
    Diagonal,
    /// One giant step: rotating a sum of products.
    GiantStep,
    /// Bringing one result of a linear map that has giant steps back from the extended basis.
    Finish,
    /// [`CostKind::Finish`] with a rescale.
    FinishRescale,
    /// A rotation on its own.
    Rotate,
    /// Sum.
    Add,
    /// Adding a constant (encoded beforehand).
    AddPlain,
    /// Multiplying by a constant (encoded beforehand). No instruction is that; it is measured so that the counts of
    /// other compilers can be priced.
    MulPlain,
    /// Product without relinearization.
    Multiply,
    /// Square without relinearization.
    Square,
    /// Relinearization.
    Relinearize,
    /// Relinearization with a rescale.
    RelinearizeRescale,
    /// Rescale on its own.
    Rescale,
    /// Level drop.
    LevelDrop,
}

impl CostKind {
    /// Every kind.
    pub const ALL: [CostKind; 18] = [
        CostKind::Input,
        CostKind::Output,
        CostKind::Decompose,
        CostKind::BabyStep,
        CostKind::Diagonal,
        CostKind::GiantStep,
        CostKind::Finish,
        CostKind::FinishRescale,
        CostKind::Rotate,
        CostKind::Add,
        CostKind::AddPlain,
        CostKind::MulPlain,
        CostKind::Multiply,
        CostKind::Square,
        CostKind::Relinearize,
        CostKind::RelinearizeRescale,
        CostKind::Rescale,
        CostKind::LevelDrop,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            CostKind::Input => "input",
            CostKind::Output => "output",
            CostKind::Decompose => "decompose",
            CostKind::BabyStep => "baby_step",
            CostKind::Diagonal => "diagonal",
            CostKind::GiantStep => "giant_step",
            CostKind::Finish => "finish",
            CostKind::FinishRescale => "finish_rescale",
            CostKind::Rotate => "rotate",
            CostKind::Add => "add",
            CostKind::AddPlain => "add_plain",
            CostKind::MulPlain => "mul_plain",
            CostKind::Multiply => "multiply",
            CostKind::Square => "square",
            CostKind::Relinearize => "relinearize",
            CostKind::RelinearizeRescale => "relinearize_rescale",
            CostKind::Rescale => "rescale",
            CostKind::LevelDrop => "level_drop",
        }
    }
}
