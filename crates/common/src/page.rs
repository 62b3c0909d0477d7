//! Pieces of a self-contained HTML page: text, tables, pictures inlined as base64; no script, nothing from the network.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A picture cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path}", path = path.display())]
pub struct ReadError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub source: std::io::Error,
}

/// Text as HTML and XML have it.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// A cell of a table.
pub enum Cell {
    /// Text, to the left.
    Text(String),
    /// A number or other text, to the right.
    Number(String),
    /// HTML, to the right.
    Html(String),
}

/// A page that grows from the top.
pub struct Page {
    title: String,
    contents: String,
    body: String,
}

impl Page {
    /// A page without anything but its title.
    pub fn new(title: &str) -> Self {
        Self { title: escaped(title), contents: String::new(), body: String::new() }
    }

    /// Starts a section, which the contents at the top name.
    pub fn section(&mut self, name: &str) -> &mut Self {
        let id: String =
            name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        // Writing to a String cannot fail.
        let _ = write!(self.contents, "<a href=\"#{id}\">{}</a>", escaped(name));
        let _ = writeln!(self.body, "<h2 id=\"{id}\">{}</h2>", escaped(name));
        self
    }

    /// A paragraph of text.
    pub fn paragraph(&mut self, text: &str) -> &mut Self {
        let _ = writeln!(self.body, "<p>{}</p>", escaped(text));
        self
    }

    /// A box that stands out: `class` is "good", "bad" or "note".
    pub fn note(&mut self, class: &str, text: &str) -> &mut Self {
        let _ = writeln!(self.body, "<p class=\"box {class}\">{}</p>", escaped(text));
        self
    }

    /// A table with a head.
    pub fn table(&mut self, heads: &[&str], rows: impl Iterator<Item = Vec<Cell>>) -> &mut Self {
        self.body.push_str("<div class=\"scroll\"><table><thead><tr>");
        for head in heads {
            let _ = write!(self.body, "<th>{}</th>", escaped(head));
        }
        self.body.push_str("</tr></thead><tbody>\n");
        for row in rows {
            self.body.push_str("<tr>");
            for cell in row {
                let _ = match cell {
                    Cell::Text(text) => write!(self.body, "<td>{}</td>", escaped(&text)),
                    Cell::Number(text) => write!(self.body, "<td class=\"n\">{}</td>", escaped(&text)),
                    Cell::Html(html) => write!(self.body, "<td class=\"n\">{html}</td>"),
                };
            }
            self.body.push_str("</tr>\n");
        }
        self.body.push_str("</tbody></table></div>\n");
        self
    }

    /// A PNG file inlined, with what is to be seen on it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn picture(&mut self, path: &Path, caption: &str) -> Result<&mut Self, ReadError> {
        let bytes = std::fs::read(path).map_err(|source| ReadError { path: path.to_path_buf(), source })?;
        let data = STANDARD.encode(bytes);
        let caption = escaped(caption);
        let _ = writeln!(
            self.body,
            "<figure><img alt=\"{caption}\" src=\"data:image/png;base64,{data}\"><figcaption>{caption}</figcaption></figure>"
        );
        Ok(self)
    }

    /// Text that is shown on demand, as it is.
    pub fn details(&mut self, summary: &str, text: &str) -> &mut Self {
        let (summary, text) = (escaped(summary), escaped(text));
        let _ = writeln!(self.body, "<details><summary>{summary}</summary><pre>{text}</pre></details>");
        self
    }

    /// The whole page.
    pub fn finish(&self) -> String {
        let Self { title, contents, body } = self;
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
             <style>{STYLE}</style>\n</head>\n<body>\n<header><h1>{title}</h1><nav>{contents}</nav></header>\n\
             <main>\n{body}</main>\n</body>\n</html>\n"
        )
    }
}

const STYLE: &str = "
:root{color-scheme:light}
*{box-sizing:border-box}
body{margin:0;font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;color:#23232a;background:#fff}
header{padding:28px 4vw 14px;border-bottom:1px solid #d9dde4;background:#f6f8fb}
h1{margin:0 0 10px;font-size:1.6rem;font-weight:600}
nav a{display:inline-block;margin:0 18px 4px 0;color:#0b5fa5;text-decoration:none}
nav a:hover{text-decoration:underline}
main{max-width:1500px;margin:0 auto;padding:10px 4vw 60px}
h2{margin:40px 0 10px;padding-bottom:4px;font-size:1.25rem;font-weight:600;border-bottom:1px solid #e4e7ec}
p{margin:8px 0;max-width:75em}
.box{padding:9px 14px;border-left:4px solid #8a93a3;background:#f3f5f8;border-radius:3px}
.good{border-color:#00916e;background:#eaf6f2}
.bad{border-color:#cc1e2d;background:#fcecee}
.scroll{overflow-x:auto;margin:12px 0}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:5px 14px;text-align:left;border-bottom:1px solid #e4e7ec;white-space:nowrap;vertical-align:middle}
th{font-weight:600;background:#f6f8fb;border-bottom:2px solid #c6ccd6}
td.n{text-align:right}
.pm{display:inline-flex;flex-direction:column;vertical-align:middle;margin-left:3px;line-height:1.15;font-size:.72em;text-align:left}
.pm sup,.pm sub{position:static;font-size:1em;line-height:1.15;vertical-align:baseline}
small{color:#667}
figure{margin:18px 0}
img{max-width:100%;height:auto;border:1px solid #e4e7ec}
figcaption{color:#556;font-size:.9rem}
pre{overflow-x:auto;padding:12px;background:#f6f8fb;border:1px solid #e4e7ec;font-size:.85rem;line-height:1.4}
summary{cursor:pointer;color:#0b5fa5;margin:8px 0}
@media print{nav{display:none}header{background:none}}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_becomes_markup() {
        let mut page = Page::new("a < b");
        page.section("One & two")
            .paragraph("<script>")
            .table(&["x"], [vec![Cell::Text("\"".to_owned())]].into_iter());
        let html = page.finish();
        assert!(html.contains("<title>a &lt; b</title>") && html.contains("<td>&quot;</td>"));
        assert!(html.contains("href=\"#one---two\"") && !html.contains("<script"));
        assert!(page.picture(Path::new("/nowhere/x.png"), "").is_err());
    }
}
