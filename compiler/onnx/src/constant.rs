//! Constant tensors: initializers, values of Constant nodes, and what is computed of them before the network runs.

use std::rc::Rc;

use crate::Error;
use crate::limits::MAX_NUMBERS;
use crate::movement::{Movement, NOTHING};
use crate::node::Node;
use crate::proto::{TensorProto, data_type};

/// A constant tensor, row-major. Numbers of the file stay where its decoding put them until they are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Constant<'m> {
    /// Name for messages.
    pub(crate) name: &'m str,
    /// Extent of each axis.
    pub(crate) dims: Vec<usize>,
    data: Data<'m>,
}

/// What kind of number a tensor holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberKind {
    Float,
    Integer,
    Truth,
}

/// How a number is written in a file, in so many bytes.
#[derive(Clone, Copy, Debug)]
struct Element {
    kind: NumberKind,
    size: usize,
    read: fn(&[u8]) -> f64,
}

#[derive(Clone, Debug)]
enum Data<'m> {
    F32(&'m [f32]),
    F64(&'m [f64]),
    I64(&'m [i64]),
    /// 32-bit integers, or the bits of smaller numbers.
    I32(Element, &'m [i32]),
    Raw(Element, &'m [u8]),
    Made(NumberKind, Rc<[f64]>),
}

impl<'m> Constant<'m> {
    /// The tensor of the file, if its numbers are there and as many as its shape says.
    pub(crate) fn new(name: &'m str, proto: &'m TensorProto) -> Result<Self, Error> {
        let error = |why: String| Error::Tensor {
            name: name.to_owned(),
            why,
        };
        if proto.data_location.unwrap_or(0) != 0 {
            return Err(error(
                "its numbers lie in another file, which was not read; give the path of the model, or save it as one file"
                    .into(),
            ));
        }
        let (dims, len) = extents(&proto.dims).ok_or_else(|| {
            error(format!(
                "the shape {:?} is negative or has more than {MAX_NUMBERS} elements",
                proto.dims
            ))
        })?;
        let data = data(proto).map_err(error)?;
        if data.len() != Some(len) {
            return Err(error(format!(
                "the shape {dims:?} has {len} elements, the data are {}",
                data.describe()
            )));
        }
        Ok(Self { name, dims, data })
    }

    /// Numbers that were computed.
    pub(crate) fn made(
        name: &'m str,
        kind: NumberKind,
        dims: Vec<usize>,
        numbers: Vec<f64>,
    ) -> Self {
        Self {
            name,
            dims,
            data: Data::Made(kind, numbers.into()),
        }
    }

    /// The value of a Constant node.
    pub(crate) fn of_node(node: Node<'m>) -> Result<Self, Error> {
        const VALUES: [&str; 5] = [
            "value",
            "value_float",
            "value_floats",
            "value_int",
            "value_ints",
        ];
        node.expect_attributes(&VALUES)?;
        let name = node.name();
        let [attribute] = &node.proto.attribute[..] else {
            return Err(node.damaged("it must have exactly one value"));
        };
        let (dims, data) = match attribute.name.as_deref() {
            Some("value") => {
                let Some(tensor) = &attribute.t else {
                    return Err(node.damaged("its value is no tensor"));
                };
                return Self::new(name, tensor);
            }
            Some("value_float") => (vec![], Data::F32(attribute.f.as_slice())),
            Some("value_int") => (vec![], Data::I64(attribute.i.as_slice())),
            Some("value_floats") => (vec![attribute.floats.len()], Data::F32(&attribute.floats)),
            Some(_) | None => (vec![attribute.ints.len()], Data::I64(&attribute.ints)),
        };
        Ok(Self { name, dims, data })
    }

    /// Number of elements.
    pub(crate) fn len(&self) -> usize {
        self.data.len().unwrap_or(0)
    }

    pub(crate) fn kind(&self) -> NumberKind {
        match &self.data {
            Data::F32(_) | Data::F64(_) => NumberKind::Float,
            Data::I64(_) => NumberKind::Integer,
            Data::I32(element, _) | Data::Raw(element, _) => element.kind,
            Data::Made(kind, _) => *kind,
        }
    }

    /// The numbers, row-major.
    pub(crate) fn numbers(&self) -> Box<dyn Iterator<Item = f64> + '_> {
        match &self.data {
            Data::F32(values) => Box::new(values.iter().map(|x| f64::from(*x))),
            Data::F64(values) => Box::new(values.iter().copied()),
            Data::I64(values) => Box::new(values.iter().map(|x| *x as f64)),
            Data::I32(element, values) => {
                let read = element.read;
                let size = element.size;
                Box::new(values.iter().map(move |x| read(&x.to_le_bytes()[..size])))
            }
            Data::Raw(element, bytes) => {
                let read = element.read;
                Box::new(bytes.chunks_exact(element.size).map(read))
            }
            Data::Made(_, values) => Box::new(values.iter().copied()),
        }
    }

    /// The only number; none where there are several.
    pub(crate) fn single(&self) -> Option<f64> {
        match self.len() {
            1 => self.numbers().next(),
            _ => None,
        }
    }

    /// The numbers as weights.
    pub(crate) fn weights(&self) -> Vec<f32> {
        self.numbers().map(|x| x as f32).collect()
    }

    /// The numbers of a tensor of integers; those beyond 53 bits are near the limits of 64, where they mean "to the
    /// end".
    pub(crate) fn integers(&self) -> Result<Vec<i64>, Error> {
        match self.kind() {
            NumberKind::Integer => Ok(self.numbers().map(|x| x as i64).collect()),
            NumberKind::Float | NumberKind::Truth => Err(Error::Tensor {
                name: self.name.to_owned(),
                why: "integers are needed here, it holds floats or truth values".into(),
            }),
        }
    }

    /// The tensor with its elements moved; places that take none hold 0.
    pub(crate) fn moved(&self, name: &'m str, movement: &Movement) -> Self {
        let Some(from) = &movement.from else {
            return Self {
                name,
                dims: movement.dims.clone(),
                data: self.data.clone(),
            };
        };
        let numbers: Vec<f64> = self.numbers().collect();
        let at = |from: &u32| match *from {
            NOTHING => 0.0,
            from => numbers[from as usize],
        };
        let moved = from.iter().map(at).collect();
        Self::made(name, self.kind(), movement.dims.clone(), moved)
    }
}

impl Data<'_> {
    /// Number of elements; none if bytes are left over.
    fn len(&self) -> Option<usize> {
        match self {
            Data::F32(values) => Some(values.len()),
            Data::F64(values) => Some(values.len()),
            Data::I64(values) => Some(values.len()),
            Data::I32(_, values) => Some(values.len()),
            Data::Raw(element, bytes) => bytes
                .len()
                .is_multiple_of(element.size)
                .then_some(bytes.len() / element.size),
            Data::Made(_, values) => Some(values.len()),
        }
    }

    fn describe(&self) -> String {
        match self.len() {
            Some(len) => len.to_string(),
            None => "not a whole number of them".into(),
        }
    }
}

/// Extents and their product; none where one is negative or there are more than [`MAX_NUMBERS`] elements.
pub(crate) fn extents(dims: &[i64]) -> Option<(Vec<usize>, usize)> {
    let dims: Vec<usize> = dims
        .iter()
        .map(|d| usize::try_from(*d).ok())
        .collect::<Option<_>>()?;
    let len = dims
        .iter()
        .try_fold(1usize, |len, d| len.checked_mul(*d))
        .filter(|len| *len <= MAX_NUMBERS)?;
    Some((dims, len))
}

/// Bytes of an element of a data type; none for types that are not read.
pub(crate) fn element_size(kind: i32) -> Option<usize> {
    element(kind).map(|element| element.size)
}

fn element(kind: i32) -> Option<Element> {
    fn of<const N: usize>(bytes: &[u8]) -> [u8; N] {
        std::array::from_fn(|i| bytes[i])
    }
    let (kind, size, read): (_, _, fn(&[u8]) -> f64) = match kind {
        data_type::FLOAT => (NumberKind::Float, 4, |b| f32::from_le_bytes(of(b)).into()),
        data_type::DOUBLE => (NumberKind::Float, 8, |b| f64::from_le_bytes(of(b))),
        data_type::FLOAT16 => (NumberKind::Float, 2, |b| half(u16::from_le_bytes(of(b)))),
        data_type::BFLOAT16 => (NumberKind::Float, 2, |b| {
            f32::from_bits(u32::from(u16::from_le_bytes(of(b))) << 16).into()
        }),
        data_type::INT64 => (NumberKind::Integer, 8, |b| i64::from_le_bytes(of(b)) as f64),
        data_type::INT32 => (NumberKind::Integer, 4, |b| i32::from_le_bytes(of(b)).into()),
        data_type::INT16 => (NumberKind::Integer, 2, |b| i16::from_le_bytes(of(b)).into()),
        data_type::INT8 => (NumberKind::Integer, 1, |b| i8::from_le_bytes(of(b)).into()),
        data_type::UINT8 => (NumberKind::Integer, 1, |b| b[0].into()),
        data_type::BOOL => (NumberKind::Truth, 1, |b| u8::from(b[0] != 0).into()),
        _ => return None,
    };
    Some(Element { kind, size, read })
}

/// A number of IEEE 754's binary16.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    };
    match bits >> 15 {
        0 => magnitude,
        _ => -magnitude,
    }
}

fn data(proto: &TensorProto) -> Result<Data<'_>, String> {
    let kind = proto.data_type.unwrap_or(0);
    let Some(element) = element(kind) else {
        return Err(format!(
            "its data type is {}, read are float (16, 32, 64 bits, bfloat16), int64, int32, int16, int8, uint8 and bool",
            type_name(kind)
        ));
    };
    Ok(match (kind, proto.raw_data.as_deref()) {
        (_, Some(raw)) => Data::Raw(element, raw),
        (data_type::FLOAT, None) => Data::F32(&proto.float_data),
        (data_type::DOUBLE, None) => Data::F64(&proto.double_data),
        (data_type::INT64, None) => Data::I64(&proto.int64_data),
        (_, None) => Data::I32(element, &proto.int32_data),
    })
}

fn type_name(kind: i32) -> String {
    match kind {
        4 => "uint16",
        8 => "string",
        12 => "uint32",
        13 => "uint64",
        14 | 15 => "a complex number",
        17..=20 => "an 8-bit float",
        21 => "uint4",
        22 => "int4",
        other => return format!("number {other}"),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_those_of_the_standard() {
        for (bits, value) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 2f64.powi(-14)),
            (0x0001, 2f64.powi(-24)),
            (0x3555, 0.333_251_953_125),
        ] {
            assert_eq!(half(bits), value, "{bits:04x}");
        }
        assert!(half(0x7e00).is_nan() && half(0xfc00) == f64::NEG_INFINITY);
    }
}
