//! Derivatives against differences.

use super::made_up::rotor;
use crate::nonlte::{Background, Conditions, Excitation, Geometry, LineState};

fn solve(excitation: &Excitation, at: [f64; 4]) -> Vec<LineState> {
    let mut numbers = vec![0.0; excitation.n_work()];
    let mut work = excitation.work(&mut numbers);
    let densities = [10f64.powf(at[2]), 10f64.powf(at[3])];
    excitation.solve(&conditions(at, &densities), &mut work).unwrap();
    super::made_up::lines(excitation, &work)
}

fn conditions<'a>(at: [f64; 4], densities_cm3: &'a [f64]) -> Conditions<'a> {
    Conditions { log10_n_cm2: at[0], tkin_k: at[1], fwhm_kms: 2.0, densities_cm3 }
}

/// Five-point differences; widths of 0.1 dex and 5 K stand for those of a posterior.
#[test]
fn slopes_are_those_of_the_solutions() {
    let molecule = rotor();
    let widths = [0.1, 5.0, 0.1, 0.1];
    for geometry in [Geometry::Sphere, Geometry::Lvg, Geometry::Slab] {
        let excitation = Excitation::new(&molecule, geometry, &Background::cosmic(2.73));
        // Thin, thick, nearly in equilibrium, inverted.
        for at in
            [[12.0, 25.0, 4.0, 3.5], [15.0, 60.0, 4.5, 4.0], [14.0, 120.0, 8.0, 8.0], [12.5, 250.0, 4.8, 4.6]]
        {
            let mut numbers = vec![0.0; excitation.n_work()];
            let mut work = excitation.work(&mut numbers);
            let densities = [10f64.powf(at[2]), 10f64.powf(at[3])];
            let conditions = conditions(at, &densities);
            excitation.solve(&conditions, &mut work).unwrap();
            excitation.slopes(&conditions, &mut work);
            for (index, width) in widths.into_iter().enumerate() {
                let moved = |steps: f64| {
                    let mut at = at;
                    at[index] += steps * 0.02 * width;
                    solve(&excitation, at)
                };
                let values = [moved(-2.0), moved(-1.0), moved(1.0), moved(2.0)];
                let difference = |of: &dyn Fn(&LineState) -> f64, line: usize| {
                    let [a, b, c, d] = values.each_ref().map(|lines| of(&lines[line]));
                    (a - 8.0 * b + 8.0 * c - d) / (12.0 * 0.02 * width)
                };
                for line in 0..6 {
                    let (slope, state) = (work.slope(line, index), excitation.line(line, &work));
                    let check = |name: &str, slope: f64, fd: f64, unit: f64| {
                        let (slope, fd) = (slope * width / unit, fd * width / unit);
                        assert!(
                            (slope - fd).abs() < 1e-6 * (1.0 + slope.abs()),
                            "{geometry:?} {at:?} {name} of line {line} by {index}: {slope} {fd}"
                        );
                    };
                    check("tau", slope.tau, difference(&|l| l.tau, line), state.tau.abs());
                    check(
                        "emission",
                        slope.emission_k,
                        difference(&|l| l.emission_k, line),
                        state.emission_k,
                    );
                    let per_tex2 = state.tex_k * state.tex_k;
                    check(
                        "1/Tex",
                        -slope.tex_k / per_tex2,
                        difference(&|l| 1.0 / l.tex_k, line),
                        1.0 / state.tex_k.abs(),
                    );
                }
            }
        }
    }
}
