//! What people look at: the report's pages in a browser, wide and narrow, light and dark. Nothing hangs over the side,
//! and pictures of them lie in `target/pages` for people to look at.
//!
//! It needs a Chromium, `HEMET_TEST_CHROMIUM` (`.ci/run` sets it); without one it says so.

mod world;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use world::{World, tiny};

const CHROMIUM: &str = "HEMET_TEST_CHROMIUM";
const WIDTHS: [(u32, u32); 2] = [(1280, 2400), (390, 4200)];
/// Values of Chromium's setting `preferredColorScheme`.
const SCHEMES: [(&str, u32); 2] = [("dark", 0), ("light", 1)];

/// Put into a page of its own that shows the report in a frame of the wanted width, as a window cannot be that narrow.
/// What hangs over the side and is in no part that scrolls by itself is told, with the width and the color scheme.
const MEASURE: &str = r#"<!doctype html><body style="margin:0"><iframe id="f" src="PAGE" style="border:0;width:WIDTHpx;height:HEIGHTpx">
</iframe><pre id="told"></pre><script>
document.getElementById("f").onload = () => {
  const inner = document.getElementById("f").contentWindow, page = inner.document;
  const scrolls = e => e && e !== page.body && e !== page.documentElement
    && (["auto", "scroll", "hidden"].includes(inner.getComputedStyle(e).overflowX) || scrolls(e.parentElement));
  const over = [...page.body.querySelectorAll("*")].filter(e => {
    const box = e.getBoundingClientRect();
    return box.width > 0 && !e.closest("svg svg") && box.right > WIDTH + 1 && !scrolls(e.parentElement) && !scrolls(e);
  }).map(e => e.tagName + "." + e.className.toString() + " " + Math.round(e.getBoundingClientRect().right));
  const small = [...page.querySelectorAll("p, td, th, li, a, h1, h2, h3, summary, label, button")]
    .filter(e => e.textContent.trim() && e.getBoundingClientRect().width > 0
      && parseFloat(inner.getComputedStyle(e).fontSize) < 10).map(e => e.tagName + " " + e.textContent.trim().slice(0, 30));
  document.getElementById("told").textContent = JSON.stringify({
    over: over.slice(0, 8), small: small.slice(0, 8), width: page.documentElement.scrollWidth,
    dark: inner.matchMedia("(prefers-color-scheme: dark)").matches, height: page.documentElement.scrollHeight,
    pictures: page.querySelectorAll("svg, img").length });
};
</script>"#;

struct Browser {
    program: PathBuf,
    world: World,
}

impl Browser {
    /// Opens a page in a frame, takes a picture, and gives what was measured.
    fn look(&self, page: &Path, scheme: (&str, u32), size: (u32, u32), picture: &Path) -> Value {
        let frame = MEASURE
            .replace("PAGE", page.file_name().unwrap().to_str().unwrap())
            .replace("WIDTH", &size.0.to_string())
            .replace("HEIGHT", &size.1.to_string());
        let path = page.with_file_name("frame.html");
        std::fs::write(&path, frame).unwrap();
        let told = self.run(&path, scheme, size, "--dump-dom".to_owned());
        let shot = format!("--screenshot={}", picture.display());
        self.run(&path, scheme, size, shot);
        std::fs::remove_file(&path).unwrap();
        let told = told.split("<pre id=\"told\">").nth(1).unwrap_or(&told);
        let told = told.split("</pre>").next().unwrap().replace("&amp;", "&");
        serde_json::from_str(&told).unwrap_or_else(|e| panic!("{e}: {told}"))
    }

    fn run(&self, page: &Path, scheme: (&str, u32), size: (u32, u32), what: String) -> String {
        let output = Command::new(&self.program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
            ])
            .args([
                "--allow-file-access-from-files",
                "--virtual-time-budget=4000",
            ])
            .arg(format!(
                "--user-data-dir={}",
                self.world.path("profile").display()
            ))
            .arg(format!(
                "--blink-settings=preferredColorScheme={}",
                scheme.1
            ))
            .arg(format!("--window-size={},{}", size.0.max(500), size.1))
            .args([what, format!("file://{}", page.display())])
            .output()
            .unwrap_or_else(|e| panic!("{}: {e}", self.program.display()));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

#[test]
fn pages_fit_the_window_wide_and_narrow_light_and_dark() {
    let Some(program) = std::env::var_os(CHROMIUM) else {
        eprintln!("no pages are looked at: {CHROMIUM} names no Chromium");
        return;
    };
    let world = World::new();
    let settings = "search: {strategy: random, trials: 6}\ntrain: {epochs: 3}\nencrypted_images: 2\nmeasured_members: 1\n";
    world.write(
        "tiny.yaml",
        tiny("width: [4, 6, 8], kernel: [1, 3]", settings),
    );
    for seed in 1..=2 {
        world.good(&format!(
            "search tiny.yaml --seed {seed} --out run{seed} --costs costs.json"
        ));
    }
    world.good("report run1 run2");
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("pages");
    std::fs::create_dir_all(&pictures).unwrap();
    let browser = Browser {
        program: program.into(),
        world,
    };
    let mut faults = Vec::new();
    for page in ["index", "compared"] {
        let path = browser.world.path(&format!("run1/report/{page}.html"));
        for size in WIDTHS {
            for scheme in SCHEMES {
                let name = format!("{page}-{}-{}.png", size.0, scheme.0);
                let told = browser.look(&path, scheme, size, &pictures.join(&name));
                assert_eq!(told["dark"], scheme.0 == "dark", "{name}: {told}");
                assert!(told["pictures"].as_u64() > Some(0), "{name}: {told}");
                let fits = told["width"].as_u64() <= Some(size.0.into());
                if !fits
                    || told["over"] != Value::Array(vec![])
                    || told["small"] != Value::Array(vec![])
                {
                    faults.push(format!("{name}: {told}"));
                }
                assert!(std::fs::metadata(pictures.join(&name)).unwrap().len() > 10_000);
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
