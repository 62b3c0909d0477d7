//! Times one likelihood, and one with its gradient, of the benchmarks with 5 and 20 species, on every path that this
//! machine has. Needs the shared reference data; says so and does nothing where they are absent.

use criterion::{Criterion, criterion_group, criterion_main};
use mirinae_mcmc::model::{ChannelMode, ModelOptions, SimdPath};
use mirinae_mcmc::plan::{self, Plan};
use mirinae_mcmc::posterior::Posterior;
use std::hint::black_box;
use std::path::PathBuf;

/// The benchmark's plan and the parameters that its data were made with.
fn benchmark(name: &str) -> Option<(Plan, Vec<f64>)> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let job = root.join(format!("../shared/data/alma/bench/{}.json", name.to_uppercase()));
    let Ok(text) = std::fs::read_to_string(&job) else {
        eprintln!("skipped: {} is not there", job.display());
        return None;
    };
    let plan = plan::prepare(&root.join(format!("examples/{name}/fit.toml")))
        .unwrap_or_else(|failure| panic!("examples/{name}: {failure}"));
    let truth: serde_json::Value = serde_json::from_str(&text).expect("the benchmark is JSON");
    let theta = plan
        .layout
        .parameters
        .iter()
        .map(|parameter| {
            let (species, quantity) = parameter.name.rsplit_once('.').expect("SPECIES.QUANTITY");
            let column = ["logn", "tex_k", "fwhm_kms", "v_kms"].iter().position(|q| *q == quantity);
            truth["truth"][species][column.expect("a known quantity")].as_f64().expect("a number")
        })
        .collect();
    Some((plan, theta))
}

fn likelihood(criterion: &mut Criterion) {
    for name in ["b5", "b20"] {
        let Some((plan, theta)) = benchmark(name) else { return };
        for simd in SimdPath::ALL.into_iter().filter(|path| path.is_available()) {
            for channels in [ChannelMode::Point, ChannelMode::Average] {
                let options = ModelOptions { simd, channels, ..plan.options };
                let posterior = Posterior::new(plan.layout.clone(), &plan.species, &plan.windows, options)
                    .expect("the plan has been checked");
                let (mut work, mut gradient) = (posterior.work(), vec![0.0; theta.len()]);
                let mut group = criterion.benchmark_group(format!("{name} {channels:?} {simd:?}"));
                group.bench_function("value", |b| {
                    b.iter(|| posterior.ln_density(black_box(&theta), &mut work));
                });
                group.bench_function("value and gradient", |b| {
                    b.iter(|| posterior.ln_density_and_gradient(black_box(&theta), &mut work, &mut gradient));
                });
            }
        }
    }
}

criterion_group!(benches, likelihood);
criterion_main!(benches);
