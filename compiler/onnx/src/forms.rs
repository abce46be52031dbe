//! Tensors that depend on the input: elements of a layer, moved, under a polynomial that no layer computes yet.

use std::collections::HashMap;

use crate::movement::Movement;
use crate::network::LayerId;
use crate::polynomial::Polynomial;

/// Position of a [`Form`]; tensors of the same numbers, moved or not, share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FormId(usize);

/// `polynomial(base)`.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub(crate) base: LayerId,
    pub(crate) polynomial: Polynomial,
    /// The node that gave it, to name the layer after.
    pub(crate) name: String,
}

/// All forms, and of which polynomials the layers are.
#[derive(Debug, Default)]
pub(crate) struct Forms {
    forms: Vec<Form>,
    /// Layers that were made from a form: the layer, what it was made of.
    made: Vec<(LayerId, Form)>,
    /// Layers that only move elements.
    pub(crate) moved: HashMap<LayerId, Vec<(Movement, LayerId)>>,
}

/// A tensor that depends on the input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Signal {
    pub(crate) form: FormId,
    /// Its elements as those of the form; the extents are those of ONNX, the batch 1.
    pub(crate) view: Movement,
    /// Zeros that a Pad node added around the last two axes: above, left, below, right. Not part of `view`, so that a
    /// convolution that reads the tensor pads itself.
    pub(crate) pads: [usize; 4],
}

impl Forms {
    pub(crate) fn add(&mut self, form: Form) -> FormId {
        self.forms.push(form);
        FormId(self.forms.len() - 1)
    }

    pub(crate) fn get(&self, id: FormId) -> &Form {
        &self.forms[id.0]
    }

    /// The form is now a layer's output.
    pub(crate) fn settle(&mut self, id: FormId, made: LayerId) {
        let polynomial = Polynomial::identity();
        let place = &mut self.forms[id.0];
        let form = Form {
            base: made,
            polynomial,
            name: place.name.clone(),
        };
        self.made.push((made, std::mem::replace(place, form)));
    }

    /// What the layer was made of, if it was made of a form; `made` ascends, as layers are only added.
    pub(crate) fn made_of(&self, layer: LayerId) -> Option<&Form> {
        let index = self.made.binary_search_by_key(&layer, |(id, _)| *id).ok()?;
        Some(&self.made[index].1)
    }
}

impl Signal {
    /// Extents as ONNX has them, the batch 1.
    pub(crate) fn dims(&self) -> &[usize] {
        &self.view.dims
    }
}
