//! Sends requests at a given rate, whether or not earlier ones were answered, and
//! tells how many were answered well and how long that took.
//!
//! `cargo run --release --example load -- http://127.0.0.1:8080/predict/churn
//! bench/http/customer.json --rate 5000`. Arrivals are random (Poisson); a time
//! counts from the moment that a request was to be sent, so that a slow answer
//! does not hide the waiting of those behind it; `served` leaves out the wait for
//! a free connection, which is this client's. A request that finds no free
//! connection within `--give-up` milliseconds is counted as not sent. With
//! `--rate 0` each connection sends as fast as it is answered. A key is taken
//! from the variable `KEY`. Prints one line of `name=value`.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

struct Plan {
    address: String,
    request: Vec<u8>,
    /// When each request is to be sent; none in a closed loop.
    due: Option<Vec<Duration>>,
    next: AtomicUsize,
    begun: Instant,
    /// Nothing counts before this.
    warm: Duration,
    lasts: Duration,
    give_up: Duration,
}

#[derive(Default)]
struct Seen {
    /// Microseconds of good answers, and of refusals.
    good: Vec<u32>,
    /// The same from the moment that the request was sent in fact.
    served: Vec<u32>,
    refused: Vec<u32>,
    failed: usize,
    unsent: usize,
    /// What went wrong first.
    fault: Option<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, body, ..] = &args[..] else {
        return Err("give a URL and the file of the body; see the head of this example".into());
    };
    let number = |name: &str, default: f64| -> Result<f64, Box<dyn Error>> {
        let at = args.iter().position(|arg| arg == name);
        let given = at.and_then(|at| args.get(at + 1));
        given.map_or(Ok(default), |text| Ok(text.parse()?))
    };
    let rate = number("--rate", 1000.0)?;
    let lasts = Duration::from_secs_f64(number("--seconds", 10.0)?);
    let warm = Duration::from_secs_f64(number("--warm", 1.0)?);
    let connections = number("--connections", 64.0)?;
    let rest = url.strip_prefix("http://").ok_or("http:// only")?;
    let at = rest.find('/').unwrap_or(rest.len());
    let plan = Arc::new(Plan {
        address: rest[..at].to_owned(),
        request: request(&rest[..at], &rest[at..], &std::fs::read(body)?),
        due: (rate > 0.0).then(|| arrivals(rate, warm + lasts)),
        next: AtomicUsize::new(0),
        begun: Instant::now() + Duration::from_millis(100),
        warm,
        lasts: warm + lasts,
        give_up: Duration::from_secs_f64(number("--give-up", 100.0)? / 1000.0),
    });
    let mut count = 0.0;
    let mut threads = Vec::new();
    while count < connections {
        let plan = Arc::clone(&plan);
        threads.push(
            thread::Builder::new()
                .stack_size(64 * 1024)
                .spawn(move || send(&plan))?,
        );
        count += 1.0;
    }
    let mut all = Seen::default();
    for thread in threads {
        let seen = thread.join().map_err(|_| "a thread panicked")?;
        all.good.extend(seen.good);
        all.served.extend(seen.served);
        all.refused.extend(seen.refused);
        all.failed += seen.failed;
        all.unsent += seen.unsent;
        all.fault = all.fault.or(seen.fault);
    }
    tell(all, lasts.as_secs_f64());
    Ok(())
}

fn request(host: &str, path: &str, body: &[u8]) -> Vec<u8> {
    let key = std::env::var("KEY").map_or(String::new(), |key| {
        format!("authorization: Bearer {key}\r\n")
    });
    let kind = std::env::var("TYPE").unwrap_or("application/json".into());
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {kind}\r\n{key}content-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// Moments with exponential gaps, the same each time.
fn arrivals(rate: f64, until: Duration) -> Vec<Duration> {
    let mut state = 20_251_021_u64;
    let mut at = 0.0;
    let mut due = Vec::new();
    while at < until.as_secs_f64() {
        // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let bits = u32::try_from(state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32).unwrap_or(0);
        let uniform = (f64::from(bits) + 0.5) / 4_294_967_296.0;
        at -= uniform.ln() / rate;
        due.push(Duration::from_secs_f64(at));
    }
    due
}

/// One connection's work.
fn send(plan: &Plan) -> Seen {
    let mut seen = Seen::default();
    let mut line = None;
    loop {
        let now = plan.begun.elapsed();
        let due = match &plan.due {
            None if now < plan.lasts => now,
            None => return seen,
            Some(due) => match due.get(plan.next.fetch_add(1, Ordering::Relaxed)) {
                Some(&due) => due,
                None => return seen,
            },
        };
        let at = plan.begun + due;
        thread::sleep(at.saturating_duration_since(Instant::now()));
        let counts = due >= plan.warm;
        if at.elapsed() > plan.give_up {
            seen.unsent += usize::from(counts);
            continue;
        }
        let sent = Instant::now();
        let answered = ask(plan, &mut line);
        let (took, served) = (micros(at.elapsed()), micros(sent.elapsed()));
        match answered {
            _ if !counts => (),
            Ok(200) => {
                seen.good.push(took);
                seen.served.push(served);
            }
            Ok(429 | 503) => seen.refused.push(took),
            Ok(status) => seen.fail(format!("status {status}")),
            Err(error) => seen.fail(error.to_string()),
        }
    }
}

fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

impl Seen {
    fn fail(&mut self, fault: String) {
        self.failed += 1;
        self.fault.get_or_insert(fault);
    }
}

/// Sends the request and reads the answer; gives its status.
fn ask(plan: &Plan, line: &mut Option<TcpStream>) -> io::Result<u16> {
    let mut stream = if let Some(stream) = line.take() {
        stream
    } else {
        let stream = TcpStream::connect(&plan.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream
    };
    stream.write_all(&plan.request)?;
    let mut buffer = [0; 16 * 1024];
    let mut filled = 0;
    let ended = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let (head, status, mut left, closes) = loop {
        match stream.read(&mut buffer[filled..])? {
            0 => return Err(ended()),
            read => filled += read,
        }
        let Some(head) = buffer[..filled].windows(4).position(|w| w == b"\r\n\r\n") else {
            continue;
        };
        let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
        let status = text.get(9..12).and_then(|code| code.parse().ok());
        let length = text
            .split("\r\n")
            .find_map(|line| line.strip_prefix("content-length: "));
        let length = length.and_then(|length| length.parse::<usize>().ok());
        let (Some(status), Some(length)) = (status, length) else {
            return Err(io::Error::other("an answer that this does not understand"));
        };
        break (head + 4, status, length, text.contains("connection: close"));
    };
    left = left.saturating_sub(filled - head);
    while left > 0 {
        match stream.read(&mut buffer)? {
            0 => return Err(ended()),
            read => left = left.saturating_sub(read),
        }
    }
    if !closes {
        *line = Some(stream);
    }
    Ok(status)
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests")]
fn tell(mut seen: Seen, seconds: f64) {
    seen.good.sort_unstable();
    seen.served.sort_unstable();
    seen.refused.sort_unstable();
    let rate = |count: usize| count as f64 / seconds;
    let at = |times: &[u32], parts: usize| {
        let place = (times.len() * parts / 1000).min(times.len().saturating_sub(1));
        f64::from(times.get(place).copied().unwrap_or(0)) / 1000.0
    };
    println!(
        "good_per_s={:.0} refused_per_s={:.0} failed={} unsent={} p50_ms={:.2} p90_ms={:.2} p99_ms={:.2} p999_ms={:.2} served_p99_ms={:.2} refused_p99_ms={:.2}{}",
        rate(seen.good.len()),
        rate(seen.refused.len()),
        seen.failed,
        seen.unsent,
        at(&seen.good, 500),
        at(&seen.good, 900),
        at(&seen.good, 990),
        at(&seen.good, 999),
        at(&seen.served, 990),
        at(&seen.refused, 990),
        seen.fault
            .map_or(String::new(), |fault| format!(" fault={fault:?}")),
    );
}
