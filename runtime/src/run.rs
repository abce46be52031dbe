//! One run of a program: values, their lives, and instructions side by side in the caller's rayon pool.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hemet_schedule::fusion::Fusion;
use hemet_schedule::{Op, ValueId};

use crate::backend::Backend;
use crate::error::{Result, RuntimeError};
use crate::execute::Program;
use crate::observe::{Moment, Observer, Progress, at, layer_name};
use crate::order::Queue;

/// See the module.
pub(crate) struct Run<'a, 'o, B: Backend> {
    program: &'a Program<B>,
    keys: &'a B::Keys,
    pass: B::Pass<'a>,
    observe: Mutex<&'a mut Observer<'o>>,
    state: Mutex<State<'a, B>>,
}

struct State<'a, B: Backend> {
    queue: Queue<'a>,
    values: Vec<Option<Arc<B::Ciphertext>>>,
    inputs: Vec<Option<B::Ciphertext>>,
    /// For each value how often it will still be read.
    reads: Vec<usize>,
    /// Of the instructions that failed the first of the schedule.
    failed: Option<(usize, RuntimeError)>,
}

type Operands<B> = Vec<Arc<<B as Backend>::Ciphertext>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What instructions are computed with.
pub(crate) struct Means<'a, B: Backend> {
    keys: &'a B::Keys,
    pass: B::Pass<'a>,
}

impl<B: Backend> Program<B> {
    /// Runs the schedule on `inputs`; returns the outputs in their order.
    ///
    /// Instructions that do not wait for each other run side by side in the caller's rayon pool, as many as it has
    /// threads, and the backend spreads the work inside one over threads that have none; on one thread they run in
    /// the order of the schedule. Results are the same in any case. Values are freed after their last use. A rescale
    /// that alone reads the result of a linear map or of a relinearization runs inside it: an observer sees it take
    /// no time.
    ///
    /// # Errors
    /// Inputs of another number or type than the header says, a missing key; the error names instruction and layer.
    pub fn run(
        &self,
        keys: &B::Keys,
        inputs: Vec<B::Ciphertext>,
        observe: &mut Observer<'_>,
    ) -> Result<Vec<B::Ciphertext>> {
        self.check_inputs(&inputs)?;
        let threads = rayon::current_num_threads();
        let pass = self.backend().begin(self.maps());
        Run::new(self, Means { keys, pass }, inputs, observe, threads).finish(threads > 1)
    }
}

impl<'a, 'o, B: Backend> Run<'a, 'o, B> {
    /// A run in which at most `at_once` instructions run at a time.
    pub(crate) fn new(
        program: &'a Program<B>,
        means: Means<'a, B>,
        inputs: Vec<B::Ciphertext>,
        observe: &'a mut Observer<'o>,
        at_once: usize,
    ) -> Self {
        let order = program.order();
        Self {
            program,
            keys: means.keys,
            pass: means.pass,
            observe: Mutex::new(observe),
            state: Mutex::new(State {
                queue: order.start(at_once),
                values: vec![None; order.reads.len()],
                inputs: inputs.into_iter().map(Some).collect(),
                reads: order.reads.clone(),
                failed: None,
            }),
        }
    }

    /// Runs everything; returns the outputs.
    pub(crate) fn finish(self, is_parallel: bool) -> Result<Vec<B::Ciphertext>> {
        if is_parallel {
            rayon::scope_fifo(|scope| self.begin_ready(scope));
        } else {
            while let Some(index) = self.begin() {
                self.instruction(index);
            }
        }
        let mut state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let schedule = self.program.schedule();
        if let Some((index, error)) = state.failed {
            return Err(at(schedule, index, error));
        }
        let outputs = schedule.outputs.iter();
        outputs
            .map(|value| {
                let shared = get(&state.values, *value)?;
                let place = value.0 as usize;
                state.reads[place] -= 1;
                if state.reads[place] == 0 {
                    state.values[place] = None;
                }
                Ok(Arc::try_unwrap(shared).unwrap_or_else(|shared| (*shared).clone()))
            })
            .collect()
    }

    fn begin(&self) -> Option<usize> {
        lock(&self.state).queue.begin()
    }

    /// Spawns what may begin; each instruction does so again at its end.
    fn begin_ready<'s>(&'s self, scope: &rayon::ScopeFifo<'s>) {
        while let Some(index) = self.begin() {
            scope.spawn_fifo(move |scope| {
                self.instruction(index);
                self.begin_ready(scope);
            });
        }
    }

    fn instruction(&self, index: usize) {
        let schedule = self.program.schedule();
        let instruction = &schedule.instructions[index];
        let progress = |moment| Progress {
            moment,
            instruction: index,
            total: schedule.instructions.len(),
            layer: layer_name(schedule, instruction),
        };
        lock(&self.observe)(&progress(Moment::Begin));
        let results = self.operands(&instruction.op).and_then(|operands| {
            let is_there = matches!(instruction.op, Op::Input { .. })
                || self.program.fusion(index) == Fusion::Done;
            if is_there {
                return Ok(operands);
            }
            let operands: Vec<&B::Ciphertext> = operands.iter().map(|x| &**x).collect();
            let results = self
                .program
                .compute(self.keys, &self.pass, index, &operands)?;
            Ok(results.into_iter().map(Arc::new).collect())
        });
        let is_done = results.is_ok();
        {
            let mut state = lock(&self.state);
            match results {
                Ok(results) => state.store(&instruction.op, instruction.first_result, results),
                Err(error) => state.fail(index, error),
            }
            state.queue.end(index);
        }
        if is_done {
            lock(&self.observe)(&progress(Moment::End));
        }
    }

    /// What an instruction reads; an input is there already, as is what a rescale reads that ran with the instruction
    /// before.
    fn operands(&self, op: &Op) -> Result<Operands<B>> {
        let mut state = lock(&self.state);
        if let Op::Input { index } = op {
            let input = state.inputs.get_mut(*index as usize).and_then(Option::take);
            let twice = || RuntimeError::Inconsistent(format!("input {index} is read twice"));
            return Ok(vec![Arc::new(input.ok_or_else(twice)?)]);
        }
        let operands = op.operands();
        operands.iter().map(|x| get(&state.values, *x)).collect()
    }
}

impl<B: Backend> State<'_, B> {
    /// Keeps results that are read later and frees operands that are not.
    fn store(&mut self, op: &Op, first: ValueId, results: Operands<B>) {
        for (k, result) in results.into_iter().enumerate() {
            let at = first.0 as usize + k;
            if self.reads[at] > 0 {
                self.values[at] = Some(result);
            }
        }
        for operand in op.operands() {
            let at = operand.0 as usize;
            self.reads[at] -= 1;
            if self.reads[at] == 0 {
                self.values[at] = None;
            }
        }
    }

    fn fail(&mut self, index: usize, error: RuntimeError) {
        self.queue.stop();
        if self.failed.as_ref().is_none_or(|(first, _)| index < *first) {
            self.failed = Some((index, error));
        }
    }
}

fn get<T>(values: &[Option<Arc<T>>], value: ValueId) -> Result<Arc<T>> {
    let found = values.get(value.0 as usize).and_then(Clone::clone);
    found.ok_or_else(|| RuntimeError::Inconsistent(format!("{value} is not alive")))
}
