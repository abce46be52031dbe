//! Small hostile files: refused with a clear message, in a tenth of a second and 64 MiB; and whatever is read costs
//! time that grows with its size and no faster.

mod common;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use hemet_schedule::artifact::Artifact;
use hemet_schedule::placed::{Block, Pattern, PlacedMap, PlacedOperand, Tap};
use hemet_schedule::tfhe::{self, MapConstant};
use hemet_schedule::{Constant, Constants, Digit, Layout, Schedule, cost, text, verify};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

/// The header of texts: slots 512, one input of 1x1x1, one output of 1x1x1.
const HEAD: &str = "\
hemet-schedule 1
ring 2^10
moduli 35184372103169 1073750017 1073754113
special 70368744183809
security insecure
input level L2 scale 2^30
input layout 1x1x1 c[1*1] h[1*1] w[1*1] period 1
output layout 1x1x1 c[1*1] h[1*1] w[1*1] period 1
depth 0
precision 12

layer a
%0 = input 0 : ct<L2, 2^30>
";

/// An artifact of any parts: stored bytes as they are, sizes as stated, sums right.
fn forge(parts: &[(&str, Vec<u8>, u64)]) -> Vec<u8> {
    let manifest = serde_json::to_value(hemet_schedule::Manifest::new("hostile")).unwrap();
    let heads: Vec<serde_json::Value> = parts
        .iter()
        .map(|(name, stored, bytes)| {
            let sum = blake3::hash(stored).to_hex().to_string();
            serde_json::json!({"name": name, "bytes": bytes, "stored_bytes": stored.len(), "blake3": sum})
        })
        .collect();
    let head = serde_json::json!({"manifest": manifest, "parts": heads}).to_string();
    let version = 3u32.to_le_bytes();
    let mut bytes = b"\x89HEMET\r\n".to_vec();
    bytes.extend(version);
    bytes.extend((head.len() as u32).to_le_bytes());
    bytes.extend(
        blake3::Hasher::new()
            .update(&version)
            .update(head.as_bytes())
            .finalize()
            .as_bytes(),
    );
    bytes.extend(head.as_bytes());
    bytes.extend(parts.iter().flat_map(|(_, stored, _)| stored));
    bytes
}

fn artifact(text: &str, constants: &[u8]) -> Vec<u8> {
    let part = |name, bytes: &[u8]| {
        let stored = zstd::bulk::compress(bytes, 3).unwrap();
        (name, stored, bytes.len() as u64)
    };
    forge(&[
        part("schedule", text.as_bytes()),
        part("constants", constants),
    ])
}

/// Tensors of 32-bit words or 64-bit floats.
fn tensors(entries: &[(&str, Dtype, Vec<usize>, Vec<u8>)], order: &str) -> Vec<u8> {
    let views = entries.iter().map(|(name, dtype, shape, bytes)| {
        (
            *name,
            TensorView::new(*dtype, shape.clone(), bytes).unwrap(),
        )
    });
    let metadata = HashMap::from([("order".to_owned(), order.to_owned())]);
    safetensors::serialize(views, Some(metadata)).unwrap()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|w| w.to_le_bytes()).collect()
}

/// A placed map with `count` operands of period 2^24 that hold one element each, as words.
fn wide_operands(count: u32) -> Vec<u32> {
    let layout = |period| [&[1, 1, 1, period][..], &[1, 1, 1].repeat(3)].concat();
    let mut out = [&[1][..], &layout(1), &[1, 0, 0], &[count]].concat();
    for _ in 0..count {
        out.extend(layout(1 << 24));
        out.push(0);
    }
    out
}

fn placed_artifact(placement: &[u32], values: usize) -> Vec<u8> {
    let constants = tensors(
        &[
            ("w", Dtype::F64, vec![values], vec![0; 8 * values]),
            (
                "w:placement",
                Dtype::U32,
                vec![placement.len()],
                words(placement),
            ),
        ],
        "w",
    );
    let text = format!(
        "{HEAD}%1 = linear (%0) @w scale 2^10 [o0: g0 i0{{0}}] : ct<L2, 2^40>\noutput %1\n"
    );
    artifact(&text, &constants)
}

/// A map of one operand whose one tap or one block is as large as can be.
fn wide_map(change: impl Fn(&mut PlacedMap)) -> PlacedMap {
    let cube = |shape: [u32; 3]| Layout {
        shape,
        axes: [
            vec![Digit {
                extent: shape[0],
                stride: shape[1] * shape[2],
            }],
            vec![Digit {
                extent: shape[1],
                stride: shape[2],
            }],
            vec![Digit {
                extent: shape[2],
                stride: 1,
            }],
        ],
        period: (shape[0] * shape[1] * shape[2]).next_power_of_two(),
    };
    let mut map = common::placed_map();
    map.period = 512;
    map.result = cube([1, 2048, 4096]);
    map.operands[0] = PlacedOperand {
        layout: cube([1, 2048, 4096]),
        patterns: vec![Pattern {
            blocks: vec![Block {
                outputs: [0, 1],
                inputs: [0, 1],
            }],
            taps: vec![Tap {
                rows: [0, 2048],
                columns: [0, 4096],
                stride: [1, 1],
                offset: [0, 0],
                weight: 0,
            }],
        }],
    };
    map.values = vec![1.0];
    change(&mut map);
    map
}

fn faults_of_map(map: PlacedMap) -> String {
    verify(common::with_placed(map)).unwrap_err().to_string()
}

fn read(bytes: &[u8]) -> String {
    Artifact::from_bytes(bytes).map_or_else(|e| e.to_string(), |_| "accepted".into())
}

/// What a run takes of this thread's processor, so that other work on the machine does not count; elsewhere than on
/// Linux what it takes by the clock.
fn time(run: impl FnOnce()) -> Duration {
    #[cfg(target_os = "linux")]
    let now = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    };
    #[cfg(not(target_os = "linux"))]
    let now = {
        let begin = std::time::Instant::now();
        move || begin.elapsed()
    };
    let begin = now();
    run();
    now() - begin
}

/// A name, a reading of a hostile input that gives what is said of it, and a part of that.
type Hostile = (&'static str, Box<dyn FnOnce() -> String>, &'static str);

/// Each hostile input with a part of what is said of it.
fn hostile() -> Vec<Hostile> {
    let bomb = |stated: u64, zeros: usize| {
        let text = zstd::bulk::compress(HEAD.as_bytes(), 3).unwrap();
        let stored = zstd::bulk::compress(&vec![0; zeros], 3).unwrap();
        forge(&[
            ("schedule", text, HEAD.len() as u64),
            ("constants", stored, stated),
        ])
    };
    let honest = bomb(1 << 26, 1 << 26);
    let lying = bomb(1 << 10, 1 << 26);
    let periods = placed_artifact(&wide_operands(10_000), 0);
    let results: Vec<String> = (1..=50_000).map(|i| format!("%{i}")).collect();
    let terms: Vec<String> = (0..50_000).map(|o| format!("o{o}: g0 i0{{0}}")).collect();
    let primes: String = (0..64).map(|i| format!("*q{i}^1")).collect();
    let scales = format!(
        "{HEAD}{} = linear (%0) @w scale 2^10 [{}] : ct<L2, 2^40{primes}>\noutput %1\n",
        results.join(", "),
        terms.join(" | ")
    );
    let names = format!("{HEAD}layer {}\n", "n".repeat(1 << 20))
        + &"%1 = rescale %1 : ct<L1, 2^30>\n".repeat(9);
    let none = || Constants {
        entries: vec![("w".into(), Constant::Vector(vec![1.0]))],
    };
    vec![
        (
            "a part 2,000 times as large as it is stored",
            Box::new(move || read(&honest)),
            "that many bytes hold at most",
        ),
        (
            "a part larger than it says",
            Box::new(move || read(&lying)),
            "it needs 1024 bytes, 1025 are there",
        ),
        (
            "10,000 layouts of period 2^24",
            Box::new(move || read(&periods)),
            "slots, 16777215 of the 67108864",
        ),
        (
            "a tap of 2^23 places",
            Box::new(|| faults_of_map(wide_map(|_| ()))),
            "8388608 pairs of places, 4194304 of the 4194304",
        ),
        (
            "blocks of 2^24 pairs of channels without a weight",
            Box::new(|| {
                faults_of_map(wide_map(|m| {
                    m.result = Layout::raster([4096, 1, 1]);
                    m.operands[0].layout = Layout::raster([4096, 1, 1]);
                    m.operands[0].patterns[0].taps.clear();
                }))
            }),
            "a pattern has no taps",
        ),
        (
            "a layout of 2^24 elements with 32 digits an axis",
            Box::new(|| {
                let digits = |extent| Digit {
                    extent,
                    stride: u32::MAX,
                };
                let layout = Layout {
                    shape: [1, 1, 1 << 24],
                    axes: [
                        vec![digits(1)],
                        vec![digits(1)],
                        [vec![digits(2); 24], vec![digits(1); 8]].concat(),
                    ],
                    period: 1 << 24,
                };
                layout.check().unwrap_err()
            }),
            "an element lies at position 4294967295",
        ),
        (
            "50,000 values of a scale of 64 primes",
            Box::new(move || {
                verify(text::parse(&scales, none()).unwrap())
                    .unwrap_err()
                    .to_string()
            }),
            "and so on for 49999 more",
        ),
        (
            "a name of a megabyte",
            Box::new(move || text::parse(&names, none()).unwrap_err().to_string()),
            "a name has 1048576 bytes, at most 256",
        ),
    ]
}

#[test]
fn small_hostile_files_are_refused_in_a_tenth_of_a_second() {
    // The least of three times: other programs make one longer.
    let mut times: BTreeMap<&str, Duration> = BTreeMap::new();
    for (name, read, wanted) in (0..3).flat_map(|_| hostile()) {
        let mut found = String::new();
        let took = time(|| found = read());
        assert!(found.contains(wanted), "{name}: {found}");
        let least = times.entry(name).or_insert(took);
        *least = took.min(*least);
    }
    for (name, took) in times {
        assert!(took < Duration::from_millis(100), "{name}: {took:?}");
    }
}

/// The most memory that this process has held, in MiB.
#[cfg(target_os = "linux")]
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

/// Runs itself anew, alone in a process, so that the peak is its own.
#[cfg(target_os = "linux")]
#[test]
fn small_hostile_files_take_less_than_64_mib() {
    const ALONE: &str = "HEMET_SCHEDULE_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let run = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "small_hostile_files_take_less_than_64_mib",
                "--nocapture",
            ])
            .env(ALONE, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        return assert!(run.status.success(), "{said}");
    }
    for (name, read, _) in hostile() {
        // Making the input takes memory too: what reading adds is counted.
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
        let before = peak_mib();
        read();
        let taken = peak_mib().saturating_sub(before);
        assert!(taken < 64, "{name}: {taken} MiB");
    }
}

/// Time of the best of four runs.
fn best(run: &dyn Fn()) -> Duration {
    (0..4).map(|_| time(run)).min().unwrap_or_default()
}

/// A run over an input of this size.
type Sized = fn(usize) -> Box<dyn Fn()>;

/// Four times the input takes about four times as long; quadratic work takes sixteen times as long.
fn linear(name: &str, size: usize, run: Sized) {
    let (small, large) = (best(&run(size)), best(&run(4 * size)));
    let ratio = large.as_secs_f64() / small.as_secs_f64().max(1e-4);
    assert!(
        ratio < 10.0,
        "{name}: {small:?} for {size}, {large:?} for four times as much"
    );
}

fn parsed(body: &str, constants: Constants) -> Schedule {
    text::parse(&format!("{HEAD}{body}"), constants).unwrap()
}

#[test]
fn reading_takes_time_in_proportion_to_the_input() {
    linear("many values", 50_000, |n| {
        let lines: String = (1..n)
            .map(|i| format!("%{i} = add %0, %0 : ct<L2, 2^30>\n"))
            .collect();
        let text = format!("{HEAD}{lines}output %1\n");
        Box::new(move || drop(verify(text::parse(&text, Constants::default()).unwrap())))
    });
    linear("many outputs of many values", 60_000, |n| {
        let lines: String = (1..n)
            .map(|i| format!("%{i} = add %0, %0 : ct<L2, 2^30>\n"))
            .collect();
        let outputs: Vec<String> = (1..n).map(|i| format!("%{i}")).collect();
        let schedule = parsed(
            &format!("{lines}output {}\n", outputs.join(", ")),
            Constants::default(),
        );
        Box::new(move || drop(cost::costs(&schedule)))
    });
    linear("many maps by one constant of many operands", 500, |n| {
        let mut map = common::placed_map();
        map.operands = vec![map.operands[0].clone(); n];
        map.values = vec![1.0; 4 * n];
        let constants = Constants {
            entries: vec![("w".into(), Constant::Placed(Arc::new(map)))],
        };
        let line =
            |i| format!("%{i} = linear (%0) @w scale 2^10 [o0: g0 i0{{0}}] : ct<L2, 2^40>\n");
        let lines: String = (1..=n).map(line).collect();
        let schedule = parsed(&format!("{lines}output %1\n"), constants);
        Box::new(move || drop(verify(schedule.clone())))
    });
    linear("many rotations: bytes of keys", 40_000, |n| {
        let line = |i: usize| format!("%{i} = rotate %0 by {i} : ct<L2, 2^30>\n");
        let lines: String = (1..n).map(line).collect();
        let schedule = parsed(&format!("{lines}output %1\n"), Constants::default());
        Box::new(move || assert!(schedule.key_bytes().held > 0))
    });
}

/// `head` and maps of `operands` operands each.
fn tfhe_maps(maps: usize, operands: usize, outputs: usize) -> (String, tfhe::Constants) {
    let mut text = "hemet-tfhe-schedule 1\nfailure 2^-40 prediction\ninput 0 1\noutput logits 0 0 bytes 8\nlayer a\n\
                    %0 = input : lwe 1 1_1 big turn 32\n"
        .to_owned();
    let reads = " %0".repeat(operands);
    for i in 1..=maps {
        text += &format!(
            "%{i} = linear{reads} @w step 1 entries {operands} fan_in {operands} weight 1 norm2 {operands} : lwe 1 1_1 big turn 32\n"
        );
    }
    text += &"output %1 range 0 31\n".repeat(outputs);
    let map = MapConstant {
        inputs: operands as u32,
        row_starts: vec![0, operands as u32],
        columns: (0..operands as u32).collect(),
        weights: vec![1; operands],
        bias: vec![0],
    };
    (text, [("w".to_owned(), tfhe::Constant::Map(map))].into())
}

#[test]
fn reading_tfhe_schedules_takes_time_in_proportion_to_the_input() {
    fn read(input: (String, tfhe::Constants)) -> Box<dyn Fn()> {
        Box::new(move || {
            drop(tfhe::verify(
                tfhe::parse(&input.0, input.1.clone()).unwrap(),
            ))
        })
    }
    linear("operands of a map", 50_000, |n| read(tfhe_maps(3, n, 1)));
    linear("maps by one constant", 15_000, |n| read(tfhe_maps(n, 4, 1)));
    linear("outputs by one map", 50_000, |n| read(tfhe_maps(1, n, n)));
}

#[test]
fn forty_thousand_operands_in_each_of_thirty_maps_take_a_tenth_of_a_second() {
    let (text, constants) = tfhe_maps(30, 40_000, 1);
    let mut faults = String::new();
    let took = time(|| {
        let schedule = tfhe::parse(&text, constants).unwrap();
        faults = tfhe::verify(schedule).unwrap_err().to_string();
    });
    assert!(faults.contains("an output can take 0 to 40000"), "{faults}");
    assert!(took < Duration::from_millis(100), "{took:?}");
}
