//! Trainable matrices, and how they lie in the exported tensors.

use hemet_spaces::layer::{Conv, Dense, Structure, Taps, circulant_index};
use hemet_spaces::{Shape, Tensor, Weights};
use rand::{Rng, RngExt};

use crate::Error;

/// What a parameter does, which decides how it is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Of a convolution or dense layer: clipped, decayed.
    Weight,
    /// Constant of a layer: clipped, not decayed.
    Bias,
    /// Coefficients of a polynomial: clipped, not decayed.
    Activation,
    /// Scale of a batch norm: neither clipped nor decayed.
    NormScale,
    /// Shift of a batch norm: neither clipped nor decayed.
    NormShift,
}

impl Role {
    /// Whether it belongs to a batch norm.
    pub fn is_norm(self) -> bool {
        match self {
            Self::NormScale | Self::NormShift => true,
            Self::Weight | Self::Bias | Self::Activation => false,
        }
    }
}

/// An exported tensor.
#[derive(Clone, Debug)]
pub(super) struct TensorSpec {
    /// `layer.parameter`.
    pub name: String,
    pub shape: Vec<usize>,
}

/// A trainable matrix, whole or a part of one exported tensor.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    /// Name of the exported tensor.
    pub tensor: String,
    /// Shape of the exported tensor.
    pub tensor_shape: Vec<usize>,
    pub role: Role,
    pub rows: usize,
    pub columns: usize,
    /// Row-major.
    pub value: Vec<f32>,
    /// Whether the whole training leaves it as it begins.
    pub fixed: bool,
    /// Whether it is fixed, or the phase that runs leaves it as it is.
    pub frozen: bool,
    /// For each element of the matrix, its position in the exported tensor, or [`ABSENT`]; empty where it is not
    /// exported.
    places: Vec<u32>,
    /// How many elements stand at one place: they are one number.
    shared: usize,
    /// How often the values stand in the exported tensor, one whole after the other.
    pub repeats: usize,
}

/// The place of an element that does not exist: it is 0 from the beginning and stays so.
const ABSENT: u32 = u32::MAX;

impl Parameter {
    /// A matrix of zeros, `[rows, columns]`; `place(row, column)` is the position of an element in the exported tensor.
    pub fn new(
        tensor: &TensorSpec,
        role: Role,
        [rows, columns]: [usize; 2],
        place: impl Fn(usize, usize) -> usize,
    ) -> Self {
        Self::partial(tensor, role, [rows, columns], |r, c| Some(place(r, c)))
    }

    /// The same, of which only the elements with a place exist; the others are 0 throughout.
    pub fn partial(
        tensor: &TensorSpec,
        role: Role,
        [rows, columns]: [usize; 2],
        place: impl Fn(usize, usize) -> Option<usize>,
    ) -> Self {
        let cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        let places: Vec<u32> = cells
            .map(|(r, c)| place(r, c).map_or(ABSENT, |place| place as u32))
            .collect();
        let there = places.iter().filter(|place| **place != ABSENT).count();
        let stored = tensor.shape.iter().product::<usize>().max(1);
        Self {
            tensor: tensor.name.clone(),
            tensor_shape: tensor.shape.clone(),
            role,
            rows,
            columns,
            value: vec![0.0; rows * columns],
            fixed: false,
            frozen: false,
            shared: there.div_ceil(stored),
            repeats: 1,
            places,
        }
    }

    /// Scale or shift of a norm that is no tensor of its own in the exported weights.
    pub fn inner(name: String, role: Role, channels: usize) -> Self {
        Self {
            tensor: name,
            tensor_shape: Vec::new(),
            role,
            rows: 1,
            columns: channels,
            value: vec![0.0; channels],
            fixed: false,
            frozen: false,
            places: Vec::new(),
            shared: 1,
            repeats: 1,
        }
    }

    /// The name of its layer.
    pub fn layer(&self) -> &str {
        self.tensor.rsplit_once('.').map_or("", |(layer, _)| layer)
    }

    /// Random values of variance 1/`rows` (the fan-in): batch norm or the head sets the scale that follows.
    pub fn randomize(&mut self, fan_in: usize, rng: &mut impl Rng) {
        let bound = (3.0 / fan_in as f32).sqrt();
        self.value
            .iter_mut()
            .for_each(|v| *v = rng.random_range(-bound..bound));
        self.keep_structure();
    }

    /// Writes the values to their places in `weights`.
    pub fn export(&self, weights: &mut Weights) {
        if self.places.is_empty() {
            return;
        }
        let len = self.tensor_shape.iter().product();
        let tensor = weights
            .tensors
            .entry(self.tensor.clone())
            .or_insert_with(|| Tensor {
                shape: self.tensor_shape.clone(),
                data: vec![0.0; len],
            });
        let cells = self.places.iter().zip(&self.value);
        for (place, value) in cells.filter(|(place, _)| **place != ABSENT) {
            let copies = (0..self.repeats).map(|copy| *place as usize + copy * self.value.len());
            copies.for_each(|place| tensor.data[place] = *value);
        }
    }

    /// Makes of a gradient in each element of the matrix the one that a step may follow: 0 where there is no element,
    /// so that it stays 0, and the sum over those that are one number, so that they stay equal.
    pub fn bind(&self, gradient: &mut [f32]) {
        let mut sums = vec![0.0; if self.shared > 1 { self.stored() } else { 0 }];
        for (place, value) in self.places.iter().zip(gradient.iter()) {
            if let Some(sum) = sums.get_mut(*place as usize) {
                *sum += *value;
            }
        }
        for (place, value) in self.places.iter().zip(gradient) {
            match sums.get(*place as usize) {
                Some(sum) => *value = *sum,
                None if *place == ABSENT => *value = 0.0,
                None => {}
            }
        }
    }

    /// How many elements are one number.
    pub fn shared(&self) -> usize {
        self.shared
    }

    /// Elements of the exported tensor.
    fn stored(&self) -> usize {
        self.tensor_shape.iter().product()
    }

    /// After all elements were filled: those that do not exist are 0 again, and those that are one number equal.
    pub fn keep_structure(&mut self) {
        let mut first: Vec<Option<f32>> =
            vec![None; if self.shared > 1 { self.stored() } else { 0 }];
        for (place, value) in self.places.iter().zip(&mut self.value) {
            match first.get_mut(*place as usize) {
                Some(known) => *value = *known.get_or_insert(*value),
                None if *place == ABSENT => *value = 0.0,
                None => {}
            }
        }
    }

    /// How many elements one output reads, where all read as many: the rows that exist.
    pub fn fan_in(&self) -> usize {
        let absent = self.places.iter().filter(|place| **place == ABSENT).count();
        self.rows - absent / self.columns.max(1)
    }

    /// Reads the values from their places in `weights`.
    pub fn import(&mut self, weights: &Weights) -> Result<(), Error> {
        let layer = self.layer();
        let Some(tensor) = weights.tensors.get(&self.tensor) else {
            return Err(Error::Spaces(hemet_spaces::Error::MissingTensor {
                layer: layer.to_owned(),
                name: self.tensor.clone(),
                expected: self.tensor_shape.clone(),
            }));
        };
        let len: usize = self.tensor_shape.iter().product();
        if tensor.shape != self.tensor_shape || tensor.data.len() != len {
            return Err(Error::Spaces(hemet_spaces::Error::TensorShape {
                layer: layer.to_owned(),
                name: self.tensor.clone(),
                found: tensor.shape.clone(),
                expected: self.tensor_shape.clone(),
            }));
        }
        for (place, value) in self.places.iter().zip(&mut self.value) {
            *value = match *place {
                ABSENT => 0.0,
                place => tensor.data[place as usize],
            };
        }
        Ok(())
    }
}

/// Place of element `(row, column)` of a dense layer's matrix, whose rows go over pixels and then channels, in its
/// weights.
pub(super) fn dense_place(dense: &Dense, input: Shape, row: usize, column: usize) -> usize {
    let (pixel, channel) = (row / input.channels, row % input.channels);
    let element = channel * input.height * input.width + pixel;
    dense.weight_index(input, column, element)
}

/// Where the elements of a convolution's matrices lie in `[out][channels that one reads][taps]`: a matrix for each
/// group, whose rows go over the kernel and then the group's channels.
pub(super) struct ConvPlaces {
    kernel: [usize; 2],
    taps: Taps,
    in_group: usize,
    out_group: usize,
    /// For each output channel of a group and each input channel, which one of those that it reads this is.
    ranks: Vec<Vec<Option<usize>>>,
    read: usize,
    circulant: usize,
}

impl ConvPlaces {
    pub fn new(conv: &Conv, channels: usize) -> Self {
        let (in_group, out_group) = (channels / conv.groups, conv.out_channels / conv.groups);
        let Structure {
            taps,
            seen,
            circulant,
        } = conv.structure;
        let ranks = (0..out_group).map(|output| {
            let mut ranks = vec![None; in_group];
            let read = seen.channels(in_group, out_group, output);
            read.enumerate()
                .for_each(|(rank, input)| ranks[input] = Some(rank));
            ranks
        });
        Self {
            kernel: conv.window.kernel,
            taps,
            in_group,
            out_group,
            ranks: ranks.collect(),
            read: conv.read_channels(channels),
            circulant,
        }
    }

    /// Rows and columns of the matrix of a group.
    pub fn size(&self) -> [usize; 2] {
        let [rows, columns] = self.kernel;
        [rows * columns * self.in_group, self.out_group]
    }

    /// Place of element `(row, column)` of group `group`; none where it does not exist.
    pub fn of(&self, group: usize, row: usize, column: usize) -> Option<usize> {
        let (tap, channel) = (row / self.in_group, row % self.in_group);
        let output = group * self.out_group + column;
        let extents = [self.out_group, self.read];
        let read = self.ranks[column][channel]?;
        // Blocks are circulant only where there is one group.
        let [row, read] = match self.circulant {
            1 => [output, read],
            circulant => circulant_index(circulant, extents, [output, read]),
        };
        let first = (row * self.read + read) * self.taps.count(self.kernel);
        Some(first + self.taps.rank(self.kernel, tap)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;
    use crate::train::optimizer::Sgd;
    use crate::train::options::TrainOptions;
    use hemet_spaces::layer::Seen;

    #[test]
    fn elements_that_do_not_exist_are_zero_throughout() {
        let seen = Seen::one_of(2).expect("a share");
        let conv = Conv {
            structure: Structure {
                taps: Taps::Cross,
                seen,
                ..Structure::FULL
            },
            ..Conv::same(4, 3)
        };
        let places = ConvPlaces::new(&conv, 4);
        let tensor = TensorSpec {
            name: "conv.weight".into(),
            shape: vec![4, 2, 5],
        };
        let place = |row, column| places.of(0, row, column);
        let mut weight = Parameter::partial(&tensor, Role::Weight, places.size(), place);
        assert_eq!(weight.fan_in(), 2 * 5);
        weight.randomize(weight.fan_in(), &mut Seed::new(1).rng());
        let options = TrainOptions::default();
        let mut sgd = Sgd::new(std::slice::from_ref(&weight));
        for _ in 0..3 {
            let mut gradient = vec![1.0; weight.value.len()];
            weight.bind(&mut gradient);
            sgd.step(
                std::slice::from_mut(&mut weight),
                &[gradient],
                &options,
                0.1,
            );
        }
        let (there, absent): (Vec<usize>, Vec<usize>) =
            (0..weight.value.len()).partition(|cell| weight.places[*cell] != ABSENT);
        assert_eq!(there.len(), 4 * 2 * 5);
        assert!(absent.iter().all(|cell| weight.value[*cell] == 0.0));
        let mut weights = Weights::default();
        weight.export(&mut weights);
        assert!(
            weights.tensors["conv.weight"]
                .data
                .iter()
                .all(|v| *v != 0.0)
        );
        let mut again = weight.clone();
        again.value.fill(9.0);
        again.import(&weights).expect("its own weights");
        assert_eq!(again.value, weight.value);
    }

    #[test]
    fn elements_that_are_one_number_move_together_by_the_sum_of_their_gradients() {
        let dense = Dense {
            out_features: 4,
            bias: false,
            circulant: 2,
        };
        let input = Shape::new(4, 1, 2);
        let tensor = TensorSpec {
            name: "dense.weight".into(),
            shape: vec![2, 8],
        };
        let place = |row, column| dense_place(&dense, input, row, column);
        let mut weight = Parameter::new(&tensor, Role::Weight, [8, 4], place);
        weight.randomize(8, &mut Seed::new(1).rng());
        let mut gradient: Vec<f32> = (0..32).map(|cell| cell as f32).collect();
        let free = gradient.clone();
        weight.bind(&mut gradient);
        assert_eq!(weight.shared(), 2);
        for place in 0..16 {
            let cells: Vec<usize> = (0..32)
                .filter(|cell| weight.places[*cell] == place)
                .collect();
            let [a, b] = cells[..] else {
                panic!("{cells:?} stand at place {place}");
            };
            assert_eq!(weight.value[a], weight.value[b]);
            assert_eq!(gradient[a], free[a] + free[b]);
            assert_eq!(gradient[a], gradient[b]);
        }
    }
}
