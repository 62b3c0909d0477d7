use super::*;
use crate::levenberg::{LeastSquares, information};
use crate::plan;
use std::path::Path;

/// C18O and a tied 13CO (fitted ratio) in two windows of noiseless data at given parameters, with a normal prior.
fn config(folder: &Path, theta: &[f64], noise: [&str; 2]) -> crate::plan::Plan {
    let species =
        |name: &str, logn: &str, rest: &str| format!("[[species]]\nname = \"{name}\"\nlogn = {logn}\n{rest}");
    let own =
        "tex_k = { log_uniform = [5, 250] }\nfwhm_kms = { uniform = [1, 8] }\nv_kms = { normal = [0, 3] }\n";
    let same = "tex_k = { same_as = \"C18O.tex_k\" }\nfwhm_kms = { same_as = \"C18O.fwhm_kms\" }\nv_kms = { same_as = \"C18O.v_kms\" }\n";
    let spectrum = |name: &str| {
        format!("[[spectrum]]\nfile = \"{name}\"\nnoise = \"0.2 K\"\nbeam = [\"1 arcsec\", \"1 arcsec\"]\n")
    };
    let text = format!(
        "{}{}{}{}{}",
        spectrum("a.txt") + noise[0],
        spectrum("b.txt") + noise[1],
        spectrum("c.txt"),
        species("C18O", "{ uniform = [13, 18] }", own),
        species("13CO", "{ ratio_to = \"C18O.logn\", log_uniform = [0.02, 2] }", same)
    );
    std::fs::write(folder.join("fit.toml"), text).unwrap();
    let write = |t_k: &dyn Fn(usize, usize) -> f64| {
        for (k, (name, first)) in
            [("a.txt", 219_540.0), ("b.txt", 220_380.0), ("c.txt", 109_770.0)].into_iter().enumerate()
        {
            let rows: String =
                (0..100).map(|i| format!("{} {}\n", first + 0.4 * i as f64, t_k(k, i))).collect();
            std::fs::write(folder.join(name), rows).unwrap();
        }
    };
    write(&|_, _| 0.0);
    let plan = plan::prepare(&folder.join("fit.toml")).unwrap();
    let posterior = plan.posterior().unwrap();
    let t_k = posterior.spectrum(theta, &mut posterior.work()).unwrap().to_vec();
    write(&|k, i| t_k[100 * k + i]);
    plan::prepare(&folder.join("fit.toml")).unwrap()
}

const TRUTH: [f64; 5] = [16.2, 40.0, 3.0, 0.5, 0.13];

#[test]
fn a_search_of_the_priors_ends_at_the_truth_and_its_covariance_is_the_inverse_of_the_curvature() {
    let dir = tempfile::tempdir().unwrap();
    let plan = config(dir.path(), &TRUTH, ["", ""]);
    let posterior = plan.posterior().unwrap();
    let look = search(&posterior, &plan.windows, 3).unwrap();
    let sigma = look.covariance.sigma();
    for ((x, truth), s) in look.minimum.x.iter().zip(TRUTH).zip(&sigma) {
        // The normal prior of the velocity pulls a little.
        assert!((x - truth).abs() < 0.05 * s, "{:?} {sigma:?}", look.minimum.x);
    }
    assert!(look.minimum.converged && look.covariance.determined == [true; 5]);
    // The curvature of ln p along each principal direction, by differences of the density itself (its log-uniform priors
    // have none to speak of).
    let mut work = posterior.work();
    let centre = &look.minimum.x;
    for (k, s) in sigma.iter().enumerate() {
        let column: Vec<f64> = look.covariance.matrix.column(k).iter().map(|v| v / s).collect();
        let mut at = |f: f64| {
            let theta: Vec<f64> = centre.iter().zip(&column).map(|(x, c)| x + f * c).collect();
            posterior.ln_density(&theta, &mut work)
        };
        // Along C e_k / sigma_k chi2 rises by one a unit squared; the mean of both sides has no slope.
        let fall = at(0.0) - 0.5 * (at(0.1) + at(-0.1));
        assert!((fall / 0.005 - 1.0).abs() < 0.1, "parameter {k}: {fall}");
    }
}

#[test]
fn the_jacobian_gives_the_gradient_of_the_adjoint_code() {
    let dir = tempfile::tempdir().unwrap();
    let plan = config(dir.path(), &TRUTH, ["", ""]);
    let posterior = plan.posterior().unwrap();
    let mut problem = SpectrumProblem::new(&posterior, &plan.windows);
    let theta = [16.1, 45.0, 3.1, 0.4, 0.15];
    let mut residuals = Vec::new();
    assert!(problem.residuals(&theta, &mut residuals));
    let jacobian = problem.jacobian(&theta, &residuals).unwrap();
    let mut gradient = [0.0; 5];
    posterior.ln_density_and_gradient(&theta, &mut posterior.work(), &mut gradient);
    let widths = Array2::from_diag(&information(jacobian.view()).diag().mapv(|v| 1.0 / v.sqrt()));
    for k in 0..5 {
        let own: f64 = -jacobian.column(k).iter().zip(&residuals).map(|(j, r)| j * r).sum::<f64>();
        // Log-uniform priors are not among the residuals.
        let slope = if [1, 4].contains(&k) { -1.0 / theta[k] } else { 0.0 };
        let error = (own + slope - gradient[k]) * widths[[k, k]];
        assert!(
            error.abs() < 2e-3 * (1.0 + (gradient[k] * widths[[k, k]]).abs()),
            "{k}: {own} {}",
            gradient[k]
        );
    }
}

#[test]
fn a_start_outside_of_the_model_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let plan = config(dir.path(), &TRUTH, ["", ""]);
    let posterior = plan.posterior().unwrap();
    // What lies outside of the priors is moved to their ends.
    let look = from_start(&posterior, &plan.windows, &[30.0, 40.0, 3.0, 0.5, 0.13]).unwrap();
    assert!(look.minimum.x[0] <= 18.0);
}

#[test]
fn the_residuals_have_the_likelihood_in_their_squares_whatever_the_noise() {
    let dir = tempfile::tempdir().unwrap();
    let noise = ["noise_correlation = [0.45, 0.05]\n", "likelihood = \"student\"\ndof = 4.0\n"];
    let plan = config(dir.path(), &TRUTH, noise);
    let posterior = plan.posterior().unwrap();
    let mut problem = SpectrumProblem::new(&posterior, &plan.windows);
    let mut work = posterior.work();
    let mut at = |theta: &[f64]| {
        let mut residuals = Vec::new();
        assert!(problem.residuals(theta, &mut residuals));
        let sum: f64 = residuals.iter().map(|r| r * r).sum();
        // Log-uniform priors are not among the residuals.
        let slope = (theta[1] * theta[4]).ln();
        (posterior.ln_density(theta, &mut work) + slope, sum)
    };
    let (one, other) = (at(&[16.1, 45.0, 3.1, 0.4, 0.15]), at(&[16.25, 38.0, 2.9, 0.6, 0.12]));
    let (ln_p, squares) = (one.0 - other.0, -0.5 * (one.1 - other.1));
    assert!((ln_p - squares).abs() < 1e-6 * ln_p.abs() && ln_p.abs() > 10.0, "{ln_p} {squares}");
}
