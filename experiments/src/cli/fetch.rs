//! Downloads of published data files: resumed by range requests, renamed when whole.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::read::GzDecoder;
use ureq::Agent;
use ureq::http::{Response, StatusCode};

use crate::error::Error;

/// Broken connections after which a download gives up, where nothing more arrives; what has arrived stays.
const ATTEMPTS: usize = 3;
/// How long to wait for a connection, an answer, and each piece of a body.
const WAIT: Duration = Duration::from_secs(30);
const PIECE: usize = 1 << 16;

/// Hears how many bytes are there, and how many there will be if the server says so.
pub type OnBytes<'a> = dyn FnMut(u64, Option<u64>) + 'a;

/// Fetches `url` into `path`. What an earlier attempt left in `path` with `.part` after it is gone on with.
///
/// # Errors
/// No connection, a refusal by the server, files that cannot be written.
pub fn download(url: &str, path: &Path, on_bytes: &mut OnBytes<'_>) -> Result<(), Error> {
    let part = part_path(path);
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(WAIT))
        .timeout_recv_response(Some(WAIT))
        .timeout_per_read(Some(WAIT))
        .build()
        .into();
    let mut failures = 0;
    loop {
        let before = length(&part);
        match attempt(&agent, url, &part, on_bytes) {
            Ok(()) => break,
            Err(Failure::Final(error)) => return Err(error),
            Err(Failure::Broken(why)) => {
                failures = if length(&part) > before {
                    0
                } else {
                    failures + 1
                };
                if failures == ATTEMPTS {
                    return Err(Error::user(format!(
                        "cannot fetch {url}: {why}; is this machine online? The same command goes on where it stopped \
                         ({} bytes are there)",
                        length(&part)
                    )));
                }
            }
        }
    }
    std::fs::rename(&part, path).map_err(|e| Error::file(path, e))
}

fn part_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |m| m.len())
}

enum Failure {
    /// Another attempt may do better.
    Broken(String),
    Final(Error),
}

/// One request, from where the file `part` ends.
fn attempt(
    agent: &Agent,
    url: &str,
    part: &Path,
    on_bytes: &mut OnBytes<'_>,
) -> Result<(), Failure> {
    let have = length(part);
    let mut request = agent.get(url);
    if have > 0 {
        request = request.header("Range", format!("bytes={have}-"));
    }
    let response = request.call().map_err(|e| Failure::Broken(e.to_string()))?;
    let (start, end) = match response.status() {
        StatusCode::OK => (0, number(&response, "content-length")),
        StatusCode::PARTIAL_CONTENT => match range(&response) {
            Some((start, end)) if start == have => (have, end),
            _ => return Err(refused(url, "the server answered with another range")),
        },
        StatusCode::RANGE_NOT_SATISFIABLE if whole(&response) == Some(have) => return Ok(()),
        StatusCode::RANGE_NOT_SATISFIABLE => {
            std::fs::remove_file(part).map_err(|e| Failure::Final(Error::file(part, e)))?;
            return Err(Failure::Broken(
                "the part that was there does not fit".into(),
            ));
        }
        status => return Err(refused(url, &format!("the server answered {status}"))),
    };
    let file = |error| Failure::Final(Error::file(part, error));
    let mut target = OpenOptions::new()
        .create(true)
        .write(true)
        .append(start > 0)
        .truncate(start == 0)
        .open(part)
        .map_err(file)?;
    let mut body = response.into_body().into_reader();
    let mut piece = vec![0; PIECE];
    let mut done = start;
    loop {
        let count = match body.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) => return Err(Failure::Broken(error.to_string())),
        };
        target.write_all(&piece[..count]).map_err(file)?;
        done += count as u64;
        on_bytes(done, end);
    }
    match end {
        Some(end) if done != end => Err(Failure::Broken(format!("{done} of {end} bytes came"))),
        _ => target.sync_all().map_err(file),
    }
}

fn refused(url: &str, why: &str) -> Failure {
    Failure::Final(Error::user(format!("cannot fetch {url}: {why}")))
}

fn header<'a, B>(response: &'a Response<B>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

fn number<B>(response: &Response<B>, name: &str) -> Option<u64> {
    header(response, name)?.parse().ok()
}

/// Start and whole length of `bytes START-END/LENGTH`.
fn range<B>(response: &Response<B>) -> Option<(u64, Option<u64>)> {
    let (span, _) = header(response, "content-range")?
        .strip_prefix("bytes ")?
        .split_once('/')?;
    let (start, _) = span.split_once('-')?;
    Some((start.parse().ok()?, whole(response)))
}

/// The whole length in `bytes …/LENGTH`.
fn whole<B>(response: &Response<B>) -> Option<u64> {
    header(response, "content-range")?
        .rsplit_once('/')?
        .1
        .parse()
        .ok()
}

/// Unpacks the plain files of a `.tar.gz` whose names end in one of `wanted` into `folder`, without their paths.
///
/// # Errors
/// An archive that is damaged, files that cannot be written.
pub fn unpack(archive: &Path, wanted: &[&str], folder: &Path) -> Result<(), Error> {
    const BLOCK: usize = 512;
    let file = File::open(archive).map_err(|e| Error::file(archive, e))?;
    let mut reader = GzDecoder::new(std::io::BufReader::new(file));
    let mut head = [0u8; BLOCK];
    let damaged = |what: &str| Error::file(archive, format!("{what}; fetch it again"));
    loop {
        reader
            .read_exact(&mut head)
            .map_err(|e| damaged(&e.to_string()))?;
        if head.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        let text = |from: usize, len: usize| {
            let bytes = head[from..from + len].split(|b| *b == 0).next();
            String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
        };
        let size = u64::from_str_radix(text(124, 12).trim(), 8)
            .map_err(|_| damaged("a header of it has no size"))?;
        let name = text(0, 100);
        let short = name.rsplit('/').next().unwrap_or_default();
        let padded = size.next_multiple_of(BLOCK as u64);
        let mut content = reader.by_ref().take(padded);
        if wanted.contains(&short) {
            let path = folder.join(short);
            let mut bytes = Vec::new();
            content
                .by_ref()
                .take(size)
                .read_to_end(&mut bytes)
                .map_err(|e| damaged(&e.to_string()))?;
            hemet_files::write_atomically(&path, &bytes)?;
        }
        std::io::copy(&mut content, &mut std::io::sink()).map_err(|e| damaged(&e.to_string()))?;
    }
}
