//! The report of a run folder, served while it grows.

use std::path::Path;
use std::time::Duration;

use super::opened::{Opened, stamp};
use crate::cli::live::{self, Page};
use crate::error::Error;
use crate::run::folder::RunFolder;

/// A free port of this machine alone.
pub const FREE_PORT: &str = "127.0.0.1:0";

/// How often the run folder is looked at.
pub const LOOK: Duration = Duration::from_secs(1);

/// Begins to serve an empty page, and says where.
///
/// # Errors
/// An address that is none or is taken.
pub fn serve(address: &str) -> Result<Page, Error> {
    let (listener, local) = live::listen(address)?;
    let page = Page::default();
    page.set(waiting("no trial has ended yet"));
    let served = page.clone();
    std::thread::spawn(move || live::serve(&listener, &served));
    eprintln!("live      http://{local}/");
    Ok(page)
}

/// Keeps a page as the report of a run folder is, as that grows beside a search, until the process ends.
pub fn follow(page: Page, root: &Path) {
    let folder = RunFolder {
        root: root.to_owned(),
    };
    std::thread::spawn(move || {
        let mut seen = None;
        loop {
            let now = stamp(&folder);
            if seen != Some(now) {
                seen = Some(now);
                show(&folder, &page);
            }
            std::thread::sleep(LOOK);
        }
    });
}

/// Puts the report as it is now into the page; while there is none, why.
pub fn show(folder: &RunFolder, page: &Page) {
    let html = Opened::of(folder).and_then(|opened| opened.html());
    page.set(html.unwrap_or_else(|error| waiting(&error.to_string())));
}

/// A page that says why there is nothing to see.
fn waiting(why: &str) -> String {
    let report = hemet_reports::Report::new("Waiting").paragraph(why);
    report.html().unwrap_or_default()
}
