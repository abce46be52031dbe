//! Many clients at once, models that are exchanged meanwhile, and the end.

mod common;

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Member, Site, are_squares, size, square};
use hemet_serve::Limits;

const INPUT: [f64; 4] = [0.5, -0.25, 1.0, 0.0];

#[test]
fn a_full_queue_says_when_to_come_back_and_in_the_end_everybody_is_answered() {
    let limits = Limits {
        at_once: 1,
        queue: 8,
        ..Limits::default()
    };
    let site = Site::new(&[("square", square("ours"))], None, limits);
    let members: Vec<Member> = (0..3).map(|_| site.peer().join("square")).collect();
    // Nine clients that have begun a request take all places.
    let head = site
        .peer()
        .head("POST", "/v2/models/square/infer", &[], 1000);
    let holders: Vec<_> = (0..9)
        .map(|_| {
            let mut stream = site.peer().connect();
            stream.write_all(&head).unwrap();
            stream
        })
        .collect();
    let full = || members[0].infer(b"");
    let begun = Instant::now();
    let reply = loop {
        let reply = full();
        if reply.status == 429 {
            break reply;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "the queue never fills"
        );
    };
    assert!(reply.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert!(
        reply.error().contains("9 requests are here already"),
        "{}",
        reply.error()
    );
    assert_eq!(
        site.peer().get("/v2/health/ready").status,
        200,
        "a full server lives"
    );
    drop(holders);

    let (answers, busy) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let clients = size(24, 200);
    thread::scope(|scope| {
        for client in 0..clients {
            let (member, answers, busy) = (&members[client % 3], &answers, &busy);
            scope.spawn(move || {
                let request = member.client.encrypt(&INPUT).unwrap();
                loop {
                    let reply = member.infer(&request);
                    if reply.status == 429 {
                        assert!(reply.header("retry-after").is_some());
                        busy.fetch_add(1, Ordering::Relaxed);
                        thread::sleep(Duration::from_millis(20));
                        continue;
                    }
                    let output = Member::output(&reply);
                    let answer = member.client.decrypt_for(&request, &output, 1).unwrap();
                    assert!(are_squares(&answer[0].clone().logits(), &INPUT));
                    answers.fetch_add(1, Ordering::Relaxed);
                    return;
                }
            });
        }
    });
    assert_eq!(answers.into_inner(), clients);
    eprintln!(
        "{clients} clients answered, {} told to come back",
        busy.into_inner()
    );
    let metrics = String::from_utf8(site.peer().get("/metrics").body).unwrap();
    assert!(
        metrics.contains("\nhemet_queue_length 0\n"),
        "places come back: {metrics}"
    );
}

#[test]
fn a_model_is_exchanged_under_load_and_no_request_is_lost() {
    let site = Site::new(&[("square", square("first"))], None, Limits::default());
    let member = site.peer().join("square");
    let (stop, answers) = (AtomicBool::new(false), AtomicUsize::new(0));
    let second = thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    assert!(are_squares(&member.predict(&INPUT), &INPUT));
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let before = site.peer().get("/v2/models/square").json()["versions"].clone();
        // Half a file is no model, and takes nothing away.
        let bytes = square("second");
        site.replace("square", &bytes[..bytes.len() / 2]);
        thread::sleep(Duration::from_millis(1500));
        assert_eq!(
            site.peer().get("/v2/models/square").json()["versions"],
            before
        );
        site.replace("square", &bytes);
        let begun = Instant::now();
        while site.peer().get("/v2/models/square").json()["versions"] == before {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "the new version never answers"
            );
            thread::sleep(Duration::from_millis(50));
        }
        let second = site.peer().join("square");
        assert!(are_squares(&second.predict(&INPUT), &INPUT));
        stop.store(true, Ordering::Relaxed);
        second
    });
    assert!(answers.into_inner() > 10);
    let lines = site.lines.lock().unwrap().join("\n");
    assert!(lines.contains("not served: square.hemet"), "{lines}");
    // Clients of the version before are answered still; after a third one they are told.
    assert!(are_squares(&member.predict(&INPUT), &INPUT));
    site.replace("square", &square("third"));
    let begun = Instant::now();
    let request = member.client.encrypt(&INPUT).unwrap();
    let reply = loop {
        let reply = member.infer(&request);
        if reply.status != 200 {
            break reply;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "the old version answers for ever"
        );
        thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(reply.status, 409, "{}", reply.error());
    assert!(
        reply.error().contains("fetch the model's spec"),
        "{}",
        reply.error()
    );
    assert!(are_squares(&second.predict(&INPUT), &INPUT));
    std::fs::remove_file(site.path("models/square.hemet")).unwrap();
    let begun = Instant::now();
    while site.peer().get("/v2/models/square").status != 404 {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "a removed model answers for ever"
        );
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(site.peer().get("/v2/health/ready").status, 503);
}

#[test]
fn a_server_that_ends_answers_what_runs_and_takes_nothing_new() {
    let mut site = Site::new(&[("square", square("ours"))], None, Limits::default());
    let member = site.peer().join("square");
    let request = member.client.encrypt(&INPUT).unwrap();
    let (headers, body) = common::binary(&member.hash, &request);
    let mut stream = site.peer().connect();
    let head = member
        .peer
        .head("POST", &member.infer_path(), &headers, body.len());
    stream.write_all(&head).unwrap();
    // An idle connection that stays open must not hold the end up.
    let idle = site.peer().connect();
    thread::sleep(Duration::from_millis(100));
    let peer = site.peer();
    let begun = Instant::now();
    let ending = thread::spawn(move || {
        site.end();
        begun.elapsed()
    });
    thread::sleep(Duration::from_millis(300));
    stream.write_all(&body).unwrap();
    let output = Member::output(&peer.reply(&mut stream));
    let answer = member.client.decrypt_for(&request, &output, 1).unwrap();
    assert!(are_squares(&answer[0].clone().logits(), &INPUT));
    let took = ending.join().unwrap();
    assert!(took < Duration::from_secs(8), "{took:?}");
    drop(idle);
}
