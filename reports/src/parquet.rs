//! A table as an Apache Parquet file (parquet-format 2.11, `parquet.thrift`, `Encodings.md`), for data frames.
//!
//! The simplest file of the format: one row group, one page a column, plain values, not compressed, every column
//! optional. The crate `parquet` writes more than that and brings chrono, num-bigint and others, and other features of
//! ahash beneath burn.

use crate::error::{Error, Result};
use crate::table::{Cell, Table};

const MAGIC: &[u8] = b"PAR1";

/// Encodings, by the format's numbers.
const PLAIN: i64 = 0;
const RLE: i64 = 3;

/// What a column holds, by the format's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Boolean = 0,
    Int64 = 2,
    Double = 5,
    Text = 6,
}

impl Kind {
    fn of(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Text(_) => Some(Kind::Text),
            Cell::Whole(_) => Some(Kind::Int64),
            Cell::Milliseconds(_) | Cell::Fraction(_) | Cell::Number(..) => Some(Kind::Double),
            Cell::Flag(_) => Some(Kind::Boolean),
            Cell::Missing => None,
        }
    }
}

/// A column as it stands in the file.
struct Chunk<'a> {
    name: &'a str,
    kind: Kind,
    /// Place of its page in the file.
    offset: usize,
    /// Bytes of the page with its header.
    size: usize,
}

impl Table {
    /// The table as the bytes of a Parquet file: a column each under its key, optional, of whole numbers (`INT64`),
    /// numbers (`DOUBLE`), yes and no (`BOOLEAN`) or texts (`BYTE_ARRAY`, UTF-8), as its cells are; one without any
    /// cell holds texts.
    ///
    /// # Errors
    /// A column with cells of more than one kind.
    pub fn parquet(&self) -> Result<Vec<u8>> {
        let mut file = MAGIC.to_vec();
        let mut chunks = Vec::new();
        for (index, column) in self.columns().iter().enumerate() {
            let cells: Vec<&Cell> = self.rows().iter().map(|row| &row[index]).collect();
            let kind = kind(&column.key, &cells)?;
            let offset = file.len();
            page(&mut file, &cells);
            chunks.push(Chunk {
                name: &column.key,
                kind,
                offset,
                size: file.len() - offset,
            });
        }
        let footer = footer(&chunks, self.rows().len() as i64);
        file.extend(&footer);
        file.extend((footer.len() as u32).to_le_bytes());
        file.extend(MAGIC);
        Ok(file)
    }
}

/// What the cells of a column are.
fn kind(column: &str, cells: &[&Cell]) -> Result<Kind> {
    let mut found = None;
    for (row, cell) in cells.iter().enumerate() {
        match (Kind::of(cell), found) {
            (Some(kind), Some(first)) if kind != first => {
                return Err(Error::MixedColumn {
                    column: column.to_owned(),
                    row,
                    found: format!("{kind:?}"),
                    first: format!("{first:?}"),
                });
            }
            (kind, _) => found = found.or(kind),
        }
    }
    Ok(found.unwrap_or(Kind::Text))
}

/// Adds a page: header, which cells there are, the values of those.
fn page(file: &mut Vec<u8>, cells: &[&Cell]) {
    let levels = levels(cells);
    let mut data = (levels.len() as u32).to_le_bytes().to_vec();
    data.extend(levels);
    let mut bits: Vec<bool> = Vec::new();
    for cell in cells {
        match cell {
            Cell::Text(text) => {
                data.extend((text.len() as u32).to_le_bytes());
                data.extend(text.as_bytes());
            }
            Cell::Whole(whole) => data.extend(whole.to_le_bytes()),
            Cell::Milliseconds(value) | Cell::Fraction(value) | Cell::Number(value, _) => {
                data.extend(value.to_le_bytes());
            }
            Cell::Flag(flag) => bits.push(*flag),
            Cell::Missing => {}
        }
    }
    data.extend(bits.chunks(8).map(|byte| {
        let bit = |(place, bit): (usize, &bool)| u8::from(*bit) << place;
        byte.iter().enumerate().map(bit).sum::<u8>()
    }));
    let mut header = Struct::default();
    header.int(1, 0);
    header.int(2, data.len() as i64);
    header.int(3, data.len() as i64);
    let mut values = Struct::default();
    values.int(1, cells.len() as i64);
    values.int(2, PLAIN);
    values.int(3, RLE);
    values.int(4, RLE);
    header.structure(5, values);
    file.extend(header.end());
    file.extend(data);
}

/// For each cell 1, or 0 where there is none, as runs: twice the length as a varint, then the value.
fn levels(cells: &[&Cell]) -> Vec<u8> {
    let mut levels = Vec::new();
    let missing = |cell: &&Cell| matches!(cell, Cell::Missing);
    for run in cells.chunk_by(|a, b| missing(a) == missing(b)) {
        varint(&mut levels, 2 * run.len() as u64);
        levels.push(u8::from(!missing(&run[0])));
    }
    levels
}

/// What stands at the end of the file.
fn footer(chunks: &[Chunk<'_>], rows: i64) -> Vec<u8> {
    let mut root = Struct::default();
    root.text(4, "schema");
    root.int(5, chunks.len() as i64);
    let schema = chunks.iter().map(|chunk| {
        let mut element = Struct::default();
        element.int(1, chunk.kind as i64);
        // Optional.
        element.int(3, 1);
        element.text(4, chunk.name);
        if chunk.kind == Kind::Text {
            // UTF-8.
            element.int(6, 0);
        }
        element.end()
    });
    let mut group = Struct::default();
    let columns = chunks.iter().map(|chunk| column(chunk, rows)).collect();
    group.structures(1, columns);
    let bytes: usize = chunks.iter().map(|chunk| chunk.size).sum();
    group.long(2, bytes as i64);
    group.long(3, rows);
    let mut metadata = Struct::default();
    metadata.int(1, 1);
    metadata.structures(2, std::iter::once(root.end()).chain(schema).collect());
    metadata.long(3, rows);
    metadata.structures(4, vec![group.end()]);
    metadata.text(6, concat!("hemet version ", env!("CARGO_PKG_VERSION")));
    metadata.end()
}

/// A column in the footer.
fn column(chunk: &Chunk<'_>, rows: i64) -> Vec<u8> {
    let mut metadata = Struct::default();
    metadata.int(1, chunk.kind as i64);
    metadata.ints(2, &[PLAIN, RLE]);
    metadata.texts(3, &[chunk.name]);
    metadata.int(4, 0);
    metadata.long(5, rows);
    metadata.long(6, chunk.size as i64);
    metadata.long(7, chunk.size as i64);
    metadata.long(9, chunk.offset as i64);
    let mut column = Struct::default();
    column.long(2, chunk.offset as i64);
    column.structure(3, metadata);
    column.end()
}

/// A structure in Thrift's compact protocol; fields are added in ascending order of their numbers, less than 16 apart.
#[derive(Default)]
struct Struct {
    bytes: Vec<u8>,
    last: u8,
}

/// Types of the compact protocol.
const INT: u8 = 5;
const LONG: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

impl Struct {
    fn field(&mut self, number: u8, kind: u8) {
        self.bytes.push((number - self.last) << 4 | kind);
        self.last = number;
    }

    fn int(&mut self, number: u8, value: i64) {
        self.field(number, INT);
        zigzag(&mut self.bytes, value);
    }

    fn long(&mut self, number: u8, value: i64) {
        self.field(number, LONG);
        zigzag(&mut self.bytes, value);
    }

    fn text(&mut self, number: u8, text: &str) {
        self.field(number, BINARY);
        binary(&mut self.bytes, text);
    }

    fn structure(&mut self, number: u8, inner: Struct) {
        self.field(number, STRUCT);
        self.bytes.extend(inner.end());
    }

    fn list(&mut self, number: u8, kind: u8, length: usize) {
        self.field(number, LIST);
        if length < 15 {
            self.bytes.push((length as u8) << 4 | kind);
        } else {
            self.bytes.push(0xf0 | kind);
            varint(&mut self.bytes, length as u64);
        }
    }

    fn ints(&mut self, number: u8, values: &[i64]) {
        self.list(number, INT, values.len());
        for value in values {
            zigzag(&mut self.bytes, *value);
        }
    }

    fn texts(&mut self, number: u8, texts: &[&str]) {
        self.list(number, BINARY, texts.len());
        for text in texts {
            binary(&mut self.bytes, text);
        }
    }

    fn structures(&mut self, number: u8, structures: Vec<Vec<u8>>) {
        self.list(number, STRUCT, structures.len());
        self.bytes.extend(structures.into_iter().flatten());
    }

    fn end(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }
}

fn binary(bytes: &mut Vec<u8>, text: &str) {
    varint(bytes, text.len() as u64);
    bytes.extend(text.as_bytes());
}

/// Small numbers of either sign as small varints.
fn zigzag(bytes: &mut Vec<u8>, value: i64) {
    varint(bytes, (value << 1 ^ value >> 63) as u64);
}

/// Seven bits a byte, the lowest first.
fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Column;

    #[test]
    fn a_column_of_one_kind_stands_where_the_footer_says() {
        let mut table = Table::new([Column::numbers("n", "n", "")]);
        table.push([Cell::Whole(7)]).unwrap();
        table.push([Cell::Missing]).unwrap();
        table.push([Cell::Whole(-1)]).unwrap();
        let file = table.parquet().unwrap();
        assert!(file.starts_with(MAGIC) && file.ends_with(MAGIC));
        // Header: type 0, twice the size 26, {3 values, plain, RLE, RLE}; then the levels and the two numbers.
        let header = [
            0x15, 0, 0x15, 52, 0x15, 52, 0x2c, 0x15, 6, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0,
        ];
        assert_eq!(file[4..21], header);
        let levels = [6, 0, 0, 0, 2, 1, 2, 0, 2, 1];
        assert_eq!(file[21..31], levels);
        assert_eq!(file[31..39], 7_i64.to_le_bytes());
        assert_eq!(file[39..47], (-1_i64).to_le_bytes());
        let length = u32::from_le_bytes(file[file.len() - 8..][..4].try_into().unwrap());
        assert_eq!(47 + length as usize + 8, file.len());
    }

    #[test]
    fn a_column_of_two_kinds_is_refused_with_its_row() {
        let mut table = Table::new([Column::numbers("n", "n", "")]);
        table.push([Cell::Whole(7)]).unwrap();
        table.push(["total".into()]).unwrap();
        let error = table.parquet().unwrap_err().to_string();
        assert!(error.contains("row 1") && error.contains("`n`"), "{error}");
    }
}
