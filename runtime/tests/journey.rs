//! From image to logits: client, server, client, by files.

mod common;

use common::{PERIOD, expected, network, numbers, secure, tiny};
use hemet_ckks::{Context, EvaluationKeys, Flooding};
use hemet_runtime::ckks::Sizes;
use hemet_runtime::door::Model;
use hemet_runtime::noise::error_bound;
use hemet_runtime::{
    Backend, CkksBackend, ClearBackend, Client, Moment, Program, Server, ServerKeys, unobserved,
};
use hemet_schedule::{Artifact, Manifest, Sharing};

fn tiny_artifact() -> Artifact {
    Artifact::new(Manifest::new("tiny"), network(tiny(), 3))
}

/// A server, a client, its key file, and the keys as the server has read them.
fn scene(artifact: Artifact) -> (Server, Client, Vec<u8>, ServerKeys) {
    let server = Server::new(Box::new(artifact)).unwrap();
    let (client, key_file) = Client::generate(server.client_spec()).unwrap();
    let keys = server.keys(&key_file).unwrap();
    (server, client, key_file, keys)
}

/// The answer of a server whose prepared constants take at most so many bytes.
fn answer_within(artifact: &Artifact, keys: &[u8], request: &[u8], bytes: usize) -> Vec<u8> {
    let server = Server::with_constant_bytes(Box::new(artifact.clone()), bytes).unwrap();
    let keys = server.keys(keys).unwrap();
    server.answer(&keys, request, &mut unobserved).unwrap()
}

#[test]
fn an_encrypted_image_comes_back_as_the_logits_of_the_reference() {
    let schedule = network(secure(), 3);
    let clear = Program::new(schedule.clone(), ClearBackend::new(4096)).unwrap();
    let context = hemet_ckks::Context::new(secure());
    let noise = CkksBackend::new(context).noise();
    let bound = error_bound(&schedule, &noise, 1.0).unwrap()[0].error;
    assert!(bound < 1e-2, "{bound}");

    let artifact = Artifact::new(Manifest::new("tiny"), schedule);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);

    // The client's machine: it has the description only.
    let (client, keys) = Client::generate(artifact.spec().unwrap()).unwrap();
    client.save(&file("client.key"), None).unwrap();
    std::fs::write(file("evaluation.keys"), &keys).unwrap();
    let client = Client::load(&file("client.key")).unwrap();
    assert!(client.facts().notices().is_empty());

    // The server's machine: it has the artifact.
    let total = artifact.instructions();
    let server = Server::new(Box::new(artifact)).unwrap();
    let keys = server.load_keys(&file("evaluation.keys")).unwrap();
    for seed in 10..13 {
        let image = numbers(PERIOD, seed);
        let request = client.encrypt(&image).unwrap();
        let mut moments = Vec::new();
        let response = server
            .answer(&keys, &request, &mut |p| {
                moments.push((p.instruction, p.moment, p.layer.to_owned()))
            })
            .unwrap();
        let logits = client.decrypt(&response).unwrap().logits();

        let reference = clear.evaluate(&image).unwrap();
        for ((logit, reference), exact) in logits.iter().zip(&reference).zip(expected(&image)) {
            assert!((reference - exact).abs() < 1e-12);
            assert!(
                (logit - reference).abs() <= bound,
                "{logit} {reference} {bound}"
            );
        }
        assert_eq!(logits.len(), 10);
        assert_eq!(moments.len(), 2 * total);
        assert_eq!(moments[0], (0, Moment::Begin, "first".into()));
        assert_eq!(
            moments[2 * total - 1],
            (total - 1, Moment::End, "head".into())
        );
    }
}

#[test]
fn sizes_say_what_files_and_memory_really_take() {
    let artifact = tiny_artifact();
    let sizes = Sizes::of(&artifact.schedule);
    let (server, client, key_file, keys) = scene(artifact);
    let request = client.encrypt(&[0.5; PERIOD]).unwrap();
    let response = server.answer(&keys, &request, &mut unobserved).unwrap();
    let held = EvaluationKeys::from_bytes(&Context::new(tiny()), &key_file[96..]).unwrap();
    // Two dense layers of 16 diagonals, of inputs at levels 3 and 1, and a bias at level 2.
    let context = hemet_ckks::Context::new(tiny());
    let diagonal = |level| {
        context
            .encode_repeated_diagonal(&[0.5; PERIOD], 1e9, level)
            .unwrap()
            .size_bytes()
    };
    let constants = 16 * (diagonal(3) + diagonal(1)) + 3 * 1024 * 8;
    for (stated, real, headers) in [
        (sizes.evaluation_key_bytes, key_file.len(), 400 + 100 * 8),
        (sizes.input_ciphertext_bytes, request.len(), 500),
        (sizes.output_ciphertext_bytes, response.len(), 500),
        (
            sizes.evaluation_key_memory_bytes,
            held.size_bytes(),
            200 * 8,
        ),
        (sizes.constant_memory_bytes, constants, 200 * 32),
    ] {
        let real = real as u64;
        assert!(
            (stated..=stated + headers).contains(&real),
            "{stated} {real}"
        );
    }
}

#[test]
fn insecure_parameters_are_noticed_at_both_ends_and_survive_the_key_file() {
    let (server, client, _, _) = scene(tiny_artifact());
    let client = Client::from_bytes(&client.to_bytes().unwrap()).unwrap();
    for facts in [server.facts(), &client.facts()] {
        let notices = facts.notices();
        assert!(notices[0].to_string().starts_with("INSECURE PARAMETERS"));
    }
    assert_eq!(&client.facts(), server.facts());
}

#[test]
fn one_server_serves_several_clients_with_their_own_keys() {
    let server = Server::new(Box::new(tiny_artifact())).unwrap();
    let image = numbers(PERIOD, 77);
    let answers: Vec<Vec<f64>> = (0..2)
        .map(|_| {
            let (client, keys) = Client::generate(server.client_spec()).unwrap();
            let keys = server.keys(&keys).unwrap();
            let request = client.encrypt(&image).unwrap();
            let answer = server.answer(&keys, &request, &mut unobserved).unwrap();
            client.decrypt(&answer).unwrap().logits()
        })
        .collect();
    for (a, b) in answers[0].iter().zip(&answers[1]) {
        assert!((a - b).abs() < 1e-2);
    }
}

#[test]
fn a_server_with_little_memory_for_diagonals_answers_the_same() {
    let artifact = Artifact::new(Manifest::new("tiny"), network(secure(), 3));
    let (client, keys) = Client::generate(artifact.spec().unwrap()).unwrap();
    let request = client.encrypt(&numbers(PERIOD, 4)).unwrap();
    let answer = |bytes| answer_within(&artifact, &keys, &request, bytes);
    assert_eq!(answer(0), answer(usize::MAX));
}

#[test]
fn an_answer_is_the_same_on_any_number_of_threads_whether_diagonals_are_kept_or_not() {
    let artifact = tiny_artifact();
    let (client, keys) = Client::generate(artifact.spec().unwrap()).unwrap();
    let request = client.encrypt(&numbers(PERIOD, 7)).unwrap();
    let answer = |threads: usize, diagonal_bytes: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        pool.install(|| answer_within(&artifact, &keys, &request, diagonal_bytes))
    };
    let alone = answer(1, usize::MAX);
    for threads in [2, 3, 8] {
        for diagonal_bytes in [0, usize::MAX] {
            assert!(
                answer(threads, diagonal_bytes) == alone,
                "{threads} {diagonal_bytes}"
            );
        }
    }
}

#[test]
fn results_that_may_be_shown_get_noise_at_every_decryption_and_lie_on_its_grid() {
    let (results, error) = (1000, 1e-5);
    let mut artifact = tiny_artifact();
    artifact.manifest.sharing = Some(Sharing { results, error });
    let (server, client, _, keys) = scene(artifact);
    let client = Client::from_bytes(&client.to_bytes().unwrap()).unwrap();
    let shown = client.facts().shown.unwrap();
    let image = numbers(PERIOD, 10);
    let request = client.encrypt(&image).unwrap();
    let response = server.answer(&keys, &request, &mut unobserved).unwrap();
    let decrypt = || client.decrypt(&response).unwrap().logits();
    let (first, second) = (decrypt(), decrypt());
    assert_ne!(first, second);
    let flooding = Flooding::new(error, results, first.len()).unwrap();
    assert_eq!(
        (shown.results, shown.noise),
        (results, flooding.deviation())
    );
    for (found, exact) in first.iter().zip(expected(&image)) {
        // Six deviations of the noise, and the errors of the tiny parameters.
        let bound = 6.0 * shown.noise + 1e-3;
        assert!((found - exact).abs() < bound, "{found} {exact}");
        assert_eq!((found / flooding.step()).fract(), 0.0);
    }
}
