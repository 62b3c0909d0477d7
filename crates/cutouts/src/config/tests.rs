//! What configurations are taken and refused.
use super::*;

const LEAST: &str = r#"
[input]
catalog = "c.csv"
path = "{id}-{band}.fits"
[bands]
names = ["g", "r"]
"#;

fn resolve(text: &str) -> Result<Settings, String> {
    let config = Config::parse(text)?;
    config.resolve(Path::new("pack.toml")).map_err(|e| e.to_string())
}

#[test]
fn defaults_are_put_in() {
    let settings = resolve(LEAST).unwrap();
    assert_eq!((settings.size, settings.output.galaxies), (128, 512));
    assert_eq!(settings.nulls_b, [crate::kernel::nulls::NullPolicy::Sky; 2]);
    let text = serde_json::to_string(&settings).unwrap();
    assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
}

#[test]
fn bands_can_have_values_of_their_own() {
    let text = format!("{LEAST}nulls = {{ g = \"reject\" }}\nsaturation = 60000.0\n");
    let settings = resolve(&text).unwrap();
    assert_eq!(settings.nulls_b[0], crate::kernel::nulls::NullPolicy::Reject);
    assert_eq!(settings.saturation_b, [60_000.0; 2]);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let cases = [
        ("names = [\"g\", \"r\"]", "names = []", "bands.names"),
        ("names = [\"g\", \"r\"]", "names = [\"g\", \"g\"]", "twice"),
        ("names = [\"g\", \"r\"]", "names = [\"g\", \"r\"]\nnulls = { z = \"zero\" }", "z is not among"),
        ("{band}", "x", "{band}"),
        ("{band}", "{band", "not closed"),
        ("catalog = ", "cataloge = ", "line 3"),
        ("catalog = \"c.csv\"", "", "either catalog or scan"),
        ("[bands]", "[image]\nsize = 0\n[bands]", "image.size"),
        ("[bands]", "[image]\nalign = \"lanczos3\"\n[bands]", "pixel_arcsec"),
        ("[bands]", "[split]\nfractions = [0.5, 0.1, 0.1]\n[bands]", "add up to 1"),
        ("[bands]", "[image]\nsky = \"ignore\"\n[bands]", "image.sky"),
    ];
    for (from, to, part) in cases {
        let error = resolve(&LEAST.replace(from, to)).unwrap_err();
        assert!(error.contains(part), "{to}: {error}");
    }
}
