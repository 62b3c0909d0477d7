//! After set-up the likelihood and its gradient allocate nothing, whatever the model.

use mirinae_mcmc::model::{ChannelMode, Dust, Group, ModelOptions, Structure};
use mirinae_mcmc::plan::{self, Plan};
use mirinae_mcmc::posterior::{Binding, Extra, Posterior};
use std::path::Path;

fn hot_core() -> Plan {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/hotcore/fit.toml");
    plan::prepare(&config).unwrap_or_else(|failure| panic!("examples/hotcore: {failure}"))
}

/// The species in two layers, with dust and Voigt profiles.
fn layered(plan: &mut Plan) {
    let group = |layer, members: &[usize]| {
        let dust = Dust { kappa0_cm2_g: 0.899, nu0_mhz: 230_000.0, gas_to_dust: 100.0 };
        Group { name: format!("{layer}"), layer, members: members.to_vec(), dust: Some(dust) }
    };
    let groups = vec![group(0, &[0, 1, 2]), group(1, &[3, 4])];
    plan.layout.structure = Structure { groups, voigt: vec![1, 3], ..Structure::default() };
    plan.layout.bindings.iter_mut().for_each(|bindings| bindings[5] = Binding::Fixed(0.5));
    let dust = [24.0, 1.8, 80.0, 23.5, 1.8, 20.0];
    plan.layout.extras = dust.map(|x| Extra { name: "dust".into(), binding: Binding::Fixed(x) }).to_vec();
}

#[test]
fn the_likelihood_allocates_nothing() {
    let mut plans = [hot_core(), hot_core()];
    layered(&mut plans[1]);
    for plan in &plans {
        let theta: Vec<f64> = plan.layout.parameters.iter().map(|p| middle(p.prior.limits())).collect();
        for channels in [ChannelMode::Point, ChannelMode::Average] {
            let options = ModelOptions { channels, ..plan.options };
            let posterior =
                Posterior::new(plan.layout.clone(), &plan.species, &plan.windows, options).expect("a model");
            let (mut work, mut gradient) = (posterior.work(), vec![0.0; theta.len()]);
            let mut both = [0.0; 2];
            let found = allocation_counter::measure(|| {
                both[0] = posterior.ln_density(&theta, &mut work);
                both[1] = posterior.ln_density_and_gradient(&theta, &mut work, &mut gradient);
            });
            assert_eq!(found.count_total, 0, "{channels:?}: {found:?}");
            assert!(both[0].is_finite() && both[0] == both[1] && gradient.iter().any(|g| *g != 0.0));
        }
    }
    // Negative control: one is seen.
    assert_eq!(allocation_counter::measure(|| drop(std::hint::black_box(vec![1.0; 100]))).count_total, 1);
}

fn middle((low, high): (f64, f64)) -> f64 {
    0.5 * (low + high)
}
