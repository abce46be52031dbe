//! Uniform: parameters for comparison alone, as networks had them before anybody chose by layer (the baseline of Lou,
//! Bian and Jiang, "AutoPrivacy", NeurIPS 2020): every level has a prime of 50 bits, every product and every map
//! rescales by one of its own, and scales are as large as primes, whatever precision is asked for. How many special
//! primes there are is chosen by cost as ever.

use hemet_ckks_params::MAX_PRIME_BITS;

use super::chain::{Ground, with_special};
use super::frames::{Frame, Shortage};
use super::noise::output_is_map;
use super::{Levels, Margin, Policy, Precision};
use crate::net::{Net, NodeKind};
use crate::{Options, Target};

/// Bits of each prime.
const BITS: u32 = MAX_PRIME_BITS;
/// Bits of the base prime that the output leaves free beside its headroom: its sign, and a prime below its size.
const KEPT_BACK: i32 = 2;
/// Each node that multiplies rescales.
const EACH: Policy = Policy {
    lazy_products: false,
    keep_head: false,
};

/// The frames of a net at this degree, one for each number of special primes that is secure.
///
/// # Errors
/// What is short where there is none; a net that ends in no map, which would bring its output to a scale that the base
/// prime holds.
pub(super) fn frames(net: &Net, options: &Options, log_n: u32) -> Result<Vec<Frame>, Shortage> {
    let levels = Levels::assign(net, EACH, &vec![true; net.nodes.len()]);
    let primes = vec![BITS; levels.top() as usize + 1];
    let precision = precision(net, options);
    let shortage = Shortage {
        needed: Some(BITS * (primes.len() as u32 + 1)),
        levels: levels.top(),
        working: BITS,
    };
    let mut frames: Vec<Frame> = Vec::new();
    for margin in Margin::ALL {
        let ground = Ground {
            log_n,
            row: options.row(),
            output_bits: options.output_bits,
            margin,
        };
        let chains = with_special(&primes, ground, BITS).unwrap_or_default();
        for chain in chains {
            if frames.iter().all(|known| known.chain != chain) {
                frames.push(Frame {
                    levels: levels.clone(),
                    precision: precision.clone(),
                    chain,
                });
            }
        }
    }
    match frames.is_empty() || !output_is_map(net) {
        true => Err(shortage),
        false => Ok(frames),
    }
}

/// Scales as large as primes, but for the output's, which must fit the base prime with its headroom.
fn precision(net: &Net, options: &Options) -> Precision {
    let spare = (options.output_bits + KEPT_BACK).clamp(0, BITS as i32 - 1);
    let output = BITS - spare.unsigned_abs();
    let plain = |id| match net.node(id).kind {
        NodeKind::Linear { .. } if net.node(id).shifted().is_some() => 0,
        NodeKind::Linear { .. } if id == net.output() => output,
        NodeKind::Linear { .. } => BITS,
        NodeKind::Input | NodeKind::WindowSum { .. } | NodeKind::Product(..) => 0,
    };
    Precision {
        input: BITS,
        working: BITS,
        output,
        plain: net.ids().map(plain).collect(),
        output_size: 0,
        switched_input: options.target == Target::Latency,
    }
}
