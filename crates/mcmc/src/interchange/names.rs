//! Turns the names that XCLASS, CDMS and CASSIS give species into those of the line lists.

/// The same molecules under other names: those of other programs and of the literature, and ours.
const SAME: [(&str, &str); 22] = [
    ("HCCCN", "HC3N"),
    ("HCOOCH3", "CH3OCHO"),
    ("CH3OCOH", "CH3OCHO"),
    ("CH3CH2CN", "C2H5CN"),
    ("CH2CHCN", "C2H3CN"),
    ("CH3CH2OH", "C2H5OH"),
    ("(CH3)2O", "CH3OCH3"),
    ("(CH3)2CO", "CH3COCH3"),
    ("CH2(OH)CHO", "CH2OHCHO"),
    ("HOCH2CHO", "CH2OHCHO"),
    ("HCOCH2OH", "CH2OHCHO"),
    ("HC(O)NH2", "NH2CHO"),
    ("HCONH2", "NH2CHO"),
    ("HCOOH", "t-HCOOH"),
    ("CH2CO", "H2CCO"),
    ("(CH2OH)2", "gGa-EG"),
    ("gGg-EG", "gGa-EG"),
    ("C2H", "CCH"),
    ("CH3C2H", "CH3CCH"),
    ("c-HCCCH", "c-C3H2"),
    ("HNCO,a-type", "HNCO"),
    ("NNH+", "N2H+"),
];

/// The name without signs of the ground state: "CH3OH;v=0;" gives "CH3OH", "C-13-H3OH;v=0;" "13CH3OH", "HCCCN;v7=1;"
/// "HCCCN_v7", "S-34-O2, v=0" "34SO2". What it cannot read it leaves as it is.
pub fn plain_name(text: &str) -> String {
    let mut parts = text.split([';', ',', '|']).map(str::trim).filter(|part| !part.is_empty());
    let mut name = isotopes_in_front(parts.next().unwrap_or(""));
    for part in parts {
        match part.split_once('=') {
            // Ground states, and entries that hold several states ("vt=0-2").
            Some((_, "0")) => {}
            Some((_, range)) if range.starts_with("0-") || range.starts_with("0,") => {}
            Some((mode, "1")) if mode.starts_with('v') => name = format!("{name}_{mode}"),
            Some((mode, n)) if mode.starts_with('v') => name = format!("{name}_{n}{mode}"),
            _ if part.starts_with('#') || part.chars().all(|c| c.is_ascii_digit()) => {}
            _ => name = format!("{name},{part}"),
        }
    }
    name
}

/// "C-13-H3OH" gives "13CH3OH", "CO-18" "C18O", "S-34-O2" "34SO2": the mass number goes in front of its atom.
fn isotopes_in_front(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    let mut i = 0;
    while i < chars.len() {
        let end = (i + 1..chars.len()).find(|&k| !chars[k].is_ascii_lowercase()).unwrap_or(chars.len());
        let digits = chars[end.min(chars.len())..].iter().skip(1).take_while(|c| c.is_ascii_digit()).count();
        let isotope = chars[i].is_ascii_uppercase() && chars.get(end) == Some(&'-') && digits >= 2;
        let atom: String = chars[i..end].iter().collect();
        if !isotope {
            // Lower-case letters belong to the atom before them only behind a capital: "t-HCOOH" stays.
            out.push(chars[i]);
            i += 1;
            continue;
        }
        out.extend(&chars[end + 1..end + 1 + digits]);
        out.push_str(&atom);
        i = end + 1 + digits;
        i += usize::from(chars.get(i) == Some(&'-'));
    }
    out
}

/// The name in a line list, known by `has`, of what another program calls `text`. None: it is not there.
pub fn listed_name(text: &str, has: impl Fn(&str) -> bool) -> Option<String> {
    let name = plain_name(text);
    let (base, state) = match name.split_once('_') {
        Some((base, state)) => (base.to_owned(), format!("_{state}")),
        None => (name.clone(), String::new()),
    };
    let mut tries = vec![name.clone(), name.replace("HCCC", "HC3")];
    let same = SAME.iter().filter(|(other, _)| *other == base).map(|(_, ours)| format!("{ours}{state}"));
    tries.extend(same);
    // HCCC-13-N is HCC13CN in the lists, not HC313CN.
    tries.into_iter().find(|name| has(name))
}
