//! The text form of a [`Net`], for tests and for reading what a pass did. Values are not shown.

use std::fmt;

use super::{Bias, Net, NodeKind};

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, node) in self.nodes.iter().enumerate() {
            write!(f, "%{index}: {} = ", node.shape)?;
            match &node.kind {
                NodeKind::Input => write!(f, "input")?,
                NodeKind::Product(a, b) if a == b => write!(f, "square %{}", a.0)?,
                NodeKind::Product(a, b) => write!(f, "product %{} %{}", a.0, b.0)?,
                NodeKind::WindowSum { input, side } => {
                    write!(f, "window_sum %{} by {side}", input.0)?
                }
                NodeKind::Linear { terms, bias } => {
                    write!(f, "linear")?;
                    for term in terms {
                        write!(f, " %{}[{}]", term.input.0, term.map.describe())?;
                    }
                    if *bias != Bias::None {
                        write!(f, " + bias")?;
                    }
                }
            }
            writeln!(f, "    # {}", node.layer)?;
        }
        Ok(())
    }
}
