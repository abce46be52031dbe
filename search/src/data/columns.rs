//! What the columns of a user's table are, and how its rows are standardized: by the search, and later by clients.

use std::path::Path;

use super::csv::table::Table;
use super::files;
use crate::Error;

/// The columns of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    /// Those with the numbers of an input, in order.
    pub features: Vec<Column>,
    /// The one with the value to be predicted; none where classes are.
    pub target: Option<Target>,
}

/// A column of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name in the first line.
    pub name: String,
    /// Of the training rows.
    pub mean: f64,
    /// What a difference from the mean is multiplied by; 0 for a column of equal numbers.
    pub scale: f64,
}

/// The column of the value to be predicted.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Its name, without a unit.
    pub name: String,
    /// Its unit, which stands in brackets behind the name; empty where there is none.
    pub unit: String,
    /// Of the training rows.
    pub mean: f64,
    /// Standard deviation of the training rows, above 0.
    pub deviation: f64,
}

impl Target {
    /// Name and unit of a column `name`, `name [unit]` or `name (unit)`.
    pub(super) fn named(column: &str) -> (String, String) {
        for [open, close] in [['[', ']'], ['(', ')']] {
            let inside = column.strip_suffix(close);
            if let Some((name, unit)) = inside.and_then(|text| text.rsplit_once(open))
                && !name.trim().is_empty()
            {
                return (name.trim().to_owned(), unit.trim().to_owned());
            }
        }
        (column.to_owned(), String::new())
    }
}

impl Columns {
    /// A row as the network reads it: standardized, and cut at ±1.
    pub fn standardized(&self, row: &[f64]) -> Vec<f64> {
        let pairs = row.iter().zip(&self.features);
        let one =
            |(x, column): (&f64, &Column)| (column.scale * (x - column.mean)).clamp(-1.0, 1.0);
        pairs.map(one).collect()
    }
}

/// The rows of a CSV file with these columns, in this order; others, as the column of the target, are left out.
///
/// # Errors
/// A file that cannot be read; a column that is missing; a field that is no number, with its line.
pub fn read_rows(path: &Path, columns: &[String]) -> Result<Vec<Vec<f64>>, Error> {
    let file = path.display().to_string();
    let table = Table::read(&file, &files::read(path)?)?;
    let mut places = Vec::new();
    for column in columns {
        match table.names.iter().position(|name| name == column) {
            Some(place) => places.push(place),
            None => {
                let why = format!(
                    "it has no column `{column}`; the network takes {}, the file has {}",
                    columns.join(", "),
                    table.names.join(", ")
                );
                return files::refuse(&file, why);
            }
        }
    }
    let mut rows = Vec::with_capacity(table.rows.len());
    for row in &table.rows {
        let mut numbers = Vec::with_capacity(places.len());
        for place in &places {
            let text = &row.fields[*place];
            match text.parse::<f64>() {
                Ok(number) if number.is_finite() => numbers.push(number),
                Ok(_) | Err(_) => {
                    let (line, name) = (row.line, &table.names[*place]);
                    let why = format!("line {line}, column `{name}`: `{text}` is no number");
                    return files::refuse(&file, why);
                }
            }
        }
        rows.push(numbers);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_stands_in_brackets_behind_the_name() {
        for (column, name, unit) in [
            ("price", "price", ""),
            ("price [EUR]", "price", "EUR"),
            ("heat (kWh/a)", "heat", "kWh/a"),
            ("[x]", "[x]", ""),
        ] {
            assert_eq!(Target::named(column), (name.to_owned(), unit.to_owned()));
        }
    }
}
