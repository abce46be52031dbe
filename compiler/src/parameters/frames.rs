//! Frames: the ways to run a net at a ring degree: levels, scales, primes and special primes.

use hemet_ckks_params::MAX_PRIME_BITS;

use super::{Aims, Chain, Ground, Levels, Margin, Policy, Precision, chains};
use crate::Options;
use crate::net::Net;

/// One way to run the net: levels, scales and primes.
#[derive(Clone)]
pub(super) struct Frame {
    pub levels: Levels,
    pub precision: Precision,
    pub chain: Chain,
}

/// Why there is no frame at a ring degree.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shortage {
    /// Bits of modulus that the smallest chain needs; none where some scale is larger than a prime.
    pub needed: Option<u32>,
    /// Rescales on the longest path.
    pub levels: u32,
    /// The largest working scale, in bits.
    pub working: u32,
}

/// Most bits that the working scale may have beyond what it needs.
const MOST_EXTRA_BITS: u32 = 3;

/// Every frame that is secure at this degree and no dearer than all others, at least one.
///
/// # Errors
/// What is short where there is none.
pub(super) fn frames(
    net: &Net,
    options: &Options,
    log_n: u32,
    rounded: &[f64],
) -> Result<Vec<Frame>, Shortage> {
    let (all, shortage) = every(net, options, log_n, rounded);
    let mut frames: Vec<Frame> = Vec::new();
    for frame in all {
        if !frames.iter().any(|known| known.is_no_dearer(&frame)) {
            frames.retain(|known| !frame.is_no_dearer(known));
            frames.push(frame);
        }
    }
    match frames.is_empty() {
        true => Err(shortage),
        false => Ok(frames),
    }
}

/// Every frame that is secure at this degree; what is short with the full margin.
pub(super) fn every(
    net: &Net,
    options: &Options,
    log_n: u32,
    rounded: &[f64],
) -> (Vec<Frame>, Shortage) {
    let aims = |margin| Aims {
        rounded,
        extra: 0,
        margin,
    };
    let of_margin = |margin| with_margin(net, options, log_n, aims(margin));
    let (found, shortages): (Vec<_>, Vec<_>) = Margin::ALL.map(of_margin).into_iter().unzip();
    let shortage = shortages.first().copied().unwrap_or_default();
    (found.into_iter().flatten().collect(), shortage)
}

/// Every frame with a margin, and what is short.
fn with_margin(net: &Net, options: &Options, log_n: u32, aims: Aims<'_>) -> (Vec<Frame>, Shortage) {
    let (mut needed, mut top, mut working) = (None, 0, 0);
    let mut frames = Vec::new();
    let ground = Ground {
        log_n,
        row: options.row(),
        output_bits: options.output_bits,
        margin: aims.margin,
    };
    let extras = |policy| (0..=MOST_EXTRA_BITS).map(move |extra| (policy, extra));
    let ways = Policy::ALL.into_iter().flat_map(extras);
    for (policy, extra) in ways {
        let aims = Aims { extra, ..aims };
        let (levels, precision) = settle(net, options, log_n, aims, policy);
        top = top.max(levels.top());
        if extra == 0 {
            working = working.max(precision.working);
        }
        // Where products and maps share a prime, their scales must agree.
        let plain = precision.plain.iter().copied().max().unwrap_or(0);
        let agreed = (plain > precision.working).then(|| Precision {
            working: plain,
            ..precision.clone()
        });
        for precision in [Some(precision), agreed].into_iter().flatten() {
            let Some((chains, least)) = chains(net, &levels, &precision, ground) else {
                continue;
            };
            needed = Some(needed.unwrap_or(u32::MAX).min(least));
            frames.extend(chains.into_iter().map(|chain| Frame {
                levels: levels.clone(),
                precision: precision.clone(),
                chain,
            }));
        }
    }
    let shortage = Shortage {
        needed,
        levels: top,
        working,
    };
    (frames, shortage)
}

impl Frame {
    /// Whether it never costs more than another: at the same levels no more special primes, digits and bits.
    fn is_no_dearer(&self, other: &Frame) -> bool {
        let sizes = |f: &Frame| [f.chain.special, f.chain.digits, f.chain.bits()];
        let pairs = sizes(self).into_iter().zip(sizes(other));
        self.levels == other.levels && pairs.into_iter().all(|(own, other)| own <= other)
    }
}

/// Levels and scales under a policy, with those products rescaled on their own whose map would need too large a prime.
fn settle(
    net: &Net,
    options: &Options,
    log_n: u32,
    aims: Aims<'_>,
    policy: Policy,
) -> (Levels, Precision) {
    let mut eager = vec![false; net.nodes.len()];
    loop {
        let levels = Levels::assign(net, policy, &eager);
        let precision = Precision::derive(net, &levels, log_n, options, aims);
        let before = eager.clone();
        for id in net.ids() {
            let result = precision.of_result(net, id);
            if 2 * precision.working + precision.plain[id.0] > MAX_PRIME_BITS + result {
                for product in levels.unscaled(net, id) {
                    eager[product.0] = true;
                }
            }
        }
        // Each round marks one more or ends.
        if eager == before {
            return (levels, precision);
        }
    }
}
