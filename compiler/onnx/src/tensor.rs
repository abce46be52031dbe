//! Constant tensors: initialisers and the values of Constant nodes, checked before they are read.

use crate::Error;
use crate::limits::MAX_NUMBERS;
use crate::proto::{TensorProto, data_type};

/// A constant tensor, row-major. Its numbers stay where the file's decoding put them until they are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Constant<'m> {
    /// Name for messages.
    pub(crate) name: &'m str,
    /// Extent of each axis.
    pub(crate) dims: Vec<usize>,
    data: Data<'m>,
}

#[derive(Clone, Debug)]
enum Data<'m> {
    F32(&'m [f32]),
    F64(&'m [f64]),
    I32(&'m [i32]),
    I64(&'m [i64]),
    RawF32(&'m [u8]),
    RawF64(&'m [u8]),
    RawI32(&'m [u8]),
    RawI64(&'m [u8]),
    RawBool(&'m [u8]),
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
                "its numbers lie in another file; save the model as one file (save_as_external_data=False)".into(),
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

    /// Numbers given directly in a Constant node's attribute, of shape `[]` or `[len]`.
    pub(crate) fn from_floats(name: &'m str, floats: &'m [f32], scalar: bool) -> Self {
        Self {
            name,
            dims: if scalar { vec![] } else { vec![floats.len()] },
            data: Data::F32(floats),
        }
    }

    /// Integers given directly in a Constant node's attribute, of shape `[]` or `[len]`.
    pub(crate) fn from_integers(name: &'m str, integers: &'m [i64], scalar: bool) -> Self {
        Self {
            name,
            dims: if scalar { vec![] } else { vec![integers.len()] },
            data: Data::I64(integers),
        }
    }

    /// Number of elements.
    pub(crate) fn len(&self) -> usize {
        self.data.len().unwrap_or(0)
    }

    /// The numbers, row-major.
    pub(crate) fn numbers(&self) -> Box<dyn Iterator<Item = f64> + '_> {
        fn raw<'a, const N: usize, T: Into<f64> + 'a>(
            bytes: &'a [u8],
            read: fn([u8; N]) -> T,
        ) -> Box<dyn Iterator<Item = f64> + 'a> {
            Box::new(
                bytes
                    .as_chunks::<N>()
                    .0
                    .iter()
                    .map(move |b| read(*b).into()),
            )
        }
        match self.data {
            Data::F32(values) => Box::new(values.iter().map(|x| f64::from(*x))),
            Data::F64(values) => Box::new(values.iter().copied()),
            Data::I32(values) => Box::new(values.iter().map(|x| f64::from(*x))),
            Data::I64(values) => Box::new(values.iter().map(|x| *x as f64)),
            Data::RawF32(bytes) => raw(bytes, f32::from_le_bytes),
            Data::RawF64(bytes) => raw(bytes, f64::from_le_bytes),
            Data::RawI32(bytes) => raw(bytes, i32::from_le_bytes),
            Data::RawI64(bytes) => raw(bytes, |b: [u8; 8]| i64::from_le_bytes(b) as f64),
            Data::RawBool(bytes) => Box::new(bytes.iter().map(|b| f64::from(u8::from(*b != 0)))),
        }
    }

    /// The numbers as weights.
    pub(crate) fn weights(&self) -> Vec<f32> {
        self.numbers().map(|x| x as f32).collect()
    }

    /// The numbers of a tensor of integers.
    pub(crate) fn integers(&self) -> Result<Vec<i64>, Error> {
        match self.data {
            Data::I64(values) => Ok(values.to_vec()),
            Data::RawI64(bytes) => {
                let chunks = bytes.as_chunks::<8>().0;
                Ok(chunks.iter().map(|b| i64::from_le_bytes(*b)).collect())
            }
            Data::I32(_) | Data::RawI32(_) => Ok(self.numbers().map(|x| x as i64).collect()),
            Data::F32(_) | Data::F64(_) | Data::RawF32(_) | Data::RawF64(_) | Data::RawBool(_) => {
                Err(Error::Tensor {
                    name: self.name.to_owned(),
                    why: "integers are needed here, it holds floats or truth values".into(),
                })
            }
        }
    }
}

impl Data<'_> {
    /// Number of elements; none if bytes are left over.
    fn len(&self) -> Option<usize> {
        let whole = |bytes: &[u8], size: usize| {
            bytes
                .len()
                .is_multiple_of(size)
                .then_some(bytes.len() / size)
        };
        match self {
            Data::F32(values) => Some(values.len()),
            Data::F64(values) => Some(values.len()),
            Data::I32(values) => Some(values.len()),
            Data::I64(values) => Some(values.len()),
            Data::RawF32(bytes) | Data::RawI32(bytes) => whole(bytes, 4),
            Data::RawF64(bytes) | Data::RawI64(bytes) => whole(bytes, 8),
            Data::RawBool(bytes) => Some(bytes.len()),
        }
    }

    fn describe(&self) -> String {
        match self.len() {
            Some(len) => len.to_string(),
            None => "not a whole number of them".into(),
        }
    }
}

fn extents(dims: &[i64]) -> Option<(Vec<usize>, usize)> {
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

fn data(proto: &TensorProto) -> Result<Data<'_>, String> {
    let kind = proto.data_type.unwrap_or(0);
    Ok(match (kind, proto.raw_data.as_deref()) {
        (data_type::FLOAT, Some(raw)) => Data::RawF32(raw),
        (data_type::FLOAT, None) => Data::F32(&proto.float_data),
        (data_type::DOUBLE, Some(raw)) => Data::RawF64(raw),
        (data_type::DOUBLE, None) => Data::F64(&proto.double_data),
        (data_type::INT64, Some(raw)) => Data::RawI64(raw),
        (data_type::INT64, None) => Data::I64(&proto.int64_data),
        (data_type::INT32, Some(raw)) => Data::RawI32(raw),
        (data_type::BOOL, Some(raw)) => Data::RawBool(raw),
        (data_type::INT32 | data_type::BOOL, None) => Data::I32(&proto.int32_data),
        _ => {
            return Err(format!(
                "its data type is {}, read are float, double, int64, int32 and bool; convert the model to float",
                type_name(kind)
            ));
        }
    })
}

fn type_name(kind: i32) -> String {
    match kind {
        2 => "uint8",
        3 => "int8",
        4 => "uint16",
        5 => "int16",
        8 => "string",
        10 => "float16",
        12 => "uint32",
        13 => "uint64",
        16 => "bfloat16",
        other => return format!("number {other}"),
    }
    .into()
}
