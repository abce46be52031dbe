//! NumPy's `.npy` files (format versions 1 to 3): an array of numbers, row-major.

/// An array as double-precision numbers.
#[derive(Debug, PartialEq)]
pub struct Array {
    /// The axes.
    pub shape: Vec<usize>,
    /// The numbers, the last axis running fastest.
    pub numbers: Vec<f64>,
}

/// What every such file begins with.
pub const SIGNATURE: &[u8] = b"\x93NUMPY";

/// The array in a file's content.
///
/// # Errors
/// What is wrong with the file, or which kind of numbers is not read.
pub fn read(content: &[u8]) -> Result<Array, String> {
    let cut = || "it ends within its header: the file was cut".to_owned();
    let version = *content.get(SIGNATURE.len()).ok_or_else(cut)?;
    // Version 1 has two bytes for the length of the header, later ones four.
    let wide = if version == 1 { 2 } else { 4 };
    let begin = SIGNATURE.len() + 2;
    let length = content.get(begin..begin + wide).ok_or_else(cut)?;
    let length = length
        .iter()
        .rev()
        .fold(0usize, |sum, byte| (sum << 8) | usize::from(*byte));
    let data = begin + wide;
    let end = data.checked_add(length).ok_or_else(cut)?;
    let header = content.get(data..end).ok_or_else(cut)?;
    let header = std::str::from_utf8(header).map_err(|_| "its header is no text".to_owned())?;
    if value(header, "fortran_order")?.starts_with("True") {
        return Err("it is in Fortran order; save it with numpy.ascontiguousarray".into());
    }
    let shape = shape(value(header, "shape")?)?;
    let kind = value(header, "descr")?;
    let kind = kind.trim_start_matches(['\'', '"']);
    let kind = kind.split(['\'', '"']).next().unwrap_or_default();
    let numbers = numbers(kind, &content[end..])?;
    let count = shape
        .iter()
        .try_fold(1usize, |n, axis| n.checked_mul(*axis));
    match count == Some(numbers.len()) {
        true => Ok(Array { shape, numbers }),
        false => Err(format!(
            "its shape is {shape:?}, and {} numbers follow: the file was cut or extended",
            numbers.len()
        )),
    }
}

/// What follows a key of the header, a Python dictionary.
fn value<'a>(header: &'a str, key: &str) -> Result<&'a str, String> {
    let found = header
        .find(&format!("'{key}'"))
        .map(|at| &header[at + key.len() + 2..]);
    let found = found.and_then(|rest| rest.trim_start().strip_prefix(':'));
    found
        .map(str::trim_start)
        .ok_or_else(|| format!("its header has no `{key}`"))
}

/// The numbers of a Python tuple.
fn shape(text: &str) -> Result<Vec<usize>, String> {
    let inside = text
        .strip_prefix('(')
        .and_then(|text| text.split(')').next());
    let inside = inside.ok_or("its header has no shape")?;
    let axes = inside
        .split(',')
        .map(str::trim)
        .filter(|axis| !axis.is_empty());
    axes.map(|axis| {
        axis.parse()
            .map_err(|_| format!("`{axis}` in its shape is no number"))
    })
    .collect()
}

/// Numbers of a kind, as NumPy writes it: byte order, letter, bytes.
fn numbers(kind: &str, data: &[u8]) -> Result<Vec<f64>, String> {
    macro_rules! read {
        ($number:ty) => {{
            const SIZE: usize = size_of::<$number>();
            let (whole, rest) = data.as_chunks::<SIZE>();
            match rest.is_empty() {
                true => Ok(whole
                    .iter()
                    .map(|bytes| <$number>::from_le_bytes(*bytes) as f64)
                    .collect()),
                false => Err(format!(
                    "{} bytes follow, no multiple of {SIZE}",
                    data.len()
                )),
            }
        }};
    }
    match kind {
        "<f4" => read!(f32),
        "<f8" => read!(f64),
        "|u1" => read!(u8),
        "|i1" => read!(i8),
        "<u2" => read!(u16),
        "<i2" => read!(i16),
        "<i4" => read!(i32),
        "<i8" => read!(i64),
        other => Err(format!(
            "its numbers are of the kind `{other}`; save them as float32 (array.astype(\"<f4\"))"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of this header and data, as version 1 writes it.
    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let mut all = SIGNATURE.to_vec();
        all.extend([1, 0]);
        all.extend((header.len() as u16).to_le_bytes());
        all.extend(header.as_bytes());
        all.extend(data);
        all
    }

    fn header(kind: &str, shape: &str) -> String {
        format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}          \n")
    }

    #[test]
    fn arrays_of_every_kind_are_read_with_their_axes() {
        let floats: Vec<u8> = [1.5f32, -2.0]
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect();
        let array = read(&file(&header("<f4", "(2, 1)"), &floats)).expect("sound");
        assert_eq!((array.shape, array.numbers), (vec![2, 1], vec![1.5, -2.0]));
        let bytes = read(&file(&header("|u1", "(3,)"), &[0, 128, 255])).expect("sound");
        assert_eq!(
            (bytes.shape, bytes.numbers),
            (vec![3], vec![0.0, 128.0, 255.0])
        );
        let one = read(&file(&header("<i8", "()"), &7i64.to_le_bytes())).expect("sound");
        assert_eq!((one.shape, one.numbers), (vec![], vec![7.0]));
    }

    #[test]
    fn what_cannot_be_read_says_why_and_nothing_panics() {
        let sound = file(&header("<f4", "(2,)"), &[0; 8]);
        for (content, expected) in [
            (file(&header(">f4", "(2,)"), &[0; 8]), "`>f4`"),
            (
                file(&header("<f4", "(3,)"), &[0; 8]),
                "shape is [3], and 2 numbers",
            ),
            (file(&header("<f4", "(2,)"), &[0; 7]), "no multiple of 4"),
            (
                file(&header("<f4", "(99999999999, 99999999999)"), &[]),
                "shape is",
            ),
            (file("{'descr': '<f4'}", &[]), "no `fortran_order`"),
            (
                file(&header("<f4", "(2,)").replace("False", "True"), &[0; 8]),
                "Fortran",
            ),
        ] {
            let told = read(&content).expect_err("refused");
            assert!(told.contains(expected), "{told}");
        }
        for len in SIGNATURE.len()..sound.len() {
            assert!(read(&sound[..len]).is_err(), "{len}");
        }
    }
}
