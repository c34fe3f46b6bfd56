//! Lines of samples and their decoding (T.87 A.3 to A.7, B).

use super::CodecError;
use super::bits::BitReader;
use super::context::{Interruption, Regular};
use super::parameters::Parameters;

/// The order of the run lengths by run index (A.7.1.1).
const RUN_ORDER: [u32; 32] =
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// One line with a sample more at either side.
#[derive(Clone)]
pub(super) struct Line(Vec<u16>);

impl Line {
    pub(super) fn new(columns: usize) -> Self {
        Self(vec![0; columns + 2])
    }

    fn get(&self, place: usize) -> i32 {
        self.0.get(place).copied().map_or(0, i32::from)
    }

    fn set(&mut self, place: usize, value: i32) {
        if let (Some(sample), Ok(value)) = (self.0.get_mut(place), u16::try_from(value)) {
            *sample = value;
        }
    }

    /// The sample left of the first one is the first one of the line above (A.2.1).
    pub(super) fn start_below(&mut self, above: &Self) {
        self.set(0, above.get(1));
    }

    /// The sample right of the last one is the last one.
    pub(super) fn close(&mut self) {
        let columns = self.0.len() - 2;
        self.set(columns + 1, self.get(columns));
    }

    pub(super) fn samples(&self) -> &[u16] {
        self.0.get(1..self.0.len() - 1).unwrap_or_default()
    }
}

/// The neighbours of a sample: left, above, above left, above right.
#[derive(Clone, Copy)]
struct Neighbours {
    a: i32,
    b: i32,
    c: i32,
    d: i32,
}

impl Neighbours {
    fn of(line: &Line, above: &Line, place: usize) -> Self {
        Self { a: line.get(place - 1), b: above.get(place), c: above.get(place - 1), d: above.get(place + 1) }
    }

    /// The context (A.3.4): negative when the signs are turned, 0 for a run.
    fn context(&self, parameters: &Parameters) -> i32 {
        let quantise = |gradient| parameters.quantise(gradient);
        81 * quantise(self.d - self.b) + 9 * quantise(self.b - self.c) + quantise(self.c - self.a)
    }

    /// The median edge detector (A.4.1).
    fn predict(&self) -> i32 {
        let (low, high) = (self.a.min(self.b), self.a.max(self.b));
        if self.c >= high {
            low
        } else if self.c <= low {
            high
        } else {
            self.a + self.b - self.c
        }
    }
}

/// The state of one scan.
pub(super) struct Scan<'p> {
    parameters: &'p Parameters,
    regular: Vec<Regular>,
    interruptions: [Interruption; 2],
    /// One for each component; samples interleaved share the first.
    run_index: Vec<usize>,
}

impl<'p> Scan<'p> {
    pub(super) fn new(parameters: &'p Parameters, components: usize) -> Self {
        Self {
            parameters,
            regular: vec![Regular::new(parameters); 365],
            interruptions: [Interruption::new(0, parameters), Interruption::new(1, parameters)],
            run_index: vec![0; components],
        }
    }

    /// One line of one component.
    pub(super) fn decode_line(
        &mut self,
        reader: &mut BitReader<'_>,
        component: usize,
        line: &mut Line,
        above: &Line,
    ) -> Result<(), CodecError> {
        let columns = line.0.len() - 2;
        let mut place = 1;
        while place <= columns {
            let near = Neighbours::of(line, above, place);
            let context = near.context(self.parameters);
            if context != 0 {
                line.set(place, self.regular_sample(reader, near, context)?);
                place += 1;
                continue;
            }
            let run = self.run_length(reader, component, columns + 1 - place)?;
            for _ in 0..run {
                line.set(place, near.a);
                place += 1;
            }
            if place <= columns {
                let b = above.get(place);
                let kind = usize::from((near.a - b).abs() <= self.parameters.near);
                let error = self.interruption(reader, component, kind)?;
                let sample = match kind {
                    1 => self.parameters.reconstruct(near.a, error),
                    _ => self.parameters.reconstruct(b, if b < near.a { -error } else { error }),
                };
                line.set(place, sample);
                place += 1;
                self.shorten_run(component);
            }
        }
        Ok(())
    }

    /// One line of all components, sample by sample: a run goes on while all components do.
    pub(super) fn decode_samples(
        &mut self,
        reader: &mut BitReader<'_>,
        lines: &mut [Line],
        above: &[Line],
    ) -> Result<(), CodecError> {
        let columns = lines.first().map_or(0, |line| line.0.len() - 2);
        let mut place = 1;
        while place <= columns {
            let near: Vec<Neighbours> =
                lines.iter().zip(above).map(|(line, above)| Neighbours::of(line, above, place)).collect();
            let contexts: Vec<i32> = near.iter().map(|near| near.context(self.parameters)).collect();
            if contexts.iter().any(|&context| context != 0) {
                for ((line, near), context) in lines.iter_mut().zip(near).zip(contexts) {
                    line.set(place, self.regular_sample(reader, near, context)?);
                }
                place += 1;
                continue;
            }
            let run = self.run_length(reader, 0, columns + 1 - place)?;
            for (line, near) in lines.iter_mut().zip(&near) {
                (place..place + run).for_each(|place| line.set(place, near.a));
            }
            place += run;
            if place <= columns {
                for ((line, above), near) in lines.iter_mut().zip(above).zip(&near) {
                    let b = above.get(place);
                    let error = self.interruption(reader, 0, 0)?;
                    line.set(place, self.parameters.reconstruct(b, if b < near.a { -error } else { error }));
                }
                place += 1;
                self.shorten_run(0);
            }
        }
        Ok(())
    }

    fn regular_sample(
        &mut self,
        reader: &mut BitReader<'_>,
        near: Neighbours,
        context: i32,
    ) -> Result<i32, CodecError> {
        let parameters = self.parameters;
        let sign = if context < 0 { -1 } else { 1 };
        let regular = self
            .regular
            .get_mut(context.unsigned_abs() as usize)
            .ok_or(CodecError::Damaged("JPEG-LS context"))?;
        let predicted = (near.predict() + sign * regular.correction()).clamp(0, parameters.maxval);
        let k = regular.k();
        let code = reader.golomb(k, parameters.limit, parameters.qbpp)?;
        let error = regular.error(code, k, parameters.near);
        regular.update(error, parameters);
        Ok(parameters.reconstruct(predicted, sign * error))
    }

    /// The length of a run of at most `most` samples (A.7.1.2).
    fn run_length(
        &mut self,
        reader: &mut BitReader<'_>,
        component: usize,
        most: usize,
    ) -> Result<usize, CodecError> {
        let index = self.run_index.get_mut(component).ok_or(CodecError::Damaged("JPEG-LS components"))?;
        let mut run = 0;
        while reader.take(1)? == 1 {
            let step = 1 << run_order(*index);
            if run + step <= most && *index < 31 {
                *index += 1;
            }
            run = (run + step).min(most);
            if run == most {
                return Ok(run);
            }
        }
        run += reader.take(run_order(*index))? as usize;
        // A run that is broken off leaves room for the sample that breaks it.
        if run >= most { Err(CodecError::Damaged("JPEG-LS run")) } else { Ok(run) }
    }

    /// The error of the sample that ends a run.
    fn interruption(
        &mut self,
        reader: &mut BitReader<'_>,
        component: usize,
        kind: usize,
    ) -> Result<i32, CodecError> {
        let order = run_order(self.run_index.get(component).copied().unwrap_or(0));
        let context = self.interruptions.get_mut(kind).ok_or(CodecError::Damaged("JPEG-LS context"))?;
        let k = context.k();
        let limit = self.parameters.limit.saturating_sub(order + 1);
        let code = reader.golomb(k, limit, self.parameters.qbpp)?;
        Ok(context.error(code, k, self.parameters))
    }

    fn shorten_run(&mut self, component: usize) {
        if let Some(index) = self.run_index.get_mut(component) {
            *index = index.saturating_sub(1);
        }
    }
}

fn run_order(index: usize) -> u32 {
    RUN_ORDER.get(index).copied().unwrap_or(15)
}
