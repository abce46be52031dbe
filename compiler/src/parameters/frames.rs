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
    let mut frames = Vec::new();
    let aims = |margin| Aims {
        rounded,
        extra: 0,
        margin,
    };
    let mut shortage = None;
    for margin in Margin::ALL {
        let found = add_frames(net, options, log_n, aims(margin), &mut frames);
        shortage.get_or_insert(found);
    }
    match shortage {
        Some(shortage) if frames.is_empty() => Err(shortage),
        Some(_) | None => Ok(frames),
    }
}

/// Adds the frames with a margin that are not dearer than others; says what is short where there are none.
fn add_frames(
    net: &Net,
    options: &Options,
    log_n: u32,
    aims: Aims<'_>,
    frames: &mut Vec<Frame>,
) -> Shortage {
    let (mut needed, mut top, mut working) = (None, 0, 0);
    let ground = Ground {
        log_n,
        row: options.row(),
        output_bits: options.output_bits,
        margin: aims.margin,
    };
    let extras = |policy| (0..=MOST_EXTRA_BITS).map(move |extra| (policy, extra));
    let ways = Policy::ALL.into_iter().flat_map(extras);
    for ((policy, extra), agree) in ways.flat_map(|way| [(way, false), (way, true)]) {
        let aims = Aims { extra, ..aims };
        let (levels, mut precision) = settle(net, options, log_n, aims, policy);
        top = top.max(levels.top());
        if extra == 0 {
            working = working.max(precision.working);
        }
        if agree {
            // Where products and maps share a prime, their scales must agree.
            let plain = precision.plain.iter().copied().max().unwrap_or(0);
            precision.working = precision.working.max(plain);
        }
        let Some((chains, least)) = chains(net, &levels, &precision, ground) else {
            continue;
        };
        needed = Some(needed.unwrap_or(u32::MAX).min(least));
        for chain in chains {
            let frame = Frame {
                levels: levels.clone(),
                precision: precision.clone(),
                chain,
            };
            if !frames.iter().any(|known| known.is_no_dearer(&frame)) {
                frames.retain(|known| !frame.is_no_dearer(known));
                frames.push(frame);
            }
        }
    }
    Shortage {
        needed,
        levels: top,
        working,
    }
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
