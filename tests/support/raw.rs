//! HTTP by hand, for what a client library won't do: stop in the middle, or
//! send what isn't HTTP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Opens a connection and sends the beginning of something.
pub fn begin(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_mins(1)))
        .unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

/// Reads until the other side closes.
pub fn rest(stream: TcpStream) -> String {
    String::from_utf8_lossy(&rest_bytes(stream)).into_owned()
}

/// As [`rest`], of what is not all text.
pub fn rest_bytes(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset ends it as well as a close.
    drop(stream.read_to_end(&mut bytes));
    bytes
}

/// The head and the body of an answer; none where nobody listens.
pub fn get(address: SocketAddr, path: &str) -> Option<(String, String)> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    ask(address, &request)
}

/// The same for JSON that is sent.
pub fn post(address: SocketAddr, path: &str, json: &str) -> Option<(String, String)> {
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{json}",
        json.len()
    );
    ask(address, &request)
}

fn ask(address: SocketAddr, request: &str) -> Option<(String, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let text = rest(stream);
    let (head, body) = text.split_once("\r\n\r\n")?;
    Some((head.to_owned(), body.to_owned()))
}
