//! A page that is served while it changes: a small HTTP server on this machine, for one reader or a few.
//!
//! It answers `GET /` with the page and `GET /version` with a number that grows when the page has changed; a script in
//! the served page asks for that and loads the page anew. Requests are bounded in size and time, one connection is
//! answered after the other, and nothing of a request is used but its path. Whoever can reach the address can read the
//! page.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::error::Error;

/// Bytes of the head of a request at most.
const MOST_HEAD: u64 = 8 << 10;
/// How long a reader may take to ask or to listen.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks every two seconds whether the page is another one, and keeps the place that the reader has scrolled to.
const SCRIPT: &str = "<script>
const seen = document.currentScript.dataset.version;
const at = sessionStorage.getItem('at');
if (at) { scrollTo(0, Number(at)); }
setInterval(async () => {
  try {
    const now = await (await fetch('version')).text();
    if (now !== seen) { sessionStorage.setItem('at', scrollY); location.reload(); }
  } catch { document.title = 'ended: ' + document.title.replace('ended: ', ''); }
}, 2000);
</script>";

/// What is served now.
#[derive(Clone, Default)]
pub struct Page(Arc<Mutex<(u64, String)>>);

impl Page {
    /// Replaces it, where it is another one.
    pub fn set(&self, html: String) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.1 != html {
            *now = (now.0 + 1, html);
        }
    }

    fn answer(&self, path: &str) -> Answer {
        let now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (version, html) = &*now;
        match path {
            "/" | "/index.html" => Answer {
                status: "200 OK",
                kind: "text/html; charset=utf-8",
                body: with_script(html, *version),
            },
            "/version" => Answer {
                status: "200 OK",
                kind: "text/plain",
                body: version.to_string(),
            },
            _ => Answer {
                status: "404 Not Found",
                kind: "text/plain",
                body: "there is / and nothing else\n".into(),
            },
        }
    }
}

fn with_script(html: &str, version: u64) -> String {
    let script = SCRIPT.replacen(
        "<script>",
        &format!("<script data-version=\"{version}\">"),
        1,
    );
    match html.rsplit_once("</body>") {
        Some((before, after)) => format!("{before}{script}\n</body>{after}"),
        None => format!("{html}{script}"),
    }
}

struct Answer {
    status: &'static str,
    kind: &'static str,
    body: String,
}

/// Listens at an address, such as `127.0.0.1:0` for a free port; gives the one that it is.
///
/// # Errors
/// An address that is none or is taken.
pub fn listen(address: &str) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |e: std::io::Error| {
        let known = [
            (
                ErrorKind::AddrInUse,
                "something else listens there; choose another port, or 0 for a free one",
            ),
            (
                ErrorKind::InvalidInput,
                "write HOST:PORT, such as 127.0.0.1:8000",
            ),
        ];
        let found = known.iter().find(|(kind, _)| *kind == e.kind());
        let why = found.map_or_else(|| e.to_string(), |(_, why)| (*why).to_owned());
        Error::user(format!("cannot listen at {address}: {why}"))
    };
    let listener = TcpListener::bind(address).map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    Ok((listener, local))
}

/// Answers requests until the process ends.
pub fn serve(listener: &TcpListener, page: &Page) {
    for stream in listener.incoming().flatten() {
        // A reader that has gone is no fault.
        let _ = answer(stream, page);
    }
}

fn answer(mut stream: TcpStream, page: &Page) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let head = head(&mut stream)?;
    let mut words = head.split_whitespace();
    let answer = match (words.next(), words.next()) {
        (Some("GET"), Some(path)) => page.answer(path.split('?').next().unwrap_or(path)),
        (Some(_), Some(_)) => Answer {
            status: "405 Method Not Allowed",
            kind: "text/plain",
            body: "only GET is answered\n".into(),
        },
        _ => Answer {
            status: "400 Bad Request",
            kind: "text/plain",
            body: "this is no request\n".into(),
        },
    };
    let Answer { status, kind, body } = answer;
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nX-Content-Type-Options: \
         nosniff\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    stream.flush()
}

/// The first line and the headers, as far as they come in time.
fn head(stream: &mut TcpStream) -> std::io::Result<String> {
    let (mut head, mut piece) = (Vec::new(), [0; 1024]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && (head.len() as u64) < MOST_HEAD {
        let read = stream.read(&mut piece)?;
        if read == 0 {
            break;
        }
        head.extend_from_slice(&piece[..read]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).expect("listens");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    }

    #[test]
    fn the_page_and_its_version_are_served_and_nothing_else() {
        let (listener, address) = listen("127.0.0.1:0").expect("a free port");
        let page = Page::default();
        page.set("<html><body>one</body></html>".into());
        let served = page.clone();
        std::thread::spawn(move || serve(&listener, &served));
        let get = |path: &str| asked(address, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        let first = get("/");
        assert!(
            first.starts_with("HTTP/1.1 200")
                && first.contains("one")
                && first.contains("data-version=\"1\""),
            "{first}"
        );
        assert!(get("/version").ends_with("\r\n\r\n1"));
        page.set("<html><body>one</body></html>".into());
        assert!(
            get("/version").ends_with("\r\n\r\n1"),
            "nothing has changed"
        );
        page.set("<html><body>two</body></html>".into());
        assert!(get("/version?x").ends_with("\r\n\r\n2") && get("/").contains("two"));
        assert!(get("/../etc/passwd").starts_with("HTTP/1.1 404"));
        assert!(asked(address, "POST / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
        assert!(asked(address, "\r\n\r\n").starts_with("HTTP/1.1 400"));
        let taken = listen(&address.to_string()).expect_err("taken").to_string();
        assert!(taken.contains("another port"), "{taken}");
        assert!(listen("nonsense").is_err());
    }
}
