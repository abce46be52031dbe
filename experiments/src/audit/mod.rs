//! The audit of a trial: attacks at every cut, what each cut costs encrypted, and the page that shows both.

pub mod cost;
pub mod encrypted;
pub mod page;
mod pictures;
pub mod subject;
mod tables;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use hemet_search::audit::{Attack, Defense, Findings, Nearness, Place, Reached, Setting, attack};
use serde::Serialize;

use self::cost::HandOver;
use self::encrypted::Control;
use self::subject::Subject;
use crate::error::Error;

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where something is handed over, in the order of the network.
    pub places: Vec<Place>,
    /// What is done against inversion, at each of these places but the outputs.
    pub defenses: Vec<Defense>,
    /// Pairs of the control that attacks ciphertexts; 0 for none.
    pub pairs: usize,
    /// Attacks side by side; 0 for one a core.
    pub threads: usize,
}

/// A row of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The layer behind which something is handed over.
    pub cut: String,
    /// The attack, by its name.
    pub attack: &'static str,
    /// Structural similarity of reconstructions and pictures, in the mean over the pictures.
    pub ssim: f64,
    /// Peak signal-to-noise ratio in decibels, in the mean over the pictures.
    pub psnr: f64,
    /// Structural similarity of the attacker's mean picture.
    pub floor_ssim: f64,
    /// Structural similarity of the mean picture of each picture's class, which the class alone gives.
    pub class_floor_ssim: f64,
    /// Latency of the network's rest on encrypted features, in milliseconds on one thread; of the whole network where
    /// its outputs are handed over. Nothing where the rest cannot be compiled.
    pub encrypted_ms: Option<f64>,
    /// How that was found.
    pub encrypted_ms_is: &'static str,
    /// What is done to the features.
    pub defense: String,
    /// Accuracy of the network with that on the test pictures, 0 to 1.
    pub accuracy: f64,
    /// The share of reconstructions that the network takes for the class of the picture, 0 to 1.
    pub same_class: f64,
    /// Numbers that are handed over of a picture.
    pub numbers: usize,
}

/// Latencies are those that the compiler's cost model tells.
const ESTIMATED: &str = "estimated";

/// All that an audit found.
pub struct Audit {
    /// Of each place without a defense, in the order of the network.
    pub places: Vec<Findings>,
    /// Of each place and defense.
    pub defended: Vec<Findings>,
    /// The control.
    pub control: Option<Control>,
    /// The mean picture, for each of the pictures.
    pub floor: (Vec<f32>, Nearness),
    /// How near the mean pictures of classes come.
    pub class_floor: Nearness,
    /// What features cost encrypted, place by place.
    pub costs: Vec<HandOver>,
    /// What the whole network costs, encrypted.
    pub whole: HandOver,
}

impl Audit {
    /// Runs every attack of a plan; `done` hears how many of how many parts are done, and of which the last was.
    ///
    /// # Errors
    /// What cannot be attacked or compiled as asked for.
    pub fn run(
        subject: &Subject,
        plan: &Plan,
        done: &(dyn Fn(usize, usize, &str) + Sync),
    ) -> Result<Self, Error> {
        let setting = subject.setting();
        setting.check()?;
        let inner = plan.places.iter().filter(|place| place.halves.is_some());
        let defended = inner.flat_map(|place| plan.defenses.iter().map(move |d| (place, *d)));
        let plain = plan.places.iter().map(|place| (place, Defense::None));
        let work: Vec<(&Place, Defense)> = plain.chain(defended).collect();
        let steps = work.len() + 1;
        // What cannot be compiled is refused before anything is attacked.
        let control = control(subject, &setting, plan)?;
        done(1, steps, "ciphertexts");
        let mut findings = side_by_side(plan.threads, work.len(), &|index, count| {
            let (place, defense) = work[index];
            let found = setting.run(place, defense, &attacks(&setting, place, defense))?;
            done(count + 1, steps, &format!("{} ({defense})", place.name));
            Ok(found)
        })?;
        let defended = findings.split_off(plan.places.len());
        let costs = plan.places.iter().map(|place| subject.cost(place));
        Ok(Self {
            places: findings,
            defended,
            control,
            floor: setting.floor(),
            class_floor: setting.class_floor(),
            costs: costs.collect(),
            whole: subject.whole_cost(),
        })
    }

    /// The table, in the order of the network; then defenses, then the control.
    pub fn rows(&self) -> Vec<Row> {
        let all = self.places.iter().chain(&self.defended);
        let rows = all.flat_map(|found| {
            let row = |reached: &Reached| self.row(found, reached);
            found.reached.iter().map(row).collect::<Vec<_>>()
        });
        let control = self.control.iter().map(|control| Row {
            cut: control.place.clone(),
            numbers: control.numbers,
            accuracy: control.accuracy,
            ..self.row(&self.places[0], &control.reached)
        });
        rows.chain(control).collect()
    }

    fn row(&self, found: &Findings, reached: &Reached) -> Row {
        let cost = self.costs.iter().find(|cost| cost.place == found.place);
        Row {
            cut: found.place.clone(),
            attack: reached.attack.name(),
            ssim: reached.nearness.ssim,
            psnr: reached.nearness.psnr,
            floor_ssim: self.floor.1.ssim,
            class_floor_ssim: self.class_floor.ssim,
            encrypted_ms: cost.and_then(|cost| cost.latency_ms),
            encrypted_ms_is: ESTIMATED,
            defense: found.defense.to_string(),
            accuracy: found.accuracy,
            same_class: reached.same_class,
            numbers: found.numbers,
        }
    }

    /// What the rest costs behind each place that has layers behind it.
    pub fn inner_costs(&self) -> impl Iterator<Item = &HandOver> {
        let pairs = self.places.iter().zip(&self.costs);
        pairs
            .filter(|(found, _)| found.is_inner)
            .map(|(_, cost)| cost)
    }

    /// What came to nothing, and why.
    pub fn notes(&self) -> Vec<String> {
        let attacks = self.places.iter().chain(&self.defended);
        let attacks = attacks.flat_map(|found| found.notes.iter().cloned());
        let costs = self.costs.iter().chain([&self.whole]);
        attacks.chain(costs.filter_map(HandOver::note)).collect()
    }
}

/// The attacks on a place: all that are possible, of a defended one those that are strongest and cheap.
fn attacks(setting: &Setting<'_>, place: &Place, defense: Defense) -> Vec<Attack> {
    let has_similar = setting.similar.is_some();
    let possible = Attack::IN_THE_CLEAR
        .into_iter()
        .filter(|attack| attack.is_possible(place, has_similar));
    let strong = |attack: &Attack| [Attack::WhiteBox, Attack::InverseSame].contains(attack);
    match defense {
        Defense::None => possible.collect(),
        Defense::Noise(_) | Defense::Dropout(_) | Defense::Smoothing(_) => {
            possible.filter(strong).collect()
        }
    }
}

/// An attacker who has ciphertexts of the features at the first place.
fn control(
    subject: &Subject,
    setting: &Setting<'_>,
    plan: &Plan,
) -> Result<Option<Control>, Error> {
    let place = plan.places.iter().find(|place| place.halves.is_some());
    let Some(place) = place.filter(|_| plan.pairs > 0) else {
        return Ok(None);
    };
    let own = subject.own_pictures(plan.pairs);
    let numbers = encrypted::numbers_of_ciphertexts(subject, place, &own)?;
    let pictures = attack::from_ciphertexts(setting, &own, &numbers, encrypted::NUMBERS)?;
    Ok(Some(Control {
        place: place.name.clone(),
        pairs: own.len(),
        numbers: encrypted::NUMBERS,
        accuracy: subject.accuracy()?,
        reached: setting.reached(Attack::Encrypted, pictures)?,
    }))
}

/// Part of the work: its index, and how many parts are done with it.
type Part<'a, T> = dyn Fn(usize, usize) -> Result<T, Error> + Sync + 'a;

/// So many parts of work on so many threads (0: one a core), each on one; in their order.
fn side_by_side<T: Send>(
    threads: usize,
    count: usize,
    part: &Part<'_, T>,
) -> Result<Vec<T>, Error> {
    let threads = match threads {
        0 => crate::common::cores(),
        threads => threads,
    };
    let (next, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let found = Mutex::new(Vec::with_capacity(count));
    let work = || -> Result<(), Error> {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return Ok(());
            }
            let one = part(index, ended.fetch_add(1, Ordering::Relaxed) + 1)?;
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.push((index, one));
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.min(count)).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            let ended = worker.join();
            ended.unwrap_or_else(|_| Err(Error::user("a thread of the audit ended unexpectedly")))
        })
    })?;
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(index, _)| *index);
    Ok(found.into_iter().map(|(_, one)| one).collect())
}
