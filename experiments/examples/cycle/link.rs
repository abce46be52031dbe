//! A link of a network in one process: bytes go to a server and back, each way with a delay and so many bits a second.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};

/// What a link is like.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// Its name.
    pub name: &'static str,
    /// Milliseconds there and back.
    pub round_trip_ms: f64,
    /// Megabits a second, each way.
    pub megabits: f64,
}

/// Bytes that are read at a time.
const PIECE: usize = 16 << 10;

/// One way of the link: since when it is free.
type Way = Arc<Mutex<Instant>>;

impl Link {
    /// Opens the link to a server; the address of its near end. It stays open until the process ends.
    pub fn open(self, server: SocketAddr) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let near = listener.local_addr()?;
        let now = Instant::now();
        let ways: [Way; 2] = [Arc::new(Mutex::new(now)), Arc::new(Mutex::new(now))];
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A connection that fails is the client's to notice.
                let _ = self.connect(client, server, &ways);
            }
        });
        Ok(near)
    }

    fn connect(self, client: TcpStream, server: SocketAddr, ways: &[Way; 2]) -> io::Result<()> {
        let server = TcpStream::connect(server)?;
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
        }
        let [there, back] = ways;
        self.carry(client.try_clone()?, server.try_clone()?, there.clone());
        self.carry(server, client, back.clone());
        Ok(())
    }

    /// Carries bytes one way until the sender ends.
    fn carry(self, mut from: TcpStream, to: TcpStream, way: Way) {
        let (sender, receiver) = channel();
        thread::spawn(move || deliver(to, &receiver));
        thread::spawn(move || {
            let mut piece = vec![0; PIECE];
            while let Ok(count) = from.read(&mut piece) {
                if count == 0 || self.send(&piece[..count], &way, &sender).is_none() {
                    return;
                }
            }
        });
    }

    /// Puts bytes on the way; none if nobody takes them any longer.
    fn send(self, bytes: &[u8], way: &Way, to: &Sender<(Instant, Vec<u8>)>) -> Option<()> {
        let takes = Duration::from_secs_f64(bytes.len() as f64 * 8.0 / (self.megabits * 1e6));
        let delay = Duration::from_secs_f64(self.round_trip_ms / 2e3);
        let mut free = way.lock().unwrap_or_else(PoisonError::into_inner);
        *free = (*free).max(Instant::now()) + takes;
        to.send((*free + delay, bytes.to_vec())).ok()
    }
}

/// Writes each piece when it has arrived.
fn deliver(mut to: TcpStream, pieces: &Receiver<(Instant, Vec<u8>)>) {
    for (at, bytes) in pieces {
        thread::sleep(at.saturating_duration_since(Instant::now()));
        if to.write_all(&bytes).is_err() {
            return;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
