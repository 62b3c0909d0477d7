//! Reads the species that are not in thermal equilibrium.

use super::Inputs;
use crate::catalog::Species;
use crate::config::{Config, SpeciesConfig};
use crate::nonlte::{Background, Gas, NonLteSpecies, OrthoToPara, Partner, read_lamda};
use anyhow::{Context, anyhow};

/// The lines and the excitation of a species with `lamda`, whose kinetic temperature has a range (K); None for others.
pub(super) fn read(
    config: &Config,
    species: &SpeciesConfig,
    (low_k, high_k): (f64, f64),
    inputs: &mut Inputs,
) -> anyhow::Result<Option<(Species, NonLteSpecies)>> {
    let Some(lamda) = &species.lamda else { return Ok(None) };
    let name = &species.name;
    let molecule = read_lamda(&inputs.take(lamda)?)?;
    let others = species
        .densities
        .iter()
        .map(|(partner, n)| Ok((Partner::from_name(partner).with_context(|| unknown(name, partner))?, *n)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let ortho_to_para = species.ortho_to_para.map_or(OrthoToPara::Thermal, OrthoToPara::Ratio);
    let gas = Gas::new(&molecule, ortho_to_para, &others)
        .map_err(|e| anyhow!("{name}: {}: {e}", lamda.display()))?;
    let mut note = |text: String| inputs.notes.push(format!("{name}: {text}"));
    molecule.notes.iter().cloned().for_each(&mut note);
    for partner in gas.left_out(&molecule) {
        note(format!("no collisions with {}: densities gives none", partner.name()));
    }
    let (first_k, last_k) = molecule.temperatures_k();
    if low_k < first_k || high_k > last_k {
        note(format!(
            "collision rates are known for {first_k}-{last_k} K; tkin_k may go beyond: there they are those of the nearest \
             temperature"
        ));
    }
    for collisions in &molecule.collisions {
        note(format!("collisions with {}: {}", collisions.partner.name(), collisions.source));
    }
    let t_bg_k = config.model.t_bg.0;
    let background = match species.radiation {
        None => Background::cosmic(t_bg_k),
        Some(extra) => Background::with(t_bg_k, extra.t_k, extra.dilution)
            .map_err(|problem| anyhow!("{name}.radiation: {problem}"))?,
    };
    let geometry = species.geometry.unwrap_or_default();
    let nonlte = NonLteSpecies { molecule, geometry, background, gas };
    let source = format!("{}, escape probability ({geometry:?})", lamda.display());
    let catalog = nonlte.catalog(name, &source)?;
    Ok(Some((catalog, nonlte)))
}

fn unknown(name: &str, partner: &str) -> String {
    format!("{name}.densities: {partner} is no collision partner: must be H2, p-H2, o-H2, e, H, He or H+")
}

#[cfg(test)]
mod tests {
    use crate::plan::{Plan, prepare};
    use crate::posterior::Posterior;
    use rand_distr::{Distribution, StandardNormal};
    use std::path::Path;

    const ROTOR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/nonlte/tests/rotor.dat");
    const SPECIES: &str = "logn = { uniform = [11, 16] }\ntkin_k = { log_uniform = [8, 300] }\n\
                           log10_nh2 = { uniform = [2, 14] }\nfwhm_kms = { normal = [2, 0.3] }\n\
                           v_kms = { normal = [0.5, 0.2] }\nsize_arcsec = { uniform = [0.5, 5] }\n";

    /// Two windows with the first two lines of the rotor.
    fn plan(folder: &Path, species: &str) -> Result<Plan, String> {
        let mut text = String::new();
        for (name, start_mhz) in [("a", 89_178.0), ("b", 178_365.0)] {
            let rows = (0..120).map(|i| format!("{} {}\n", start_mhz + 0.15 * f64::from(i), i % 5));
            std::fs::write(folder.join(name), rows.collect::<String>()).unwrap();
            text.push_str(&format!(
                "[[spectrum]]\nfile = \"{name}\"\nnoise = \"0.5 K\"\nbeam = [\"1 arcsec\", \"1 arcsec\"]\n"
            ));
        }
        text.push_str(&format!("[[species]]\nname = \"X\"\nlamda = \"{ROTOR}\"\n{species}"));
        let path = folder.join("fit.toml");
        std::fs::write(&path, text).unwrap();
        prepare(&path).map_err(|e| format!("{e:?}"))
    }

    #[test]
    fn the_gradient_goes_through_the_excitation() {
        let dir = tempfile::tempdir().unwrap();
        for geometry in ["sphere", "lvg", "slab"] {
            let species = format!("{SPECIES}geometry = \"{geometry}\"\n");
            let plan = plan(dir.path(), &species).unwrap();
            assert_eq!(plan.names()[..3], ["X.logn", "X.tkin_k", "X.fwhm_kms"]);
            assert!(plan.notes.iter().any(|note| note.contains("known for 10-320 K")), "{:?}", plan.notes);
            let posterior = plan.posterior().unwrap();
            let (mut work, mut gradient) = (posterior.work(), vec![0.0; 6]);
            let widths = [0.02, 2.0, 0.02, 0.02, 0.02, 0.02];
            let settings = [
                "X.logn=13.6",
                "X.tkin_k=50",
                "X.log10_nh2=5.3",
                "X.fwhm_kms=2.2",
                "X.v_kms=0.4",
                "X.size_arcsec=1.5",
            ];
            let theta = plan.values_from(&settings.map(str::to_owned)).unwrap();
            let value = posterior.ln_density_and_gradient(&theta, &mut work, &mut gradient);
            assert_eq!(value, posterior.ln_density(&theta, &mut work));
            for k in 0..theta.len() {
                let mut at = |steps: f64| {
                    let mut theta = theta.clone();
                    theta[k] += steps * 0.05 * widths[k];
                    posterior.ln_density(&theta, &mut work)
                };
                let numeric = (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * 0.05);
                let exact = gradient[k] * widths[k];
                let error = (numeric - exact).abs() / (1.0 + exact.abs());
                assert!(error < 1e-4, "{geometry}, {}: {exact} {numeric}", plan.names()[k]);
                // Negative control: each of them counts.
                assert!(exact.abs() > 1e-2, "{geometry}, {}: {exact}", plan.names()[k]);
            }
        }
    }

    const TRUTH: [&str; 6] = [
        "X.logn=13.6",
        "X.tkin_k=47",
        "X.log10_nh2=5.3",
        "X.fwhm_kms=2.2",
        "X.v_kms=0.4",
        "X.size_arcsec=1.5",
    ];

    /// The fit of a spectrum that the model made itself, with noise of 0.5 K.
    fn plan_of_itself(folder: &Path, species: &str) -> Plan {
        let empty = plan(folder, species).unwrap();
        let theta = empty.values_from(&TRUTH.map(str::to_owned)).unwrap();
        let posterior = empty.posterior().unwrap();
        let mut work = posterior.work();
        let t_k = posterior.spectrum(&theta, &mut work).unwrap();
        let mut rng = mirinae_common::random::stream(3, 0, 0);
        for (data, channels) in empty.windows.iter().zip(posterior.model().window_channels()) {
            let rows = data.window.freq_mhz.iter().zip(&t_k[channels]).map(|(freq, t)| {
                let z: f64 = StandardNormal.sample(&mut rng);
                format!("{freq} {}\n", t + 0.5 * z)
            });
            let name = data.window.name.split(' ').next().unwrap();
            std::fs::write(folder.join(name), rows.collect::<String>()).unwrap();
        }
        prepare(&folder.join("fit.toml")).unwrap()
    }

    /// Of the differences, in posterior widths: where parameters are degenerate one alone moves the density much faster.
    const STEP: f64 = 2e-3;

    /// |g - finite difference| sd < 1e-6 (1 + |g| sd) for every parameter, sd its posterior width, at points of the posterior.
    #[test]
    fn the_gradient_is_exact_to_a_millionth_of_the_posterior_width() {
        let dir = tempfile::tempdir().unwrap();
        for geometry in ["sphere", "lvg", "slab"] {
            let species = format!("{SPECIES}geometry = \"{geometry}\"\n[model]\nchannels = \"point\"\n");
            let plan = plan_of_itself(dir.path(), &species);
            let posterior = plan.posterior().unwrap();
            let truth = plan.values_from(&TRUTH.map(str::to_owned)).unwrap();
            let look = crate::first_look::from_start(&posterior, &plan.windows, &truth).unwrap();
            let spread = |k: usize| {
                let (low, high) = plan.layout.parameters[k].prior.limits();
                (low, high, (high - low) / 12f64.sqrt())
            };
            let sigma = look.covariance.sigma();
            let sd: Vec<f64> = sigma.iter().enumerate().map(|(k, s)| s.min(spread(k).2)).collect();
            assert!(sd.iter().all(|sd| *sd > 0.0), "{sd:?}");
            let (mut work, mut gradient) = (posterior.work(), vec![0.0; truth.len()]);
            for (k, shift) in [0.0, 0.2, -0.3, 0.1].into_iter().enumerate() {
                let sign = |j: usize| if (j + k).is_multiple_of(2) { 1.0 } else { -1.0 };
                let inside = |j: usize, x: f64| {
                    let (low, high, _) = spread(j);
                    x.clamp(low + 0.01 * sd[j], high - 0.01 * sd[j])
                };
                let theta: Vec<f64> =
                    (0..sd.len()).map(|j| inside(j, look.minimum.x[j] + shift * sign(j) * sd[j])).collect();
                assert!(posterior.ln_density_and_gradient(&theta, &mut work, &mut gradient).is_finite());
                for j in 0..theta.len() {
                    let mut at = |steps: f64| {
                        let mut theta = theta.clone();
                        theta[j] += steps * STEP * sd[j];
                        posterior.ln_density(&theta, &mut work)
                    };
                    let numeric = (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * STEP);
                    let exact = gradient[j] * sd[j];
                    let error = (numeric - exact).abs() / (1.0 + exact.abs());
                    assert!(error < 1e-6, "{geometry}, {}, sd {}: {exact} {numeric}", plan.names()[j], sd[j]);
                }
            }
        }
    }

    #[test]
    fn another_radiation_field_excites() {
        let dir = tempfile::tempdir().unwrap();
        let with = |extra: &str| plan(dir.path(), &format!("{SPECIES}{extra}"));
        let tex_k = |extra: &str| {
            let plan = with(extra).unwrap();
            let thin = [
                "X.logn=12",
                "X.tkin_k=47",
                "X.log10_nh2=2",
                "X.fwhm_kms=2.2",
                "X.v_kms=0.4",
                "X.size_arcsec=1.5",
            ];
            let theta = plan.values_from(&thin.map(str::to_owned)).unwrap();
            plan.posterior().unwrap().transitions(&theta).unwrap()[0].tex_k
        };
        // Without collisions to speak of, the levels take the temperature of the sky.
        assert!((tex_k("") - 2.7255).abs() < 0.2, "{}", tex_k(""));
        let hot = tex_k("radiation = { t_k = 30.0 }\n");
        assert!((hot - 30.0).abs() < 3.5, "{hot}");
        let diluted = tex_k("radiation = { t_k = 30.0, dilution = 0.1 }\n");
        assert!(diluted > 3.5 && diluted < 0.5 * hot, "{diluted}");
        assert!(with("radiation = { t_k = 30.0, dilution = 2.0 }\n").unwrap_err().contains("X.radiation"));
        assert!(with("radiation = { t_k = 0.0 }\n").is_err());
    }

    #[test]
    fn dense_gas_is_lte() {
        let dir = tempfile::tempdir().unwrap();
        let plan = plan(dir.path(), SPECIES).unwrap();
        let excited = plan.posterior().unwrap();
        let lte = Posterior::new(plan.layout.clone(), &plan.species, &plan.windows, plan.options).unwrap();
        let settings =
            ["X.logn=14", "X.tkin_k=40", "X.fwhm_kms=2", "X.v_kms=0.5", "X.size_arcsec=3"].map(str::to_owned);
        let theta_at = |n: &str| {
            let more = [format!("X.log10_nh2={n}")];
            plan.values_from(&[&settings[..], &more[..]].concat()).unwrap()
        };
        let largest = |theta: &[f64]| {
            let (mut one, mut other) = (excited.work(), lte.work());
            let (a, b) =
                (excited.spectrum(theta, &mut one).unwrap(), lte.spectrum(theta, &mut other).unwrap());
            a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
        };
        assert!(largest(&theta_at("13")) < 5e-3, "{}", largest(&theta_at("13")));
        // Negative control: thinner gas is not.
        assert!(largest(&theta_at("5")) > 1.0);
        let lines = excited.transitions(&theta_at("13")).unwrap();
        let same = lte.transitions(&theta_at("13")).unwrap();
        assert_eq!(lines.len(), 2);
        for (line, same) in lines.iter().zip(same) {
            assert!((line.tex_k / 40.0 - 1.0).abs() < 1e-3, "{line:?}");
            assert!((line.peak_k / same.peak_k - 1.0).abs() < 1e-3, "{line:?}");
            assert!((line.peak_tau / same.peak_tau - 1.0).abs() < 2e-3, "{line:?} {same:?}");
        }
        let thin = excited.transitions(&theta_at("4")).unwrap();
        assert!(thin[0].tex_k < 20.0 && (thin[0].tex_k - thin[1].tex_k).abs() > 0.5, "{thin:?}");
    }

    #[test]
    fn wrong_keys_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let told = |species: String| plan(dir.path(), &species).unwrap_err();
        let without = SPECIES.replace("tkin_k", "tex_k");
        assert!(told(without).contains("X.tex_k does not go with lamda"));
        assert!(told(SPECIES.replace("log10_nh2", "#")).contains("X.log10_nh2 is missing"));
        let others = |text: &str| told(format!("{SPECIES}densities = {text}\n"));
        assert!(others("{ Ar = 1.0 }").contains("Ar is no collision partner"));
        assert!(others("{ He = 1.0 }").contains("there are no rates with He: only with p-H2, o-H2"));
    }
}
