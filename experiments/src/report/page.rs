//! The page of a report, in words.

use hemet_reports::{Picture, Report, Table, number};
use hemet_search::constraint;

use super::Run;
use super::member::Member;
use super::plots::Drawn;
use crate::common;
use crate::run::accuracy::{Accuracy, Interval};
use crate::run::baseline;
use crate::run::summary::Best;
use crate::schemes;

/// The tables of the page, beside those of the members.
pub struct Tables {
    /// The front.
    pub front: Table,
    /// The classes of the chosen network.
    pub classes: Option<Table>,
    /// For which class their images were taken.
    pub confusion: Option<Table>,
    /// The chosen network and the baseline.
    pub baseline: Option<Table>,
    /// All trials.
    pub trials: Table,
}

/// The page.
pub fn page(run: &Run<'_>, plots: &[Drawn], members: &[Member<'_>], tables: Tables) -> Report {
    let mut page = Report::new(format!("Search {}", run.name())).paragraph(begin(run));
    if let Some(best) = run.best() {
        page = page.figures(figures(run, best));
    }
    page = page
        .pictures(named(plots, &["pareto", "hypervolume"]))
        .heading("The Pareto front")
        .table(front_caption(run), tables.front);
    page = the_search(page, plots);
    if let Some(best) = run.best() {
        page = page.heading("The chosen network").facts(chosen(best));
    }
    if let Some(classes) = tables.classes {
        page = page.table("Encrypted test images by class", classes);
    }
    if let Some(confusion) = tables.confusion {
        let caption = "Encrypted test images: a row a true class, a column the class that they were taken for";
        page = page.table(caption, confusion);
    }
    page = against_baseline(page, run, tables.baseline);
    page = page.heading("The members of the front");
    for member in members {
        page = describe(page, run, member);
    }
    let count = tables.trials.rows().len();
    page = page.heading("Parameters and environment");
    if let Some(best) = run.best() {
        page = page.facts(parameters(run, best));
    }
    page.facts(environment(run)).heading("All trials").folded(
        Report::new(format!("{count} trials, in the order of the search")).table("", tables.trials),
    )
}

/// The plots of these names, as far as they were drawn.
fn named(plots: &[Drawn], names: &[&str]) -> Vec<Picture> {
    let found = plots
        .iter()
        .filter(|drawn| names.contains(&drawn.name.as_str()));
    found.map(Drawn::picture).collect()
}

/// How the search went: choices and what they did, curves, times.
fn the_search(page: Report, plots: &[Drawn]) -> Report {
    let groups = [
        named(plots, &["parallel"]),
        named(plots, &["importance", "all-curves"]),
        named(plots, &["timeline"]),
    ];
    let groups = groups.into_iter().filter(|group| !group.is_empty());
    let mut groups = groups.peekable();
    match groups.peek() {
        Some(_) => groups.fold(page.heading("How the search went"), Report::pictures),
        None => page,
    }
}

fn front_caption(run: &Run<'_>) -> String {
    let images = run.summary.map_or(0, |summary| summary.validation_images);
    let of = match images {
        0 => String::new(),
        images => format!(" on {images} images"),
    };
    let quality = run.experiment.searched().name();
    format!("Validation {quality}{of} and latency for one thread, fastest first")
}

/// What the chosen network gains on the baseline, and what else is to be known of the choice.
fn against_baseline(page: Report, run: &Run<'_>, table: Option<Table>) -> Report {
    let Some(summary) = run.summary else {
        return page;
    };
    let compared = baseline::compared(run.experiment.search.baseline, summary);
    let said: Vec<&String> = compared.iter().chain(&summary.notes).collect();
    if said.is_empty() {
        return page;
    }
    let page = page.heading("Against the baseline");
    let page = said.into_iter().fold(page, |page, line| {
        let mut letters = line.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        page.paragraph(format!("{}{}.", String::from_iter(first), letters.as_str()))
    });
    match table {
        Some(table) => page.table("One thread; timed by turns", table),
        None => page,
    }
}

/// What the search was, and how far it came.
fn begin(run: &Run<'_>) -> String {
    let machine = run
        .machine()
        .map_or(String::new(), |name| format!(" on {name}"));
    let trials = format!(
        "{} trials of {} on {}: {}",
        run.trials.len(),
        run.experiment.search.strategy,
        run.experiment.data.set,
        run.counts(),
    );
    match run.summary {
        Some(summary) => {
            let time = number::duration(summary.seconds);
            format!("{trials}, in {time}{machine}.")
        }
        None => format!(
            "Unfinished: {trials}, of {} to train{machine}. The search still runs or was stopped, and goes on with --resume. No \
             network is chosen, compiled or measured yet; all latencies are predicted.",
            run.experiment.search.trials
        ),
    }
}

/// Of how many images an accuracy is, and between which shares the true one lies.
fn images(accuracy: Accuracy) -> String {
    let Interval { low, high } = accuracy.interval();
    format!(
        "{} test images; {:.1} to {:.1} %",
        accuracy.images,
        100.0 * low,
        100.0 * high
    )
}

/// What a reader wants to know first.
fn figures(run: &Run<'_>, best: &Best) -> Vec<[String; 3]> {
    let quality = run.experiment.quality();
    let ms = |ms| format!("{} ms", number::milliseconds(ms));
    let mut figures = vec![
        [
            format!("{}, encrypted", quality.name()),
            common::percent(best.encrypted_accuracy),
            images(best.encrypted()),
        ],
        [
            format!("{}, in the clear", quality.name()),
            common::percent(best.plaintext_accuracy),
            "the same images".into(),
        ],
        [
            quality.same().into(),
            common::percent(best.agreement),
            "encrypted and in the clear".into(),
        ],
        [
            "whole test set".into(),
            common::percent(best.test_accuracy),
            format!("in the clear; {}", images(best.test())),
        ],
        [
            "latency, measured".into(),
            ms(best.measured_latency_ms),
            format!("one thread; predicted {}", ms(best.predicted_latency_ms)),
        ],
        [
            "security".into(),
            format!("{} bits", best.security_bits),
            format!("ring degree 2^{}", best.log_n),
        ],
        [
            "depth".into(),
            format!("{} levels", best.depth),
            format!("log2(QP) {:.0} bits", best.log_qp),
        ],
        [
            "evaluation keys".into(),
            format!("{:.1} MB", best.evaluation_key_bytes as f64 / 1e6),
            format!(
                "an encrypted image: {:.3} MB",
                best.input_ciphertext_bytes as f64 / 1e6
            ),
        ],
    ];
    if let Some(price) = run.experiment.constraints.price_per_core_hour {
        let cost = constraint::cost_per_1000(best.measured_latency_ms, price);
        figures.push([
            "1000 predictions".into(),
            number::significant(cost, 3),
            format!("measured, at {price} an hour of one core"),
        ]);
    }
    figures
}

fn chosen(best: &Best) -> Vec<(String, String)> {
    let ms = number::milliseconds;
    let quality = best.quality;
    let name = quality.name();
    let facts = [
        ("trial".to_owned(), format!("#{}", best.trial)),
        ("architecture".into(), best.description.clone()),
        (format!("{name}, encrypted"), best.encrypted().to_string()),
        (
            format!("{name} of the same images in the clear"),
            common::percent(best.plaintext_accuracy),
        ),
        (
            format!("{} encrypted and in the clear", quality.same()),
            common::percent(best.agreement),
        ),
        (
            format!("{name} in the clear, whole test set"),
            best.test().to_string(),
        ),
        (
            "latency, predicted".into(),
            format!("{} ms, one thread", ms(best.predicted_latency_ms)),
        ),
        (
            "latency, measured".into(),
            format!("{} ms, one thread", ms(best.measured_latency_ms)),
        ),
        (
            "greatest error of a logit".into(),
            format!("{:.1e}", best.max_abs_error),
        ),
        (
            "evaluation keys".into(),
            format!("{:.1} MB", best.evaluation_key_bytes as f64 / 1e6),
        ),
        (
            "encrypted image".into(),
            format!("{:.3} MB", best.input_ciphertext_bytes as f64 / 1e6),
        ),
    ];
    let measures = best.measures.told().into_iter();
    let measures = measures.map(|(name, value)| (format!("{name}, encrypted"), value));
    facts.into_iter().chain(measures).collect()
}

/// A section of its own for a member.
fn describe(page: Report, run: &Run<'_>, member: &Member<'_>) -> Report {
    let found = member.found;
    let chosen = match run.is_chosen(found.trial) {
        true => ", chosen",
        false => "",
    };
    let page = page
        .subheading(format!(
            "Trial #{}: {} at {} ms{chosen}",
            found.trial,
            common::percent(found.validation_accuracy),
            number::milliseconds(found.predicted_latency_ms)
        ))
        .paragraph(found.architecture.clone())
        .paragraph(member.parameters.clone())
        .pictures(
            member
                .pictures
                .iter()
                .map(Drawn::picture)
                .collect::<Vec<_>>(),
        );
    let table = |of: &str| member.tables.iter().find(|(name, _)| name.ends_with(of));
    let layers = table("-layers").map(|(_, table)| {
        Report::new(format!("Trial #{}: layer by layer", found.trial)).table("", table.clone())
    });
    let epochs = table("-epochs").map(|(_, table)| {
        Report::new(format!("Trial #{}: epoch by epoch", found.trial)).table("", table.clone())
    });
    layers.into_iter().chain(epochs).fold(page, Report::folded)
}

fn parameters(run: &Run<'_>, best: &Best) -> Vec<(&'static str, String)> {
    schemes::door(best.scheme).parameters(run.experiment, best)
}

fn environment(run: &Run<'_>) -> Vec<(&'static str, String)> {
    let version = run.summary.map(|summary| summary.hemet_version.clone());
    let mut facts: Vec<(&'static str, String)> = Vec::new();
    facts.extend(run.machine().map(|name| ("machine", name.to_owned())));
    facts.extend(version.map(|version| ("hemet", version)));
    facts.push(("seed", run.experiment.seed.to_string()));
    facts.push(("objectives", run.experiment.objectives.join(", ")));
    if let Some(environment) = run.summary.and_then(|s| s.environment.as_ref()) {
        facts.push(("system", environment.system.clone()));
        facts.push(("cores", environment.cores.to_string()));
        facts.push(("date", environment.date.clone()));
    }
    let other = |machine: &&str| Some(*machine) != run.machine();
    if let Some(machine) = run.costs.machine().filter(other) {
        facts.push(("cost table", format!("of {machine}")));
    }
    facts
}
