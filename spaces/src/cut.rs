//! Cutting a network in two: the layers up to a place, and those behind it, which read nothing else of the first part.
//!
//! A cut stands behind a layer through which every path from the input to the output goes. Inside a residual block or
//! an Inception block there is none, since several tensors would have to be handed over. Which part a layer falls into
//! depends on the wiring alone, never on weights.

use crate::layer::Sparse;
use crate::{Error, Layer, LayerGraph, NodeId, Weights};

/// A place at which one network can be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    after: NodeId,
    products: usize,
}

/// The two parts of a network. Layers keep their names, so that the weights of the whole fall into those of the parts;
/// the tail reads an input layer of its own, of the shape of the tensor that is handed over.
#[derive(Clone, Debug, PartialEq)]
pub struct Halves {
    /// From the input to the layer that the cut stands behind.
    pub prefix: LayerGraph,
    /// From there to the output.
    pub tail: LayerGraph,
}

impl Cut {
    /// The layer that the cut stands behind.
    pub fn after(self) -> NodeId {
        self.after
    }

    /// Convolutions, dense layers and trained sparse maps in front of the cut.
    pub fn products(self) -> usize {
        self.products
    }
}

impl LayerGraph {
    /// Every place at which the network can be cut, from the input on; the input itself and the output are none.
    pub fn cuts(&self) -> Vec<Cut> {
        // The last node that reads each node, so that open tensors are counted as the walk passes them.
        let mut last_reader = vec![0; self.nodes().len()];
        for (id, _) in self.nodes() {
            for input in self.inputs(id) {
                last_reader[input.index()] = id.index();
            }
        }
        let (mut cuts, mut products, mut furthest) = (Vec::new(), 0, 0);
        for (id, node) in self.nodes() {
            products += usize::from(is_product(&node.layer));
            let inner = id != self.input() && id != self.output();
            // All that lies before this node is read up to here.
            if inner && furthest <= id.index() {
                cuts.push(Cut {
                    after: id,
                    products,
                });
            }
            furthest = furthest.max(last_reader[id.index()]);
        }
        cuts
    }

    /// The cut behind the layer `name`.
    ///
    /// # Errors
    /// [`Error::NoCut`], with the layers behind which there is one.
    pub fn cut_behind(&self, name: &str) -> Result<Cut, Error> {
        let cuts = self.cuts();
        let found = cuts.iter().find(|cut| self.node(cut.after).name == name);
        found.copied().ok_or_else(|| {
            let names = cuts.iter().map(|cut| self.node(cut.after).name.as_str());
            Error::NoCut {
                asked: format!("behind layer `{name}`"),
                possible: listed(names.map(str::to_owned).collect()),
            }
        })
    }

    /// Its convolutions, dense layers and trained sparse maps.
    pub fn products(&self) -> usize {
        let products = self.nodes().filter(|(_, node)| is_product(&node.layer));
        products.count()
    }

    /// The last cut that has exactly `products` convolutions, dense layers and trained sparse maps in front of it:
    /// norms, activations and pools behind them belong to the first part too. The tail keeps at least one of them.
    ///
    /// # Errors
    /// [`Error::NoCut`], with the numbers that are possible.
    pub fn cut_of(&self, products: usize) -> Result<Cut, Error> {
        let all = self.products();
        let mut cuts = self.cuts();
        cuts.retain(|cut| (1..all).contains(&cut.products));
        let found = cuts.iter().rfind(|cut| cut.products == products);
        found.copied().ok_or_else(|| {
            let mut possible: Vec<usize> = cuts.iter().map(|cut| cut.products).collect();
            possible.dedup();
            Error::NoCut {
                asked: format!("behind {products} of its {all} convolutions and dense layers"),
                possible: listed(possible.iter().map(usize::to_string).collect()),
            }
        })
    }

    /// The two parts at a cut of this network.
    ///
    /// # Errors
    /// [`Error::NoCut`] for a cut of another network.
    pub fn halves(&self, cut: Cut) -> Result<Halves, Error> {
        if !self.cuts().contains(&cut) {
            return Err(Error::NoCut {
                asked: format!("behind layer {} of another network", cut.after.index()),
                possible: "the cuts of this network".into(),
            });
        }
        let mut prefix = LayerGraph::new(self.node(self.input()).shape)?;
        let mut tail = LayerGraph::new(self.node(cut.after).shape)?;
        // The place of each node in its part; the last of the prefix is the input of the tail.
        let mut places = vec![prefix.input()];
        for (id, node) in self.nodes().skip(1) {
            let read = self.inputs(id).into_iter();
            let in_prefix = id <= cut.after;
            let place = |input: NodeId| match !in_prefix && input == cut.after {
                true => tail.input(),
                false => places[input.index()],
            };
            let read: Vec<NodeId> = read.map(place).collect();
            let part = if in_prefix { &mut prefix } else { &mut tail };
            places.push(part.add(node.name.clone(), node.layer.clone(), &read)?);
        }
        Ok(Halves { prefix, tail })
    }
}

impl Halves {
    /// The weights of the whole network as those of the prefix and those of the tail.
    ///
    /// # Errors
    /// [`Error::WeightsMismatch`] where they are not those of the whole.
    pub fn weights(&self, whole: &Weights) -> Result<(Weights, Weights), Error> {
        let (mut prefix, mut tail) = (Weights::default(), Weights::default());
        for (name, tensor) in &whole.tensors {
            let layer = name.rsplit_once('.').map_or(name.as_str(), |parts| parts.0);
            let part = match self.prefix.find(layer) {
                Some(_) => &mut prefix,
                None => &mut tail,
            };
            part.tensors.insert(name.clone(), tensor.clone());
        }
        prefix.check(&self.prefix)?;
        tail.check(&self.tail)?;
        Ok((prefix, tail))
    }
}

/// Whether a layer multiplies with a matrix of trained weights.
fn is_product(layer: &Layer) -> bool {
    match layer {
        Layer::Conv(_) | Layer::Dense(_) | Layer::Sparse(Sparse { weights: true, .. }) => true,
        Layer::Input(_)
        | Layer::Affine(_)
        | Layer::AveragePool(_)
        | Layer::Sparse(_)
        | Layer::Poly(_)
        | Layer::Clear(_)
        | Layer::Add
        | Layer::Concat => false,
    }
}

fn listed(possible: Vec<String>) -> String {
    match possible.is_empty() {
        true => "nowhere".into(),
        false => possible.join(", "),
    }
}
