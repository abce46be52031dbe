//! Input transform: what a client does to each element of an input before it encrypts it; and how the rows of a table
//! become inputs.
//!
//! All elements of a tensor share one scale under encryption. Features of very different size would lose the digits of
//! the small ones, so the client brings them to one size; the first map of the schedule undoes it.

/// `(x − center) · scale`, element by element.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputTransform {
    /// Subtracted from each element.
    pub center: Vec<f64>,
    /// What each difference is multiplied by.
    pub scale: Vec<f64>,
}

impl InputTransform {
    /// The transformed input; elements beyond those of the transform are left out.
    pub fn apply(&self, input: &[f64]) -> Vec<f64> {
        let own = self.center.iter().zip(&self.scale);
        let pairs = input.iter().zip(own);
        pairs
            .map(|(x, (center, scale))| (x - center) * scale)
            .collect()
    }

    /// Refuses a transform for another number of elements than `len`, and numbers that no input survives.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self, len: usize) -> Result<(), String> {
        let Self { center, scale } = self;
        if center.len() != len || scale.len() != len {
            return Err(format!(
                "the input transform has {} centers and {} scales, the input has {len} elements",
                center.len(),
                scale.len()
            ));
        }
        let usable = |(c, s): (&f64, &f64)| c.is_finite() && s.is_finite() && *s > 0.0;
        match center.iter().zip(scale).position(|pair| !usable(pair)) {
            Some(index) => Err(format!(
                "the input transform has center {} and scale {} for element {index}; both must be finite, the scale above 0",
                center[index], scale[index]
            )),
            None => Ok(()),
        }
    }
}

/// A column of numbers, and how it is standardized.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputColumn {
    /// Its name in the first line of the table.
    pub name: String,
    /// What is subtracted from its numbers.
    pub mean: f64,
    /// What the differences are multiplied by; 0 for a column that says nothing.
    pub scale: f64,
}

impl InputColumn {
    /// The row as an input: standardized, and cut at ±1, as the rows that the network was trained on.
    pub fn standardize(columns: &[Self], row: &[f64]) -> Vec<f64> {
        let one = |(x, column): (&f64, &Self)| (column.scale * (x - column.mean)).clamp(-1.0, 1.0);
        row.iter().zip(columns).map(one).collect()
    }

    /// Refuses columns that are not one an element of an input, and numbers that are not finite.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(columns: &[Self], len: usize) -> Result<(), String> {
        if !columns.is_empty() && columns.len() != len {
            return Err(format!(
                "{} columns, the input has {len} elements",
                columns.len()
            ));
        }
        let usable = |column: &&Self| column.mean.is_finite() && column.scale.is_finite();
        match columns.iter().find(|column| !usable(column)) {
            Some(column) => Err(format!(
                "column `{}` has mean {} and scale {}; both must be finite",
                column.name, column.mean, column.scale
            )),
            None => Ok(()),
        }
    }
}
