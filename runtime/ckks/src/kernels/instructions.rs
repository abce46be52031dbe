//! Which instructions the arithmetic uses.

/// The instructions of an implementation of the arithmetic. All give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instructions {
    /// AVX-512 with 52-bit integer products (x86-64 with F, DQ, BW, VBMI and IFMA): the fastest.
    Avx512Ifma,
    /// AVX2 with fused multiply-adds of doubles (x86-64).
    Avx2,
    /// What every machine has.
    Portable,
}

impl Instructions {
    /// All of them, fastest first.
    pub const ALL: [Self; 3] = [Self::Avx512Ifma, Self::Avx2, Self::Portable];

    /// The fastest that this machine has.
    pub fn fastest() -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|i| i.is_available()).unwrap_or(Self::Portable)
    }

    /// Whether this machine has them.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Ifma => super::ifma::is_available(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => super::doubles::is_available(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx512Ifma | Self::Avx2 => false,
            Self::Portable => true,
        }
    }

    /// `avx512-ifma`, `avx2` or `portable`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512Ifma => "avx512-ifma",
            Self::Avx2 => "avx2",
            Self::Portable => "portable",
        }
    }
}
