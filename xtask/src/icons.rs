//! The icons in `icons/`, from the drawings in `icons/src`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use crate::process;

/// At these sizes and below the drawing on the pixel grid is clearer.
const SMALL: u32 = 48;

const TRAY_SIZE: u32 = 32;
const TRAY_STATES: &[&str] = &["idle", "working", "open", "ending", "failed", "signed-out"];
/// Ending of the file's name, and the colours that go over the drawing's own (a light panel's).
const TRAY_LOOKS: &[(&str, Option<&str>)] =
    &[("", None), ("-dark", Some("dark.css")), ("-template", Some("template.css"))];

/// Renders all of them.
pub(crate) fn render() -> anyhow::Result<()> {
    for (name, size) in [("32x32.png", 32), ("128x128.png", 128), ("128x128@2x.png", 256), ("icon.png", 512)] {
        write(name, &app(size)?)?;
    }
    write("icon.ico", &ico(&images([16, 24, 32, 48, 64, 256])?))?;
    write("icon.icns", &icns(&images([32, 64, 128, 256, 512, 1024])?))?;
    for state in TRAY_STATES {
        for (ending, colours) in TRAY_LOOKS {
            write(&format!("tray/{state}{ending}.png"), &png(&format!("tray-{state}.svg"), TRAY_SIZE, *colours)?)?;
        }
    }
    Ok(())
}

fn folder() -> PathBuf {
    process::root().join("icons")
}

fn write(name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let file = folder().join(name);
    file.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::write(&file, bytes).with_context(|| format!("could not write {}", file.display()))?;
    println!("icons/{name}");
    Ok(())
}

/// The application's icon as PNG.
fn app(size: u32) -> anyhow::Result<Vec<u8>> {
    png(if size <= SMALL { "app-small.svg" } else { "app.svg" }, size, None)
}

fn png(drawing: &str, size: u32, colours: Option<&str>) -> anyhow::Result<Vec<u8>> {
    let source = folder().join("src");
    let size = size.to_string();
    let mut render = process::command("rsvg-convert");
    render.args(["--width", &size, "--height", &size]);
    if let Some(colours) = colours {
        render.arg("--stylesheet").arg(source.join(colours));
    }
    process::output(render.arg(Path::new(&source).join(drawing)))
        .context("icons are rendered by rsvg-convert (Debian: librsvg2-bin)")
}

/// A square image: its size in pixels, and it as PNG.
struct Image {
    size: u32,
    png: Vec<u8>,
}

fn images<const N: usize>(sizes: [u32; N]) -> anyhow::Result<Vec<Image>> {
    sizes.into_iter().map(|size| Ok(Image { size, png: app(size)? })).collect()
}

/// Windows' container: a table of 16 bytes for each image, then the images.
fn ico(images: &[Image]) -> Vec<u8> {
    let mut file = vec![0, 0, 1, 0];
    file.extend(u16_of(images.len()).to_le_bytes());
    let mut offset = 6 + 16 * images.len();
    for image in images {
        let side = u8::try_from(image.size).unwrap_or(0); // 0 stands for 256
        file.extend([side, side, 0, 0, 1, 0, 32, 0]);
        file.extend(u32_of(image.png.len()).to_le_bytes());
        file.extend(u32_of(offset).to_le_bytes());
        offset += image.png.len();
    }
    file.extend(images.iter().flat_map(|image| &image.png));
    file
}

/// macOS' container: a kind, a length and the image, for each use of a size (twice the points are a Retina display's).
fn icns(images: &[Image]) -> Vec<u8> {
    let mut body = Vec::new();
    for image in images {
        let kinds: &[&[u8; 4]] = match image.size {
            32 => &[b"ic11"],
            64 => &[b"ic12"],
            128 => &[b"ic07"],
            256 => &[b"ic13", b"ic08"],
            512 => &[b"ic14", b"ic09"],
            1024 => &[b"ic10"],
            _ => &[],
        };
        for kind in kinds {
            body.extend(*kind);
            body.extend(u32_of(8 + image.png.len()).to_be_bytes());
            body.extend(&image.png);
        }
    }
    let mut file = b"icns".to_vec();
    file.extend(u32_of(8 + body.len()).to_be_bytes());
    file.extend(body);
    file
}

fn u16_of(number: usize) -> u16 {
    u16::try_from(number).expect("an icon has a handful of images")
}

fn u32_of(number: usize) -> u32 {
    u32::try_from(number).expect("an icon is far smaller than 4 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(size: u32, png: &[u8]) -> Image {
        Image { size, png: png.to_vec() }
    }

    #[test]
    fn an_ico_points_at_each_of_its_images_and_writes_256_as_0() {
        let file = ico(&[image(16, b"small"), image(256, b"large")]);
        assert_eq!(file[..6], [0, 0, 1, 0, 2, 0]);
        assert_eq!(file[6..22], [16, 16, 0, 0, 1, 0, 32, 0, 5, 0, 0, 0, 38, 0, 0, 0]);
        assert_eq!(file[22..38], [0, 0, 0, 0, 1, 0, 32, 0, 5, 0, 0, 0, 43, 0, 0, 0]);
        assert_eq!(&file[38..], b"smalllarge");
    }

    #[test]
    fn an_icns_says_its_own_length_and_that_of_each_image() {
        assert_eq!(icns(&[image(128, b"png")]), *b"icns\0\0\0\x13ic07\0\0\0\x0bpng");
        let twice = icns(&[image(256, b"p")]);
        assert!(twice.windows(4).any(|kind| kind == b"ic13") && twice.windows(4).any(|kind| kind == b"ic08"));
    }
}
