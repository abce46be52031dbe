//! `hemet data`: downloads from a server on this machine that breaks off, refuses and lies; files of the user's own.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::GzEncoder;
use hemet::cli::fetch::{download, unpack};

/// How the server treats a request.
#[derive(Clone, Copy)]
enum Manner {
    /// Honours ranges and sends at most so many bytes before it hangs up.
    Ranges(usize),
    /// Knows no ranges: always sends the whole.
    Whole,
    /// Answers 404.
    Absent,
}

/// A server of one content at every path. Says its address and the `Range` headers that it got.
fn serve(content: Vec<u8>, manner: Manner) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let ranges = Arc::new(Mutex::new(Vec::new()));
    let heard = ranges.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // A client that hangs up early is no concern of the server.
            let _ = answer(stream.unwrap(), &content, manner, &heard);
        }
    });
    (address, ranges)
}

fn answer(
    mut stream: TcpStream,
    content: &[u8],
    manner: Manner,
    ranges: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut start = 0;
    for line in BufReader::new(stream.try_clone()?).lines() {
        let line = line?.to_ascii_lowercase();
        if let Some(range) = line.strip_prefix("range: bytes=") {
            start = range.trim_end_matches('-').parse().unwrap();
            ranges.lock().unwrap().push(range.to_owned());
        }
        if line.is_empty() {
            break;
        }
    }
    let total = content.len();
    let close = "connection: close\r\n\r\n";
    match manner {
        Manner::Absent => write!(
            stream,
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n{close}"
        ),
        Manner::Ranges(_) if start >= total && start > 0 => write!(
            stream,
            "HTTP/1.1 416 Range Not Satisfiable\r\ncontent-range: bytes */{total}\r\ncontent-length: 0\r\n{close}"
        ),
        Manner::Ranges(most) if start > 0 => {
            let rest = &content[start..];
            write!(
                stream,
                "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes {start}-{}/{total}\r\ncontent-length: {}\r\n{close}",
                total - 1,
                rest.len()
            )?;
            stream.write_all(&rest[..rest.len().min(most)])
        }
        Manner::Ranges(most) => {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {total}\r\n{close}"
            )?;
            stream.write_all(&content[..total.min(most)])
        }
        Manner::Whole => {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {total}\r\n{close}"
            )?;
            stream.write_all(content)
        }
    }
}

fn content() -> Vec<u8> {
    (0..300_000u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

#[test]
fn a_download_that_breaks_off_again_and_again_goes_on_by_ranges() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let (address, ranges) = serve(content(), Manner::Ranges(70_000));
    let most = AtomicUsize::new(0);
    download(&format!("{address}file"), &path, &mut |done, total| {
        most.fetch_max(done as usize, Ordering::Relaxed);
        assert_eq!(total, Some(300_000));
    })
    .unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), content());
    assert_eq!(most.into_inner(), 300_000);
    assert_eq!(
        *ranges.lock().unwrap(),
        ["70000-", "140000-", "210000-", "280000-"]
    );
    assert!(!folder.path().join("file.part").exists());
}

#[test]
fn what_an_earlier_attempt_left_is_used_where_the_server_knows_ranges_and_replaced_where_not() {
    for (manner, left) in [
        (Manner::Ranges(usize::MAX), 1000),
        (Manner::Ranges(usize::MAX), 300_000),
        (Manner::Whole, 1000),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(folder.path().join("file.part"), &content()[..left]).unwrap();
        let (address, ranges) = serve(content(), manner);
        download(&address, &path, &mut |_, _| {}).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), content());
        assert_eq!(*ranges.lock().unwrap(), [format!("{left}-")]);
    }
}

#[test]
fn refusals_and_dead_addresses_are_told_with_the_address() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let (address, _) = serve(content(), Manner::Absent);
    let told = download(&address, &path, &mut |_, _| {})
        .unwrap_err()
        .render();
    assert!(told.contains("404") && told.contains(&address), "{told}");
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    let told = download(&closed, &path, &mut |_, _| {})
        .unwrap_err()
        .render();
    assert!(told.contains("online") && told.contains(&closed), "{told}");
    assert!(!path.exists());
}

/// A file of a tar archive: header and padded content.
fn entry(name: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 512];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    bytes[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

#[test]
fn the_wanted_files_of_an_archive_are_unpacked_and_damage_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut tar = entry("set/readme.txt", b"not wanted");
    tar.extend(entry("set/a.bin", &content()[..700]));
    tar.extend(entry("set/../b.bin", b"second"));
    tar.extend(vec![0; 1024]);
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(&tar).unwrap();
    let gz = gz.finish().unwrap();
    let archive = folder.path().join("set.tar.gz");
    std::fs::write(&archive, &gz).unwrap();
    unpack(&archive, &["a.bin", "b.bin"], folder.path()).unwrap();
    assert_eq!(
        std::fs::read(folder.path().join("a.bin")).unwrap(),
        content()[..700]
    );
    assert_eq!(
        std::fs::read(folder.path().join("b.bin")).unwrap(),
        b"second"
    );
    assert!(!folder.path().join("readme.txt").exists());
    std::fs::write(&archive, &gz[..gz.len() / 2]).unwrap();
    let told = unpack(&archive, &["a.bin"], folder.path())
        .unwrap_err()
        .render();
    assert!(told.contains("set.tar.gz"), "{told}");
}

fn hemet(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hemet"));
    command.arg("data").args(arguments).current_dir(folder);
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn files_that_are_not_the_published_ones_are_refused_after_the_download() {
    let folder = tempfile::tempdir().unwrap();
    let (address, _) = serve(b"no images".to_vec(), Manner::Whole);
    let output = hemet(folder.path(), &["fetch", "mnist", "--from", &address]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("train-images-idx3-ubyte") && told.contains("--again"),
        "{told}"
    );
    for (set, file) in [
        ("cifar100", "cifar-100-binary/cifar-100-binary.tar.gz"),
        ("svhn", "svhn/train_32x32.mat"),
    ] {
        let (address, _) = serve(b"no images".to_vec(), Manner::Whole);
        let output = hemet(folder.path(), &["fetch", set, "--from", &address]);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(
            told.contains("SHA-256 sum") && told.contains("taken away"),
            "{told}"
        );
        let places = std::fs::read_dir(folder.path()).unwrap();
        let left = places.map(|place| place.unwrap().path().join(file));
        assert!(left.into_iter().all(|path| !path.exists()), "{file}");
    }
    let output = hemet(folder.path(), &["fetch", "optdigits"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("part of the program"));
}

#[test]
fn every_set_is_listed_and_a_folder_of_ones_own_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let listed = text(&hemet(folder.path(), &["list"]).stdout);
    for source in hemet_search::data::sources() {
        assert!(listed.contains(source.name()), "{listed}");
    }
    let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/optdigits");
    for (from, to) in [("train", "train"), ("test", "t10k")] {
        for kind in ["images-idx3", "labels-idx1"] {
            let source = digits.join(format!("optdigits-{from}-{kind}-ubyte.gz"));
            let target = folder.path().join(format!("{to}-{kind}-ubyte.gz"));
            std::fs::copy(source, target).unwrap();
        }
    }
    let output = hemet(folder.path(), &["check", ".", "--set", "idx"]);
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        shown.contains("3823 images") && shown.contains("10 classes"),
        "{shown}"
    );
    let output = hemet(folder.path(), &["check", ".", "--set", "mnist"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    let output = hemet(folder.path(), &["check", "empty"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
}
