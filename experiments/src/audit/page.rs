//! The page of an audit, in words.

use hemet_reports::{Report, Table, number};
use hemet_search::audit::Attack;

use super::pictures::Pictures;
use super::subject::Subject;
use super::{Audit, Plan, tables};
use crate::common;
use crate::error::Error;
use crate::report::plots::Drawn;

/// The page and its pictures.
pub struct Page {
    /// In words.
    pub report: Report,
    /// The pictures, whose files lie beside it.
    pub pictures: Pictures,
    /// The table.
    pub table: Table,
}

impl Page {
    /// Of what an audit found.
    ///
    /// # Errors
    /// Numbers that cannot be drawn.
    pub fn of(subject: &Subject, plan: &Plan, audit: &Audit) -> Result<Self, Error> {
        let table = tables::all(&audit.rows())?;
        let pictures = Pictures::draw(subject, audit)?;
        let title = format!(
            "Audit of trial #{} of {}",
            subject.trial.number, subject.experiment.name
        );
        let plots: Vec<_> = pictures.plots.iter().map(Drawn::picture).collect();
        let mut page = Report::new(title)
            .paragraph(begin(subject, audit))
            .paragraph(LIMITS)
            .figures(figures(audit))
            .pictures(plots)
            .pictures([pictures.strongest.picture()])
            .heading("Cut by cut")
            .table("", tables::places(audit)?);
        for drawn in &pictures.cuts {
            let inner = Report::new(&drawn.shows).pictures([drawn.picture()]);
            page = page.folded(inner);
        }
        if let Some(drawn) = &pictures.defenses {
            page = page
                .heading("Defenses")
                .paragraph(DEFENSES)
                .table("", tables::defenses(audit)?)
                .pictures([drawn.picture()]);
        }
        page = page
            .heading("What answers alone reveal")
            .paragraph(answers(audit))
            .heading("Who has what")
            .paragraph(WHO)
            .heading("All figures")
            .table("", table.clone())
            .heading("How it was measured")
            .facts(measured(subject, plan, audit));
        let notes = audit.notes();
        if !notes.is_empty() {
            page = page.heading("What came to nothing");
        }
        let page = notes
            .iter()
            .fold(page, |page, note| page.paragraph(format!("{note}.")));
        Ok(Self {
            report: page,
            pictures,
            table,
        })
    }
}

const DEFENSES: &str = "What a device may do to features before it hands them over, and the accuracy that it costs. The \
     attacker knows the defense: inverse networks are trained on features that it changed, and descents leave out \
     features that were dropped. More layers in front of the cut are a defense as well: see the cuts above.";

const LIMITS: &str = "These attacks reach what the figures say. An attack that fails proves nothing: a stronger one \
     may exist, and some are known, such as those with a generative model of the pictures. So every figure is a lower \
     bound on what is revealed.";

const SIMILARITY: &str = "SSIM: windows of 11x11, Gaussian of deviation 1.5, pixels 0 to 1";

const WHO: &str = "Handed over in the clear, features belong to whoever receives them; the layers in front of the cut \
     lie on the device, so their weights are public, and only those behind it stay with the server. Handed over \
     encrypted, the server computes the rest without seeing features or answers; the layers in front of the cut are \
     public all the same. Without a device part nothing of the network is public.";

fn begin(subject: &Subject, audit: &Audit) -> String {
    let data = subject.targets();
    format!(
        "A device runs the first layers of a network and hands the features over. What do they reveal of the picture? \
         {} test pictures of {} were reconstructed from the features behind each layer that was asked for. Similarity \
         (SSIM) is 1 for the picture itself, {:.3} for the mean picture, which needs no features at \
         all, and {:.3} for the mean picture of its class, which whoever learns the right answer has.",
        data.len(),
        data.name,
        audit.floor.1.ssim,
        audit.class_floor.ssim
    )
}

fn figures(audit: &Audit) -> Vec<[String; 3]> {
    let mut figures = Vec::new();
    let inner = audit.places.iter().filter(|found| found.is_inner);
    let ends = [inner.clone().next(), inner.clone().next_back()];
    for (found, which) in ends.into_iter().flatten().zip(["first", "last"]) {
        let Some(reached) = found.strongest() else {
            continue;
        };
        figures.push([
            format!("{which} cut, in the clear"),
            format!("{:.3}", reached.nearness.ssim),
            format!("SSIM by {}, behind {}", reached.attack.words(), found.place),
        ]);
    }
    if let Some(control) = &audit.control {
        figures.push([
            "first cut, encrypted".into(),
            format!("{:.3}", control.reached.nearness.ssim),
            format!("SSIM by {} pairs of ciphertext and picture", control.pairs),
        ]);
    }
    figures.push([
        "mean picture".into(),
        format!("{:.3}", audit.floor.1.ssim),
        "SSIM of who has seen nothing".into(),
    ]);
    figures.push([
        "mean picture of the class".into(),
        format!("{:.3}", audit.class_floor.ssim),
        "SSIM of who knows the class alone".into(),
    ]);
    let costs = std::iter::once(&audit.whole).chain(audit.inner_costs());
    for (cost, what) in costs.zip(["whole network", "behind the first cut"]) {
        if let Some(ms) = cost.latency_ms {
            figures.push([
                format!("{what}, encrypted"),
                format!("{} ms", number::milliseconds(ms)),
                "predicted, one thread".into(),
            ]);
        }
    }
    figures
}

/// What the outputs of the network reveal to those whom they are shown.
fn answers(audit: &Audit) -> String {
    let last = audit.places.last().filter(|found| !found.is_inner);
    let Some(found) = last else {
        return "Not measured here: the cuts that were asked for are inner layers.".into();
    };
    let of = |attack: Attack| {
        let reached = found.by(attack);
        reached.map_or(f64::NAN, |reached| reached.nearness.ssim)
    };
    format!(
        "To whom logits are shown, an inverse network makes pictures of SSIM {:.3} of them. The class alone gives \
         {:.3}, by the mean picture of that class. The remedy is to show the class and not the logits: an answer under \
         encryption is decrypted by the client alone, who decides what to pass on.",
        of(Attack::InverseSame),
        of(Attack::ClassMean)
    )
}

fn measured(subject: &Subject, plan: &Plan, audit: &Audit) -> Vec<(String, String)> {
    let setting = subject.setting();
    let (own, effort) = (setting.own.len(), setting.effort);
    let fact = |name: &str, said: String| (name.to_owned(), said);
    let mut facts = vec![
        fact("network", subject.graph.id()),
        fact(
            "pictures",
            format!("{} of the test set", setting.targets.len()),
        ),
        fact(
            "attacker's pictures",
            format!("{own} of the training set; none of the test set"),
        ),
        fact("seed", subject.experiment.seed.to_string()),
        fact("similarity", SIMILARITY.into()),
        fact(
            "descents",
            format!(
                "{} steps from each of two starts, with total variation",
                effort.steps
            ),
        ),
        fact("inverse networks", format!("{} epochs", effort.epochs)),
        fact(
            "latencies",
            format!("predicted by the cost model for {}", subject.table.machine),
        ),
    ];
    let tried = |attack: &Attack| audit.places.iter().any(|found| found.by(*attack).is_some());
    let attacks = Attack::IN_THE_CLEAR.into_iter().filter(tried);
    facts.extend(attacks.map(|attack| (attack.words(), format!("knows {}", attack.knows()))));
    if let Some(similar) = subject.similar() {
        facts.push(fact("another kind", similar.to_owned()));
    }
    if let Some(control) = &audit.control {
        let trained = format!(
            "{} pairs, {} numbers of each ciphertext; keys and noise come from the system, so this row differs a \
             little each time",
            control.pairs, control.numbers
        );
        facts.push(fact("encrypted", trained));
    }
    if plan.defenses.iter().any(|defense| defense.is_trained()) {
        let pictures = setting.training.len();
        let how = format!("the network learns on from {pictures} pictures");
        facts.push(fact("trained defenses", how));
    }
    if let Some(found) = audit.places.first() {
        facts.push(fact("accuracy", common::percent(found.accuracy)));
    }
    facts
}
