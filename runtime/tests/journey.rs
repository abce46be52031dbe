//! From image to logits: client, server, client, by files.

mod common;

use common::{PERIOD, expected, network, numbers, secure, tiny};
use hemet_runtime::noise::error_bound;
use hemet_runtime::{
    Backend, CkksBackend, ClearBackend, Client, ClientSpec, Moment, Program, Server, unobserved,
};
use hemet_schedule::{Artifact, Manifest};

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
    let spec = ClientSpec::new(&artifact).unwrap();
    let (client, keys) = Client::generate(spec).unwrap();
    client.save(&file("client.key")).unwrap();
    keys.save(&file("evaluation.keys")).unwrap();
    let client = Client::load(&file("client.key")).unwrap();
    assert!(client.notices().is_empty());

    // The server's machine: it has the artifact.
    let server = Server::new(artifact).unwrap();
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
        let logits = client.decrypt(&response).unwrap();

        let reference = clear.evaluate(&image).unwrap();
        for ((logit, reference), exact) in logits.iter().zip(&reference).zip(expected(&image)) {
            assert!((reference - exact).abs() < 1e-12);
            assert!(
                (logit - reference).abs() <= bound,
                "{logit} {reference} {bound}"
            );
        }
        assert_eq!(logits.len(), 10);
        let total = server.schedule().instructions.len();
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
    let artifact = Artifact::new(Manifest::new("tiny"), network(tiny(), 3));
    let server = Server::new(artifact).unwrap();
    let (client, keys) = Client::generate(server.client_spec().clone()).unwrap();
    let sizes = server.sizes();
    let request = client.encrypt(&[0.5; PERIOD]).unwrap();
    let response = server.answer(&keys, &request, &mut unobserved).unwrap();
    // Two dense layers of 16 diagonals, of inputs at levels 3 and 1, and a bias at level 2.
    let context = hemet_ckks::Context::new(tiny());
    let diagonal = |level| {
        context
            .encode_diagonal(&[0.5], 1e9, level)
            .unwrap()
            .size_bytes()
    };
    let constants = 16 * (diagonal(3) + diagonal(1)) + 3 * 1024 * 8;
    for (stated, real, headers) in [
        (
            sizes.evaluation_key_bytes,
            keys.to_bytes().len(),
            400 + 100 * 8,
        ),
        (sizes.input_ciphertext_bytes, request.len(), 500),
        (sizes.output_ciphertext_bytes, response.len(), 500),
        (
            sizes.evaluation_key_memory_bytes,
            keys.memory_bytes(),
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
    let artifact = Artifact::new(Manifest::new("tiny"), network(tiny(), 3));
    let server = Server::new(artifact).unwrap();
    let (client, _) = Client::generate(server.client_spec().clone()).unwrap();
    let client = Client::from_bytes(&client.to_bytes().unwrap()).unwrap();
    for notices in [server.notices(), client.notices()] {
        assert!(notices[0].to_string().starts_with("INSECURE PARAMETERS"));
    }
    assert_eq!(client.spec(), server.client_spec());
}

#[test]
fn one_server_serves_several_clients_with_their_own_keys() {
    let artifact = Artifact::new(Manifest::new("tiny"), network(tiny(), 3));
    let server = Server::new(artifact).unwrap();
    let image = numbers(PERIOD, 77);
    let answers: Vec<Vec<f64>> = (0..2)
        .map(|_| {
            let (client, keys) = Client::generate(server.client_spec().clone()).unwrap();
            let request = client.encrypt(&image).unwrap();
            client
                .decrypt(&server.answer(&keys, &request, &mut unobserved).unwrap())
                .unwrap()
        })
        .collect();
    for (a, b) in answers[0].iter().zip(&answers[1]) {
        assert!((a - b).abs() < 1e-2);
    }
}

#[test]
fn a_server_with_little_memory_for_diagonals_answers_the_same() {
    let artifact = Artifact::new(Manifest::new("tiny"), network(secure(), 3));
    let (client, keys) = Client::generate(ClientSpec::new(&artifact).unwrap()).unwrap();
    let request = client.encrypt(&numbers(PERIOD, 4)).unwrap();
    let answer = |bytes| {
        let server = Server::with_diagonal_bytes(artifact.clone(), bytes).unwrap();
        server.answer(&keys, &request, &mut unobserved).unwrap()
    };
    assert_eq!(answer(0), answer(usize::MAX));
}

#[test]
fn an_answer_is_the_same_on_any_number_of_threads_whether_diagonals_are_kept_or_not() {
    let artifact = Artifact::new(Manifest::new("tiny"), network(tiny(), 3));
    let (client, keys) = Client::generate(ClientSpec::new(&artifact).unwrap()).unwrap();
    let request = client.encrypt(&numbers(PERIOD, 7)).unwrap();
    let answer = |threads: usize, diagonal_bytes: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| {
            let server = Server::with_diagonal_bytes(artifact.clone(), diagonal_bytes).unwrap();
            server.answer(&keys, &request, &mut unobserved).unwrap()
        })
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
