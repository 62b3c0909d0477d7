use super::*;
use proptest::prelude::*;

/// A line list of some names.
struct List;

impl Known for List {
    fn has(&self, name: &str) -> bool {
        [
            "CH3OH", "13CH3OH", "HC3N", "HC3N_v7", "C18O", "34SO2", "SO2", "CH3CN", "H213CO", "H2CO",
            "O13CS", "t-HCOOH",
        ]
        .contains(&name)
    }

    fn of_tag(&self, tag: u32) -> Option<String> {
        (tag == 32504).then(|| "CH3OH".to_owned())
    }
}

#[test]
fn names_of_xclass_become_ours() {
    for (theirs, ours) in [
        ("CH3OH;v=0;", "CH3OH"),
        ("C-13-H3OH;v=0;", "13CH3OH"),
        ("CO-18;v=0;", "C18O"),
        ("S-34-O2;v=0;", "34SO2"),
        ("HCCCN;v=0;", "HC3N"),
        ("HCCCN;v7=1;", "HC3N_v7"),
        ("H2C-13-O;v=0;", "H213CO"),
        ("OC-13-S;v=0;", "O13CS"),
        ("HCOOH;v=0;#1", "t-HCOOH"),
        ("CH3OH, vt=0-2", "CH3OH"),
    ] {
        let found = listed_name(theirs, |name| List.has(name) || name == "O13CS");
        assert_eq!(found.as_deref().unwrap_or("none"), ours, "{theirs} is read as {}", plain_name(theirs));
    }
    assert_eq!(listed_name("XYZ;v=0;", |name| List.has(name)), None);
}

const MOLFIT: &str = "%%MinNumTransitionsSQL = 1\n% comment\nCH3OH;v=0;   2\n\
    y 0.1 1.0 0.4  y 5.0 300.0 100.0  y 1.0E+14 1.0E+19 1.0E+17  y 0.5 20.0 5.0  n -6.0 6.0 -5.5  c\n\
    n 0.5  y 20  y 1e15  y 3  y -7 f\n\
    S-34-O2;v=0; 1\n 0.5 120 1e16 4 -5 c\n";

fn config(text: &str) -> crate::config::Config {
    toml::from_str(text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

#[test]
fn a_molfit_file_becomes_a_configuration() {
    let model = parse_molfit(MOLFIT, "a.molfit").unwrap();
    let (text, reports) = configuration(&model, "a.molfit", &["s.txt".into()], &List);
    let config = config(&text);
    let [first, second, third] = &config.species[..] else { panic!("{text}") };
    assert_eq!((first.name.as_str(), first.entry.as_deref()), ("CH3OH", None));
    assert_eq!(first.logn.uniform, Some([14.0, 19.0]));
    assert_eq!((first.v_kms.fixed, first.tex_k.as_ref().unwrap().uniform), (Some(-5.5), Some([5.0, 300.0])));
    assert_eq!((second.name.as_str(), second.entry.as_deref()), ("CH3OH_2", Some("CH3OH")));
    assert_eq!((first.layer, second.layer), (None, Some(1)));
    assert_eq!(second.size_arcsec.as_ref().unwrap().fixed, Some(0.5));
    assert_eq!(second.logn.uniform, Some([13.5, 16.5]));
    assert_eq!((third.name.as_str(), third.logn.uniform), ("34SO2", Some([14.5, 17.5])));
    for part in ["foreground", "%%", "no limits", "34SO2"] {
        assert!(reports.iter().any(|r| r.contains(part)), "{part}: {reports:?}");
    }
    assert!(text.contains("--set CH3OH.logn=17.0") && config.spectrum.len() == 1, "{text}");
    assert!(crate::posterior::Layout::new(&config.species).is_ok());
}

#[test]
fn isotopologues_follow_their_main_species() {
    let mut model = parse_molfit("SO2;v=0; 1\n0.5 120 1e16 4 -5 c\n", "a.molfit").unwrap();
    let table = "% name main ratio\nS-34-O2;v=0; SO2;v=0; 22\nC-13-H3OH;v=0; CH3OH;v=0; 69 20 200\n";
    model.isotopologues = parse_isotopologues(table, "iso.dat").unwrap();
    let (text, reports) = configuration(&model, "a.molfit", &[], &List);
    let config = config(&text);
    assert_eq!(config.species[1].logn.ratio_to.as_deref(), Some("SO2.logn"));
    assert_eq!(config.species[1].logn.fixed, Some(22.0));
    assert_eq!(config.species.len(), 2);
    assert!(reports.iter().any(|r| r.contains("C-13-H3OH")), "{reports:?}");
    assert!(crate::posterior::Layout::new(&config.species).is_ok());
    assert!(
        parse_isotopologues("A B -1\n", "iso.dat").unwrap_err().to_string().starts_with("iso.dat, line 1")
    );
}

#[test]
fn an_isotopologue_with_components_of_its_own_keeps_them() {
    let mut model =
        parse_molfit("SO2;v=0; 1\n0.5 120 1e17 4 -5 c\nS-34-O2;v=0; 1\n0.5 120 1e16 4 -5 c\n", "a.molfit")
            .unwrap();
    model.isotopologues = parse_isotopologues("S-34-O2;v=0; SO2;v=0; 22\n", "iso.dat").unwrap();
    let (text, reports) = configuration(&model, "a.molfit", &[], &List);
    let config = config(&text);
    assert_eq!(config.species.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["SO2", "34SO2"]);
    assert!(config.species[1].logn.ratio_to.is_none() && config.species[1].logn.uniform.is_some());
    assert!(reports.iter().any(|r| r.contains("S-34-O2") && r.contains("left out")), "{reports:?}");
}

#[test]
fn broken_molfit_files_are_told_with_their_line() {
    for (text, line) in [
        ("CH3OH 1\n", 1),
        ("CH3OH\n", 1),
        ("CH3OH 1\n1 2 c\n", 2),
        ("CH3OH 1\ny 3 2 2.5 y 1 2 1 y 1 2 1 y 1 2 1 y 1 2 1 c\n", 2),
        ("CH3OH 1\n0.5 100 x 3 0 c\n", 2),
        ("CH3OH 1\n0.5 -100 1e15 3 0 c\n", 2),
    ] {
        let message = parse_molfit(text, "a.molfit").unwrap_err().to_string();
        assert!(message.starts_with(&format!("a.molfit, line {line}: ")), "{text}: {message}");
    }
    assert!(parse_molfit("% nothing\n", "a.molfit").is_err());
    let rrl = parse_molfit("RRL-H 1\n1 2 3 4 5 c\nSO2;v=0; 1\n0.5 120 1e16 4 -5 c\n", "a.molfit").unwrap();
    assert!(rrl.components.len() == 1 && rrl.reports[0].contains("recombination"), "{rrl:?}");
}

const LTM: &str = "# date\ntbg=2.73\ntelescope=iram\nComp1Name=Continuum\nComp1Enabled=true\nComp1Continuum=Continuum 0 [K]\n\
    Comp2Name=Component 1\nComp2Enabled=true\nComp2Interacting=true\nComp2Algo=FULL_LTE_ALGO\nComp2Vlsr=4.1\nComp2NbMol=2\n\
    Comp2Mol1Tag=32504\nComp2Mol1Species=CH3OH, vt=0-2\nComp2Mol1Compute=true\nComp2Mol1NSp=1.000e+15\n\
    Comp2Mol1Tex=100.00\nComp2Mol1FWHM=5.00\nComp2Mol1Size=1.000e+05\n\
    Comp2Mol2Tag=1\nComp2Mol2Species=XYZ\nComp2Mol2NSp=1e13\nComp2Mol2Tex=20\nComp2Mol2FWHM=1\nComp2Mol2Size=3\n";

#[test]
fn a_cassis_model_becomes_a_configuration() {
    let model = parse_cassis(LTM, "a.ltm").unwrap();
    let (text, reports) = configuration(&model, "a.ltm", &[], &List);
    let config = config(&text);
    assert_eq!(config.model.t_bg.0, 2.73);
    let [first, second] = &config.species[..] else { panic!("{text}") };
    assert!(first.name == "CH3OH" && first.size_arcsec.is_none() && second.size_arcsec.is_some());
    assert_eq!(first.logn.uniform, Some([13.5, 16.5]));
    assert_eq!(first.v_kms.uniform, Some([-0.9, 9.1]));
    for part in ["continuum", "interacting", "telescope", "XYZ"] {
        assert!(reports.iter().any(|r| r.contains(part)), "{part}: {reports:?}");
    }
    let bad = LTM.replace("Comp2Mol1Tex=100.00", "Comp2Mol1Tex=hot");
    assert!(
        parse_cassis(&bad, "a.ltm").unwrap_err().to_string().starts_with("a.ltm, line 17: "),
        "{:?}",
        parse_cassis(&bad, "a.ltm")
    );
    assert!(parse_cassis("a=b\n", "a.ltm").is_err());
}

#[test]
fn spectra_of_cassis_and_class_are_read() {
    let lis = "// number of line : 2\n// vlsr : 4.1\nFreqLsb VeloLsb FreqUsb VeloUsb Intensity DeltaF DeltaV\n\
        1.8638E+04 4.1 0 0 1.5E-01 0.03 0.49\n1.8639E+04 3.9 0 0 -2.0E-01 0.03 0.49\n";
    let spectrum = parse_lis(lis, "a.lis").unwrap();
    assert!((spectrum.freq_mhz[0] - 18_638.0 * (1.0 - 4.1 / 299_792.458)).abs() < 1e-9);
    assert_eq!(spectrum.intensity, [0.15, -0.2]);
    assert!(parse_lis("FreqLsb x\n", "a.lis").unwrap_err().to_string().contains("Intensity"));
    let class = "  1.00000000D+02   1.5   0.1\n -1.00000000E+02  -1000.0  0.1\n";
    let velocity = ClassAxis::Velocity { rest_mhz: 100_000.0 };
    let spectrum = parse_class(class, "a.dat", velocity, (0, 1)).unwrap();
    assert!((spectrum.freq_mhz[0] - 99_966.643_590).abs() < 1e-5, "{spectrum:?}");
    assert!(spectrum.intensity[1].is_nan() && spectrum.reports[0].contains("1 further"));
    let offset = ClassAxis::Offset { rest_mhz: 100_000.0, v_kms: 0.0 };
    assert_eq!(parse_class(class, "a.dat", offset, (0, 1)).unwrap().freq_mhz, [100_100.0, 99_900.0]);
    // The control: taken as frequencies, one of them cannot be.
    assert!(
        parse_class(class, "a.dat", ClassAxis::Frequency, (0, 1)).unwrap_err().to_string().contains("--x")
    );
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        all_parsers(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_damage_makes_a_parser_panic(
        which in 0usize..3,
        place in any::<proptest::sample::Index>(),
        text in "[ -~\\n]{0,12}|\\PC{0,4}",
    ) {
        let mut whole: Vec<char> = [MOLFIT, LTM, "// vlsr : 4\nFreqLsb Intensity\n1 2\n"][which].chars().collect();
        let at = place.index(whole.len());
        whole.splice(at..(at + 3).min(whole.len()), text.chars());
        all_parsers(&whole.into_iter().collect::<String>());
    }
}

fn all_parsers(text: &str) {
    for model in [parse_molfit(text, "f"), parse_cassis(text, "f")].into_iter().flatten() {
        let (text, _) = configuration(&model, "f", &[], &List);
        let read: Result<crate::config::Config, _> = toml::from_str(&text);
        assert!(read.is_ok(), "{text}");
    }
    let _ = parse_isotopologues(text, "f");
    let _ = parse_lis(text, "f");
    let _ = parse_class(text, "f", ClassAxis::Frequency, (0, 1));
    let _ = plain_name(text);
}
