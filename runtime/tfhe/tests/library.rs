//! The parameter sets and the noise model are the library's own.
//!
//! The published sets lie in a part of the crate `tfhe` that nothing else needs and that takes minutes to build, so
//! their test runs on demand, whenever that crate's version changes: `cargo test --release -p hemet-tfhe --features
//! published-sets --test library`.

use hemet_schedule::tfhe::SetId;
use hemet_schedule::tfhe::noise::{
    bootstrap_variance, keyswitch_variance, modulus_switch_variance, secure_variance,
};
use tfhe::core_crypto::commons::noise_formulas::centered_mean_shifted_modulus_switch::centered_binary_shifted_modulus_switch_additive_variance;
use tfhe::core_crypto::commons::noise_formulas::lwe_keyswitch::keyswitch_additive_variance_132_bits_security_gaussian;
use tfhe::core_crypto::commons::noise_formulas::lwe_programmable_bootstrap::pbs_variance_132_bits_security_gaussian_fft_mul;
use tfhe::core_crypto::commons::noise_formulas::secure_noise::minimal_lwe_variance_for_132_bits_security_gaussian;
use tfhe::core_crypto::prelude::*;

const MODULUS: f64 = 18446744073709551616.0;

#[test]
fn every_formula_of_noise_is_the_librarys() {
    let close = |what: &str, found: f64, expected: Variance| {
        assert!(
            (found / expected.0 - 1.0).abs() < 1e-3,
            "{what}: {found:e}, the library has {:e}",
            expected.0
        );
    };
    for id in SetId::all() {
        let set = id.get();
        let (n, big) = (
            LweDimension(set.lwe_dimension),
            LweDimension(set.big_dimension()),
        );
        close(
            set.name,
            secure_variance(n.0),
            minimal_lwe_variance_for_132_bits_security_gaussian(n, MODULUS),
        );
        // The sets' own deviations are those of their dimensions, rounded up a little.
        assert!(
            (set.lwe_std.powi(2) / secure_variance(n.0) - 1.0).abs() < 0.02,
            "{}",
            set.name
        );
        let expected = keyswitch_additive_variance_132_bits_security_gaussian(
            big,
            n,
            DecompositionBaseLog(set.ks_base_log),
            DecompositionLevelCount(set.ks_level),
            MODULUS,
            MODULUS,
        );
        close(set.name, keyswitch_variance(set, set), expected);
        let expected = pbs_variance_132_bits_security_gaussian_fft_mul(
            n,
            GlweDimension(set.glwe_dimension),
            PolynomialSize(set.polynomial_size),
            DecompositionBaseLog(set.pbs_base_log),
            DecompositionLevelCount(set.pbs_level),
            53.0,
            MODULUS,
        );
        close(set.name, bootstrap_variance(set), expected);
        // Ours counts the rounding of the body besides.
        let positions = 2.0 * set.polynomial_size as f64;
        let expected =
            centered_binary_shifted_modulus_switch_additive_variance(n, MODULUS, positions);
        close(
            set.name,
            modulus_switch_variance(set) - 1.0 / 12.0 / positions.powi(2),
            expected,
        );
    }
}

#[cfg(feature = "published-sets")]
mod published {
    use hemet_schedule::tfhe::{ParameterSet, SetId};
    use tfhe::core_crypto::prelude::*;
    use tfhe::shortint::parameters::v1_4::*;
    use tfhe::shortint::parameters::{ClassicPBSParameters, ModulusSwitchType};

    fn published() -> Vec<(&'static str, ClassicPBSParameters)> {
        vec![
            ("1_0", V1_4_PARAM_MESSAGE_1_CARRY_0_KS_PBS_GAUSSIAN_2M128),
            ("2_0", V1_4_PARAM_MESSAGE_2_CARRY_0_KS_PBS_GAUSSIAN_2M128),
            ("1_1", V1_4_PARAM_MESSAGE_1_CARRY_1_KS_PBS_GAUSSIAN_2M128),
            ("1_2", V1_4_PARAM_MESSAGE_1_CARRY_2_KS_PBS_GAUSSIAN_2M128),
            ("2_2", V1_4_PARAM_MESSAGE_2_CARRY_2_KS_PBS_GAUSSIAN_2M128),
            ("1_3", V1_4_PARAM_MESSAGE_1_CARRY_3_KS_PBS_GAUSSIAN_2M128),
            ("4_1", V1_4_PARAM_MESSAGE_4_CARRY_1_KS_PBS_GAUSSIAN_2M128),
            ("2_3", V1_4_PARAM_MESSAGE_2_CARRY_3_KS_PBS_GAUSSIAN_2M128),
            ("3_3", V1_4_PARAM_MESSAGE_3_CARRY_3_KS_PBS_GAUSSIAN_2M128),
            ("5_2", V1_4_PARAM_MESSAGE_5_CARRY_2_KS_PBS_GAUSSIAN_2M128),
        ]
    }

    #[test]
    fn every_set_is_the_published_one() {
        let published = published();
        assert_eq!(published.len(), SetId::all().count());
        for (name, p) in published {
            let std = |d: DynamicDistribution<u64>| d.gaussian_std_dev().0;
            let expected = ParameterSet {
                name,
                lwe_dimension: p.lwe_dimension.0,
                glwe_dimension: p.glwe_dimension.0,
                polynomial_size: p.polynomial_size.0,
                lwe_std: std(p.lwe_noise_distribution),
                glwe_std: std(p.glwe_noise_distribution),
                pbs_base_log: p.pbs_base_log.0,
                pbs_level: p.pbs_level.0,
                ks_base_log: p.ks_base_log.0,
                ks_level: p.ks_level.0,
            };
            assert_eq!(SetId::find(name).unwrap().get(), &expected);
            assert!(p.log2_p_fail <= -128.0);
            assert!(matches!(
                p.modulus_switch_noise_reduction_params,
                ModulusSwitchType::CenteredMeanNoiseReduction
            ));
        }
    }
}
