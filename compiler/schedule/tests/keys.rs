//! Evaluation keys: levels of use, and bytes of keys cut to them.

use hemet_ckks_params::{Parameters, SecurityLevel, ntt_primes};
use hemet_schedule::{Builder, Header, Layout, Level, Op, Scale, half_key_bytes};

#[test]
fn a_key_reaches_the_highest_level_of_its_use_and_no_higher() {
    let moduli = ntt_primes(13, &[45, 30, 30]).unwrap();
    let special = ntt_primes(13, &[46]).unwrap();
    let parameters = Parameters::new(13, moduli, special, SecurityLevel::Bits128).unwrap();
    let layout = Layout::raster([1, 8, 8]);
    let mut builder = Builder::new(Header {
        parameters: parameters.clone(),
        input_scale: Scale::pow2(30),
        input_level: Level(2),
        input: layout.clone(),
        output: layout,
        layers: Vec::new(),
        depth: 0,
        precision_bits: 8,
    });
    let mut push = |op| builder.push(op).unwrap()[0];
    let x = push(Op::Input { index: 0 });
    let high = push(Op::Rotate { x, step: 1 });
    let product = push(Op::Square { x: high });
    let product = push(Op::Relinearize { x: product });
    let rescaled = push(Op::Rescale { x: product });
    let low = push(Op::Rotate {
        x: rescaled,
        step: 1,
    });
    let low = push(Op::Rotate { x: low, step: 2 });
    let schedule = builder.finish(vec![low]);

    let levels: Vec<(u32, Level)> = schedule.rotation_levels().into_iter().collect();
    assert_eq!(levels, [(1, Level(2)), (2, Level(1))]);
    assert_eq!(schedule.relinearization_level(), Some(Level(2)));
    // One special prime: as many digits as limbs; each digit holds all limbs up to the level and the special one.
    let primes: Vec<u64> = [parameters.special(), parameters.moduli()].concat();
    let half = |level: usize| {
        let bits = primes[..level + 2].iter().map(|q| u64::from(q.ilog2()) + 1);
        (level as u64 + 1) * bits.sum::<u64>() * (1 << 13) / 8
    };
    for level in 0..3 {
        let found = half_key_bytes(&parameters, Level(level as u32));
        assert_eq!(found, half(level), "level {level}");
    }
    let bytes = schedule.key_bytes();
    assert_eq!(bytes.sent, 2 * half(2) + half(1));
    assert_eq!(bytes.held, 2 * bytes.sent);
}
