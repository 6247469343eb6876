//! HTTP/1.1 over one connection, as much as the Runtime API needs.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;

use crate::fault::Fault;

const PREFIX: &str = "/2018-06-01/runtime/invocation";

pub struct Client {
    host: String,
    stream: BufReader<TcpStream>,
}

pub struct Invocation {
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Invocation {
    /// `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn broken(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

impl Client {
    pub fn connect(address: &str) -> Result<Client> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Client { host: address.to_owned(), stream: BufReader::new(stream) })
    }

    /// Waits for the next invocation, however long.
    pub fn next(&mut self) -> Result<Invocation> {
        self.send("GET", &format!("{PREFIX}/next"), &[])?;
        let (status, invocation) = self.receive()?;
        if status == 200 {
            Ok(invocation)
        } else {
            Err(broken("no invocation"))
        }
    }

    pub fn respond(&mut self, id: &str, body: &[u8]) -> Result<()> {
        self.post(id, "response", body)
    }

    pub fn fail(&mut self, id: &str, fault: &Fault) -> Result<()> {
        self.post(id, "error", &fault.to_json())
    }

    // A refusal, of a result that is too large, concerns its invocation only.
    fn post(&mut self, id: &str, what: &str, body: &[u8]) -> Result<()> {
        self.send("POST", &format!("{PREFIX}/{id}/{what}"), body)?;
        self.receive().map(|_| ())
    }

    // In one write: the other side may wait 40 ms for a second one.
    fn send(&mut self, method: &str, path: &str, body: &[u8]) -> Result<()> {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.host,
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.stream.get_mut().write_all(&request)
    }

    fn receive(&mut self) -> Result<(u16, Invocation)> {
        let start = self.line()?;
        let status = start.split(' ').nth(1).and_then(|text| text.parse().ok());
        let status = status.ok_or_else(|| broken("no status"))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':') {
                headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
        let mut answer = Invocation { headers, body: Vec::new() };
        let length = answer.header("content-length").and_then(|text| text.parse().ok());
        answer.body = vec![0; length.ok_or_else(|| broken("no length"))?];
        self.stream.read_exact(&mut answer.body)?;
        Ok((status, answer))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}
