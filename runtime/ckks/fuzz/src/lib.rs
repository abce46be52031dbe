//! The fuzz targets: what they read, and what must hold of everything that is accepted.
//!
//! Each target says whether it accepted its input. The checksum of an envelope would stop every changed byte before a
//! field is looked at. So an input is either raw bytes, or a list of changes to a valid object, which is sealed again
//! after them.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use hemet_ckks::params::ntt_primes;
use hemet_ckks::{
    Ciphertext, Context, EvaluationKeys, KeyRequest, Parameters, PublicKey, SecretKey,
    SeededCiphertext, parameters_from_bytes, parameters_to_bytes,
};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

const CHECKSUM: usize = 32;

/// A context of the smallest degree with one object of each kind.
struct Setup {
    context: Arc<Context>,
    secret: SecretKey,
    public: PublicKey,
    keys: EvaluationKeys,
    ciphertext: Ciphertext,
    seeded: SeededCiphertext,
}

/// The setup, made once from a fixed seed.
fn setup() -> &'static Setup {
    static SETUP: OnceLock<Setup> = OnceLock::new();
    SETUP.get_or_init(|| {
        let mut primes = ntt_primes(10, &[30, 20, 25, 31]).expect("sizes within the range");
        let special = primes.split_off(3);
        let parameters = Parameters::new_insecure(10, primes, special).expect("a valid chain");
        let context = Context::new(parameters);
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let secret = SecretKey::generate(&context, &mut rng);
        let request = KeyRequest {
            relinearize: Some(2),
            rotations: &[(1, 2), (7, 1)],
            conjugate: Some(0),
        };
        let keys = EvaluationKeys::generate(&context, &secret, &request, &mut rng);
        let public = PublicKey::generate(&context, &secret, &mut rng).expect("own key");
        let plaintext = context.encode(&[0.5, -1.0], 1e6, 2).expect("small values");
        let seeded = context
            .encrypt_seeded(&secret, &plaintext, &mut rng)
            .expect("own key");
        let ciphertext = context.expand(&seeded).expect("own ciphertext");
        Setup {
            secret,
            public,
            keys: keys.expect("levels of the chain"),
            ciphertext,
            seeded,
            context,
        }
    })
}

/// A valid object of each kind, as bytes.
fn templates() -> &'static [Vec<u8>; 7] {
    static TEMPLATES: OnceLock<[Vec<u8>; 7]> = OnceLock::new();
    TEMPLATES.get_or_init(|| {
        let s = setup();
        let mut mapped = Vec::new();
        let written = s.keys.write_mapped(&s.context, &LABEL, &mut mapped);
        written.expect("memory can be written to");
        [
            parameters_to_bytes(s.context.parameters()),
            s.secret.to_bytes(&s.context).to_vec(),
            s.public.to_bytes(&s.context),
            s.keys.to_bytes(&s.context),
            s.ciphertext.to_bytes(&s.context),
            s.seeded.to_bytes(&s.context),
            mapped,
        ]
    })
}

/// The bytes that an input stands for. First byte 0: the rest, raw. Otherwise the first byte chooses what is changed
/// (1: the template, 2: the template without its tail of u16 bytes, 3: with zeros added), and the rest is a list of
/// (offset u16, count u8, bytes), after which the checksum is made right.
fn bytes_of(template: &[u8], input: &[u8]) -> Vec<u8> {
    let Some((&mode, mut rest)) = input.split_first() else {
        return Vec::new();
    };
    if mode == 0 {
        return rest.to_vec();
    }
    let mut body = template[..template.len() - CHECKSUM].to_vec();
    if mode > 1 {
        let by = take_u16(&mut rest);
        let length = if mode == 2 {
            body.len().saturating_sub(by)
        } else {
            body.len() + by
        };
        body.resize(length, 0);
    }
    while rest.len() > 3 {
        let offset = take_u16(&mut rest);
        let count = usize::from(rest[0]).min(rest.len() - 1);
        let (change, later) = rest[1..].split_at(count);
        for (at, &byte) in (offset..body.len()).zip(change) {
            body[at] = byte;
        }
        rest = later;
    }
    let sum = blake3::hash(&body);
    body.extend_from_slice(sum.as_bytes());
    body
}

/// How evaluation keys lie in a file: of a key whose half takes so many bytes, its length, and what it begins at a
/// multiple of.
struct Layout {
    length: fn(usize) -> usize,
    page: usize,
    /// Bytes of the label in the head.
    label: usize,
}

/// What the mapped keys belong to.
const LABEL: [u8; 32] = [7; 32];

/// Halves, one after the other.
const STREAM: Layout = Layout {
    length: |half| half,
    page: 1,
    label: 0,
};
/// Both halves and eight words more, by pages.
const MAPPED: Layout = Layout {
    length: |half| 2 * half + 64,
    page: 4096,
    label: LABEL.len(),
};

/// As [`bytes_of`] for evaluation keys: the checksums of the head and of each key are made right.
fn key_bytes_of(template: &[u8], input: &[u8], layout: &Layout) -> Vec<u8> {
    let mut bytes = bytes_of(template, input);
    if input.first().is_none_or(|&mode| mode == 0) {
        return bytes;
    }
    // The checksum that `bytes_of` put at the end belongs to the last key.
    let end = bytes.len() - CHECKSUM;
    bytes[end..].fill(0);
    let number = |bytes: &[u8], at: usize| {
        let four = bytes.get(at..at + 4).and_then(|b| b.try_into().ok());
        four.map_or(0, u32::from_le_bytes) as usize
    };
    let relinearizations = number(&bytes, 76).min(1);
    let galois = number(&bytes, 80).min(1 << 9);
    let list = 84 + 4 * relinearizations;
    let levels: Vec<usize> = (0..relinearizations)
        .map(|_| number(&bytes, 84))
        .chain((0..galois).map(|key| number(&bytes, list + 8 * key + 4)))
        .collect();
    let end = list + 8 * galois + layout.label;
    let Some(head) = bytes.get(..end) else {
        return bytes;
    };
    let sum = *blake3::hash(head).as_bytes();
    let mut from = put(&mut bytes, end, &sum);
    for (index, level) in levels.into_iter().enumerate() {
        let request = KeyRequest {
            relinearize: Some(level),
            ..KeyRequest::default()
        };
        // 116 and 4 bytes around the key and its checksum.
        let Ok(length) = setup().context.evaluation_key_bytes(&request) else {
            return bytes;
        };
        from = from.next_multiple_of(layout.page);
        let until = from + (layout.length)(length - 120 - CHECKSUM);
        let Some(key) = bytes.get(from..until) else {
            return bytes;
        };
        let mut hasher = blake3::Hasher::new();
        hasher
            .update(&sum)
            .update(&(index as u32).to_le_bytes())
            .update(key);
        from = put(&mut bytes, until, hasher.finalize().as_bytes());
    }
    bytes
}

/// Writes what fits and says where it ends.
fn put(bytes: &mut [u8], at: usize, what: &[u8]) -> usize {
    for (byte, &new) in bytes.iter_mut().skip(at).zip(what) {
        *byte = new;
    }
    at + what.len()
}

fn take_u16(rest: &mut &[u8]) -> usize {
    let Some((now, later)) = rest.split_first_chunk::<2>() else {
        return 0;
    };
    *rest = later;
    usize::from(u16::from_le_bytes(*now))
}

/// Parameters from bytes: refused, or the same bytes again and a context that can be made.
pub fn parameters(input: &[u8]) -> bool {
    let bytes = bytes_of(&templates()[0], input);
    let Ok(parameters) = parameters_from_bytes(&bytes) else {
        return false;
    };
    assert_eq!(parameters_to_bytes(&parameters), bytes);
    let primes = parameters.moduli().len() + parameters.special().len();
    if parameters.log_n() <= 11 && primes <= 6 {
        let context = Context::new(parameters);
        let top = context.parameters().max_level();
        let plaintext = context
            .encode(&[1.0], 1000.0, top)
            .expect("11 bits fit in 17");
        context.decode(&plaintext).expect("own plaintext");
    }
    true
}

/// A secret key from bytes: refused, or the same bytes again.
pub fn secret_key(input: &[u8]) -> bool {
    let s = setup();
    let bytes = bytes_of(&templates()[1], input);
    let Ok(key) = SecretKey::from_bytes(&s.context, &bytes) else {
        return false;
    };
    assert_eq!(*key.to_bytes(&s.context), bytes);
    s.context.decrypt(&key, &s.ciphertext).expect("own key");
    true
}

/// A public key from bytes: refused, or the same bytes again and encryptions with it.
pub fn public_key(input: &[u8]) -> bool {
    let s = setup();
    let bytes = bytes_of(&templates()[2], input);
    let Ok(key) = PublicKey::from_bytes(&s.context, &bytes) else {
        return false;
    };
    assert_eq!(key.to_bytes(&s.context), bytes);
    let plaintext = s.context.encode(&[1.0], 1e6, 2).expect("a small value");
    let mut rng = ChaCha20Rng::from_seed([2; 32]);
    let encrypted = s.context.encrypt_public(&key, &plaintext, &mut rng);
    encrypted.expect("own key");
    true
}

/// Evaluation keys from bytes: refused, or the same bytes again and key switches that run; of a stream the same.
pub fn evaluation_keys(input: &[u8]) -> bool {
    let s = setup();
    let bytes = key_bytes_of(&templates()[3], input, &STREAM);
    let streamed = EvaluationKeys::read_from(&s.context, &mut &bytes[..]);
    let Ok(keys) = EvaluationKeys::from_bytes(&s.context, &bytes) else {
        return false;
    };
    assert_eq!(keys.to_bytes(&s.context), bytes);
    let streamed = streamed.expect("the same bytes");
    assert_eq!(streamed.to_bytes(&s.context), bytes);
    use_keys(&keys).expect("the keys are there");
    true
}

/// Evaluation keys in a mapped file: refused when it is opened or when a key is used, or key switches that run.
pub fn mapped_keys(input: &[u8]) -> bool {
    let s = setup();
    let bytes = key_bytes_of(&templates()[6], input, &MAPPED);
    static FILES: AtomicUsize = AtomicUsize::new(0);
    let (process, file) = (std::process::id(), FILES.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(format!("hemet-ckks-fuzz-{process}-{file}"));
    let mut file = std::fs::File::create(&path).expect("a file in the temporary folder");
    file.write_all(&bytes).expect("room for a small file");
    drop(file);
    let file = std::fs::File::open(&path).expect("it was made above");
    let keys = EvaluationKeys::map(&s.context, &file, &LABEL, 0);
    let is_used = keys.is_ok_and(|keys| use_keys(&keys).is_ok());
    std::fs::remove_file(&path).expect("it was made above");
    is_used
}

/// A key switch with each key, at the highest level that it serves.
fn use_keys(keys: &EvaluationKeys) -> Result<(), hemet_ckks::Error> {
    let s = setup();
    for (step, level) in keys.rotations() {
        let low = s.context.level_drop(&s.ciphertext, level)?;
        s.context.rotate(&low, step, keys)?;
    }
    if let Some(level) = keys.conjugation_level() {
        let low = s.context.level_drop(&s.ciphertext, level)?;
        s.context.conjugate(&low, keys)?;
    }
    if let Some(level) = keys.relinearization_level() {
        let low = s.context.level_drop(&s.ciphertext, level)?;
        s.context.relinearize(&s.context.square(&low)?, keys)?;
    }
    Ok(())
}

/// A ciphertext from bytes: refused, or the same bytes again and operations that give a result or an error.
pub fn ciphertext(input: &[u8]) -> bool {
    let s = setup();
    let (context, keys) = (&s.context, &s.keys);
    let bytes = bytes_of(&templates()[4], input);
    let Ok(a) = Ciphertext::from_bytes(context, &bytes) else {
        return false;
    };
    assert_eq!(a.to_bytes(context), bytes);
    let plaintext = context.decrypt(&s.secret, &a).expect("own ciphertext");
    context.decode(&plaintext).expect("own plaintext");
    let _ = context.add(&a, &s.ciphertext);
    let _ = context.rotate(&a, 1, keys);
    let _ = context.conjugate(&a, keys);
    let _ = context.rescale(&a);
    let square = context.square(&a).unwrap_or(a);
    let _ = context.relinearize_rescale(&square, keys);
    true
}

/// A seeded ciphertext from bytes: refused, or the same bytes again and an expansion.
pub fn seeded_ciphertext(input: &[u8]) -> bool {
    let s = setup();
    let bytes = bytes_of(&templates()[5], input);
    let Ok(seeded) = SeededCiphertext::from_bytes(&s.context, &bytes) else {
        return false;
    };
    assert_eq!(seeded.to_bytes(&s.context), bytes);
    let ciphertext = s.context.expand(&seeded).expect("own ciphertext");
    let plaintext = s.context.decrypt(&s.secret, &ciphertext);
    plaintext.expect("own ciphertext");
    true
}
