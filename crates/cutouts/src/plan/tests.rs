//! Slots, splits and duplicates.
use super::*;
use crate::catalog::Catalogue;
use crate::config::Config;

fn plan(rows: usize) -> Plan {
    let dir = tempfile::tempdir().unwrap();
    let config = "[input]\ncatalog='c.csv'\npath='{dir}/{id}-{band}.fits'\nlabels=['kind']\n[bands]\nnames=['g','r']\n\
        [output]\ngalaxies=7\n[split]\nfractions=[0.5,0.25,0.25]";
    std::fs::write(dir.path().join("pack.toml"), config).unwrap();
    let mut text = "id,ra,dec,dir,kind\n".to_owned();
    for i in 0..rows {
        text += &format!("g{},{},{},d{},{}\n", i % 90, (i * 37) % 360, i as f64 - 45.0, i % 3, i % 2);
    }
    std::fs::write(dir.path().join("c.csv"), text).unwrap();
    let settings = Config::read(&dir.path().join("pack.toml")).unwrap().resolve(dir.path()).unwrap();
    let catalogue = Catalogue::read(&dir.path().join("c.csv")).unwrap();
    from_catalogue(settings, &catalogue, Vec::new()).unwrap()
}

#[test]
fn every_galaxy_has_one_slot() {
    let plan = plan(95);
    assert_eq!((plan.galaxies.len(), plan.unused.len()), (90, 5));
    let mut next = 0;
    for shard in &plan.shards {
        assert_eq!(shard.galaxies.start, next);
        next = shard.galaxies.end;
        assert!(plan.galaxies[shard.galaxies.clone()].iter().all(|g| shard.name.starts_with(g.split.name())));
        assert!(shard.galaxies.len() <= 7);
    }
    assert_eq!(next, 90);
    for (g, galaxy) in plan.galaxies.iter().enumerate() {
        let i: usize = galaxy.id[1..].parse().unwrap();
        assert_eq!(galaxy.files.of(1, "r").unwrap(), format!("d{}/g{i}-r.fits", i % 3));
        assert_eq!(plan.class(g), (i % 2).to_string());
    }
    assert!(Split::ALL.iter().all(|s| plan.galaxies.iter().any(|g| g.split == *s)));
    assert_eq!(plan.sheet.len(), 36);
}

#[test]
fn neighbours_come_into_the_same_split() {
    let settings = plan(1).settings;
    for i in 0..200 {
        let (ra, dec) = (f64::from(i) * 1.7, f64::from(i % 120) - 60.0);
        let cell = crate::kernel::healpix::cell(64, ra, dec);
        if crate::kernel::healpix::cell(64, ra + 1e-3, dec) == cell {
            let of = |ra| build_split(&settings, ra, dec);
            assert_eq!(of(ra), of(ra + 1e-3));
        }
    }
}

fn build_split(settings: &Settings, ra: f64, dec: f64) -> Split {
    super::build::split(&settings.split, "x", ra, dec)
}

#[test]
fn a_listing_is_put_together() {
    let settings = plan(1).settings;
    let found = |id: &str, band, path: &str| Found { id: id.into(), band, path: path.into() };
    let listing =
        vec![found("b", 0, "y/b-g"), found("a", 1, "x/a-r"), found("b", 0, "x/b-g"), found("b", 1, "x/b-r")];
    let plan = from_listing(settings, listing, Vec::new());
    assert_eq!(plan.galaxies.len(), 2);
    assert_eq!((plan.unused.len(), plan.unused[0].file.as_str()), (1, "y/b-g"));
    let b = plan.galaxies.iter().find(|g| g.id == "b").unwrap();
    assert_eq!(b.files.of(0, "g").as_deref(), Some("x/b-g"));
}
