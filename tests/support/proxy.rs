//! A network between the service and its database that can be cut, or fall
//! silent.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::Duration;

const PASS: u8 = 0;
const CUT: u8 = 1;
const SILENT: u8 = 2;

/// Passes connections on to a socket; ends with the process.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    mode: AtomicU8,
    /// Bytes to the server that may still pass before all is cut.
    left: AtomicU64,
    open: Mutex<Vec<(TcpStream, UnixStream)>>,
}

impl Proxy {
    pub fn to(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            mode: AtomicU8::new(PASS),
            left: AtomicU64::new(u64::MAX),
            open: Mutex::default(),
        });
        let accepting = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // While it is cut, a connection is closed as soon as it is made.
                if accepting.mode.load(Ordering::SeqCst) == CUT {
                    continue;
                }
                if let Ok(server) = UnixStream::connect(&socket) {
                    accepting.join(client, server);
                }
            }
        });
        Self { address, state }
    }

    pub fn url(&self, user: &str, database: &str) -> String {
        format!(
            "postgres://{user}@{}/{database}?sslmode=disable",
            self.address
        )
    }

    /// Cuts all connections, and makes no others.
    pub fn cut(&self) {
        self.state.cut();
    }

    /// The same once so many more bytes have gone to the server.
    pub fn cut_after(&self, bytes: u64) {
        self.state.left.store(bytes, Ordering::SeqCst);
    }

    /// Keeps all connections and passes nothing on, as a server that is stopped.
    pub fn fall_silent(&self) {
        self.state.mode.store(SILENT, Ordering::SeqCst);
    }

    pub fn restore(&self) {
        self.state.left.store(u64::MAX, Ordering::SeqCst);
        self.state.mode.store(PASS, Ordering::SeqCst);
    }
}

impl State {
    fn cut(&self) {
        self.mode.store(CUT, Ordering::SeqCst);
        for (client, server) in self.open.lock().unwrap().drain(..) {
            drop(client.shutdown(Shutdown::Both));
            drop(server.shutdown(Shutdown::Both));
        }
    }

    fn join(self: &Arc<Self>, client: TcpStream, server: UnixStream) {
        drop(client.set_nodelay(true));
        let copies = (client.try_clone().unwrap(), server.try_clone().unwrap());
        self.open.lock().unwrap().push(copies);
        let (mut from_server, mut to_client) =
            (server.try_clone().unwrap(), client.try_clone().unwrap());
        let there = Arc::clone(self);
        thread::spawn(move || there.copy(client, server, true));
        let back = Arc::clone(self);
        thread::spawn(move || back.copy(&mut from_server, &mut to_client, false));
    }

    fn copy(&self, mut from: impl Read, mut to: impl Write, counted: bool) {
        let mut buffer = [0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            while self.mode.load(Ordering::SeqCst) == SILENT {
                sleep(Duration::from_millis(5));
            }
            if counted {
                let left = self.left.load(Ordering::SeqCst);
                if left != u64::MAX
                    && self.left.fetch_sub(left.min(read as u64), Ordering::SeqCst) <= read as u64
                {
                    self.cut();
                }
            }
            if to.write_all(&buffer[..read]).is_err() {
                return;
            }
        }
        if counted {
            // The client left.
            self.open
                .lock()
                .unwrap()
                .retain(|(client, _)| client.peer_addr().is_ok());
        }
    }
}
