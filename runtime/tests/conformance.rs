//! Both backends pass the suite.

use std::sync::Arc;

use hemet_ckks::{Ciphertext, Context, EvaluationKeys, KeyRequest, SecretKey, os_rng};
use hemet_ckks_params::{Parameters, SecurityLevel, ntt_primes};
use hemet_runtime::conformance::{Bench, run};
use hemet_runtime::{CkksBackend, ClearBackend, Result};
use hemet_schedule::Type;

struct Clear(usize);

impl Bench for Clear {
    type Backend = ClearBackend;

    fn backend(&self) -> Result<ClearBackend> {
        Ok(ClearBackend::new(self.0))
    }

    fn keys(&self, _steps: &[u32]) -> Result<()> {
        Ok(())
    }

    fn encrypt(&self, slots: &[f64], _ty: &Type) -> Result<Vec<f64>> {
        Ok(slots.to_vec())
    }

    fn decrypt(&self, x: &Vec<f64>, _ty: &Type) -> Result<Vec<f64>> {
        Ok(x.clone())
    }
}

struct Ckks {
    context: Arc<Context>,
    secret: SecretKey,
}

impl Bench for Ckks {
    type Backend = CkksBackend;

    fn backend(&self) -> Result<CkksBackend> {
        Ok(CkksBackend::new(self.context.clone()))
    }

    fn keys(&self, steps: &[u32]) -> Result<EvaluationKeys> {
        let level = self.context.parameters().max_level();
        let rotations: Vec<(i64, usize)> = steps.iter().map(|s| (i64::from(*s), level)).collect();
        let request = KeyRequest {
            relinearize: Some(level),
            rotations: &rotations,
            conjugate: None,
        };
        Ok(EvaluationKeys::generate(
            &self.context,
            &self.secret,
            &request,
            &mut os_rng()?,
        )?)
    }

    fn encrypt(&self, slots: &[f64], ty: &Type) -> Result<Ciphertext> {
        let scale = ty.scale.to_f64(self.context.parameters().moduli()).unwrap();
        let plaintext = self.context.encode(slots, scale, ty.level.0 as usize)?;
        Ok(self
            .context
            .encrypt_secret(&self.secret, &plaintext, &mut os_rng()?)?)
    }

    fn decrypt(&self, x: &Ciphertext, ty: &Type) -> Result<Vec<f64>> {
        let scale = ty.scale.to_f64(self.context.parameters().moduli()).unwrap();
        assert!(
            (x.scale() / scale - 1.0).abs() < 1e-12,
            "{} {scale}",
            x.scale()
        );
        assert_eq!(x.level(), ty.level.0 as usize);
        Ok(self
            .context
            .decode(&self.context.decrypt(&self.secret, x)?)?)
    }
}

fn parameters(special: &[u32]) -> Parameters {
    let chain = ntt_primes(13, &[45, 30, 30, 30]).unwrap();
    let special = ntt_primes(13, special).unwrap();
    Parameters::new(13, chain, special, SecurityLevel::Bits128).unwrap()
}

fn check<B: Bench>(bench: &B, parameters: &Parameters) {
    let outcomes = run(bench, parameters, 30).unwrap();
    for outcome in &outcomes {
        println!("{outcome:?}");
        assert!(outcome.passed(), "{outcome:?}");
        // The bound must mean something: a wrong slot is off by about 1.
        assert!(outcome.bound < 0.05, "{outcome:?}");
    }
    assert!(outcomes.len() >= 15);
}

#[test]
fn the_clear_backend_conforms() {
    let parameters = parameters(&[46]);
    check(&Clear(parameters.slots()), &parameters);
}

#[test]
fn the_ckks_backend_conforms_with_digits_of_one_limb_and_of_several() {
    for special in [&[46][..], &[36, 36]] {
        let parameters = parameters(special);
        let context = Context::new(parameters.clone());
        let secret = SecretKey::generate(&context, &mut os_rng().unwrap());
        check(&Ckks { context, secret }, &parameters);
    }
}
