//! How much an import takes: bounds on the file and on what grows out of it, checked before memory is taken.
//!
//! A protobuf message of two bytes becomes a struct of some hundred, so the parts of a file are counted before it is
//! decoded. Memory of an import is at most about twice the file, plus 600 bytes a part, plus 8 bytes for each of
//! [`MAX_NUMBERS`].

use crate::Error;

/// Largest file, in bytes.
pub const MAX_FILE_BYTES: usize = 1 << 29;
/// Most messages, repeated texts and integers in a file.
pub const MAX_PARTS: usize = 1 << 18;
/// Most numbers that the weights of a network, and the coefficients met on the way to it, may be.
pub const MAX_NUMBERS: usize = 1 << 27;
/// Most elements of a layer's output: what 64 ciphertexts of the largest ring hold.
pub const MAX_ELEMENTS: usize = 1 << 21;
/// Largest side of a window, padding or stride.
pub const MAX_SIDE: usize = 1 << 12;

/// Numbers that may still be taken.
#[derive(Debug)]
pub(crate) struct Budget {
    left: usize,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self { left: MAX_NUMBERS }
    }

    /// Takes `factors[0] · factors[1] · …` numbers for `node`.
    pub(crate) fn take(&mut self, node: &str, factors: &[usize]) -> Result<(), Error> {
        let count = factors
            .iter()
            .try_fold(1usize, |product, factor| product.checked_mul(*factor));
        match count.and_then(|count| self.left.checked_sub(count)) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Error::TooLarge {
                what: format!("the weights up to node `{node}`"),
                found: count.map_or("more".into(), |c| {
                    c.saturating_add(MAX_NUMBERS - self.left).to_string()
                }),
                limit: MAX_NUMBERS,
                unit: "numbers",
            }),
        }
    }
}

/// Counts the parts of an encoded model and refuses a file that has too many, or that is no protobuf message.
///
/// # Errors
/// [`Error::TooLarge`], [`Error::NotOnnx`].
pub(crate) fn check_file(bytes: &[u8]) -> Result<(), Error> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(Error::TooLarge {
            what: "the file".into(),
            found: bytes.len().to_string(),
            limit: MAX_FILE_BYTES,
            unit: "bytes",
        });
    }
    let mut parts = 0;
    // A stack of its own: the depth is bounded by the schema, which has no cycle here.
    let mut open = vec![(Kind::Model, bytes)];
    while let Some((kind, mut rest)) = open.pop() {
        while !rest.is_empty() {
            let field = read_field(&mut rest).ok_or_else(|| {
                Error::NotOnnx(format!(
                    "a field breaks off or is damaged {} bytes before the end of a part",
                    rest.len()
                ))
            })?;
            match (kind.part(field.tag), field.bytes) {
                (Part::Message(child), Some(content)) => {
                    parts += 1;
                    open.push((child, content));
                }
                (Part::Integers, Some(content)) => parts += content.len(),
                (Part::Integers | Part::Text | Part::Message(_), _) => parts += 1,
                (Part::Plain, _) => {}
            }
            if parts > MAX_PARTS {
                return Err(Error::TooLarge {
                    what: "the file's structure (nodes, attributes, tensors, texts, integers)"
                        .into(),
                    found: format!("more than {MAX_PARTS}"),
                    limit: MAX_PARTS,
                    unit: "parts",
                });
            }
        }
    }
    Ok(())
}

/// The messages of [`crate::proto`] that hold others or integers.
#[derive(Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Value,
    Type,
    TensorType,
    Shape,
    Leaf,
}

/// What a field is to the count.
enum Part {
    Message(Kind),
    /// Variable-length integers, packed or one by one: up to 8 times larger in memory than in the file.
    Integers,
    Text,
    /// In memory no larger than in the file, or skipped.
    Plain,
}

impl Kind {
    fn part(self, tag: u64) -> Part {
        match (self, tag) {
            (Kind::Model, 7) => Part::Message(Kind::Graph),
            (Kind::Model, 8) => Part::Message(Kind::Leaf),
            (Kind::Graph, 1) => Part::Message(Kind::Node),
            (Kind::Graph, 5) | (Kind::Attribute, 5) => Part::Message(Kind::Tensor),
            (Kind::Graph, 11 | 12) => Part::Message(Kind::Value),
            (Kind::Node, 1 | 2) | (Kind::Attribute, 9) => Part::Text,
            (Kind::Tensor, 13) => Part::Message(Kind::Leaf),
            (Kind::Node, 5) => Part::Message(Kind::Attribute),
            (Kind::Attribute, 8) | (Kind::Tensor, 1 | 5 | 7) => Part::Integers,
            (Kind::Value, 2) => Part::Message(Kind::Type),
            (Kind::Type, 1) => Part::Message(Kind::TensorType),
            (Kind::TensorType, 2) => Part::Message(Kind::Shape),
            (Kind::Shape, 1) => Part::Message(Kind::Leaf),
            _ => Part::Plain,
        }
    }
}

/// A field: its tag, and its content where it has a length.
struct Field<'a> {
    tag: u64,
    bytes: Option<&'a [u8]>,
}

fn read_field<'a>(rest: &mut &'a [u8]) -> Option<Field<'a>> {
    let key = read_varint(rest)?;
    let bytes = match key & 7 {
        0 => read_varint(rest).map(|_| None)?,
        1 => split(rest, 8).map(|_| None)?,
        2 => {
            let len = usize::try_from(read_varint(rest)?).ok()?;
            Some(split(rest, len)?)
        }
        5 => split(rest, 4).map(|_| None)?,
        // 3 and 4 are groups, which ONNX never had; 6 and 7 do not exist.
        _ => return None,
    };
    Some(Field {
        tag: key >> 3,
        bytes,
    })
}

fn split<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(len)?;
    *rest = tail;
    Some(head)
}

fn read_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
