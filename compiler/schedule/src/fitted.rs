//! The numbers of a compilation that weights and inputs decided.

/// What weights and inputs decided of a compilation. With the graph, the user's options and the cost table they give
/// every instruction, and so the keys; weights only fill constants. A network that is trained again and compiled with
/// the same numbers is served under the keys that are there.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedNumbers {
    /// Precision of the outputs in bits.
    pub precision_bits: u32,
    /// Bits by which all scales exceed what that precision asks for.
    pub guard_bits: u32,
    /// Bits by which only the scales of plaintexts exceed that.
    pub plain_guard_bits: u32,
    /// Bound on the magnitude of the inputs, after the client's transform.
    pub input_range: f64,
    /// log2 of the bound on the magnitude of the outputs.
    pub output_bits: i32,
    /// log2 of the size that outputs have at least.
    pub output_size_bits: i32,
    /// Largest root mean square of `b/2a` of the quadratics; none where they are computed in the power basis.
    pub max_shift: Option<f64>,
}
