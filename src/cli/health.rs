//! `engagecast health`: asks a running service whether it lives, for container
//! images that have no other program to ask with.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::config::ListenArgs;

/// How long the service may take: an orchestrator asks again soon enough.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, clap::Args)]
pub struct HealthArgs {
    #[command(flatten)]
    pub at: ListenArgs,

    /// Ask whether predictions can be served (/readyz), not only whether the process lives
    #[arg(long)]
    pub ready: bool,
}

/// Why the service counts as unhealthy.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    #[error("{0} does not answer: {1}")]
    NoAnswer(SocketAddr, io::Error),
    #[error("{0} answers with {1}")]
    Unhealthy(SocketAddr, String),
}

/// Runs `engagecast health`.
///
/// # Errors
/// Where the service does not answer in time, or not with 200.
pub fn health(args: &HealthArgs) -> Result<(), HealthError> {
    let address = reachable(args.at.listen);
    let path = if args.ready { "/readyz" } else { "/healthz" };
    let status = ask(address, path).map_err(|error| HealthError::NoAnswer(address, error))?;
    if status.split(' ').nth(1) == Some("200") {
        Ok(())
    } else {
        Err(HealthError::Unhealthy(address, status))
    }
}

/// The status line of the answer.
fn ask(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut connection = TcpStream::connect_timeout(&address, PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes())?;
    let mut line = String::new();
    BufReader::new(connection).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

/// A service that listens on every address is asked on the loopback one.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_asked_on_the_loopback_one() {
        let asked = |listen: &str| reachable(listen.parse().unwrap()).to_string();
        assert_eq!(asked("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(asked("[::]:8080"), "[::1]:8080");
        assert_eq!(asked("10.0.0.7:9000"), "10.0.0.7:9000");
    }
}
