//! The verifier's checks of schedules that run for a batch of images: each slot stays for itself.

use super::Check;
use crate::ckks::Constant;

impl Check<'_> {
    pub(super) fn batch(&mut self) {
        let header = &self.schedule.header;
        let ends = [&header.input, &header.output].map(|layout| layout.is_batched(self.slots));
        match ends {
            [false, false] => return,
            [true, true] => {}
            [input, _] => {
                let (batched, other) = match input {
                    true => ("input", "output"),
                    false => ("output", "input"),
                };
                return self.general(format!(
                    "the {batched} layout is batched, the {other} layout is not; both must be"
                ));
            }
        }
        for (index, instruction) in self.schedule.instructions.iter().enumerate() {
            if instruction.op.facts().rotates() {
                self.at(index, "rotates, which mixes the images of a batch".into());
            }
        }
        for (name, value) in &self.schedule.constants.entries {
            if value.period() != 1 {
                let (kind, period) = (Constant::kind(value), value.period());
                self.general(format!(
                    "constant `{name}` ({kind}) has period {period}, a batch needs period 1"
                ));
            }
        }
    }
}
