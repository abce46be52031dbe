//! The ReLU teachers of a run: trained when first needed, one a family of networks, kept in `teachers/`.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use hemet_search::train::{EpochReport, Teacher, TrainData, TrainOptions};
use hemet_search::{Error, Seed};
use hemet_spaces::{LayerGraph, Weights};

use crate::run::folder::RunFolder;

/// The teachers of a run.
pub struct Teachers {
    folder: PathBuf,
    /// The experiment's seed.
    seed: Seed,
    /// One lock a family, so that two trials of a family wait for one teacher while others go on.
    families: Mutex<HashMap<String, Arc<Mutex<()>>>>,
}

impl Teachers {
    /// Those of the run in this folder, of an experiment with this seed.
    pub fn new(run: &RunFolder, seed: Seed) -> Self {
        Self {
            folder: run.root.join("teachers"),
            seed,
            families: Mutex::new(HashMap::new()),
        }
    }

    /// The teacher of a network, where the options distill; `on_epoch` hears of its training if it has to be trained.
    ///
    /// # Errors
    /// Files that cannot be read or written; a teacher that diverges.
    pub fn of(
        &self,
        graph: &LayerGraph,
        data: TrainData<'_>,
        options: &TrainOptions,
        on_epoch: &mut dyn FnMut(&EpochReport),
    ) -> Result<Option<Teacher>, Error> {
        if options.distillation == 0.0 {
            return Ok(None);
        }
        let family = Teacher::family(graph);
        let lock = {
            let mut families = self.families.lock().unwrap_or_else(PoisonError::into_inner);
            families.entry(family.clone()).or_default().clone()
        };
        let _guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.folder.join(format!("{family}.safetensors"));
        let io = |action, source| Error::Io {
            action,
            path: path.clone(),
            source,
        };
        if path.exists() {
            let bytes = std::fs::read(&path).map_err(|e| io("cannot read", e))?;
            return Teacher::new(graph, Weights::from_safetensors(&bytes)?).map(Some);
        }
        std::fs::create_dir_all(&self.folder).map_err(|e| io("cannot make the folder of", e))?;
        let seed = self.seed.teacher(&family);
        let mut heard = |report: &EpochReport| {
            on_epoch(report);
            ControlFlow::Continue(())
        };
        let trained = Teacher::train(graph, data, options, seed, &mut heard)?;
        let teacher = trained.ok_or_else(|| Error::Untrainable {
            layer: "teacher".into(),
            why: "the ReLU network diverges; lower train.learning_rate".into(),
        })?;
        hemet_files::write_atomically(&path, &teacher.weights().to_safetensors()?)?;
        Ok(Some(teacher))
    }
}
