//! A storage SCU that shares no code with the program, fast enough to keep it busy, and that can stop in the middle of a message.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An association from `MODALITY` with one presentation context.
pub(crate) struct Association {
    stream: TcpStream,
    /// Largest P-DATA-TF the acceptor takes.
    max_pdu: usize,
    message: u16,
}

const CONTEXT: u8 = 1;

impl Association {
    /// # Errors
    /// `ConnectionRefused` also when the answer is A-ASSOCIATE-RJ or the context was not accepted.
    pub(crate) fn open(
        address: SocketAddr,
        called: &str,
        abstract_syntax: &str,
        transfer_syntax: &str,
    ) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.write_all(&associate_request(called, abstract_syntax, transfer_syntax))?;
        let (kind, body) = read_pdu(&mut stream)?;
        let refused = |why: String| io::Error::new(io::ErrorKind::ConnectionRefused, why);
        if kind != 2 {
            return Err(refused(format!("PDU of type {kind}: {body:?}")));
        }
        let mut max_pdu = 0;
        for (kind, item) in items(&body[68..]) {
            match kind {
                0x21 if item[2] != 0 => return Err(refused(format!("presentation context: {}", item[2]))),
                0x50 => {
                    let length = items(item).into_iter().find(|(kind, _)| *kind == 0x51);
                    max_pdu =
                        length.map_or(0, |(_, value)| u32::from_be_bytes(value.try_into().unwrap()) as usize);
                }
                _ => {}
            }
        }
        Ok(Self { stream, max_pdu: if max_pdu == 0 { 1 << 17 } else { max_pdu.min(1 << 17) }, message: 0 })
    }

    /// C-STORE; the status of the response (PS3.7 §9.1.1).
    pub(crate) fn store(&mut self, sop_class: &str, sop_instance: &str, data_set: &[u8]) -> io::Result<u16> {
        let message = self.store_message(sop_class, sop_instance, data_set);
        self.write(&message)?;
        self.status()
    }

    /// A whole C-STORE-RQ as it goes over the wire.
    pub(crate) fn store_message(&mut self, sop_class: &str, sop_instance: &str, data_set: &[u8]) -> Vec<u8> {
        self.message = self.message.wrapping_add(1);
        let command = command(&[
            (0x0002, uid(sop_class)),
            (0x0100, 1_u16.to_le_bytes().to_vec()),
            (0x0110, self.message.to_le_bytes().to_vec()),
            (0x0700, 0_u16.to_le_bytes().to_vec()),
            (0x0800, 1_u16.to_le_bytes().to_vec()),
            (0x1000, uid(sop_instance)),
        ]);
        let mut out = Vec::with_capacity(data_set.len() + 1024);
        data_pdus(&mut out, &command, 1, self.max_pdu);
        data_pdus(&mut out, data_set, 0, self.max_pdu);
        out
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Reads the response and gives its status.
    pub(crate) fn status(&mut self) -> io::Result<u16> {
        let (kind, body) = read_pdu(&mut self.stream)?;
        let ended =
            || io::Error::new(io::ErrorKind::ConnectionAborted, format!("PDU of type {kind}: {body:?}"));
        if kind != 4 {
            return Err(ended());
        }
        let mut rest = body.get(6..).ok_or_else(ended)?;
        while let [_, _, low, high, a, b, c, d, value @ ..] = rest {
            let (element, length) =
                (u16::from_le_bytes([*low, *high]), u32::from_le_bytes([*a, *b, *c, *d]) as usize);
            if element == 0x0900 {
                return Ok(u16::from_le_bytes([value[0], value[1]]));
            }
            rest = &value[length..];
        }
        Err(ended())
    }

    /// A-RELEASE; true if the peer confirmed it.
    pub(crate) fn release(mut self) -> bool {
        self.write(&[5, 0, 0, 0, 0, 4, 0, 0, 0, 0]).is_ok()
            && read_pdu(&mut self.stream).is_ok_and(|(kind, _)| kind == 6)
    }
}

/// PS3.8 Table 9-11.
fn associate_request(called: &str, abstract_syntax: &str, transfer_syntax: &str) -> Vec<u8> {
    let mut context = vec![CONTEXT, 0, 0, 0];
    context.extend(item(0x30, abstract_syntax.as_bytes()));
    context.extend(item(0x40, transfer_syntax.as_bytes()));
    let mut user = item(0x51, &(1_u32 << 17).to_be_bytes());
    user.extend(item(0x52, b"2.25.305828488182831875890203105390285383139"));
    let mut body = vec![0, 1, 0, 0];
    body.extend(format!("{called:16}MODALITY        ").into_bytes());
    body.extend([0; 32]);
    body.extend(item(0x10, b"1.2.840.10008.3.1.1.1"));
    body.extend(item(0x20, &context));
    body.extend(item(0x50, &user));
    let mut pdu = vec![1, 0];
    pdu.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
    pdu.extend(body);
    pdu
}

fn item(kind: u8, value: &[u8]) -> Vec<u8> {
    let mut item = vec![kind, 0];
    item.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
    item.extend(value);
    item
}

fn items(mut bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut items = Vec::new();
    while let [kind, _, high, low, rest @ ..] = bytes {
        let (value, after) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        items.push((*kind, value));
        bytes = after;
    }
    items
}

fn uid(value: &str) -> Vec<u8> {
    let mut value = value.as_bytes().to_vec();
    value.resize(value.len().next_multiple_of(2), 0);
    value
}

/// Command set in implicit VR little endian with its group length (PS3.7 §6.3.1).
fn command(elements: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (element, value) in elements {
        body.extend([0, 0]);
        body.extend(element.to_le_bytes());
        body.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
        body.extend(value);
    }
    let mut command = vec![0, 0, 0, 0, 4, 0, 0, 0];
    command.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
    command.extend(body);
    command
}

/// P-DATA-TF with one fragment each (PS3.8 Table 9-22, Annex E.2); `kind` 1 for a command, 0 for a data set.
fn data_pdus(out: &mut Vec<u8>, bytes: &[u8], kind: u8, max_pdu: usize) {
    let mut chunks = bytes.chunks(max_pdu - 6).peekable();
    while let Some(chunk) = chunks.next() {
        let length = u32::try_from(chunk.len()).unwrap();
        out.extend([4, 0]);
        out.extend((length + 6).to_be_bytes());
        out.extend((length + 2).to_be_bytes());
        out.extend([CONTEXT, kind | if chunks.peek().is_none() { 2 } else { 0 }]);
        out.extend(chunk);
    }
}

fn read_pdu(stream: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 6];
    stream.read_exact(&mut head)?;
    let mut body = vec![0; u32::from_be_bytes([head[2], head[3], head[4], head[5]]) as usize];
    stream.read_exact(&mut body)?;
    Ok((head[0], body))
}
