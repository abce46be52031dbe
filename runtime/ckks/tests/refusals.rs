//! What is refused, with what message: bytes, levels, scales, keys.

mod common;

use common::{PRESETS, Setup, setup};
use hemet_ckks::params::ntt_primes;
use hemet_ckks::{
    BytesError, Ciphertext, Context, Error, EvaluationKeys, KeyRequest, LinearPlan, LinearTerm,
    Parameters, PublicKey, SecretKey, SeededCiphertext, parameters_from_bytes, parameters_to_bytes,
};

fn bytes_error<T>(result: Result<T, Error>) -> BytesError {
    match result {
        Err(Error::Bytes(error)) => error,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("accepted"),
    }
}

/// Every object of a small setup as bytes, with a reader that says whether it accepts them.
type Read = fn(&Context, &[u8]) -> Result<(), Error>;

fn objects(s: &mut Setup) -> Vec<(&'static str, Vec<u8>, Read)> {
    let context = s.context.clone();
    let values = s.values();
    let plaintext = context.encode(&values, s.scale, s.level).unwrap();
    let seeded = context
        .encrypt_seeded(&s.secret, &plaintext, &mut s.rng)
        .unwrap();
    let ciphertext = context.expand(&seeded).unwrap();
    let public = PublicKey::generate(&context, &s.secret, &mut s.rng).unwrap();
    let request = KeyRequest {
        relinearize: Some(s.level),
        rotations: &[(1, s.level), (-1, s.level)],
        conjugate: Some(s.level),
    };
    let keys = EvaluationKeys::generate(&context, &s.secret, &request, &mut s.rng).unwrap();
    vec![
        ("secret", s.secret.to_bytes(&context).to_vec(), |c, b| {
            SecretKey::from_bytes(c, b).map(drop)
        }),
        ("public", public.to_bytes(&context), |c, b| {
            PublicKey::from_bytes(c, b).map(drop)
        }),
        ("keys", keys.to_bytes(&context), |c, b| {
            EvaluationKeys::from_bytes(c, b).map(drop)
        }),
        ("ciphertext", ciphertext.to_bytes(&context), |c, b| {
            Ciphertext::from_bytes(c, b).map(drop)
        }),
        ("seeded", seeded.to_bytes(&context), |c, b| {
            SeededCiphertext::from_bytes(c, b).map(drop)
        }),
        (
            "parameters",
            parameters_to_bytes(context.parameters()),
            |_, b| parameters_from_bytes(b).map(drop),
        ),
    ]
}

/// Replaces the checksum, so that only the changed field can be the reason of a refusal.
fn resealed(bytes: Vec<u8>) -> Vec<u8> {
    let body = bytes.len() - 32;
    resealed_at(bytes, body)
}

/// Replaces the checksum of evaluation keys' head, which stands before the keys.
fn resealed_head(bytes: Vec<u8>, galois: usize) -> Vec<u8> {
    resealed_at(bytes, 44 + 40 + 4 + 8 * galois)
}

fn resealed_at(mut bytes: Vec<u8>, body: usize) -> Vec<u8> {
    let sum = blake3::hash(&bytes[..body]);
    bytes[body..body + 32].copy_from_slice(sum.as_bytes());
    bytes
}

#[test]
fn objects_come_back_and_work() {
    let mut s = setup(&PRESETS[0]);
    let context = s.context.clone();
    let values = s.values();
    let ciphertext = s.encrypt(&values);
    let bytes = ciphertext.to_bytes(&context);
    let ciphertext = Ciphertext::from_bytes(&context, &bytes).unwrap();
    assert_eq!(ciphertext.to_bytes(&context), bytes);
    let key_bytes = s.keys.to_bytes(&context);
    let keys = EvaluationKeys::from_bytes(&context, &key_bytes).unwrap();
    assert_eq!(keys.rotations(), s.keys.rotations());
    assert_eq!(keys.to_bytes(&context), key_bytes);
    for step in [1, -5] {
        let one = context.rotate(&ciphertext, step, &keys).unwrap();
        let other = context.rotate(&ciphertext, step, &s.keys).unwrap();
        assert_eq!(one.to_bytes(&context), other.to_bytes(&context));
    }
    let secret = SecretKey::from_bytes(&context, &s.secret.to_bytes(&context)).unwrap();
    let decoded = context
        .decode(&context.decrypt(&secret, &ciphertext).unwrap())
        .unwrap();
    assert_eq!(decoded, s.decrypt(&ciphertext));
    let parameters = parameters_from_bytes(&parameters_to_bytes(context.parameters())).unwrap();
    assert_eq!(&parameters, context.parameters());
}

#[test]
fn truncated_extended_and_flipped_bytes_are_refused() {
    let mut s = setup(&PRESETS[0]);
    let context = s.context.clone();
    for (name, bytes, read) in objects(&mut s) {
        read(&context, &bytes).unwrap();
        for keep in [0, 7, 8, 40, 75, bytes.len() / 2, bytes.len() - 1] {
            assert!(
                read(&context, &bytes[..keep]).is_err(),
                "{name} cut to {keep}"
            );
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(
            matches!(
                bytes_error(read(&context, &longer)),
                BytesError::Length { .. }
            ),
            "{name}"
        );
        let step = bytes.len() / 97 + 1;
        for at in (0..bytes.len()).step_by(step) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            assert!(
                read(&context, &flipped).is_err(),
                "{name} with byte {at} changed"
            );
        }
    }
}

#[test]
fn other_kinds_and_other_parameters_are_named() {
    let mut s = setup(&PRESETS[0]);
    let context = s.context.clone();
    let other = setup(&PRESETS[1]).context;
    for (name, bytes, read) in objects(&mut s) {
        let wrong: Read = if name == "secret" {
            |c, b| PublicKey::from_bytes(c, b).map(drop)
        } else {
            |c, b| SecretKey::from_bytes(c, b).map(drop)
        };
        assert!(
            matches!(
                bytes_error(wrong(&context, &bytes)),
                BytesError::Kind { .. }
            ),
            "{name}"
        );
        if name != "parameters" {
            let error = bytes_error(read(&other, &bytes));
            assert!(
                matches!(error, BytesError::OtherParameters { .. }),
                "{name}: {error}"
            );
        }
        let mut newer = bytes;
        newer[8] = 9;
        let error = bytes_error(read(&context, &newer));
        let reads = match name {
            "keys" => 3,
            "public" | "seeded" => 2,
            _ => 1,
        };
        assert!(
            matches!(error, BytesError::Version { found: 9, supported, .. } if supported == reads),
            "{name}: {error}"
        );
    }
}

#[test]
fn fields_out_of_range_are_refused_even_with_a_right_checksum() {
    let mut s = setup(&PRESETS[0]);
    let context = s.context.clone();
    let all = objects(&mut s);
    let changed = |index: usize, at: usize, with: &[u8]| {
        let mut bytes = all[index].1.clone();
        bytes[at..at + with.len()].copy_from_slice(with);
        let bytes = if all[index].0 == "keys" {
            let galois = usize::from(all[index].1[80]);
            resealed_head(bytes, galois)
        } else {
            resealed(bytes)
        };
        bytes_error((all[index].2)(&context, &bytes))
    };
    // Secret key: a coefficient 3. Keys: a huge count, steps and a level out of range.
    assert!(matches!(changed(0, 50, &[0xff]), BytesError::Field { .. }));
    assert!(matches!(
        changed(2, 80, &[0xff; 4]),
        BytesError::Field { .. }
    ));
    assert!(matches!(
        changed(2, 88, &[0, 0, 0, 0]),
        BytesError::Field {
            field: "a step",
            ..
        }
    ));
    assert!(matches!(
        changed(2, 88, &[0xff, 0xff, 0, 0]),
        BytesError::Field {
            field: "a step",
            ..
        }
    ));
    for level_of_key in [84, 92, 100] {
        assert!(matches!(
            changed(2, level_of_key, &[2, 0, 0, 0]),
            BytesError::Field {
                field: "the level of a key",
                ..
            }
        ));
        // A lower level means fewer bytes than there are.
        assert!(matches!(
            changed(2, level_of_key, &[0, 0, 0, 0]),
            BytesError::Length { .. }
        ));
    }
    // A list that is read as shorter than it is does not end with its checksum.
    assert!(matches!(
        changed(2, 80, &[2, 0, 0, 0]),
        BytesError::Checksum { .. }
    ));
    // Ciphertext: parts, level, scale, a residue that is not below its modulus.
    assert!(matches!(
        changed(3, 44, &[4]),
        BytesError::Field {
            field: "number of parts",
            ..
        }
    ));
    assert!(matches!(
        changed(3, 48, &[9]),
        BytesError::Field { field: "level", .. }
    ));
    assert!(matches!(
        changed(3, 52, &f64::NAN.to_le_bytes()),
        BytesError::Field { field: "scale", .. }
    ));
    assert!(matches!(
        changed(3, 52, &(-1.0f64).to_le_bytes()),
        BytesError::Field { .. }
    ));
    assert!(matches!(
        changed(3, 60, &[0xff; 16]),
        BytesError::Residue { limb: 0, .. }
    ));
    assert!(matches!(
        changed(4, 92, &[0xff; 16]),
        BytesError::Residue { .. }
    ));
    assert!(matches!(
        changed(1, 76, &[0xff; 16]),
        BytesError::Residue { .. }
    ));
}

#[test]
fn parameters_that_are_not_secure_cannot_be_read_as_secure() {
    let primes = ntt_primes(12, &[40, 40, 40, 50]).unwrap();
    let weak = Parameters::new_insecure(12, primes[..3].to_vec(), primes[3..].to_vec()).unwrap();
    let mut bytes = parameters_to_bytes(&weak);
    assert_eq!(parameters_from_bytes(&bytes).unwrap(), weak);
    bytes[48] = 128;
    let error = parameters_from_bytes(&resealed(bytes)).unwrap_err();
    assert!(
        error.to_string().contains("170 bits") && error.to_string().contains("106"),
        "{error}"
    );
}

#[test]
fn operands_that_do_not_match_are_refused_with_both_numbers() {
    let mut s = setup(&PRESETS[1]);
    let context = s.context.clone();
    let x = s.values();
    let a = s.encrypt(&x);
    let low = context.level_drop(&a, 1).unwrap();
    let text = |result: Result<Ciphertext, Error>| result.map(drop).unwrap_err().to_string();
    let levels = text(context.add(&a, &low));
    assert!(levels.contains("levels 3 and 1"), "{levels}");
    let other_scale = context.encode(&x, s.scale * 1.001, s.level).unwrap();
    let scales = text(context.add_plain(&a, &other_scale));
    assert!(scales.contains("2^34.000000000 and 2^34.001"), "{scales}");
    let product = context.square(&a).unwrap();
    assert!(text(context.rotate(&product, 1, &s.keys)).contains("relinearize"));
    assert!(text(context.multiply(&product, &a)).contains("degree 2"));
    assert!(text(context.relinearize(&a, &s.keys)).contains("degree 2"));
    assert!(text(context.level_drop(&low, 2)).contains("level 2"));
    let bottom = context.level_drop(&a, 0).unwrap();
    assert!(text(context.rescale(&bottom)).contains("needs a level from 1 to 3"));
    let missing = text(context.rotate(&a, 7, &s.keys));
    assert!(
        missing.contains("rotation by 7") && missing.contains("7 rotation keys"),
        "{missing}"
    );
}

#[test]
fn objects_of_other_parameters_are_refused() {
    let mut s = setup(&PRESETS[1]);
    let mut t = setup(&PRESETS[0]);
    let (x, y) = (s.values(), t.values());
    let (a, b) = (s.encrypt(&x), t.encrypt(&y));
    assert!(matches!(s.context.add(&a, &b), Err(Error::Foreign { .. })));
    assert!(matches!(
        s.context.rotate(&a, 1, &t.keys),
        Err(Error::Foreign { .. })
    ));
    assert!(matches!(
        s.context.decrypt(&t.secret, &a),
        Err(Error::Foreign { .. })
    ));
    assert!(matches!(
        s.context.decrypt(&s.secret, &b),
        Err(Error::Foreign { .. })
    ));
}

#[test]
fn values_that_cannot_be_encoded_are_refused() {
    let s = setup(&PRESETS[1]);
    let context = &s.context;
    let refuse = |values: &[f64], scale: f64, level: usize| {
        context.encode(values, scale, level).map(drop).unwrap_err()
    };
    assert!(matches!(
        refuse(&vec![0.0; 4097], 1.0, 0),
        Error::TooManyValues {
            given: 4097,
            slots: 4096
        }
    ));
    assert!(matches!(
        refuse(&[0.0, f64::NAN], 1.0, 0),
        Error::NotEncodable { .. }
    ));
    assert!(matches!(
        refuse(&[f64::INFINITY], 1.0, 0),
        Error::NotEncodable { .. }
    ));
    assert!(matches!(refuse(&[1.0], 0.0, 0), Error::NotEncodable { .. }));
    assert!(matches!(
        refuse(&[1.0], 1.0, 4),
        Error::Level {
            given: 4,
            max: 3,
            ..
        }
    ));
    assert!(matches!(
        refuse(&[4097.0; 4096], 1e12, 0),
        Error::EncodingOverflow { .. }
    ));
    let huge = context
        .encode_constant(1e300, 1e30, 3)
        .map(drop)
        .unwrap_err();
    assert!(matches!(huge, Error::EncodingOverflow { .. }));
}

#[test]
fn plans_that_refer_to_nothing_are_refused() {
    let term = LinearTerm {
        output: 0,
        giant: 0,
        input: 0,
        baby: 0,
        diagonal: 0,
    };
    let refuse =
        |terms: &[LinearTerm], outputs| LinearPlan::new(1, outputs, terms).map(drop).unwrap_err();
    assert!(matches!(
        refuse(&[LinearTerm { input: 1, ..term }], 1),
        Error::Plan {
            given: 1,
            count: 1,
            ..
        }
    ));
    assert!(matches!(
        refuse(&[LinearTerm { output: 2, ..term }], 2),
        Error::Plan { given: 2, .. }
    ));
    assert!(matches!(
        refuse(&[term], 2),
        Error::Plan {
            given: 1,
            count: 2,
            ..
        }
    ));
    assert!(matches!(
        refuse(&[], 1),
        Error::Plan {
            given: 0,
            count: 1,
            ..
        }
    ));
    let mut s = setup(&PRESETS[1]);
    let x = s.values();
    let a = s.encrypt(&x);
    let last = [LinearTerm {
        diagonal: usize::MAX,
        ..term
    }];
    let endless = LinearPlan::new(1, 1, &last).unwrap();
    let one = s.context.encode_diagonal(&x, s.scale, s.level).unwrap();
    let refused = s.context.linear(&[&a], &endless, &[&one], &s.keys);
    assert!(matches!(refused, Err(Error::Plan { .. })));
    let plan = LinearPlan::new(
        1,
        1,
        &[LinearTerm {
            diagonal: 3,
            ..term
        }],
    )
    .unwrap();
    let d = s.context.encode_diagonal(&x, s.scale, s.level).unwrap();
    let run = |inputs: &[&Ciphertext], count: usize| {
        s.context
            .linear(inputs, &plan, &vec![&d; count], &s.keys)
            .map(drop)
    };
    assert!(matches!(
        run(&[&a], 3),
        Err(Error::Plan {
            given: 3,
            count: 3,
            ..
        })
    ));
    assert!(matches!(run(&[&a, &a], 4), Err(Error::Plan { .. })));
    assert!(run(&[&a], 4).is_ok());
    let low = s.context.encode_diagonal(&x, s.scale, 0).unwrap();
    assert!(matches!(
        s.context.linear(&[&a], &plan, &[&low; 4], &s.keys),
        Err(Error::Level { .. })
    ));
}

#[test]
fn switching_keys_need_special_primes() {
    let parameters =
        Parameters::new_insecure(11, ntt_primes(11, &[40, 30]).unwrap(), vec![]).unwrap();
    let context = Context::new(parameters);
    let mut rng = hemet_ckks::os_rng().unwrap();
    let secret = SecretKey::generate(&context, &mut rng);
    let request = KeyRequest {
        relinearize: Some(0),
        ..KeyRequest::default()
    };
    let refused = EvaluationKeys::generate(&context, &secret, &request, &mut rng);
    assert!(matches!(refused, Err(Error::NoSpecialPrimes)));
    let none =
        EvaluationKeys::generate(&context, &secret, &KeyRequest::default(), &mut rng).unwrap();
    let back = EvaluationKeys::from_bytes(&context, &none.to_bytes(&context)).unwrap();
    assert!(back.rotations().is_empty() && back.relinearization_level().is_none());
}
