//! Which instructions may run side by side, and which comes next.
//!
//! An instruction waits for those whose results it reads. Of those that wait for nothing the first of the schedule
//! goes first, at most so many at once, and none more than [`AHEAD`] instructions before the first that has not run:
//! so no more values are alive than the schedule's own order needs and those [`AHEAD`] instructions make.

use std::collections::BTreeSet;

use hemet_schedule::{Op, Schedule};

/// How far instructions run ahead of the first one that has not run.
const AHEAD: usize = 64;

/// What waits for what in a schedule.
pub(crate) struct Order {
    /// For each instruction those that wait for it, once for each reason.
    readers: Vec<Vec<usize>>,
    /// For each instruction how many reasons it has to wait.
    waits: Vec<usize>,
    /// For each value how often it is read; being an output counts too.
    pub(crate) reads: Vec<usize>,
}

impl Order {
    /// Where `maps_in_order`, each linear map waits for the one before it.
    pub(crate) fn new(schedule: &Schedule, maps_in_order: bool) -> Self {
        let mut makers = vec![0; schedule.types.len()];
        let mut reads = vec![0; schedule.types.len()];
        let mut readers = vec![Vec::new(); schedule.instructions.len()];
        let mut waits = Vec::with_capacity(schedule.instructions.len());
        let mut last_map: Option<usize> = None;
        for (index, instruction) in schedule.instructions.iter().enumerate() {
            let values = instruction.op.operands();
            for value in &values {
                let value = value.0 as usize;
                reads[value] += 1;
                readers[makers[value]].push(index);
            }
            let is_map = matches!(instruction.op, Op::Linear { .. });
            let before = last_map.filter(|_| is_map && maps_in_order);
            if let Some(before) = before {
                readers[before].push(index);
            }
            if is_map {
                last_map = Some(index);
            }
            waits.push(values.len() + usize::from(before.is_some()));
            let first = instruction.first_result.0 as usize;
            makers[first..first + instruction.op.results() as usize].fill(index);
        }
        for output in &schedule.outputs {
            reads[output.0 as usize] += 1;
        }
        Self {
            readers,
            waits,
            reads,
        }
    }

    /// The start of a run of at most `at_once` instructions at a time.
    pub(crate) fn start(&self, at_once: usize) -> Queue<'_> {
        let waiting = self.waits.clone();
        let free = (0..waiting.len()).filter(|i| waiting[*i] == 0);
        Queue {
            order: self,
            ready: free.collect(),
            is_done: vec![false; waiting.len()],
            waiting,
            first: 0,
            running: 0,
            at_once,
        }
    }
}

/// How far a run has come.
pub(crate) struct Queue<'a> {
    order: &'a Order,
    /// For each instruction how many reasons to wait it still has.
    waiting: Vec<usize>,
    ready: BTreeSet<usize>,
    is_done: Vec<bool>,
    /// The first instruction that has not run.
    first: usize,
    running: usize,
    at_once: usize,
}

impl Queue<'_> {
    /// Takes the instruction that may begin now, if there is one.
    pub(crate) fn begin(&mut self) -> Option<usize> {
        let next = *self.ready.first()?;
        if self.running >= self.at_once || next > self.first + AHEAD {
            return None;
        }
        self.ready.remove(&next);
        self.running += 1;
        Some(next)
    }

    /// An instruction has run.
    pub(crate) fn end(&mut self, index: usize) {
        self.running -= 1;
        self.is_done[index] = true;
        while self.is_done.get(self.first) == Some(&true) {
            self.first += 1;
        }
        for &reader in &self.order.readers[index] {
            self.waiting[reader] -= 1;
            if self.waiting[reader] == 0 {
                self.ready.insert(reader);
            }
        }
    }

    /// Nothing begins any more.
    pub(crate) fn stop(&mut self) {
        self.ready.clear();
        self.at_once = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Instruction `i` reads the results of `operands[i]`.
    fn order(operands: &[&[usize]]) -> Order {
        let mut readers = vec![Vec::new(); operands.len()];
        for (index, of) in operands.iter().enumerate() {
            of.iter().for_each(|&maker| readers[maker].push(index));
        }
        Order {
            readers,
            waits: operands.iter().map(|of| of.len()).collect(),
            reads: Vec::new(),
        }
    }

    fn begin_all(queue: &mut Queue<'_>) -> Vec<usize> {
        std::iter::from_fn(|| queue.begin()).collect()
    }

    #[test]
    fn an_instruction_waits_for_its_operands_and_the_first_ones_go_first() {
        let order = order(&[&[], &[], &[0, 0], &[1], &[2, 3], &[]]);
        let mut queue = order.start(2);
        assert_eq!(begin_all(&mut queue), [0, 1]);
        queue.end(1);
        assert_eq!(begin_all(&mut queue), [3]);
        queue.end(3);
        assert_eq!(begin_all(&mut queue), [5]);
        queue.end(0);
        assert_eq!(begin_all(&mut queue), [2]);
        queue.end(5);
        assert_eq!(begin_all(&mut queue), [0; 0]);
        queue.end(2);
        assert_eq!(begin_all(&mut queue), [4]);
    }

    #[test]
    fn none_runs_far_ahead() {
        let none: &[usize] = &[];
        let order = order(&vec![none; AHEAD + 10]);
        let mut queue = order.start(usize::MAX);
        assert_eq!(begin_all(&mut queue).last(), Some(&AHEAD));
        queue.end(1);
        assert_eq!(begin_all(&mut queue), [0; 0]);
        queue.end(0);
        assert_eq!(begin_all(&mut queue), [AHEAD + 1, AHEAD + 2]);
    }

    #[test]
    fn nothing_begins_after_a_stop() {
        let order = order(&[&[], &[], &[0]]);
        let mut queue = order.start(1);
        assert_eq!(queue.begin(), Some(0));
        queue.stop();
        queue.end(0);
        assert_eq!(queue.begin(), None);
    }
}
