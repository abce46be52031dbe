//! Levels: at which level each tensor lives and which nodes rescale.
//!
//! Levels are assigned from the output up, each as low as its readers allow: a lower level is a cheaper one. Two
//! choices make a [`Policy`]. *Lazy* squares are not rescaled; the affine map behind them rescales once, by a prime of
//! both sizes, so that the chain has half as many primes and every operation half as many limbs (lazy rescaling as in
//! Dathathri et al., "EVA: An Encrypted Vector Arithmetic Language and Compiler", PLDI 2020, carried over the square).
//! A *kept* head is not rescaled: it ends at its operands' level with the base prime holding the product.

use crate::net::{Net, NodeKind, TensorId};

/// Which nodes rescale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Products that only rescaling affine maps read are not rescaled themselves.
    pub lazy_products: bool,
    /// The output is not rescaled.
    pub keep_head: bool,
}

impl Policy {
    /// All of them, the one with the fewest limbs first.
    pub const ALL: [Policy; 4] = [
        Policy {
            lazy_products: true,
            keep_head: true,
        },
        Policy {
            lazy_products: true,
            keep_head: false,
        },
        Policy {
            lazy_products: false,
            keep_head: true,
        },
        Policy {
            lazy_products: false,
            keep_head: false,
        },
    ];
}

/// The levels of a net under a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels {
    /// Level of each tensor.
    pub level: Vec<u32>,
    /// Whether its node ends in a rescale.
    pub rescales: Vec<bool>,
}

impl Levels {
    /// Assigns levels; products marked in `eager` are rescaled even by a lazy policy.
    pub fn assign(net: &Net, policy: Policy, eager: &[bool]) -> Self {
        let consumers = net.consumers();
        let count = net.nodes.len();
        let mut levels = Self {
            level: vec![0; count],
            rescales: vec![false; count],
        };
        for id in net.ids().rev() {
            let rescales = match &net.node(id).kind {
                NodeKind::Input | NodeKind::WindowSum { .. } => false,
                NodeKind::Linear { .. } => {
                    let head = id == net.output() && policy.keep_head;
                    net.node(id).shifted().is_none() && !head
                }
                NodeKind::Product(..) => {
                    let lazy = policy.lazy_products && !eager[id.0];
                    !(lazy && levels.read_by_maps(net, &consumers, id))
                }
            };
            levels.rescales[id.0] = rescales;
            let operands = levels.level[id.0] + u32::from(rescales);
            for input in net.node(id).inputs() {
                let level = &mut levels.level[input.0];
                *level = (*level).max(operands);
            }
        }
        levels
    }

    /// Whether only affine maps that rescale read a tensor, or the sums of its windows; someone does.
    fn read_by_maps(&self, net: &Net, consumers: &[Vec<TensorId>], id: TensorId) -> bool {
        let mut readers = consumers[id.0].iter();
        !consumers[id.0].is_empty()
            && readers.all(|c| match net.node(*c).kind {
                NodeKind::Linear { .. } => self.rescales[c.0],
                NodeKind::WindowSum { .. } => self.read_by_maps(net, consumers, *c),
                NodeKind::Input | NodeKind::Product(..) => false,
            })
    }

    /// The unscaled products that node `id` reads, or whose windows it does: it rescales for them too.
    pub fn unscaled<'a>(
        &'a self,
        net: &'a Net,
        id: TensorId,
    ) -> impl Iterator<Item = TensorId> + 'a {
        let product = |x: &TensorId| matches!(net.node(*x).kind, NodeKind::Product(..));
        let inputs = net.node(id).inputs().into_iter();
        let source = |x: TensorId| net.node(x).summed().unwrap_or(x);
        inputs
            .map(source)
            .filter(move |x| product(x) && !self.rescales[x.0])
    }

    /// The level at which node `id` reads its operands.
    pub fn operands(&self, id: TensorId) -> u32 {
        self.level[id.0] + u32::from(self.rescales[id.0])
    }

    /// The level of the input: the highest.
    pub fn top(&self) -> u32 {
        self.level.iter().copied().max().unwrap_or(0)
    }
}
