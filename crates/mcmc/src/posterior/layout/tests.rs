//! Tests of laying out parameters.

use super::*;
use crate::config::ParameterConfig;
use crate::model::WindowParams;

fn layout(second_tex: &str) -> Result<Layout, LayoutError> {
    let text = format!(
        r#"
        [[species]]
        name = "A"
        cat = "a.cat"
        qpart = "a.qpart"
        logn = {{ uniform = [14, 18] }}
        tex_k = {{ log_uniform = [10, 300] }}
        fwhm_kms = {{ fixed = 3.0 }}
        v_kms = {{ normal = [0, 1] }}
        [[species]]
        name = "B"
        cat = "b.cat"
        qpart = "b.qpart"
        logn = {{ uniform = [14, 18] }}
        tex_k = {second_tex}
        fwhm_kms = {{ same_as = "A.fwhm_kms" }}
        v_kms = {{ same_as = "A.v_kms" }}
        size_arcsec = {{ fixed = 0.5 }}
        "#
    );
    let config: crate::config::Config = toml::from_str(&text).unwrap();
    Layout::new(&config.species)
}

#[test]
fn shared_parameters_are_one() {
    let layout = layout("{ same_as = \"A.tex_k\" }").unwrap();
    let names: Vec<_> = layout.parameters.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["A.logn", "A.tex_k", "A.v_kms", "B.logn"]);
    let values: Vec<_> = layout.values(&[15.0, 100.0, 0.5, 16.0]).collect();
    assert_eq!(values[0], [15.0, 100.0, 3.0, 0.5, f64::INFINITY, 0.0, 0.0]);
    assert_eq!(values[1], [16.0, 100.0, 3.0, 0.5, 0.5, 0.0, 0.0]);
    let set = |text: &str| {
        let settings: Vec<String> = text.split(' ').map(str::to_string).collect();
        layout.values_from(&["A", "B"], &settings).map_err(|e| e.to_string())
    };
    let all = "A.logn=15 A.tex_k=100 A.v_kms=0.5 B.logn=16 A.fwhm_kms=3";
    assert_eq!(set(all).unwrap(), [15.0, 100.0, 0.5, 16.0]);
    assert!(set("A.logn=15").unwrap_err().contains("A.tex_k has no value"));
    assert!(set("A.logm=15").unwrap_err().contains("A.logm"));
    assert!(set("A.logn=x").unwrap_err().contains("A.logn=x"));
    assert!(set("A.fwhm_kms=4").unwrap_err().contains("fixed"));
}

/// A, 13A and 18A, the latter two by ratios to A.
fn ratios(second: &str, third: &str) -> Result<Layout, LayoutError> {
    let species = |name: &str, logn: &str| {
        format!(
            "[[species]]\nname = \"{name}\"\nlogn = {logn}\ntex_k = {{ fixed = 100.0 }}\n\
             fwhm_kms = {{ fixed = 3.0 }}\nv_kms = {{ fixed = 0.0 }}\n"
        )
    };
    let text = [("A", "{ uniform = [14, 18] }"), ("13A", second), ("18A", third)].map(|(n, l)| species(n, l));
    let config: crate::config::Config = toml::from_str(&text.concat()).unwrap();
    Layout::new(&config.species)
}

#[test]
fn isotopologues_follow_their_main_species() {
    let fitted = "{ ratio_to = \"A.logn\", log_uniform = [20, 200] }";
    let layout = ratios(fitted, "{ ratio_to = \"A.logn\", fixed = 1000.0 }").unwrap();
    let names: Vec<_> = layout.parameters.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["A.logn", "13A.ratio"]);
    let logn: Vec<f64> = layout.values(&[17.0, 100.0]).map(|v| v[0]).collect();
    assert_eq!(logn, [17.0, 15.0, 14.0]);
    let (low, high) = layout.range(1, 0);
    assert!((low - (14.0 - 200f64.log10())).abs() < 1e-12 && (high - (18.0 - 20f64.log10())).abs() < 1e-12);
    let set = |text: &str| {
        let settings: Vec<String> = text.split(' ').map(str::to_string).collect();
        layout.values_from(&["A", "13A", "18A"], &settings).map_err(|e| e.to_string())
    };
    assert_eq!(set("A.logn=17 13A.ratio=60 18A.ratio=1000").unwrap(), [17.0, 60.0]);
    assert!(set("A.logn=17 13A.logn=16").unwrap_err().contains("by a ratio"));
    assert!(set("A.logn=17 A.ratio=16").unwrap_err().contains("A.ratio"));
    // One ratio for two species, and a column density that is the same as a tied one.
    let shared = ratios(fitted, "{ ratio_to = \"A.logn\", same_as = \"13A.ratio\" }").unwrap();
    assert_eq!(shared.parameters.len(), 2);
    assert!(shared.values(&[17.0, 10.0]).all(|v| v[0] == 17.0 || v[0] == 16.0));
    let same = ratios(fitted, "{ same_as = \"13A.logn\" }").unwrap();
    assert_eq!(same.values(&[17.0, 10.0]).map(|v| v[0]).collect::<Vec<_>>(), [17.0, 16.0, 16.0]);
}

#[test]
fn ratios_that_cannot_be_are_named() {
    let fitted = "{ ratio_to = \"A.logn\", log_uniform = [20, 200] }";
    let error = |third| ratios(fitted, third).unwrap_err().to_string();
    assert!(error("{ ratio_to = \"13A.logn\", fixed = 5.0 }").contains("itself"));
    assert!(error("{ ratio_to = \"B.logn\", fixed = 5.0 }").contains("B.logn"));
    assert!(error("{ ratio_to = \"A.tex_k\", fixed = 5.0 }").contains("ratio_to is for logn"));
    assert!(error("{ ratio_to = \"18A.logn\", fixed = 5.0 }").contains("another species"));
    assert!(error("{ ratio_to = \"A.logn\", fixed = -5.0 }").contains("positive"));
    assert!(error("{ ratio_to = \"A.logn\" }").contains("18A.ratio needs exactly one"));
    assert!(error("{ same_as = \"A.ratio\" }").contains("A.ratio"));
}

#[test]
fn what_cannot_be_is_named() {
    let error = |text| layout(text).unwrap_err().to_string();
    assert!(error("{ same_as = \"A.tex\" }").contains("A.tex_k"));
    assert!(error("{ same_as = \"B.tex_k\" }").contains("itself"));
    assert!(error("{ fixed = 1.0, uniform = [1, 2] }").contains("it has 2"));
    assert!(error("{ uniform = [2, 1] }").contains("B.tex_k"));
    assert!(error("{ uniform = [-1, 1] }").contains("positive"));
    assert!(error("{ uniform = [1, 2], limits = [0, 3] }").contains("limits"));
}

/// Two windows, with a calibration and an extra noise each as given.
fn with_windows(first: [&str; 2], second: [&str; 2]) -> Result<Layout, LayoutError> {
    let mut layout = layout("{ same_as = \"A.tex_k\" }").unwrap();
    let read = |text: &str| -> ParameterConfig { toml::from_str(text).unwrap() };
    let configs = [first, second].map(|pair| pair.map(read));
    let config = |(k, [calibration, jitter]): (usize, &'_ [ParameterConfig; 2])| {
        (k, calibration.clone(), jitter.clone())
    };
    let owned: Vec<_> = configs.iter().enumerate().map(config).collect();
    let windows: Vec<WindowConfig> = owned
        .iter()
        .map(|(k, calibration, jitter)| {
            let given = [Some(calibration), None, None, Some(jitter)];
            WindowConfig { name: format!("spw{}", k + 1), given }
        })
        .collect();
    layout.add_windows(&windows)?;
    Ok(layout)
}

#[test]
fn windows_have_parameters_behind_the_species() {
    let fitted = "normal = [1.0, 0.1]";
    let layout =
        with_windows([fitted, "uniform = [0, 1]"], ["same_as = \"spw1.calibration\"", "fixed = 0"]).unwrap();
    let names: Vec<_> = layout.parameters.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names[4..], ["spw1.calibration", "spw1.jitter_k"]);
    let theta = [15.0, 100.0, 0.5, 16.0, 1.2, 0.3];
    let values: Vec<WindowParams> = layout.window_values(&theta).collect();
    let expected = [[1.2, 0.0, 0.0, 0.3], [1.2, 0.0, 0.0, 0.0]].map(WindowParams::from_array);
    assert_eq!(values, expected);
    let mut gradient = [0.0; 6];
    layout.add_window_slopes(2.0, &[[1.0, 9.0, 9.0, 2.0], [3.0, 9.0, 9.0, 4.0]], &mut gradient);
    assert_eq!(gradient, [0.0, 0.0, 0.0, 0.0, 8.0, 4.0]);
    let settings =
        ["A.logn=15", "A.tex_k=100", "A.v_kms=0", "B.logn=15", "spw1.calibration=1.1", "spw1.jitter_k=0"];
    let theta = layout.values_from(&["A", "B"], &settings.map(str::to_string)).unwrap();
    assert_eq!(theta[4], 1.1);
    for (calibration, word) in [
        ("same_as = \"spw3.calibration\"", "spw3.calibration"),
        ("same_as = \"spw2.calibration\"", "itself"),
        ("fixed = -1.0", "positive"),
        ("fixed = 1.0\nuniform = [1, 2]", "it has 2"),
        ("fixed = 1.0\nratio_to = \"A.logn\"", "ratio_to"),
    ] {
        let error = with_windows([fitted, "fixed = 0"], [calibration, "fixed = 0"]).unwrap_err().to_string();
        assert!(error.contains(word) && error.contains("spw2.calibration"), "{error}");
    }
}

/// Three species with what is said of their groups, and the rest of the file.
fn grouped(of_each: [&str; 3], rest: &str) -> Result<Layout, LayoutError> {
    let species = |name: &str, more: &str| {
        format!(
            "[[species]]\nname = \"{name}\"\nlogn = {{ uniform = [14, 18] }}\ntex_k = {{ uniform = [10, 300] }}\n\
             fwhm_kms = {{ fixed = 3.0 }}\nv_kms = {{ fixed = 0.0 }}\n{more}\n"
        )
    };
    let text = [("A", of_each[0]), ("B", of_each[1]), ("C", of_each[2])].map(|(n, more)| species(n, more));
    let config: crate::config::Config = toml::from_str(&(text.concat() + rest)).unwrap();
    Layout::of(&config)
}

#[test]
fn groups_layers_dust_and_continuum_are_laid_out() {
    let layout = grouped(
        ["group = \"core\"", "group = \"core\"\nlorentz_kms = { uniform = [0, 2] }", "layer = 2"],
        "[[group]]\nname = \"core\"\nsize_arcsec = { uniform = [0.1, 2] }\n[group.dust]\n\
         logn_h2 = { uniform = [22, 26] }\nt_k = { same_as = \"A.tex_k\" }\n\
         [continuum]\nt_k = { normal = [3, 0.1] }\nnu0 = \"100 GHz\"\n[model]\ncontinuum_subtracted = false\n",
    )
    .unwrap();
    let names: Vec<&str> = layout.parameters.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "A.logn",
            "A.tex_k",
            "B.logn",
            "B.tex_k",
            "B.lorentz_kms",
            "C.logn",
            "C.tex_k",
            "core.dust.logn_h2",
            "continuum.t_k",
            "core.size_arcsec"
        ]
    );
    let theta = [15.0, 100.0, 16.0, 120.0, 0.7, 14.0, 20.0, 24.0, 3.1, 0.5];
    // log N(H2), beta, T of the dust, then the continuum; the group's size is no parameter of the model.
    let extra: Vec<f64> = layout.extra_values(&theta).collect();
    assert_eq!(extra, [24.0, 1.8, 100.0, 3.1, 0.0, 0.5]);
    assert_eq!(layout.structure.n_extra(), 5);
    let values: Vec<_> = layout.values(&theta).collect();
    assert_eq!((values[0][4], values[1][4], values[2][4]), (0.5, 0.5, f64::INFINITY));
    assert_eq!((values[0][5], values[1][5]), (0.0, 0.7));
    let groups: Vec<(u32, &[usize])> =
        layout.structure.groups.iter().map(|g| (g.layer, &g.members[..])).collect();
    assert_eq!(groups, [(0, &[0, 1][..]), (2, &[2][..])]);
    assert!(layout.structure.keeps_continuum && layout.structure.voigt == [1]);
    let dust = layout.structure.groups[0].dust.unwrap();
    assert_eq!((dust.kappa0_cm2_g, dust.nu0_mhz, dust.gas_to_dust), (0.899, 230_000.0, 100.0));
    let set = |text: &str| {
        let settings: Vec<String> = text.split(' ').map(str::to_string).collect();
        layout.values_from(&["A", "B", "C"], &settings).map_err(|e| e.to_string())
    };
    let all = "A.logn=15 A.tex_k=100 B.logn=16 B.tex_k=120 B.lorentz_kms=0.7 C.logn=14 C.tex_k=20 \
               core.dust.logn_h2=24 continuum.t_k=3.1 core.size_arcsec=0.5 core.dust.beta=1.8";
    assert_eq!(set(all).unwrap(), theta);
    assert!(set("core.dust.beta=2").unwrap_err().contains("fixed"));
}

#[test]
fn groups_that_cannot_be_are_told() {
    let plain = ["group = \"core\"", "group = \"core\"", ""];
    let error = |of_each, rest| grouped(of_each, rest).unwrap_err().to_string();
    let sizes = ["group = \"core\"\nsize_arcsec = { fixed = 1.0 }", "group = \"core\"", ""];
    assert!(error(sizes, "").contains("share one"), "{}", error(sizes, ""));
    let layers = ["group = \"core\"\nlayer = 1", "group = \"core\"\nlayer = 2", ""];
    assert!(error(layers, "").contains("it is in layer 1"), "{}", error(layers, ""));
    assert!(error(plain, "[[group]]\nname = \"envelope\"\n").contains("no species is in it"));
    assert!(error(plain, "[[group]]\nname = \"C\"\n").contains("is not in it"));
    let dust = "[dust]\nlogn_h2 = { fixed = 24 }\nt_k = { fixed = 50 }\n";
    assert!(error(plain, dust).contains("here there are 2"));
    // One core: there it is.
    let one = grouped(["group = \"core\"", "group = \"core\"", "layer = 1"], dust).unwrap();
    assert!(one.structure.groups[0].dust.is_some() && one.structure.groups[1].dust.is_none());
}

#[test]
fn a_vibrational_state_shares_all_with_its_ground_state() {
    let text = r#"
        [[species]]
        name = "HC3N"
        logn = { uniform = [13, 17] }
        tex_k = { uniform = [50, 300] }
        fwhm_kms = { uniform = [1, 8] }
        v_kms = { normal = [0, 2] }
        size_arcsec = { log_uniform = [0.1, 5] }
        [[species]]
        name = "HC3N v7=1"
        logn = { same_as = "HC3N.logn" }
        tex_k = { same_as = "HC3N.tex_k" }
        fwhm_kms = { same_as = "HC3N.fwhm_kms" }
        v_kms = { same_as = "HC3N.v_kms" }
        size_arcsec = { same_as = "HC3N.size_arcsec" }
        "#;
    let config: crate::config::Config = toml::from_str(text).unwrap();
    let layout = Layout::of(&config).unwrap();
    assert_eq!(layout.parameters.len(), 5);
    assert_eq!(layout.bindings[0], layout.bindings[1]);
    // Both rows of derivatives go to the one parameter.
    let mut gradient = [0.0; 5];
    for bindings in &layout.bindings {
        bindings
            .iter()
            .for_each(|binding| binding.add_slope(1.5, &[15.0, 100.0, 3.0, 0.0, 1.0], &mut gradient));
    }
    assert_eq!(gradient, [3.0; 5]);
}
