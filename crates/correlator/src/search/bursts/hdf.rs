//! The hits of a search as HDF5, with the powers around them.

use super::around::Picture;
use super::plan::BurstPlan;
use super::products::{Row, Rows, csv};
use hdf5::types::VarLenUnicode;
use ndarray::{Array1, ArrayView};
use std::path::Path;

/// Columns of words.
pub(super) const WORDS: [&str; 9] = [
    "outcome",
    "remark",
    "scan",
    "polarisation",
    "found_in",
    "station_sigma",
    "cross_sigma",
    "delay_ns",
    "centre",
];

/// Writes the table and the powers around the hits as HDF5.
///
/// # Errors
/// What the library says.
pub(super) fn write(plan: &BurstPlan, rows: &Rows, provenance: &str, path: &Path) -> hdf5::Result<()> {
    let file = hdf5::File::with_options().with_fcpl(|p| p.obj_track_times(false)).create(path)?;
    file.new_attr::<VarLenUnicode>().create("format")?.write_scalar(&word("mirinae-bursts")?)?;
    file.new_attr::<VarLenUnicode>().create("provenance")?.write_scalar(&word(provenance)?)?;
    file.new_attr::<f64>().create("dump_s")?.write_scalar(&plan.grid.dump_s())?;
    file.new_attr::<f64>().create("channel_hz")?.write_scalar(&plan.grid.channel_hz())?;
    let table = csv(plan, rows);
    let group = file.create_group("hits")?;
    // The CSV's columns, so that both tell the same.
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    for (c, name) in lines[0].iter().enumerate() {
        let column: Vec<&str> = lines[1..].iter().map(|line| line[c]).collect();
        if WORDS.contains(name) {
            let column = column.into_iter().map(word).collect::<hdf5::Result<Vec<_>>>()?;
            let set = group.new_dataset::<VarLenUnicode>().shape(column.len()).obj_track_times(false);
            set.create(*name)?.write(&Array1::from_vec(column))?;
        } else {
            let number = |text: &&str| if text.is_empty() { Ok(f64::NAN) } else { text.parse::<f64>() };
            let column = column.iter().map(number).collect::<Result<Vec<_>, _>>();
            let column = column.map_err(|e| hdf5::Error::from(format!("{name}: {e}")))?;
            let set = group.new_dataset::<f64>().shape(column.len()).obj_track_times(false);
            set.create(*name)?.write(&Array1::from_vec(column))?;
        }
    }
    let around = file.create_group("around")?;
    for (index, row) in rows.rows.iter().enumerate() {
        if let Some(picture) = &row.hit.picture {
            write_picture(plan, row, picture, &around.create_group(&format!("{index:06}"))?)?;
        }
    }
    drop((group, around));
    file.flush()?;
    file.close()
}

fn word(text: &str) -> hdf5::Result<VarLenUnicode> {
    text.parse().map_err(|_| format!("the text {text:?} holds a NUL").into())
}

/// Dynamic spectra around a hit, and the plane of dispersion measures and arrivals.
fn write_picture(plan: &BurstPlan, row: &Row, picture: &Picture, to: &hdf5::Group) -> hdf5::Result<()> {
    let unit = &plan.units[row.unit];
    let scan_s = plan.base.job.scans[unit.scan].start_s as f64;
    let stations = plan.groups[unit.group].stations.len();
    let put = |name: &str, shape: &[usize], values: &[f32]| -> hdf5::Result<()> {
        let view = ArrayView::from_shape(shape, values).map_err(|e| e.to_string())?;
        to.new_dataset::<f32>().shape(shape).obj_track_times(false).create(name)?.write(view)
    };
    put("powers_mft", &[stations, picture.rows, picture.columns], &picture.sky_mft)?;
    put("dedispersed_ft", &[picture.rows, picture.columns], &picture.straight_ft)?;
    put("sigma_dt", &[picture.dms.len(), picture.plane_columns], &picture.plane_dt)?;
    let dms = to.new_dataset::<f64>().shape(picture.dms.len()).obj_track_times(false);
    dms.create("dm_pc_cm3")?.write(&Array1::from_vec(picture.dms.clone()))?;
    let dump_s = plan.grid.dump_s();
    for (name, value) in [
        ("powers_start_s", scan_s + picture.first as f64 * dump_s),
        ("powers_step_s", picture.each as f64 * dump_s),
        ("sigma_start_s", scan_s + picture.plane_first as f64 * dump_s),
        ("sigma_step_s", dump_s),
    ] {
        to.new_attr::<f64>().create(name)?.write_scalar(&value)?;
    }
    Ok(())
}
