//! Finds the objects of a detection image, and marks those that are not the central one.

use super::bits;

/// How objects are found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// Pixels above it belong to an object.
    pub threshold: f32,
    /// Smaller objects are noise.
    pub pixels: usize,
    /// How far from the centre the central object may begin (pixels).
    pub reach: f32,
}

/// Room for one image.
#[derive(Debug, Default)]
pub struct Scratch {
    label_p: Vec<u32>,
    open: Vec<usize>,
}

struct Component {
    pixels: usize,
    /// Squared distance of its nearest pixel from the centre.
    distance2: f32,
}

impl Scratch {
    /// Labels the connected pixels (eight neighbours) above the threshold, from 1.
    fn label(&mut self, image: &[f32], width: usize, threshold: f32) -> Vec<Component> {
        let height = image.len() / width;
        let centre = [(width - 1) as f32 / 2.0, (height - 1) as f32 / 2.0];
        self.label_p.clear();
        self.label_p.resize(image.len(), 0);
        let mut found: Vec<Component> = Vec::new();
        for start in 0..image.len() {
            if self.label_p[start] != 0 || image[start].is_nan() || image[start] <= threshold {
                continue;
            }
            let label = found.len() as u32 + 1;
            let mut component = Component { pixels: 0, distance2: f32::INFINITY };
            self.label_p[start] = label;
            self.open.push(start);
            while let Some(at) = self.open.pop() {
                let (x, y) = (at % width, at / width);
                component.pixels += 1;
                let (dx, dy) = (x as f32 - centre[0], y as f32 - centre[1]);
                component.distance2 = component.distance2.min(dx * dx + dy * dy);
                for ny in y.saturating_sub(1)..=(y + 1).min(height - 1) {
                    for nx in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                        let next = ny * width + nx;
                        if self.label_p[next] == 0 && image[next] > threshold {
                            self.label_p[next] = label;
                            self.open.push(next);
                        }
                    }
                }
            }
            found.push(component);
        }
        found
    }
}

/// Sets the bit FOREGROUND of all objects but the central one, in all bands of the mask; returns how many objects that are.
pub fn mark_foreground(
    image: &[f32],
    width: usize,
    detection: Detection,
    mask_bp: &mut [u8],
    scratch: &mut Scratch,
) -> usize {
    let found = scratch.label(image, width, detection.threshold);
    let reach2 = detection.reach * detection.reach;
    let near =
        found.iter().enumerate().filter(|(_, c)| c.distance2 <= reach2 && c.pixels >= detection.pixels);
    let central = near.min_by(|a, b| a.1.distance2.total_cmp(&b.1.distance2)).map(|(index, _)| index);
    let is_foreground: Vec<bool> = (0..found.len())
        .map(|index| Some(index) != central && found[index].pixels >= detection.pixels)
        .collect();
    for mask in mask_bp.chunks_exact_mut(image.len()) {
        for (bits, label) in mask.iter_mut().zip(&scratch.label_p) {
            if *label > 0 && is_foreground[*label as usize - 1] {
                *bits |= bits::FOREGROUND;
            }
        }
    }
    is_foreground.iter().filter(|f| **f).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The slow twin: labels spread from neighbour to neighbour until nothing changes.
    fn slow(image: &[f32], width: usize, threshold: f32) -> Vec<usize> {
        let mut label: Vec<usize> =
            image.iter().enumerate().map(|(i, v)| if *v > threshold { i + 1 } else { 0 }).collect();
        loop {
            let before = label.clone();
            for a in 0..image.len() {
                for b in 0..image.len() {
                    let near = (a % width).abs_diff(b % width) <= 1 && (a / width).abs_diff(b / width) <= 1;
                    if near && label[a] > 0 && label[b] > 0 {
                        label[a] = label[a].min(label[b]);
                    }
                }
            }
            if before == label {
                return label;
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn labels_are_those_of_the_slow_twin(values in prop::collection::vec(0f32..1.0, 70), threshold in 0.3f32..0.9) {
            let mut scratch = Scratch::default();
            scratch.label(&values, 10, threshold);
            let twin = slow(&values, 10, threshold);
            for a in 0..70 {
                prop_assert_eq!(scratch.label_p[a] > 0, twin[a] > 0);
                for b in 0..70 {
                    prop_assert_eq!(scratch.label_p[a] == scratch.label_p[b], twin[a] == twin[b]);
                }
            }
        }
    }

    #[test]
    fn the_central_object_is_kept() {
        let mut image = vec![0f32; 21 * 21];
        let mut put = |x: usize, y: usize| {
            for i in 0..9 {
                image[(y - 1 + i / 3) * 21 + x - 1 + i % 3] = 10.0;
            }
        };
        put(10, 11);
        put(3, 3);
        image[20] = f32::NAN;
        image[400] = 10.0;
        let mut mask = vec![0; 2 * image.len()];
        let detection = Detection { threshold: 3.0, pixels: 5, reach: 4.0 };
        assert_eq!(mark_foreground(&image, 21, detection, &mut mask, &mut Scratch::default()), 1);
        assert_eq!(mask.iter().filter(|b| **b == bits::FOREGROUND).count(), 18);
        assert_eq!((mask[3 * 21 + 3], mask[11 * 21 + 10], mask[400]), (bits::FOREGROUND, 0, 0));
    }
}
