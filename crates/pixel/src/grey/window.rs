//! Windows of values.

/// Which stored values become black and white.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Window {
    /// From the lowest to the highest value of the frame, without the outermost 0.01 % at both ends: single hot pixels and padding
    /// values would otherwise leave no range for the rest.
    FrameRange,
    /// The values `centre - width / 2` to `centre + width / 2`, as stored (before Rescale Slope and Intercept).
    Given {
        /// Middle of the range.
        centre: f64,
        /// Width of the range, 0 or above.
        width: f64,
    },
}

impl Window {
    /// The first window that an object stores, in stored values, by the linear function of PS3.3 C.11.2.1.2.1: the values as text of
    /// Window Center (0028,1050) and Window Width (0028,1051), Rescale Slope (0028,1053) and Rescale Intercept (0028,1052), which may be
    /// empty. `None` without a window that can be used.
    #[must_use]
    pub fn stored(centre: &str, width: &str, slope: &str, intercept: &str) -> Option<Self> {
        let number = |values: &str| {
            let first = values.split('\\').next().unwrap_or_default().trim_matches([' ', '\0']);
            first.parse::<f64>().ok().filter(|number| number.is_finite())
        };
        let (centre, width) = (number(centre)?, number(width)?);
        let (slope, intercept) = (number(slope).unwrap_or(1.0), number(intercept).unwrap_or(0.0));
        // Widths below 1 are those of the function LINEAR_EXACT (C.11.2.1.3.2).
        let (centre, width) = if width < 1.0 { (centre, width) } else { (centre - 0.5, width - 1.0) };
        let (centre, width) = ((centre - intercept) / slope, width / slope.abs());
        (centre.is_finite() && width.is_finite() && width >= 0.0).then_some(Self::Given { centre, width })
    }
}
