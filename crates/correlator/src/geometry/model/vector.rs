//! Vectors and rotations in space.

/// Three components.
pub type Vec3 = [f64; 3];
/// Rows.
pub type Mat3 = [Vec3; 3];

/// Scalar product.
pub fn dot(a: Vec3, b: Vec3) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// Vector product.
pub fn cross(a: Vec3, b: Vec3) -> Vec3 {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// Length.
pub fn norm(a: Vec3) -> f64 {
    dot(a, a).sqrt()
}

/// `a` times `factor`.
pub fn scaled(a: Vec3, factor: f64) -> Vec3 {
    a.map(|x| x * factor)
}

/// `a + b`.
pub fn sum(a: Vec3, b: Vec3) -> Vec3 {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

/// `a - b`.
pub fn difference(a: Vec3, b: Vec3) -> Vec3 {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

/// The unit vector along `a`.
pub fn unit(a: Vec3) -> Vec3 {
    scaled(a, 1.0 / norm(a))
}

/// `m a`.
pub fn rotated(m: &Mat3, a: Vec3) -> Vec3 {
    [dot(m[0], a), dot(m[1], a), dot(m[2], a)]
}

/// The transposed matrix times `a`.
pub fn rotated_back(m: &Mat3, a: Vec3) -> Vec3 {
    [0, 1, 2].map(|i| m[0][i] * a[0] + m[1][i] * a[1] + m[2][i] * a[2])
}
